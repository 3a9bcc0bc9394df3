/* Ids that become visible late are taken, whenever within T they come; a position never passes one that can still come.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge/kopano/settle.h"

enum { T_MS = 10000 };
static const char key[] = "taken/s/";

static int setup(void **state)
{
	struct settle *settle = xcalloc(1, sizeof *settle);
	settle_start(settle, 100, T_MS);
	*state = settle;
	return 0;
}

static int teardown(void **state)
{
	settle_free(*state);
	free(*state);
	return 0;
}

static void take(struct settle *settle, uint32_t id)
{
	struct batch *batch = batch_new("s");
	settle_take(settle, &id, 1, batch, key);
	batch_free(batch);
}

static bool advance(struct settle *settle, uint32_t up_to)
{
	struct batch *batch = batch_new("s");
	bool moved = settle_advance(settle, up_to, batch, key);
	batch_free(batch);
	return moved;
}

static void an_id_is_taken_once(void **state)
{
	struct settle *settle = *state;
	assert_true(settle_is_taken(settle, 100));
	assert_false(settle_is_taken(settle, 105));
	take(settle, 105);
	assert_true(settle_is_taken(settle, 105));
	assert_false(settle_is_taken(settle, 104));
	take(settle, 104);
	assert_true(settle_is_taken(settle, 104));
}

static void what_was_taken_is_no_backlog(void **state)
{
	struct settle *settle = *state;
	assert_int_equal(settle_untaken(settle, 100), 0);
	assert_int_equal(settle_untaken(settle, 90), 0);
	assert_int_equal(settle_untaken(settle, 110), 10);
	take(settle, 105);
	take(settle, 107);
	take(settle, 120);
	assert_int_equal(settle_untaken(settle, 110), 8);
	assert_int_equal(settle_untaken(settle, 120), 17);
	assert_int_equal(settle_untaken(settle, 1000), 897);
}

static void nothing_settles_before_its_time(void **state)
{
	struct settle *settle = *state;
	assert_int_equal(settle_ask(settle, 1000), 100);
	take(settle, 110);
	assert_false(advance(settle, 110));
	settle_note(settle, 1000, 110);
	settle_ask(settle, 1000 + T_MS - 1);
	assert_false(advance(settle, 110));
}

static void what_was_noted_t_ago_settles(void **state)
{
	struct settle *settle = *state;
	settle_ask(settle, 1000);
	take(settle, 110);
	settle_note(settle, 1000, 110);
	assert_int_equal(settle_ask(settle, 1000 + T_MS), 100);
	assert_true(advance(settle, 120));
	assert_int_equal(settle->settled, 110);
	assert_int_equal(settle->n_taken, 0);
}

static void what_an_answer_was_dropped_with_is_asked_for_again(void **state)
{
	struct settle *settle = *state;
	settle_note(settle, 1000, 150);
	assert_int_equal(settle_ask(settle, 1000), 100);
	settle_dropped(settle);
	assert_int_equal(settle_ask(settle, 2000), 100);
	assert_int_equal(settle_ask(settle, 2000 + QUICK_MS), 150);
}

/* While a long answer is read, only what was passed is settled. */
static void it_settles_no_further_than_was_taken(void **state)
{
	struct settle *settle = *state;
	settle_note(settle, 1000, 500);
	settle_ask(settle, 1000 + T_MS);
	assert_true(advance(settle, 200));
	assert_int_equal(settle->settled, 200);
	assert_true(advance(settle, 900));
	assert_int_equal(settle->settled, 500);
}

static void between_full_reads_only_the_end_is_asked_for(void **state)
{
	struct settle *settle = *state;
	settle_ask(settle, 1000);
	settle_note(settle, 1000, 110);
	assert_int_equal(settle_ask(settle, 1000 + QUICK_MS - 1), 100);
	assert_int_equal(settle_ask(settle, 1000 + QUICK_MS), 110);
	assert_false(advance(settle, 110));
	assert_int_equal(settle_ask(settle, 1000 + QUICK_MS - 1 + T_MS), 100);
}

static void what_was_stored_is_known_again(void **state)
{
	struct settle *settle = *state;
	struct batch *batch = batch_new("s");
	uint32_t ids[] = {103, 107, 108};
	settle_take(settle, ids, 3, batch, key);
	assert_int_equal(batch->puts.n, 1);
	struct state_put put = batch->puts.puts[0];
	assert_true(slice_equal(put.key, slice_of_text("taken/s/00000067")));
	struct settle again;
	settle_start(&again, 100, T_MS);
	assert_true(settle_load(&again, put.value));
	assert_true(settle_is_taken(&again, 107));
	assert_false(settle_is_taken(&again, 106));
	assert_false(settle_load(&again, slice_of(put.value.data, 7)));
	settle_free(&again);
	batch_free(batch);
}

static void settled_lists_are_removed(void **state)
{
	struct settle *settle = *state;
	take(settle, 103);
	take(settle, 120);
	settle_note(settle, 1000, 110);
	settle_ask(settle, 1000 + T_MS);
	struct batch *batch = batch_new("s");
	assert_true(settle_advance(settle, 110, batch, key));
	assert_int_equal(batch->puts.n, 1);
	assert_true(batch->puts.puts[0].remove);
	assert_true(slice_equal(batch->puts.puts[0].key, slice_of_text("taken/s/00000067")));
	batch_free(batch);
	assert_true(settle_is_taken(settle, 120));
}

static void under_steady_load_it_goes_on_settling(void **state)
{
	struct settle *settle = *state;
	for (int64_t now = 1; now < 6 * T_MS; now += 5) {
		uint32_t id = 100 + (uint32_t)now;
		settle_ask(settle, now);
		take(settle, id);
		advance(settle, id);
		settle_note(settle, now, id);
	}
	assert_true(settle->settled > 100 + 3 * T_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_id_is_taken_once, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_taken_is_no_backlog, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_settles_before_its_time, setup, teardown),
		cmocka_unit_test_setup_teardown(what_an_answer_was_dropped_with_is_asked_for_again, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_noted_t_ago_settles, setup, teardown),
		cmocka_unit_test_setup_teardown(it_settles_no_further_than_was_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(between_full_reads_only_the_end_is_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_stored_is_known_again, setup, teardown),
		cmocka_unit_test_setup_teardown(settled_lists_are_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(under_steady_load_it_goes_on_settling, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
