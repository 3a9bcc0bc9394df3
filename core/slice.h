/* A borrowed run of bytes: never owned, never NUL-terminated by promise. Absent and empty are the same: size 0. */
#ifndef TIDINGS_CORE_SLICE_H
#define TIDINGS_CORE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const uint8_t *data;
	size_t size; /* bytes */
};

static inline struct slice slice_of(const void *data, size_t size)
{
	return (struct slice){.data = data, .size = size};
}

static inline struct slice slice_of_text(const char *text)
{
	return slice_of(text, text ? strlen(text) : 0);
}

static inline bool slice_equal(struct slice a, struct slice b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

#endif
