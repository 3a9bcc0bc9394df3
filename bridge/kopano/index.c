#include "bridge/kopano/index.h"

#include <stdlib.h>

#include "core/arena.h"

enum { FIRST_ROOM = 64, FREE = 0 };

/* Not FREE. */
static uint8_t tag_of(uint32_t hash)
{
	uint8_t tag = (uint8_t)(hash >> 24);
	return tag == FREE ? 1 : tag;
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
	uint8_t tag = tag_of(hash);
	if (!index->n)
		return INDEX_NONE;
	for (size_t i = hash & (index->room - 1); index->tags[i] != FREE; i = (i + 1) & (index->room - 1))
		if (index->tags[i] == tag && match(context, index->numbers[i], key))
			return index->numbers[i];
	return INDEX_NONE;
}

static void place(struct index *index, uint32_t hash, uint32_t number)
{
	size_t i = hash & (index->room - 1);
	while (index->tags[i] != FREE)
		i = (i + 1) & (index->room - 1);
	index->numbers[i] = number;
	index->tags[i] = tag_of(hash);
}

static void grow(struct index *index, index_hash_fn *hash_of, const void *context)
{
	struct index old = *index;
	index->room = old.room ? old.room * 2 : FIRST_ROOM;
	index->numbers = xmalloc(index->room * sizeof *index->numbers);
	index->tags = xcalloc(index->room, sizeof *index->tags);
	for (size_t i = 0; i < old.room; i++)
		if (old.tags[i] != FREE)
			place(index, hash_of(context, old.numbers[i]), old.numbers[i]);
	free(old.numbers);
	free(old.tags);
}

void index_add(struct index *index, uint32_t hash, uint32_t number, index_hash_fn *hash_of, const void *context)
{
	if (8 * (index->n + 1) > 7 * index->room)
		grow(index, hash_of, context);
	place(index, hash, number);
	index->n++;
}

/* Whatever stands behind the gap in the same run and would not be found any more is moved into it. */
static void close_gap(struct index *index, size_t gap, index_hash_fn *hash_of, const void *context)
{
	size_t mask = index->room - 1;
	for (size_t i = (gap + 1) & mask; index->tags[i] != FREE; i = (i + 1) & mask) {
		size_t home = hash_of(context, index->numbers[i]) & mask;
		if (((i - home) & mask) < ((i - gap) & mask))
			continue;
		index->numbers[gap] = index->numbers[i];
		index->tags[gap] = index->tags[i];
		gap = i;
	}
	index->tags[gap] = FREE;
}

void index_remove(struct index *index, uint32_t hash, uint32_t number, index_hash_fn *hash_of, const void *context)
{
	size_t i = hash & (index->room - 1);
	while (index->tags[i] == FREE || index->numbers[i] != number)
		i = (i + 1) & (index->room - 1);
	close_gap(index, i, hash_of, context);
	index->n--;
}

void index_free(struct index *index)
{
	free(index->numbers);
	free(index->tags);
	*index = (struct index){0};
}
