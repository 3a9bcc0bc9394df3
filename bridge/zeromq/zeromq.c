#include "bridge/zeromq/zeromq.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "bridge/clock.h"
#include "core/arena.h"
#include "core/hex.h"
#include "core/router.h"

enum { VALUE_BYTES = 64 << 20 /* the longest value */ };

static const char marks_prefix[] = "ends/zeromq/";

extern const struct sink_driver zeromq_driver;

static struct zeromq_sink *zeromq_sink(struct sink *sink)
{
	return (struct zeromq_sink *)sink;
}

/* ---- opening ---- */

static void watch(const struct zeromq_sink *sink, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};
	epoll_ctl(sink->fd, EPOLL_CTL_ADD, fd, &event);
}

static void watch_socket(const struct zeromq_sink *sink, void *socket)
{
	int fd;
	size_t size = sizeof fd;
	if (socket && zmq_getsockopt(socket, ZMQ_FD, &fd, &size) == 0)
		watch(sink, fd);
}

static int open_fds(struct zeromq_sink *sink, struct err *err)
{
	int ms = sink->config->heartbeat_ms;
	struct timespec beat = {ms / 1000, ms % 1000 * 1000000L};
	sink->fd = epoll_create1(EPOLL_CLOEXEC);
	sink->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	sink->ring_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (sink->fd < 0 || sink->timer_fd < 0 || sink->ring_fd < 0)
		return err_fatal(err, "ZeroMQ: no file descriptor is left; raise the limit of open files");
	timerfd_settime(sink->timer_fd, 0, &(struct itimerspec){beat, beat}, NULL);
	watch(sink, sink->timer_fd);
	watch(sink, sink->ring_fd);
	return 0;
}

static int open_endpoints(struct zeromq_sink *sink, struct err *err)
{
	int class = 0;
	sink->context = zmq_ctx_new();
	if (!sink->context)
		return err_fatal(err, "ZeroMQ: cannot begin: %s", zmq_strerror(errno));
	if (sink->config->acknowledged)
		class = zeromq_router_open(sink, err);
	if (!class && sink->config->live)
		class = zeromq_bind(sink, ZMQ_PUB, sink->config->live, &sink->live, err);
	watch_socket(sink, class ? NULL : sink->router);
	watch_socket(sink, class ? NULL : sink->live);
	return class;
}

static int open_sink(const void *config, const struct sink_events *events, int stop_fd, struct sink **sink,
		     struct err *err)
{
	struct zeromq_sink *zeromq = xcalloc(1, sizeof *zeromq);
	*zeromq = (struct zeromq_sink){.sink.ops = zeromq_driver.ops,
				       .config = config,
				       .events = *events,
				       .stop_fd = stop_fd,
				       .held.limit_bytes = ((const struct zeromq_config *)config)->memory_bytes,
				       .fd = -1,
				       .timer_fd = -1,
				       .ring_fd = -1};
	pthread_mutex_init(&zeromq->mutex, NULL);
	zeromq->standing.since = time(NULL);
	*sink = &zeromq->sink;
	if (getrandom(zeromq->run, RUN_SIZE, 0) != RUN_SIZE)
		return err_fatal(err, "ZeroMQ: the system has no random numbers");
	int class = open_fds(zeromq, err);
	return class ? class : open_endpoints(zeromq, err);
}

/* ---- whose the state is ---- */

struct owner {
	const char *consumer; /* that is configured; NULL: none */
	struct err *err;
};

static int check_owner(void *context, struct slice key, struct slice value)
{
	const struct owner *owner = context;
	size_t n_prefix = sizeof marks_prefix - 1;
	struct slice name = slice_of(key.data + n_prefix, key.size - n_prefix);
	(void)value;
	if (owner->consumer && slice_equal(name, slice_of_text(owner->consumer)))
		return 0;
	return err_usage(
		owner->err,
		"ZeroMQ: the state belongs to the consumer %.*s, and %s would miss what that has already: set "
		"sink.zeromq.acknowledged.consumer back, or accept that with `tidings state reset sink`, or begin "
		"anew with `tidings state reset`",
		(int)name.size, (const char *)name.data, owner->consumer ? owner->consumer : "everybody else");
}

