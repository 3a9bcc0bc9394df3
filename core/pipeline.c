#include "core/pipeline.h"

#include <stdlib.h>

#include "core/inflight.h"
#include "core/router.h"
#include "core/step.h"

enum parcel_kind { PARCEL_RECORD, PARCEL_KEYS_ALONE, PARCEL_LETTER, PARCEL_LIFECYCLE };

/* One record on its way, in its batch's arena. */
struct parcel {
	struct parcel *next; /* in the outbox */
	struct flight *flight;
	struct batch *batch;
	const struct change *change; /* NULL for a lifecycle event */
	struct record record;
	enum parcel_kind kind;
	bool replaces_sent; /* a letter for a record that the sink had accepted, and that is answered only by the letter
			     */
};

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

	int failed; /* error class that an answer brought, with its text */
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
	parcel->next = NULL;
	*pipeline->outbox_end = parcel;
	pipeline->outbox_end = &parcel->next;
}

static struct parcel *outbox_take(struct pipeline *pipeline)
{
	struct parcel *parcel = pipeline->outbox;
	pipeline->outbox = parcel->next;
	if (!pipeline->outbox)
		pipeline->outbox_end = &pipeline->outbox;
	return parcel;
}

static struct parcel *new_parcel(struct batch *batch, struct flight *flight, enum parcel_kind kind)
{
	struct parcel *parcel = arena_zero(&batch->arena, sizeof *parcel);
	parcel->batch = batch;
	parcel->flight = flight;
	parcel->kind = kind;
	parcel->record.token = parcel;
	return parcel;
}

static void address(struct parcel *parcel, const struct route *route)
{
	parcel->record.topic = route->topic;
	parcel->record.key = route->key;
	parcel->record.type = route->type;
}

static struct parcel *make_record(struct pipeline *pipeline, struct batch *batch, struct flight *flight,
				  const struct change *change, enum parcel_kind kind)
{
	struct parcel *parcel = new_parcel(batch, flight, kind);
	struct route route;
	route_change(change, &batch->arena, &route);
	address(parcel, &route);
	parcel->change = change;
	parcel->record.subject = change->source_key;
	parcel->record.server = change->server;
	parcel->record.time_ns = change->observed_at_ns;
	parcel->record.value = pipeline->parts.encoder->change(change, &batch->arena, parcel->record.id);
	return parcel;
}

/* What the change is without what could not be read or delivered. */
static const struct change *keys_alone(struct batch *batch, const struct change *change)
{
	struct change *keys = arena_alloc(&batch->arena, sizeof *keys);
	*keys = *change;
	keys->item = NULL;
	keys->folder_properties = NULL;
	keys->user = NULL;
	keys->group = NULL;
	keys->store_properties = NULL;
	keys->cause = CAUSE_NONE;
	return keys;
}

static bool is_snapshot_item(const struct change *change)
{
	return change->origin == ORIGIN_SNAPSHOT && change_is_upsert(change);
}

static void encode_letter(struct pipeline *pipeline, struct parcel *letter, const struct parcel *original,
			  struct dead_letter *dead)
{
	struct record *record = &letter->record;
	const struct change *change = letter->change;
	record->value = pipeline->parts.encoder->dead_letter(change, dead, &letter->batch->arena, record->id);
	size_t limit = pipeline->parts.sink->ops->limit(pipeline->parts.sink, TOPIC_DEADLETTER, record->key);
	if (original && record->value.size > limit) {
		dead->value = slice_of(NULL, 0);
		record->value = pipeline->parts.encoder->dead_letter(change, dead, &letter->batch->arena, record->id);
	}
}

/* A dead letter, with its original if that was made; in a snapshot the item is still announced, by its keys alone, or
 * the snapshot's end would remove it. */
