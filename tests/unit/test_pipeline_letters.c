/* What can never be delivered: dead letters, what stands beside them, and what stops the daemon (core/pipeline.h, 3).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/support/script_rig.h"

enum { LIMIT_BYTES = 100, TOO_LARGE_BYTES = 200 };

static struct rig *limited(void **state)
{
	struct rig *rig = *state;
	rig->broker->limit_bytes = LIMIT_BYTES;
	return rig;
}

static struct batch *batch_of_one(uint64_t position)
{
	struct batch *batch = script_batch("a", position);
	script_item(batch, CHANGE_UPDATED, "in", "x", position);
	return batch;
}

static struct batch *batch_too_large(uint64_t position)
{
	struct batch *batch = batch_of_one(position);
	script_grow(batch, &batch->changes[0], TOO_LARGE_BYTES);
	return batch;
}

static struct batch *batch_of_row(const char *item)
{
	struct batch *batch = script_batch("a", 1);
	script_row(batch, "in", item);
	return batch;
}

/* The row of item x leaves, then `later`; the row is refused when both have left. */
static void refuse_the_row_behind(struct rig *rig, struct batch *later)
{
	rig->broker->stalled = true;
	memory_broker_fail(rig->broker, 0, ERR_BAD);
	rig_take(rig, batch_of_row("x"));
	rig_take(rig, later);
	memory_broker_recover(rig->broker);
	rig_turn(rig);
	rig_turn(rig);
}

static const char row_letter[] = "LETTER REFUSED of CREATED in/x 0 for t.items size 14 with CREATED in/x 0";

/* ---- the letter ---- */

static void a_record_too_large_becomes_a_letter_that_names_it(void **state)
{
	struct rig *rig = limited(state);
	rig_take(rig, batch_too_large(7));
	rig_assert_sent(rig, "LETTER TOO_LARGE of UPDATED in/x 7 for t.items size 215", NULL);
	assert_int_equal(rig->broker->records[0].record.topic, TOPIC_DEADLETTER);
	assert_string_equal(rig->broker->records[0].record.type, "tidings.v1.DeadLetter");
	assert_int_equal(pipeline_counts(rig->pipeline)->n_dead_letters, 1);
}

static void a_refused_record_becomes_a_letter_that_carries_it(void **state)
{
	struct rig *rig = *state;
	rig->broker->refuse_send = ERR_BAD;
	rig_take(rig, batch_of_one(7));
	rig_assert_sent(rig, "LETTER REFUSED of UPDATED in/x 7 for t.items size 14 with UPDATED in/x 7", NULL);
}

static void a_letter_goes_without_the_original_when_both_do_not_fit(void **state)
{
	struct rig *rig = limited(state);
	struct batch *batch = batch_of_one(7);
	script_grow(batch, &batch->changes[0], 60);
	rig->broker->refuse_send = ERR_BAD;
	rig_take(rig, batch);
	rig_assert_sent(rig, "LETTER REFUSED of UPDATED in/x 7 for t.items size 75", NULL);
}

static void what_the_source_could_not_read_becomes_a_letter(void **state)
{
	struct rig *rig = *state;
	struct batch *batch = batch_of_one(7);
	batch->changes[0].cause = CAUSE_UNREADABLE;
	batch->changes[0].cause_text = "the server says no";
	rig_take(rig, batch);
	rig_assert_sent(rig, "LETTER UNREADABLE of UPDATED in/x 7 for t.items size 0", NULL);
}

static void the_other_records_of_the_batch_go_on(void **state)
{
	struct rig *rig = limited(state);
	struct batch *batch = batch_too_large(7);
	script_item(batch, CHANGE_DELETED, "in", "y", 8);
	rig_take(rig, batch);
	rig_turn(rig);
	rig_assert_sent(rig, "LETTER TOO_LARGE of UPDATED in/x 7 for t.items size 215", "DELETED in/y 8", NULL);
	assert_string_equal(rig_position(rig, "a"), "7");
}

