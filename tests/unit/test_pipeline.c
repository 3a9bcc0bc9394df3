/* What the pipeline promises of commits and of order (core/pipeline.h, 1 and 2), and how it is driven. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/support/script_rig.h"

enum { ONE_RECORD = 1, TWO_RECORDS = 2 };

/* A batch of the stream whose items are named "<stream><position>.1", "<stream><position>.2", ... */
static struct batch *batch_of(const char *stream, uint64_t position, size_t n_items)
{
	struct batch *batch = script_batch(stream, position);
	for (size_t i = 1; i <= n_items; i++)
		script_item(batch, CHANGE_UPDATED, stream, arena_text(&batch->arena, "%d.%zu", (int)position, i), i);
	return batch;
}

static struct rig *stalled(void **state)
{
	struct rig *rig = *state;
	rig->broker->stalled = true;
	return rig;
}

/* ---- no early commit ---- */

static void nothing_is_committed_before_its_acknowledgement(void **state)
{
	struct rig *rig = stalled(state);
	rig_take(rig, batch_of("a", 1, ONE_RECORD));
	rig_turn(rig);
	assert_int_equal(rig->broker->n_records, 1);
	assert_int_equal(rig->state->n_commits, 0);
	rig_answer(rig, 1);
	assert_string_equal(rig_position(rig, "a"), "1");
}

static void one_unanswered_record_holds_its_batch(void **state)
{
	struct rig *rig = stalled(state);
	rig_take(rig, batch_of("a", 1, 3));
	rig_answer(rig, 2);
	assert_int_equal(rig->state->n_commits, 0);
	rig_answer(rig, 1);
	assert_string_equal(rig_position(rig, "a"), "1");
}

static void a_complete_batch_waits_for_the_one_before_it(void **state)
{
	struct rig *rig = stalled(state);
	rig->broker->order = MEMORY_NEWEST_FIRST;
	rig_take(rig, batch_of("a", 1, ONE_RECORD));
	rig_take(rig, batch_of("a", 2, TWO_RECORDS));
	rig_answer(rig, 2);
	assert_int_equal(rig->state->n_commits, 0);
	rig_answer(rig, 1);
	assert_string_equal(rig_position(rig, "a"), "2");
}

static void a_complete_batch_waits_for_another_streams_batch(void **state)
{
	struct rig *rig = stalled(state);
	rig->broker->order = MEMORY_NEWEST_FIRST;
	rig_take(rig, batch_of("a", 1, ONE_RECORD));
	rig_take(rig, batch_of("b", 9, ONE_RECORD));
	rig_answer(rig, 1);
	assert_string_equal(rig_position(rig, "b"), "");
	rig_answer(rig, 1);
	assert_string_equal(rig_position(rig, "a"), "1");
	assert_string_equal(rig_position(rig, "b"), "9");
}

static void the_complete_head_is_committed_while_later_batches_wait(void **state)
{
	struct rig *rig = stalled(state);
	rig_take(rig, batch_of("a", 1, ONE_RECORD));
	rig_take(rig, batch_of("a", 2, ONE_RECORD));
	rig_take(rig, batch_of("b", 9, ONE_RECORD));
	rig_answer(rig, 1);
	assert_string_equal(rig_position(rig, "a"), "1");
	assert_string_equal(rig_position(rig, "b"), "");
	rig_answer(rig, 1);
	assert_string_equal(rig_position(rig, "a"), "2");
	assert_string_equal(rig_position(rig, "b"), "");
}

static void an_empty_batch_needs_no_acknowledgement(void **state)
{
	struct rig *rig = stalled(state);
	rig_take(rig, batch_of("a", 1, 0));
	rig_turn(rig);
	assert_string_equal(rig_position(rig, "a"), "1");
}

static void an_empty_batch_waits_its_turn(void **state)
{
	struct rig *rig = stalled(state);
	rig_take(rig, batch_of("a", 1, ONE_RECORD));
	rig_take(rig, batch_of("b", 9, 0));
	rig_turn(rig);
	assert_int_equal(rig->state->n_commits, 0);
	rig_answer(rig, 1);
	assert_string_equal(rig_position(rig, "b"), "9");
}

