/* What takes long, on the bottom line of a terminal (log_progress): records per second, items listed, entries to go.
 *
 *     progress_turn(&progress, vitals) after every turn;  poll at most progress_timeout_ms
 *
 * Nothing where standard error is no terminal. One thread. */
#ifndef TIDINGS_BRIDGE_PROGRESS_H
#define TIDINGS_BRIDGE_PROGRESS_H

#include "bridge/vitals.h"

struct progress {
	int64_t shown_at_ms;
	uint64_t n_acknowledged; /* when it was last looked at */
	bool shown;
};

void progress_turn(struct progress *progress, struct vitals *vitals);
void progress_clear(struct progress *progress);

/* The same or sooner; -1: no limit. */
int progress_timeout_ms(const struct progress *progress, int timeout_ms);

/* What the line says of a report, in the report's arena; "": nothing takes long. */
const char *progress_text(const struct report *report, uint64_t per_second);

#endif
