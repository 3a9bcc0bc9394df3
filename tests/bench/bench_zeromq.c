/* Engine to ZeroMQ, live and acknowledged, beside a bare PUSH and PULL of the same: one frame with the payload for
 * acknowledged, and topic, sequence and payload for live.
 *
 *     bench_zeromq [RECORDS [ROUNDS [WAY]]]    WAY: only "bare", "acknowledged", "bare3" or "live", for a profile
 *
 * The receiver is a thread with libzmq: for live and for both bare ways a socket that counts, for acknowledged the
 * consumer that `tail` has. A round is over when it has all. As live drops what a subscriber is too slow for, and PUSH
 * waits, the source stays less than half of the queue ahead of the subscriber. Over TCP on loopback. Rounds alternate.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zmq.h>

#include "bridge/zeromq/consumer.h"
#include "bridge/zeromq/zeromq.h"
#include "proto/encode.h"
#include "tests/support/bench_engine.h"

enum { ACKNOWLEDGE_EVERY = 500, NEXT_MS = 20, SUBSCRIBE_MS = 500, FIRST_PORT = 20000, PORTS = 10000 };
enum { QUEUE = 100000, MEMORY_BYTES = 64 << 20, MOST_AHEAD = 40000 };

static const char monitor[] = "inproc://monitor";
static char address[64]; /* one of its own for each process */

extern const struct sink_driver zeromq_driver;

static size_t n_records = 200000;
static _Atomic size_t n_received;
static atomic_bool over, connected;

static bool all_received(void)
{
	return n_received >= n_records;
}

static size_t count_received(void)
{
	return n_received;
}

static bool is_connected(void)
{
	return connected;
}

/* ---- receivers ---- */

static void note(const char *text)
{
	connected = connected || strstr(text, ": connected");
}

static void *consume(void *consumer)
{
	struct zeromq_record record = {0};
	struct err err;
	size_t n_unacknowledged = 0;
	while (!over) {
		bool is_there = zeromq_consumer_next(consumer, &record, NEXT_MS, &err) == 0;
		n_received += is_there;
		n_unacknowledged += is_there;
		if (n_unacknowledged >= ACKNOWLEDGE_EVERY || (!is_there && n_unacknowledged) || all_received()) {
			zeromq_consumer_acknowledge(consumer, &record);
			n_unacknowledged = 0;
		}
	}
	zeromq_consumer_close(consumer);
	return NULL;
}

/* A PULL, or a SUB of everything. */
static void *count(void *socket)
{
	zmq_msg_t message;
	zmq_msg_init(&message);
	while (!all_received())
		n_received += zmq_msg_recv(&message, socket, 0) >= 0 && !zmq_msg_more(&message);
	zmq_msg_close(&message);
	zmq_close(socket);
	return NULL;
}

static void monitor_subscriber(void *socket)
{
	zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
	zmq_socket_monitor(socket, monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
}

static void *open_receiver(void *context, int type)
{
	void *socket = zmq_socket(context, type);
	if (type == ZMQ_SUB)
		monitor_subscriber(socket);
	if (!socket || zmq_connect(socket, address))
		abort();
	return socket;
}

/* A thread: until the receiver is connected. */
static void *watch(void *context)
{
	void *events = zmq_socket(context, ZMQ_PAIR);
	char event[64];
	zmq_connect(events, monitor);
	connected = zmq_recv(events, event, sizeof event, 0) > 0;
	zmq_close(events);
	return NULL;
}

/* ---- rounds ---- */

static void run_engine(const char *what, const struct zeromq_config *config, size_t most_ahead, int settle_ms,
		       int round)
{
	const struct bench_run run = {.driver = &zeromq_driver,
				      .config = (void *)config,
				      .n_records = n_records,
				      .is_ready = is_connected,
				      .settle_ms = settle_ms,
				      .is_over = all_received,
				      .n_received = count_received,
				      .most_ahead = most_ahead};
	bench_engine(&run, what, round);
}

static void run_acknowledged(int round)
{
	const struct zeromq_config config = {
		.acknowledged = address, .consumer = "bench", .heartbeat_ms = 1000, .outbox_bytes = 8 << 20};
	struct zeromq_consumer *consumer;
	struct err err;
	pthread_t thread;
	n_received = 0;
	over = connected = false;
	if (zeromq_consumer_open(address, "bench", -1, note, &consumer, &err))
		bench_die(&err);
	pthread_create(&thread, NULL, consume, consumer);
	run_engine("engine to ZeroMQ, acknowledged", &config, 0, 0, round);
	over = true;
	pthread_join(thread, NULL);
}

static void run_live(int round)
{
	const struct zeromq_config config = {.best_effort = true,
					     .live = address,
					     .heartbeat_ms = 1000,
					     .queue = QUEUE,
					     .memory_bytes = MEMORY_BYTES};
	void *context = zmq_ctx_new(), *receiver = open_receiver(context, ZMQ_SUB);
	pthread_t thread, watcher;
	n_received = 0;
	connected = false;
	pthread_create(&watcher, NULL, watch, context);
	pthread_create(&thread, NULL, count, receiver);
	run_engine("engine to ZeroMQ, live", &config, MOST_AHEAD, SUBSCRIBE_MS, round);
	pthread_join(thread, NULL);
	pthread_join(watcher, NULL);
	zmq_ctx_term(context);
}

static void push(void *socket, struct slice value, bool with_topic)
{
	static const char topic[] =
		"73746f72652d677569642d3031323334/7365727665722d677569642d30313233666f6c6465723030/item";
	static const char place[16 + 8]; /* run and sequence */
	if (with_topic) {
		zmq_send(socket, topic, sizeof topic - 1, ZMQ_SNDMORE);
		zmq_send(socket, place, sizeof place, ZMQ_SNDMORE);
	}
	zmq_send(socket, value.data, value.size, 0);
}

static void run_push(const char *what, bool with_topic, int round)
{
	void *context = zmq_ctx_new(), *others = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_PUSH);
	struct batch *batch = bench_batch(0, 1);
	uint8_t id[EVENT_ID_SIZE];
	struct slice value = protobuf_encoder.change(&batch->changes[0], &batch->arena, id);
	pthread_t thread;
	n_received = 0;
	if (zmq_bind(socket, address))
		abort();
	pthread_create(&thread, NULL, count, open_receiver(others, ZMQ_PULL));
	struct bench_clock clock = bench_begin();
	for (size_t i = 0; i < n_records; i++)
		push(socket, value, with_topic);
	pthread_join(thread, NULL);
	bench_report(what, round, n_records, &clock);
	zmq_close(socket);
	zmq_ctx_term(context);
	zmq_ctx_term(others);
	batch_free(batch);
}

static void run_bare(int round)
{
	run_push("bare PUSH and PULL", false, round);
}

static void run_bare_3_frames(int round)
{
	run_push("bare PUSH and PULL, 3 frames", true, round);
}

static const struct {
	const char *name;
	void (*run)(int round);
} ways[] = {{"bare", run_bare}, {"acknowledged", run_acknowledged}, {"bare3", run_bare_3_frames}, {"live", run_live}};

int main(int argc, char **argv)
{
	n_records = argc > 1 ? strtoul(argv[1], NULL, 10) : n_records;
	int n_rounds = argc > 2 ? atoi(argv[2]) : 3;
	snprintf(address, sizeof address, "tcp://127.0.0.1:%d", FIRST_PORT + getpid() % PORTS);
	for (int round = 1; round <= n_rounds; round++)
		for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
			if (argc <= 3 || strcmp(argv[3], ways[i].name) == 0)
				ways[i].run(round);
	return 0;
}
