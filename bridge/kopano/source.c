#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "bridge/kopano/kopano.h"

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
	if (kopano->n_pending == MAX_PENDING)
		abort();
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
	client_close(kopano->client);
	kopano->client = NULL;
	kopano->paging = kopano->table_of = NULL;
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
	if (kopano->client && client_alive(kopano->client))
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

static int seek(struct source *source, struct state *state, struct err *err)
{
	struct kopano *kopano = (struct kopano *)source;
	int rc = load_ends(kopano, state, err);
	if (rc == 0)
		rc = load_known(kopano, state, err);
	if (rc == 0)
		rc = connect_server(kopano, err);
	if (rc == 0 && follows_folders(kopano))
		rc = folders_find(kopano, err);
	if (rc == 0 && follows_folders(kopano))
		rc = load_streams(kopano, state, err);
	if (rc == 0)
		rc = book_seek(kopano, state, err);
	if (rc == 0)
		rc = given_seek(kopano, state, err);
	return passing(rc, err);
}

/* ---- one step ---- */

/* *idle: there was nothing to do. */
static int take_step(struct kopano *kopano, bool *idle, struct err *err)
{
	struct listing *listing;
	struct stream *stream;
	*idle = false;
	if (kopano->paging)
		return snapshot_read_rows(kopano, err);
	if (kopano->reading)
		return window_read(kopano, err);
	/* In turns: many folders to poll must not starve a listing. */
	if (kopano->page_next && (listing = listing_next(kopano)))
		return kopano->page_next = false, snapshot_ask(kopano, listing, err);
	kopano->page_next = true;
	kopano->book.had_turn = !kopano->book.had_turn && book_wait_ms(kopano) == 0;
	if (kopano->book.had_turn)
		return book_step(kopano, err);
	if ((stream = follow_due(kopano)))
		return follow_step(kopano, stream, err);
	*idle = !listing_next(kopano) && book_wait_ms(kopano) > 0;
	return 0;
}

/* ---- waiting ---- */

static void wait_for_poll(struct kopano *kopano)
{
	int64_t wait_ms = follow_wait_ms(kopano);
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += wait_ms % 1000 * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&kopano->mutex);
	while (!client_stop_asked(kopano->stop))
		if (pthread_cond_timedwait(&kopano->stopped, &kopano->mutex, &until) == ETIMEDOUT)
			break;
	pthread_mutex_unlock(&kopano->mutex);
}

/* ---- the interface ---- */

static int next(struct source *source, struct batch **batch, struct err *err)
{
	struct kopano *kopano = (struct kopano *)source;
	for (;;) {
		if (client_stop_asked(kopano->stop))
			return err_set(err, ERR_STOPPED, "stopped");
		if ((*batch = take_pending(kopano)))
			return 0;
		if (round_is_over(kopano))
			return SOURCE_IDLE;
		bool idle;
		int rc = connect_server(kopano, err);
		if (rc == 0)
			rc = passing(take_step(kopano, &idle, err), err);
		if (rc) {
			kopano->away = rc == ERR_AGAIN;
			return rc;
		}
		if (kopano->away) {
			kopano->away = false;
			return SOURCE_BACK;
		}
		if (idle)
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
	disconnect(kopano);
	for (size_t i = 0; i < kopano->n_pending; i++)
		batch_free(kopano->pending[i]);
	for (size_t i = 0; i < kopano->n_streams; i++)
		stream_free(kopano->streams[i]);
	for (size_t i = 0; i < kopano->n_listings; i++)
		free(kopano->listings[i]);
	free(kopano->streams);
	free(kopano->listings);
	free(kopano->folders);
	free(kopano->known);
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
	.stop = stop,
	.close = close_source,
};
