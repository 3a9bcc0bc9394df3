#include "core/pipeline.h"

#include <stdlib.h>

#include "core/inflight.h"
#include "core/parcel.h"
#include "core/step.h"

struct pipeline {
	struct pipeline_parts parts;
	struct pipeline_counts counts;
	struct inflight inflight;

	/* Made but not yet accepted by the sink, in order. */
	struct parcel *outbox, **outbox_end;

	/* The batch whose records are being made. */
	struct batch *batch;
	struct flight *flight;
	size_t next_change, next_lifecycle;

	/* Complete, to be committed, in order. */
	struct batch **complete;
	size_t n_complete, room_complete, complete_bytes;
	int64_t committed_at_ms;

	int failed; /* for good: 0, or the class of `failure` */
	struct err failure;
};

struct pipeline *pipeline_new(void)
{
	struct pipeline *pipeline = xcalloc(1, sizeof *pipeline);
	pipeline->outbox_end = &pipeline->outbox;
	return pipeline;
}

void pipeline_start(struct pipeline *pipeline, const struct pipeline_parts *parts)
{
	pipeline->parts = *parts;
	pipeline->committed_at_ms = parts->now_ms() - COMMIT_INTERVAL_MS;
}

static void free_complete(struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->n_complete; i++)
		batch_free(pipeline->complete[i]);
	pipeline->n_complete = 0;
	pipeline->complete_bytes = 0;
}

void pipeline_free(struct pipeline *pipeline)
{
	if (!pipeline)
		return;
	inflight_clear(&pipeline->inflight);
	free_complete(pipeline);
	free(pipeline->complete);
	free(pipeline);
}

/* ---- making parcels ---- */

static void outbox_add(struct pipeline *pipeline, struct parcel *parcel)
{
	*pipeline->outbox_end = parcel;
	pipeline->outbox_end = &parcel->next;
	inflight_expect(&pipeline->inflight, parcel->flight);
}

static void outbox_take(struct pipeline *pipeline)
{
	pipeline->outbox = pipeline->outbox->next;
	if (!pipeline->outbox)
		pipeline->outbox_end = &pipeline->outbox;
}

static void add_letter(struct pipeline *pipeline, struct parcel *letter)
{
	outbox_add(pipeline, letter);
	pipeline->counts.n_dead_letters++;
}

/* In a snapshot a dead-lettered item is still announced, by its keys alone, or the snapshot's end would remove it. */
static void announce(struct pipeline *pipeline, const struct parcel_maker *maker, const struct change *change)
{
	if (change->origin == ORIGIN_SNAPSHOT && change_is_upsert(change))
		outbox_add(pipeline, parcel_keys_alone(maker, change));
}

static void make_change(struct pipeline *pipeline, const struct parcel_maker *maker, const struct change *change)
{
	if (change->cause == CAUSE_NONE) {
		outbox_add(pipeline, parcel_record(maker, change));
		return;
	}
	add_letter(pipeline, parcel_letter(maker, change, NULL, change->cause, change->cause_text));
	announce(pipeline, maker, change);
}

/* False when the batch has nothing more to make: it is sealed then. */
static bool make_next(struct pipeline *pipeline)
{
	struct batch *batch = pipeline->batch;
	const struct parcel_maker maker = {&pipeline->parts, batch, pipeline->flight};
	if (!batch)
		return false;
	if (pipeline->next_change < batch->n_changes) {
		make_change(pipeline, &maker, &batch->changes[pipeline->next_change++]);
		return true;
	}
	if (pipeline->next_lifecycle < batch->n_lifecycle) {
		outbox_add(pipeline, parcel_lifecycle(&maker, &batch->lifecycle[pipeline->next_lifecycle++]));
		return true;
	}
	inflight_seal(pipeline->flight);
	pipeline->batch = NULL;
	return false;
}

/* ---- failures ---- */

/* The first failure stays, unless a fatal one follows. */
static int fail(struct pipeline *pipeline, int rc, const struct err *err)
{
	if (rc && (!pipeline->failed || (rc == ERR_FATAL && pipeline->failed != ERR_FATAL))) {
		pipeline->failed = rc;
		pipeline->failure = *err;
	}
	return rc;
}

static int failure(const struct pipeline *pipeline, struct err *err)
{
	if (pipeline->failed)
		*err = pipeline->failure;
	return pipeline->failed;
}

