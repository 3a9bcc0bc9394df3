/* How entries of the state are written and read: integers little-endian, texts and keys as their length and their
 * bytes.
 *
 *     writer = new_writer(&arena, size)      size: at least what is put; then put_..., written(&writer)
 *     reader = {.left = bytes}               get_..., and at the end finished(&reader)
 *
 * Nothing is checked on the way: a reader that runs out of bytes gives 0 and empty, and is not finished. */
#ifndef TIDINGS_BRIDGE_KOPANO_BYTES_H
#define TIDINGS_BRIDGE_KOPANO_BYTES_H

#include "core/arena.h"

struct writer {
	uint8_t *start, *at;
};

struct writer new_writer(struct arena *arena, size_t size);
void put_bytes(struct writer *writer, const void *bytes, size_t n);
void put_number(struct writer *writer, uint32_t number, int n_bytes);
void put_slice(struct writer *writer, struct slice slice); /* length u16; cut if it is longer */
struct slice written(const struct writer *writer);

struct reader {
	struct slice left;
	bool short_of; /* bytes: everything read from then on is 0 or empty */
};

const uint8_t *get_bytes(struct reader *reader, size_t n); /* NULL: short of them */
uint32_t get_number(struct reader *reader, int n_bytes);
void get_fixed(struct reader *reader, uint8_t *to, size_t n);
struct slice get_slice(struct reader *reader, struct arena *arena);
bool finished(const struct reader *reader); /* all was read, and it was enough */

#endif
