#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/hex.h"

static struct arena arena;

static int teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static bool reads(const char *text, struct slice *bytes)
{
	return hex_read(text, strlen(text), &arena, bytes);
}

static void bytes_are_written_in_lower_case(void **state)
{
	(void)state;
	assert_string_equal(hex_text(&arena, slice_of("\x00\x7f\xAB\xff", 4)), "007fabff");
	assert_string_equal(hex_text(&arena, slice_of(NULL, 0)), "");
}

static void any_number_of_bytes_is_written(void **state)
{
	(void)state;
	static const char text[] = "0189abcdef0f9a";
	static const uint8_t bytes[] = {0x01, 0x89, 0xab, 0xcd, 0xef, 0x0f, 0x9a};
	for (size_t n = 0; n <= sizeof bytes; n++) {
		const char *written = hex_text(&arena, slice_of(bytes, n));
		assert_int_equal(strlen(written), 2 * n);
		assert_memory_equal(written, text, 2 * n);
	}
}

static void writing_returns_the_place_behind(void **state)
{
	(void)state;
	char text[5] = "....";
	assert_ptr_equal(hex_write(text, slice_of("\x12", 1)), text + 2);
	assert_string_equal(text, "12..");
}

static void either_case_is_read(void **state)
{
	(void)state;
	struct slice bytes;
	assert_true(reads("aBCd09", &bytes));
	assert_true(slice_equal(bytes, slice_of("\xab\xcd\x09", 3)));
	assert_true(reads("", &bytes));
	assert_int_equal(bytes.size, 0);
}

static void every_byte_comes_back(void **state)
{
	(void)state;
	uint8_t all[256];
	for (int i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	struct slice bytes;
	assert_true(reads(hex_text(&arena, slice_of(all, sizeof all)), &bytes));
	assert_true(slice_equal(bytes, slice_of(all, sizeof all)));
}

static bool is_digit(int c)
{
	return c && strchr("0123456789abcdefABCDEF", c);
}

static void what_is_no_digit_is_refused(void **state)
{
	(void)state;
	struct slice bytes;
	assert_false(reads("abc", &bytes));
	for (int c = 0; c < 256; c++) {
		const char first[] = {(char)c, '0'}, second[] = {'0', (char)c};
		assert_int_equal(hex_read(first, 2, &arena, &bytes), is_digit(c));
		assert_int_equal(hex_read(second, 2, &arena, &bytes), is_digit(c));
	}
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bytes_are_written_in_lower_case),
		TEST(any_number_of_bytes_is_written),
		TEST(writing_returns_the_place_behind),
		TEST(either_case_is_read),
		TEST(every_byte_comes_back),
		TEST(what_is_no_digit_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
