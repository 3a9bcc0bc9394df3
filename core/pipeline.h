/* The one data path: batch -> route -> encode -> send -> acknowledgements -> commit. It runs on the loop thread.
 *
 * Promises (each has a test that can fail, and a mutation that the tests catch):
 *
 * 1. No early commit. A batch is committed only when every record of it, and of every batch queued before it, of
 *    whatever stream, was acknowledged. A dead letter's acknowledgement counts for its original; nothing else does.
 * 2. At least once, in order. Records leave in the order of the batches and of the changes in them. After a restart, a
 *    reconnect or a rewind they go on from the committed position, so records since then may repeat.
 * 3. No silent loss. What can never be delivered becomes a dead letter with its cause and is counted; if even that
 *    fails the daemon stops. Behind the letter of a notification goes a MISSED; neither the notification nor its
 *    letter stops anything.
 * 4. Bounded memory. The pipeline holds what it was given and no more, and lets go of it only by commits; who feeds it
 *    waits while the sum of batch_bytes is above the budget. Nothing is dropped.
 *
 * A failure is for good: after one nothing more is sent, or a record could overtake one that was given up, and every
 * call returns it again. pipeline_finish still commits what is complete.
 *
 * There is one rewind: any ERR_AGAIN from here. The owner stops the source, closes the sink (which may be reading
 * records until then), frees the pipeline, closes the source and starts again from the stored state, exactly as at
 * start-up. */
#ifndef TIDINGS_CORE_PIPELINE_H
#define TIDINGS_CORE_PIPELINE_H

#include "core/batch.h"
#include "core/encode.h"
#include "core/error.h"
#include "core/sink.h"
#include "core/state.h"

enum { COMMIT_INTERVAL_MS = 100, BUSY_RETRY_MS = 100 };

struct pipeline;

struct pipeline_counts {
	uint64_t n_entries;      /* of journals and listings, taken */
	uint64_t n_published;    /* records accepted by the sink, also those that failed later */
	uint64_t n_acknowledged; /* records */
	uint64_t n_dead_letters;
	uint64_t n_gone;             /* items that were gone when they were read */
	uint64_t n_late, n_filtered; /* entries, as in struct batch */
	uint64_t n_batches_committed;
	uint64_t n_commits;
	uint64_t n_reconnects; /* of the sink, without a rewind */
};

struct pipeline_parts {
	struct sink *sink; /* opened with pipeline_events() of this pipeline */
	struct state *state;
	const struct encoder *encoder;
	const char *const *topics; /* N_TOPICS names, for dead letters */
	size_t budget_bytes;       /* a commit is made early when a quarter of it waits to be committed */
	int64_t (*now_ms)(void);   /* monotonic */
	/* Told of memory that is given back: most of a batch when all its records were answered, as only its puts wait
	 * for the commit, and the rest after that. The sum for a batch is its batch_bytes when it was taken. May be
	 * NULL.
	 */
	void (*released)(void *context, size_t n_bytes);
	/* Told after each commit; may be NULL. */
	void (*committed)(void *context, size_t n_batches);
	void *context;
};

/* The sink is opened between these two, with the events of the pipeline. */
struct pipeline *pipeline_new(void);
struct sink_events pipeline_events(struct pipeline *pipeline);
void pipeline_start(struct pipeline *pipeline, const struct pipeline_parts *parts);

/* Frees it and every batch that it holds, after the sink was closed; does not touch sink and state. NULL is accepted.
 */
void pipeline_free(struct pipeline *pipeline);

/* True when it takes another batch: nothing taken earlier is still unsent, and nothing has failed. */
bool pipeline_ready(const struct pipeline *pipeline);

/* Takes the batch, on failure too; only when pipeline_ready. Sends what the sink takes. Returns 0, ERR_AGAIN or
 * ERR_FATAL. */
int pipeline_take(struct pipeline *pipeline, struct batch *batch, struct err *err);

/* Serves the sink, sends what it now takes, commits what is due. Call it before every poll. Returns 0, ERR_AGAIN,
 * ERR_FATAL. */
int pipeline_turn(struct pipeline *pipeline, struct err *err);

/* Milliseconds until pipeline_turn must be called without any event; -1: only on events. */
int pipeline_timeout_ms(const struct pipeline *pipeline);

/* Sends and drains what it holds until deadline_ms from now, or until the sink takes no more although nothing is on its
 * way, then commits what is complete. Returns 0 (all of it), ERR_AGAIN (the rest comes again at the next start),
 * ERR_STOPPED (the sink was told to hurry; as ERR_AGAIN) or ERR_FATAL. */
int pipeline_finish(struct pipeline *pipeline, int deadline_ms, struct err *err);

/* What it holds at this moment. */
struct pipeline_load {
	size_t n_unanswered; /* records, those not yet sent included */
	size_t n_batches;
	bool busy; /* the sink takes no more for now */
};

struct pipeline_load pipeline_load(const struct pipeline *pipeline);

const struct pipeline_counts *pipeline_counts(const struct pipeline *pipeline);

#endif
