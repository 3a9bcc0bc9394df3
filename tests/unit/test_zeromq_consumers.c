/* The rules of the acknowledged endpoint, one by one: who is welcome, refused, dead, back, and what is said of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/session_rig.h"

/* ---- coming and going ---- */

static void within_a_run_it_goes_on_after_what_is_acknowledged(void **state)
{
	(void)state;
	add(4);
	say_hello("a");
	assert_records("a", 1, 4);
	acknowledge("a", run, 1);
	take("a", &(struct stream_message){.kind = STREAM_BYE});
	say_hello_of("b", "archive", run, 2, 1000);
	assert_welcome("b", 3);
	assert_int_equal(session_rig.n_acknowledged, 2);
	assert_records("b", 3, 2);
}

static void who_knows_nothing_of_the_run_gets_what_is_unacknowledged(void **state)
{
	(void)state;
	add(3);
	say_hello("a");
	assert_records("a", 1, 3);
	acknowledge("a", run, 1);
	take("a", &(struct stream_message){.kind = STREAM_BYE});
	say_hello("b");
	assert_welcome("b", 2);
	assert_records("b", 2, 2);
}

static void what_it_has_of_another_run_does_not_count(void **state)
{
	(void)state;
	add(3);
	say_hello_of("a", "archive", other_run, 2, 1000);
	assert_welcome("a", 1);
	assert_int_equal(session_rig.n_acknowledged, 0);
	assert_records("a", 1, 3);
}

static void who_has_not_said_hello_is_asked_for_it(void **state)
{
	(void)state;
	session_take(&session_rig.session, peer_id("a"), slice_of(NULL, 0));
	assert_refused("a", REFUSAL_HELLO_FIRST);
	take("a", &(struct stream_message){.kind = STREAM_HEARTBEAT});
	assert_refused("a", REFUSAL_HELLO_FIRST);
	assert_int_equal(session_rig.n_notices, 0);
}

static void a_bye_of_nobody_is_not_answered(void **state)
{
	(void)state;
	take("a", &(struct stream_message){.kind = STREAM_BYE});
	assert_int_equal(session_rig.n_sent, 0);
}

static void another_name_is_refused_and_said_once(void **state)
{
	(void)state;
	say_hello_of("a", "somebody", NULL, 0, 10);
	assert_refused("a", REFUSAL_UNKNOWN_NAME);
	say_hello_of("a", "", NULL, 0, 10);
	assert_refused("a", REFUSAL_UNKNOWN_NAME);
	assert_int_equal(session_rig.n_notices, 1);
	assert_non_null(strstr(session_rig.notice, "names another consumer"));
}

static void another_protocol_is_refused(void **state)
{
	(void)state;
	take("a", &(struct stream_message){
			  .kind = STREAM_HELLO, .protocol = 2, .consumer = slice_of_text("archive"), .credit = 10});
	assert_refused("a", REFUSAL_PROTOCOL);
}

/* After a new connection it would seem to be the one before, and what was on its way would be missing. */
static void one_that_has_chosen_its_routing_id_is_refused(void **state)
{
	const struct stream_message hello = {.kind = STREAM_HELLO,
					     .protocol = STREAM_PROTOCOL,
					     .consumer = slice_of_text("archive"),
					     .credit = 1000};
	(void)state;
	add(1);
	session_take(&session_rig.session, slice_of_text("archive"),
		     stream_write_to_bridge(&hello, &session_rig.arena));
	assert_int_equal(session_rig.n_sent, 1);
	assert_int_equal(session_rig.sent[0].message.reason, REFUSAL_PROTOCOL);
	assert_nothing_sent();
	assert_non_null(strstr(session_rig.notice, "ZMQ_ROUTING_ID"));
}

static void a_second_hello_with_a_connected_name_is_refused(void **state)
{
	(void)state;
	add(1);
	say_hello("a");
	say_hello("b");
	assert_refused("b", REFUSAL_NAME_IN_USE);
	assert_non_null(strstr(session_rig.notice, "a consumer of this name is connected"));
	assert_records("a", 1, 1);
	acknowledge("a", run, 1);
	assert_int_equal(session_rig.n_acknowledged, 1);
}