static void a_store_without_a_source_key_has_a_letter_too(void **state)
{
	struct rig *rig = *state;
	struct batch *batch = batch_of_one(7);
	batch->changes[0].object_type = OBJECT_STORE;
	batch->changes[0].source_key = slice_of(NULL, 0);
	rig->broker->refuse_send = ERR_BAD;
	rig_take(rig, batch);
	rig_assert_sent(rig, "LETTER REFUSED of UPDATED in/ 7 for t.folders size 13 with UPDATED in/ 7", NULL);
}

/* ---- notifications: best effort ---- */

static const char told_letter[] =
	"LETTER REFUSED of CREATED in/x 0 for t.notifications size 19 with CREATED in/x 0 keys",
		  missed[] = "LIFECYCLE 5";

/* One that is told, and an item of the journal behind it. */
static struct batch *batch_told(uint64_t position)
{
	struct batch *batch = script_batch("a", position);
	struct change *told = script_item(batch, CHANGE_CREATED, "in", "x", 0);
	told->origin = ORIGIN_NOTIFICATION;
	told->item = NULL;
	script_item(batch, CHANGE_UPDATED, "in", "y", position);
	return batch;
}

static void a_notification_that_is_refused_is_followed_by_missed(void **state)
{
	struct rig *rig = *state;
	rig->broker->refuse_send = ERR_BAD;
	rig_take(rig, batch_told(7));
	rig_turn(rig);
	rig_assert_sent(rig, told_letter, missed, "UPDATED in/y 7", NULL);
	assert_int_equal(pipeline_counts(rig->pipeline)->n_dead_letters, 1);
	assert_string_equal(rig_position(rig, "a"), "7");
}

static void a_notification_that_fails_later_is_followed_by_missed(void **state)
{
	struct rig *rig = *state;
	memory_broker_fail(rig->broker, 0, ERR_BAD);
	rig_take(rig, batch_told(7));
	rig_turn(rig);
	rig_turn(rig);
	rig_assert_sent(rig, "CREATED in/x 0 keys", "UPDATED in/y 7", told_letter, missed, NULL);
	assert_string_equal(rig_position(rig, "a"), "7");
}

static void a_notification_whose_letter_is_refused_too_stops_nothing(void **state)
{
	struct rig *rig = *state;
	rig->broker->limit_bytes = 18; /* the item fits */
	rig_take(rig, batch_told(7));
	rig_turn(rig);
	rig_assert_sent(rig, missed, "UPDATED in/y 7", NULL);
	assert_int_equal(pipeline_counts(rig->pipeline)->n_dead_letters, 1);
	assert_string_equal(rig_position(rig, "a"), "7");
}

static void a_notification_whose_letter_fails_later_stops_nothing(void **state)
{
	struct rig *rig = *state;
	rig->broker->refuse_send = ERR_BAD;
	memory_broker_fail(rig->broker, 0, ERR_BAD);
	rig_take(rig, batch_told(7));
	rig_turn(rig);
	rig_assert_sent(rig, told_letter, missed, "UPDATED in/y 7", NULL);
	assert_string_equal(rig_position(rig, "a"), "7");
}

/* ---- what its acknowledgement is worth ---- */

static void a_batch_waits_for_the_letter_of_a_record_that_was_not_sent(void **state)
{
	struct rig *rig = limited(state);
	rig->broker->stalled = true;
	rig_take(rig, batch_too_large(7));
	rig_turn(rig);
	assert_int_equal(rig->state->n_commits, 0);
	rig_answer(rig, 1);
	assert_string_equal(rig_position(rig, "a"), "7");
}

static void a_batch_waits_for_the_letter_of_a_record_that_failed_later(void **state)
{
	struct rig *rig = *state;
	rig->broker->stalled = true;
	memory_broker_fail(rig->broker, 0, ERR_BAD);
	rig_take(rig, batch_of_one(7));
	rig_answer(rig, 1);
	assert_int_equal(rig->broker->n_records, 2);
	assert_int_equal(rig->state->n_commits, 0);
	rig_answer(rig, 1);
	assert_string_equal(rig_position(rig, "a"), "7");
}

