/* The source's thread, and the bounded queue between it and the loop.
 *
 *     feeder_start -> { poll feeder_fd; feeder_check; feeder_take ...; feeder_release } -> feeder_stop
 *
 * The thread opens and seeks the source, then calls next until it is stopped. Each batch is charged (batch_bytes) from
 * the moment it is queued until feeder_release gives its bytes back, and the thread waits while another batch would
 * exceed the budget; a batch that is larger than the budget by itself passes when nothing else is held. ERR_AGAIN never
 * leaves the thread: it says so once, pauses (bridge/outage.h) and tries again. Any other error ends the thread and is
 * given to the loop by feeder_check.
 *
 * Threads: all functions are the loop's but the two that say so. The source is used by the feeder's thread alone, but
 * for source_ops.stop, status and request, which reach it once open has returned: a source's open must not wait for its
 * server. Memory: the feeder owns queued batches and the source. Errors: as given by the source, with "source: " before
 * them.
 */
#ifndef TIDINGS_BRIDGE_FEEDER_H
#define TIDINGS_BRIDGE_FEEDER_H

#include "bridge/outage.h"
#include "core/source.h"

struct feeder;

struct feeder_parts {
	const struct source_ops *ops;
	const void *config;  /* for ops->open */
	struct state *state; /* read by ops->seek; nothing may be committed before the first batch is taken */
	size_t budget_bytes;
	struct outage *outage; /* of the source; it outlives the feeder */
};

/* Starts the thread. Returns 0 and *feeder, or ERR_FATAL. */
int feeder_start(const struct feeder_parts *parts, struct feeder **feeder, struct err *err);

/* To be polled for reading: there is a batch or the thread has ended. The same from start to stop. */
int feeder_fd(const struct feeder *feeder);

/* Makes the fd unreadable; call it before feeder_take. Returns 0 while the source goes on, or what ended it. */
int feeder_check(struct feeder *feeder, struct err *err);

/* The oldest batch, now the caller's, or NULL. */
struct batch *feeder_take(struct feeder *feeder);

/* Gives back bytes of batches that were taken: what of them is now freed. */
void feeder_release(struct feeder *feeder, size_t n_bytes);

/* Bytes of batches that are queued, or taken and not released. */
size_t feeder_held_bytes(struct feeder *feeder);

/* What the source says of itself; nothing while there is none. From any thread. */
void feeder_report(struct feeder *feeder, struct report *report);

/* Asks the source for something (core/source.h). From any thread. Returns 0, ERR_BAD or ERR_AGAIN. */
int feeder_request(struct feeder *feeder, const struct source_request *request, struct err *err);

/* Stops the source, waits for the thread (about 1 s at the most), frees everything. NULL is accepted. */
void feeder_stop(struct feeder *feeder);

#endif
