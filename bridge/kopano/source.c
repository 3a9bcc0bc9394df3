#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "bridge/kopano/kopano.h"

enum { LONGEST_WAIT_MS = 60000 };

/* ---- time, chance ---- */

int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void random_bytes(uint8_t *to, size_t n)
{
	if (getrandom(to, n, 0) != (ssize_t)n)
		abort();
}

/* ---- batches ---- */

void hand_over(struct kopano *kopano, struct batch *batch)
{
	if (kopano->n_pending == kopano->room_pending) {
		kopano->room_pending = kopano->room_pending ? kopano->room_pending * 2 : 16;
		kopano->pending = xrealloc(kopano->pending, kopano->room_pending * sizeof *kopano->pending);
	}
	kopano->pending[kopano->n_pending++] = batch;
}

static struct batch *take_pending(struct kopano *kopano)
{
	if (!kopano->n_pending)
		return NULL;
	struct batch *batch = kopano->pending[0];
	kopano->n_pending--;
	memmove(kopano->pending, kopano->pending + 1, kopano->n_pending * sizeof *kopano->pending);
	return batch;
}

/* ---- connecting ---- */

int passing(int rc, struct err *err)
{
	if (rc != ERR_BAD && rc != ERR_GONE)
		return rc;
	err->class = ERR_AGAIN;
	return ERR_AGAIN;
}

static void disconnect(struct kopano *kopano)
{
	window_drop(kopano);
	folders_drop(kopano);
	client_close(kopano->client);
	kopano->client = NULL;
	kopano->paging = kopano->table_of = NULL;
	kopano->log_on_again = kopano->restore_checked = false;
	for (size_t i = 0; i < kopano->n_streams; i++)
		kopano->streams[i]->checked = false;
}

static int check_server(struct kopano *kopano, struct err *err)
{
	const uint8_t *guid = client_server_guid(kopano->client);
	if (kopano->server.epoch == 0) {
		memcpy(kopano->server.guid, guid, GUID_SIZE);
		kopano->server.epoch = kopano->first_epoch;
	}
	if (memcmp(kopano->server.guid, guid, GUID_SIZE) == 0)
		return 0;
	return err_usage(
		err,
		"%s is another server than the one that the state belongs to (its GUID differs); to follow this one "
		"from the start, begin anew with `tidings state reset`",
		kopano->config->login.url);
}

static int connect_server(struct kopano *kopano, struct err *err)
{
	if (kopano->client && client_alive(kopano->client) && !kopano->log_on_again)
		return 0;
	disconnect(kopano);
	int rc = client_open(&kopano->login, &kopano->client, err);
	return rc ? rc : check_server(kopano, err);
}

/* And not only users and groups. */
static bool follows_folders(const struct kopano *kopano)
{
	return kopano->config->follow->objects & ~(unsigned)(FOLLOW_USER | FOLLOW_GROUP);
}

/* The map, and what is followed of it. */
static int seek_folders(struct kopano *kopano, struct state *state, struct err *err)
{
	bool once = kopano->config->follow->once == ONCE_FOLDER;
	int rc = level_check(kopano, err);
	if (rc == 0)
		rc = once ? once_find(kopano, err) : stores_seek(kopano, state, err);
	if (rc == 0)
		rc = load_streams(kopano, state, err);
	if (rc == 0 && !once)
		rc = requests_seek(kopano, state, err);
	if (rc == 0 && follow_is_started(kopano))
		late_start(kopano);
	return rc;
}

static int seek(struct source *source, struct state *state, struct err *err)
{
	struct kopano *kopano = (struct kopano *)source;
	int rc = load_ends(kopano, state, err);
	kopano->maxima.keep_ms = kopano->config->settle_ms;
	if (rc == 0)
		rc = connect_server(kopano, err);
	if (rc == 0 && follows_folders(kopano))
		rc = seek_folders(kopano, state, err);
	if (rc == 0)
		rc = book_seek(kopano, state, err);
	if (rc == 0)
		rc = given_seek(kopano, state, err);
	kopano->beside_next = true; /* so that following has the first turn: what came while nobody looked goes first */
	return passing(rc, err);
}

