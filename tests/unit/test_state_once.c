/* The state in memory keeps the rules of core/state.h. */
#include "bridge/state/once.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct {
	struct state *state;
	struct arena arena;
	struct put_list list;
	struct err err;
} rig;

static void put(const char *key, const char *value)
{
	put_list_add(&rig.list, &rig.arena, slice_of_text(key), slice_of_text(value));
}

static void commit(void)
{
	const struct put_list *const lists[] = {&rig.list};
	assert_int_equal(rig.state->ops->commit(rig.state, lists, 1, &rig.err), 0);
	put_list_clear(&rig.list);
}

static const char *get(const char *key)
{
	struct slice value;
	int rc = rig.state->ops->get(rig.state, slice_of_text(key), &rig.arena, &value, &rig.err);
	if (rc)
		return rc == ERR_GONE ? NULL : "?";
	return arena_text(&rig.arena, "%.*s", (int)value.size, (const char *)value.data);
}

static int add_entry(void *context, struct slice key, struct slice value)
{
	const char **text = context;
	*text = arena_text(&rig.arena, "%s%.*s=%.*s ", *text, (int)key.size, (const char *)key.data, (int)value.size,
			   (const char *)value.data);
	return key.data[key.size - 1] == '!' ? 42 : 0;
}

static const char *each(const char *prefix, int expected)
{
	const char *text = "";
	int rc = rig.state->ops->each(rig.state, slice_of_text(prefix), add_entry, &text, &rig.err);
	assert_int_equal(rc, expected);
	return text;
}

static void what_is_committed_is_found(void **state)
{
	(void)state;
	assert_null(get("a"));
	put("a", "1");
	put("b", "");
	put("a", "2");
	commit();
	assert_string_equal(get("a"), "2");
	assert_string_equal(get("b"), "");
	put_list_remove(&rig.list, &rig.arena, slice_of_text("a"));
	put_list_remove(&rig.list, &rig.arena, slice_of_text("none"));
	commit();
	assert_null(get("a"));
}

static void entries_come_in_ascending_order(void **state)
{
	(void)state;
	put("p/b", "2");
	put("q", "4");
	put("p/a", "1");
	put("o", "0");
	put("p/b!", "3");
	commit();
	assert_string_equal(each("", 42), "o=0 p/a=1 p/b=2 p/b!=3 ");
	assert_string_equal(each("p/a", 0), "p/a=1 ");
	assert_string_equal(each("z", 0), "");
}

static int set_up(void **state)
{
	(void)state;
	rig.state = once_state_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	rig.state->ops->close(rig.state);
	arena_free(&rig.arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_committed_is_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(entries_come_in_ascending_order, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
