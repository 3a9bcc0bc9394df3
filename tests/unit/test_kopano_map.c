/* The map of stores and folders: finding, moving, walking, paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/map_rig.h"

/* ---- tests ---- */

static void children_may_come_before_parents(void **state)
{
	(void)state;
	user1 = put_store(1, "user1");
	map_set_tree(&map, user1, key_of(1), key_of(2));
	put(5, 4, "c\\d");
	assert_int_equal(map.n_folders, 1);
	assert_int_equal(number(4), MAP_NONE);
	assert_string_equal(path(5), "");
	put(4, 3, "a/b");
	put(3, 2, "Inbox");
	assert_string_equal(path(5), "Inbox/a\\/b/c\\\\d");
	assert_int_equal(map.n_folders, 3);
}

static void paths_begin_below_the_subtree(void **state)
{
	(void)state;
	make_tree();
	put(6, 1, "Shortcut");
	assert_string_equal(path(3), "Inbox");
	assert_string_equal(path(4), "Inbox/a\\/b");
	assert_string_equal(path(2), "");
	assert_string_equal(path(6), "");
	assert_false(map_is_visible(&map, number(2)));
	assert_true(map_is_visible(&map, number(3)));
}

static void what_changed_is_told(void **state)
{
	(void)state;
	make_tree();
	put(3, 2, "Inbox");
	assert_int_equal(changes, 0);
	put(3, 2, "Eingang");
	assert_int_equal(changes, CHANGED_NAME);
	put(5, 3, "c\\d");
	assert_int_equal(changes, CHANGED_PARENT);
	assert_string_equal(path(5), "Eingang/c\\\\d");
	struct folder_row row = row_of(1, 3, 2, "Eingang");
	row.container_class = slice_of(NULL, 0);
	row.hidden = true;
	assert_int_equal(map_put(&map, 0, &row, &changes), number(3));
	assert_int_equal(changes, CHANGED_CLASS | CHANGED_HIDDEN);
	put(9, 2, "new");
	assert_int_equal(changes, CHANGED_NEW);
}

static void a_moved_folder_takes_what_is_below_with_it(void **state)
{
	(void)state;
	make_tree();
	put(7, 2, "Archive");
	put(4, 7, "a");
	assert_string_equal(path(5), "Archive/a/c\\\\d");
	assert_true(map_is_below(&map, number(5), number(7)));
	assert_false(map_is_below(&map, number(5), number(3)));
}

static void a_folder_is_never_put_below_itself(void **state)
{
	(void)state;
	make_tree();
	assert_int_equal(put(3, 5, "Inbox"), MAP_NONE);
	assert_int_equal(put(3, 3, "Inbox"), MAP_NONE);
	assert_string_equal(path(5), "Inbox/a\\/b/c\\\\d");
	/* Once its parent is where it is, it can go there. */
	put(5, 2, "c");
	assert_int_not_equal(put(3, 5, "Inbox"), MAP_NONE);
	assert_string_equal(path(4), "c/Inbox/a\\/b");
}

static void walks_go_down_and_up(void **state)
{
	(void)state;
	make_tree();
	put(6, 3, "z");
	uint32_t top = number(3), n = 0, last = MAP_NONE;
	for (uint32_t f = top; f != MAP_NONE; f = map_next(&map, top, f)) {
		assert_true(f == top || last == MAP_NONE || map_is_below(&map, f, top));
		assert_true(f == top ? n == 0 : true);
		last = f;
		n++;
	}
	assert_int_equal(n, 4);
	bool seen[16] = {0};
	n = 0;
	for (uint32_t f = map_deepest(&map, top); f != MAP_NONE; f = map_next_up(&map, top, f)) {
		for (uint32_t g = map_next(&map, f, f); g != MAP_NONE; g = map_next(&map, f, g))
			assert_true(seen[g]); /* children first */
		seen[f] = true;
		last = f;
		n++;
	}
	assert_int_equal(n, 4);
	assert_int_equal(last, top);
	n = 0;
	for (uint32_t f = map_next_of_store(&map, 0, MAP_NONE); f != MAP_NONE; f = map_next_of_store(&map, 0, f))
		n++;
	assert_int_equal(n, map.n_folders);
}

static void odd_keys_and_ids_are_kept_whole(void **state)
{
	(void)state;
	make_tree();
	struct folder_row row = row_of(1, 3, 2, "odd");
	row.source_key = slice_of_text("imported");
	row.entry_id = slice_of_text("version 0");
	uint32_t odd = map_put(&map, 0, &row, &changes);
	assert_int_equal(map_find(&map, slice_of_text("imported")), odd);
	assert_true(slice_equal(map_source_key(&map, odd, &arena), row.source_key));
	assert_true(slice_equal(map_entry_id(&map, odd, &arena), row.entry_id));
	assert_true(slice_equal(map_entry_id(&map, number(3), &arena), id_of(1, 3, 3)));
	assert_true(slice_equal(map_source_key(&map, number(3), &arena), key_of(3)));
	assert_int_equal(map_find(&map, slice_of_text("unknown")), MAP_NONE);
	map_put(&map, 0, &row, &changes);
	assert_int_equal(changes, 0);
}

