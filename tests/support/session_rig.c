#include "tests/support/session_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct session_rig session_rig;
const uint8_t run[RUN_SIZE] = "run-0123456789a", other_run[RUN_SIZE] = "run-another-one";

static int64_t now_ms(void)
{
	return session_rig.now_ms;
}

static size_t count_records(struct slice records)
{
	struct stream_record record;
	size_t n = 0;
	while (stream_next_record(&records, &record))
		n++;
	return n;
}

/* As libzmq makes them: they begin with 0. */
struct slice peer_id(const char *name)
{
	char id[8] = "";
	snprintf(id + 1, sizeof id - 1, "%s", name);
	return arena_copy(&session_rig.arena, slice_of((const uint8_t *)id, 1 + strlen(name)));
}

static int send_frame(void *context, struct slice peer, struct slice frame)
{
	(void)context;
	if (session_rig.gone && slice_equal(peer, peer_id(session_rig.gone)))
		return SESSION_GONE;
	if (session_rig.is_full)
		return SESSION_FULL;
	assert_true(session_rig.n_sent < MOST);
	struct sent *sent = &session_rig.sent[session_rig.n_sent++];
	*sent = (struct sent){.peer = arena_copy(&session_rig.arena, peer)};
	assert_true(stream_read_to_consumer(arena_copy(&session_rig.arena, frame), &sent->message));
	if (sent->message.kind == STREAM_RECORDS)
		sent->n_records = count_records(sent->message.records);
	return 0;
}

static void on_acknowledged(void *context, void *token)
{
	(void)context;
	session_rig.acknowledged[session_rig.n_acknowledged++] = (uintptr_t)token;
}

static void on_notice(void *context, const char *text)
{
	(void)context;
	session_rig.n_notices++;
	snprintf(session_rig.notice, sizeof session_rig.notice, "%s", text);
}

static const struct sink_events events = {.acknowledged = on_acknowledged, .notice = on_notice};

int session_rig_begin(void **state)
{
	static const struct session_parts parts = {.consumer = "archive",
						   .heartbeat_ms = HEARTBEAT_MS,
						   .outbox_bytes = OUTBOX_BYTES,
						   .now_ms = now_ms,
						   .send = send_frame,
						   .events = &events};
	(void)state;
	memset(&session_rig, 0, sizeof session_rig);
	session_init(&session_rig.session, &parts, run);
	return 0;
}

int session_rig_end(void **state)
{
	(void)state;
	session_free(&session_rig.session);
	arena_free(&session_rig.arena);
	return 0;
}

void take(const char *peer, const struct stream_message *message)
{
	session_take(&session_rig.session, peer_id(peer), stream_write_to_bridge(message, &session_rig.arena));
}

void say_hello_of(const char *peer, const char *name, const uint8_t *of_run, uint64_t sequence, uint32_t credit)
{
	take(peer, &(struct stream_message){.kind = STREAM_HELLO,
					    .protocol = STREAM_PROTOCOL,
					    .consumer = slice_of_text(name),
					    .run = slice_of(of_run, of_run ? RUN_SIZE : 0),
					    .sequence = sequence,
					    .credit = credit});
}

void say_hello(const char *peer)
{
	say_hello_of(peer, "archive", NULL, 0, 1000);
}

void acknowledge(const char *peer, const uint8_t *of_run, uint64_t sequence)
{
	take(peer, &(struct stream_message){
			   .kind = STREAM_ACKNOWLEDGE, .run = slice_of(of_run, RUN_SIZE), .sequence = sequence});
}

bool add_bytes(size_t n_bytes)
{
	static uintptr_t n;
	static uint8_t value[OUTBOX_BYTES];
	if (session_rig.session.outbox.n == 0 && session_rig.session.outbox.acknowledged == 0)
		n = 0;
	return session_add(&session_rig.session, &(struct record){.topic = TOPIC_ITEMS,
								  .key = slice_of_text("key"),
								  .value = slice_of(value, n_bytes),
								  .type = "tidings.v1.ItemCreated",
								  .token = (void *)++n});
}

void add(size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_true(add_bytes(10));
}

void wait_ms(int ms)
{
	session_rig.now_ms += ms;
	session_tick(&session_rig.session);
}

const struct sent *assert_answered(const char *peer, enum stream_kind kind)
{
	assert_true(session_rig.n_sent > 0);
	const struct sent *last = &session_rig.sent[session_rig.n_sent - 1];
	assert_true(slice_equal(last->peer, peer_id(peer)));
	assert_int_equal(last->message.kind, kind);
	return last;
}

void assert_refused(const char *peer, enum refusal_reason reason)
{
	const struct sent *refusal = assert_answered(peer, STREAM_REFUSAL);
	assert_int_equal(refusal->message.reason, reason);
	assert_true(refusal->message.text.size > 0);
}

void assert_welcome(const char *peer, uint64_t sequence)
{
	const struct sent *welcome = assert_answered(peer, STREAM_WELCOME);
	assert_int_equal(welcome->message.sequence, sequence);
	assert_memory_equal(welcome->message.run.data, run, RUN_SIZE);
	assert_int_equal(welcome->message.heartbeat_ms, HEARTBEAT_MS);
}

void assert_records(const char *peer, uint64_t first, size_t n)
{
	session_flush(&session_rig.session);
	const struct sent *records = assert_answered(peer, STREAM_RECORDS);
	assert_int_equal(records->message.sequence, first);
	assert_int_equal(records->n_records, n);
}

void assert_nothing_sent(void)
{
	size_t before = session_rig.n_sent;
	session_flush(&session_rig.session);
	assert_int_equal(session_rig.n_sent, before);
}