static void a_batch_that_is_half_sent_is_not_committed(void **state)
{
	struct rig *rig = *state;
	rig_take(rig, batch_of("a", 1, 0));
	rig->broker->room = 2;
	rig->broker->stalled = true;
	rig_take(rig, batch_of("a", 2, 3));
	rig->broker->n_busy = 100;
	rig_answer(rig, 2);
	assert_int_equal(rig->broker->n_acknowledged, 2);
	assert_string_equal(rig_position(rig, "a"), "1");
	rig->broker->n_busy = 0;
	rig_answer(rig, 1);
	rig_answer(rig, 0);
	assert_string_equal(rig_position(rig, "a"), "2");
}

static void an_acknowledgement_counts_however_late(void **state)
{
	struct rig *rig = stalled(state);
	rig_take(rig, batch_of("a", 1, TWO_RECORDS));
	rig_answer(rig, 1);
	for (uint64_t position = 2; position <= 20; position++)
		rig_take(rig, batch_of("a", position, ONE_RECORD));
	rig_now_ms += 24 * 60 * 60 * 1000;
	rig_turn(rig);
	assert_int_equal(rig->state->n_commits, 0);
	rig_answer(rig, 20);
	assert_string_equal(rig_position(rig, "a"), "20");
}

static void positions_only_go_forward(void **state)
{
	struct rig *rig = stalled(state);
	rig->broker->order = MEMORY_NEWEST_FIRST;
	for (uint64_t position = 1; position <= 9; position++)
		rig_take(rig, batch_of("a", position, ONE_RECORD));
	rig_answer(rig, 9);
	const struct put_list *puts = &rig->state->commits[0].puts;
	for (size_t i = 0; i < 9; i++)
		assert_int_equal(puts->puts[i].value.data[0], '1' + i);
}

/* ---- order ---- */

static void records_leave_in_the_order_of_batches_and_changes(void **state)
{
	struct rig *rig = *state;
	struct batch *batch = batch_of("a", 1, TWO_RECORDS);
	batch_lifecycle(batch, LIFECYCLE_MISSED);
	rig_take(rig, batch);
	rig_take(rig, batch_of("b", 1, ONE_RECORD));
	rig_assert_sent(rig, "UPDATED a/1.1 1", "UPDATED a/1.2 2", "LIFECYCLE 5", "UPDATED b/1.1 1", NULL);
}

static void a_busy_sink_gets_the_same_record_again_and_no_other(void **state)
{
	struct rig *rig = *state;
	rig->broker->room = 1;
	rig_take(rig, batch_of("a", 1, 4));
	for (int i = 0; i < 4; i++)
		rig_turn(rig);
	rig_assert_sent(rig, "UPDATED a/1.1 1", "UPDATED a/1.2 2", "UPDATED a/1.3 3", "UPDATED a/1.4 4", NULL);
	assert_true(rig->broker->n_busy_said >= 3);
	assert_string_equal(rig_position(rig, "a"), "1");
}

static void no_batch_is_wanted_while_the_sink_is_busy(void **state)
{
	struct rig *rig = *state;
	rig->broker->room = 1;
	rig_take(rig, batch_of("a", 1, TWO_RECORDS));
	assert_false(pipeline_ready(rig->pipeline));
	assert_int_equal(pipeline_timeout_ms(rig->pipeline), BUSY_RETRY_MS);
	rig_turn(rig);
	assert_true(pipeline_ready(rig->pipeline));
}

static void key_and_value_stay_until_the_answer(void **state)
{
	struct rig *rig = stalled(state);
	for (uint64_t position = 1; position <= 5; position++)
		rig_take(rig, batch_of("a", position, 100));
	rig_answer(rig, 250);
	rig_answer(rig, 250);
	assert_int_equal(rig->broker->n_changed, 0);
	assert_string_equal(rig_position(rig, "a"), "5");
}

static void unanswered_records_come_again_after_a_rewind(void **state)
{
	struct rig *rig = stalled(state);
	rig_take(rig, batch_of("a", 1, ONE_RECORD));
	rig_take(rig, batch_of("a", 2, ONE_RECORD));
	rig_answer(rig, 1);
	rig_rewind(rig);
	assert_string_equal(rig_position(rig, "a"), "1");
	rig_take(rig, batch_of("a", 2, ONE_RECORD));
	rig_answer(rig, 1);
	assert_string_equal(rig_position(rig, "a"), "2");
	rig_assert_sent(rig, "UPDATED a/1.1 1", "UPDATED a/2.1 1", "UPDATED a/2.1 1", NULL);
}

