#include "bridge/feeder.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bridge/clock.h"
#include "bridge/log.h"
#include "core/step.h"

struct queued {
	struct queued *next;
	struct batch *batch;
};

struct feeder {
	struct feeder_parts parts;
	pthread_t thread;
	int fd; /* eventfd */

	pthread_mutex_t mutex; /* of all that follows */
	pthread_cond_t changed;
	struct queued *head, **tail;
	size_t held_bytes; /* queued, and taken but not released */
	bool stopping;
	int end; /* what ended the thread, with its text */
	struct err end_err;

	struct source *source; /* set and cleared by the thread, with the mutex; used by it without */
};

static void wake_loop(struct feeder *feeder)
{
	eventfd_write(feeder->fd, 1); /* fails only if it is readable anyway */
}

/* Waits for a change until a time; the mutex is held. */
static void wait_until(struct feeder *feeder, int64_t until_ms)
{
	struct timespec at = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
	pthread_cond_timedwait(&feeder->changed, &feeder->mutex, &at);
}

/* ---- the thread ---- */

static int stopped(struct err *err)
{
	return err_set(err, ERR_STOPPED, "stopped");
}

static int pause_ms(struct feeder *feeder, int ms, struct err *err)
{
	int64_t until_ms = clock_ms() + ms;
	pthread_mutex_lock(&feeder->mutex);
	while (!feeder->stopping && clock_ms() < until_ms)
		wait_until(feeder, until_ms);
	bool stopping = feeder->stopping;
	pthread_mutex_unlock(&feeder->mutex);
	return stopping ? stopped(err) : 0;
}

static void close_source(struct feeder *feeder)
{
	pthread_mutex_lock(&feeder->mutex); /* nobody stops it from here on */
	struct source *source = feeder->source;
	feeder->source = NULL;
	pthread_mutex_unlock(&feeder->mutex);
	feeder->parts.ops->close(source);
}

/* From here on a stop reaches the source. */
static void set_source(struct feeder *feeder, struct source *source)
{
	pthread_mutex_lock(&feeder->mutex);
	feeder->source = source;
	pthread_mutex_unlock(&feeder->mutex);
}

static int open_and_seek(struct feeder *feeder, struct err *err)
{
	const struct source_ops *ops = feeder->parts.ops;
	struct source *source = NULL;
	int rc = ops->open(feeder->parts.config, &source, err);
	set_source(feeder, source);
	if (rc == 0)
		rc = pause_ms(feeder, 0, err); /* a stop that came before had nothing to stop */
	return rc ? rc : ops->seek(source, feeder->parts.state, err);
}

static int attach(struct feeder *feeder, struct err *err)
{
	int rc;
	while ((rc = open_and_seek(feeder, err)) == ERR_AGAIN) {
		close_source(feeder);
		if ((rc = pause_ms(feeder, outage_failed(feeder->parts.outage, err), err)))
			return rc;
	}
	if (rc == 0) {
		outage_over(feeder->parts.outage);
		log_debug("source: connected");
	}
	return rc;
}

/* An outage is over when the source says so, or gives something. */
static int next_batch(struct feeder *feeder, struct batch **batch, struct err *err)
{
	for (;;) {
		int rc = feeder->parts.ops->next(feeder->source, batch, err);
		if (rc == 0 || rc == SOURCE_BACK)
			outage_over(feeder->parts.outage);
		if (rc == ERR_AGAIN)
			rc = pause_ms(feeder, outage_failed(feeder->parts.outage, err), err);
		else if (rc != SOURCE_BACK && rc != SOURCE_IDLE)
			return rc;
		if (rc == ERR_STOPPED)
			return rc;
	}
}

static bool has_room(const struct feeder *feeder, size_t n_bytes)
{
	size_t budget = feeder->parts.budget_bytes, held = feeder->held_bytes;
	return held == 0 || (held < budget && n_bytes <= budget - held);
}

static void append(struct feeder *feeder, struct batch *batch)
{
	struct queued *queued = xmalloc(sizeof *queued);
	*queued = (struct queued){.batch = batch};
	*feeder->tail = queued;
	feeder->tail = &queued->next;
}

/* Queues the batch when there is room for it. */
static int put(struct feeder *feeder, struct batch *batch, struct err *err)
{
	size_t n_bytes = batch_bytes(batch);
	pthread_mutex_lock(&feeder->mutex);
	while (!feeder->stopping && !has_room(feeder, n_bytes))
		pthread_cond_wait(&feeder->changed, &feeder->mutex);
	bool stopping = feeder->stopping;
	if (!stopping) {
		step("batch queued");
		append(feeder, batch);
		feeder->held_bytes += n_bytes;
	}
	pthread_mutex_unlock(&feeder->mutex);
	if (stopping) {
		batch_free(batch);
		return stopped(err);
	}
	wake_loop(feeder);
	return 0;
}

