#include "bridge/kopano/stream.h"

#include <stdlib.h>

#include "bridge/kopano/kopano.h"
#include "core/hex.h"

enum { ALL_CHANGES = SYNC_READ_STATE | SYNC_NORMAL | SYNC_ASSOCIATED };

/* ---- names ---- */

bool stream_is_hierarchy(const struct stream *stream)
{
	return stream->kind == STREAM_FOLDERS || stream->kind == STREAM_HIERARCHY;
}

static enum sync_type sync_type(const struct stream *stream)
{
	return stream_is_hierarchy(stream) ? SYNC_HIERARCHY : SYNC_CONTENTS;
}

/* setSyncStatus, for what it is registered for. */
static int set_sync(struct kopano *kopano, const struct stream *stream, uint32_t *sync_id, struct err *err)
{
	struct arena arena = {0};
	struct slice key = slice_of(NULL, 0);
	if (stream->folder != NO_FOLDER)
		key = map_source_key(&kopano->map, stream->folder, &arena);
	uint32_t change_id = *sync_id ? stream->settle.settled : 0;
	int rc = client_set_sync(kopano->client, key, sync_type(stream), change_id, sync_id, err);
	arena_free(&arena);
	return rc;
}

static const char *name_of(struct kopano *kopano, const struct stream *stream)
{
	struct arena *arena = &kopano->arena;
	if (stream->kind == STREAM_SERVER)
		return "server";
	if (stream->kind == STREAM_FOLDERS)
		return "folders";
	uint32_t store = map_folder(&kopano->map, stream->folder)->store;
	const char *guid = hex_text(arena, slice_of(map_store(&kopano->map, store)->guid, GUID_SIZE));
	if (stream->kind == STREAM_HIERARCHY)
		return arena_text(arena, "hierarchy/%s", guid);
	return arena_text(arena, "contents/%s/%s", guid,
			  hex_text(arena, map_source_key(&kopano->map, stream->folder, arena)));
}

struct stream *stream_add(struct kopano *kopano, enum stream_kind kind, uint32_t folder)
{
	struct stream *stream = xcalloc(1, sizeof *stream);
	stream->kind = kind;
	stream->folder = folder;
	stream->due = true;
	stream->name = name_of(kopano, stream);
	stream->position_key = arena_text(&kopano->arena, POSITION_STREAM "%s", stream->name);
	stream->taken_key = arena_text(&kopano->arena, TAKEN_STREAM "%s/", stream->name);
	stream->kept_key = arena_text(&kopano->arena, KEPT_STREAM "%s", stream->name);
	settle_start(&stream->settle, 1, kopano->config->settle_ms);
	if (kopano->n_streams == kopano->room_streams) {
		kopano->room_streams = kopano->room_streams ? kopano->room_streams * 2 : 4;
		kopano->streams = xrealloc(kopano->streams, kopano->room_streams * sizeof *kopano->streams);
	}
	kopano->streams[kopano->n_streams++] = stream;
	return stream;
}

void stream_free(struct stream *stream)
{
	stream_forget_stumbles(stream);
	settle_free(&stream->settle);
	free(stream);
}

void stream_forget_stumbles(struct stream *stream)
{
	stream->stumbles = NULL;
	arena_free(&stream->stumble_arena);
}

/* ---- the state ---- */

static int load_taken(void *context, struct slice key, struct slice value)
{
	(void)key;
	return settle_load(context, value) ? 0 : ERR_BAD;
}

static int seek_position(struct kopano *kopano, struct state *state, const char *key, struct stream_position *position,
			 bool *found, struct err *err)
{
	struct slice bytes;
	int rc = load_get(state, key, &kopano->arena, &bytes, found, err);
	if (rc == 0 && *found && !position_read(bytes, position))
		return load_damaged(err, key);
	return rc;
}

