#include "bridge/kopano/kopano.h"
#include "bridge/kopano/reset.h"
#include "core/hex.h"

/* ---- entries ---- */

int load_damaged(struct err *err, const char *key)
{
	return err_usage(err, "state: the entry \"%s\" is not of this version; was it written by a newer tidings?",
			 key);
}

int load_get(struct state *state, const char *key, struct arena *arena, struct slice *bytes, bool *found,
	     struct err *err)
{
	int rc = state->ops->get(state, slice_of_text(key), arena, bytes, err);
	*found = rc == 0;
	return rc == ERR_GONE ? 0 : rc;
}

/* ---- what it belongs to ---- */

static int take_ends(struct kopano *kopano, const struct ends *ends, struct err *err)
{
	kopano->server = ends->server;
	kopano->following = ends->following;
	kopano->start_max = ends->start_max;
	kopano->generation = ends->generation;
	kopano->resync = ends->resync;
	kopano->has_ends = true;
	if (ends->mode == (uint8_t)kopano->config->follow->mode)
		return 0;
	return err_usage(err,
			 "state: it was made with another follow.mode; change it back, or begin anew with `tidings "
			 "state reset`");
}

int load_ends(struct kopano *kopano, struct state *state, struct err *err)
{
	struct slice bytes;
	struct ends ends;
	bool found;
	kopano->first_epoch = kopano_first_epoch(state);
	kopano->generation = 1;
	int rc = load_get(state, ENTRY_ENDS, &kopano->arena, &bytes, &found, err);
	if (rc || !found)
		return rc;
	return ends_read(bytes, &ends) ? take_ends(kopano, &ends, err) : load_damaged(err, ENTRY_ENDS);
}

void put_ends(struct kopano *kopano, struct batch *batch)
{
	struct ends ends = {.server = kopano->server,
			    .mode = (uint8_t)kopano->config->follow->mode,
			    .following = kopano->following,
			    .start_max = kopano->start_max,
			    .generation = kopano->generation,
			    .resync = kopano->resync};
	kopano->has_ends = true;
	batch_put(batch, slice_of_text(ENTRY_ENDS), ends_write(&batch->arena, &ends));
}

/* ---- streams ---- */

static int load_stream(struct kopano *kopano, struct state *state, enum stream_kind kind, uint32_t folder,
		       struct err *err)
{
	return stream_seek(kopano, state, stream_add(kopano, kind, folder), err);
}

static int load_server(struct kopano *kopano, struct state *state, struct err *err)
{
	int rc = load_stream(kopano, state, STREAM_SERVER, NO_FOLDER, err);
	kopano->server_stream = kopano->streams[0];
	if (rc == 0)
		rc = load_stream(kopano, state, STREAM_FOLDERS, NO_FOLDER, err);
	kopano->folders_stream = kopano->streams[kopano->n_streams - 1];
	return rc;
}

static int load_hierarchies(struct kopano *kopano, struct state *state, struct err *err)
{
	const struct map *map = &kopano->map;
	int rc = 0;
	for (uint32_t s = map_next_store(map, MAP_NONE); rc == 0 && s != MAP_NONE; s = map_next_store(map, s)) {
		uint32_t folder = follow_top(kopano, s);
		if (map_store(map, s)->flags & STORE_FOLLOWED && folder != MAP_NONE)
			rc = load_stream(kopano, state, STREAM_HIERARCHY, folder, err);
		/* One that has none is begun when its folders are read. */
		if (rc == 0 && kopano->n_streams && !kopano->streams[kopano->n_streams - 1]->started)
			kopano->streams[kopano->n_streams - 1]->ended = true;
	}
	return rc;
}

static bool has_items(const struct map_folder *folder)
{
	return (folder->flags & (FOLDER_FOLLOWED | FOLDER_ENDED)) == FOLDER_FOLLOWED;
}

static int load_contents(struct kopano *kopano, struct state *state, struct err *err)
{
	int rc = 0;
	for (uint32_t f = 0; rc == 0 && f < kopano->map.folders_used; f++)
		if (has_items(map_folder(&kopano->map, f)))
			rc = load_stream(kopano, state, STREAM_CONTENTS, f, err);
	return rc;
}

/* ---- listings ---- */

struct loading {
	struct kopano *kopano;
	struct err *err;
};

/* "position/snapshot/<store>/<folder>": the folder; MAP_NONE: it is not known any more. */
static uint32_t folder_of(struct kopano *kopano, struct slice key)
{
	const uint8_t *slash = memrchr(key.data, '/', key.size);
	size_t n = (size_t)(key.data + key.size - (slash + 1));
	struct slice source_key;
	if (!hex_read((const char *)slash + 1, n, &kopano->arena, &source_key))
		return MAP_NONE;
	return map_find(&kopano->map, source_key);
}

static int load_listing(void *context, struct slice key, struct slice value)
{
	struct loading *loading = context;
	struct kopano *kopano = loading->kopano;
	struct snapshot_position position;
	uint32_t folder = folder_of(kopano, key);
	if (!snapshot_read(value, &position))
		return load_damaged(loading->err, arena_text(&kopano->arena, "%.*s", (int)key.size, (char *)key.data));
	if (folder != MAP_NONE)
		listing_add(kopano, folder, &position);
	return 0;
}

int load_streams(struct kopano *kopano, struct state *state, struct err *err)
{
	struct loading loading = {kopano, err};
	bool is_server = kopano->following == FOLLOWING_SERVER;
	int rc = is_server ? load_server(kopano, state, err) : load_contents(kopano, state, err);
	if (rc == 0 && !is_server && kopano->config->follow->once != ONCE_FOLDER)
		rc = load_hierarchies(kopano, state, err);
	if (rc == 0)
		rc = state->ops->each(state, slice_of_text(POSITION_SNAPSHOT), load_listing, &loading, err);
	if (kopano->has_ends && kopano->config->follow->once != ONCE_FOLDER)
		listing_rest(kopano);
	listing_look_again(kopano);
	return rc;
}
