#include "bridge/kopano/texts.h"

#include <stdlib.h>

#include "core/arena.h"

/* A number is a place in `bytes`, where there are two sizes and the two texts. A size is a byte, or LONG and four. */

enum { LONG = 255, MAX_SIZES = 10 };

struct pair {
	struct slice first, second;
};

static uint8_t *write_size(uint8_t *at, size_t size)
{
	uint32_t number = (uint32_t)size;
	*at++ = size < LONG ? (uint8_t)size : LONG;
	if (size < LONG)
		return at;
	memcpy(at, &number, sizeof number);
	return at + sizeof number;
}

static const uint8_t *read_size(const uint8_t *at, size_t *size)
{
	uint32_t number;
	*size = *at++;
	if (*size < LONG)
		return at;
	memcpy(&number, at, sizeof number);
	*size = number;
	return at + sizeof number;
}

static struct pair pair_at(const struct texts *texts, uint32_t number)
{
	size_t first, second;
	const uint8_t *at = read_size(texts->bytes + number, &first);
	at = read_size(at, &second);
	return (struct pair){slice_of(at, first), slice_of(at + first, second)};
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
	texts->room = (texts->n_bytes + n) / 8 * 9 + 1024;
	texts->bytes = xrealloc(texts->bytes, texts->room);
}

static uint8_t *write_text(uint8_t *at, struct slice text)
{
	if (text.size)
		memcpy(at, text.data, text.size);
	return at + text.size;
}

static uint32_t append(struct texts *texts, const struct pair *pair)
{
	make_room(texts, MAX_SIZES + pair->first.size + pair->second.size);
	uint32_t number = (uint32_t)texts->n_bytes;
	uint8_t *at = write_size(texts->bytes + number, pair->first.size);
	at = write_size(at, pair->second.size);
	at = write_text(write_text(at, pair->first), pair->second);
	texts->n_bytes = (size_t)(at - texts->bytes);
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
