#include "bridge/zeromq/consumer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include "bridge/clock.h"
#include "bridge/zeromq/counts.h"
#include "proto/stream.h"

enum {
	FIRST_HEARTBEAT_MS = 1000,
	MISSED_MOST = 5,
	SAY_AFTER_HELLOS = 3,
	IN_USE_MS = 15000,
	LINGER_MS = 500,
	LATEST_RECONNECT_MS = 1000
};
enum { MOST_INPUT_BYTES = 256 << 20, LIVE_QUEUE = 100000, SEQUENCE_BYTES = 8, NOTICE_SIZE = 512 };

struct zeromq_consumer {
	const char *endpoint, *name; /* name NULL: a subscriber */
	int stop_fd;
	void (*notice)(const char *text);
	void *context, *socket;
	zmq_msg_t frame; /* what records borrow from */

	/* The conversation. */
	bool is_connected, is_refused; /* refused: for now */
	int heartbeat_ms;
	int n_unanswered; /* hellos */
	int64_t heard_at_ms, spoke_at_ms, refused_at_ms;
	uint8_t run[RUN_SIZE];              /* the last one; all 0: none */
	uint64_t given, acknowledged, next; /* sequences of the run: given out; next: of what is in `records` */
	struct slice records;               /* what is left of a message */

	/* Of a subscriber. */
	zmq_msg_t topic;
	struct counts counts;
	uint8_t live_run[RUN_SIZE];
};

/* ---- speaking ---- */

static void say(const struct zeromq_consumer *consumer, const char *what, struct slice why)
{
	char text[NOTICE_SIZE];
	if (!consumer->notice)
		return;
	snprintf(text, sizeof text, "ZeroMQ: %s: %s%s%.*s", consumer->endpoint, what, why.size ? ": " : "",
		 (int)(why.size < 200 ? why.size : 200), (const char *)why.data);
	consumer->notice(text);
}

static void speak(struct zeromq_consumer *consumer, const struct stream_message *message)
{
	struct arena arena = {0};
	struct slice frame = stream_write_to_bridge(message, &arena);
	zmq_send(consumer->socket, frame.data, frame.size, ZMQ_DONTWAIT);
	consumer->spoke_at_ms = clock_ms();
	arena_free(&arena);
}

static bool has_run(const struct zeromq_consumer *consumer)
{
	static const uint8_t none[RUN_SIZE];
	return memcmp(consumer->run, none, RUN_SIZE) != 0;
}

static void say_hello(struct zeromq_consumer *consumer)
{
	consumer->is_connected = false;
	consumer->records = slice_of(NULL, 0);
	speak(consumer, &(struct stream_message){.kind = STREAM_HELLO,
						 .protocol = STREAM_PROTOCOL,
						 .consumer = slice_of_text(consumer->name),
						 .run = slice_of(consumer->run, has_run(consumer) ? RUN_SIZE : 0),
						 .sequence = consumer->acknowledged,
						 .credit = ZEROMQ_CREDIT});
}

static void lose(struct zeromq_consumer *consumer, const char *why)
{
	if (consumer->is_connected)
		say(consumer, why, slice_of(NULL, 0));
	consumer->is_connected = false;
}

/* A bridge that is about to start is not worth a line. */
static void greet(struct zeromq_consumer *consumer)
{
	if (++consumer->n_unanswered == SAY_AFTER_HELLOS)
		say(consumer, "no bridge answers here; waiting for it", slice_of(NULL, 0));
	say_hello(consumer);
}

/* Whoever was busy for long finds what has come meanwhile. */
static bool has_input(const struct zeromq_consumer *consumer)
{
	int events = 0;
	size_t size = sizeof events;
	return consumer->records.size > 0 ||
	       (zmq_getsockopt(consumer->socket, ZMQ_EVENTS, &events, &size) == 0 && events & ZMQ_POLLIN);
}

static bool is_silent(const struct zeromq_consumer *consumer, int64_t now_ms)
{
	return now_ms - consumer->heard_at_ms > (int64_t)MISSED_MOST * consumer->heartbeat_ms && !has_input(consumer);
}

/* What is due by the clock. Hello is said when the bridge asks, which it does at each new connection; and again, in
 * case that was lost. */