static void make_letter(struct pipeline *pipeline, struct batch *batch, struct flight *flight,
			const struct change *change, const struct parcel *original, enum cause cause, const char *text)
{
	struct parcel *letter = new_parcel(batch, flight, PARCEL_LETTER);
	struct route route;
	route_change(change, &batch->arena, &route);
	struct dead_letter dead = {
		.cause = cause,
		.text = text,
		.topic = pipeline->parts.topics[route.topic],
		.key = route.key,
		.value = original ? original->record.value : slice_of(NULL, 0),
		.value_size_bytes = original ? original->record.value.size : 0,
		.time_ns = change->observed_at_ns,
	};
	letter->record.topic = TOPIC_DEADLETTER;
	letter->record.key = route.key;
	letter->record.type = "tidings.v1.DeadLetter";
	letter->record.subject = change->source_key;
	letter->record.server = change->server;
	letter->record.time_ns = change->observed_at_ns;
	letter->change = change;
	encode_letter(pipeline, letter, original, &dead);
	outbox_add(pipeline, letter);
	pipeline->counts.n_dead_letters++;
	if (is_snapshot_item(change))
		outbox_add(pipeline,
			   make_record(pipeline, batch, flight, keys_alone(batch, change), PARCEL_KEYS_ALONE));
}

static void make_change(struct pipeline *pipeline, const struct change *change)
{
	struct batch *batch = pipeline->batch;
	if (change->cause != CAUSE_NONE)
		make_letter(pipeline, batch, pipeline->flight, change, NULL, change->cause, change->cause_text);
	else
		outbox_add(pipeline, make_record(pipeline, batch, pipeline->flight, change, PARCEL_RECORD));
}

static void make_lifecycle(struct pipeline *pipeline, const struct lifecycle *event)
{
	struct batch *batch = pipeline->batch;
	struct parcel *parcel = new_parcel(batch, pipeline->flight, PARCEL_LIFECYCLE);
	struct route route;
	route_lifecycle(event, &batch->arena, &route);
	address(parcel, &route);
	parcel->record.server = event->server;
	parcel->record.time_ns = event->time_ns;
	parcel->record.value = pipeline->parts.encoder->lifecycle(event, &batch->arena, parcel->record.id);
	outbox_add(pipeline, parcel);
}

/* False when the batch has nothing more to make: it is sealed then. */
static bool make_next(struct pipeline *pipeline)
{
	struct batch *batch = pipeline->batch;
	if (!batch)
		return false;
	if (pipeline->next_change < batch->n_changes) {
		make_change(pipeline, &batch->changes[pipeline->next_change++]);
		return true;
	}
	if (pipeline->next_lifecycle < batch->n_lifecycle) {
		make_lifecycle(pipeline, &batch->lifecycle[pipeline->next_lifecycle++]);
		return true;
	}
	inflight_seal(pipeline->flight);
	pipeline->batch = NULL;
	return false;
}

/* ---- sending ---- */

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

/* Takes the place of a record that can never be delivered by its letter. */
static int bury(struct pipeline *pipeline, const struct parcel *parcel, bool was_sent, struct err *err)
{
	if (parcel->kind != PARCEL_RECORD || !parcel->change->source_key.size)
		return undeliverable(parcel, err);
	struct parcel **letter = pipeline->outbox_end;
	make_letter(pipeline, parcel->batch, parcel->flight, parcel->change, parcel,
		    cause_of(pipeline, &parcel->record), arena_text(&parcel->batch->arena, "%s", err->text));
	(*letter)->replaces_sent = was_sent;
	return 0;
}

static void accepted(struct pipeline *pipeline, struct parcel *parcel)
{
	inflight_sent(&pipeline->inflight, parcel->flight);
	pipeline->counts.n_published++;
	if (parcel->replaces_sent)
		inflight_answered(&pipeline->inflight, parcel->flight);
}

