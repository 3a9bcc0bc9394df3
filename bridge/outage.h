/* A peer that cannot be reached: said once when it begins, once when it is over, and how long to wait between attempts.
 *
 *     while ((rc = attempt(&err)) == ERR_AGAIN) wait(outage_failed(&outage, &err));
 *     outage_over(&outage);
 *
 * Pauses double from 0.2 s to 30 s, with jitter, and start anew after a minute without failure: what works only for
 * moments is not hammered. Nothing is allocated. One thread. */
#ifndef TIDINGS_BRIDGE_OUTAGE_H
#define TIDINGS_BRIDGE_OUTAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"

struct outage {
	const char *peer; /* "source", for the log */
	bool said;
	int n_failures;
	int64_t began_at_ms, failed_at_ms;
};

/* Notes an attempt that failed; milliseconds to wait before the next. */
int outage_failed(struct outage *outage, const struct err *err);

/* The peer answers again, or still does. */
void outage_over(struct outage *outage);

#endif
