/* A session of the acknowledged endpoint (bridge/zeromq/session.h) without a socket: what it sends is kept and looked
 * at, time passes when a test says so.
 *
 *     say_hello("a"); add(3); assert_records("a", 1, 3); acknowledge("a", run, 2); session_rig.n_acknowledged
 *
 * Peers have names of one letter. Memory: static, one at a time. Threads: one. Errors fail the test. */
#ifndef TIDINGS_TESTS_SUPPORT_SESSION_RIG_H
#define TIDINGS_TESTS_SUPPORT_SESSION_RIG_H

#include "bridge/zeromq/session.h"

enum { MOST = 64, HEARTBEAT_MS = 100, OUTBOX_BYTES = 64 << 10 };

/* What went out: the last message to each peer, and all sequences that were sent. */
struct sent {
	struct slice peer;
	struct stream_message message;
	size_t n_records;
};

struct session_rig {
	struct session session;
	struct arena arena;
	int64_t now_ms; /* the time; wait_ms moves it */
	struct sent sent[MOST];
	size_t n_sent;
	const char *gone; /* a peer whose connection is lost */
	bool is_full;
	uintptr_t acknowledged[MOST];
	size_t n_acknowledged, n_notices;
	char notice[512];
};

extern struct session_rig session_rig;

extern const uint8_t run[RUN_SIZE]; /* of the session */
extern const uint8_t other_run[RUN_SIZE];

/* cmocka's setup and teardown. */
int session_rig_begin(void **state);
int session_rig_end(void **state);

/* The routing id of the peer that a test calls so. */
struct slice peer_id(const char *name);

/* What a peer says. */
void take(const char *peer, const struct stream_message *message);
void say_hello_of(const char *peer, const char *name, const uint8_t *of_run, uint64_t sequence, uint32_t credit);
void say_hello(const char *peer);
void acknowledge(const char *peer, const uint8_t *of_run, uint64_t sequence);

/* Records of 10 bytes, or one of n_bytes; false: the outbox is full. */
void add(size_t n);
bool add_bytes(size_t n_bytes);

/* Time passes, and the session is told. */
void wait_ms(int ms);

/* The last message went to this peer and is of this kind. */
const struct sent *assert_answered(const char *peer, enum stream_kind kind);
void assert_refused(const char *peer, enum refusal_reason reason);
void assert_welcome(const char *peer, uint64_t sequence);

/* After a flush: the last message is these records; or there is none. */
void assert_records(const char *peer, uint64_t first, size_t n);
void assert_nothing_sent(void);

#endif
