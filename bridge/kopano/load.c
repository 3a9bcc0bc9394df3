#include "bridge/kopano/kopano.h"
#include "bridge/kopano/reset.h"
#include "core/hex.h"

/* ---- entries ---- */

int load_damaged(struct err *err, const char *key)
{
	return err_usage(err, "state: the entry \"%s\" is not of this version; was it written by a newer tidings?",
			 key);
}

int load_ends(struct kopano *kopano, struct state *state, struct err *err)
{
	struct arena arena = {0};
	struct slice bytes;
	struct ends ends;
	kopano->first_epoch = kopano_first_epoch(state);
	int rc = state->ops->get(state, slice_of_text(ENTRY_ENDS), &arena, &bytes, err);
	bool readable = rc == 0 && ends_read(bytes, &ends);
	arena_free(&arena);
	if (rc)
		return rc == ERR_GONE ? 0 : rc;
	if (!readable)
		return load_damaged(err, ENTRY_ENDS);
	kopano->server = ends.server;
	if (ends.mode == (uint8_t)kopano->config->follow->mode && ends.following == FOLLOWING_FOLDERS)
		return 0;
	return err_usage(err,
			 "state: it was made with another follow.mode; change it back, or begin anew with `tidings "
			 "state reset`");
}

int load_get(struct state *state, const char *key, struct arena *arena, struct slice *bytes, bool *found,
	     struct err *err)
{
	int rc = state->ops->get(state, slice_of_text(key), arena, bytes, err);
	*found = rc == 0;
	return rc == ERR_GONE ? 0 : rc;
}

struct loading {
	struct kopano *kopano;
	struct err *err;
};

static int load_entry(void *context, struct slice key, struct slice value)
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
	return load_damaged(loading->err, arena_text(&kopano->arena, "%.*s", (int)key.size, (const char *)key.data));
}

int load_known(struct kopano *kopano, struct state *state, struct err *err)
{
	struct loading loading = {kopano, err};
	return state->ops->each(state, slice_of_text(ENTRY_FOLDER_KEY), load_entry, &loading, err);
}

/* ---- streams and listings ---- */

static bool is_followed(const struct kopano *kopano, struct slice source_key)
{
	for (uint32_t i = 0; i < kopano->n_folders; i++)
		if (slice_equal(source_key, kopano->folders[i].info.source_key))
			return true;
	return false;
}

/* Folders of the state that the configuration does not name any more: they end for their consumers. */
static void end_leftovers(struct kopano *kopano)
{
	for (size_t i = 0; i < kopano->n_known; i++) {
		const struct folder_entry *entry = &kopano->known[i];
		if ((entry->listed & ENTRY_ENDED) || is_followed(kopano, entry->folder.source_key))
			continue;
		folder_add(kopano, &entry->store, &entry->folder);
		kopano->streams[kopano->n_streams - 1]->ending = true;
	}
}

static int load_listing(struct kopano *kopano, struct state *state, struct stream *stream, struct err *err)
{
	const struct folder *folder = &kopano->folders[stream->folder];
	const char *key = stream_key(&kopano->arena, POSITION_SNAPSHOT, &folder->store, folder->info.source_key);
	struct snapshot_position position;
	struct slice bytes;
	bool found;
	int rc = load_get(state, key, &kopano->arena, &bytes, &found, err);
	if (rc || !found)
		return rc;
	if (!snapshot_read(bytes, &position))
		return load_damaged(err, key);
	listing_add(kopano, stream, stream->folder, &position);
	return 0;
}

static int load_listed(struct kopano *kopano, struct state *state, struct folder *folder, struct err *err)
{
	struct slice bytes;
	struct folder_entry entry = {0};
	bool found;
	int rc = load_get(state, folder->entry_key, &kopano->arena, &bytes, &found, err);
	if (rc == 0 && found && !folder_entry_read(bytes, &kopano->arena, &entry))
		return load_damaged(err, folder->entry_key);
	/* One that had ended and is there again starts anew. */
	folder->listed = entry.listed & ENTRY_ENDED ? 0 : entry.listed;
	return rc;
}

int load_streams(struct kopano *kopano, struct state *state, struct err *err)
{
	int rc = 0;
	end_leftovers(kopano);
	for (size_t i = 0; rc == 0 && i < kopano->n_streams; i++) {
		struct stream *stream = kopano->streams[i];
		rc = stream_seek(kopano, state, stream, err);
		if (rc == 0)
			rc = load_listing(kopano, state, stream, err);
		if (rc == 0)
			rc = load_listed(kopano, state, &kopano->folders[stream->folder], err);
	}
	return rc;
}