static int undeliverable(const struct parcel *parcel, struct err *err)
{
	const char *what = parcel->kind == PARCEL_LETTER ? "a dead letter" : "a record that nothing can stand for";
	char why[sizeof err->text];
	memcpy(why, err->text, sizeof why);
	return err_fatal(err, "%s could not be delivered: %.400s", what, why);
}

static enum cause cause_of(const struct pipeline *pipeline, const struct record *record)
{
	struct sink *sink = pipeline->parts.sink;
	return record->value.size > sink->ops->limit(sink, record->topic, record->key) ? CAUSE_TOO_LARGE
										       : CAUSE_REFUSED;
}

/* Whether `later` says what has become of the object, or of the whole listing that it stood in. */
static bool outdates(const struct change *later, const struct change *change)
{
	if (!slice_equal(later->parent_source_key, change->parent_source_key))
		return false;
	if (later->kind == CHANGE_SNAPSHOT_BEGIN)
		return true;
	return later->object_type == change->object_type && slice_equal(later->source_key, change->source_key) &&
	       (later->kind == CHANGE_DELETED || (change_is_upsert(later) && later->cause == CAUSE_NONE));
}

/* A record that the sink gives up after others have left must not be announced over them. No batch behind its own has
 * been freed, so that those still held are all that can have left since. */
static bool is_outdated(const struct pipeline *pipeline, const struct parcel *parcel)
{
	size_t first = (size_t)(parcel->change - parcel->batch->changes) + 1;
	for (const struct flight *flight = parcel->flight; flight; flight = flight_next(flight), first = 0) {
		const struct batch *batch = flight_batch(flight);
		size_t n_made = batch == pipeline->batch ? pipeline->next_change : batch->n_changes;
		for (size_t i = first; i < n_made; i++)
			if (outdates(&batch->changes[i], parcel->change))
				return true;
	}
	return false;
}

/* Best effort: neither it nor its letter ever stops anything. */
static bool is_notification(const struct parcel *parcel)
{
	return parcel->change && parcel->change->origin == ORIGIN_NOTIFICATION;
}

/* Behind its letter, for those who read notifications alone. */
static void say_missed(struct pipeline *pipeline, const struct parcel_maker *maker, const struct change *change)
{
	const struct lifecycle missed = {
		.type = LIFECYCLE_MISSED,
		.server = change->server,
		.store = change->store,
		.folder = change->folder,
		.stream = maker->batch->stream,
		.text = "a notification could not be delivered: its dead letter, if that could be, says why",
		.time_ns = change->observed_at_ns,
	};
	outbox_add(pipeline, parcel_lifecycle(maker, &missed));
}

static bool is_bracket(const struct change *change)
{
	return change->kind == CHANGE_SNAPSHOT_BEGIN || change->kind == CHANGE_SNAPSHOT_END;
}

/* The letter takes the place of a record that can never be delivered, and holds the batch in its stead. */
static int bury(struct pipeline *pipeline, const struct parcel *parcel, struct err *err)
{
	if (parcel->kind == PARCEL_LETTER && is_notification(parcel))
		return inflight_answered(&pipeline->inflight, parcel->flight), 0;
	if (parcel->kind != PARCEL_RECORD || is_bracket(parcel->change))
		return undeliverable(parcel, err);
	const struct parcel_maker maker = {&pipeline->parts, parcel->batch, parcel->flight};
	const char *why = arena_text(&parcel->batch->arena, "%s", err->text);
	add_letter(pipeline, parcel_letter(&maker, parcel->change, parcel, cause_of(pipeline, &parcel->record), why));
	if (is_notification(parcel))
		say_missed(pipeline, &maker, parcel->change);
	else if (!is_outdated(pipeline, parcel))
		announce(pipeline, &maker, parcel->change);
	inflight_answered(&pipeline->inflight, parcel->flight);
	return 0;
}

/* In a test, of a sink that is in order. */
static int lost(struct err *err)
{
	return err_set(err, ERR_AGAIN, "a record was lost, as a test wanted it");
}

static int send_one(struct pipeline *pipeline, struct parcel *parcel, struct err *err)
{
	struct sink *sink = pipeline->parts.sink;
	step("record sent");
	int rc = step_loses() ? lost(err) : sink->ops->send(sink, &parcel->record, err);
	if (rc && rc != ERR_BAD)
		return rc;
	outbox_take(pipeline);
	if (rc == ERR_BAD)
		return bury(pipeline, parcel, err);
	pipeline->counts.n_published++;
	return 0;
}

