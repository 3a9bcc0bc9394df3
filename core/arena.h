/* An arena owns many small allocations that die together: everything in a batch.
 *
 * Memory comes in blocks of doubling size from 4 KiB to 64 KiB; an allocation above 8 KiB gets a block of its own, so
 * that little is left unused at the ends. Nothing is freed singly. Out of memory aborts. Not thread-safe: one owner at
 * a time. */
#ifndef TIDINGS_CORE_ARENA_H
#define TIDINGS_CORE_ARENA_H

#include "core/slice.h"

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
	size_t n_bytes;             /* held, blocks included: what a byte budget is charged */
};

/* A zeroed struct arena is an empty one. */

/* n bytes, aligned for any type, not cleared; n may be 0. */
void *arena_alloc(struct arena *arena, size_t n);
void *arena_zero(struct arena *arena, size_t n); /* the same, cleared */

/* A copy of the bytes that lives as long as the arena. */
struct slice arena_copy(struct arena *arena, struct slice slice);

/* A NUL-terminated copy; format as printf. */
const char *arena_text(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Frees everything; the arena is empty again. */
void arena_free(struct arena *arena);

/* malloc, realloc and calloc that abort when there is no memory. */
void *xmalloc(size_t n);
void *xrealloc(void *p, size_t n);
void *xcalloc(size_t n, size_t size);

#endif
