/* Writes protobuf's wire format from the end to the beginning: so the length of an inner message is known when it is to
 * be written, and nothing is measured first. Fields are therefore put in descending order of their numbers.
 *
 *     wire_init -> put ... -> wire_take
 *
 * Values that are empty or 0 are left out, as proto3 wants it. Memory: up to WIRE_ROOM bytes on the stack of the
 * caller, beyond that on the heap until wire_take. Source: protobuf.dev, "Encoding". */
#ifndef TIDINGS_PROTO_WIRE_H
#define TIDINGS_PROTO_WIRE_H

#include <stdint.h>

#include "core/arena.h"
#include "proto/utf8.h"

enum { WIRE_ROOM = 2048 };

struct wire {
	uint8_t *begin, *at, *end; /* written: from `at` to `end` */
	uint8_t room[WIRE_ROOM];
};

void wire_init(struct wire *wire);

/* What was written, copied into the arena. The wire is to be initialised again. */
struct slice wire_take(struct wire *wire, struct arena *arena);

/* An inner message: its fields are put between these two. */
static inline size_t wire_inner(const struct wire *wire);
static inline void wire_close(struct wire *wire, unsigned field, size_t inner);

static inline void wire_number(struct wire *wire, unsigned field, uint64_t number); /* uint32, uint64, bool, enum */
static inline void wire_bytes(struct wire *wire, unsigned field, struct slice bytes);
static inline void wire_item(struct wire *wire, unsigned field, struct slice bytes); /* repeated: also if empty */
static inline void wire_text(struct wire *wire, unsigned field, struct slice text);  /* bad UTF-8 becomes U+FFFD */
void wire_time(struct wire *wire, unsigned field, int64_t ns_since_1970);            /* google.protobuf.Timestamp */

/* ---- here and not in wire.c, as the numbers of the fields are constants: half of the instructions ---- */

enum { WIRE_VARINT = 0, WIRE_LENGTH = 2 };                                  /* types */
enum { WIRE_VARINT_BYTES = 10, WIRE_HEADER_BYTES = 2 * WIRE_VARINT_BYTES }; /* at most */

void wire_grow(struct wire *wire, size_t n);
void wire_repaired(struct wire *wire, unsigned field, struct slice text);

/* Room for n bytes before what is written. */
static inline void wire_reserve(struct wire *wire, size_t n)
{
	if ((size_t)(wire->at - wire->begin) < n)
		wire_grow(wire, n);
}

/* These three into room that was reserved. */

static inline void wire_put_varint(struct wire *wire, uint64_t number)
{
	if (number < 0x80) {
		*--wire->at = (uint8_t)number;
		return;
	}
	size_t n = ((size_t)(63 - __builtin_clzll(number)) * 9 + 73) / 64; /* bytes of seven bits */
	uint8_t *to = wire->at -= n;
	for (; number >= 0x80; number >>= 7)
		*to++ = (uint8_t)(number | 0x80);
	*to = (uint8_t)number;
}

static inline void wire_put_tag(struct wire *wire, unsigned field, unsigned type)
{
	wire_put_varint(wire, field << 3 | type);
}

static inline void wire_put_header(struct wire *wire, unsigned field, size_t size)
{
	wire_put_varint(wire, size);
	wire_put_tag(wire, field, WIRE_LENGTH);
}

static inline void wire_number(struct wire *wire, unsigned field, uint64_t number)
{
	if (number == 0)
		return;
	wire_reserve(wire, WIRE_HEADER_BYTES);
	wire_put_varint(wire, number);
	wire_put_tag(wire, field, WIRE_VARINT);
}

static inline void wire_item(struct wire *wire, unsigned field, struct slice bytes)
{
	wire_reserve(wire, bytes.size + WIRE_HEADER_BYTES);
	wire->at -= bytes.size;
	if (bytes.size)
		memcpy(wire->at, bytes.data, bytes.size);
	wire_put_header(wire, field, bytes.size);
}

static inline void wire_bytes(struct wire *wire, unsigned field, struct slice bytes)
{
	if (bytes.size)
		wire_item(wire, field, bytes);
}

static inline void wire_text(struct wire *wire, unsigned field, struct slice text)
{
	if (text.size && !utf8_is_good(text))
		wire_repaired(wire, field, text);
	else
		wire_bytes(wire, field, text);
}

static inline size_t wire_inner(const struct wire *wire)
{
	return (size_t)(wire->end - wire->at);
}

static inline void wire_close(struct wire *wire, unsigned field, size_t inner)
{
	wire_reserve(wire, WIRE_HEADER_BYTES);
	wire_put_header(wire, field, wire_inner(wire) - inner);
}

#endif
