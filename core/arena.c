#include "core/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_BLOCK_BYTES = 4096, OWN_BLOCK_BYTES = 8192, LAST_BLOCK_BYTES = 65536 };

struct arena_block {
	struct arena_block *older;
	size_t used, size; /* bytes of data */
	alignas(max_align_t) uint8_t data[];
};

void *xmalloc(size_t n)
{
	void *p = malloc(n ? n : 1);
	if (!p)
		abort();
	return p;
}

void *xrealloc(void *p, size_t n)
{
	p = realloc(p, n ? n : 1);
	if (!p)
		abort();
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);
	if (!p)
		abort();
	return p;
}

static struct arena_block *add_block(struct arena *arena, struct arena_block **place, size_t size)
{
	struct arena_block *block = xmalloc(sizeof *block + size);
	*block = (struct arena_block){.older = *place, .size = size};
	*place = block;
	arena->n_bytes += sizeof *block + size;
	return block;
}

static size_t next_block_bytes(const struct arena *arena, size_t n)
{
	size_t size = arena->blocks ? arena->blocks->size * 2 : FIRST_BLOCK_BYTES;
	if (size > LAST_BLOCK_BYTES)
		size = LAST_BLOCK_BYTES;
	return size < n ? n : size;
}

/* Behind the newest block, whose rest goes on being used. */
static struct arena_block *own_block(struct arena *arena, size_t n)
{
	return add_block(arena, arena->blocks ? &arena->blocks->older : &arena->blocks, n);
}

void *arena_alloc(struct arena *arena, size_t n)
{
	size_t align = alignof(max_align_t);
	if (n > SIZE_MAX / 2)
		abort();
	n = (n + align - 1) & ~(align - 1);
	struct arena_block *block = arena->blocks;
	if (n > OWN_BLOCK_BYTES)
		block = own_block(arena, n);
	else if (!block || block->size - block->used < n)
		block = add_block(arena, &arena->blocks, next_block_bytes(arena, n));
	void *p = block->data + block->used;
	block->used += n;
	return p;
}

void *arena_zero(struct arena *arena, size_t n)
{
	return memset(arena_alloc(arena, n), 0, n);
}

struct slice arena_copy(struct arena *arena, struct slice slice)
{
	if (slice.size == 0)
		return slice_of(NULL, 0);
	return slice_of(memcpy(arena_alloc(arena, slice.size), slice.data, slice.size), slice.size);
}

const char *arena_text(struct arena *arena, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	char *text = arena_alloc(arena, (size_t)n + 1);
	vsnprintf(text, (size_t)n + 1, format, again);
	va_end(again);
	va_end(args);
	return text;
}

void arena_free(struct arena *arena)
{
	for (struct arena_block *block = arena->blocks, *older; block; block = older) {
		older = block->older;
		free(block);
	}
	*arena = (struct arena){0};
}