static void tick(struct zeromq_consumer *consumer, int64_t now_ms)
{
	if (consumer->is_connected && is_silent(consumer, now_ms))
		lose(consumer, "nothing is heard from the bridge; waiting for it");
	if (now_ms - consumer->spoke_at_ms < consumer->heartbeat_ms)
		return;
	if (consumer->is_connected)
		speak(consumer, &(struct stream_message){.kind = STREAM_HEARTBEAT});
	else
		greet(consumer);
}

/* ---- listening ---- */

static void take_welcome(struct zeromq_consumer *consumer, const struct stream_message *message)
{
	if (message->run.size != RUN_SIZE || message->sequence == 0)
		return;
	uint64_t before = message->sequence - 1; /* somebody of this name has these */
	bool is_same = memcmp(consumer->run, message->run.data, RUN_SIZE) == 0;
	consumer->given = is_same && consumer->given > before ? consumer->given : before;
	consumer->acknowledged = is_same && consumer->acknowledged > before ? consumer->acknowledged : before;
	memcpy(consumer->run, message->run.data, RUN_SIZE);
	consumer->heartbeat_ms = message->heartbeat_ms ? (int)(message->heartbeat_ms & 0xffffff) : FIRST_HEARTBEAT_MS;
	consumer->is_connected = true;
	consumer->is_refused = false;
	say(consumer, "connected", slice_of(NULL, 0));
}

static void take_records(struct zeromq_consumer *consumer, const struct stream_message *message)
{
	bool is_wanted = consumer->is_connected && slice_equal(message->run, slice_of(consumer->run, RUN_SIZE));
	if (!is_wanted)
		return;
	consumer->records = message->records;
	consumer->next = message->sequence;
}

static int refused(const struct zeromq_consumer *consumer, const struct stream_message *message, struct err *err)
{
	return err_usage(err, "ZeroMQ: %s refuses the consumer %s: %.*s", consumer->endpoint, consumer->name,
			 (int)(message->text.size < 200 ? message->text.size : 200), (const char *)message->text.data);
}

/* Whoever is connected by this name may have died a moment ago; it is waited for longer than the bridge needs to see
 * that. */
static int take_in_use(struct zeromq_consumer *consumer, const struct stream_message *message, struct err *err)
{
	if (!consumer->is_refused) {
		say(consumer, "refused for now", message->text);
		consumer->refused_at_ms = clock_ms();
	}
	consumer->is_refused = true;
	return clock_ms() - consumer->refused_at_ms > IN_USE_MS ? refused(consumer, message, err) : 0;
}

static int take_refusal(struct zeromq_consumer *consumer, const struct stream_message *message, struct err *err)
{
	switch (message->reason) {
	case REFUSAL_HELLO_FIRST:
		lose(consumer, "the bridge wants another hello");
		say_hello(consumer);
		return 0;
	case REFUSAL_NAME_IN_USE:
		return take_in_use(consumer, message, err);
	case REFUSAL_BAD_ACKNOWLEDGEMENT:
		return 0;
	default:
		return refused(consumer, message, err);
	}
}

static int take(struct zeromq_consumer *consumer, struct err *err)
{
	struct stream_message message;
	struct slice frame = slice_of(zmq_msg_data(&consumer->frame), zmq_msg_size(&consumer->frame));
	if (!stream_read_to_consumer(frame, &message))
		return 0;
	consumer->heard_at_ms = clock_ms();
	consumer->n_unanswered = 0;
	switch (message.kind) {
	case STREAM_WELCOME:
		take_welcome(consumer, &message);
		return 0;
	case STREAM_RECORDS:
		take_records(consumer, &message);
		return 0;
	case STREAM_REFUSAL:
		return take_refusal(consumer, &message, err);
	case STREAM_BYE:
		lose(consumer, "the bridge has stopped; waiting for it");
		return 0;
	default:
		return 0;
	}
}

/* Records that are missing must not be acknowledged with those behind them. */
static bool has_gap(struct zeromq_consumer *consumer, uint64_t sequence)
{
	if (sequence <= consumer->given + 1)
		return false;
	lose(consumer, "records are missing; asking for them");
	say_hello(consumer);
	return true;
}

