/* Which batches are complete up to the head. One queue over all streams, in the order in which they were queued; pure.
 *
 *     flight = inflight_add(batch); inflight_sent(flight) per record ...; inflight_seal(flight)   [all of it was sent]
 *     inflight_answered(flight) per acknowledgement
 *     while ((batch = inflight_take(...))) the batch may be committed
 *
 * A batch is complete when it is sealed and as many records were answered as sent; it can be taken only when every
 * batch before it was. One without records is complete when sealed, but waits its turn like any other. */
#ifndef TIDINGS_CORE_INFLIGHT_H
#define TIDINGS_CORE_INFLIGHT_H

#include <stdbool.h>
#include <stddef.h>

struct batch;
struct flight; /* one batch under way; dies when its batch is taken */

struct inflight {
	struct flight *head, *tail;
	size_t n_batches;
	size_t n_unanswered; /* records */
};

/* A zeroed struct inflight is an empty one. */

/* Takes the batch; the flight lives until the batch is taken or the queue is cleared. */
struct flight *inflight_add(struct inflight *inflight, struct batch *batch);

void inflight_sent(struct inflight *inflight, struct flight *flight);
void inflight_answered(struct inflight *inflight, struct flight *flight);
void inflight_seal(struct flight *flight);

/* The head's batch if it is complete, now the caller's; else NULL. */
struct batch *inflight_take(struct inflight *inflight);

/* Frees every batch and flight. */
void inflight_clear(struct inflight *inflight);

#endif
