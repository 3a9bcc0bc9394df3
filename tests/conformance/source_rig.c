#include "tests/conformance/source_rig.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "bridge/clock.h"
#include "tests/support/memory_state.h"

enum { AGAIN_PAUSE_MS = 10 };

/* ---- the state that is watched ---- */

static struct source_rig *rig_of(struct state *state)
{
	return (struct source_rig *)((char *)state - offsetof(struct source_rig, state));
}

static struct state *watched(struct state *state)
{
	struct source_rig *rig = rig_of(state);
	source_rig_expect(rig, rig->seeking, "the state was read outside of seek");
	return &rig->stored->state;
}

static int watched_get(struct state *state, struct slice key, struct arena *arena, struct slice *value, struct err *err)
{
	struct state *stored = watched(state);
	return stored->ops->get(stored, key, arena, value, err);
}

static int watched_each(struct state *state, struct slice prefix, state_entry_fn *entry, void *context, struct err *err)
{
	struct state *stored = watched(state);
	return stored->ops->each(stored, prefix, entry, context, err);
}

static int watched_commit(struct state *state, const struct put_list *const *lists, size_t n_lists, struct err *err)
{
	(void)lists, (void)n_lists;
	source_rig_expect(rig_of(state), false, "the source changed the state");
	return err_fatal(err, "a source commits nothing");
}

static const struct state_ops watched_ops = {.get = watched_get, .each = watched_each, .commit = watched_commit};

/* ---- the rig ---- */

struct source_rig *source_rig_new(const struct source_case *source_case)
{
	struct source_rig *rig = xcalloc(1, sizeof *rig);
	rig->source_case = source_case;
	rig->world = source_case->begin();
	rig->stored = memory_state_new();
	rig->state.ops = &watched_ops;
	return rig;
}

static void free_batches(struct batch **batches, size_t n)
{
	for (size_t i = 0; i < n; i++)
		batch_free(batches[i]);
	free(batches);
}

void source_rig_free(struct source_rig *rig)
{
	source_rig_close(rig);
	free_batches(rig->batches, rig->n_batches);
	free(rig->digests);
	memory_state_free(rig->stored);
	rig->source_case->finish(rig->world);
	free(rig);
}

bool source_rig_expect(struct source_rig *rig, bool kept, const char *format, ...)
{
	if (kept || rig->violation[0])
		return kept;
	va_list args;
	va_start(args, format);
	vsnprintf(rig->violation, sizeof rig->violation, format, args);
	va_end(args);
	return false;
}

int source_rig_open(struct source_rig *rig)
{
	return rig->source_case->ops->open(rig->source_case->config(rig->world), &rig->source, &rig->err);
}

bool source_rig_seek(struct source_rig *rig)
{
	int64_t until_ms = clock_ms() + rig->source_case->patience_ms;
	int rc;
	while ((rc = source_rig_call_seek(rig)) == ERR_AGAIN && clock_ms() < until_ms)
		poll(NULL, 0, AGAIN_PAUSE_MS);
	return source_rig_expect(rig, rc == 0, "seek: %s", rig->err.text);
}

bool source_rig_start(struct source_rig *rig)
{
	return source_rig_expect(rig, source_rig_open(rig) == 0, "open: %s", rig->err.text) && source_rig_seek(rig);
}

void source_rig_close(struct source_rig *rig)
{
	rig->source_case->ops->close(rig->source);
	rig->source = NULL;
}

/* ---- stopping from another thread ---- */

struct stopper {
	struct source_rig *rig;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t returned_cond;
	bool returned;
	int delay_ms;
	int64_t stopped_at_ms; /* 0: it was not needed */
};

static void *stop_later(void *arg)
{
	struct stopper *stopper = arg;
	int64_t until_ms = clock_ms() + stopper->delay_ms;
	struct timespec at = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
	pthread_mutex_lock(&stopper->mutex);
	while (!stopper->returned && clock_ms() < until_ms)
		pthread_cond_timedwait(&stopper->returned_cond, &stopper->mutex, &at);
	if (!stopper->returned) {
		stopper->stopped_at_ms = clock_ms();
		stopper->rig->source_case->ops->stop(stopper->rig->source);
	}
	pthread_mutex_unlock(&stopper->mutex);
	return NULL;
}

static void stopper_start(struct stopper *stopper, struct source_rig *rig, int delay_ms)
{
	pthread_condattr_t attributes;
	*stopper = (struct stopper){.rig = rig, .delay_ms = delay_ms};
	pthread_mutex_init(&stopper->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&stopper->returned_cond, &attributes);
	pthread_condattr_destroy(&attributes);
	if (pthread_create(&stopper->thread, NULL, stop_later, stopper))
		abort();
}

static void stopper_end(struct stopper *stopper)
{
	pthread_mutex_lock(&stopper->mutex);
	stopper->returned = true;
	pthread_cond_signal(&stopper->returned_cond);
	pthread_mutex_unlock(&stopper->mutex);
	pthread_join(stopper->thread, NULL);
	pthread_cond_destroy(&stopper->returned_cond);
	pthread_mutex_destroy(&stopper->mutex);
}