/* ---- when commits happen ---- */

static void commits_are_gathered_for_100_ms(void **state)
{
	struct rig *rig = *state;
	rig_take(rig, batch_of("a", 1, ONE_RECORD));
	rig_turn(rig);
	rig_take(rig, batch_of("a", 2, ONE_RECORD));
	rig_take(rig, batch_of("a", 3, ONE_RECORD));
	assert_int_equal(pipeline_turn(rig->pipeline, &rig->err), 0);
	assert_int_equal(rig->state->n_commits, 1);
	assert_int_equal(pipeline_timeout_ms(rig->pipeline), COMMIT_INTERVAL_MS);
	rig_now_ms += COMMIT_INTERVAL_MS - 1;
	assert_int_equal(pipeline_timeout_ms(rig->pipeline), 1);
	rig_now_ms++;
	assert_int_equal(pipeline_turn(rig->pipeline, &rig->err), 0);
	assert_int_equal(rig->state->n_commits, 2);
	assert_string_equal(rig_position(rig, "a"), "3");
	assert_int_equal(pipeline_timeout_ms(rig->pipeline), -1);
}

static void a_quarter_of_the_budget_is_committed_at_once(void **state)
{
	static const uint8_t entry[1 << 16];
	struct rig *rig = *state;
	struct batch *batch = batch_of("a", 2, ONE_RECORD);
	batch_put(batch, slice_of_text("folder/x"), slice_of(entry, sizeof entry));
	rig->budget_bytes = 4 * sizeof entry;
	rig_rewind(rig);
	rig_take(rig, batch_of("a", 1, 0));
	rig_turn(rig);
	rig_take(rig, batch);
	assert_int_equal(pipeline_turn(rig->pipeline, &rig->err), 0);
	assert_string_equal(rig_position(rig, "a"), "2");
}

static void what_was_answered_makes_room_before_its_commit(void **state)
{
	struct rig *rig = *state;
	rig_take(rig, batch_of("a", 1, 0));
	rig_turn(rig); /* the next commit is due in 100 ms */
	struct batch *batch = batch_of("a", 2, 5);
	size_t n_charged = batch_bytes(batch), n_before = rig->told_bytes;
	rig_take(rig, batch);
	assert_int_equal(pipeline_turn(rig->pipeline, &rig->err), 0);
	assert_string_equal(rig_position(rig, "a"), "1");
	assert_in_range(rig->told_bytes - n_before, 1, n_charged - 1);
	rig_turn(rig);
	assert_string_equal(rig_position(rig, "a"), "2");
	assert_int_equal(rig->told_bytes - n_before, n_charged);
}

static void a_commit_is_one_call_with_every_put_in_order_and_the_marks(void **state)
{
	struct rig *rig = *state;
	struct batch *batch = batch_of("a", 1, ONE_RECORD);
	batch_put(batch, slice_of_text("folder/x"), slice_of_text("new"));
	rig_take(rig, batch);
	batch = batch_of("b", 1, ONE_RECORD);
	batch_remove(batch, slice_of_text("folder/x"));
	rig_take(rig, batch);
	rig_turn(rig);
	assert_int_equal(rig->state->n_commits, 1);
	assert_int_equal(rig->state->commits[0].n_lists, 3);
	assert_null(memory_state_text(rig->state, "folder/x"));
	assert_non_null(memory_state_text(rig->state, "offsets/memory"));
}

static void the_feeder_gets_back_exactly_what_it_was_charged(void **state)
{
	struct rig *rig = stalled(state);
	size_t n_charged = 0;
	for (uint64_t position = 1; position <= 3; position++) {
		struct batch *batch = batch_of("a", position, position * 7);
		n_charged += batch_bytes(batch);
		rig_take(rig, batch);
	}
	rig_answer(rig, 7);
	assert_int_equal(rig->n_told, 1);
	rig_answer(rig, 35);
	assert_int_equal(rig->n_told, 3);
	assert_int_equal(rig->told_bytes, n_charged);
}

