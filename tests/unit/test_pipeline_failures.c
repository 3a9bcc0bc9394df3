/* What the pipeline does after a failure: nothing but commit what is complete (core/pipeline.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/support/script_rig.h"

static struct batch *batch_of(uint64_t position, size_t n_items)
{
	struct batch *batch = script_batch("a", position);
	for (size_t i = 1; i <= n_items; i++)
		script_item(batch, CHANGE_UPDATED, "in", "x", position * 10 + i);
	return batch;
}

/* Every way on must return the failure, send nothing and leave the position where it is. */
static void assert_is_over(struct rig *rig, int class)
{
	size_t n_records = rig->broker->n_records, n_commits = rig->state->n_commits;
	assert_false(pipeline_ready(rig->pipeline));
	assert_int_equal(rig_try_turn(rig), class);
	assert_int_equal(rig_try_take(rig, batch_of(9, 1)), class);
	assert_int_equal(rig_finish(rig), class);
	assert_int_equal(rig->err.class, class);
	assert_int_equal(rig->broker->n_records, n_records);
	assert_int_equal(rig->state->n_commits, n_commits);
}

static void a_record_that_could_not_be_sent_holds_its_batch_for_ever(void **state)
{
	struct rig *rig = *state;
	rig->broker->refuse_send = ERR_AGAIN;
	assert_int_equal(rig_try_take(rig, batch_of(1, 2)), ERR_AGAIN);
	assert_int_equal(rig->broker->n_records, 0);
	assert_is_over(rig, ERR_AGAIN);
}

static void nothing_overtakes_a_record_that_was_given_up(void **state)
{
	struct rig *rig = *state;
	rig->broker->room = 1;
	memory_broker_fail(rig->broker, 0, ERR_AGAIN);
	rig_take(rig, batch_of(1, 2));
	assert_int_equal(rig_try_turn(rig), ERR_AGAIN);
	rig_assert_sent(rig, "UPDATED in/x 11", NULL);
	assert_is_over(rig, ERR_AGAIN);
}

static void a_service_that_fails_once_is_a_failure_for_good(void **state)
{
	struct rig *rig = *state;
	rig_take(rig, batch_of(1, 1));
	rig->broker->refuse_service = ERR_AGAIN;
	assert_int_equal(rig_try_turn(rig), ERR_AGAIN);
	assert_is_over(rig, ERR_AGAIN);
}

static void a_fatal_refusal_stops(void **state)
{
	struct rig *rig = *state;
	rig->broker->refuse_send = ERR_FATAL;
	assert_int_equal(rig_try_take(rig, batch_of(1, 1)), ERR_FATAL);
	assert_is_over(rig, ERR_FATAL);
	assert_int_equal(rig->err.exit_code, EXIT_USAGE);
}

static void a_fatal_failure_outweighs_one_that_only_rewinds(void **state)
{
	struct rig *rig = *state;
	memory_broker_fail(rig->broker, 0, ERR_AGAIN);
	memory_broker_fail(rig->broker, 1, ERR_FATAL);
	memory_broker_fail(rig->broker, 2, ERR_AGAIN);
	rig_take(rig, batch_of(1, 3));
	assert_int_equal(rig_try_turn(rig), ERR_FATAL);
	assert_is_over(rig, ERR_FATAL);
}

static void a_fatal_failure_while_draining_outweighs_what_drain_says(void **state)
{
	struct rig *rig = *state;
	rig->broker->stalled = true;
	memory_broker_fail(rig->broker, 0, ERR_FATAL);
	rig_take(rig, batch_of(1, 2));
	memory_broker_answer(rig->broker, 1);
	assert_int_equal(rig_finish(rig), ERR_FATAL);
}

static void finish_commits_what_was_complete_before_the_failure(void **state)
{
	struct rig *rig = *state;
	memory_broker_fail(rig->broker, 1, ERR_FATAL);
	rig_take(rig, batch_of(1, 1));
	rig_take(rig, batch_of(2, 1));
	rig_take(rig, batch_of(3, 1));
	assert_int_equal(rig_try_turn(rig), ERR_FATAL);
	assert_int_equal(rig->state->n_commits, 0);
	assert_int_equal(rig_finish(rig), ERR_FATAL);
	assert_string_equal(rig_position(rig, "a"), "1");
}

static void a_commit_that_fails_stops_and_is_not_reported(void **state)
{
	struct rig *rig = *state;
	rig->state->n_failing = 2;
	rig_take(rig, batch_of(1, 1));
	assert_int_equal(rig_try_turn(rig), ERR_FATAL);
	assert_int_equal(rig->n_told, 0);
	assert_int_equal(pipeline_counts(rig->pipeline)->n_commits, 0);
	assert_is_over(rig, ERR_FATAL);
}

static void a_rewind_begins_anew_after_a_failure(void **state)
{
	struct rig *rig = *state;
	memory_broker_fail(rig->broker, 0, ERR_AGAIN);
	rig_take(rig, batch_of(1, 2));
	assert_int_equal(rig_try_turn(rig), ERR_AGAIN);
	rig_rewind(rig);
	rig_take(rig, batch_of(1, 2));
	rig_turn(rig);
	assert_string_equal(rig_position(rig, "a"), "1");
}

static void freeing_nothing_is_accepted(void **state)
{
	(void)state;
	pipeline_free(NULL);
	pipeline_free(pipeline_new());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_record_that_could_not_be_sent_holds_its_batch_for_ever),
		TEST(nothing_overtakes_a_record_that_was_given_up),
		TEST(a_service_that_fails_once_is_a_failure_for_good),
		TEST(a_fatal_refusal_stops),
		TEST(a_fatal_failure_outweighs_one_that_only_rewinds),
		TEST(a_fatal_failure_while_draining_outweighs_what_drain_says),
		TEST(finish_commits_what_was_complete_before_the_failure),
		TEST(a_commit_that_fails_stops_and_is_not_reported),
		TEST(a_rewind_begins_anew_after_a_failure),
		TEST(freeing_nothing_is_accepted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
