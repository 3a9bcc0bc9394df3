/* Positions and entries are read back as they were written; anything else is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bridge/kopano/position.h"

static void a_position_is_python_kopanos_state(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct stream_position position = {.sync_id = 5, .change_id = 109}, read;
	struct slice bytes = position_write(&arena, &position);
	/* 050000006D000000: sync id 5, change id 109 (kopano-behaviour, "State"). */
	const uint8_t expected[] = {5, 0, 0, 0, 0x6D, 0, 0, 0};
	assert_int_equal(bytes.size, sizeof expected);
	assert_memory_equal(bytes.data, expected, sizeof expected);
	assert_true(position_read(bytes, &read));
	assert_int_equal(read.sync_id, 5);
	assert_int_equal(read.change_id, 109);
	arena_free(&arena);
}

static void a_snapshot_position_comes_back(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct snapshot_position position = {.id = "0123456789abcde",
					     .listing = LISTING_ASSOCIATED,
					     .item_number = 7000},
				 read;
	assert_true(snapshot_read(snapshot_write(&arena, &position), &read));
	assert_memory_equal(read.id, position.id, SNAPSHOT_ID_SIZE);
	assert_int_equal(read.listing, LISTING_ASSOCIATED);
	assert_int_equal(read.item_number, 7000);
	arena_free(&arena);
}

static void the_ends_come_back(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct ends ends = {.server = {.guid = "0123456789abcde", .epoch = 3},
			    .mode = 1,
			    .following = FOLLOWING_SERVER,
			    .start_max = 77,
			    .generation = 5,
			    .resync = true},
		    read;
	assert_true(ends_read(ends_write(&arena, &ends), &read));
	assert_memory_equal(&read.server, &ends.server, sizeof read.server);
	assert_int_equal(read.following, FOLLOWING_SERVER);
	assert_int_equal(read.start_max, 77);
	assert_int_equal(read.generation, 5);
	assert_true(read.resync);
	arena_free(&arena);
}

static void whatever_is_too_short_or_too_long_is_refused(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct ends ends = {.server = {.guid = "0123456789abcde", .epoch = 3}, .following = FOLLOWING_FOLDERS}, read;
	struct slice bytes = ends_write(&arena, &ends);
	for (size_t n = 0; n < bytes.size; n++)
		assert_false(ends_read(slice_of(bytes.data, n), &read));
	uint8_t longer[512];
	memcpy(longer, bytes.data, bytes.size);
	assert_false(ends_read(slice_of(longer, bytes.size + 1), &read));
	struct stream_position position;
	assert_false(position_read(slice_of_text("1234"), &position));
	assert_false(position_read(slice_of_text("123456789"), &position));
	arena_free(&arena);
}

static void another_version_is_refused(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct snapshot_position position = {.item_number = 1}, read;
	struct slice bytes = snapshot_write(&arena, &position);
	((uint8_t *)bytes.data)[0] = 2;
	assert_false(snapshot_read(bytes, &read));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_position_is_python_kopanos_state),
		cmocka_unit_test(a_snapshot_position_comes_back),
		cmocka_unit_test(the_ends_come_back),
		cmocka_unit_test(whatever_is_too_short_or_too_long_is_refused),
		cmocka_unit_test(another_version_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