static int send_outbox(struct pipeline *pipeline, struct err *err)
{
	struct sink *sink = pipeline->parts.sink;
	while (pipeline->outbox) {
		struct parcel *parcel = pipeline->outbox;
		step("record sent");
		int rc = sink->ops->send(sink, &parcel->record, err);
		if (rc == SINK_BUSY)
			return SINK_BUSY;
		outbox_take(pipeline);
		if (rc == 0)
			accepted(pipeline, parcel);
		else if (rc == ERR_BAD)
			rc = bury(pipeline, parcel, false, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* Sends until there is nothing more or the sink is busy. */
static int pump(struct pipeline *pipeline, struct err *err)
{
	do {
		int rc = send_outbox(pipeline, err);
		if (rc)
			return rc == SINK_BUSY ? 0 : rc;
	} while (make_next(pipeline));
	return 0;
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
	pipeline->counts.n_published--;
	if (rc == ERR_BAD)
		rc = bury(pipeline, token, true, &err);
	if (rc && (!pipeline->failed || rc == ERR_FATAL)) {
		pipeline->failed = rc;
		pipeline->failure = err;
	}
}

struct sink_events pipeline_events(struct pipeline *pipeline)
{
	return (struct sink_events){.context = pipeline, .acknowledged = on_acknowledged, .failed = on_failed};
}

static int serve(struct pipeline *pipeline, struct err *err)
{
	int rc = pipeline->parts.sink->ops->service(pipeline->parts.sink, err);
	if (rc || !pipeline->failed)
		return rc;
	*err = pipeline->failure;
	return pipeline->failed;
}

/* ---- committing ---- */

static void collect_complete(struct pipeline *pipeline)
{
	for (struct batch *batch; (batch = inflight_take(&pipeline->inflight));) {
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
	if (pipeline->parts.committed)
		pipeline->parts.committed(pipeline->parts.context, n_batches, n_bytes);
	return 0;
}

static int64_t commit_wait_ms(const struct pipeline *pipeline)
{
	if (pipeline->complete_bytes >= pipeline->parts.budget_bytes / 4)
		return 0;
	int64_t wait = pipeline->committed_at_ms + COMMIT_INTERVAL_MS - pipeline->parts.now_ms();
	return wait > 0 ? wait : 0;
}

/* ---- the interface ---- */

bool pipeline_ready(const struct pipeline *pipeline)
{
	return !pipeline->batch && !pipeline->outbox;
}

int pipeline_take(struct pipeline *pipeline, struct batch *batch, struct err *err)
{
	step("batch taken");
	batch->charged_bytes = batch_bytes(batch);
	pipeline->counts.n_entries += batch->n_entries;
	pipeline->counts.n_gone += batch->n_gone;
	pipeline->batch = batch;
	pipeline->flight = inflight_add(&pipeline->inflight, batch);
	pipeline->next_change = pipeline->next_lifecycle = 0;
	return pump(pipeline, err);
}

int pipeline_turn(struct pipeline *pipeline, struct err *err)
{
	int rc = serve(pipeline, err);
	if (rc == 0)
		rc = pump(pipeline, err);
	collect_complete(pipeline);
	if (rc == 0 && pipeline->n_complete && commit_wait_ms(pipeline) == 0)
		rc = commit(pipeline, err);
	return rc;
}

int pipeline_timeout_ms(const struct pipeline *pipeline)
{
	return pipeline->n_complete ? (int)commit_wait_ms(pipeline) : -1;
}

int pipeline_finish(struct pipeline *pipeline, int deadline_ms, struct err *err)
{
	struct sink *sink = pipeline->parts.sink;
	int64_t deadline = pipeline->parts.now_ms() + deadline_ms;
	int rc;
	do {
		int64_t left = deadline - pipeline->parts.now_ms();
		rc = sink->ops->drain(sink, left > 0 ? (int)left : 0, err);
		if (rc == 0)
			rc = pipeline_turn(pipeline, err);
	} while (rc == 0 && (!pipeline_ready(pipeline) || pipeline->inflight.n_unanswered));
	collect_complete(pipeline);
	struct err commit_err;
	int committed = commit(pipeline, &commit_err);
	if (committed)
		*err = commit_err;
	return committed ? committed : rc;
}

const struct pipeline_counts *pipeline_counts(const struct pipeline *pipeline)
{
	return &pipeline->counts;
}
