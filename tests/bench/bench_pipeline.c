/* What the engine itself costs: route, encode, send, acknowledge and commit, with a sink and a state that do nothing.
 *
 *     {"bench":"pipeline","records_per_s":...,"ns_per_record":...}
 *
 * CPU time of the process without that of making the batches, which is the source's. */
#include <stdio.h>
#include <time.h>

#include "core/pipeline.h"
#include "proto/encode.h"

enum { N_BATCHES = 4000, MAX_UNANSWERED = 2 * BATCH_CHANGES };

#define TEXT(string)                                                                                                   \
	{                                                                                                              \
		(const uint8_t *)string, sizeof(string) - 1                                                            \
	}

static const struct server_info server = {.guid = {1, 2, 3}, .epoch = 1};
static const struct store_info store = {.guid = {4, 5, 6}, .owner = TEXT("user1"), .type = STORE_PRIVATE};

static const struct folder_info folder = {
	.source_key = TEXT("folder-source-key-0001"),
	.path = TEXT("Inbox/Projects"),
	.container_class = TEXT("IPF.Note"),
};

static const struct item item = {
	.message_class = TEXT("IPM.Note"),
	.subject = TEXT("Re: the minutes of yesterday's meeting"),
	.sender = {TEXT("Anna Example"), TEXT("anna@example.com"), TEXT("SMTP")},
	.display_to = TEXT("User One; User Two"),
	.submitted_at_ns = 1763840000000000000,
	.delivered_at_ns = 1763840001500000000,
	.size_bytes = 4711,
	.importance = IMPORTANCE_NORMAL,
	.internet_message_id = TEXT("<0123456789abcdef@mail.example.com>"),
};

static const struct change mail = {
	.kind = CHANGE_CREATED,
	.origin = ORIGIN_ICS,
	.object_type = OBJECT_ITEM,
	.server = &server,
	.store = &store,
	.folder = &folder,
	.source_key = TEXT("item-source-key-000001"),
	.parent_source_key = TEXT("folder-source-key-0001"),
	.entry_id = TEXT("an item's entry id has forty-eight bytes, so: .."),
	.observed_at_ns = 1763841000000000000,
	.item = &item,
};

/* ---- a sink and a state that do nothing ---- */

static struct {
	struct sink sink;
	struct sink_events events;
	void *tokens[MAX_UNANSWERED];
	size_t n_tokens;
} null_sink;

static int take_record(struct sink *sink, const struct record *record, struct err *err)
{
	(void)sink;
	(void)err;
	if (null_sink.n_tokens == MAX_UNANSWERED)
		return SINK_BUSY;
	null_sink.tokens[null_sink.n_tokens++] = record->token;
	return 0;
}

static int acknowledge_all(struct sink *sink, struct err *err)
{
	(void)sink;
	(void)err;
	for (size_t i = 0; i < null_sink.n_tokens; i++)
		null_sink.events.acknowledged(null_sink.events.context, null_sink.tokens[i]);
	null_sink.n_tokens = 0;
	return 0;
}

static int drain(struct sink *sink, int deadline_ms, struct err *err)
{
	(void)deadline_ms;
	return acknowledge_all(sink, err);
}

static size_t no_limit(struct sink *sink, enum topic topic, struct slice key)
{
	(void)sink;
	(void)topic;
	(void)key;
	return SIZE_MAX;
}

static void no_marks(struct sink *sink, struct put_list *list, struct arena *arena)
{
	(void)sink;
	(void)list;
	(void)arena;
}

static int store_nothing(struct state *state, const struct put_list *const *lists, size_t n_lists, struct err *err)
{
	(void)state;
	(void)lists;
	(void)n_lists;
	(void)err;
	return 0;
}

static const struct sink_ops null_sink_ops = {
	.send = take_record, .limit = no_limit, .service = acknowledge_all, .drain = drain, .marks = no_marks};
static const struct state_ops null_state_ops = {.commit = store_nothing};

/* ---- the measurement ---- */

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static double cpu_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static struct pipeline *start(void)
{
	static const char *const topics[N_TOPICS] = {"items", "folders", "addressbook", "lifecycle", "dead", "notes"};
	static struct state state = {&null_state_ops};
	struct pipeline *pipeline = pipeline_new();
	null_sink.sink.ops = &null_sink_ops;
	null_sink.events = pipeline_events(pipeline);
	const struct pipeline_parts parts = {
		.sink = &null_sink.sink,
		.state = &state,
		.encoder = &protobuf_encoder,
		.topics = topics,
		.budget_bytes = 64 << 20,
		.now_ms = now_ms,
	};
	pipeline_start(pipeline, &parts);
	return pipeline;
}

static struct batch *full_batch(uint64_t position)
{
	struct batch *batch = batch_new("contents/store/folder");
	for (uint64_t i = 0; i < BATCH_CHANGES; i++) {
		struct change *change = batch_change(batch);
		*change = mail;
		change->change_id = position * BATCH_CHANGES + i;
	}
	batch_put(batch, slice_of_text("position/contents/store/folder"), slice_of(&position, sizeof position));
	return batch;
}

/* The CPU time that the pipeline takes for one batch. */
static double pass(struct pipeline *pipeline, struct batch *batch)
{
	struct err err;
	double begun = cpu_ns();
	pipeline_take(pipeline, batch, &err);
	pipeline_turn(pipeline, &err);
	return cpu_ns() - begun;
}

int main(void)
{
	struct pipeline *pipeline = start();
	struct err err;
	double ns = 0;
	for (uint64_t position = 0; position < N_BATCHES; position++)
		ns += pass(pipeline, full_batch(position));
	double begun = cpu_ns();
	pipeline_finish(pipeline, 0, &err);
	ns += cpu_ns() - begun;
	double n_records = (double)pipeline_counts(pipeline)->n_acknowledged;
	pipeline_free(pipeline);
	printf("{\"bench\":\"pipeline\",\"records_per_s\":%.0f,\"ns_per_record\":%.0f}\n", n_records * 1e9 / ns,
	       ns / n_records);
	return 0;
}
