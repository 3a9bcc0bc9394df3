#include "bridge/zeromq/outbox.h"

#include <stdlib.h>

#include "core/router.h"
#include "proto/stream.h"

enum { FIRST_ROOM = 256 }; /* a power of two, as all that follow */

void outbox_init(struct outbox *outbox, size_t limit_bytes)
{
	*outbox = (struct outbox){.limit_bytes = limit_bytes, .room = FIRST_ROOM};
	outbox->entries = xcalloc(outbox->room, sizeof *outbox->entries);
}

void outbox_free(struct outbox *outbox)
{
	while (outbox->n)
		outbox_take(outbox);
	free(outbox->entries);
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

static struct slice encode(const struct record *record)
{
	const struct stream_record stream = {.topic = slice_of_text(topic_name(record->topic)),
					     .key = record->key,
					     .id = slice_of(record->id, EVENT_ID_SIZE),
					     .type = slice_of_text(record->type),
					     .value = record->value};
	size_t size = stream_record_bytes(&stream);
	uint8_t *bytes = xmalloc(size);
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
	*place(outbox, outbox->n++) = (struct outbox_entry){encode(record), charged_bytes, record->token};
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
	free((void *)entry->bytes.data);
	outbox->n_bytes -= entry->charged_bytes;
	outbox->first = (outbox->first + 1) & (outbox->room - 1);
	outbox->n--;
	outbox->acknowledged++;
	return entry->token;
}