static int seek(struct sink *sink, struct state *state, struct err *err)
{
	struct owner owner = {zeromq_sink(sink)->config->consumer, err};
	return state->ops->each(state, slice_of_text(marks_prefix), check_owner, &owner, err);
}

static void marks(struct sink *sink, struct put_list *list, struct arena *arena)
{
	struct zeromq_sink *zeromq = zeromq_sink(sink);
	uint8_t value[RUN_SIZE + sizeof(uint64_t)];
	uint64_t sequence = zeromq->session.outbox.acknowledged;
	if (!zeromq->router || zeromq->marked == sequence)
		return;
	zeromq->marked = sequence;
	memcpy(value, zeromq->run, RUN_SIZE);
	for (size_t i = sizeof value; i > RUN_SIZE; i--, sequence >>= 8)
		value[i - 1] = (uint8_t)sequence;
	const char *key = arena_text(arena, "%s%s", marks_prefix, zeromq->config->consumer);
	put_list_add(list, arena, slice_of_text(key), slice_of(value, sizeof value));
}

static const char *describe(struct state *state, struct slice key, struct slice value, struct arena *arena)
{
	size_t n_prefix = sizeof marks_prefix - 1;
	unsigned long long sequence = 0;
	(void)state;
	if (key.size < n_prefix || memcmp(key.data, marks_prefix, n_prefix) != 0 || value.size != RUN_SIZE + 8)
		return NULL;
	for (size_t i = RUN_SIZE; i < value.size; i++)
		sequence = sequence << 8 | value.data[i];
	return arena_text(arena, "the consumer %.*s has acknowledged %llu records of run %s",
			  (int)(key.size - n_prefix), (const char *)key.data + n_prefix, sequence,
			  hex_text(arena, slice_of(value.data, RUN_SIZE)));
}

/* ---- sending ---- */

static size_t limit(struct sink *sink, enum topic topic, struct slice key)
{
	struct zeromq_sink *zeromq = zeromq_sink(sink);
	size_t bytes = zeromq->router ? outbox_longest(&zeromq->session.outbox, key) : VALUE_BYTES;
	(void)topic;
	return bytes < VALUE_BYTES ? bytes : VALUE_BYTES;
}

static void ring(struct zeromq_sink *sink)
{
	if (!sink->is_rung)
		eventfd_write(sink->ring_fd, 1);
	sink->is_rung = true;
}

static bool accept_record(struct zeromq_sink *sink, const struct record *record)
{
	if (sink->router)
		return session_add(&sink->session, record);
	if (sink->n_handed == MOST_HANDED)
		return false;
	sink->handed[sink->n_handed++] = record->token;
	return true;
}

static int send_record(struct sink *sink, const struct record *record, struct err *err)
{
	struct zeromq_sink *zeromq = zeromq_sink(sink);
	size_t most = limit(sink, record->topic, record->key);
	if (record->value.size > most)
		return err_set(err, ERR_BAD,
			       "ZeroMQ: a value of %zu bytes, and with this key at most %zu fit; make "
			       "sink.zeromq.outbox larger",
			       record->value.size, most);
	if (!accept_record(zeromq, record))
		return SINK_BUSY;
	if (zeromq->live)
		zeromq_live_publish(zeromq, record);
	ring(zeromq);
	return 0;
}

/* ---- serving ---- */

static int poll_fd(struct sink *sink)
{
	return zeromq_sink(sink)->fd;
}

static void answer_handed(struct zeromq_sink *sink)
{
	size_t n = sink->n_handed;
	sink->n_handed = 0;
	for (size_t i = 0; i < n; i++)
		sink->events.acknowledged(sink->events.context, sink->handed[i]);
}

static void note_standing(struct zeromq_sink *sink)
{
	bool connected = !sink->router || sink->session.peer_size;
	pthread_mutex_lock(&sink->mutex);
	if (connected != sink->standing.connected)
		sink->standing.since = time(NULL);
	sink->standing.connected = connected;
	sink->standing.why_away = sink->session.why_away;
	sink->standing.n_unacknowledged = sink->session.outbox.n;
	sink->standing.sequence = sink->session.outbox.acknowledged;
	pthread_mutex_unlock(&sink->mutex);
}