int stream_seek(struct kopano *kopano, struct state *state, struct stream *stream, struct err *err)
{
	struct stream_position position = {.change_id = 1};
	bool kept;
	int rc = seek_position(kopano, state, stream->position_key, &position, &stream->started, err);
	if (rc == 0)
		rc = seek_position(kopano, state, stream->kept_key, &stream->kept, &kept, err);
	if (rc)
		return rc;
	stream->sync_id = position.sync_id;
	settle_start(&stream->settle, position.change_id ? position.change_id : 1, kopano->config->settle_ms);
	rc = state->ops->each(state, slice_of_text(stream->taken_key), load_taken, &stream->settle, err);
	return rc == ERR_BAD ? load_damaged(err, stream->taken_key) : rc;
}

void stream_put(const struct stream *stream, struct batch *batch)
{
	struct stream_position position = {.sync_id = stream->sync_id, .change_id = stream->settle.settled};
	batch_put(batch, slice_of_text(stream->position_key), position_write(&batch->arena, &position));
}

void stream_put_start(struct kopano *kopano, struct stream *stream, const struct ids *ids, struct batch *batch)
{
	settle_take(&stream->settle, ids->ids, ids->n, batch, stream->taken_key);
	for (size_t i = 0; i < ids->n; i++)
		late_taken(kopano, ids->ids[i]);
	stream_put(stream, batch);
	once_put_start(kopano, stream, ids, batch);
	stream->started = true;
}

void stream_remove(struct stream *stream, struct batch *batch)
{
	batch_remove(batch, slice_of_text(stream->position_key));
	batch_remove(batch, slice_of_text(stream->kept_key));
	settle_forget(&stream->settle, batch, stream->taken_key);
	stream->ended = true;
}

/* ---- registering ---- */

/* Sync ids ascend: a new one that is not above the one before is of a server that was set back. */
static int register_sync(struct kopano *kopano, struct stream *stream, struct err *err)
{
	uint32_t sync_id = 0, before = stream->sync_id;
	int rc = set_sync(kopano, stream, &sync_id, err);
	if (rc)
		return rc;
	if (sync_id <= before)
		return restore_suspect(kopano, SIGN_SYNC_ID, err);
	restore_unsuspect(kopano, SIGN_SYNC_ID);
	stream->sync_id = sync_id;
	stream->checked = true;
	stream->kept_at_ms = clock_ms();
	return 0;
}

/* The server keeps the settled id, which also keeps the sync id alive; a later look tells whether it was set back. The
 * state has it with the next answer. */
static void note_kept(struct kopano *kopano, struct stream *stream)
{
	stream->checked = true;
	stream->kept_at_ms = clock_ms();
	stream->kept = (struct stream_position){stream->sync_id, stream->settle.settled};
	stream->kept_is_new = !kopano->config->follow->once;
}

static void put_kept(struct stream *stream, struct batch *batch)
{
	if (stream->kept_is_new)
		batch_put(batch, slice_of_text(stream->kept_key), position_write(&batch->arena, &stream->kept));
	stream->kept_is_new = false;
}

/* Whether the sync id is (still) this stream's: asked after each logon, and hourly at least. getChanges would not tell:
 * it answers with whatever folder the id belongs to. */
static int check_sync(struct kopano *kopano, struct stream *stream, struct err *err)
{
	bool has_moved = stream->kept.change_id != stream->settle.settled && stream->folder == NO_FOLDER;
	if (stream->checked && clock_ms() - stream->kept_at_ms < (has_moved ? KEEP_MS : KEEP_ALIVE_MS))
		return 0;
	if (stream->sync_id == 0)
		return err_set(err, ERR_GONE, "there is no sync id yet");
	int rc = set_sync(kopano, stream, &stream->sync_id, err);
	if (rc == 0)
		note_kept(kopano, stream);
	return rc;
}

bool stream_right_lost(struct kopano *kopano, const struct stream *stream, struct err *err)
{
	uint32_t sync_id = stream->sync_id;
	return no_access(kopano, set_sync(kopano, stream, &sync_id, err));
}

/* ---- what it shows ---- */

