/* A peer that cannot be reached: said once when it begins, once when it is over, and how long to wait between attempts.
 *
 *     while ((rc = attempt(&err)) == ERR_AGAIN) wait(outage_failed(&outage, &err));
 *     outage_over(&outage);
 *
 * Pauses double from 0.2 s to 30 s, with jitter, and start anew after ten seconds in which it worked: what works only
 * for moments is not hammered. Nothing is allocated. One thread, but for outage_report. */
#ifndef TIDINGS_BRIDGE_OUTAGE_H
#define TIDINGS_BRIDGE_OUTAGE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"
#include "core/report.h"

struct outage {
	const char *peer; /* "source", for the log */
	bool said;
	int n_failures;
	int64_t began_at_ms, over_at_ms;

	pthread_mutex_t mutex; /* of all that follows: what is told of it */
	bool reached, was_reached;
	int64_t since; /* unix seconds; 0: nothing was tried yet */
	uint64_t n_reconnects;
	char text[sizeof((struct err *)0)->text]; /* "": there is no outage */
};

#define OUTAGE_OF(name)                                                                                                \
	(struct outage)                                                                                                \
	{                                                                                                              \
		.peer = name, .mutex = PTHREAD_MUTEX_INITIALIZER                                                       \
	}

/* Notes an attempt that failed; milliseconds to wait before the next. */
int outage_failed(struct outage *outage, const struct err *err);

/* The peer answers again, or still does. */
void outage_over(struct outage *outage);

/* Adds `connected`, `since`, `outage` (while there is one) and `reconnects`, `n_more` more than are known here. From
 * any thread. What is already in the report stays. */
void outage_report(struct outage *outage, uint64_t n_more, struct report *report);

#endif
