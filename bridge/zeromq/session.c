#include "bridge/zeromq/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/step.h"

enum { FRAME_BYTES = 64 << 10 /* of records in one message, unless one alone is longer */, NOTICE_SIZE = 512 };

/* ---- saying ---- */

static void say(const struct session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(const struct session *session, const char *format, ...)
{
	char text[NOTICE_SIZE];
	va_list args;
	if (!session->parts.events->notice)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	session->parts.events->notice(session->parts.events->context, text);
}

static int64_t now_ms(const struct session *session)
{
	return session->parts.now_ms();
}

static void go_away(struct session *session, const char *why)
{
	session->peer_size = 0;
	session->why_away = why;
	session->away_since_ms = now_ms(session);
	session->away_said = false;
}

/* A consumer that is back soon is not worth a line. */
static void say_away(struct session *session)
{
	int64_t away_ms = now_ms(session) - session->away_since_ms;
	if (session->peer_size || session->away_said ||
	    away_ms < (int64_t)SAY_AFTER_HEARTBEATS * session->parts.heartbeat_ms)
		return;
	say(session, "ZeroMQ: waiting for the consumer %s: %s; nothing is committed without it, and nothing is lost",
	    session->parts.consumer, session->why_away);
	session->away_said = true;
}

/* ---- sending ---- */

static struct slice peer_of(const struct session *session)
{
	return slice_of(session->peer, session->peer_size);
}

static int send_to(struct session *session, struct slice peer, const struct stream_message *message)
{
	struct arena arena = {0};
	struct slice frame = stream_write_to_consumer(message, &arena);
	int rc = session->parts.send(session->parts.context, peer, frame);
	arena_free(&arena);
	return rc;
}

/* To the consumer. Where it is gone, nobody is connected any more. */
static int tell(struct session *session, const struct stream_message *message)
{
	int rc = send_to(session, peer_of(session), message);
	if (rc == SESSION_GONE)
		go_away(session, "its connection is lost");
	return rc;
}

static int beat(struct session *session)
{
	session->beaten_at_ms = now_ms(session);
	return tell(session, &(struct stream_message){.kind = STREAM_HEARTBEAT});
}

static void refuse(struct session *session, struct slice peer, enum refusal_reason reason, const char *text)
{
	session->n_refused++;
	send_to(session, peer,
		&(struct stream_message){.kind = STREAM_REFUSAL, .reason = reason, .text = slice_of_text(text)});
	if (reason == REFUSAL_HELLO_FIRST || session->refusals_said & 1u << reason)
		return;
	session->refusals_said |= 1u << reason;
	say(session, "ZeroMQ: refused somebody at the acknowledged endpoint: %s", text);
}

/* How many records fit into one message and the credit, from `sent` on, and their bytes. */
static size_t choose(const struct session *session, size_t *n_bytes)
{
	uint64_t on_way = session->sent - session->outbox.acknowledged;
	uint64_t left = outbox_last(&session->outbox) - session->sent;
	uint64_t most = session->credit > on_way ? session->credit - on_way : 0;
	size_t n = 0;
	for (*n_bytes = 0; n < left && n < most; n++) {
		size_t size = outbox_at(&session->outbox, session->sent + n + 1)->bytes.size;
		if (n > 0 && *n_bytes + size > FRAME_BYTES)
			break;
		*n_bytes += size;
	}
	return n;
}

static struct slice write_frame(struct session *session, size_t n, size_t n_bytes)
{
	if (session->frame_room < STREAM_HEAD_MOST + n_bytes) {
		session->frame_room = STREAM_HEAD_MOST + n_bytes;
		session->frame = xrealloc(session->frame, session->frame_room);
	}
	size_t size = stream_write_head(session->run, session->sent + 1, n_bytes, session->frame);
	for (size_t i = 0; i < n; i++) {
		struct slice bytes = outbox_at(&session->outbox, session->sent + i + 1)->bytes;
		memcpy(session->frame + size, bytes.data, bytes.size);
		size += bytes.size;
	}
	return slice_of(session->frame, size);
}

void session_flush(struct session *session)
{
	size_t n, n_bytes;
	while (session->peer_size && (n = choose(session, &n_bytes)) > 0) {
		step("records sent");
		int rc =
			session->parts.send(session->parts.context, peer_of(session), write_frame(session, n, n_bytes));
		if (rc == SESSION_GONE)
			go_away(session, "its connection is lost");
		if (rc)
			return;
		session->sent += n;
		session->highest = session->sent > session->highest ? session->sent : session->highest;
	}
}

/* ---- taking ---- */

/* Only what the consumer has acknowledged is, and all before it. */
static void acknowledge(struct session *session, uint64_t sequence)
{
	while (session->outbox.acknowledged < sequence)
		session->parts.events->acknowledged(session->parts.events->context, outbox_take(&session->outbox));
	if (session->sent < session->outbox.acknowledged)
		session->sent = session->outbox.acknowledged;
}

static bool is_of_run(const struct session *session, struct slice run)
{
	return slice_equal(run, slice_of(session->run, RUN_SIZE));
}

static void take_acknowledgement(struct session *session, struct slice peer, const struct stream_message *message)
{
	if (!is_of_run(session, message->run))
		refuse(session, peer, REFUSAL_BAD_ACKNOWLEDGEMENT, "an acknowledgement of another run");
	else if (message->sequence > session->highest)
		refuse(session, peer, REFUSAL_BAD_ACKNOWLEDGEMENT, "an acknowledgement of what was never sent");
	else
		acknowledge(session, message->sequence);
}

static void welcome(struct session *session, struct slice peer, const struct stream_message *hello)
{
	if (session->away_said)
		say(session, "ZeroMQ: the consumer %s is connected", session->parts.consumer);
	if (is_of_run(session, hello->run))
		acknowledge(session, hello->sequence);
	memcpy(session->peer, peer.data, peer.size);
	session->peer_size = peer.size;
	session->sent = session->outbox.acknowledged;
	session->credit = hello->credit;
	session->heard_at_ms = session->beaten_at_ms = now_ms(session);
	session->away_said = false;
	session->refusals_said = 0;
	tell(session, &(struct stream_message){.kind = STREAM_WELCOME,
					       .run = slice_of(session->run, RUN_SIZE),
					       .sequence = session->sent + 1,
					       .heartbeat_ms = (uint32_t)session->parts.heartbeat_ms});
}

/* One that died a moment ago is asked, so that its successor need not wait for the heartbeats. */
static bool is_taken(struct session *session, struct slice peer)
{
	return session->peer_size && !slice_equal(peer, peer_of(session)) && beat(session) != SESSION_GONE;
}

/* libzmq makes the id of each connection, and those begin with 0. With one of the consumer's choice a connection that
 * was made again looks like the one before, and what was on its way would be missing unseen. */
static bool is_chosen(struct slice peer)
{
	return peer.data[0] != 0;
}

static void take_hello(struct session *session, struct slice peer, const struct stream_message *hello)
{
	if (is_chosen(peer))
		refuse(session, peer, REFUSAL_PROTOCOL,
		       "a routing id was set on the socket (ZMQ_ROUTING_ID, also called identity): leave that out");
	else if (hello->protocol != STREAM_PROTOCOL)
		refuse(session, peer, REFUSAL_PROTOCOL, "this bridge speaks version 1 of the protocol");
	else if (!slice_equal(hello->consumer, slice_of_text(session->parts.consumer)))
		refuse(session, peer, REFUSAL_UNKNOWN_NAME,
		       "the configuration of this bridge names another consumer "
		       "(sink.zeromq.acknowledged.consumer)");
	else if (is_taken(session, peer))
		refuse(session, peer, REFUSAL_NAME_IN_USE, "a consumer of this name is connected");
	else if (is_of_run(session, hello->run) && hello->sequence > session->highest)
		refuse(session, peer, REFUSAL_BAD_ACKNOWLEDGEMENT, "an acknowledgement of what was never sent");
	else
		welcome(session, peer, hello);
}

static void take_of_consumer(struct session *session, struct slice peer, const struct stream_message *message)
{
	switch (message->kind) {
	case STREAM_ACKNOWLEDGE:
		take_acknowledgement(session, peer, message);
		break;
	case STREAM_CREDIT:
		session->credit = message->credit;
		break;
	case STREAM_BYE:
		go_away(session, "it said good-bye");
		break;
	default:
		break;
	}
}

static bool is_consumer(struct session *session, struct slice peer)
{
	if (!session->peer_size || !slice_equal(peer, peer_of(session)))
		return false;
	session->heard_at_ms = now_ms(session);
	return true;
}

void session_take_malformed(struct session *session, struct slice peer)
{
	is_consumer(session, peer);
	if (session->n_malformed++ == 0)
		say(session, "ZeroMQ: dropped a message that is none of the protocol (proto/zeromq.md); further ones "
			     "are dropped without a word");
}

void session_take(struct session *session, struct slice peer, struct slice frame)
{
	struct stream_message message;
	bool known = is_consumer(session, peer);
	if (frame.size > 0 && !stream_read_to_bridge(frame, &message))
		session_take_malformed(session, peer);
	else if (frame.size > 0 && message.kind == STREAM_HELLO)
		take_hello(session, peer, &message);
	else if (frame.size > 0 && known)
		take_of_consumer(session, peer, &message);
	else if (!known && !(frame.size > 0 && message.kind == STREAM_BYE))
		refuse(session, peer, REFUSAL_HELLO_FIRST, "say hello first");
}

void session_tick(struct session *session)
{
	int64_t now = now_ms(session);
	if (session->peer_size && now - session->heard_at_ms > (int64_t)MISSED_HEARTBEATS * session->parts.heartbeat_ms)
		go_away(session, "nothing is heard from it");
	if (session->peer_size && now - session->beaten_at_ms >= session->parts.heartbeat_ms)
		beat(session);
	say_away(session);
}

/* ---- the whole ---- */

void session_init(struct session *session, const struct session_parts *parts, const uint8_t run[RUN_SIZE])
{
	*session = (struct session){.parts = *parts};
	memcpy(session->run, run, RUN_SIZE);
	outbox_init(&session->outbox, parts->outbox_bytes);
	go_away(session, "it has not said hello yet");
}

void session_free(struct session *session)
{
	outbox_free(&session->outbox);
	free(session->frame);
	session->frame = NULL;
}

bool session_add(struct session *session, const struct record *record)
{
	return outbox_add(&session->outbox, record);
}

void session_bye(struct session *session)
{
	if (session->peer_size)
		tell(session, &(struct stream_message){.kind = STREAM_BYE});
}
