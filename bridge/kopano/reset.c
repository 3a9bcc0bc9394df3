#include "bridge/kopano/reset.h"

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
	struct slice value;
	struct folder_entry entry;
	int rc = state->ops->get(state, slice_of_text(key), arena, &value, err);
	if (rc)
		return rc == ERR_GONE ? 0 : rc;
	if (!folder_entry_read(value, arena, &entry))
		return err_usage(
			err, "state: the entry \"%s\" is not of this version; was it written by a newer tidings?", key);
	entry.listed &= ENTRY_ENDED;
	put_list_add(puts, arena, slice_of_text(key), folder_entry_write(arena, &entry));
	return 0;
}

int kopano_reset(struct state *state, const char *stream, struct put_list *puts, struct arena *arena, struct err *err)
{
	const char *folder = folder_of(stream);
	if (!folder)
		return 0;
	const char *snapshot = arena_text(arena, POSITION_SNAPSHOT "%s", stream + 9);
	put_list_remove(puts, arena, slice_of_text(snapshot));
	return put_unlisted(state, arena_text(arena, ENTRY_FOLDER_KEY "%s", folder), puts, arena, err);
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
