/* What libzmq holds for subscribers: copies in blocks, bounded, and given back when they are let go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/zeromq/held.h"

enum { LIMIT_BYTES = 200000, VALUE_BYTES = 1000, CHARGED_BYTES = 500, MOST_FRAMES = 1000 };

static struct held held;
static zmq_msg_t frames[MOST_FRAMES];
static size_t n_frames;

static int begin(void **state)
{
	(void)state;
	held_close(&held);
	held = (struct held){.limit_bytes = LIMIT_BYTES};
	n_frames = 0;
	return 0;
}

static size_t held_now(void)
{
	return held.charged_bytes - held.released_bytes;
}

static void hold(size_t size)
{
	static uint8_t value[LIMIT_BYTES];
	memset(value, (int)n_frames, size);
	held_frame(&held, slice_of(value, size), CHARGED_BYTES, &frames[n_frames++]);
}

static void fill(void)
{
	while (n_frames < MOST_FRAMES && held_has_room(&held, CHARGED_BYTES + VALUE_BYTES))
		hold(VALUE_BYTES);
}

static void let_go(size_t first)
{
	for (; n_frames > first; n_frames--)
		zmq_msg_close(&frames[n_frames - 1]);
}

static void a_frame_has_its_value(void **state)
{
	(void)state;
	fill();
	hold(0);
	hold(VALUE_BYTES * 100);
	hold(1);
	assert_int_equal(zmq_msg_size(&frames[n_frames - 3]), 0);
	assert_int_equal(zmq_msg_size(&frames[n_frames - 2]), VALUE_BYTES * 100);
	for (size_t i = 0; i < n_frames; i++)
		for (size_t at = 0; at < zmq_msg_size(&frames[i]); at++)
			assert_int_equal(((uint8_t *)zmq_msg_data(&frames[i]))[at], (uint8_t)i);
	let_go(0);
	held_close(&held);
	assert_int_equal(held_now(), 0);
}

static void it_is_bounded_and_goes_on_when_all_is_let_go(void **state)
{
	(void)state;
	for (int round = 0; round < 3; round++) {
		fill();
		assert_in_range(n_frames, LIMIT_BYTES / 2 / (VALUE_BYTES + CHARGED_BYTES), MOST_FRAMES - 1);
		assert_in_range(held_now(), LIMIT_BYTES / 2, LIMIT_BYTES);
		let_go(0);
	}
	assert_true(held_has_room(&held, LIMIT_BYTES - CHARGED_BYTES));
	assert_int_equal(held_now(), 0);
}

static void one_alone_always_fits(void **state)
{
	(void)state;
	held.limit_bytes = 1;
	for (int round = 0; round < 3; round++) {
		assert_true(held_has_room(&held, CHARGED_BYTES + VALUE_BYTES));
		hold(VALUE_BYTES);
		assert_false(held_has_room(&held, CHARGED_BYTES + VALUE_BYTES));
		let_go(0);
	}
}

static void one_that_is_not_let_go_keeps_its_block_and_no_other(void **state)
{
	(void)state;
	fill();
	let_go(1);
	held_close(&held);
	assert_in_range(held_now(), VALUE_BYTES + CHARGED_BYTES, LIMIT_BYTES / 3);
	let_go(0);
	assert_int_equal(held_now(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_frame_has_its_value, begin),
		cmocka_unit_test_setup(it_is_bounded_and_goes_on_when_all_is_let_go, begin),
		cmocka_unit_test_setup(one_alone_always_fits, begin),
		cmocka_unit_test_setup(one_that_is_not_let_go_keeps_its_block_and_no_other, begin),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