static void a_batch_waits_for_a_letter_that_a_busy_sink_has_not_taken(void **state)
{
	struct rig *rig = *state;
	memory_broker_fail(rig->broker, 0, ERR_BAD);
	rig_take(rig, batch_of_one(7));
	rig->broker->n_busy = 1;
	rig_turn(rig);
	assert_int_equal(rig->broker->n_records, 1);
	assert_int_equal(rig->state->n_commits, 0);
	rig_turn(rig);
	rig_turn(rig);
	assert_string_equal(rig_position(rig, "a"), "7");
}

static void finish_delivers_the_letters_that_draining_brings(void **state)
{
	struct rig *rig = *state;
	memory_broker_fail(rig->broker, 0, ERR_BAD);
	rig_take(rig, batch_of_one(7));
	assert_int_equal(rig_finish(rig), 0);
	assert_int_equal(rig->broker->n_records, 2);
	assert_string_equal(rig_position(rig, "a"), "7");
}

/* ---- a snapshot's item is announced all the same ---- */

static void a_row_too_large_is_announced_by_its_keys(void **state)
{
	struct rig *rig = limited(state);
	struct batch *batch = batch_of_row("x");
	script_grow(batch, &batch->changes[0], TOO_LARGE_BYTES);
	script_bracket(batch, CHANGE_SNAPSHOT_END, "in");
	rig_take(rig, batch);
	rig_assert_sent(rig, "LETTER TOO_LARGE of CREATED in/x 0 for t.items size 215", "CREATED in/x 0 keys",
			"END in/ 0", NULL);
}

static void a_row_that_could_not_be_read_is_announced_by_its_keys(void **state)
{
	struct rig *rig = *state;
	struct batch *batch = batch_of_row("x");
	batch->changes[0].cause = CAUSE_UNREADABLE;
	rig_take(rig, batch);
	rig_assert_sent(rig, "LETTER UNREADABLE of CREATED in/x 0 for t.items size 0", "CREATED in/x 0 keys", NULL);
}

static void a_batch_waits_for_keys_that_a_busy_sink_has_not_taken(void **state)
{
	struct rig *rig = *state;
	memory_broker_fail(rig->broker, 0, ERR_BAD);
	rig_take(rig, batch_of_row("x"));
	rig->broker->room = 1;
	rig_turn(rig);
	rig->broker->n_busy = 1;
	rig_turn(rig);
	rig_assert_sent(rig, "CREATED in/x 0", row_letter, NULL);
	assert_int_equal(rig->broker->records[1].fate, FATE_ACKNOWLEDGED);
	assert_int_equal(rig->state->n_commits, 0);
	rig_turn(rig);
	rig_turn(rig);
	rig_assert_sent(rig, "CREATED in/x 0", row_letter, "CREATED in/x 0 keys", NULL);
	assert_string_equal(rig_position(rig, "a"), "1");
}

static void keys_are_announced_behind_records_of_others(void **state)
{
	struct rig *rig = *state;
	struct batch *later = script_batch("b", 1);
	script_item(later, CHANGE_DELETED, "in", "y", 8);
	script_item(later, CHANGE_DELETED, "out", "x", 8);
	script_item(later, CHANGE_READ_STATE, "in", "x", 9);
	refuse_the_row_behind(rig, later);
	rig_assert_sent(rig, "CREATED in/x 0", "DELETED in/y 8", "DELETED out/x 8", "READ_STATE in/x 9", row_letter,
			"CREATED in/x 0 keys", NULL);
}

static void keys_are_not_announced_over_a_later_record_of_the_item(void **state)
{
	struct rig *rig = *state;
	struct batch *later = script_batch("b", 1);
	script_item(later, CHANGE_DELETED, "in", "x", 9);
	refuse_the_row_behind(rig, later);
	rig_assert_sent(rig, "CREATED in/x 0", "DELETED in/x 9", row_letter, NULL);
	assert_string_equal(rig_position(rig, "b"), "1");
}

static void keys_are_not_announced_over_a_later_listing(void **state)
{
	struct rig *rig = *state;
	struct batch *later = script_batch("b", 1);
	script_bracket(later, CHANGE_SNAPSHOT_BEGIN, "in");
	refuse_the_row_behind(rig, later);
	rig_assert_sent(rig, "CREATED in/x 0", "BEGIN in/ 0", row_letter, NULL);
}

