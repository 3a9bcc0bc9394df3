/* What the consumer has not acknowledged: each record as it goes out, bounded, and freed as it is acknowledged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/zeromq/outbox.h"
#include "proto/stream.h"

enum { LIMIT_BYTES = 1 << 20, USUAL_BYTES = 3000, LARGE_BYTES = 300000, N_AT_ONCE = 100 };

static struct outbox outbox;
static uint8_t value[LARGE_BYTES];

static int begin(void **state)
{
	(void)state;
	outbox_init(&outbox, LIMIT_BYTES);
	return 0;
}

static int end(void **state)
{
	(void)state;
	outbox_free(&outbox);
	return 0;
}

static bool add(size_t size)
{
	uint64_t sequence = outbox_last(&outbox) + 1;
	memset(value, (int)sequence, size);
	const struct record record = {.topic = TOPIC_ITEMS,
				      .key = slice_of_text("store/folder"),
				      .value = slice_of(value, size),
				      .type = "tidings.v1.ItemUpdated",
				      .token = (void *)(uintptr_t)sequence};
	return outbox_add(&outbox, &record);
}

static void assert_record(uint64_t sequence, size_t size)
{
	struct slice bytes = outbox_at(&outbox, sequence)->bytes;
	struct stream_record record;
	assert_true(stream_next_record(&bytes, &record));
	assert_int_equal(record.value.size, size);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(record.value.data[i], (uint8_t)sequence);
}

static void take(void)
{
	uint64_t sequence = outbox.acknowledged + 1;
	assert_int_equal((uintptr_t)outbox_take(&outbox), sequence);
}

static void each_record_is_there_until_it_is_acknowledged(void **state)
{
	(void)state;
	for (int i = 0; i < N_AT_ONCE; i++)
		assert_true(add(USUAL_BYTES));
	for (int round = 0; round < 5 * N_AT_ONCE; round++) {
		for (uint64_t n = outbox.acknowledged + 1; n <= outbox_last(&outbox); n += 7)
			assert_record(n, USUAL_BYTES);
		take();
		assert_true(add(USUAL_BYTES));
	}
}

static void what_is_acknowledged_is_freed(void **state)
{
	(void)state;
	for (int round = 0; round < 3; round++) {
		assert_true(add(USUAL_BYTES));
		assert_true(add(LARGE_BYTES));
		assert_true(add(USUAL_BYTES));
		assert_record(outbox_last(&outbox) - 1, LARGE_BYTES);
		take();
		take();
		assert_ptr_equal(outbox.oldest, outbox.newest);
		take();
		assert_null(outbox.oldest);
		assert_null(outbox.newest);
	}
	assert_int_equal(outbox.n_bytes, 0);
}

static void it_takes_what_its_limit_allows(void **state)
{
	(void)state;
	size_t longest = outbox_longest(&outbox, slice_of_text("store/folder"));
	assert_in_range(longest, LIMIT_BYTES - 1000, LIMIT_BYTES);
	size_t n = 0;
	while (add(USUAL_BYTES))
		n++;
	assert_in_range(n, LIMIT_BYTES / USUAL_BYTES * 8 / 10, LIMIT_BYTES / USUAL_BYTES);
	take();
	assert_true(add(USUAL_BYTES));
	assert_false(add(USUAL_BYTES));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_record_is_there_until_it_is_acknowledged, begin, end),
		cmocka_unit_test_setup_teardown(what_is_acknowledged_is_freed, begin, end),
		cmocka_unit_test_setup_teardown(it_takes_what_its_limit_allows, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