/* The next of the message that came last. One that was given out already, before a new hello, is not given again. */
static bool give(struct zeromq_consumer *consumer, struct zeromq_record *record)
{
	struct stream_record stream;
	while (stream_next_record(&consumer->records, &stream)) {
		uint64_t sequence = consumer->next++;
		if (has_gap(consumer, sequence))
			return false;
		if (sequence <= consumer->given)
			continue;
		consumer->given = sequence;
		*record = (struct zeromq_record){.sequence = sequence,
						 .topic = stream.topic,
						 .value = stream.value,
						 .key = stream.key,
						 .id = stream.id,
						 .type = stream.type};
		memcpy(record->run, consumer->run, RUN_SIZE);
		return true;
	}
	return false;
}

/* ---- of a subscriber ---- */

static struct slice bytes_of(zmq_msg_t *frame)
{
	return slice_of(zmq_msg_data(frame), zmq_msg_size(frame));
}

static bool receive(struct zeromq_consumer *consumer, zmq_msg_t *frame)
{
	return zmq_msg_recv(frame, consumer->socket, ZMQ_DONTWAIT) >= 0;
}

static uint64_t n_missed(struct zeromq_consumer *consumer, const struct zeromq_record *record)
{
	if (memcmp(consumer->live_run, record->run, RUN_SIZE) != 0)
		counts_free(&consumer->counts);
	memcpy(consumer->live_run, record->run, RUN_SIZE);
	uint64_t *last = counts_of(&consumer->counts, record->topic);
	uint64_t n = *last && record->sequence > *last + 1 ? record->sequence - *last - 1 : 0;
	*last = record->sequence;
	return n;
}

/* Topic, place, value; anything else is skipped. */
static bool take_live(struct zeromq_consumer *consumer, struct zeromq_record *record)
{
	uint8_t place[RUN_SIZE + SEQUENCE_BYTES];
	bool is_whole = zmq_msg_more(&consumer->topic) &&
			zmq_recv(consumer->socket, place, sizeof place, ZMQ_DONTWAIT) == (int)sizeof place &&
			receive(consumer, &consumer->frame) && !zmq_msg_more(&consumer->frame);
	if (!is_whole)
		return false;
	*record = (struct zeromq_record){.topic = bytes_of(&consumer->topic), .value = bytes_of(&consumer->frame)};
	memcpy(record->run, place, RUN_SIZE);
	for (int i = RUN_SIZE; i < RUN_SIZE + SEQUENCE_BYTES; i++)
		record->sequence = record->sequence << 8 | place[i];
	record->n_lost = n_missed(consumer, record);
	return true;
}

/* ---- the interface ---- */