/* ---- what nothing can stand for stops the daemon ---- */

static void assert_stopped(struct rig *rig, int rc)
{
	assert_int_equal(rc, ERR_FATAL);
	assert_int_equal(rig->err.exit_code, EXIT_RUNTIME);
	assert_int_equal(rig_finish(rig), ERR_FATAL);
	assert_int_equal(rig->state->n_commits, 0);
}

static void a_letter_too_large_for_its_topic_stops(void **state)
{
	struct rig *rig = *state;
	rig->broker->limit_bytes = 10;
	assert_stopped(rig, rig_try_take(rig, batch_of_one(7)));
	assert_non_null(strstr(rig->err.text, "dead letter"));
}

static void a_letter_that_is_refused_later_stops(void **state)
{
	struct rig *rig = limited(state);
	memory_broker_fail(rig->broker, 0, ERR_BAD);
	rig_take(rig, batch_too_large(7));
	assert_stopped(rig, rig_try_turn(rig));
}

static void keys_alone_that_are_refused_stop(void **state)
{
	struct rig *rig = *state;
	struct batch *batch = batch_of_row("x");
	batch->changes[0].cause = CAUSE_UNREADABLE;
	memory_broker_fail(rig->broker, 1, ERR_BAD);
	rig_take(rig, batch);
	assert_stopped(rig, rig_try_turn(rig));
}

static void an_end_of_a_snapshot_that_is_refused_stops(void **state)
{
	struct rig *rig = *state;
	struct batch *batch = script_batch("a", 1);
	script_bracket(batch, CHANGE_SNAPSHOT_END, "in")->source_key = slice_of_text("in");
	rig->broker->refuse_send = ERR_BAD;
	assert_stopped(rig, rig_try_take(rig, batch));
}

static void a_lifecycle_event_that_is_refused_stops(void **state)
{
	struct rig *rig = *state;
	struct batch *batch = script_batch("a", 1);
	batch_lifecycle(batch, LIFECYCLE_MISSED);
	rig->broker->refuse_send = ERR_BAD;
	assert_stopped(rig, rig_try_take(rig, batch));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_record_too_large_becomes_a_letter_that_names_it),
		TEST(a_refused_record_becomes_a_letter_that_carries_it),
		TEST(a_letter_goes_without_the_original_when_both_do_not_fit),
		TEST(what_the_source_could_not_read_becomes_a_letter),
		TEST(the_other_records_of_the_batch_go_on),
		TEST(a_store_without_a_source_key_has_a_letter_too),
		TEST(a_notification_that_is_refused_is_followed_by_missed),
		TEST(a_notification_that_fails_later_is_followed_by_missed),
		TEST(a_notification_whose_letter_is_refused_too_stops_nothing),
		TEST(a_notification_whose_letter_fails_later_stops_nothing),
		TEST(a_batch_waits_for_the_letter_of_a_record_that_was_not_sent),
		TEST(a_batch_waits_for_the_letter_of_a_record_that_failed_later),
		TEST(a_batch_waits_for_a_letter_that_a_busy_sink_has_not_taken),
		TEST(finish_delivers_the_letters_that_draining_brings),
		TEST(a_row_too_large_is_announced_by_its_keys),
		TEST(a_row_that_could_not_be_read_is_announced_by_its_keys),
		TEST(a_batch_waits_for_keys_that_a_busy_sink_has_not_taken),
		TEST(keys_are_announced_behind_records_of_others),
		TEST(keys_are_not_announced_over_a_later_record_of_the_item),
		TEST(keys_are_not_announced_over_a_later_listing),
		TEST(a_letter_too_large_for_its_topic_stops),
		TEST(a_letter_that_is_refused_later_stops),
		TEST(keys_alone_that_are_refused_stop),
		TEST(an_end_of_a_snapshot_that_is_refused_stops),
		TEST(a_lifecycle_event_that_is_refused_stops),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