/* ---- one step ---- */

static bool is_mapped(const struct kopano *kopano)
{
	return !follows_folders(kopano) || kopano->config->follow->once == ONCE_FOLDER || stores_are_mapped(kopano);
}

static int step_stores(struct kopano *kopano, struct err *err)
{
	listing_close_table(kopano);
	return stores_step(kopano, err);
}

/* What goes on beside following: users and groups, announcing what was found, looking for stores, a page of a listing.
 * *idle: nothing of it is to be done now. */
static int step_beside(struct kopano *kopano, bool *idle, struct err *err)
{
	kopano->book.had_turn = !kopano->book.had_turn && book_wait_ms(kopano) == 0;
	*idle = false;
	if (kopano->book.had_turn)
		return book_step(kopano, err);
	if (walk_is_under_way(kopano))
		return walk_step(kopano), 0;
	if (follows_folders(kopano) && kopano->config->follow->once != ONCE_FOLDER && stores_due(kopano))
		return step_stores(kopano, err);
	if (listing_is_due(kopano))
		return listing_step(kopano, err);
	*idle = true;
	return 0;
}

/* What was begun, in the order that keeps content from going back (kopano.h). *idle: nothing was. */
static int step_begun(struct kopano *kopano, bool *idle, struct err *err)
{
	*idle = false;
	if (kopano->paging)
		return snapshot_read_rows(kopano, err);
	if (walk_is_under_way(kopano) && !walk_is_patient(kopano))
		return walk_step(kopano), 0;
	if (folders_are_read(kopano))
		return folders_read(kopano, err);
	if (stores_are_wanted(kopano))
		return step_stores(kopano, err);
	if (kopano->reading)
		return window_read(kopano, err);
	*idle = true;
	return 0;
}

/* *idle: there was nothing to do. */
static int take_step(struct kopano *kopano, bool *idle, struct err *err)
{
	int rc = step_begun(kopano, idle, err);
	if (rc || !*idle)
		return rc;
	*idle = false;
	if (!kopano->restore_checked) {
		kopano->restore_checked = true;
		return restore_check(kopano, err);
	}
	if (follows_folders(kopano) && !follow_is_started(kopano))
		return follow_start(kopano, err);
	status_note(kopano, false);
	if (requests_wait(kopano) && is_mapped(kopano))
		return requests_take(kopano), 0;
	if (!is_mapped(kopano))
		return walk_is_under_way(kopano) ? (walk_step(kopano), 0) : step_stores(kopano, err);
	/* In turns: many streams to poll must not starve a listing. */
	kopano->beside_next = !kopano->beside_next;
	if (kopano->beside_next)
		rc = step_beside(kopano, idle, err);
	if (rc == 0 && (!kopano->beside_next || *idle) && follows_folders(kopano))
		rc = follow_step(kopano, idle, err);
	if (rc == 0 && *idle && !kopano->beside_next)
		rc = step_beside(kopano, idle, err);
	return rc;
}

/* ---- waiting ---- */

static int64_t lower(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t wait_of(const struct kopano *kopano)
{
	int64_t wait = lower(book_wait_ms(kopano), LONGEST_WAIT_MS);
	if (!follows_folders(kopano))
		return wait;
	wait = lower(wait, lower(follow_wait_ms(kopano), listing_wait_ms(kopano)));
	if (kopano->config->follow->once != ONCE_FOLDER)
		wait = lower(wait, stores_due_at_ms(kopano) - clock_ms());
	return wait > 0 ? wait : 0;
}

static void wait_for_poll(struct kopano *kopano)
{
	doorbell_listen(kopano);
	int64_t wait_ms = wait_of(kopano);
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += wait_ms % 1000 * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&kopano->mutex);
	while (!client_stop_asked(kopano->stop) && !kopano->requests && !doorbell_rang(kopano))
		if (pthread_cond_timedwait(&kopano->stopped, &kopano->mutex, &until) == ETIMEDOUT)
			break;
	pthread_mutex_unlock(&kopano->mutex);
}

