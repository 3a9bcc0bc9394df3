/* A position from outside: python-kopano's binary state, and what is none. */
#include "bridge/kopano/position.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/hex.h"

/* "sync id, change id: taken ids", or "none". */
static const char *read_hex(struct arena *arena, const char *hex)
{
	struct stream_position position;
	struct slice bytes, processed;
	assert_true(hex_read(hex, strlen(hex), arena, &bytes));
	if (!given_read(bytes, arena, &position, &processed))
		return "none";
	return arena_text(arena, "%u, %u: %s", position.sync_id, position.change_id, hex_text(arena, processed));
}

static void each_form(void **state)
{
	static const char *const forms[][2] = {
		{"050000006D000000", "5, 109: "},
		{"0000000000000000", "0, 0: "},
		{"ffffffffFEFFFFFF", "4294967295, 4294967294: "},
		{"050000006D00000000000000", "5, 109: "},
		{"050000006D00000001000000"
		 "7000000003000000AABBCC",
		 "5, 109: 70000000"},
		{"050000006D00000002000000"
		 "7000000000000000"
		 "6F00000001000000AA",
		 "5, 109: 700000006f000000"},
		{"", "none"},
		{"05000000", "none"},
		{"050000006D0000", "none"},
		{"050000006D00000000", "none"},
		{"050000006D000000000000", "none"},
		{"050000006D0000000000000000", "none"},
		{"050000006D00000001000000", "none"},
		{"050000006D000000FFFFFFFF", "none"},
		{"050000006D00000001000000700000000300000AABBCC0", "none"},
		{"050000006D000000010000007000000004000000AABBCC", "none"},
		{"050000006D000000010000007000000002000000AABBCC", "none"},
		{"050000006D0000000100000070000000FFFFFFFFAABBCC", "none"},
	};
	struct arena arena = {0};
	(void)state;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		assert_string_equal(read_hex(&arena, forms[i][0]), forms[i][1]);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_form),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
