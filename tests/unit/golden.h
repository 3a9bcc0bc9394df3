/* Golden files: tests/data/golden/<name>.bin is a serialised record, <name>.json its JSON form. They are the contract
 * with every consumer: a difference is a change of the contract. To write them anew after a wanted one:
 *
 *     TIDINGS_WRITE_GOLDEN=1 build/tests/unit/test_encode && TIDINGS_WRITE_GOLDEN=1 build/tests/unit/test_json */
#ifndef TIDINGS_TESTS_UNIT_GOLDEN_H
#define TIDINGS_TESTS_UNIT_GOLDEN_H

#include <stdio.h>
#include <stdlib.h>

#include "core/arena.h"

#define GOLDEN_DIR "tests/data/golden"

/* The file's bytes in the arena; empty if there is no such file. */
static inline struct slice golden_read(struct arena *arena, const char *name, const char *suffix)
{
	FILE *file = fopen(arena_text(arena, GOLDEN_DIR "/%s.%s", name, suffix), "rb");
	uint8_t *bytes = arena_alloc(arena, 65536);
	size_t size = file ? fread(bytes, 1, 65536, file) : 0;

	if (file)
		fclose(file);
	return slice_of(bytes, size);
}

static inline void golden_write(struct arena *arena, const char *name, const char *suffix, struct slice bytes)
{
	FILE *file = fopen(arena_text(arena, GOLDEN_DIR "/%s.%s", name, suffix), "wb");

	if (!file || fwrite(bytes.data, 1, bytes.size, file) != bytes.size || fclose(file) != 0)
		abort();
}

/* Compares with the golden file, or writes it. Returns true if it is the same. */
static inline bool golden_same(struct arena *arena, const char *name, const char *suffix, struct slice bytes)
{
	if (getenv("TIDINGS_WRITE_GOLDEN"))
		golden_write(arena, name, suffix, bytes);
	bool same = slice_equal(golden_read(arena, name, suffix), bytes);
	if (!same)
		fprintf(stderr, GOLDEN_DIR "/%s.%s differs\n", name, suffix);
	return same;
}

#endif