/* Sends until there is nothing more or the sink is busy. */
static int pump(struct pipeline *pipeline, struct err *err)
{
	int rc = 0;
	while (rc == 0 && (pipeline->outbox || make_next(pipeline)))
		rc = send_one(pipeline, pipeline->outbox, err);
	return rc == SINK_BUSY ? 0 : fail(pipeline, rc, err);
}

/* ---- answers ---- */

static void on_acknowledged(void *context, void *token)
{
	struct pipeline *pipeline = context;
	struct parcel *parcel = token;
	step("acknowledgement taken");
	pipeline->counts.n_acknowledged++;
	inflight_answered(&pipeline->inflight, parcel->flight);
}

static void on_failed(void *context, void *token, const struct err *why)
{
	struct pipeline *pipeline = context;
	struct err err = *why;
	int rc = (int)why->class;
	if (rc == ERR_BAD)
		rc = bury(pipeline, token, &err);
	fail(pipeline, rc, &err);
}

static void on_reconnected(void *context)
{
	struct pipeline *pipeline = context;
	pipeline->counts.n_reconnects++;
}

struct sink_events pipeline_events(struct pipeline *pipeline)
{
	return (struct sink_events){.context = pipeline,
				    .acknowledged = on_acknowledged,
				    .failed = on_failed,
				    .reconnected = on_reconnected};
}

static int serve(struct pipeline *pipeline, struct err *err)
{
	fail(pipeline, pipeline->parts.sink->ops->service(pipeline->parts.sink, err), err);
	return failure(pipeline, err);
}

/* ---- committing ---- */

static void release(const struct pipeline *pipeline, size_t n_bytes)
{
	if (pipeline->parts.released)
		pipeline->parts.released(pipeline->parts.context, n_bytes);
}

/* The source goes on while a commit is waited for: else a small budget would mean many commits, and each is a wait for
 * the disk. */
static void keep_puts(const struct pipeline *pipeline, struct batch *batch)
{
	size_t n_charged = batch->charged_bytes;
	batch_keep_puts(batch);
	size_t n_bytes = batch_bytes(batch);
	batch->charged_bytes = n_bytes < n_charged ? n_bytes : n_charged;
	release(pipeline, n_charged - batch->charged_bytes);
}

static void collect_complete(struct pipeline *pipeline)
{
	for (struct batch *batch; (batch = inflight_take(&pipeline->inflight));) {
		keep_puts(pipeline, batch);
		if (pipeline->n_complete == pipeline->room_complete) {
			pipeline->room_complete = pipeline->room_complete ? pipeline->room_complete * 2 : 64;
			pipeline->complete = xrealloc(pipeline->complete, pipeline->room_complete * sizeof batch);
		}
		pipeline->complete[pipeline->n_complete++] = batch;
		pipeline->complete_bytes += batch->charged_bytes;
	}
}

static int commit_lists(struct pipeline *pipeline, const struct put_list **lists, struct err *err)
{
	size_t n = pipeline->n_complete;
	for (size_t i = 0; i < n; i++)
		lists[i] = &pipeline->complete[i]->puts;
	struct put_list marks = {0};
	struct arena arena = {0};
	pipeline->parts.sink->ops->marks(pipeline->parts.sink, &marks, &arena);
	lists[n] = &marks;
	step("commit begun");
	int rc = pipeline->parts.state->ops->commit(pipeline->parts.state, lists, n + 1, err);
	step("commit done");
	put_list_clear(&marks);
	arena_free(&arena);
	return rc;
}

static int commit(struct pipeline *pipeline, struct err *err)
{
	pipeline->committed_at_ms = pipeline->parts.now_ms();
	if (!pipeline->n_complete)
		return 0;
	const struct put_list **lists = xmalloc((pipeline->n_complete + 1) * sizeof *lists);
	int rc = commit_lists(pipeline, lists, err);
	free(lists);
	if (rc)
		return rc;
	size_t n_batches = pipeline->n_complete, n_bytes = pipeline->complete_bytes;
	pipeline->counts.n_batches_committed += n_batches;
	pipeline->counts.n_commits++;
	free_complete(pipeline);
	release(pipeline, n_bytes);
	if (pipeline->parts.committed)
		pipeline->parts.committed(pipeline->parts.context, n_batches);
	return 0;
}

