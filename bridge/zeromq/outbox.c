#include "bridge/zeromq/outbox.h"

#include <stdlib.h>

#include "core/router.h"
#include "proto/stream.h"

enum { FIRST_ROOM = 256 }; /* a power of two, as all that follow */
enum { BLOCK_BYTES = 64 << 10 };

struct outbox_block {
	struct outbox_block *newer;
	uint64_t last; /* sequence in it */
	size_t used, size;
	uint8_t bytes[];
};

void outbox_init(struct outbox *outbox, size_t limit_bytes)
{
	*outbox = (struct outbox){.limit_bytes = limit_bytes, .room = FIRST_ROOM};
	outbox->entries = xcalloc(outbox->room, sizeof *outbox->entries);
}

void outbox_free(struct outbox *outbox)
{
	for (struct outbox_block *block = outbox->oldest, *newer; block; block = newer) {
		newer = block->newer;
		free(block);
	}
	free(outbox->spare);
	free(outbox->entries);
	outbox->oldest = outbox->newest = outbox->spare = NULL;
	outbox->entries = NULL;
}

size_t outbox_longest(const struct outbox *outbox, struct slice key)
{
	size_t taken = key.size + OUTBOX_RECORD_BYTES;
	return outbox->limit_bytes > taken ? outbox->limit_bytes - taken : 0;
}

static struct outbox_entry *place(const struct outbox *outbox, size_t nth)
{
	return &outbox->entries[(outbox->first + nth) & (outbox->room - 1)];
}

static void grow(struct outbox *outbox)
{
	struct outbox_entry *entries = xcalloc(2 * outbox->room, sizeof *entries);
	for (size_t i = 0; i < outbox->n; i++)
		entries[i] = *place(outbox, i);
	free(outbox->entries);
	outbox->entries = entries;
	outbox->first = 0;
	outbox->room *= 2;
}

/* ---- blocks ---- */

/* One is kept: where records come and go, a block goes as another comes. */
static void free_block(struct outbox *outbox, struct outbox_block *block)
{
	bool is_usual = block->size == BLOCK_BYTES;
	free(is_usual ? outbox->spare : block);
	if (is_usual)
		outbox->spare = block;
}

static struct outbox_block *make_block(struct outbox *outbox, size_t n_bytes)
{
	struct outbox_block *block = outbox->spare;
	size_t size = n_bytes > BLOCK_BYTES ? n_bytes : BLOCK_BYTES;
	if (block && size == BLOCK_BYTES)
		outbox->spare = NULL;
	else
		block = xmalloc(sizeof *block + size);
	*block = (struct outbox_block){.size = size};
	return block;
}

static void add_block(struct outbox *outbox, size_t n_bytes)
{
	struct outbox_block *block = make_block(outbox, n_bytes);
	if (outbox->newest)
		outbox->newest->newer = block;
	else
		outbox->oldest = block;
	outbox->newest = block;
}

/* For the next record. */
static uint8_t *room_for(struct outbox *outbox, size_t n_bytes)
{
	if (!outbox->newest || outbox->newest->size - outbox->newest->used < n_bytes)
		add_block(outbox, n_bytes);
	struct outbox_block *block = outbox->newest;
	uint8_t *room = block->bytes + block->used;
	block->used += n_bytes;
	block->last = outbox_last(outbox) + 1;
	return room;
}

static void free_acknowledged(struct outbox *outbox)
{
	struct outbox_block *block = outbox->oldest;
	if (block->last > outbox->acknowledged)
		return;
	outbox->oldest = block->newer;
	if (!outbox->oldest)
		outbox->newest = NULL;
	free_block(outbox, block);
}

/* ---- records ---- */

static struct slice encode(struct outbox *outbox, const struct record *record)
{
	const struct stream_record stream = {.topic = slice_of_text(topic_name(record->topic)),
					     .key = record->key,
					     .id = slice_of(record->id, EVENT_ID_SIZE),
					     .type = slice_of_text(record->type),
					     .value = record->value};
	size_t size = stream_record_bytes(&stream);
	uint8_t *bytes = room_for(outbox, size);
	stream_write_record(&stream, bytes);
	return slice_of(bytes, size);
}

bool outbox_add(struct outbox *outbox, const struct record *record)
{
	size_t charged_bytes = record->key.size + record->value.size + OUTBOX_RECORD_BYTES;
	if (outbox->n_bytes + charged_bytes > outbox->limit_bytes)
		return false;
	if (outbox->n == outbox->room)
		grow(outbox);
	*place(outbox, outbox->n) = (struct outbox_entry){encode(outbox, record), charged_bytes, record->token};
	outbox->n++;
	outbox->n_bytes += charged_bytes;
	return true;
}

const struct outbox_entry *outbox_at(const struct outbox *outbox, uint64_t sequence)
{
	return place(outbox, (size_t)(sequence - outbox->acknowledged - 1));
}

void *outbox_take(struct outbox *outbox)
{
	struct outbox_entry *entry = place(outbox, 0);
	outbox->n_bytes -= entry->charged_bytes;
	outbox->first = (outbox->first + 1) & (outbox->room - 1);
	outbox->n--;
	outbox->acknowledged++;
	free_acknowledged(outbox);
	return entry->token;
}