static void a_folder_of_another_store_keeps_its_entry_id(void **state)
{
	(void)state;
	make_tree();
	uint32_t other = put_store(2, "user2");
	map_set_tree(&map, other, key_of(101), key_of(102));
	struct folder_row row = row_of(1, 4, 102, "a");
	map_put(&map, other, &row, &changes);
	assert_int_equal(changes & CHANGED_PARENT, CHANGED_PARENT);
	assert_int_equal(map_folder(&map, number(5))->store, other);
	assert_true(slice_equal(map_entry_id(&map, number(5), &arena), id_of(1, 3, 5)));
	assert_string_equal(path(5), "a/c\\\\d");
}

static void the_flag_of_a_foreign_home_is_taken_off(void **state)
{
	(void)state;
	struct store_row row = {.entry_id = id_of(1, 1, 1), .type = STORE_PUBLIC};
	write_guid(1, row.guid);
	((uint8_t *)row.entry_id.data)[26] = 16;
	uint32_t store = map_put_store(&map, &row, &changes);
	assert_int_equal(changes, CHANGED_NEW);
	assert_true(slice_equal(map_store_entry_id(&map, store, &arena), id_of(1, 1, 1)));
	row.detached = true;
	map_put_store(&map, &row, &changes);
	assert_int_equal(changes, CHANGED_DETACHED);
}

static void removed_folders_and_stores_are_gone(void **state)
{
	(void)state;
	make_tree();
	map_remove(&map, number(4)); /* 5 stays, without a parent */
	assert_int_equal(number(4), MAP_NONE);
	assert_string_equal(path(5), "");
	map_remove(&map, number(5));
	assert_int_equal(map.n_folders, 3);
	map_remove_store(&map, user1);
	assert_int_equal(map.n_folders, 0);
	assert_int_equal(map_next_store(&map, MAP_NONE), MAP_NONE);
	make_tree();
	assert_string_equal(path(5), "Inbox/a\\/b/c\\\\d");
}

/* Against a list that is searched from the start. */
static void any_order_of_puts_and_removals_is_the_same_tree(void **state)
{
	enum { N = 200, STEPS = 20000 };
	static uint32_t parents[N];
	(void)state;
	memset(parents, 0, sizeof parents);
	user1 = put_store(1, "user1");
	map_set_tree(&map, user1, key_of(1), key_of(2));
	srand(7);
	for (int i = 0; i < STEPS; i++) {
		uint32_t n = 3 + (uint32_t)rand() % (N - 3), parent = 2 + (uint32_t)rand() % (N - 2);
		arena_free(&arena);
		if (rand() % 3 == 0) {
			if (number(n) != MAP_NONE)
				map_remove(&map, number(n));
			parents[n] = 0;
			continue;
		}
		bool cycle = false;
		for (uint32_t at = parent; at > 2 && !cycle; at = parents[at])
			cycle = at == n;
		assert_int_equal(put(n, parent, "f") == MAP_NONE, cycle);
		if (!cycle)
			parents[n] = parent;
	}
	uint32_t n_known = 0;
	for (uint32_t n = 3; n < N; n++) {
		assert_int_equal(number(n) != MAP_NONE, parents[n] != 0);
		n_known += parents[n] != 0;
		if (!parents[n])
			continue;
		uint32_t at = n;
		while (at > 2 && parents[at])
			at = parents[at];
		assert_int_equal(map_is_visible(&map, number(n)), at == 2);
		assert_true(slice_equal(map_source_key(&map, map_folder(&map, number(n))->parent, &arena),
					key_of(parents[n])));
	}
	assert_int_equal(map.n_folders, n_known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(children_may_come_before_parents, map_rig_start, map_rig_end),
		cmocka_unit_test_setup_teardown(paths_begin_below_the_subtree, map_rig_start, map_rig_end),
		cmocka_unit_test_setup_teardown(what_changed_is_told, map_rig_start, map_rig_end),
		cmocka_unit_test_setup_teardown(a_moved_folder_takes_what_is_below_with_it, map_rig_start, map_rig_end),
		cmocka_unit_test_setup_teardown(a_folder_is_never_put_below_itself, map_rig_start, map_rig_end),
		cmocka_unit_test_setup_teardown(walks_go_down_and_up, map_rig_start, map_rig_end),
		cmocka_unit_test_setup_teardown(odd_keys_and_ids_are_kept_whole, map_rig_start, map_rig_end),
		cmocka_unit_test_setup_teardown(a_folder_of_another_store_keeps_its_entry_id, map_rig_start,
						map_rig_end),
		cmocka_unit_test_setup_teardown(the_flag_of_a_foreign_home_is_taken_off, map_rig_start, map_rig_end),
		cmocka_unit_test_setup_teardown(removed_folders_and_stores_are_gone, map_rig_start, map_rig_end),
		cmocka_unit_test_setup_teardown(any_order_of_puts_and_removals_is_the_same_tree, map_rig_start,
						map_rig_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
