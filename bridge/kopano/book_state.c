#include "bridge/kopano/book_state.h"

#include "bridge/kopano/bytes.h"
#include "core/hex.h"

enum { VERSION = 1 };

struct slice book_position_write(struct arena *arena, const struct book_position *position)
{
	struct writer writer = new_writer(arena, 2 + 4 * 4 + SNAPSHOT_ID_SIZE);
	put_number(&writer, VERSION, 1);
	put_number(&writer, position->epoch, 4);
	put_number(&writer, position->change_id, 4);
	put_number(&writer, position->objects, 4);
	put_number(&writer, position->listing_no, 4);
	put_number(&writer, position->listing, 1);
	put_bytes(&writer, position->snapshot_id, SNAPSHOT_ID_SIZE);
	return written(&writer);
}

bool book_position_read(struct slice bytes, struct book_position *position)
{
	struct reader reader = {.left = bytes};
	uint32_t version = get_number(&reader, 1);
	position->epoch = get_number(&reader, 4);
	position->change_id = get_number(&reader, 4);
	position->objects = get_number(&reader, 4);
	position->listing_no = get_number(&reader, 4);
	position->listing = get_number(&reader, 1);
	get_fixed(&reader, position->snapshot_id, SNAPSHOT_ID_SIZE);
	return finished(&reader) && version == VERSION && position->listing < N_BOOK_LISTINGS;
}

struct slice book_entry_write(struct arena *arena, const struct book_entry *entry)
{
	struct writer writer = new_writer(arena, 1 + 4);
	put_number(&writer, VERSION, 1);
	put_number(&writer, entry->listing_no, 4);
	return written(&writer);
}

bool book_entry_read(struct slice bytes, struct book_entry *entry)
{
	struct reader reader = {.left = bytes};
	uint32_t version = get_number(&reader, 1);
	entry->listing_no = get_number(&reader, 4);
	return finished(&reader) && version == VERSION && entry->listing_no > 0;
}

const char *book_entry_key(struct arena *arena, struct slice entry_id)
{
	return arena_text(arena, BOOK_ENTRY "%s", hex_text(arena, entry_id));
}

struct slice book_given_write(struct arena *arena, uint32_t change_id, struct slice processed)
{
	struct writer writer = new_writer(arena, 8 + processed.size);
	put_number(&writer, change_id, 4);
	put_number(&writer, (uint32_t)(processed.size / 4), 4);
	put_bytes(&writer, processed.data, processed.size);
	return written(&writer);
}

bool book_given_read(struct slice bytes, uint32_t *change_id, struct slice *processed)
{
	struct reader reader = {.left = bytes};
	*change_id = get_number(&reader, 4);
	uint32_t n = get_number(&reader, 4);
	*processed = reader.left;
	return !reader.short_of && reader.left.size == 4 * (size_t)n;
}
