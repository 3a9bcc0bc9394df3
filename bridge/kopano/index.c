#include "bridge/kopano/index.h"

#include <stdlib.h>

#include "core/arena.h"

enum { FIRST_ROOM = 64 };

static uint8_t tag_of(uint32_t hash)
{
	return (uint8_t)(hash >> 24);
}

uint32_t index_hash(struct slice bytes)
{
	uint64_t h = UINT64_C(14695981039346656037);
	for (size_t i = 0; i < bytes.size; i++)
		h = (h ^ bytes.data[i]) * UINT64_C(1099511628211);
	return (uint32_t)(h ^ h >> 32);
}

uint32_t index_find(const struct index *index, uint32_t hash, const void *key, index_match_fn *match,
		    const void *context)
{
	if (!index->n)
		return INDEX_NONE;
	for (size_t i = hash & (index->room - 1); index->slots[i]; i = (i + 1) & (index->room - 1))
		if (index->tags[i] == tag_of(hash) && match(context, index->slots[i] - 1, key))
			return index->slots[i] - 1;
	return INDEX_NONE;
}

static void place(struct index *index, uint32_t hash, uint32_t slot)
{
	size_t i = hash & (index->room - 1);
	while (index->slots[i])
		i = (i + 1) & (index->room - 1);
	index->slots[i] = slot;
	index->tags[i] = tag_of(hash);
}

static void grow(struct index *index, index_hash_fn *hash_of, const void *context)
{
	struct index old = *index;
	index->room = old.room ? old.room * 2 : FIRST_ROOM;
	index->slots = xcalloc(index->room, sizeof *index->slots);
	index->tags = xcalloc(index->room, sizeof *index->tags);
	for (size_t i = 0; i < old.room; i++)
		if (old.slots[i])
			place(index, hash_of(context, old.slots[i] - 1), old.slots[i]);
	free(old.slots);
	free(old.tags);
}

void index_add(struct index *index, uint32_t hash, uint32_t number, index_hash_fn *hash_of, const void *context)
{
	if (8 * (index->n + 1) > 7 * index->room)
		grow(index, hash_of, context);
	place(index, hash, number + 1);
	index->n++;
}

/* Whatever stands behind the gap in the same run and would not be found any more is moved into it. */
static void close_gap(struct index *index, size_t gap, index_hash_fn *hash_of, const void *context)
{
	size_t mask = index->room - 1;
	for (size_t i = (gap + 1) & mask; index->slots[i]; i = (i + 1) & mask) {
		size_t home = hash_of(context, index->slots[i] - 1) & mask;
		if (((i - home) & mask) < ((i - gap) & mask))
			continue;
		index->slots[gap] = index->slots[i];
		index->tags[gap] = index->tags[i];
		gap = i;
	}
	index->slots[gap] = 0;
}

void index_remove(struct index *index, uint32_t hash, uint32_t number, index_hash_fn *hash_of, const void *context)
{
	size_t i = hash & (index->room - 1);
	while (index->slots[i] != number + 1)
		i = (i + 1) & (index->room - 1);
	close_gap(index, i, hash_of, context);
	index->n--;
}

void index_free(struct index *index)
{
	free(index->slots);
	free(index->tags);
	*index = (struct index){0};
}
