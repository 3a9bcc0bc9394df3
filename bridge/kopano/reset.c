#include "bridge/kopano/reset.h"

#include "bridge/kopano/map_state.h"
#include "bridge/kopano/position.h"

/* "contents/<store>/<folder>" or "snapshot/...": the folder's key, or NULL. */
static const char *folder_of(const char *stream)
{
	bool of_a_folder = strncmp(stream, "contents/", 9) == 0 || strncmp(stream, "snapshot/", 9) == 0;
	const char *slash = of_a_folder ? strrchr(stream + 9, '/') : NULL;
	return slash ? slash + 1 : NULL;
}

static int put_unlisted(struct state *state, const char *key, struct put_list *puts, struct arena *arena,
			struct err *err)
{
	struct slice value, unlisted;
	int rc = state->ops->get(state, slice_of_text(key), arena, &value, err);
	if (rc)
		return rc == ERR_GONE ? 0 : rc;
	if (!map_entry_unlist(value, arena, &unlisted))
		return err_usage(
			err, "state: the entry \"%s\" is not of this version; was it written by a newer tidings?", key);
	put_list_add(puts, arena, slice_of_text(key), unlisted);
	return 0;
}

/* The streams of the whole server: what changes until they begin again is found by listing everything anew. */
static int put_resync(struct state *state, struct put_list *puts, struct arena *arena, struct err *err)
{
	struct slice value;
	struct ends ends;
	int rc = state->ops->get(state, slice_of_text(ENTRY_ENDS), arena, &value, err);
	if (rc || !ends_read(value, &ends))
		return rc == ERR_GONE ? 0 : rc;
	ends.generation++;
	ends.resync = true;
	put_list_add(puts, arena, slice_of_text(ENTRY_ENDS), ends_write(arena, &ends));
	return 0;
}

int kopano_reset(struct state *state, const char *stream, struct put_list *puts, struct arena *arena, struct err *err)
{
	const char *folder = folder_of(stream);
	if (strcmp(stream, "server") == 0 || strcmp(stream, "folders") == 0)
		return put_resync(state, puts, arena, err);
	if (!folder)
		return 0;
	const char *snapshot = arena_text(arena, POSITION_SNAPSHOT "%s", stream + 9);
	put_list_remove(puts, arena, slice_of_text(snapshot));
	return put_unlisted(state, arena_text(arena, STATE_FOLDER "%s", folder), puts, arena, err);
}

uint32_t kopano_epoch(struct state *state)
{
	struct arena arena = {0};
	struct slice value;
	struct ends ends;
	struct err err;
	bool known =
		state->ops->get(state, slice_of_text(ENTRY_ENDS), &arena, &value, &err) == 0 && ends_read(value, &ends);
	arena_free(&arena);
	return known ? ends.server.epoch : 0;
}

uint32_t kopano_first_epoch(struct state *state)
{
	struct arena arena = {0};
	struct slice value;
	struct err err;
	uint32_t epoch = 1;
	if (state->ops->get(state, slice_of_text(STATE_EPOCH), &arena, &value, &err) == 0 && value.size == 4)
		epoch = value.data[0] | (uint32_t)value.data[1] << 8 | (uint32_t)value.data[2] << 16 |
			(uint32_t)value.data[3] << 24;
	arena_free(&arena);
	return epoch ? epoch : 1;
}
