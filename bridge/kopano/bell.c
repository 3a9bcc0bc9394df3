#include "bridge/kopano/bell.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "bridge/clock.h"
#include "bridge/kopano/stop.h"
#include "bridge/log.h"
#include "bridge/outage.h"

enum { STEADY_MS = 1000 /* a poll that breaks sooner is an outage */ };

/* Ascending numbers; keys in the arena. */
struct targets {
	struct subscription *list;
	size_t n;
	struct arena arena;
};

struct bell {
	struct bell_parts parts;
	struct login login; /* with our stop */
	struct client_stop *stop;
	int wake_fd; /* eventfd: other targets are wanted */
	pthread_t thread;
	struct outage outage;

	pthread_mutex_t mutex; /* of all that follows up to the next gap */
	struct targets wanted;
	bool wanted_changed, works;
	struct rung rung;
	struct notices notices;
	uint64_t n_notices, n_dropped, n_subscribed;

	/* The thread's own. */
	struct targets targets; /* subscribed to, or refused */
	uint64_t group;
	struct client *subscriber, *poller;
	bool poll_broke; /* and nothing else */
};

/* ---- targets ---- */

static void targets_free(struct targets *targets)
{
	free(targets->list);
	arena_free(&targets->arena);
	*targets = (struct targets){0};
}

static struct targets targets_copy(const struct subscription *list, size_t n)
{
	struct targets copy = {.list = xmalloc(n * sizeof *list + 1), .n = n};
	for (size_t i = 0; i < n; i++) {
		copy.list[i] = list[i];
		copy.list[i].key = arena_copy(&copy.arena, list[i].key);
	}
	return copy;
}

/* Those of `from` whose numbers are not in `but`: into `list`, which has room. */
static size_t subtract(const struct targets *from, const struct targets *but, struct subscription *list)
{
	size_t n = 0, j = 0;
	for (size_t i = 0; i < from->n; i++) {
		while (j < but->n && but->list[j].number < from->list[i].number)
			j++;
		if (j == but->n || but->list[j].number != from->list[i].number)
			list[n++] = from->list[i];
	}
	return n;
}

/* ---- telling the owner ---- */

static void ring(struct bell *bell)
{
	bell->parts.ring(bell->parts.context);
}

static void ring_for_all(struct bell *bell, bool missed)
{
	pthread_mutex_lock(&bell->mutex);
	rung_free(&bell->rung);
	bell->rung.any = true;
	bell->notices.missed |= missed && bell->parts.room;
	pthread_mutex_unlock(&bell->mutex);
	ring(bell);
}

/* Whether it works. When that ends, the owner must know at once that nobody will ring. */
static void set_works(struct bell *bell, bool works)
{
	pthread_mutex_lock(&bell->mutex);
	bool changed = bell->works != works;
	bell->works = works;
	pthread_mutex_unlock(&bell->mutex);
	if (changed && !works)
		ring_for_all(bell, false);
}

static void hear(struct bell *bell, const struct notice *notice)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	pthread_mutex_lock(&bell->mutex);
	uint64_t n_dropped = bell->notices.n_dropped;
	rung_by(&bell->rung, notice);
	notices_add(&bell->notices, notice, (int64_t)now.tv_sec * 1000000000 + now.tv_nsec, bell->parts.room);
	bell->n_notices++;
	bell->n_dropped += bell->notices.n_dropped - n_dropped;
	pthread_mutex_unlock(&bell->mutex);
}

/* ---- subscribing ---- */

static bool is_refusal(int rc)
{
	return rc == ERR_GONE || rc == ERR_BAD;
}

/* If one of them is refused, all are: then in halves, down to that one. */
static int subscribe(struct bell *bell, const struct subscription *list, size_t n, struct err *err)
{
	int rc = n ? client_subscribe(bell->subscriber, list, n, err) : 0;
	if (rc == 0) {
		pthread_mutex_lock(&bell->mutex);
		bell->n_subscribed += n;
		pthread_mutex_unlock(&bell->mutex);
	}
	if (!is_refusal(rc))
		return rc;
	if (n == 1) {
		log_debug("notifications: nothing is told of one object: %s", err->text);
		return 0;
	}
	rc = subscribe(bell, list, n / 2, err);
	return rc ? rc : subscribe(bell, list + n / 2, n - n / 2, err);
}

static int subscribe_all(struct bell *bell, const struct subscription *list, size_t n, struct err *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < n; i += BELL_CHUNK)
		rc = subscribe(bell, list + i, n - i < BELL_CHUNK ? n - i : BELL_CHUNK, err);
	return rc;
}