/* From the highest id that there can be: an empty list, and the folder's own maximum (kopano-protocol 4.4). */
int stream_maximum(struct kopano *kopano, const struct stream *stream, uint32_t *change_id, struct err *err)
{
	struct journal_entry entry;
	if (stream_is_hierarchy(stream))
		return maximum_of(kopano, stream, change_id, err);
	int rc = client_changes(kopano->client, stream->sync_id, UINT32_MAX, sync_type(stream), ALL_CHANGES, err);
	while (rc == 0)
		rc = client_next_entry(kopano->client, sync_type(stream), &entry, change_id, err);
	return rc == KOPANO_END ? 0 : rc;
}

void ids_add(struct ids *ids, uint32_t id)
{
	if (ids->n == ids->room) {
		ids->room = ids->room ? 2 * ids->room : 256;
		ids->ids = xrealloc(ids->ids, ids->room * sizeof *ids->ids);
	}
	ids->ids[ids->n++] = id;
}

static int read_ids(struct kopano *kopano, const struct stream *stream, uint32_t from, struct ids *ids, uint32_t *max,
		    struct err *err)
{
	struct journal_entry entry;
	int rc = client_changes(kopano->client, stream->sync_id, from, sync_type(stream), ALL_CHANGES, err);
	while (rc == 0 && (rc = client_next_entry(kopano->client, sync_type(stream), &entry, max, err)) == 0)
		once_add_id(kopano, stream, ids, &entry);
	return rc == KOPANO_END ? 0 : rc;
}

/* 0 would mean "list all" (kopano-protocol 4.4). */
int stream_start(struct kopano *kopano, struct stream *stream, struct ids *ids, uint32_t *max, struct err *err)
{
	int rc = register_sync(kopano, stream, err);
	if (rc == 0 && stream->given)
		return 0;
	if (rc == 0 && *max == 0)
		rc = stream_maximum(kopano, stream, max, err);
	uint32_t from = *max > START_MARGIN ? *max - START_MARGIN : 1, unused;
	if (rc == 0)
		rc = read_ids(kopano, stream, from, ids, stream_is_hierarchy(stream) ? &unused : max, err);
	settle_start(&stream->settle, from, kopano->config->settle_ms);
	settle_note(&stream->settle, clock_ms(), *max);
	return rc;
}

/* ---- refused ---- */

/* A sync id that the server does not know any more, or that is another folder's, is replaced: the change id is what
 * counts, nothing is missed. If the folder itself is unknown, it is gone. */
static int replace_sync(struct kopano *kopano, struct stream *stream, struct err *err)
{
	int rc = register_sync(kopano, stream, err);
	if (no_access(kopano, rc))
		return right_lost(kopano, stream, err);
	if (rc == ERR_GONE)
		return stream_gone(kopano, stream, "it was deleted"), 0;
	if (rc)
		return passing(rc, err);
	stream->due = true;
	stream->poll_at_ms = clock_ms();
	struct batch *batch = share_batch(kopano, stream->name);
	stream_put(stream, batch);
	hand_over(kopano, batch);
	return 0;
}

int stream_refused(struct kopano *kopano, struct stream *stream, int rc, struct err *err)
{
	uint32_t er = client_er(kopano->client);
	if (no_access(kopano, rc))
		return right_lost(kopano, stream, err);
	if (rc == ERR_GONE || (rc == ERR_BAD && (er == KOPANO_COLLISION || er == KOPANO_INVALID_PARAMETER)))
		return replace_sync(kopano, stream, err);
	/* The caller pauses; an interval of an hour is for reads that went well. */
	int64_t soon = clock_ms() + RETRY_POLL_MS;
	if (!stream->due || stream->poll_at_ms > soon)
		stream->poll_at_ms = soon;
	stream->due = true;
	return passing(rc, err);
}

/* ---- asking ---- */

/* A long backlog is read after the ids have settled, so that its position moves as it is read. What was taken before a
 * restart, and had not settled yet, is none. */