static void end(struct feeder *feeder, int rc, struct err *err)
{
	pthread_mutex_lock(&feeder->mutex);
	if (rc == ERR_STOPPED && !feeder->stopping)
		rc = err_fatal(err, "it stopped without being asked to");
	err_prefix(err, "%s", feeder->parts.outage->peer);
	feeder->end = rc;
	feeder->end_err = *err;
	pthread_mutex_unlock(&feeder->mutex);
	wake_loop(feeder);
}

static void *feed(void *arg)
{
	struct feeder *feeder = arg;
	struct err err = {0};
	struct batch *batch;
	int rc = attach(feeder, &err);
	while (rc == 0 && (rc = next_batch(feeder, &batch, &err)) == 0)
		rc = put(feeder, batch, &err);
	close_source(feeder);
	end(feeder, rc, &err);
	return NULL;
}

/* ---- the loop's side ---- */

static void free_feeder(struct feeder *feeder)
{
	for (struct queued *queued = feeder->head, *next; queued; queued = next) {
		next = queued->next;
		batch_free(queued->batch);
		free(queued);
	}
	pthread_cond_destroy(&feeder->changed);
	pthread_mutex_destroy(&feeder->mutex);
	close(feeder->fd);
	free(feeder);
}

static void init_condition(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
}

int feeder_start(const struct feeder_parts *parts, struct feeder **feeder, struct err *err)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (fd < 0)
		return err_fatal(err, "cannot make an eventfd: %s; is the limit of open files too low?",
				 strerror(errno));
	struct feeder *new = xcalloc(1, sizeof *new);
	new->parts = *parts;
	new->fd = fd;
	new->tail = &new->head;
	pthread_mutex_init(&new->mutex, NULL);
	init_condition(&new->changed);
	int number = pthread_create(&new->thread, NULL, feed, new);
	if (number) {
		free_feeder(new);
		return err_fatal(err, "cannot start the source's thread: %s", strerror(number));
	}
	*feeder = new;
	return 0;
}

int feeder_fd(const struct feeder *feeder)
{
	return feeder->fd;
}

int feeder_check(struct feeder *feeder, struct err *err)
{
	eventfd_t count;
	eventfd_read(feeder->fd, &count);
	pthread_mutex_lock(&feeder->mutex);
	int rc = feeder->end;
	if (rc)
		*err = feeder->end_err;
	pthread_mutex_unlock(&feeder->mutex);
	return rc;
}

struct batch *feeder_take(struct feeder *feeder)
{
	struct batch *batch = NULL;
	pthread_mutex_lock(&feeder->mutex);
	struct queued *queued = feeder->head;
	if (queued) {
		batch = queued->batch;
		feeder->head = queued->next;
		if (!feeder->head)
			feeder->tail = &feeder->head;
	}
	pthread_mutex_unlock(&feeder->mutex);
	free(queued);
	return batch;
}

void feeder_release(struct feeder *feeder, size_t n_bytes)
{
	pthread_mutex_lock(&feeder->mutex);
	feeder->held_bytes -= n_bytes < feeder->held_bytes ? n_bytes : feeder->held_bytes;
	pthread_cond_broadcast(&feeder->changed);
	pthread_mutex_unlock(&feeder->mutex);
}

size_t feeder_held_bytes(struct feeder *feeder)
{
	pthread_mutex_lock(&feeder->mutex);
	size_t held_bytes = feeder->held_bytes;
	pthread_mutex_unlock(&feeder->mutex);
	return held_bytes;
}

void feeder_report(struct feeder *feeder, struct report *report)
{
	pthread_mutex_lock(&feeder->mutex); /* it is not closed meanwhile */
	if (feeder->source && feeder->parts.ops->status)
		feeder->parts.ops->status(feeder->source, report);
	pthread_mutex_unlock(&feeder->mutex);
}

int feeder_request(struct feeder *feeder, const struct source_request *request, struct err *err)
{
	const struct source_ops *ops = feeder->parts.ops;
	if (!ops->request)
		return err_set(err, ERR_BAD, "the source %s takes no requests", ops->name);
	pthread_mutex_lock(&feeder->mutex);
	int rc = feeder->source ? ops->request(feeder->source, request, err)
				: err_set(err, ERR_AGAIN, "the source is not open");
	pthread_mutex_unlock(&feeder->mutex);
	return rc;
}

static void stop_source(struct feeder *feeder)
{
	pthread_mutex_lock(&feeder->mutex);
	feeder->stopping = true;
	if (feeder->source)
		feeder->parts.ops->stop(feeder->source);
	pthread_cond_broadcast(&feeder->changed);
	pthread_mutex_unlock(&feeder->mutex);
}

void feeder_stop(struct feeder *feeder)
{
	if (!feeder)
		return;
	stop_source(feeder);
	pthread_join(feeder->thread, NULL);
	free_feeder(feeder);
}
