#include "bridge/kopano/position.h"

#include "bridge/kopano/bytes.h"
#include "core/hex.h"

enum { VERSION = 1 };

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

/* ---- entries ---- */

struct slice folder_entry_write(struct arena *arena, const struct folder_entry *entry)
{
	const struct store_info *store = &entry->store;
	const struct folder_info *folder = &entry->folder;
	const struct slice texts[] = {folder->entry_id, folder->path, folder->container_class, store->owner,
				      store->entry_id};
	size_t size = 3 + GUID_SIZE;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		size += 2 + texts[i].size;
	struct writer writer = new_writer(arena, size);
	put_number(&writer, VERSION, 1);
	put_number(&writer, entry->listed, 1);
	put_bytes(&writer, store->guid, GUID_SIZE);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		put_slice(&writer, texts[i]);
	put_number(&writer, store->type, 1);
	return written(&writer);
}

bool folder_entry_read(struct slice bytes, struct arena *arena, struct folder_entry *entry)
{
	struct reader reader = {.left = bytes};
	struct store_info *store = &entry->store;
	struct folder_info *folder = &entry->folder;
	uint32_t version = get_number(&reader, 1);
	entry->listed = (uint8_t)get_number(&reader, 1);
	get_fixed(&reader, store->guid, GUID_SIZE);
	struct slice *const texts[] = {&folder->entry_id, &folder->path, &folder->container_class, &store->owner,
				       &store->entry_id};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		*texts[i] = get_slice(&reader, arena);
	store->type = get_number(&reader, 1);
	return finished(&reader) && version == VERSION;
}

struct slice ends_write(struct arena *arena, const struct ends *ends)
{
	struct writer writer = new_writer(arena, 3 + GUID_SIZE + 4);
	put_number(&writer, VERSION, 1);
	put_bytes(&writer, ends->server.guid, GUID_SIZE);
	put_number(&writer, ends->server.epoch, 4);
	put_number(&writer, ends->mode, 1);
	put_number(&writer, ends->following, 1);
	return written(&writer);
}

bool ends_read(struct slice bytes, struct ends *ends)
{
	struct reader reader = {.left = bytes};
	uint32_t version = get_number(&reader, 1);
	get_fixed(&reader, ends->server.guid, GUID_SIZE);
	ends->server.epoch = get_number(&reader, 4);
	ends->mode = (uint8_t)get_number(&reader, 1);
	ends->following = (uint8_t)get_number(&reader, 1);
	return finished(&reader) && version == VERSION;
}

/* ---- keys ---- */

const char *stream_key(struct arena *arena, const char *kind, const struct store_info *store, struct slice folder_key)
{
	const char *guid = hex_text(arena, slice_of(store->guid, GUID_SIZE));
	return arena_text(arena, "%s%s/%s", kind, guid, hex_text(arena, folder_key));
}

const char *folder_entry_key(struct arena *arena, struct slice folder_key)
{
	return arena_text(arena, ENTRY_FOLDER_KEY "%s", hex_text(arena, folder_key));
}