static int64_t commit_wait_ms(const struct pipeline *pipeline)
{
	if (pipeline->complete_bytes >= pipeline->parts.budget_bytes / 4)
		return 0;
	int64_t wait = pipeline->committed_at_ms + (int64_t)STEP_LIMIT(COMMIT_INTERVAL_MS) - pipeline->parts.now_ms();
	return wait > 0 ? wait : 0;
}

/* ---- the interface ---- */

bool pipeline_ready(const struct pipeline *pipeline)
{
	return !pipeline->batch && !pipeline->outbox && !pipeline->failed;
}

int pipeline_take(struct pipeline *pipeline, struct batch *batch, struct err *err)
{
	step("batch taken");
	batch->charged_bytes = batch_bytes(batch);
	pipeline->counts.n_entries += batch->n_entries;
	pipeline->counts.n_gone += batch->n_gone;
	pipeline->counts.n_late += batch->n_late;
	pipeline->counts.n_filtered += batch->n_filtered;
	pipeline->batch = batch;
	pipeline->flight = inflight_add(&pipeline->inflight, batch);
	pipeline->next_change = pipeline->next_lifecycle = 0;
	int rc = failure(pipeline, err);
	return rc ? rc : pump(pipeline, err);
}

int pipeline_turn(struct pipeline *pipeline, struct err *err)
{
	int rc = failure(pipeline, err);
	if (rc == 0)
		rc = serve(pipeline, err);
	if (rc == 0)
		rc = pump(pipeline, err);
	collect_complete(pipeline);
	if (rc == 0 && pipeline->n_complete && commit_wait_ms(pipeline) == 0)
		rc = fail(pipeline, commit(pipeline, err), err);
	return rc;
}

int pipeline_timeout_ms(const struct pipeline *pipeline)
{
	if (pipeline->n_complete)
		return (int)commit_wait_ms(pipeline);
	return pipeline->outbox ? BUSY_RETRY_MS : -1;
}

static int drain(struct pipeline *pipeline, int64_t deadline, struct err *err)
{
	struct sink *sink = pipeline->parts.sink;
	int64_t left = deadline - pipeline->parts.now_ms();
	fail(pipeline, sink->ops->drain(sink, left > 0 ? (int)left : 0, err), err);
	return failure(pipeline, err);
}

static bool is_empty(const struct pipeline *pipeline)
{
	return !pipeline->batch && !pipeline->inflight.n_unanswered;
}

static uint64_t n_moves(const struct pipeline *pipeline)
{
	const struct pipeline_counts *counts = &pipeline->counts;
	return counts->n_published + counts->n_acknowledged + counts->n_dead_letters;
}

/* One round of drain and turn. A sink that neither takes nor answers any more, yet says that it is drained, may stay so
 * for ever. */
static int settle(struct pipeline *pipeline, int64_t deadline, struct err *err)
{
	uint64_t n_before = n_moves(pipeline);
	int rc = drain(pipeline, deadline, err);
	if (rc == 0)
		rc = pipeline_turn(pipeline, err);
	if (rc || is_empty(pipeline) || n_moves(pipeline) > n_before)
		return rc;
	return err_set(err, ERR_AGAIN, "the sink takes no more records; %zu are left", pipeline->inflight.n_unanswered);
}

int pipeline_finish(struct pipeline *pipeline, int deadline_ms, struct err *err)
{
	int64_t deadline = pipeline->parts.now_ms() + deadline_ms;
	int rc = failure(pipeline, err);
	while (rc == 0 && !is_empty(pipeline))
		rc = settle(pipeline, deadline, err);
	collect_complete(pipeline);
	struct err commit_err;
	int committed = commit(pipeline, &commit_err);
	if (committed)
		*err = commit_err;
	return committed ? committed : rc;
}

struct pipeline_load pipeline_load(const struct pipeline *pipeline)
{
	return (struct pipeline_load){.n_unanswered = pipeline->inflight.n_unanswered,
				      .n_batches = pipeline->inflight.n_batches + pipeline->n_complete,
				      .busy = pipeline->outbox != NULL};
}

const struct pipeline_counts *pipeline_counts(const struct pipeline *pipeline)
{
	return &pipeline->counts;
}