/* ---- the interface ---- */

/* Not that something else than what had failed has gone well. */
static bool has_recovered(const struct kopano *kopano)
{
	return kopano->answered || !follows_folders(kopano) || !is_mapped(kopano);
}

static int next(struct source *source, struct batch **batch, struct err *err)
{
	struct kopano *kopano = (struct kopano *)source;
	for (;;) {
		if (client_stop_asked(kopano->stop))
			return err_set(err, ERR_STOPPED, "stopped");
		if ((*batch = take_pending(kopano)) || (*batch = doorbell_batch(kopano)))
			return 0;
		if (round_is_over(kopano))
			return SOURCE_IDLE;
		bool idle;
		int rc = connect_server(kopano, err);
		if (rc == 0)
			rc = passing(take_step(kopano, &idle, err), err);
		if (rc) {
			kopano->away = rc == ERR_AGAIN;
			kopano->answered = false;
			if (kopano->away)
				status_failed(kopano, err);
			return rc;
		}
		if (kopano->away && has_recovered(kopano)) {
			kopano->away = false;
			status_back(kopano);
			return SOURCE_BACK;
		}
		kopano->has_moved |= !idle;
		if (!idle)
			continue;
		status_note(kopano, true);
		wait_for_poll(kopano);
	}
}

static int open_source(const void *config, struct source **source, struct err *err)
{
	struct kopano *kopano = xcalloc(1, sizeof *kopano);
	kopano->base.ops = &kopano_ops;
	kopano->config = config;
	kopano->stop = client_stop_new();
	kopano->login = kopano->config->login;
	kopano->login.stop = kopano->stop;
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&kopano->stopped, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&kopano->mutex, NULL);
	*source = &kopano->base;
	return kopano->stop ? 0 : err_set(err, ERR_AGAIN, "no file descriptor is left; raise the limit of open files");
}

static void stop(struct source *source)
{
	struct kopano *kopano = (struct kopano *)source;
	pthread_mutex_lock(&kopano->mutex);
	client_stop_now(kopano->stop);
	pthread_cond_broadcast(&kopano->stopped);
	pthread_mutex_unlock(&kopano->mutex);
}

static void close_source(struct source *source)
{
	struct kopano *kopano = (struct kopano *)source;
	if (!kopano)
		return;
	doorbell_stop(kopano);
	disconnect(kopano);
	for (size_t i = 0; i < kopano->n_pending; i++)
		batch_free(kopano->pending[i]);
	for (size_t i = 0; i < kopano->n_streams; i++)
		stream_free(kopano->streams[i]);
	for (size_t i = 0; i < kopano->n_listings; i++)
		listing_free(kopano->listings[i]);
	free(kopano->streams);
	free(kopano->listings);
	free(kopano->pending);
	walk_free(&kopano->walk);
	stores_free(&kopano->stores);
	map_free(&kopano->map);
	late_free(&kopano->late);
	unknown_free(&kopano->unknown);
	requests_free(kopano);
	arena_free(&kopano->standing.arena);
	book_free(&kopano->book);
	told_forget(&kopano->told);
	client_stop_free(kopano->stop);
	pthread_cond_destroy(&kopano->stopped);
	pthread_mutex_destroy(&kopano->mutex);
	arena_free(&kopano->arena);
	free(kopano);
}

const struct source_ops kopano_ops = {
	.name = "kopano",
	.open = open_source,
	.seek = seek,
	.next = next,
	.status = source_status,
	.request = source_request,
	.stop = stop,
	.close = close_source,
};
