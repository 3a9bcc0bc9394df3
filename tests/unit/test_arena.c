#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdint.h>

#include "core/arena.h"

static struct arena arena;

static int teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static void an_empty_arena_can_be_freed_and_used_again(void **state)
{
	(void)state;
	arena_free(&arena);
	assert_non_null(arena_alloc(&arena, 1));
	arena_free(&arena);
	assert_int_equal(arena.n_bytes, 0);
	assert_non_null(arena_alloc(&arena, 1));
}

static void allocations_are_aligned_and_apart(void **state)
{
	uint8_t *places[1000];
	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		places[i] = arena_alloc(&arena, i);
		assert_int_equal((uintptr_t)places[i] % _Alignof(max_align_t), 0);
		memset(places[i], (int)i, i);
	}
	for (size_t i = 0; i < 1000; i++)
		for (size_t k = 0; k < i; k++)
			assert_int_equal(places[i][k], (uint8_t)i);
}

static void zeroed_memory_is_zero(void **state)
{
	(void)state;
	memset(arena_alloc(&arena, 100), 0xFF, 100);
	const uint8_t *zero = arena_zero(&arena, 5000);
	for (size_t i = 0; i < 5000; i++)
		assert_int_equal(zero[i], 0);
}

static void what_it_holds_is_known_to_the_byte_budget(void **state)
{
	(void)state;
	size_t n_asked = 0;
	for (size_t n = 1; n < 200000; n *= 3) {
		arena_alloc(&arena, n);
		n_asked += n;
		assert_true(arena.n_bytes >= n_asked);
	}
	assert_true(arena.n_bytes < 2 * n_asked + 65536);
}

static void small_allocations_share_a_block(void **state)
{
	(void)state;
	arena_alloc(&arena, 1);
	size_t n_first = arena.n_bytes;
	for (int i = 0; i < 200; i++)
		arena_alloc(&arena, 16);
	assert_int_equal(arena.n_bytes, n_first);
}

static void large_allocations_leave_little_unused(void **state)
{
	(void)state;
	size_t n_asked = 0;
	for (size_t n = 10000; n < 110000; n += 1000) {
		arena_alloc(&arena, n);
		arena_alloc(&arena, 16);
		n_asked += n + 16;
	}
	assert_true(arena.n_bytes < n_asked + n_asked / 50);
}

static void a_copy_does_not_depend_on_its_original(void **state)
{
	(void)state;
	char bytes[] = "abc";
	struct slice copy = arena_copy(&arena, slice_of(bytes, 3));
	bytes[0] = 'x';
	assert_true(slice_equal(copy, slice_of_text("abc")));
	assert_int_equal(arena_copy(&arena, slice_of(NULL, 0)).size, 0);
}

static void text_is_formatted_whole_however_long(void **state)
{
	(void)state;
	const char *text = arena_text(&arena, "%s %010000d", "n", 7);
	assert_int_equal(strlen(text), 10002);
	assert_string_equal(text + 10000, "07");
}

static void slices_of_nothing_are_equal(void **state)
{
	(void)state;
	assert_true(slice_equal(slice_of(NULL, 0), slice_of("x", 0)));
	assert_false(slice_equal(slice_of("x", 1), slice_of("x", 0)));
	assert_false(slice_equal(slice_of("x", 1), slice_of("y", 1)));
	assert_int_equal(slice_of_text(NULL).size, 0);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_empty_arena_can_be_freed_and_used_again),
		TEST(allocations_are_aligned_and_apart),
		TEST(zeroed_memory_is_zero),
		TEST(what_it_holds_is_known_to_the_byte_budget),
		TEST(small_allocations_share_a_block),
		TEST(large_allocations_leave_little_unused),
		TEST(a_copy_does_not_depend_on_its_original),
		TEST(text_is_formatted_whole_however_long),
		TEST(slices_of_nothing_are_equal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
