#include "bridge/kopano/processed.h"

#include <stdlib.h>

#include "bridge/kopano/bytes.h"
#include "bridge/kopano/position.h"

#define ENTRY_PROCESSED      "processed/"
#define ENTRY_PROCESSED_FROM "processed-from"

enum { MARGIN = 2000 }; /* ids that the position is below the highest one */

void processed_put(uint32_t id, struct slice source_key, struct batch *batch)
{
	batch_put(batch, slice_of_text(arena_text(&batch->arena, ENTRY_PROCESSED "%08x", id)), source_key);
}

void processed_put_from(uint32_t id, struct batch *batch)
{
	struct writer writer = new_writer(&batch->arena, 4);
	put_number(&writer, id, 4);
	batch_put(batch, slice_of_text(ENTRY_PROCESSED_FROM), written(&writer));
}

void processed_put_given(struct slice given, struct batch *batch)
{
	struct reader reader = {.left = given};
	get_number(&reader, 4);
	processed_put_from(get_number(&reader, 4), batch);
	size_t n = reader.left.size ? get_number(&reader, 4) : 0;
	for (size_t i = 0; i < n && !reader.short_of; i++) {
		uint32_t id = get_number(&reader, 4), size = get_number(&reader, 4);
		const uint8_t *key = get_bytes(&reader, size);
		if (key)
			processed_put(id, slice_of(key, size), batch);
	}
}

/* ---- the state ---- */

struct listing_of_processed {
	struct arena *arena;
	uint32_t from;
	uint32_t n;
	size_t n_bytes;
	struct writer *writer; /* NULL: they are only counted */
};

static uint32_t id_of(struct slice key)
{
	char text[9] = {0};
	memcpy(text, key.data + key.size - 8, 8);
	return (uint32_t)strtoul(text, NULL, 16);
}

static int list_one(void *context, struct slice key, struct slice value)
{
	struct listing_of_processed *listing = context;
	uint32_t id = id_of(key);
	if (id <= listing->from)
		return 0;
	listing->n++;
	listing->n_bytes += 8 + value.size;
	if (listing->writer) {
		put_number(listing->writer, id, 4);
		put_number(listing->writer, (uint32_t)value.size, 4);
		put_bytes(listing->writer, value.data, value.size);
	}
	return 0;
}

static uint32_t processed_from(struct state *state, struct arena *arena, uint32_t highest)
{
	struct slice bytes;
	struct err err;
	uint32_t from = highest > MARGIN ? highest - MARGIN : 1;
	if (state->ops->get(state, slice_of_text(ENTRY_PROCESSED_FROM), arena, &bytes, &err))
		return highest;
	struct reader reader = {.left = bytes};
	uint32_t known = get_number(&reader, 4);
	return known > from ? known : from;
}

int processed_state(struct state *state, struct arena *arena, struct slice *bytes, struct err *err)
{
	struct stream_position position;
	int rc = state->ops->get(state, slice_of_text(POSITION_STREAM "server"), arena, bytes, err);
	if (rc || !position_read(*bytes, &position))
		return err_fatal(err, "it was not read to its end; try again");
	struct listing_of_processed count = {.arena = arena, .from = processed_from(state, arena, position.change_id)};
	rc = state->ops->each(state, slice_of_text(ENTRY_PROCESSED), list_one, &count, err);
	struct writer writer = new_writer(arena, 12 + count.n_bytes);
	struct listing_of_processed list = {.arena = arena, .from = count.from, .writer = &writer};
	put_number(&writer, position.sync_id, 4);
	put_number(&writer, count.from, 4);
	if (count.n)
		put_number(&writer, count.n, 4);
	if (rc == 0)
		rc = state->ops->each(state, slice_of_text(ENTRY_PROCESSED), list_one, &list, err);
	*bytes = written(&writer);
	return rc;
}