static int unsubscribe_all(struct bell *bell, const struct subscription *list, size_t n, struct err *err)
{
	uint32_t numbers[BELL_CHUNK];
	int rc = 0;
	for (size_t i = 0, n_now; rc == 0 && i < n; i += n_now) {
		n_now = n - i < BELL_CHUNK ? n - i : BELL_CHUNK;
		for (size_t j = 0; j < n_now; j++)
			numbers[j] = list[i + j].number;
		rc = client_unsubscribe(bell->subscriber, numbers, n_now, err);
	}
	pthread_mutex_lock(&bell->mutex);
	bell->n_subscribed -= n < bell->n_subscribed ? n : bell->n_subscribed;
	pthread_mutex_unlock(&bell->mutex);
	return rc;
}

/* Takes over what is wanted now. False: nothing has changed. */
static bool take_wanted(struct bell *bell, struct targets *wanted)
{
	eventfd_t count;
	eventfd_read(bell->wake_fd, &count);
	pthread_mutex_lock(&bell->mutex);
	bool changed = bell->wanted_changed;
	*wanted = changed ? bell->wanted : (struct targets){0};
	if (changed)
		bell->wanted = (struct targets){0};
	bell->wanted_changed = false;
	pthread_mutex_unlock(&bell->mutex);
	return changed;
}

/* What is new is subscribed to, what is not wanted any more is left; the rest stays as it is. */
static int follow_wanted(struct bell *bell, struct err *err)
{
	struct targets wanted;
	if (!take_wanted(bell, &wanted))
		return 0;
	size_t room = wanted.n > bell->targets.n ? wanted.n : bell->targets.n;
	struct subscription *list = xmalloc(room * sizeof *list + 1);
	int rc = unsubscribe_all(bell, list, subtract(&bell->targets, &wanted, list), err);
	size_t n_new = subtract(&wanted, &bell->targets, list);
	if (rc == 0)
		rc = subscribe_all(bell, list, n_new, err);
	free(list);
	targets_free(&bell->targets);
	bell->targets = wanted;
	if (rc == 0 && n_new)
		ring_for_all(bell, false);
	return rc;
}

/* ---- sessions ---- */

static void log_off(struct bell *bell)
{
	client_close(bell->poller);
	client_close(bell->subscriber);
	bell->poller = bell->subscriber = NULL;
}

/* First the subscriptions, then what happened before them, then the poll. */
static int log_on(struct bell *bell, struct err *err)
{
	bell->group = client_random_group();
	pthread_mutex_lock(&bell->mutex);
	bell->n_subscribed = 0;
	pthread_mutex_unlock(&bell->mutex);
	int rc = client_open_in(&bell->login, bell->group, &bell->subscriber, err);
	if (rc == 0)
		rc = client_open_in(&bell->login, bell->group, &bell->poller, err);
	if (rc == 0)
		rc = subscribe_all(bell, bell->targets.list, bell->targets.n, err);
	if (rc == 0)
		ring_for_all(bell, true);
	return rc;
}

/* The session whose poll broke is ended, another one goes on with the same group. */
static int replace_poller(struct bell *bell, struct err *err)
{
	static const uint32_t nobody = 1;
	int rc = client_log_off(bell->poller, err);
	client_close(bell->poller);
	bell->poller = NULL;
	if (rc == 0)
		rc = client_unsubscribe(bell->subscriber, &nobody, 1, err); /* it still lives */
	if (rc == 0)
		rc = client_open_in(&bell->login, bell->group, &bell->poller, err);
	if (rc == 0)
		ring_for_all(bell, true);
	return rc;
}

/* ---- polling ---- */

static int hear_answer(struct bell *bell, struct err *err)
{
	struct arena arena = {0};
	struct notice notice;
	size_t n = 0;
	int rc;
	for (; (rc = client_next_notice(bell->poller, &arena, &notice, err)) == 0; n++) {
		hear(bell, &notice);
		arena_free(&arena);
	}
	arena_free(&arena);
	if (n)
		ring(bell);
	return rc == KOPANO_END ? 0 : rc;
}

/* The subscriptions are as they were, the session is not known to have ended. */
static int broke(struct bell *bell, int rc)
{
	bell->poll_broke = rc == ERR_AGAIN && client_er(bell->poller) == 0;
	return rc;
}

/* A server without notifications refuses the poll in a moment: what has failed before is over only when the next one
 * has waited for a while, or was answered. */
static int prove(struct bell *bell, struct err *err)
{
	struct itimerspec while_steady = {
		.it_value = {.tv_sec = STEADY_MS / 1000, .tv_nsec = STEADY_MS % 1000 * 1000000}};
	int timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (timer_fd < 0)
		return HTTP_WOKEN; /* it is believed */
	timerfd_settime(timer_fd, 0, &while_steady, NULL);
	int rc = client_await(bell->poller, timer_fd, err);
	close(timer_fd);
	return rc;
}

static void begin_working(struct bell *bell)
{
	set_works(bell, true);
	outage_over(&bell->outage);
}

