#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/batch.h"
#include "core/inflight.h"

struct line {
	struct inflight inflight;
	struct batch *batches[4];
	struct flight *flights[4];
};

static int setup(void **state)
{
	struct line *line = xcalloc(1, sizeof *line);
	for (size_t i = 0; i < 4; i++) {
		line->batches[i] = batch_new("a");
		line->flights[i] = inflight_add(&line->inflight, line->batches[i]);
	}
	*state = line;
	return 0;
}

static int teardown(void **state)
{
	struct line *line = *state;
	inflight_clear(&line->inflight);
	free(line);
	return 0;
}

static void expect_and_seal(struct line *line, size_t i, size_t n_records)
{
	for (size_t k = 0; k < n_records; k++)
		inflight_expect(&line->inflight, line->flights[i]);
	inflight_seal(line->flights[i]);
}

static void answer(struct line *line, size_t i)
{
	inflight_answered(&line->inflight, line->flights[i]);
}

static void assert_takes(struct line *line, size_t i)
{
	struct batch *batch = inflight_take(&line->inflight);
	assert_ptr_equal(batch, line->batches[i]);
	batch_free(batch);
}

static void assert_takes_none(struct line *line)
{
	assert_null(inflight_take(&line->inflight));
}

static void an_unsealed_batch_is_never_complete(void **state)
{
	struct line *line = *state;
	assert_takes_none(line);
	inflight_expect(&line->inflight, line->flights[0]);
	answer(line, 0);
	assert_takes_none(line);
	inflight_seal(line->flights[0]);
	assert_takes(line, 0);
}

static void the_last_answer_completes_a_batch(void **state)
{
	struct line *line = *state;
	expect_and_seal(line, 0, 3);
	for (int i = 0; i < 3; i++) {
		assert_takes_none(line);
		answer(line, 0);
	}
	assert_takes(line, 0);
	assert_takes_none(line);
}

static void batches_come_out_in_the_order_in_which_they_were_queued(void **state)
{
	struct line *line = *state;
	for (size_t i = 0; i < 4; i++)
		expect_and_seal(line, i, 1);
	for (size_t i = 3; i > 0; i--) {
		answer(line, i);
		assert_takes_none(line);
	}
	answer(line, 0);
	for (size_t i = 0; i < 4; i++)
		assert_takes(line, i);
	assert_takes_none(line);
}

static void an_empty_batch_waits_its_turn(void **state)
{
	struct line *line = *state;
	expect_and_seal(line, 0, 1);
	expect_and_seal(line, 1, 0);
	assert_takes_none(line);
	answer(line, 0);
	assert_takes(line, 0);
	assert_takes(line, 1);
	assert_takes_none(line);
}

static void it_counts_batches_and_unanswered_records(void **state)
{
	struct line *line = *state;
	expect_and_seal(line, 0, 2);
	expect_and_seal(line, 1, 1);
	answer(line, 1);
	assert_int_equal(line->inflight.n_batches, 4);
	assert_int_equal(line->inflight.n_unanswered, 2);
	answer(line, 0);
	answer(line, 0);
	assert_takes(line, 0);
	assert_int_equal(line->inflight.n_batches, 3);
	assert_int_equal(line->inflight.n_unanswered, 0);
}

static void it_can_be_filled_again_after_its_last_batch(void **state)
{
	struct line *line = *state;
	for (size_t i = 0; i < 4; i++) {
		expect_and_seal(line, i, 0);
		assert_takes(line, i);
	}
	line->batches[0] = batch_new("a");
	line->flights[0] = inflight_add(&line->inflight, line->batches[0]);
	expect_and_seal(line, 0, 0);
	assert_takes(line, 0);
}

static void the_batches_behind_one_can_be_walked(void **state)
{
	struct line *line = *state;
	const struct flight *flight = line->flights[1];
	for (size_t i = 1; i < 4; i++, flight = flight_next(flight))
		assert_ptr_equal(flight_batch(flight), line->batches[i]);
	assert_null(flight);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_unsealed_batch_is_never_complete),
		TEST(the_last_answer_completes_a_batch),
		TEST(batches_come_out_in_the_order_in_which_they_were_queued),
		TEST(an_empty_batch_waits_its_turn),
		TEST(it_counts_batches_and_unanswered_records),
		TEST(it_can_be_filled_again_after_its_last_batch),
		TEST(the_batches_behind_one_can_be_walked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