static void one_whose_connection_is_lost_is_replaced_at_once(void **state)
{
	(void)state;
	say_hello("a");
	session_rig.gone = "a";
	say_hello("b");
	assert_welcome("b", 1);
}

static void one_that_is_silent_is_replaced_after_five_heartbeats(void **state)
{
	(void)state;
	say_hello("a");
	for (int i = 0; i < MISSED_HEARTBEATS; i++)
		wait_ms(HEARTBEAT_MS);
	say_hello("b");
	assert_refused("b", REFUSAL_NAME_IN_USE);
	wait_ms(1);
	say_hello("b");
	assert_welcome("b", 1);
	take("a", &(struct stream_message){.kind = STREAM_HEARTBEAT});
	assert_refused("a", REFUSAL_HELLO_FIRST);
}

static void whatever_it_says_keeps_it_alive(void **state)
{
	(void)state;
	say_hello("a");
	for (int i = 0; i < 3 * MISSED_HEARTBEATS; i++) {
		wait_ms(HEARTBEAT_MS);
		session_take(&session_rig.session, peer_id("a"), slice_of_text("what?"));
	}
	say_hello("b");
	assert_refused("b", REFUSAL_NAME_IN_USE);
}

static void heartbeats_are_sent(void **state)
{
	(void)state;
	say_hello("a");
	wait_ms(HEARTBEAT_MS - 1);
	assert_answered("a", STREAM_WELCOME);
	wait_ms(1);
	assert_answered("a", STREAM_HEARTBEAT);
	assert_int_equal(session_rig.n_sent, 2);
	wait_ms(1);
	assert_int_equal(session_rig.n_sent, 2);
}

static void who_is_away_is_named_after_a_while_and_once(void **state)
{
	(void)state;
	wait_ms(SAY_AFTER_HEARTBEATS * HEARTBEAT_MS - 1);
	assert_int_equal(session_rig.n_notices, 0);
	wait_ms(1);
	wait_ms(10000);
	assert_int_equal(session_rig.n_notices, 1);
	assert_non_null(strstr(session_rig.notice, "waiting for the consumer archive"));
	assert_true(session_is_away(&session_rig.session));
	say_hello("a");
	assert_non_null(strstr(session_rig.notice, "the consumer archive is connected"));
	take("a", &(struct stream_message){.kind = STREAM_BYE});
	assert_false(session_is_away(&session_rig.session));
	wait_ms(SAY_AFTER_HEARTBEATS * HEARTBEAT_MS);
	assert_non_null(strstr(session_rig.notice, "it said good-bye"));
	assert_int_equal(session_rig.n_notices, 3);
}

static void one_that_is_back_soon_is_not_worth_a_line(void **state)
{
	(void)state;
	say_hello("a");
	take("a", &(struct stream_message){.kind = STREAM_BYE});
	wait_ms(HEARTBEAT_MS);
	say_hello("b");
	wait_ms(HEARTBEAT_MS);
	assert_int_equal(session_rig.n_notices, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, session_rig_begin, session_rig_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(within_a_run_it_goes_on_after_what_is_acknowledged),
		TEST(who_knows_nothing_of_the_run_gets_what_is_unacknowledged),
		TEST(what_it_has_of_another_run_does_not_count),
		TEST(who_has_not_said_hello_is_asked_for_it),
		TEST(a_bye_of_nobody_is_not_answered),
		TEST(another_name_is_refused_and_said_once),
		TEST(another_protocol_is_refused),
		TEST(one_that_has_chosen_its_routing_id_is_refused),
		TEST(a_second_hello_with_a_connected_name_is_refused),
		TEST(one_whose_connection_is_lost_is_replaced_at_once),
		TEST(one_that_is_silent_is_replaced_after_five_heartbeats),
		TEST(whatever_it_says_keeps_it_alive),
		TEST(heartbeats_are_sent),
		TEST(who_is_away_is_named_after_a_while_and_once),
		TEST(one_that_is_back_soon_is_not_worth_a_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
