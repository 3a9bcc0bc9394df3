/* A growing array of u32, and the growth of any other array. Out of memory aborts. */
#ifndef FAKEKOPANO_VEC_H
#define FAKEKOPANO_VEC_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct vec {
	uint32_t *at;
	uint32_t n;
	uint32_t cap;
};

/* Make an array of n elements hold one more; *cap is its capacity. Returns the array. */
static inline void *array_grow(void *array, uint32_t n, uint32_t *cap, size_t element_bytes)
{
	if (n < *cap)
		return array;
	*cap = *cap ? *cap + *cap / 2 + 1 : 4;
	array = realloc(array, (size_t)*cap * element_bytes);
	if (!array)
		abort();
	return array;
}

static inline void *array_copy(const void *array, uint32_t n, uint32_t *cap, size_t element_bytes)
{
	void *copy = malloc(n ? n * element_bytes : 1);

	if (!copy)
		abort();
	if (n)
		memcpy(copy, array, n * element_bytes);
	*cap = n;
	return copy;
}

static inline void vec_push(struct vec *v, uint32_t value)
{
	v->at = array_grow(v->at, v->n, &v->cap, sizeof(*v->at));
	v->at[v->n++] = value;
}

/* First position in a sorted vector whose value is not below the given one. */
static inline uint32_t vec_lower(const struct vec *v, uint32_t value)
{
	uint32_t low = 0, high = v->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (v->at[middle] < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static inline void vec_insert_at(struct vec *v, uint32_t position, uint32_t value)
{
	vec_push(v, value);
	memmove(v->at + position + 1, v->at + position, (size_t)(v->n - 1 - position) * sizeof(*v->at));
	v->at[position] = value;
}

static inline void vec_remove_at(struct vec *v, uint32_t position)
{
	v->n--;
	memmove(v->at + position, v->at + position + 1, (size_t)(v->n - position) * sizeof(*v->at));
}

static inline void vec_insert_sorted(struct vec *v, uint32_t value)
{
	if (v->n == 0 || v->at[v->n - 1] < value)
		vec_push(v, value);
	else
		vec_insert_at(v, vec_lower(v, value), value);
}

static inline void vec_remove_sorted(struct vec *v, uint32_t value)
{
	uint32_t position = vec_lower(v, value);

	if (position < v->n && v->at[position] == value)
		vec_remove_at(v, position);
}

static inline void vec_free(struct vec *v)
{
	free(v->at);
	*v = (struct vec){0};
}

static inline struct vec vec_clone(const struct vec *v)
{
	struct vec copy = {.n = v->n};

	copy.at = array_copy(v->at, v->n, &copy.cap, sizeof(*v->at));
	return copy;
}

#endif
