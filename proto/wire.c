#include "proto/wire.h"

#include <stdlib.h>

#include "proto/utf8.h"

enum { NS_PER_SECOND = 1000000000, VARINT_BYTES = 10, HEADER_BYTES = 2 * VARINT_BYTES };
enum wire_type { VARINT = 0, LENGTH = 2 };

void wire_init(struct wire *wire)
{
	wire->begin = wire->room;
	wire->at = wire->end = wire->room + sizeof wire->room;
}

static size_t written(const struct wire *wire)
{
	return (size_t)(wire->end - wire->at);
}

static void release(struct wire *wire)
{
	if (wire->begin != wire->room)
		free(wire->begin);
}

struct slice wire_take(struct wire *wire, struct arena *arena)
{
	struct slice taken = arena_copy(arena, slice_of(wire->at, written(wire)));
	release(wire);
	return taken;
}

static void grow(struct wire *wire, size_t n)
{
	size_t used = written(wire), size = 2 * (size_t)(wire->end - wire->begin) + n;
	uint8_t *begin = xmalloc(size);
	memcpy(begin + size - used, wire->at, used);
	release(wire);
	wire->begin = begin;
	wire->end = begin + size;
	wire->at = wire->end - used;
}

/* Room for n bytes before what is written. */
static inline void reserve(struct wire *wire, size_t n)
{
	if ((size_t)(wire->at - wire->begin) < n)
		grow(wire, n);
}

/* ---- into room that was reserved ---- */

static inline void put_varint(struct wire *wire, uint64_t number)
{
	size_t n = ((size_t)(63 - __builtin_clzll(number | 1)) * 9 + 73) / 64; /* bytes of seven bits */
	uint8_t *to = wire->at -= n;
	for (; number >= 0x80; number >>= 7)
		*to++ = (uint8_t)(number | 0x80);
	*to = (uint8_t)number;
}

static inline void put_header(struct wire *wire, unsigned field, size_t size)
{
	put_varint(wire, size);
	put_varint(wire, field << 3 | LENGTH);
}

/* ---- fields ---- */

void wire_number(struct wire *wire, unsigned field, uint64_t number)
{
	if (number == 0)
		return;
	reserve(wire, HEADER_BYTES);
	put_varint(wire, number);
	put_varint(wire, field << 3 | VARINT);
}

void wire_item(struct wire *wire, unsigned field, struct slice bytes)
{
	reserve(wire, bytes.size + HEADER_BYTES);
	wire->at -= bytes.size;
	if (bytes.size)
		memcpy(wire->at, bytes.data, bytes.size);
	put_header(wire, field, bytes.size);
}

void wire_bytes(struct wire *wire, unsigned field, struct slice bytes)
{
	if (bytes.size)
		wire_item(wire, field, bytes);
}

static void put_repaired(struct wire *wire, unsigned field, struct slice text)
{
	reserve(wire, text.size * UTF8_GROWTH + HEADER_BYTES);
	size_t size = utf8_repair(text, (char *)wire->begin);
	wire->at -= size;
	memmove(wire->at, wire->begin, size);
	put_header(wire, field, size);
}

void wire_text(struct wire *wire, unsigned field, struct slice text)
{
	if (text.size && !utf8_is_good(text))
		put_repaired(wire, field, text);
	else
		wire_bytes(wire, field, text);
}

void wire_time(struct wire *wire, unsigned field, int64_t ns_since_1970)
{
	if (ns_since_1970 == 0)
		return;
	int64_t seconds = ns_since_1970 / NS_PER_SECOND, ns = ns_since_1970 % NS_PER_SECOND;
	size_t inner = wire_inner(wire);
	wire_number(wire, 2, (uint64_t)(ns < 0 ? ns + NS_PER_SECOND : ns));
	wire_number(wire, 1, (uint64_t)(ns < 0 ? seconds - 1 : seconds));
	wire_close(wire, field, inner);
}

size_t wire_inner(const struct wire *wire)
{
	return written(wire);
}

void wire_close(struct wire *wire, unsigned field, size_t inner)
{
	reserve(wire, HEADER_BYTES);
	put_header(wire, field, written(wire) - inner);
}