static int poll_once(struct bell *bell, struct err *err)
{
	int rc = client_poll(bell->poller, err);
	if (rc == 0)
		rc = bell->outage.said ? prove(bell, err) : HTTP_WOKEN;
	if (rc == 0 || rc == HTTP_WOKEN)
		begin_working(bell);
	while (rc == HTTP_WOKEN) {
		rc = follow_wanted(bell, err);
		if (rc)
			return rc;
		rc = client_await(bell->poller, bell->wake_fd, err);
	}
	return broke(bell, rc ? rc : hear_answer(bell, err));
}

/* Until it cannot go on. */
static int poll_on(struct bell *bell, struct err *err)
{
	int rc;
	do {
		int64_t begun_ms = clock_ms();
		bell->poll_broke = false;
		rc = poll_once(bell, err);
		if (bell->poll_broke && clock_ms() - begun_ms >= STEADY_MS && !client_stop_asked(bell->stop))
			rc = replace_poller(bell, err);
	} while (rc == 0);
	return rc;
}

/* ---- the thread ---- */

/* Until there is something to do, or so long; -1: for ever. */
static void rest(struct bell *bell, int wake_fd, int ms)
{
	struct pollfd fds[] = {{.fd = client_stop_fd(bell->stop), .events = POLLIN}, {.fd = wake_fd, .events = POLLIN}};
	poll(fds, 2, ms);
}

static void wait_for_targets(struct bell *bell)
{
	struct targets wanted;
	while (!bell->targets.n && !client_stop_asked(bell->stop)) {
		rest(bell, bell->wake_fd, -1);
		if (take_wanted(bell, &wanted))
			bell->targets = wanted;
	}
}

static void *run(void *context)
{
	struct bell *bell = context;
	struct err err;
	wait_for_targets(bell);
	while (!client_stop_asked(bell->stop)) {
		if (log_on(bell, &err) == 0)
			poll_on(bell, &err);
		bool stopped = client_stop_asked(bell->stop);
		if (!stopped)
			set_works(bell, false);
		log_off(bell);
		if (!stopped)
			rest(bell, -1, outage_failed(&bell->outage, &err));
	}
	return NULL;
}

/* ---- the interface ---- */

static void free_bell(struct bell *bell)
{
	targets_free(&bell->targets);
	targets_free(&bell->wanted);
	rung_free(&bell->rung);
	notices_free(&bell->notices);
	client_stop_free(bell->stop);
	if (bell->wake_fd >= 0)
		close(bell->wake_fd);
	pthread_mutex_destroy(&bell->mutex);
	free(bell);
}

struct bell *bell_start(const struct bell_parts *parts, struct err *err)
{
	struct bell *bell = xcalloc(1, sizeof *bell);
	bell->parts = *parts;
	bell->login = *parts->login;
	bell->stop = bell->login.stop = client_stop_new();
	bell->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	bell->outage = OUTAGE_OF("notifications");
	pthread_mutex_init(&bell->mutex, NULL);
	if (bell->stop && bell->wake_fd >= 0 && pthread_create(&bell->thread, NULL, run, bell) == 0)
		return bell;
	free_bell(bell);
	err_set(err, ERR_AGAIN, "no file descriptor or no thread is left for notifications; raise the limits");
	return NULL;
}

void bell_follow(struct bell *bell, const struct subscription *targets, size_t n)
{
	struct targets wanted = targets_copy(targets, n);
	pthread_mutex_lock(&bell->mutex);
	struct targets before = bell->wanted;
	bell->wanted = wanted;
	bell->wanted_changed = true;
	pthread_mutex_unlock(&bell->mutex);
	targets_free(&before);
	eventfd_write(bell->wake_fd, 1);
}

bool bell_works(struct bell *bell)
{
	pthread_mutex_lock(&bell->mutex);
	bool works = bell->works;
	pthread_mutex_unlock(&bell->mutex);
	return works;
}

bool bell_take(struct bell *bell, struct rung *rung)
{
	pthread_mutex_lock(&bell->mutex);
	*rung = bell->rung;
	bell->rung = (struct rung){0};
	pthread_mutex_unlock(&bell->mutex);
	return !rung_is_empty(rung);
}

bool bell_take_notices(struct bell *bell, struct notices *notices)
{
	pthread_mutex_lock(&bell->mutex);
	*notices = bell->notices;
	bell->notices = (struct notices){0};
	pthread_mutex_unlock(&bell->mutex);
	return !notices_are_none(notices);
}

void bell_report(struct bell *bell, struct report *report)
{
	pthread_mutex_lock(&bell->mutex);
	report_truth(report, "connected", bell->works);
	report_number(report, "subscriptions", (int64_t)bell->n_subscribed);
	report_number(report, "received", (int64_t)bell->n_notices);
	report_number(report, "dropped", (int64_t)bell->n_dropped);
	pthread_mutex_unlock(&bell->mutex);
	outage_report(&bell->outage, 0, report);
}

void bell_stop(struct bell *bell)
{
	if (!bell)
		return;
	client_stop_now(bell->stop);
	pthread_join(bell->thread, NULL);
	log_off(bell);
	free_bell(bell);
}
