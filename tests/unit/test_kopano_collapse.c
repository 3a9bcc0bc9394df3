/* Several journal entries of one item become one change (kopano-protocol 4.6), in ascending order of change id. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "bridge/kopano/kopano.h"

static struct entry entry(uint32_t change_id, const char *key, uint32_t action, uint32_t flags)
{
	return (struct entry){.change_id = change_id,
			      .identity = slice_of_text(key),
			      .source_key = slice_of_text(key),
			      .type = ENTRY_MESSAGE | action,
			      .flags = flags};
}

/* What remains of two entries of one item. */
static struct outcome pair(uint32_t first, uint32_t second, uint32_t flags)
{
	struct entry entries[] = {entry(5, "a", first, flags), entry(9, "a", second, flags)};
	struct outcome outcomes[2];
	assert_int_equal(collapse(entries, 2, outcomes), 1);
	assert_int_equal(outcomes[0].change_id, 9);
	return outcomes[0];
}

static void one_entry_is_one_change(void **state)
{
	(void)state;
	struct entry entries[] = {entry(1, "a", ENTRY_NEW, 0), entry(2, "b", ENTRY_CHANGE, 0),
				  entry(3, "c", ENTRY_FLAG, 1), entry(4, "d", ENTRY_SOFT_DELETE, 0),
				  entry(5, "e", ENTRY_HARD_DELETE, 0)};
	struct outcome outcomes[5];
	enum change_kind kinds[] = {CHANGE_CREATED, CHANGE_UPDATED, CHANGE_READ_STATE, CHANGE_DELETED, CHANGE_DELETED};
	assert_int_equal(collapse(entries, 5, outcomes), 5);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(outcomes[i].kind, kinds[i]);
		assert_int_equal(outcomes[i].change_id, i + 1);
	}
	assert_true(outcomes[2].read);
	assert_int_equal(outcomes[3].deletion, DELETION_SOFT);
	assert_int_equal(outcomes[4].deletion, DELETION_HARD);
}

static void a_created_item_stays_created(void **state)
{
	(void)state;
	assert_int_equal(pair(ENTRY_NEW, ENTRY_CHANGE, 0).kind, CHANGE_CREATED);
	assert_int_equal(pair(ENTRY_NEW, ENTRY_FLAG, 1).kind, CHANGE_CREATED);
}

static void a_change_covers_a_read_flag_in_either_order(void **state)
{
	(void)state;
	assert_int_equal(pair(ENTRY_CHANGE, ENTRY_FLAG, 1).kind, CHANGE_UPDATED);
	assert_int_equal(pair(ENTRY_FLAG, ENTRY_CHANGE, 1).kind, CHANGE_UPDATED);
}

/* The server may still show the flag of before when the item is read. */
static void a_read_flag_after_the_content_is_remembered(void **state)
{
	(void)state;
	struct outcome outcome = pair(ENTRY_CHANGE, ENTRY_FLAG, 1);
	assert_true(outcome.read_is_last);
	assert_true(outcome.read);
	assert_false(pair(ENTRY_FLAG, ENTRY_CHANGE, 1).read_is_last);
}

/* The official client would keep the read flag alone; content is never given up here. */
static void a_new_entry_after_a_read_flag_is_read(void **state)
{
	(void)state;
	assert_int_equal(pair(ENTRY_FLAG, ENTRY_NEW, 1).kind, CHANGE_CREATED);
}

static void a_delete_covers_everything_before_it(void **state)
{
	(void)state;
	assert_int_equal(pair(ENTRY_NEW, ENTRY_HARD_DELETE, 0).kind, CHANGE_DELETED);
	assert_int_equal(pair(ENTRY_CHANGE, ENTRY_SOFT_DELETE, 0).deletion, DELETION_SOFT);
	assert_int_equal(pair(ENTRY_FLAG, ENTRY_HARD_DELETE, 1).deletion, DELETION_HARD);
}

static void the_later_kind_of_delete_counts(void **state)
{
	(void)state;
	assert_int_equal(pair(ENTRY_SOFT_DELETE, ENTRY_HARD_DELETE, 0).deletion, DELETION_HARD);
}

static void what_comes_after_a_delete(void **state)
{
	(void)state;
	assert_int_equal(pair(ENTRY_SOFT_DELETE, ENTRY_CHANGE, 0).kind, CHANGE_UPDATED);
	assert_int_equal(pair(ENTRY_SOFT_DELETE, ENTRY_NEW, 0).kind, CHANGE_CREATED);
	assert_int_equal(pair(ENTRY_HARD_DELETE, ENTRY_FLAG, 1).kind, CHANGE_DELETED);
}

/* If the item turns out to be gone, the delete must not be lost. */
static void a_change_after_a_delete_remembers_it(void **state)
{
	(void)state;
	assert_int_equal(pair(ENTRY_SOFT_DELETE, ENTRY_CHANGE, 0).deletion, DELETION_SOFT);
}

/* The record of an item stands at its highest entry: ids ascend whatever the order of first entries was. */
static void records_leave_in_ascending_change_id(void **state)
{
	(void)state;
	struct entry entries[] = {entry(1, "a", ENTRY_NEW, 0), entry(2, "b", ENTRY_NEW, 0),
				  entry(3, "a", ENTRY_CHANGE, 0)};
	struct outcome outcomes[3];
	assert_int_equal(collapse(entries, 3, outcomes), 2);
	assert_int_equal(outcomes[0].change_id, 2);
	assert_int_equal(outcomes[1].change_id, 3);
}

static void a_full_batch_of_different_items_keeps_them_all(void **state)
{
	(void)state;
	struct entry entries[BATCH_CHANGES];
	struct outcome outcomes[BATCH_CHANGES];
	char keys[BATCH_CHANGES][8];
	for (uint32_t i = 0; i < BATCH_CHANGES; i++) {
		snprintf(keys[i], sizeof keys[i], "k%u", i);
		entries[i] = entry(i + 1, keys[i], ENTRY_NEW, 0);
	}
	assert_int_equal(collapse(entries, BATCH_CHANGES, outcomes), BATCH_CHANGES);
	for (uint32_t i = 0; i < BATCH_CHANGES; i++)
		assert_true(slice_equal(outcomes[i].source_key, slice_of_text(keys[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_entry_is_one_change),
		cmocka_unit_test(a_created_item_stays_created),
		cmocka_unit_test(a_change_covers_a_read_flag_in_either_order),
		cmocka_unit_test(a_read_flag_after_the_content_is_remembered),
		cmocka_unit_test(a_change_after_a_delete_remembers_it),
		cmocka_unit_test(a_new_entry_after_a_read_flag_is_read),
		cmocka_unit_test(a_delete_covers_everything_before_it),
		cmocka_unit_test(the_later_kind_of_delete_counts),
		cmocka_unit_test(what_comes_after_a_delete),
		cmocka_unit_test(records_leave_in_ascending_change_id),
		cmocka_unit_test(a_full_batch_of_different_items_keeps_them_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
