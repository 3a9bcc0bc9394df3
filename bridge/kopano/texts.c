#include "bridge/kopano/texts.h"

#include <stdlib.h>

#include "core/arena.h"

/* A number is a place in `bytes`, where there are two sizes (u32 each) and the two texts. */

enum { SIZES = 2 * sizeof(uint32_t) };

struct pair {
	struct slice first, second;
};

static struct pair pair_at(const struct texts *texts, uint32_t number)
{
	uint32_t sizes[2];
	const uint8_t *at = texts->bytes + number;
	memcpy(sizes, at, SIZES);
	return (struct pair){slice_of(at + SIZES, sizes[0]), slice_of(at + SIZES + sizes[0], sizes[1])};
}

static uint32_t hash_pair(const struct pair *pair)
{
	return index_hash(pair->first) * 31 + index_hash(pair->second);
}

static uint32_t hash_number(const void *context, uint32_t number)
{
	struct pair pair = pair_at(context, number);
	return hash_pair(&pair);
}

static bool is_pair(const void *context, uint32_t number, const void *key)
{
	const struct pair *wanted = key;
	struct pair pair = pair_at(context, number);
	return slice_equal(pair.first, wanted->first) && slice_equal(pair.second, wanted->second);
}

static void make_room(struct texts *texts, size_t n)
{
	if (texts->n_bytes + n <= texts->room)
		return;
	texts->room = (texts->n_bytes + n) * 5 / 4 + 1024;
	texts->bytes = xrealloc(texts->bytes, texts->room);
}

static uint32_t append(struct texts *texts, const struct pair *pair)
{
	uint32_t number = (uint32_t)texts->n_bytes;
	uint32_t sizes[2] = {(uint32_t)pair->first.size, (uint32_t)pair->second.size};
	make_room(texts, SIZES + pair->first.size + pair->second.size);
	uint8_t *at = texts->bytes + number;
	memcpy(at, sizes, SIZES);
	if (sizes[0])
		memcpy(at + SIZES, pair->first.data, sizes[0]);
	if (sizes[1])
		memcpy(at + SIZES + sizes[0], pair->second.data, sizes[1]);
	texts->n_bytes += SIZES + sizes[0] + sizes[1];
	return number;
}

uint32_t texts_put(struct texts *texts, struct slice first, struct slice second)
{
	struct pair pair = {first, second};
	uint32_t hash = hash_pair(&pair);
	uint32_t number = index_find(&texts->index, hash, &pair, is_pair, texts);
	if (number != INDEX_NONE)
		return number;
	number = append(texts, &pair);
	index_add(&texts->index, hash, number, hash_number, texts);
	return number;
}

struct slice texts_first(const struct texts *texts, uint32_t number)
{
	return pair_at(texts, number).first;
}

struct slice texts_second(const struct texts *texts, uint32_t number)
{
	return pair_at(texts, number).second;
}

void texts_free(struct texts *texts)
{
	free(texts->bytes);
	index_free(&texts->index);
	*texts = (struct texts){0};
}