static void counts_say_what_happened(void **state)
{
	struct rig *rig = *state;
	struct batch *batch = batch_of("a", 1, TWO_RECORDS);
	batch->n_gone = 4;
	rig_take(rig, batch);
	rig_turn(rig);
	const struct pipeline_counts *counts = pipeline_counts(rig->pipeline);
	assert_int_equal(counts->n_entries, 2);
	assert_int_equal(counts->n_gone, 4);
	assert_int_equal(counts->n_published, 2);
	assert_int_equal(counts->n_acknowledged, 2);
	assert_int_equal(counts->n_batches_committed, 1);
	assert_int_equal(counts->n_commits, 1);
	assert_int_equal(counts->n_dead_letters, 0);
}

/* ---- the end ---- */

static void finish_sends_drains_and_commits_all(void **state)
{
	struct rig *rig = *state;
	rig->broker->room = 2;
	rig_take(rig, batch_of("a", 1, 7));
	assert_int_equal(rig_finish(rig), 0);
	assert_int_equal(rig->broker->n_acknowledged, 7);
	assert_string_equal(rig_position(rig, "a"), "1");
}

static void finish_of_nothing_is_done(void **state)
{
	assert_int_equal(rig_finish(*state), 0);
}

static void finish_commits_only_the_complete_head_when_the_sink_never_answers(void **state)
{
	struct rig *rig = stalled(state);
	rig_take(rig, batch_of("a", 1, ONE_RECORD));
	rig_take(rig, batch_of("a", 2, TWO_RECORDS));
	memory_broker_answer(rig->broker, 2);
	assert_int_equal(rig_finish(rig), ERR_AGAIN);
	assert_string_equal(rig_position(rig, "a"), "1");
}

static void finish_ends_when_the_sink_is_busy_with_nothing(void **state)
{
	struct rig *rig = *state;
	rig_take(rig, batch_of("a", 1, ONE_RECORD));
	rig->broker->n_busy = SIZE_MAX;
	rig_take(rig, batch_of("a", 2, ONE_RECORD));
	assert_int_equal(rig_finish(rig), ERR_AGAIN);
	assert_string_equal(rig_position(rig, "a"), "1");
}

static void finish_ends_when_drain_wrongly_says_that_all_is_answered(void **state)
{
	struct rig *rig = stalled(state);
	rig->broker->defect = DEFECT_DRAIN_LIES;
	rig_take(rig, batch_of("a", 1, ONE_RECORD));
	assert_int_equal(rig_finish(rig), ERR_AGAIN);
	assert_int_equal(rig->state->n_commits, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_committed_before_its_acknowledgement),
		TEST(one_unanswered_record_holds_its_batch),
		TEST(a_complete_batch_waits_for_the_one_before_it),
		TEST(a_complete_batch_waits_for_another_streams_batch),
		TEST(the_complete_head_is_committed_while_later_batches_wait),
		TEST(an_empty_batch_needs_no_acknowledgement),
		TEST(an_empty_batch_waits_its_turn),
		TEST(a_batch_that_is_half_sent_is_not_committed),
		TEST(an_acknowledgement_counts_however_late),
		TEST(positions_only_go_forward),
		TEST(records_leave_in_the_order_of_batches_and_changes),
		TEST(a_busy_sink_gets_the_same_record_again_and_no_other),
		TEST(no_batch_is_wanted_while_the_sink_is_busy),
		TEST(key_and_value_stay_until_the_answer),
		TEST(unanswered_records_come_again_after_a_rewind),
		TEST(commits_are_gathered_for_100_ms),
		TEST(a_quarter_of_the_budget_is_committed_at_once),
		TEST(what_was_answered_makes_room_before_its_commit),
		TEST(a_commit_is_one_call_with_every_put_in_order_and_the_marks),
		TEST(the_feeder_gets_back_exactly_what_it_was_charged),
		TEST(counts_say_what_happened),
		TEST(finish_sends_drains_and_commits_all),
		TEST(finish_of_nothing_is_done),
		TEST(finish_commits_only_the_complete_head_when_the_sink_never_answers),
		TEST(finish_ends_when_the_sink_is_busy_with_nothing),
		TEST(finish_ends_when_drain_wrongly_says_that_all_is_answered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
