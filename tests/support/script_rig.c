#include "tests/support/script_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

int64_t rig_now_ms = 1000;

static const char *const topics[N_TOPICS] = {"t.items",     "t.folders",    "t.addressbook",
					     "t.lifecycle", "t.deadletter", "t.notifications"};

static int64_t now_ms(void)
{
	return rig_now_ms;
}

static void released(void *context, size_t n_bytes)
{
	struct rig *rig = context;
	rig->told_bytes += n_bytes;
}

static void committed(void *context, size_t n_batches)
{
	struct rig *rig = context;
	rig->n_told += n_batches;
}

static void start(struct rig *rig)
{
	rig->pipeline = pipeline_new();
	struct sink_events events = pipeline_events(rig->pipeline);
	assert_int_equal(memory_sink_ops.open(rig->broker, &events, -1, &rig->sink, &rig->err), 0);
	assert_int_equal(memory_sink_ops.seek(rig->sink, &rig->state->state, &rig->err), 0);
	const struct pipeline_parts parts = {
		.sink = rig->sink,
		.state = &rig->state->state,
		.encoder = &script_encoder,
		.topics = topics,
		.budget_bytes = rig->budget_bytes,
		.now_ms = now_ms,
		.released = released,
		.committed = committed,
		.context = rig,
	};
	pipeline_start(rig->pipeline, &parts);
}

static void stop(struct rig *rig)
{
	memory_sink_ops.close(rig->sink);
	pipeline_free(rig->pipeline);
	rig->sink = NULL;
	rig->pipeline = NULL;
}

struct rig *rig_new(void)
{
	struct rig *rig = xcalloc(1, sizeof *rig);
	rig->broker = memory_broker_new();
	rig->state = memory_state_new();
	rig->budget_bytes = 1 << 30;
	start(rig);
	return rig;
}

void rig_free(struct rig *rig)
{
	stop(rig);
	memory_broker_free(rig->broker);
	memory_state_free(rig->state);
	free(rig);
}

void rig_rewind(struct rig *rig)
{
	stop(rig);
	start(rig);
}

int rig_try_take(struct rig *rig, struct batch *batch)
{
	return pipeline_take(rig->pipeline, batch, &rig->err);
}

int rig_try_turn(struct rig *rig)
{
	rig_now_ms += COMMIT_INTERVAL_MS;
	return pipeline_turn(rig->pipeline, &rig->err);
}

int rig_finish(struct rig *rig)
{
	return pipeline_finish(rig->pipeline, 0, &rig->err);
}

void rig_take(struct rig *rig, struct batch *batch)
{
	assert_true(pipeline_ready(rig->pipeline));
	assert_int_equal(rig_try_take(rig, batch), 0);
}

void rig_turn(struct rig *rig)
{
	assert_int_equal(rig_try_turn(rig), 0);
}

void rig_answer(struct rig *rig, size_t n)
{
	memory_broker_answer(rig->broker, n);
	rig_turn(rig);
}

const char *rig_position(struct rig *rig, const char *stream)
{
	const char *key = arena_text(&rig->state->arena, "position/%s", stream);
	const char *value = memory_state_text(rig->state, key);
	return value ? value : "";
}

void rig_assert_sent(struct rig *rig, ...)
{
	struct arena arena = {0};
	size_t n = 0;
	va_list values;
	va_start(values, rig);
	for (const char *value; (value = va_arg(values, const char *)); n++) {
		assert_true(n < rig->broker->n_records);
		struct slice sent = rig->broker->records[n].record.value;
		assert_string_equal(arena_text(&arena, "%.*s", (int)sent.size, (const char *)sent.data), value);
	}
	va_end(values);
	assert_int_equal(n, rig->broker->n_records);
	arena_free(&arena);
}

int rig_setup(void **state)
{
	*state = rig_new();
	return 0;
}

int rig_teardown(void **state)
{
	rig_free(*state);
	return 0;
}
