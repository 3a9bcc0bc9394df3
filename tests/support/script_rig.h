/* A pipeline between a broker and a state in memory, with a clock that only the test moves.
 *
 *     struct rig *rig = rig_new();
 *     rig->broker->stalled = true;
 *     rig_take(rig, script_batch("a", 1));
 *     rig_turn(rig);                              a turn of the loop, after the time of a commit has passed
 *     rig_rewind(rig);                            closes the sink, frees the pipeline, opens both again
 *
 * Errors: what is called without being expected to fail fails the test. */
#ifndef TIDINGS_TESTS_SUPPORT_SCRIPT_RIG_H
#define TIDINGS_TESTS_SUPPORT_SCRIPT_RIG_H

#include "core/pipeline.h"
#include "tests/support/memory_sink.h"
#include "tests/support/memory_state.h"
#include "tests/support/script_batch.h"

struct rig {
	struct memory_broker *broker;
	struct memory_state *state;
	struct sink *sink;
	struct pipeline *pipeline;
	struct err err;
	size_t budget_bytes;       /* for the next rewind; large at the start */
	size_t n_told, told_bytes; /* by parts.committed and parts.released */
};

extern int64_t rig_now_ms;

struct rig *rig_new(void);
void rig_free(struct rig *rig);
void rig_rewind(struct rig *rig);

/* Each returns what the pipeline returns, its error in rig->err. */
int rig_try_take(struct rig *rig, struct batch *batch);
int rig_try_turn(struct rig *rig); /* COMMIT_INTERVAL_MS later */
int rig_finish(struct rig *rig);   /* with a deadline that is now */

/* Those that must succeed. */
void rig_take(struct rig *rig, struct batch *batch);
void rig_turn(struct rig *rig);

/* The broker acknowledges n records, then a turn. */
void rig_answer(struct rig *rig, size_t n);

/* The stored position of a stream, "" if there is none. */
const char *rig_position(struct rig *rig, const char *stream);

/* Fails unless the broker got exactly these values, in this order: rig_assert_sent(rig, "...", "...", NULL). */
void rig_assert_sent(struct rig *rig, ...) __attribute__((sentinel));

/* cmocka fixtures: *state is the rig. */
int rig_setup(void **state);
int rig_teardown(void **state);

#endif
