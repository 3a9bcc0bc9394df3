/* What was heard and not yet taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "bridge/kopano/heard.h"

static struct slice text(const char *words)
{
	return slice_of_text(words);
}

static struct notice item(enum notice_event event, const char *parent)
{
	return (struct notice){.number = 2,
			       .event = event,
			       .object = NOTICE_ITEM,
			       .entry_id = text("item"),
			       .parent_entry_id = text(parent)};
}

static void a_folder_rings_once(void **state)
{
	struct rung rung = {0};
	struct notice in_a = item(NOTICE_CREATED, "a"), in_b = item(NOTICE_UPDATED, "b");

	(void)state;
	assert_true(rung_is_empty(&rung));
	rung_by(&rung, &in_a);
	rung_by(&rung, &in_a);
	rung_by(&rung, &in_b);
	assert_int_equal(rung.n_folders, 2);
	assert_true(slice_equal(rung.folders[0], text("a")));
	assert_true(slice_equal(rung.folders[1], text("b")));
	assert_false(rung.any || rung.hierarchy || rung_is_empty(&rung));
	rung_free(&rung);
	assert_true(rung_is_empty(&rung));
}

static void a_move_rings_in_both_folders(void **state)
{
	struct rung rung = {0};
	struct notice moved = item(NOTICE_MOVED, "to"), copied = item(NOTICE_COPIED, "copy");

	(void)state;
	moved.old_parent_entry_id = text("from");
	copied.old_parent_entry_id = text("original");
	rung_by(&rung, &moved);
	rung_by(&rung, &copied);
	assert_int_equal(rung.n_folders, 3);
	assert_true(slice_equal(rung.folders[1], text("from")));
	assert_true(slice_equal(rung.folders[2], text("copy")));
	rung_free(&rung);
}

static void folders_ring_for_the_hierarchy_and_stores_for_nothing(void **state)
{
	struct rung rung = {0};
	struct notice notice = {.event = NOTICE_UPDATED, .object = NOTICE_STORE, .entry_id = text("store")};

	(void)state;
	rung_by(&rung, &notice);
	assert_true(rung_is_empty(&rung));
	notice.object = NOTICE_FOLDER;
	rung_by(&rung, &notice);
	assert_true(rung.hierarchy);
	assert_int_equal(rung.n_folders, 0);
	notice = (struct notice){.event = 0, .object = NOTICE_ITEM};
	rung_by(&rung, &notice);
	assert_false(rung.any);
	rung_free(&rung);
}

static void without_a_folder_or_with_too_many_everything_rings(void **state)
{
	static char names[HEARD_FOLDERS + 1][8];
	struct rung rung = {0};
	struct notice nowhere = item(NOTICE_DELETED, "");

	(void)state;
	rung_by(&rung, &nowhere);
	assert_true(rung.any);
	rung_free(&rung);
	for (size_t i = 0; i <= HEARD_FOLDERS; i++) {
		snprintf(names[i], sizeof names[i], "%zu", i);
		struct notice notice = item(NOTICE_CREATED, names[i]);
		assert_false(rung.any);
		rung_by(&rung, &notice);
	}
	assert_true(rung.any);
	assert_int_equal(rung.n_folders, 0);
	rung_free(&rung);
}

static void notices_are_kept_in_order(void **state)
{
	struct notices notices = {0};
	char entry_id[] = "new";
	struct notice moved = item(NOTICE_MOVED, "to");

	(void)state;
	assert_true(notices_are_none(&notices));
	moved.entry_id = text(entry_id);
	moved.old_entry_id = text("old");
	notices_add(&notices, &moved, 4711, 10);
	entry_id[0] = '?'; /* it was copied */
	for (int i = 0; i < 9; i++)
		notices_add(&notices, &moved, 1, 100);
	assert_int_equal(notices.n, 10);
	assert_int_equal(notices.list[0].at_ns, 4711);
	assert_true(slice_equal(notices.list[0].notice.entry_id, text("new")));
	assert_true(slice_equal(notices.list[0].notice.old_entry_id, text("old")));
	assert_int_equal(notices.n_dropped, 0);
	notices_free(&notices);
	assert_true(notices_are_none(&notices));
}

/* Once some are missing, no later one is kept: what is missing is in one place. */
static void of_too_many_notices_the_number_is_kept(void **state)
{
	struct notices notices = {0};
	struct notice notice = item(NOTICE_CREATED, "a");

	(void)state;
	for (int i = 0; i < 10; i++)
		notices_add(&notices, &notice, i, 4);
	assert_int_equal(notices.n, 4);
	assert_int_equal(notices.n_dropped, 6);
	notices_free(&notices);
	notices_add(&notices, &notice, 1, 0); /* nobody wants them */
	assert_true(notices_are_none(&notices));
}

static void an_entry_id_of_any_length_is_borne(void **state)
{
	static uint8_t bytes[HEARD_ID_BYTES + 1];
	struct notices notices = {0};
	struct rung rung = {0};
	struct notice notice = {.event = NOTICE_CREATED,
				.object = NOTICE_ITEM,
				.entry_id = slice_of(bytes, sizeof bytes),
				.parent_entry_id = slice_of(bytes, sizeof bytes)};

	(void)state;
	notices_add(&notices, &notice, 1, 4);
	assert_int_equal(notices.list[0].notice.entry_id.size, 0);
	rung_by(&rung, &notice);
	assert_true(rung.any);
	notices_free(&notices);
	rung_free(&rung);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_folder_rings_once),
		cmocka_unit_test(a_move_rings_in_both_folders),
		cmocka_unit_test(folders_ring_for_the_hierarchy_and_stores_for_nothing),
		cmocka_unit_test(without_a_folder_or_with_too_many_everything_rings),
		cmocka_unit_test(notices_are_kept_in_order),
		cmocka_unit_test(of_too_many_notices_the_number_is_kept),
		cmocka_unit_test(an_entry_id_of_any_length_is_borne),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