static int wait_for_backlog(struct kopano *kopano, struct stream *stream, bool *wait, struct err *err)
{
	struct settle *settle = &stream->settle;
	uint32_t max = kopano->maximum;
	*wait = false;
	if (settle->notes.n)
		return 0;
	int rc = stream_is_hierarchy(stream) ? 0 : stream_maximum(kopano, stream, &max, err);
	if (rc)
		return rc;
	settle_note(settle, clock_ms(), max);
	*wait = settle_untaken(settle, max) > BACKLOG_IDS;
	if (*wait)
		stream->due = true, stream->poll_at_ms = clock_ms() + settle->settle_ms;
	return 0;
}

/* With both kinds of items the server looks at no objects: of a whole server it is asked for both. */
static uint32_t wanted_changes(const struct kopano *kopano, const struct stream *stream)
{
	bool associated = kopano->config->follow->associated || stream->kind != STREAM_CONTENTS;
	return SYNC_READ_STATE | SYNC_NORMAL | (associated ? SYNC_ASSOCIATED : 0);
}

/* From where: mostly from what was noted, every T from the settled id, now and then from further back. */
static uint32_t ask_from(struct kopano *kopano, struct stream *stream)
{
	int64_t now = clock_ms();
	stream->looks_back = kopano->looks_back;
	stream->still_next = 0;
	if (stream->looks_back)
		return stream->settle.sure = 0, late_from(kopano);
	uint32_t from = settle_ask(&stream->settle, now);
	if (from != stream->settle.settled)
		return from;
	bool tells_maximum = !stream_is_hierarchy(stream); /* of its own, below the server's */
	stream->still_next =
		tells_maximum ? notes_before(&kopano->maxima, now - kopano->config->settle_ms) : stream->settle.sure;
	return from;
}

static int ask(struct kopano *kopano, struct stream *stream, struct err *err)
{
	bool wait = false;
	int rc = check_sync(kopano, stream, err);
	if (rc == 0)
		rc = wait_for_backlog(kopano, stream, &wait, err);
	if (rc || wait)
		return rc;
	uint32_t from = ask_from(kopano, stream);
	rc = client_changes(kopano->client, stream->sync_id, from, sync_type(stream), wanted_changes(kopano, stream),
			    err);
	if (rc)
		return settle_dropped(&stream->settle), rc;
	if (stream_is_hierarchy(stream))
		folders_begin(kopano, stream);
	else
		kopano->reading = stream;
	return 0;
}

int stream_ask(struct kopano *kopano, struct stream *stream, struct err *err)
{
	stream->due = false;
	int rc = ask(kopano, stream, err);
	return rc ? stream_refused(kopano, stream, rc, err) : 0;
}

/* Folders whose last deletes have settled are forgotten. */
static void purge(struct kopano *kopano, uint32_t settled, struct batch *batch)
{
	if (kopano->purged == settled)
		return;
	kopano->purged = settled;
	ending_purge(kopano, settled, batch);
}

/* An answer about folders without entries has the id that was stored here as its maximum: whoever goes on from the
 * state that a command prints would go back to the beginning without it. */
static void keep_for_others(struct kopano *kopano, struct stream *stream)
{
	struct err unused;
	uint32_t sync_id = stream->sync_id;
	if (kopano->config->follow->once == ONCE_HIERARCHY)
		set_sync(kopano, stream, &sync_id, &unused);
}

void stream_answered(struct kopano *kopano, struct stream *stream, uint32_t max)
{
	struct settle *settle = &stream->settle;
	round_note(stream, max);
	stream->n_gone = 0;
	doorbell_answered(kopano, stream);
	kopano->answered = true;
	bool is_stiller = stream->still_next > stream->still;
	if (is_stiller)
		stream->still = stream->still_next;
	struct batch *batch = share_batch(kopano, stream->name);
	bool has_moved = settle_advance(settle, max, batch, stream->taken_key);
	if (has_moved)
		stream_put(stream, batch);
	if (is_stiller || has_moved)
		listing_look_at_held(kopano);
	put_kept(stream, batch);
	if (stream->kind == STREAM_SERVER)
		purge(kopano, settle->settled, batch);
	late_note(kopano);
	if (batch->puts.n)
		hand_over(kopano, batch);
	else
		batch_free(batch);
	if (has_moved)
		keep_for_others(kopano, stream);
}
