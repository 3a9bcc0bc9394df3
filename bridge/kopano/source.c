#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "bridge/kopano/kopano.h"
#include "core/hex.h"

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

static const struct server_info *copy_server(struct batch *batch, const struct server_info *server)
{
	struct server_info *copy = arena_alloc(&batch->arena, sizeof *copy);
	*copy = *server;
	return copy;
}

static const struct store_info *copy_store(struct batch *batch, const struct store_info *store)
{
	struct store_info *copy = arena_alloc(&batch->arena, sizeof *copy);
	*copy = *store;
	copy->entry_id = arena_copy(&batch->arena, store->entry_id);
	copy->owner = arena_copy(&batch->arena, store->owner);
	return copy;
}

static const struct folder_info *copy_folder(struct batch *batch, const struct folder_info *folder)
{
	struct folder_info *copy = arena_alloc(&batch->arena, sizeof *copy);
	copy->source_key = arena_copy(&batch->arena, folder->source_key);
	copy->entry_id = arena_copy(&batch->arena, folder->entry_id);
	copy->path = arena_copy(&batch->arena, folder->path);
	copy->container_class = arena_copy(&batch->arena, folder->container_class);
	return copy;
}

/* All changes of a batch point to one copy: that of the first. */
void share(struct kopano *kopano, const struct followed *followed, struct batch *batch, struct change *change)
{
	const struct change *first = &batch->changes[0];
	bool is_first = change == first || !first->server;
	change->server = is_first ? copy_server(batch, &kopano->server) : first->server;
	change->store = is_first ? copy_store(batch, &followed->store) : first->store;
	change->folder = is_first ? copy_folder(batch, &followed->folder) : first->folder;
	change->parent_source_key = change->folder->source_key;
	change->object_type = OBJECT_ITEM;
	change->observed_at_ns = is_first ? now_ns() : first->observed_at_ns;
}

struct change *new_change(struct kopano *kopano, const struct followed *followed, struct batch *batch)
{
	struct change *change = batch_change(batch);
	share(kopano, followed, batch, change);
	return change;
}

void add_lifecycle(struct kopano *kopano, const struct followed *followed, struct batch *batch,
		   enum lifecycle_type type, const char *text)
{
	struct lifecycle *event = batch_lifecycle(batch, type);
	event->server = copy_server(batch, &kopano->server);
	event->store = copy_store(batch, &followed->store);
	event->folder = copy_folder(batch, &followed->folder);
	event->text = arena_text(&batch->arena, "%s", text);
	event->time_ns = now_ns();
}

void put_position(struct followed *followed, struct batch *batch)
{
	struct contents_position position = {.sync_id = followed->sync_id, .change_id = followed->settle.settled};
	batch_put(batch, slice_of_text(followed->contents_key), contents_write(&batch->arena, &position));
}

void put_entry(struct followed *followed, struct batch *batch)
{
	struct folder_entry entry = {.listed = followed->listed, .store = followed->store, .folder = followed->folder};
	batch_put(batch, slice_of_text(followed->entry_key), folder_entry_write(&batch->arena, &entry));
}

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
	for (size_t i = 0; i < kopano->n_followed; i++)
		kopano->followed[i].checked = false;
}

