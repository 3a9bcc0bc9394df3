#include "bridge/kopano/bytes.h"

void put_bytes(struct writer *writer, const void *bytes, size_t n)
{
	if (n)
		memcpy(writer->at, bytes, n);
	writer->at += n;
}

void put_number(struct writer *writer, uint32_t number, int n_bytes)
{
	for (int i = 0; i < n_bytes; i++)
		*writer->at++ = (uint8_t)(number >> (8 * i));
}

void put_slice(struct writer *writer, struct slice slice)
{
	size_t n = slice.size < UINT16_MAX ? slice.size : UINT16_MAX;
	put_number(writer, (uint32_t)n, 2);
	put_bytes(writer, slice.data, n);
}

struct writer new_writer(struct arena *arena, size_t size)
{
	uint8_t *start = arena_alloc(arena, size);
	return (struct writer){.start = start, .at = start};
}

struct slice written(const struct writer *writer)
{
	return slice_of(writer->start, (size_t)(writer->at - writer->start));
}

const uint8_t *get_bytes(struct reader *reader, size_t n)
{
	if (reader->short_of || reader->left.size < n) {
		reader->short_of = true;
		return NULL;
	}
	const uint8_t *bytes = reader->left.data;
	reader->left = slice_of(bytes + n, reader->left.size - n);
	return bytes;
}

uint32_t get_number(struct reader *reader, int n_bytes)
{
	const uint8_t *bytes = get_bytes(reader, (size_t)n_bytes);
	uint32_t number = 0;
	for (int i = 0; bytes && i < n_bytes; i++)
		number |= (uint32_t)bytes[i] << (8 * i);
	return number;
}

void get_fixed(struct reader *reader, uint8_t *to, size_t n)
{
	const uint8_t *bytes = get_bytes(reader, n);
	if (bytes)
		memcpy(to, bytes, n);
}

struct slice get_slice(struct reader *reader, struct arena *arena)
{
	size_t n = get_number(reader, 2);
	const uint8_t *bytes = get_bytes(reader, n);
	return arena_copy(arena, slice_of(bytes, bytes ? n : 0));
}

bool finished(const struct reader *reader)
{
	return !reader->short_of && reader->left.size == 0;
}
