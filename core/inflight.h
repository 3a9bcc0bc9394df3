/* Which batches are complete up to the head. One queue over all streams, in the order in which they were queued; pure.
 *
 *     flight = inflight_add(batch); inflight_expect(flight) per record ...; inflight_seal(flight)
 *     inflight_answered(flight) per acknowledgement
 *     while ((batch = inflight_take(...))) the batch may be committed
 *
 * A batch is complete when it is sealed and every answer that it expects has come; it can be taken only when every
 * batch before it was. One without records is complete when sealed, but waits its turn like any other. A record is
 * expected from when it is made, not from when it is sent: one that waits for a busy sink holds its batch too. */
#ifndef TIDINGS_CORE_INFLIGHT_H
#define TIDINGS_CORE_INFLIGHT_H

#include <stdbool.h>
#include <stddef.h>

struct batch;
struct flight; /* one batch under way; dies when its batch is taken */

struct inflight {
	struct flight *head, *tail;
	size_t n_batches;
	size_t n_unanswered; /* records, those not yet sent included */
};

/* A zeroed struct inflight is an empty one. */

/* Takes the batch; the flight lives until the batch is taken or the queue is cleared. */
struct flight *inflight_add(struct inflight *inflight, struct batch *batch);

void inflight_expect(struct inflight *inflight, struct flight *flight);
void inflight_answered(struct inflight *inflight, struct flight *flight);
void inflight_seal(struct flight *flight);

/* The batches queued after this one, in order; NULL at the end. */
const struct flight *flight_next(const struct flight *flight);
const struct batch *flight_batch(const struct flight *flight);

/* The head's batch if it is complete, now the caller's; else NULL. */
struct batch *inflight_take(struct inflight *inflight);

/* Frees every batch and flight. */
void inflight_clear(struct inflight *inflight);

#endif
