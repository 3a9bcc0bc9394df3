/* A batch: consecutive changes of one stream and what they do to the state. It is the unit of commit: everything in it
 * is committed together or not at all.
 *
 *     source thread: batch_new -> batch_change ... batch_put ... -> handed over by source_ops.next
 *     loop thread:   pipeline sends it, commits `puts`, batch_free
 *
 * The batch's arena owns every byte that it points to, and later the encoded records. One owner at a time. A source
 * closes a batch at BATCH_CHANGES, or as soon as it has nothing more at hand, and after BATCH_AGE_MS at the latest. */
#ifndef TIDINGS_CORE_BATCH_H
#define TIDINGS_CORE_BATCH_H

#include "core/arena.h"
#include "core/change.h"
#include "core/state.h"

enum { BATCH_CHANGES = 256, BATCH_AGE_MS = 100 };

struct batch {
	struct arena arena;
	const char *stream; /* for logs: "contents/<store>/<folder>" */

	struct change *changes;
	size_t n_changes, room_changes;

	struct lifecycle *lifecycle; /* published after the changes */
	size_t n_lifecycle;

	struct put_list puts; /* the stream's new position and the entries that the changes alter */

	size_t n_entries;  /* of the journal or listing that it stands for, before collapsing */
	size_t n_gone;     /* upserts dropped because the item was gone when it was read; its delete follows */
	size_t n_late;     /* entries that became visible only after their ids were taken for settled */
	size_t n_filtered; /* entries of what is not followed */

	size_t charged_bytes; /* the pipeline's note of what its budget holds for the batch */
};

/* An empty batch; `stream` is copied. */
struct batch *batch_new(const char *stream);

/* NULL is accepted. */
void batch_free(struct batch *batch);

/* Frees all but the puts: what a batch still is when each of its records was answered. */
void batch_keep_puts(struct batch *batch);

/* Adds a cleared change and returns it; valid until the next batch_change of this batch. */
struct change *batch_change(struct batch *batch);

/* Adds a lifecycle event; text, store and folder must live in the batch's arena. */
struct lifecycle *batch_lifecycle(struct batch *batch, enum lifecycle_type type);

/* Sets or removes a state entry; key and value are copied. A later put of the same key wins. */
void batch_put(struct batch *batch, struct slice key, struct slice value);
void batch_remove(struct batch *batch, struct slice key);

/* Bytes to charge to the memory budget: the batch, its records once they are encoded, and what a sink adds to them. */
size_t batch_bytes(const struct batch *batch);

#endif
