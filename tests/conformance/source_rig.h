/* A source under observation: what it gave, and how long it took to stop.
 *
 *     source_rig_start(rig); source_rig_collect(rig, 10); rig->batches[0]
 *
 * The first breach that is noticed stays in `violation`; after it everything goes on, so that the world can be closed.
 */
#ifndef TIDINGS_TESTS_CONFORMANCE_SOURCE_RIG_H
#define TIDINGS_TESTS_CONFORMANCE_SOURCE_RIG_H

#include "tests/conformance/source.h"

enum { SOURCE_STOP_MS = 1000 };

struct source_rig {
	const struct source_case *source_case;
	void *world;
	struct source *source; /* NULL: closed */

	struct memory_state *stored;
	struct state state; /* what the source is shown: `stored`, with an eye on when it is read */
	bool seeking;

	struct batch **batches; /* all that this source gave, kept */
	uint64_t *digests;      /* of each, when it came */
	size_t n_batches;
	struct err err;
	char violation[256];
};

struct source_rig *source_rig_new(const struct source_case *source_case);
void source_rig_free(struct source_rig *rig);

/* Notes a breach unless `kept`; returns `kept`. */
bool source_rig_expect(struct source_rig *rig, bool kept, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Opens; returns what open returned. */
int source_rig_open(struct source_rig *rig);
/* Seeks in the stored state; a breach if it does not succeed. */
bool source_rig_seek(struct source_rig *rig);
bool source_rig_start(struct source_rig *rig); /* both */
void source_rig_close(struct source_rig *rig);

/* Calls next until there is a batch, which is kept; tries again after ERR_AGAIN. False, and a breach, if none comes
 * within the case's patience. */
bool source_rig_next(struct source_rig *rig);

/* Calls next until it is idle; batches are kept. */
bool source_rig_until_idle(struct source_rig *rig);

/* Until so many different items were given by this source. */
bool source_rig_collect(struct source_rig *rig, size_t n_items);

/* Runs seek or next and stops the source delay_ms later; a breach if it does not return ERR_STOPPED in time. */
typedef int source_call_fn(struct source_rig *rig);
source_call_fn source_rig_call_seek, source_rig_call_next;
void source_rig_stop_during(struct source_rig *rig, source_call_fn *call, int delay_ms);

/* An item change: what a listing or journal says of an item that is there. */
bool source_rig_is_item(const struct change *change);

/* How often this item was given with this origin by the first n batches. */
size_t source_rig_given(const struct source_rig *rig, size_t n_batches, const struct change *item);

/* Forgets the batches; what they were is in *batches, now the caller's. */
size_t source_rig_take_batches(struct source_rig *rig, struct batch ***batches);

/* A number that changes when the bytes of a batch's changes do. */
uint64_t source_rig_digest(const struct batch *batch);

#endif
