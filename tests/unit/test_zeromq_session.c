/* The rules of the acknowledged endpoint, one by one: what is sent, and what it takes for acknowledged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/session_rig.h"

/* ---- acknowledging ---- */

static void nothing_is_acknowledged_by_sending(void **state)
{
	(void)state;
	add(3);
	say_hello("a");
	assert_welcome("a", 1);
	assert_records("a", 1, 3);
	assert_int_equal(session_rig.n_acknowledged, 0);
}

static void an_acknowledgement_is_of_all_before_it_and_no_more(void **state)
{
	(void)state;
	add(5);
	say_hello("a");
	assert_records("a", 1, 5);
	acknowledge("a", run, 3);
	assert_int_equal(session_rig.n_acknowledged, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(session_rig.acknowledged[i], i + 1);
	acknowledge("a", run, 2);
	acknowledge("a", run, 3);
	assert_int_equal(session_rig.n_acknowledged, 3);
	acknowledge("a", run, 5);
	assert_int_equal(session_rig.n_acknowledged, 5);
}

static void an_acknowledgement_of_another_run_changes_nothing(void **state)
{
	(void)state;
	add(2);
	say_hello("a");
	session_flush(&session_rig.session);
	acknowledge("a", other_run, 2);
	assert_refused("a", REFUSAL_BAD_ACKNOWLEDGEMENT);
	assert_int_equal(session_rig.n_acknowledged, 0);
	acknowledge("a", run, 2);
	assert_int_equal(session_rig.n_acknowledged, 2);
}

static void what_was_never_sent_cannot_be_acknowledged(void **state)
{
	(void)state;
	add(4);
	say_hello_of("a", "archive", NULL, 0, 2);
	assert_records("a", 1, 2);
	acknowledge("a", run, 3);
	assert_refused("a", REFUSAL_BAD_ACKNOWLEDGEMENT);
	say_hello_of("a", "archive", run, 3, 2);
	assert_refused("a", REFUSAL_BAD_ACKNOWLEDGEMENT);
	assert_int_equal(session_rig.n_acknowledged, 0);
}

static void only_the_connected_one_acknowledges(void **state)
{
	(void)state;
	add(2);
	say_hello("a");
	session_flush(&session_rig.session);
	acknowledge("b", run, 2);
	assert_refused("b", REFUSAL_HELLO_FIRST);
	assert_int_equal(session_rig.n_acknowledged, 0);
}

/* ---- credit and room ---- */

static void credit_bounds_what_is_on_its_way(void **state)
{
	(void)state;
	add(10);
	say_hello_of("a", "archive", NULL, 0, 3);
	assert_records("a", 1, 3);
	assert_nothing_sent();
	acknowledge("a", run, 1);
	assert_records("a", 4, 1);
	take("a", &(struct stream_message){.kind = STREAM_CREDIT, .credit = 5});
	assert_records("a", 5, 2);
	take("a", &(struct stream_message){.kind = STREAM_CREDIT, .credit = 0});
	acknowledge("a", run, 6);
	assert_nothing_sent();
	take("a", &(struct stream_message){.kind = STREAM_CREDIT, .credit = UINT32_MAX});
	assert_records("a", 7, 4);
}

static void an_absent_consumer_fills_the_outbox_and_it_ends_there(void **state)
{
	(void)state;
	size_t n = 0;
	while (n < 1000 && add_bytes(1000))
		n++;
	assert_int_equal(n, OUTBOX_BYTES / (1000 + 3 + OUTBOX_RECORD_BYTES));
	assert_false(add_bytes(1000));
	say_hello("a");
	session_flush(&session_rig.session);
	assert_false(add_bytes(1000));
	acknowledge("a", run, 1);
	assert_true(add_bytes(1000));
	assert_false(add_bytes(1000));
}

static void a_full_peer_is_tried_again(void **state)
{
	(void)state;
	add(2);
	say_hello("a");
	session_rig.is_full = true;
	assert_nothing_sent();
	session_rig.is_full = false;
	assert_records("a", 1, 2);
}

static void many_records_go_in_several_messages(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		assert_true(add_bytes(15000));
	acknowledge("a", run, 0);
	say_hello("a");
	assert_records("a", 1, 4);
	acknowledge("a", run, 4);
	assert_true(add_bytes(OUTBOX_BYTES - OUTBOX_RECORD_BYTES - 3));
	assert_records("a", 5, 1);
}

static void a_lost_connection_is_noticed_when_sending(void **state)
{
	(void)state;
	say_hello("a");
	add(1);
	session_rig.gone = "a";
	session_flush(&session_rig.session);
	session_rig.gone = NULL;
	assert_nothing_sent();
	say_hello("a");
	assert_records("a", 1, 1);
}

static void what_is_no_message_is_dropped_and_said_once(void **state)
{
	(void)state;
	add(1);
	say_hello("a");
	size_t before = session_rig.n_sent;
	for (int i = 0; i < 5; i++)
		session_take(&session_rig.session, peer_id("b"), slice_of_text("GET / HTTP/1.1"));
	session_take_malformed(&session_rig.session, peer_id("a"));
	assert_int_equal(session_rig.n_sent, before);
	assert_int_equal(session_rig.n_notices, 1);
	assert_records("a", 1, 1);
}

static void a_bye_tells_that_the_run_is_over(void **state)
{
	(void)state;
	session_bye(&session_rig.session);
	assert_int_equal(session_rig.n_sent, 0);
	say_hello("a");
	session_bye(&session_rig.session);
	assert_answered("a", STREAM_BYE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, session_rig_begin, session_rig_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_acknowledged_by_sending),
		TEST(an_acknowledgement_is_of_all_before_it_and_no_more),
		TEST(an_acknowledgement_of_another_run_changes_nothing),
		TEST(what_was_never_sent_cannot_be_acknowledged),
		TEST(only_the_connected_one_acknowledges),
		TEST(credit_bounds_what_is_on_its_way),
		TEST(an_absent_consumer_fills_the_outbox_and_it_ends_there),
		TEST(a_full_peer_is_tried_again),
		TEST(many_records_go_in_several_messages),
		TEST(a_lost_connection_is_noticed_when_sending),
		TEST(what_is_no_message_is_dropped_and_said_once),
		TEST(a_bye_tells_that_the_run_is_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
