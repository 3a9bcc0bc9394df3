#include "proto/wire.h"

#include <stdlib.h>

enum { NS_PER_SECOND = 1000000000 };

void wire_init(struct wire *wire)
{
	wire->begin = wire->room;
	wire->at = wire->end = wire->room + sizeof wire->room;
}

static void release(struct wire *wire)
{
	if (wire->begin != wire->room)
		free(wire->begin);
}

struct slice wire_take(struct wire *wire, struct arena *arena)
{
	struct slice taken = arena_copy(arena, slice_of(wire->at, wire_inner(wire)));
	release(wire);
	return taken;
}

void wire_grow(struct wire *wire, size_t n)
{
	size_t used = wire_inner(wire), size = 2 * (size_t)(wire->end - wire->begin) + n;
	uint8_t *begin = xmalloc(size);
	memcpy(begin + size - used, wire->at, used);
	release(wire);
	wire->begin = begin;
	wire->end = begin + size;
	wire->at = wire->end - used;
}

void wire_repaired(struct wire *wire, unsigned field, struct slice text)
{
	wire_reserve(wire, text.size * UTF8_GROWTH + WIRE_HEADER_BYTES);
	size_t size = utf8_repair(text, (char *)wire->begin);
	wire->at -= size;
	memmove(wire->at, wire->begin, size);
	wire_put_header(wire, field, size);
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
