/* Numbers found by what they stand for: a hash table of the numbers, with a byte of their hash so that others need not
 * be looked at: 5 bytes for each slot. Whoever uses it knows what a number's key is, and says so with two functions. A
 * zeroed index is empty. Not thread-safe. */
#ifndef TIDINGS_BRIDGE_KOPANO_INDEX_H
#define TIDINGS_BRIDGE_KOPANO_INDEX_H

#include "core/slice.h"

enum { INDEX_NONE = UINT32_MAX, INDEX_SLOT_BYTES = sizeof(uint32_t) + sizeof(uint8_t) };

struct index {
	uint32_t *numbers; /* of each slot */
	uint8_t *tags;     /* the top of the number's hash; 0: the slot is free */
	size_t n, room;    /* room: 0 or a power of two */
};

typedef uint32_t index_hash_fn(const void *context, uint32_t number);
typedef bool index_match_fn(const void *context, uint32_t number, const void *key);

/* The number whose key it is; INDEX_NONE: there is none. */
uint32_t index_find(const struct index *index, uint32_t hash, const void *key, index_match_fn *match,
		    const void *context);

/* Adds a number that is not there; `hash_of` says the hash of any number that is. */
void index_add(struct index *index, uint32_t hash, uint32_t number, index_hash_fn *hash_of, const void *context);

/* Removes a number that is there. */
void index_remove(struct index *index, uint32_t hash, uint32_t number, index_hash_fn *hash_of, const void *context);

void index_free(struct index *index);

/* A hash of bytes, well mixed. */
uint32_t index_hash(struct slice bytes);

#endif
