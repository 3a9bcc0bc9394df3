/* The bridge's side of the acknowledged endpoint: who is connected, what was sent, what is acknowledged. Rules and
 * state diagram: proto/zeromq.md. It has no socket: what comes in is given to it, what goes out it gives to `send`.
 *
 *     session_add(...), session_take(...), session_tick(...), session_flush(...)
 *
 * One consumer, by its name in the configuration; several would be several cursors over one outbox.
 *
 * Memory: the outbox, and one frame. Threads: one. Errors: whatever comes from the network is answered with a refusal
 * or dropped, and said once. */
#ifndef TIDINGS_BRIDGE_ZEROMQ_SESSION_H
#define TIDINGS_BRIDGE_ZEROMQ_SESSION_H

#include "bridge/zeromq/outbox.h"
#include "proto/stream.h"

enum { MISSED_HEARTBEATS = 5 /* so many in a row mean death */, SAY_AFTER_HEARTBEATS = 2, PEER_SIZE = 256 };

/* From session_parts.send: the peer is gone; or it takes nothing more for now. */
enum { SESSION_GONE = -1, SESSION_FULL = -2 };

struct session_parts {
	const char *consumer;
	int heartbeat_ms;
	size_t outbox_bytes;
	int64_t (*now_ms)(void); /* monotonic */
	int (*send)(void *context, struct slice peer, struct slice frame);
	void *context; /* of send */
	const struct sink_events *events;
};

struct session {
	struct session_parts parts;
	uint8_t run[RUN_SIZE];
	struct outbox outbox;
	uint64_t highest; /* sequence that was ever sent */

	/* The connection; peer_size 0: there is none. */
	uint8_t peer[PEER_SIZE];
	size_t peer_size;
	uint64_t sent; /* the highest sequence sent on it */
	uint32_t credit;
	int64_t heard_at_ms, beaten_at_ms;

	/* While there is none. */
	const char *why_away;
	int64_t away_since_ms;
	bool away_said;

	uint64_t n_malformed, n_refused;
	uint32_t refusals_said; /* a bit for each reason */

	uint8_t *frame;
	size_t frame_room;
};

void session_init(struct session *session, const struct session_parts *parts, const uint8_t run[RUN_SIZE]);
void session_free(struct session *session);

/* Takes a record; false: the outbox is full. */
bool session_add(struct session *session, const struct record *record);

/* A message of a peer, whose routing id is not empty. An empty one asks who the bridge is waiting for. */
void session_take(struct session *session, struct slice peer, struct slice frame);
void session_take_malformed(struct session *session, struct slice peer);

/* Heartbeats, deaths, and what is to be said; whenever heartbeat_ms have passed, and may be called more often. */
void session_tick(struct session *session);

/* Sends what the consumer has credit for. */
void session_flush(struct session *session);

/* Tells the consumer that the run is over. */
void session_bye(struct session *session);

/* It is not connected, and so long that it was said. */
static inline bool session_is_away(const struct session *session)
{
	return !session->peer_size && session->away_said;
}

#endif
