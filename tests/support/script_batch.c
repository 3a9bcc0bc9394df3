#include "tests/support/script_batch.h"

#include <stdio.h>

static const struct server_info server = {.guid = "server", .epoch = 1};
static const struct store_info store = {.guid = "store", .type = STORE_PRIVATE};
static const struct item no_content;

static struct slice text_slice(struct batch *batch, const char *text)
{
	return arena_copy(&batch->arena, slice_of_text(text));
}

struct batch *script_batch(const char *stream, uint64_t position)
{
	struct batch *batch = batch_new(stream);
	char key[64], value[24];
	snprintf(key, sizeof key, "position/%s", stream);
	snprintf(value, sizeof value, "%llu", (unsigned long long)position);
	batch_put(batch, slice_of_text(key), slice_of_text(value));
	return batch;
}

static struct change *add(struct batch *batch, enum change_kind kind, const char *folder)
{
	struct change *change = batch_change(batch);
	change->kind = kind;
	change->origin = ORIGIN_ICS;
	change->object_type = OBJECT_ITEM;
	change->server = &server;
	change->store = &store;
	change->parent_source_key = text_slice(batch, folder);
	batch->n_entries++;
	return change;
}

struct change *script_item(struct batch *batch, enum change_kind kind, const char *folder, const char *item,
			   uint64_t change_id)
{
	struct change *change = add(batch, kind, folder);
	change->source_key = text_slice(batch, item);
	change->change_id = change_id;
	if (change_is_upsert(change))
		change->item = &no_content;
	return change;
}

struct change *script_row(struct batch *batch, const char *folder, const char *item)
{
	struct change *change = script_item(batch, CHANGE_CREATED, folder, item, 0);
	change->origin = ORIGIN_SNAPSHOT;
	return change;
}

struct change *script_bracket(struct batch *batch, enum change_kind kind, const char *folder)
{
	struct change *change = add(batch, kind, folder);
	change->origin = ORIGIN_SNAPSHOT;
	return change;
}

void script_grow(struct batch *batch, struct change *change, size_t n_bytes)
{
	struct item *item = arena_zero(&batch->arena, sizeof *item);
	uint8_t *subject = arena_alloc(&batch->arena, n_bytes);
	memset(subject, 'x', n_bytes);
	item->subject = slice_of(subject, n_bytes);
	change->item = item;
}

static const char *text_of(const struct change *change, struct arena *arena)
{
	static const char *const kinds[] = {"?",     "CREATED", "UPDATED", "DELETED", "READ_STATE",
					    "BEGIN", "END",     "MOVED",   "COPIED"};
	return arena_text(arena, "%s %.*s/%.*s %llu", kinds[change->kind], (int)change->parent_source_key.size,
			  (const char *)change->parent_source_key.data, (int)change->source_key.size,
			  change->source_key.size ? (const char *)change->source_key.data : "",
			  (unsigned long long)change->change_id);
}

static struct slice encode_change(const struct change *change, struct arena *arena, uint8_t id[EVENT_ID_SIZE])
{
	const char *text = text_of(change, arena);
	memset(id, 0, EVENT_ID_SIZE);
	if (!change_is_upsert(change))
		return slice_of_text(text);
	if (!change->item)
		return slice_of_text(arena_text(arena, "%s keys", text));
	if (!change->item->subject.size)
		return slice_of_text(text);
	return slice_of_text(arena_text(arena, "%s %.*s", text, (int)change->item->subject.size,
					(const char *)change->item->subject.data));
}

static struct slice encode_letter(const struct change *change, const struct dead_letter *letter, struct arena *arena,
				  uint8_t id[EVENT_ID_SIZE])
{
	static const char *const causes[] = {"NONE", "TOO_LARGE", "REFUSED", "UNREADABLE", "UNKNOWN_FOLDER"};
	const char *text =
		arena_text(arena, "LETTER %s of %s for %s size %llu", causes[letter->cause], text_of(change, arena),
			   letter->topic, (unsigned long long)letter->value_size_bytes);
	memset(id, 0, EVENT_ID_SIZE);
	if (!letter->value.size)
		return slice_of_text(text);
	return slice_of_text(
		arena_text(arena, "%s with %.*s", text, (int)letter->value.size, (const char *)letter->value.data));
}

static struct slice encode_lifecycle(const struct lifecycle *event, struct arena *arena, uint8_t id[EVENT_ID_SIZE])
{
	memset(id, 0, EVENT_ID_SIZE);
	return slice_of_text(arena_text(arena, "LIFECYCLE %d", event->type));
}

const struct encoder script_encoder = {encode_change, encode_letter, encode_lifecycle};
