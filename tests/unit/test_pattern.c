/* Which paths a pattern matches, and which patterns are mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bridge/pattern.h"

struct pattern_case {
	const char *pattern, *path;
	bool matches;
};

static void check_cases(const struct pattern_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (pattern_matches(cases[i].pattern, slice_of_text(cases[i].path)) != cases[i].matches)
			fail_msg("%s %s %s", cases[i].pattern, cases[i].matches ? "should match" : "must not match",
				 cases[i].path);
}

#define CHECK(cases) check_cases(cases, sizeof cases / sizeof *cases)

static void a_plain_pattern_is_one_path(void **state)
{
	static const struct pattern_case cases[] = {
		{"Inbox", "Inbox", true},     {"Inbox", "inbox", false},   {"Inbox", "Inbox/a", false},
		{"Inbox", "a/Inbox", false},  {"Inbox/a", "Inbox", false}, {"Inbox/a", "Inbox/a", true},
		{"a\\/b", "a\\/b", true},     {"a\\/b", "a/b", false},     {"a/b", "a\\/b", false},
		{"\\*", "*", true},           {"\\*", "x", false},         {"a\\\\b", "a\\\\b", true},
		{"a\\\\/b", "a\\\\/b", true}, {"Inbox", "", false},        {"Grün", "Grün", true},
		{"a\\*b/c", "a*b/c", true},
	};
	(void)state;
	CHECK(cases);
}

static void a_star_is_any_text_within_a_name(void **state)
{
	static const struct pattern_case cases[] = {
		{"*", "Inbox", true},        {"*", "Inbox/a", false},      {"*", "", false},
		{"Inbox/*", "Inbox", false}, {"Inbox/*", "Inbox/a", true}, {"Inbox/*", "Inbox/a/b", false},
		{"Pro*", "Projects", true},  {"Pro*", "Pro", true},        {"Pro*", "Inbox", false},
		{"*a*", "banana", true},     {"*an*na", "banana", true},   {"*an*nb", "banana", false},
		{"*", "a\\/b", true},        {"a*b", "a\\/b", true},       {"*\\/b", "a\\/b", true},
		{"*\\*", "5*", true},        {"*\\*", "5", false},         {"*.x.*", "a.x.x.b", true},
		{"*/z", "a/z", true},        {"*/z", "z", false},          {"*\\\\", "a\\\\", true},
	};
	(void)state;
	CHECK(cases);
}

static void two_stars_are_any_names(void **state)
{
	static const struct pattern_case cases[] = {
		{"**", "Inbox", true},
		{"**", "a/b/c", true},
		{"**", "", false},
		{"Inbox/**", "Inbox", false},
		{"Inbox/**", "Inbox/a", true},
		{"Inbox/**", "Inbox/a/b", true},
		{"Inbox/**", "Inboxes/a", false},
		{"**/z", "z", true},
		{"**/z", "a/b/z", true},
		{"**/z", "a/z/b", false},
		{"a/**/z", "a/z", true},
		{"a/**/z", "a/b/c/z", true},
		{"a/**/z", "a/b/c", false},
		{"a/**/z/**/y", "a/z/z/b/y", true},
		{"a/**/z/**/y", "a/y/z", false},
		{"**/a*/b", "x/ab/ac/b", true},
		{"**/a/b", "a/a/b", true},
		{"**/*", "a", true},
		{"*/**", "a", false},
		{"*/**", "a/b", true},
		{"**/**", "a", true},
		{"**/a/**", "a", false},
		{"**/a/**", "x/a/y/z", true},
	};
	(void)state;
	CHECK(cases);
}

static void many_stars_do_not_take_long(void **state)
{
	(void)state;
	char path[4001];
	for (size_t i = 0; i < 4000; i += 2)
		memcpy(path + i, "a/", 2);
	path[3999] = '\0';
	assert_false(pattern_matches("**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/b", slice_of_text(path)));
	memset(path, 'a', 4000);
	assert_false(pattern_matches("*a*a*a*a*a*a*a*a*a*a*b", slice_of(path, 4000)));
}

static void what_is_below_a_path_may_match(void **state)
{
	static const struct pattern_case cases[] = {
		{"Inbox", "", true},   {"Inbox", "Inbox", false}, {"Inbox", "a", false},    {"a/b", "a", true},
		{"a/b", "", false},    {"a/b", "a/b", false},     {"a/*", "a", true},       {"a/x*y", "a", true},
		{"a/*", "a/b", false}, {"a/**", "a", true},       {"a/**", "a/b/c", true},  {"a/**", "b", false},
		{"**/Old", "", true},  {"**/Old", "a/b", true},   {"a/**/Old", "b", false}, {"a\\/b", "", true},
		{"a/\\*", "a", true},  {"**", "x", true},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (pattern_may_match_below(cases[i].pattern, slice_of_text(cases[i].path)) != cases[i].matches)
			fail_msg("%s below %s", cases[i].pattern, cases[i].path);
}

static void mistakes_are_named(void **state)
{
	static const struct {
		const char *pattern, *mistake;
	} cases[] = {
		{"/Inbox", "a name before a slash is empty"},
		{"a//b", "a name before a slash is empty"},
		{"", "the name after the last slash is empty"},
		{"Inbox/", "the name after the last slash is empty"},
		{"a\\b", "after \\ only /, * or \\ may follow"},
		{"a\\", "after \\ only /, * or \\ may follow"},
		{"a**", "** stands for whole names: write it alone between slashes, as in `Projects/**/Old`"},
		{"a/***", "** stands for whole names: write it alone between slashes, as in `Projects/**/Old`"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(pattern_mistake(cases[i].pattern), cases[i].mistake);
	static const char *const good[] = {"a\\/b", "\\/", "a\\//b", "\\*", "\\\\/b", "**", "a/**/b", "*x*/y", "*\\*"};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_null(pattern_mistake(good[i]));
}

static void a_plain_pattern_has_a_path(void **state)
{
	(void)state;
	struct arena arena = {0};
	assert_true(pattern_is_plain("a\\*/b\\/c\\\\"));
	assert_false(pattern_is_plain("a/*"));
	assert_false(pattern_is_plain("\\\\*"));
	assert_true(slice_equal(pattern_path("a\\*/b\\/c\\\\", &arena), slice_of_text("a*/b\\/c\\\\")));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_pattern_is_one_path),    cmocka_unit_test(a_star_is_any_text_within_a_name),
		cmocka_unit_test(two_stars_are_any_names),        cmocka_unit_test(many_stars_do_not_take_long),
		cmocka_unit_test(what_is_below_a_path_may_match), cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(a_plain_pattern_has_a_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
