#include "bridge/kopano/describe.h"

#include <stdio.h>

#include "bridge/kopano/book_state.h"
#include "bridge/kopano/map_state.h"
#include "bridge/kopano/position.h"
#include "core/hex.h"

static bool begins(struct slice key, const char *prefix, struct slice *rest)
{
	size_t n = strlen(prefix);
	if (key.size < n || memcmp(key.data, prefix, n) != 0)
		return false;
	*rest = slice_of(key.data + n, key.size - n);
	return true;
}

/* "\"Inbox\" of user1, ": the folder of a stream "...<store>/<folder>", as the state knows it; else "". */
static const char *stream_folder(struct state *state, struct slice stream, struct arena *arena)
{
	const uint8_t *slash = stream.size ? memrchr(stream.data, '/', stream.size) : NULL;
	if (!slash)
		return "";
	size_t n = (size_t)(stream.data + stream.size - (slash + 1));
	const char *name = map_describe_name(state, slice_of(slash + 1, n), arena);
	return name ? arena_text(arena, "%s, ", name) : "";
}

static const char *describe_stream(struct state *state, struct slice stream, struct slice value, struct arena *arena)
{
	struct stream_position position;
	if (!position_read(value, &position))
		return NULL;
	return arena_text(arena, "%ssync id %u, change id %u", stream_folder(state, stream, arena), position.sync_id,
			  position.change_id);
}

static uint32_t id_at(struct slice ids, size_t i)
{
	const uint8_t *b = ids.data + 4 * i;
	return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static const char *describe_taken(struct slice value, struct arena *arena)
{
	size_t n = value.size / 4;
	if (n == 0 || value.size % 4)
		return NULL;
	return arena_text(arena, "%zu change ids published, from %u to %u", n, id_at(value, 0), id_at(value, n - 1));
}

static const char *describe_snapshot(struct state *state, struct slice stream, struct slice value, struct arena *arena)
{
	struct snapshot_position position;
	if (!snapshot_read(value, &position))
		return NULL;
	const char *items = position.listing == LISTING_NORMAL ? "normal" : "associated";
	const char *at = position.item_number == UINT32_MAX
				 ? "none is listed yet"
				 : arena_text(arena, "listed down to item number %u", position.item_number);
	return arena_text(arena, "%s%s items, %s, snapshot %s", stream_folder(state, stream, arena), items, at,
			  hex_text(arena, slice_of(position.id, SNAPSHOT_ID_SIZE)));
}

static const char *describe_ends(struct slice value, struct arena *arena)
{
	struct ends ends;
	if (!ends_read(value, &ends))
		return NULL;
	return arena_text(arena, "server %s, epoch %u, %s, listing %u%s",
			  hex_text(arena, slice_of(ends.server.guid, GUID_SIZE)), ends.server.epoch,
			  ends.following == FOLLOWING_SERVER ? "streams of the server" : "a stream per folder",
			  ends.generation, ends.resync ? ", being told anew after a restore" : "");
}

static const char *describe_book(struct slice value, struct arena *arena)
{
	static const char *const listing[] = {"", ", new users and groups are being announced",
					      ", all users and groups are being announced"};
	struct book_position position;
	if (!book_position_read(value, &position))
		return NULL;
	return arena_text(arena, "change id %u of the address book, epoch %u%s", position.change_id, position.epoch,
			  listing[position.listing]);
}

static const char *describe_book_entry(struct slice value, struct arena *arena)
{
	struct book_entry entry;
	return book_entry_read(value, &entry)
		       ? arena_text(arena, "a user or group, announced since listing %u", entry.listing_no)
		       : NULL;
}

const char *kopano_describe(struct state *state, struct slice key, struct slice value, struct arena *arena)
{
	struct slice rest;
	if (begins(key, POSITION_SNAPSHOT, &rest))
		return describe_snapshot(state, rest, value, arena);
	if (slice_equal(key, slice_of_text(BOOK_POSITION)))
		return describe_book(value, arena);
	if (begins(key, BOOK_ENTRY, &rest))
		return describe_book_entry(value, arena);
	if (begins(key, POSITION_STREAM, &rest))
		return describe_stream(state, rest, value, arena);
	if (begins(key, TAKEN_STREAM, &rest))
		return describe_taken(value, arena);
	if (begins(key, KEPT_STREAM, &rest))
		return describe_stream(state, rest, value, arena);
	if (slice_equal(key, slice_of_text(ENTRY_ENDS)))
		return describe_ends(value, arena);
	return map_describe(state, key, value, arena);
}