static int connect_to(struct zeromq_consumer *consumer, int type, struct err *err)
{
	int64_t most_bytes = MOST_INPUT_BYTES;
	int linger_ms = LINGER_MS, one = 1, latest_ms = LATEST_RECONNECT_MS, queue = LIVE_QUEUE;
	consumer->context = zmq_ctx_new();
	consumer->socket = consumer->context ? zmq_socket(consumer->context, type) : NULL;
	if (!consumer->socket)
		return err_fatal(err, "ZeroMQ: cannot make a socket: %s; is the limit of open files too low?",
				 zmq_strerror(errno));
	zmq_setsockopt(consumer->socket, ZMQ_MAXMSGSIZE, &most_bytes, sizeof most_bytes);
	zmq_setsockopt(consumer->socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
	zmq_setsockopt(consumer->socket, ZMQ_RECONNECT_IVL_MAX, &latest_ms, sizeof latest_ms);
	zmq_setsockopt(consumer->socket, ZMQ_RCVHWM, &queue, sizeof queue);
	zmq_setsockopt(consumer->socket, ZMQ_IPV6, &one, sizeof one);
	if (type == ZMQ_DEALER)
		zmq_setsockopt(consumer->socket, ZMQ_PROBE_ROUTER, &one, sizeof one);
	if (zmq_connect(consumer->socket, consumer->endpoint))
		return err_usage(err, "ZeroMQ: \"%s\" is nothing to connect to: %s", consumer->endpoint,
				 zmq_strerror(errno));
	return 0;
}

static int open_as(int type, const char *endpoint, const char *name, int stop_fd, struct zeromq_consumer **consumer,
		   struct err *err)
{
	struct zeromq_consumer *opened = xcalloc(1, sizeof *opened);
	opened->endpoint = endpoint;
	opened->name = name;
	opened->stop_fd = stop_fd;
	opened->heartbeat_ms = FIRST_HEARTBEAT_MS;
	opened->spoke_at_ms = opened->heard_at_ms = clock_ms();
	zmq_msg_init(&opened->frame);
	zmq_msg_init(&opened->topic);
	*consumer = opened;
	return connect_to(opened, type, err);
}

int zeromq_consumer_open(const char *endpoint, const char *name, int stop_fd, void (*notice)(const char *text),
			 struct zeromq_consumer **consumer, struct err *err)
{
	int rc = open_as(ZMQ_DEALER, endpoint, name, stop_fd, consumer, err);
	(*consumer)->notice = notice;
	return rc;
}

int zeromq_subscriber_open(const char *endpoint, const char *const *prefixes, size_t n_prefixes, int stop_fd,
			   struct zeromq_consumer **consumer, struct err *err)
{
	int rc = open_as(ZMQ_SUB, endpoint, NULL, stop_fd, consumer, err);
	for (size_t i = 0; rc == 0 && i < n_prefixes; i++)
		zmq_setsockopt((*consumer)->socket, ZMQ_SUBSCRIBE, prefixes[i], strlen(prefixes[i]));
	if (rc == 0 && n_prefixes == 0)
		zmq_setsockopt((*consumer)->socket, ZMQ_SUBSCRIBE, "", 0);
	return rc;
}

/* Waits for a message, the stop, the end of the time, or a heartbeat. */
static int wait_for(struct zeromq_consumer *consumer, int64_t end_ms, struct err *err)
{
	zmq_pollitem_t items[] = {{.socket = consumer->socket, .events = ZMQ_POLLIN},
				  {.fd = consumer->stop_fd, .events = ZMQ_POLLIN}};
	int64_t now_ms = clock_ms();
	int64_t wake_ms = consumer->name ? consumer->spoke_at_ms + consumer->heartbeat_ms : INT64_MAX;
	wake_ms = wake_ms < end_ms ? wake_ms : end_ms;
	long ms = wake_ms == INT64_MAX ? -1 : wake_ms > now_ms ? (long)(wake_ms - now_ms) : 0;
	zmq_poll(items, consumer->stop_fd < 0 ? 1 : 2, ms);
	if (consumer->stop_fd >= 0 && items[1].revents)
		return err_set(err, ERR_STOPPED, "ZeroMQ: stopped");
	return 0;
}

static int take_all(struct zeromq_consumer *consumer, struct zeromq_record *record, struct err *err)
{
	while (receive(consumer, consumer->name ? &consumer->frame : &consumer->topic)) {
		int rc = consumer->name ? take(consumer, err) : 0;
		if (rc)
			return rc;
		if (consumer->name ? give(consumer, record) : take_live(consumer, record))
			return 0;
	}
	return ZEROMQ_NONE;
}

int zeromq_consumer_next(struct zeromq_consumer *consumer, struct zeromq_record *record, int timeout_ms,
			 struct err *err)
{
	int64_t now_ms = clock_ms();
	int64_t end_ms = timeout_ms < 0 ? INT64_MAX : now_ms + timeout_ms;
	if (consumer->name)
		tick(consumer, now_ms);
	if (give(consumer, record))
		return 0;
	int rc = take_all(consumer, record, err);
	while (rc == ZEROMQ_NONE && clock_ms() < end_ms) {
		if ((rc = wait_for(consumer, end_ms, err)))
			return rc;
		if (consumer->name)
			tick(consumer, clock_ms());
		rc = take_all(consumer, record, err);
	}
	return rc;
}

void zeromq_consumer_acknowledge(struct zeromq_consumer *consumer, const struct zeromq_record *record)
{
	if (!consumer->name || memcmp(record->run, consumer->run, RUN_SIZE) != 0 ||
	    record->sequence <= consumer->acknowledged)
		return;
	consumer->acknowledged = record->sequence;
	if (consumer->is_connected)
		speak(consumer, &(struct stream_message){.kind = STREAM_ACKNOWLEDGE,
							 .run = slice_of(consumer->run, RUN_SIZE),
							 .sequence = record->sequence});
}

void zeromq_consumer_close(struct zeromq_consumer *consumer)
{
	if (!consumer)
		return;
	if (consumer->is_connected)
		speak(consumer, &(struct stream_message){.kind = STREAM_BYE});
	zmq_msg_close(&consumer->frame);
	zmq_msg_close(&consumer->topic);
	if (consumer->socket)
		zmq_close(consumer->socket);
	if (consumer->context)
		zmq_ctx_term(consumer->context);
	counts_free(&consumer->counts);
	free(consumer);
}