static int service(struct sink *sink, struct err *err)
{
	struct zeromq_sink *zeromq = zeromq_sink(sink);
	eventfd_t rung;
	uint64_t n_ticks;
	(void)err;
	eventfd_read(zeromq->ring_fd, &rung);
	zeromq->is_rung = false;
	if (read(zeromq->timer_fd, &n_ticks, sizeof n_ticks) < 0)
		n_ticks = 0;
	if (zeromq->router)
		zeromq_router_take(zeromq);
	if (zeromq->live)
		zeromq_live_take(zeromq);
	answer_handed(zeromq);
	note_standing(zeromq);
	return 0;
}

static int drain(struct sink *sink, int deadline_ms, struct err *err)
{
	struct zeromq_sink *zeromq = zeromq_sink(sink);
	struct pollfd ready = {.fd = zeromq->fd, .events = POLLIN};
	int64_t end_ms = clock_ms() + deadline_ms, left_ms;
	service(sink, err);
	while (zeromq->session.outbox.n > 0 && !session_is_away(&zeromq->session) &&
	       (left_ms = end_ms - clock_ms()) > 0) {
		poll(&ready, 1, (int)left_ms);
		service(sink, err);
	}
	if (zeromq->session.outbox.n == 0)
		return 0;
	return err_set(err, ERR_AGAIN, "ZeroMQ: %zu records were not acknowledged by the consumer %s%s",
		       zeromq->session.outbox.n, zeromq->config->consumer,
		       zeromq->session.peer_size ? " in time" : ", which is not connected");
}

static void status(struct sink *sink, struct report *report)
{
	struct zeromq_sink *zeromq = zeromq_sink(sink);
	pthread_mutex_lock(&zeromq->mutex);
	struct zeromq_standing standing = zeromq->standing;
	pthread_mutex_unlock(&zeromq->mutex);
	report_truth(report, "connected", standing.connected);
	report_number(report, "since", standing.since);
	if (!zeromq->config->acknowledged)
		return;
	if (!standing.connected)
		report_text(report, "outage", "waiting for the consumer %s: %s", zeromq->config->consumer,
			    standing.why_away ? standing.why_away : "it has not said hello yet");
	report_number(report, "unacknowledged", (int64_t)standing.n_unacknowledged);
	struct report *row = report_row(report_list(report, "consumers"));
	report_text(row, "name", "%s", zeromq->config->consumer);
	report_truth(row, "connected", standing.connected);
	report_number(row, "acknowledged", (int64_t)standing.sequence);
}

/* ---- closing ---- */

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void close_socket(void *socket)
{
	if (socket)
		zmq_close(socket);
}

static void close_sink(struct sink *sink)
{
	struct zeromq_sink *zeromq = zeromq_sink(sink);
	if (!zeromq)
		return;
	if (zeromq->router)
		session_bye(&zeromq->session);
	close_fd(zeromq->fd);
	close_fd(zeromq->timer_fd);
	close_fd(zeromq->ring_fd);
	close_socket(zeromq->router);
	close_socket(zeromq->live);
	held_close(&zeromq->held);
	if (zeromq->context)
		zmq_ctx_term(zeromq->context);
	session_free(&zeromq->session);
	counts_free(&zeromq->counts);
	pthread_mutex_destroy(&zeromq->mutex);
	free(zeromq);
}

/* ---- the driver ---- */

static const char *const *topics(const void *config)
{
	static const char *names[N_TOPICS];
	(void)config;
	for (int i = 0; i < N_TOPICS; i++)
		names[i] = topic_name(i);
	return names;
}

static bool is_best_effort(const void *config)
{
	return ((const struct zeromq_config *)config)->best_effort;
}

static const struct sink_ops zeromq_ops = {
	.name = "zeromq",
	.open = open_sink,
	.seek = seek,
	.send = send_record,
	.limit = limit,
	.fd = poll_fd,
	.service = service,
	.drain = drain,
	.marks = marks,
	.status = status,
	.close = close_sink,
};

const struct sink_driver zeromq_driver = {
	.name = "zeromq",
	.ops = &zeromq_ops,
	.reader = &zeromq_reader_ops,
	.configure = zeromq_configure,
	.free_config = free,
	.topics = topics,
	.best_effort = is_best_effort,
	.describe = describe,
};
