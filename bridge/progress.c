#include "bridge/progress.h"

#include <inttypes.h>
#include <unistd.h>

#include "bridge/clock.h"

enum { EVERY_MS = 500 };

static int64_t number_in(const struct report *group, const char *name)
{
	const struct report *value = report_find(group, name);
	return value ? value->number : 0;
}

static const char *listing_text(const struct report *source, struct arena *arena)
{
	const struct report *list = report_find(source, "snapshots");
	int64_t n_done = 0, n_total = 0;
	if (!list || !list->first)
		return "";
	for (const struct report *row = list->first; row; row = row->next) {
		n_done += number_in(row, "done");
		n_total += number_in(row, "total");
	}
	return arena_text(arena, "snapshot: %" PRId64 " of %" PRId64 " items; ", n_done, n_total);
}

const char *progress_text(const struct report *report, uint64_t per_second)
{
	const struct report *source = report_find(report, "source"), *sink = report_find(report, "sink");
	struct arena *arena = report->arena;
	const char *listing = listing_text(source, arena);
	int64_t lag = number_in(source, "lag"), unacknowledged = number_in(sink, "unacknowledged");
	if (!*listing && !lag && !unacknowledged && !per_second)
		return "";
	const char *backlog = lag ? arena_text(arena, "%" PRId64 " entries to go; ", lag) : "";
	return arena_text(arena, "%s%s%" PRIu64 " records/s%s", listing, backlog, per_second,
			  number_in(sink, "busy") ? "; the sink is busy" : "");
}

void progress_turn(struct progress *progress, struct vitals *vitals)
{
	int64_t now_ms = clock_ms(), passed_ms = now_ms - progress->shown_at_ms;
	if (passed_ms < EVERY_MS || !isatty(STDERR_FILENO))
		return;
	uint64_t n = vitals_counts(vitals).n_acknowledged, n_new = n - progress->n_acknowledged;
	bool is_first = !progress->shown_at_ms;
	progress->shown_at_ms = now_ms;
	progress->n_acknowledged = n;
	if (is_first)
		return;
	struct report *report = vitals_report(vitals);
	const char *text = progress_text(report, n_new * 1000 / (uint64_t)passed_ms);
	log_progress(text);
	progress->shown = *text;
	report_free(report);
}

void progress_clear(struct progress *progress)
{
	if (progress->shown)
		log_progress(NULL);
	progress->shown = false;
}

int progress_timeout_ms(const struct progress *progress, int timeout_ms)
{
	return progress->shown && (timeout_ms < 0 || timeout_ms > EVERY_MS) ? EVERY_MS : timeout_ms;
}
