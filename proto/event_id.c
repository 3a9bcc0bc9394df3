#define XXH_INLINE_ALL /* its state then lives on the stack */
#include <xxhash.h>

#include "proto/event_id.h"

#include <endian.h>
#include <stdlib.h>
#include <sys/random.h>

enum { RANDOM_BUFFER = 16 * EVENT_ID_SIZE }; /* getrandom gives up to 256 bytes whole or fails */

static const uint8_t no_snapshot[SNAPSHOT_ID_SIZE];

static void hash_field(XXH3_state_t *state, const void *data, size_t size)
{
	uint32_t length = htole32((uint32_t)size);

	XXH3_128bits_update(state, &length, sizeof length);
	if (size)
		XXH3_128bits_update(state, data, size);
}

static void hash_slice(XXH3_state_t *state, struct slice slice)
{
	hash_field(state, slice.data, slice.size);
}

static void hash_u64(XXH3_state_t *state, uint64_t number)
{
	number = htole64(number);
	hash_field(state, &number, sizeof number);
}

static void hash_byte(XXH3_state_t *state, uint8_t byte)
{
	hash_field(state, &byte, sizeof byte);
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

static void hash_listed(XXH3_state_t *state, const struct change *change)
{
	hash_field(state, change->snapshot_id, SNAPSHOT_ID_SIZE);
	hash_byte(state, (uint8_t)change->kind);
	hash_slice(state, is_bracket(change) ? change->parent_source_key : change->source_key);
}

static void hash_journalled(XXH3_state_t *state, const struct change *change)
{
	hash_slice(state, change->parent_source_key);
	hash_slice(state, change->source_key);
	hash_byte(state, class_of(change->kind));
	hash_u64(state, change->change_id);
}

static void hash_change(const struct change *change, uint8_t id[EVENT_ID_SIZE])
{
	XXH3_state_t state;
	XXH128_canonical_t canonical;

	XXH3_128bits_reset(&state);
	hash_field(&state, change->server->guid, GUID_SIZE);
	hash_u64(&state, change->server->epoch);
	if (in_snapshot(change))
		hash_listed(&state, change);
	else
		hash_journalled(&state, change);
	XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state));
	memcpy(id, canonical.digest, EVENT_ID_SIZE);
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
