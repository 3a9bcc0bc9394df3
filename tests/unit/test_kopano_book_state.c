/* What the address book keeps in the state: written, read back, and refused where it is damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bridge/kopano/book_read.h"
#include "bridge/kopano/book_state.h"

static struct slice changed(struct arena *arena, struct slice bytes, size_t at, uint8_t by)
{
	struct slice copy = arena_copy(arena, bytes);
	((uint8_t *)copy.data)[at] = by;
	return copy;
}

static void a_position(void **state)
{
	struct arena arena = {0};
	struct book_position position = {.epoch = 2, .change_id = 0x01020304, .objects = 24, .listing_no = 5}, back;

	(void)state;
	position.listing = BOOK_LISTING_ALL;
	memset(position.snapshot_id, 0xAB, SNAPSHOT_ID_SIZE);
	struct slice bytes = book_position_write(&arena, &position);
	memset(&back, 0xFF, sizeof back);
	assert_true(book_position_read(bytes, &back));
	assert_memory_equal(&back, &position, sizeof back);
	for (size_t n = 0; n < bytes.size; n++)
		assert_false(book_position_read(slice_of(bytes.data, n), &back));
	assert_false(book_position_read(changed(&arena, bytes, 0, 2), &back));
	assert_false(book_position_read(changed(&arena, bytes, 17, N_BOOK_LISTINGS), &back));
	arena_free(&arena);
}

static void an_entry(void **state)
{
	struct arena arena = {0};
	struct book_entry entry = {.listing_no = 7}, back;
	struct slice bytes = book_entry_write(&arena, &entry);

	(void)state;
	assert_true(book_entry_read(bytes, &back));
	assert_int_equal(back.listing_no, 7);
	assert_false(book_entry_read(slice_of(bytes.data, bytes.size - 1), &back));
	assert_false(book_entry_read(changed(&arena, bytes, 1, 0), &back));
	assert_string_equal(book_entry_key(&arena, slice_of("\x01\xAB", 2)), "book/01ab");
	arena_free(&arena);
}

static void the_state_of_python_kopano(void **state)
{
	struct arena arena = {0};
	struct slice processed;
	uint32_t change_id;

	(void)state;
	assert_true(book_given_read(slice_of("\4\0\0\0\0\0\0\0", 8), &change_id, &processed));
	assert_int_equal(change_id, 4);
	assert_int_equal(processed.size, 0);
	struct slice bytes = book_given_write(&arena, 4, slice_of("\6\0\0\0\7\0\0\0", 8));
	assert_int_equal(bytes.size, 16);
	assert_memory_equal(bytes.data, "\4\0\0\0\2\0\0\0\6\0\0\0\7\0\0\0", 16);
	assert_true(book_given_read(bytes, &change_id, &processed));
	assert_int_equal(processed.size, 8);
	for (size_t n = 0; n < bytes.size; n++)
		assert_false(book_given_read(slice_of(bytes.data, n), &change_id, &processed));
	assert_false(book_given_read(slice_of("\4\0\0\0\0\0\0\x40", 8), &change_id, &processed));
	arena_free(&arena);
}

static void what_an_entry_id_names(void **state)
{
	uint8_t entry_id[36] = {[24] = BOOK_GROUP};

	(void)state;
	assert_int_equal(book_type(slice_of(entry_id, sizeof entry_id)), BOOK_GROUP);
	assert_int_equal(book_type(slice_of(entry_id, 31)), 0);
	assert_int_equal(book_type(slice_of(NULL, 0)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_position),
		cmocka_unit_test(an_entry),
		cmocka_unit_test(the_state_of_python_kopano),
		cmocka_unit_test(what_an_entry_id_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
