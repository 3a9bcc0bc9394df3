#include "bridge/outage.h"

#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#include "bridge/clock.h"
#include "bridge/log.h"
#include "bridge/notify.h"
#include "core/step.h"

enum { FIRST_PAUSE_MS = 200, LAST_PAUSE_MS = 30000, MAX_DOUBLINGS = 8, FORGET_MS = 10000 };

/* Between half of the pause and all of it: many daemons must not come back in the same moment. */
static int with_jitter(int pause_ms)
{
	uint16_t random = 0;
	if (getrandom(&random, sizeof random, GRND_NONBLOCK) < 0)
		random = (uint16_t)clock_ms();
	return pause_ms / 2 + (int)((int64_t)random * (pause_ms - pause_ms / 2) / UINT16_MAX);
}

static int next_pause_ms(int n_failures)
{
	int doublings = n_failures < MAX_DOUBLINGS ? n_failures : MAX_DOUBLINGS;
	int pause_ms = (int)STEP_LIMIT(FIRST_PAUSE_MS) << doublings, last_ms = (int)STEP_LIMIT(LAST_PAUSE_MS);
	return with_jitter(pause_ms < last_ms ? pause_ms : last_ms);
}

/* ---- what is told ---- */

static void tell(struct outage *outage, bool reached, const char *text)
{
	pthread_mutex_lock(&outage->mutex);
	if (reached != outage->reached || !outage->since)
		outage->since = time(NULL);
	if (reached && !outage->reached && outage->was_reached)
		outage->n_reconnects++;
	outage->reached = reached;
	outage->was_reached |= reached;
	snprintf(outage->text, sizeof outage->text, "%s", text);
	pthread_mutex_unlock(&outage->mutex);
}

void outage_report(struct outage *outage, uint64_t n_more, struct report *report)
{
	pthread_mutex_lock(&outage->mutex);
	if (!report_find(report, "connected"))
		report_truth(report, "connected", outage->reached);
	if (!report_find(report, "since") && outage->since)
		report_number(report, "since", outage->since);
	if (!report_find(report, "outage") && outage->text[0])
		report_text(report, "outage", "%s", outage->text);
	report_number(report, "reconnects", (int64_t)(outage->n_reconnects + n_more));
	pthread_mutex_unlock(&outage->mutex);
}

/* ---- the outage ---- */

int outage_failed(struct outage *outage, const struct err *err)
{
	int64_t now_ms = clock_ms();
	if (outage->reached && now_ms - outage->over_at_ms > FORGET_MS)
		outage->n_failures = 0;
	tell(outage, false, err->text);
	if (outage->said) {
		log_debug("%s: %s", outage->peer, err->text);
	} else {
		log_warning("%s: %s; retrying", outage->peer, err->text);
		notify(NULL, "%s: %s; retrying", outage->peer, err->text);
		outage->said = true;
		outage->began_at_ms = now_ms;
	}
	return next_pause_ms(outage->n_failures++);
}

void outage_over(struct outage *outage)
{
	if (!outage->reached) { /* only this thread changes it */
		outage->over_at_ms = clock_ms();
		tell(outage, true, "");
	}
	if (!outage->said)
		return;
	outage->said = false;
	log_info("%s: back after %lld s", outage->peer, (long long)(clock_ms() - outage->began_at_ms + 500) / 1000);
	notify(NULL, "%s: back", outage->peer);
}
