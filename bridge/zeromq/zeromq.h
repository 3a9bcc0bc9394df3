/* The ZeroMQ sink: an acknowledged endpoint, where one named consumer says what it has, and a live one for whoever
 * listens. Private to this folder; what others see is zeromq_driver (bridge/driver.h). The protocol: proto/zeromq.md.
 *
 *     config.c     the node of the configuration -> struct zeromq_config
 *     session.c    the acknowledged endpoint's rules, without a socket; outbox.c: what is not acknowledged
 *     bind.c       a socket at its address
 *     router.c     the acknowledged endpoint's socket
 *     live.c       the live endpoint; counts.c: sequences by topic; held.c: what libzmq has
 *     zeromq.c     the operations of core/sink.h, from these
 *     consumer.c   the other end of both; read.c: as `tail` wants it
 *     read.c       the reader of bridge/driver.h, from that
 *
 * Records only go into memory when they are sent; service does what is done with sockets. So the fd is an epoll of the
 * sockets' own (edge-triggered: service leaves no socket with something to take), a timer for heartbeats, and an
 * eventfd that rings for records to send.
 *
 * Threads: all calls but status come from one; libzmq has its own. Memory: the outbox; for subscribers `queue` records
 * of each, and memory_bytes of all. Errors: an address that cannot be had is waited for, as the one who has it may be
 * ending. */
#ifndef TIDINGS_BRIDGE_ZEROMQ_ZEROMQ_H
#define TIDINGS_BRIDGE_ZEROMQ_ZEROMQ_H

#include <pthread.h>

#include "bridge/driver.h"
#include "bridge/zeromq/counts.h"
#include "bridge/zeromq/held.h"
#include "bridge/zeromq/session.h"

enum { MOST_HANDED = 1024 };

struct zeromq_config {
	bool best_effort;
	const char *acknowledged, *consumer; /* where to bind, and for whom; NULL: no such endpoint */
	const char *live;                    /* NULL: no such endpoint */
	int heartbeat_ms;
	size_t outbox_bytes;
	int queue;           /* records per subscriber */
	size_t memory_bytes; /* of all subscribers together */
};

/* What status says, as of the last service. */
struct zeromq_standing {
	bool connected;
	int64_t since; /* unix seconds */
	const char *why_away;
	size_t n_unacknowledged;
	uint64_t sequence;
};

struct zeromq_sink {
	struct sink sink;
	const struct zeromq_config *config;
	struct sink_events events;
	int stop_fd, fd, timer_fd, ring_fd;
	bool is_rung;
	void *context, *router, *live;
	uint8_t run[RUN_SIZE];
	struct session session;
	uint64_t marked; /* sequence, of the last marks */
	struct counts counts;
	struct held held;          /* by libzmq, for subscribers */
	void *handed[MOST_HANDED]; /* to libzmq, in best effort: tokens to be answered */
	size_t n_handed;
	pthread_mutex_t mutex; /* of standing */
	struct zeromq_standing standing;
};

int zeromq_configure(const struct conf_node *node, void **config, struct err *err);

/* Makes a socket of this type, bound to `address`; waits a little for an address that is in use. Returns 0, ERR_AGAIN,
 * ERR_FATAL or ERR_STOPPED. */
int zeromq_bind(struct zeromq_sink *sink, int type, const char *address, void **socket, struct err *err);

/* The acknowledged endpoint: open starts the session, take gives it what has come. */
int zeromq_router_open(struct zeromq_sink *sink, struct err *err);
void zeromq_router_take(struct zeromq_sink *sink);

/* The live endpoint. */
void zeromq_live_publish(struct zeromq_sink *sink, const struct record *record);
void zeromq_live_take(struct zeromq_sink *sink); /* subscriptions */

extern const struct reader_ops zeromq_reader_ops;

/* "<store>/<folder>/<object>" of a record, in `topic`; its size. */
enum { LIVE_TOPIC_ROOM = 16 };
size_t zeromq_topic(const struct record *record, char *topic); /* room for the key and LIVE_TOPIC_ROOM */

#endif
