#include "bridge/kopano/position.h"

#include "bridge/kopano/bytes.h"
#include "core/hex.h"

enum { VERSION = 1, ENDS_VERSION = 2 };

/* ---- positions ---- */

struct slice position_write(struct arena *arena, const struct stream_position *position)
{
	struct writer writer = new_writer(arena, 8);
	put_number(&writer, position->sync_id, 4);
	put_number(&writer, position->change_id, 4);
	return written(&writer);
}

bool position_read(struct slice bytes, struct stream_position *position)
{
	struct reader reader = {.left = bytes};
	position->sync_id = get_number(&reader, 4);
	position->change_id = get_number(&reader, 4);
	return finished(&reader);
}

/* Of each processed entry the id is enough: no other has it. */
static struct slice get_processed(struct reader *reader, struct arena *arena)
{
	size_t n = get_number(reader, 4);
	reader->short_of |= n > reader->left.size / 8;
	struct writer writer = new_writer(arena, reader->short_of ? 0 : 4 * n);
	for (size_t i = 0; i < n && !reader->short_of; i++) {
		put_number(&writer, get_number(reader, 4), 4);
		get_bytes(reader, get_number(reader, 4));
	}
	return written(&writer);
}

bool given_read(struct slice bytes, struct arena *arena, struct stream_position *position, struct slice *processed)
{
	struct reader reader = {.left = bytes};
	position->sync_id = get_number(&reader, 4);
	position->change_id = get_number(&reader, 4);
	*processed = reader.left.size ? get_processed(&reader, arena) : slice_of(NULL, 0);
	return finished(&reader);
}

struct slice snapshot_write(struct arena *arena, const struct snapshot_position *position)
{
	struct writer writer = new_writer(arena, 2 + SNAPSHOT_ID_SIZE + 4);
	put_number(&writer, VERSION, 1);
	put_bytes(&writer, position->id, SNAPSHOT_ID_SIZE);
	put_number(&writer, position->listing, 1);
	put_number(&writer, position->item_number, 4);
	return written(&writer);
}

bool snapshot_read(struct slice bytes, struct snapshot_position *position)
{
	struct reader reader = {.left = bytes};
	uint32_t version = get_number(&reader, 1);
	get_fixed(&reader, position->id, SNAPSHOT_ID_SIZE);
	position->listing = get_number(&reader, 1);
	position->item_number = get_number(&reader, 4);
	return finished(&reader) && version == VERSION && position->listing < N_LISTINGS;
}

/* ---- ends ---- */

struct slice ends_write(struct arena *arena, const struct ends *ends)
{
	struct writer writer = new_writer(arena, 4 + GUID_SIZE + 12);
	put_number(&writer, ENDS_VERSION, 1);
	put_bytes(&writer, ends->server.guid, GUID_SIZE);
	put_number(&writer, ends->server.epoch, 4);
	put_number(&writer, ends->mode, 1);
	put_number(&writer, ends->following, 1);
	put_number(&writer, ends->start_max, 4);
	put_number(&writer, ends->generation, 4);
	put_number(&writer, ends->resync, 1);
	return written(&writer);
}

bool ends_read(struct slice bytes, struct ends *ends)
{
	struct reader reader = {.left = bytes};
	uint32_t version = get_number(&reader, 1);
	get_fixed(&reader, ends->server.guid, GUID_SIZE);
	ends->server.epoch = get_number(&reader, 4);
	ends->mode = (uint8_t)get_number(&reader, 1);
	ends->following = get_number(&reader, 1);
	ends->start_max = get_number(&reader, 4);
	ends->generation = get_number(&reader, 4);
	uint32_t resync = get_number(&reader, 1);
	ends->resync = resync;
	return finished(&reader) && version == ENDS_VERSION && ends->following <= FOLLOWING_SERVER && resync <= 1;
}

/* ---- keys ---- */

const char *stream_key(struct arena *arena, const char *kind, const uint8_t *store_guid, struct slice folder_key)
{
	const char *guid = hex_text(arena, slice_of(store_guid, GUID_SIZE));
	return arena_text(arena, "%s%s/%s", kind, guid, hex_text(arena, folder_key));
}
