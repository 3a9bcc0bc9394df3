/* The state: what must survive the process. Keys and values are bytes; their owners define them:
 *
 *     position/<stream>      where a stream goes on; the source's
 *     taken/<stream>/<...>   what of it was published beyond that position; it goes with the position
 *     folder/<source key>    the folder map; the source's
 *     ends/sink              the name of the sink that it was made with; the daemon's
 *     ends/<name>..., offsets/...   what else it belongs to; the source's and the sink's
 *     epoch                  u32, little-endian: what the epoch of a new beginning is at least; left by `tidings state
 *                            reset` and honoured by the source while it has no ends of its own
 *     request/snapshot/<...> somebody wants a snapshot: value "<store>\n<folder path>", as in struct source_request
 *                            (an empty path: every followed folder of the store). Written while no daemon runs; the
 *                            source takes it at seek and removes it in the batch that begins the snapshot, or, if
 *                            there is no such folder, in any batch, and logs nothing worse than a lifecycle event
 *     given                  a position from outside, of the one stream that is followed (tidings sync)
 *
 * One verb changes it: commit, all of its puts or none, durable when it returns. */
#ifndef TIDINGS_CORE_STATE_H
#define TIDINGS_CORE_STATE_H

#include "core/arena.h"
#include "core/error.h"
#include "core/slice.h"

#define STATE_GIVEN            "given"
#define STATE_SINK             "ends/sink"
#define STATE_EPOCH            "epoch"
#define STATE_REQUEST_SNAPSHOT "request/snapshot/"

struct state_put {
	struct slice key, value;
	bool remove; /* the key; value is then ignored */
};

/* Grows by put_list_add; the bytes belong to whoever owns the list's arena. A zeroed one is empty. */
struct put_list {
	struct state_put *puts;
	size_t n, room;
};

void put_list_add(struct put_list *list, struct arena *arena, struct slice key, struct slice value); /* copies both */
void put_list_remove(struct put_list *list, struct arena *arena, struct slice key);
void put_list_clear(struct put_list *list); /* frees the list, not the arena */

struct state {
	const struct state_ops *ops;
};

/* Returns non-zero to end the walk, which then returns the same. Key and value are borrowed for the call. */
typedef int state_entry_fn(void *context, struct slice key, struct slice value);

struct state_ops {
	/* The value of a key, copied into the arena. Returns 0, ERR_GONE (no such key) or ERR_FATAL. */
	int (*get)(struct state *state, struct slice key, struct arena *arena, struct slice *value, struct err *err);

	/* Every entry whose key begins with prefix, in ascending order of keys. Returns 0, what `entry` returned, or
	 * ERR_FATAL. */
	int (*each)(struct state *state, struct slice prefix, state_entry_fn *entry, void *context, struct err *err);

	/* Applies the lists in order, in one durable transaction. Returns 0 or ERR_FATAL (nothing changed). */
	int (*commit)(struct state *state, const struct put_list *const *lists, size_t n_lists, struct err *err);

	void (*close)(struct state *state);
};

#endif