static int check_server(struct kopano *kopano, struct err *err)
{
	const uint8_t *guid = client_server_guid(kopano->client);
	if (kopano->server.epoch == 0) {
		memcpy(kopano->server.guid, guid, GUID_SIZE);
		kopano->server.epoch = 1;
	}
	if (memcmp(kopano->server.guid, guid, GUID_SIZE) == 0)
		return 0;
	return err_usage(
		err,
		"%s is another server than the one that the state belongs to (its GUID differs); to follow this one "
		"from the start, move the state file away",
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

/* ---- the stored state ---- */

static int damaged(struct err *err, const char *key)
{
	return err_usage(err, "state: the entry \"%s\" is not of this version; was it written by a newer tidings?",
			 key);
}

static int seek_ends(struct kopano *kopano, struct state *state, struct err *err)
{
	struct arena arena = {0};
	struct slice bytes;
	struct ends ends;
	int rc = state->ops->get(state, slice_of_text(ENTRY_ENDS), &arena, &bytes, err);
	bool readable = rc == 0 && ends_read(bytes, &ends);
	arena_free(&arena);
	if (rc)
		return rc == ERR_GONE ? 0 : rc;
	if (!readable)
		return damaged(err, ENTRY_ENDS);
	kopano->server = ends.server;
	if (ends.mode == (uint8_t)kopano->config->follow->mode && ends.following == FOLLOWING_FOLDERS)
		return 0;
	return err_usage(err,
			 "state: it was made with another follow.mode; change it back, or move the state file away");
}

static int get(struct state *state, const char *key, struct arena *arena, struct slice *bytes, bool *found,
	       struct err *err)
{
	int rc = state->ops->get(state, slice_of_text(key), arena, bytes, err);
	*found = rc == 0;
	return rc == ERR_GONE ? 0 : rc;
}

static int load_taken(void *context, struct slice key, struct slice value)
{
	(void)key;
	return settle_load(context, value) ? 0 : ERR_BAD;
}

static int seek_contents(struct kopano *kopano, struct state *state, struct followed *followed, struct err *err)
{
	struct slice bytes;
	struct contents_position position = {.change_id = 1};
	int rc = get(state, followed->contents_key, &kopano->arena, &bytes, &followed->started, err);
	if (rc == 0 && followed->started && !contents_read(bytes, &position))
		return damaged(err, followed->contents_key);
	if (rc)
		return rc;
	followed->sync_id = position.sync_id;
	settle_start(&followed->settle, position.change_id ? position.change_id : 1, kopano->config->settle_ms);
	rc = state->ops->each(state, slice_of_text(followed->taken_key), load_taken, &followed->settle, err);
	return rc == ERR_BAD ? damaged(err, followed->taken_key) : rc;
}

static int seek_snapshot(struct kopano *kopano, struct state *state, struct followed *followed, struct err *err)
{
	struct slice bytes;
	int rc = get(state, followed->snapshot_key, &kopano->arena, &bytes, &followed->listing, err);
	if (rc == 0 && followed->listing && !snapshot_read(bytes, &followed->snapshot))
		return damaged(err, followed->snapshot_key);
	return rc;
}

static int seek_entry(struct kopano *kopano, struct state *state, struct followed *followed, struct err *err)
{
	struct slice bytes;
	struct folder_entry entry = {0};
	bool found;
	int rc = get(state, followed->entry_key, &kopano->arena, &bytes, &found, err);
	if (rc == 0 && found && !folder_entry_read(bytes, &kopano->arena, &entry))
		return damaged(err, followed->entry_key);
	/* One that had ended and is there again starts anew. */
	followed->listed = entry.listed & ENTRY_ENDED ? 0 : entry.listed;
	return rc;
}

static int seek_followed(struct kopano *kopano, struct state *state, struct err *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < kopano->n_followed; i++) {
		struct followed *followed = &kopano->followed[i];
		rc = seek_contents(kopano, state, followed, err);
		if (rc == 0)
			rc = seek_snapshot(kopano, state, followed, err);
		if (rc == 0)
			rc = seek_entry(kopano, state, followed, err);
	}
	return rc;
}

struct loading {
	struct kopano *kopano;
	struct err *err;
};

static int load_known(void *context, struct slice key, struct slice value)
{
	struct loading *loading = context;
	struct kopano *kopano = loading->kopano;
	size_t n_prefix = strlen(ENTRY_FOLDER_KEY);
	kopano->known = xrealloc(kopano->known, (kopano->n_known + 1) * sizeof *kopano->known);
	struct folder_entry *entry = &kopano->known[kopano->n_known++];
	*entry = (struct folder_entry){0};
	if (folder_entry_read(value, &kopano->arena, entry) &&
	    hex_read((const char *)key.data + n_prefix, key.size - n_prefix, &kopano->arena, &entry->folder.source_key))
		return 0;
	return damaged(loading->err, arena_text(&kopano->arena, "%.*s", (int)key.size, (const char *)key.data));
}

static int seek_known(struct kopano *kopano, struct state *state, struct err *err)
{
	struct loading loading = {kopano, err};
	return state->ops->each(state, slice_of_text(ENTRY_FOLDER_KEY), load_known, &loading, err);
}

static bool is_followed(const struct kopano *kopano, struct slice source_key)
{
	for (size_t i = 0; i < kopano->n_followed; i++)
		if (slice_equal(source_key, kopano->followed[i].folder.source_key))
			return true;
	return false;
}

/* Folders of the state that the configuration does not name any more: they end for their consumers. */
static void end_leftovers(struct kopano *kopano)
{
	for (size_t i = 0; i < kopano->n_known; i++) {
		const struct folder_entry *entry = &kopano->known[i];
		if (!(entry->listed & ENTRY_ENDED) && !is_followed(kopano, entry->folder.source_key))
			folder_add(kopano, &entry->store, &entry->folder)->ending = true;
	}
}

static int seek(struct source *source, struct state *state, struct err *err)
{
	struct kopano *kopano = (struct kopano *)source;
	int rc = seek_ends(kopano, state, err);
	if (rc == 0)
		rc = seek_known(kopano, state, err);
	if (rc == 0)
		rc = connect_server(kopano, err);
	if (rc == 0)
		rc = folders_find(kopano, err);
	if (rc == 0) {
		end_leftovers(kopano);
		rc = seek_followed(kopano, state, err);
	}
	if (rc == 0)
		rc = given_seek(kopano, state, err);
	return passing(rc, err);
}

/* ---- one step ---- */

static void begin_missing_snapshot(struct kopano *kopano, struct followed *followed)
{
	struct batch *batch = batch_new(followed->snapshot_stream);
	snapshot_begin(kopano, followed, batch);
	hand_over(kopano, batch);
}

static bool is_due(const struct followed *followed)
{
	return !followed->ended && followed->poll_at_ms <= clock_ms();
}

static int step_due(struct kopano *kopano, struct followed *followed, struct err *err)
{
	if (followed->ending)
		return folder_end(kopano, followed, "the configuration does not name it any more"), 0;
	if (!followed->started)
		return follow_start(kopano, followed, err);
	if (!followed->suspended && snapshot_wanted(kopano, followed))
		return begin_missing_snapshot(kopano, followed), 0;
	return follow_ask(kopano, followed, err);
}

static struct followed *find(struct kopano *kopano, bool (*wanted)(const struct followed *))
{
	for (size_t i = 0; i < kopano->n_followed; i++) {
		size_t at = (kopano->turn + i) % kopano->n_followed;
		if (!wanted(&kopano->followed[at]))
			continue;
		kopano->turn = at + 1;
		return &kopano->followed[at];
	}
	return NULL;
}

/* The folder whose table is open goes first: opening a table costs as much as the folder is long. */
static struct followed *next_listed(struct kopano *kopano)
{
	if (kopano->table_of && folder_is_listing(kopano->table_of))
		return kopano->table_of;
	return find(kopano, folder_is_listing);
}

/* *idle: there was nothing to do. */
static int take_step(struct kopano *kopano, bool *idle, struct err *err)
{
	struct followed *followed;
	*idle = false;
	if (kopano->paging)
		return snapshot_read_rows(kopano, err);
	if (kopano->reading)
		return window_read(kopano, err);
	/* In turns: many folders to poll must not starve a listing. */
	if (kopano->page_next && (followed = next_listed(kopano)))
		return kopano->page_next = false, snapshot_ask(kopano, followed, err);
	kopano->page_next = true;
	if ((followed = find(kopano, is_due)))
		return step_due(kopano, followed, err);
	*idle = !next_listed(kopano);
	return 0;
}

/* ---- waiting ---- */

static int64_t next_poll_ms(const struct kopano *kopano)
{
	int64_t next = INT64_MAX;
	for (size_t i = 0; i < kopano->n_followed; i++)
		if (!kopano->followed[i].ended && kopano->followed[i].poll_at_ms < next)
			next = kopano->followed[i].poll_at_ms;
	int64_t wait = next == INT64_MAX ? 60000 : next - clock_ms();
	return wait > 0 ? wait : 0;
}

static void wait_for_poll(struct kopano *kopano)
{
	int64_t wait_ms = next_poll_ms(kopano);
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
		if (rc)
			return rc;
		if (idle)
			wait_for_poll(kopano);
	}
}

static int open_source(const void *config, struct source **source, struct err *err)
{
	(void)err;
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
	return 0;
}

static void stop(struct source *source)
{
	struct kopano *kopano = (struct kopano *)source;
	pthread_mutex_lock(&kopano->mutex);
	client_stop_now(kopano->stop);
	pthread_cond_broadcast(&kopano->stopped);
	pthread_mutex_unlock(&kopano->mutex);
}

static void free_followed(struct followed *followed)
{
	forget_stumbles(followed);
	snapshot_forget(followed);
	settle_free(&followed->settle);
}

static void close_source(struct source *source)
{
	struct kopano *kopano = (struct kopano *)source;
	if (!kopano)
		return;
	disconnect(kopano);
	for (size_t i = 0; i < kopano->n_pending; i++)
		batch_free(kopano->pending[i]);
	for (size_t i = 0; i < kopano->n_followed; i++)
		free_followed(&kopano->followed[i]);
	free(kopano->followed);
	free(kopano->known);
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
