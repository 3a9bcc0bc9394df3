#define XXH_INLINE_ALL
#include <xxhash.h>

#include "proto/event_id.h"

#include <endian.h>
#include <stdlib.h>
#include <sys/random.h>

#include "core/arena.h"

enum { RANDOM_BUFFER = 16 * EVENT_ID_SIZE };      /* getrandom gives up to 256 bytes whole or fails */
enum { PREIMAGE_BYTES = 256, FIXED_BYTES = 128 }; /* of both forms, without the keys: less than that */

static const uint8_t no_snapshot[SNAPSHOT_ID_SIZE];

/* What is hashed: written here, then hashed at once. */
struct preimage {
	uint8_t *bytes, *end;
	uint8_t room[PREIMAGE_BYTES];
};

static void put_field(struct preimage *preimage, const void *data, size_t size)
{
	uint32_t length = htole32((uint32_t)size);

	memcpy(preimage->end, &length, sizeof length);
	preimage->end += sizeof length;
	if (size)
		memcpy(preimage->end, data, size);
	preimage->end += size;
}

static void put_slice(struct preimage *preimage, struct slice slice)
{
	put_field(preimage, slice.data, slice.size);
}

static void put_u64(struct preimage *preimage, uint64_t number)
{
	number = htole64(number);
	put_field(preimage, &number, sizeof number);
}

static void put_byte(struct preimage *preimage, uint8_t byte)
{
	put_field(preimage, &byte, sizeof byte);
}

static uint8_t class_of(enum change_kind kind)
{
	enum { CONTENT = 1, READ, DELETE };

	if (kind == CHANGE_READ_STATE)
		return READ;
	return kind == CHANGE_DELETED ? DELETE : CONTENT;
}

static bool is_bracket(const struct change *change)
{
	return change->kind == CHANGE_SNAPSHOT_BEGIN || change->kind == CHANGE_SNAPSHOT_END;
}

static bool in_snapshot(const struct change *change)
{
	return memcmp(change->snapshot_id, no_snapshot, SNAPSHOT_ID_SIZE) != 0;
}

static void put_listed(struct preimage *preimage, const struct change *change)
{
	put_field(preimage, change->snapshot_id, SNAPSHOT_ID_SIZE);
	put_byte(preimage, (uint8_t)change->kind);
	put_slice(preimage, is_bracket(change) ? change->parent_source_key : change->source_key);
}

static void put_journalled(struct preimage *preimage, const struct change *change)
{
	put_slice(preimage, change->parent_source_key);
	put_slice(preimage, change->source_key);
	put_byte(preimage, class_of(change->kind));
	put_u64(preimage, change->change_id);
}

static void hash_change(const struct change *change, uint8_t id[EVENT_ID_SIZE])
{
	struct preimage preimage;
	XXH128_canonical_t canonical;
	size_t room = FIXED_BYTES + change->parent_source_key.size + change->source_key.size;

	preimage.bytes = preimage.end = room <= sizeof preimage.room ? preimage.room : xmalloc(room);
	put_field(&preimage, change->server->guid, GUID_SIZE);
	put_u64(&preimage, change->server->epoch);
	if (in_snapshot(change))
		put_listed(&preimage, change);
	else
		put_journalled(&preimage, change);
	XXH128_canonicalFromHash(&canonical, XXH3_128bits(preimage.bytes, (size_t)(preimage.end - preimage.bytes)));
	memcpy(id, canonical.digest, EVENT_ID_SIZE);
	if (preimage.bytes != preimage.room)
		free(preimage.bytes);
}

void event_id(const struct change *change, uint8_t id[EVENT_ID_SIZE])
{
	bool repeatable = in_snapshot(change) || change->change_id != 0;

	if (change->origin == ORIGIN_NOTIFICATION || !repeatable)
		event_id_random(id);
	else
		hash_change(change, id);
}

void event_id_random(uint8_t id[EVENT_ID_SIZE])
{
	static _Thread_local uint8_t buffer[RANDOM_BUFFER];
	static _Thread_local size_t left;

	if (left == 0) {
		if (getrandom(buffer, sizeof buffer, 0) != sizeof buffer)
			abort();
		left = sizeof buffer;
	}
	left -= EVENT_ID_SIZE;
	memcpy(id, buffer + left, EVENT_ID_SIZE);
}
