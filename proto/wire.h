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

enum { WIRE_ROOM = 2048 };

struct wire {
	uint8_t *begin, *at, *end; /* written: from `at` to `end` */
	uint8_t room[WIRE_ROOM];
};

void wire_init(struct wire *wire);

/* What was written, copied into the arena. The wire is to be initialised again. */
struct slice wire_take(struct wire *wire, struct arena *arena);

void wire_number(struct wire *wire, unsigned field, uint64_t number); /* uint32, uint64, bool, enum */
void wire_bytes(struct wire *wire, unsigned field, struct slice bytes);
void wire_item(struct wire *wire, unsigned field, struct slice bytes);    /* of a repeated field: also if it is empty */
void wire_text(struct wire *wire, unsigned field, struct slice text);     /* bad UTF-8 becomes U+FFFD */
void wire_time(struct wire *wire, unsigned field, int64_t ns_since_1970); /* google.protobuf.Timestamp */

/* An inner message: its fields are put between these two. */
size_t wire_inner(const struct wire *wire);
void wire_close(struct wire *wire, unsigned field, size_t inner);

#endif