void source_rig_stop_during(struct source_rig *rig, source_call_fn *call, int delay_ms)
{
	struct stopper stopper;
	int rc;
	stopper_start(&stopper, rig, delay_ms);
	do
		rc = call(rig);
	while (rc == 0 || rc == ERR_AGAIN);
	int64_t returned_at_ms = clock_ms();
	stopper_end(&stopper);
	int64_t took_ms = returned_at_ms - stopper.stopped_at_ms;
	source_rig_expect(rig, rc == ERR_STOPPED, "after a stop it returned %d (%s)", rc, rig->err.text);
	source_rig_expect(rig, !stopper.stopped_at_ms || took_ms <= SOURCE_STOP_MS,
			  "it took %lld ms to stop, more than %d", (long long)took_ms, SOURCE_STOP_MS);
}

/* ---- batches ---- */

int source_rig_call_seek(struct source_rig *rig)
{
	rig->seeking = true;
	int rc = rig->source_case->ops->seek(rig->source, &rig->state, &rig->err);
	rig->seeking = false;
	return rc;
}

static void keep(struct source_rig *rig, struct batch *batch)
{
	size_t n = rig->n_batches + 1;
	rig->batches = xrealloc(rig->batches, n * sizeof *rig->batches);
	rig->digests = xrealloc(rig->digests, n * sizeof *rig->digests);
	rig->batches[rig->n_batches] = batch;
	rig->digests[rig->n_batches] = source_rig_digest(batch);
	rig->n_batches = n;
}

static int call_next(struct source_rig *rig)
{
	struct batch *untouched = (struct batch *)rig, *batch = untouched;
	int rc = rig->source_case->ops->next(rig->source, &batch, &rig->err);
	if (rc == 0)
		keep(rig, batch);
	else
		source_rig_expect(rig, batch == untouched || !batch, "next failed and set *batch all the same");
	return rc;
}

int source_rig_call_next(struct source_rig *rig)
{
	int rc;
	while ((rc = call_next(rig)) == SOURCE_IDLE || rc == SOURCE_BACK)
		;
	return rc;
}

bool source_rig_until_idle(struct source_rig *rig)
{
	struct stopper watchdog;
	int rc;
	stopper_start(&watchdog, rig, rig->source_case->patience_ms);
	while ((rc = call_next(rig)) == 0 || rc == SOURCE_BACK || rc == ERR_AGAIN)
		if (rc == ERR_AGAIN)
			poll(NULL, 0, AGAIN_PAUSE_MS);
	stopper_end(&watchdog);
	return source_rig_expect(rig, rc == SOURCE_IDLE, "next never said that it is idle");
}

bool source_rig_next(struct source_rig *rig)
{
	struct stopper watchdog;
	int rc;
	stopper_start(&watchdog, rig, rig->source_case->patience_ms);
	while ((rc = source_rig_call_next(rig)) == ERR_AGAIN)
		poll(NULL, 0, AGAIN_PAUSE_MS);
	stopper_end(&watchdog);
	if (rc && watchdog.stopped_at_ms)
		return source_rig_expect(rig, false, "next gave nothing within %d ms", watchdog.delay_ms);
	return source_rig_expect(rig, rc == 0, "next: %s", rig->err.text);
}

bool source_rig_is_item(const struct change *change)
{
	return change->object_type == OBJECT_ITEM && change_is_upsert(change);
}

static size_t count(const struct batch *batch, const struct change *item)
{
	size_t n = 0;
	for (size_t i = 0; i < batch->n_changes; i++)
		n += source_rig_is_item(&batch->changes[i]) && batch->changes[i].origin == item->origin &&
		     slice_equal(batch->changes[i].source_key, item->source_key);
	return n;
}

size_t source_rig_given(const struct source_rig *rig, size_t n_batches, const struct change *item)
{
	size_t n = 0;
	for (size_t i = 0; i < n_batches; i++)
		n += count(rig->batches[i], item);
	return n;
}

/* Items of the last batch that no earlier one had, whatever their origin. */
static size_t n_new_items(const struct source_rig *rig)
{
	const struct batch *last = rig->batches[rig->n_batches - 1];
	size_t n = 0;
	for (size_t i = 0; i < last->n_changes; i++) {
		struct change item = last->changes[i], listed = item;
		listed.origin = item.origin == ORIGIN_ICS ? ORIGIN_SNAPSHOT : ORIGIN_ICS;
		n += source_rig_is_item(&item) && !source_rig_given(rig, rig->n_batches - 1, &item) &&
		     !source_rig_given(rig, rig->n_batches - 1, &listed);
	}
	return n;
}

bool source_rig_collect(struct source_rig *rig, size_t n_items)
{
	for (size_t n = 0; n < n_items; n += n_new_items(rig))
		if (!source_rig_next(rig))
			return false;
	return true;
}

size_t source_rig_take_batches(struct source_rig *rig, struct batch ***batches)
{
	size_t n = rig->n_batches;
	*batches = rig->batches;
	rig->batches = NULL;
	rig->n_batches = 0;
	return n;
}

static uint64_t add_slice(uint64_t digest, struct slice slice)
{
	return XXH3_64bits_withSeed(slice.data, slice.size, digest);
}

uint64_t source_rig_digest(const struct batch *batch)
{
	uint64_t digest = batch->n_changes;
	for (size_t i = 0; i < batch->n_changes; i++) {
		const struct change *change = &batch->changes[i];
		digest = add_slice(digest, change->source_key);
		digest = add_slice(digest, change->parent_source_key);
		digest = add_slice(digest, change->change_key);
		if (change->item)
			digest = add_slice(digest, change->item->subject);
	}
	for (size_t i = 0; i < batch->puts.n; i++)
		digest = add_slice(add_slice(digest, batch->puts.puts[i].key), batch->puts.puts[i].value);
	return digest;
}
