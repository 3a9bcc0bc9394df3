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

/* What it is registered for. */
static struct slice source_key(const struct kopano *kopano, const struct stream *stream)
{
	return stream->folder == NO_FOLDER ? slice_of(NULL, 0) : kopano->folders[stream->folder].info.source_key;
}

static const char *name_of(struct kopano *kopano, const struct stream *stream)
{
	struct arena *arena = &kopano->arena;
	if (stream->kind == STREAM_SERVER)
		return "server";
	if (stream->kind == STREAM_FOLDERS)
		return "folders";
	const struct folder *folder = &kopano->folders[stream->folder];
	const char *store = hex_text(arena, slice_of(folder->store.guid, GUID_SIZE));
	if (stream->kind == STREAM_HIERARCHY)
		return arena_text(arena, "hierarchy/%s", store);
	return arena_text(arena, "contents/%s/%s", store, hex_text(arena, folder->info.source_key));
}

struct stream *stream_add(struct kopano *kopano, enum stream_kind kind, uint32_t folder)
{
	struct stream *stream = xcalloc(1, sizeof *stream);
	stream->kind = kind;
	stream->folder = folder;
	stream->name = name_of(kopano, stream);
	stream->position_key = arena_text(&kopano->arena, POSITION_STREAM "%s", stream->name);
	stream->taken_key = arena_text(&kopano->arena, TAKEN_STREAM "%s/", stream->name);
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

int stream_seek(struct kopano *kopano, struct state *state, struct stream *stream, struct err *err)
{
	struct slice bytes;
	struct stream_position position = {.change_id = 1};
	int rc = load_get(state, stream->position_key, &kopano->arena, &bytes, &stream->started, err);
	if (rc == 0 && stream->started && !position_read(bytes, &position))
		return load_damaged(err, stream->position_key);
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

void stream_put_start(struct stream *stream, const struct ids *ids, struct batch *batch)
{
	settle_take(&stream->settle, ids->ids, ids->n, batch, stream->taken_key);
	stream_put(stream, batch);
	stream->started = true;
}

void stream_remove(struct stream *stream, struct batch *batch)
{
	batch_remove(batch, slice_of_text(stream->position_key));
	settle_forget(&stream->settle, batch, stream->taken_key);
	stream->ended = true;
}

/* ---- registering ---- */

static int register_sync(struct kopano *kopano, struct stream *stream, struct err *err)
{
	uint32_t sync_id = 0;
	int rc = client_set_sync(kopano->client, source_key(kopano, stream), sync_type(stream), 0, &sync_id, err);
	if (rc)
		return rc;
	stream->sync_id = sync_id;
	stream->checked = true;
	stream->kept_at_ms = clock_ms();
	return 0;
}

/* Whether the sync id is (still) this stream's: asked after each logon, and daily to keep it alive. getChanges would
 * not tell: it answers with whatever folder the id belongs to. */
static int check_sync(struct kopano *kopano, struct stream *stream, struct err *err)
{
	if (stream->checked && clock_ms() - stream->kept_at_ms < KEEP_ALIVE_MS)
		return 0;
	if (stream->sync_id == 0)
		return err_set(err, ERR_GONE, "there is no sync id yet");
	int rc = client_set_sync(kopano->client, source_key(kopano, stream), sync_type(stream), stream->settle.settled,
				 &stream->sync_id, err);
	stream->checked = rc == 0;
	stream->kept_at_ms = clock_ms();
	return rc;
}

bool stream_right_lost(struct kopano *kopano, const struct stream *stream, struct err *err)
{
	uint32_t sync_id = stream->sync_id;
	int rc = client_set_sync(kopano->client, source_key(kopano, stream), sync_type(stream), stream->settle.settled,
				 &sync_id, err);
	return no_access(kopano, rc);
}

/* ---- what it shows ---- */

/* From the highest id that there can be: an empty list, and the folder's own maximum (kopano-protocol 4.4). */
int stream_maximum(struct kopano *kopano, const struct stream *stream, uint32_t *change_id, struct err *err)
{
	struct journal_entry entry;
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
		ids_add(ids, entry.change_id);
	return rc == KOPANO_END ? 0 : rc;
}

/* 0 would mean "list all" (kopano-protocol 4.4). */
int stream_start(struct kopano *kopano, struct stream *stream, uint32_t max, struct ids *ids, struct err *err)
{
	int rc = register_sync(kopano, stream, err);
	if (rc == 0 && stream->given)
		return 0;
	if (rc == 0 && max == 0)
		rc = stream_maximum(kopano, stream, &max, err);
	uint32_t from = max > START_MARGIN ? max - START_MARGIN : 1;
	if (rc == 0)
		rc = read_ids(kopano, stream, from, ids, &max, err);
	settle_start(&stream->settle, from, kopano->config->settle_ms);
	settle_note(&stream->settle, clock_ms(), max);
	return rc;
}

/* ---- asking ---- */

/* A sync id that the server does not know any more, or that is another folder's since a restore, is replaced: the
 * change id is what counts, nothing is missed. If the folder itself is unknown, it is gone. */
static int replace_sync(struct kopano *kopano, struct stream *stream, struct err *err)
{
	int rc = register_sync(kopano, stream, err);
	if (no_access(kopano, rc))
		return folder_suspend(kopano, stream), 0;
	if (rc == ERR_GONE)
		return folder_end(kopano, stream, "it was deleted"), 0;
	if (rc)
		return passing(rc, err);
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
		return folder_suspend(kopano, stream), 0;
	if (rc == ERR_GONE || (rc == ERR_BAD && (er == KOPANO_COLLISION || er == KOPANO_INVALID_PARAMETER)))
		return replace_sync(kopano, stream, err);
	/* The caller pauses; an interval of an hour is for reads that went well. */
	int64_t soon = clock_ms() + RETRY_POLL_MS;
	if (stream->poll_at_ms > soon)
		stream->poll_at_ms = soon;
	return passing(rc, err);
}

/* A long backlog is read after the ids have settled, so that its position moves as it is read. */
static int wait_for_backlog(struct kopano *kopano, struct stream *stream, bool *wait, struct err *err)
{
	struct settle *settle = &stream->settle;
	uint32_t max = 0;
	*wait = false;
	if (settle->n_notes)
		return 0;
	int rc = stream_maximum(kopano, stream, &max, err);
	if (rc)
		return rc;
	settle_note(settle, clock_ms(), max);
	*wait = max > settle->settled && max - settle->settled > BACKLOG_IDS;
	if (*wait)
		stream->poll_at_ms = clock_ms() + settle->settle_ms;
	return 0;
}

static uint32_t wanted_changes(const struct kopano *kopano)
{
	return SYNC_READ_STATE | SYNC_NORMAL | (kopano->config->follow->associated ? SYNC_ASSOCIATED : 0);
}

static int ask(struct kopano *kopano, struct stream *stream, struct err *err)
{
	bool wait = false;
	int rc = check_sync(kopano, stream, err);
	if (rc == 0)
		rc = wait_for_backlog(kopano, stream, &wait, err);
	if (rc || wait)
		return rc;
	uint32_t from = settle_ask(&stream->settle, clock_ms());
	rc = client_changes(kopano->client, stream->sync_id, from, sync_type(stream), wanted_changes(kopano), err);
	if (rc == 0)
		kopano->reading = stream;
	else
		settle_dropped(&stream->settle);
	return rc;
}

int stream_ask(struct kopano *kopano, struct stream *stream, struct err *err)
{
	stream->poll_at_ms = clock_ms() + kopano->config->poll_ms;
	int rc = ask(kopano, stream, err);
	return rc ? stream_refused(kopano, stream, rc, err) : 0;
}
