/* The bell alone, beside a server that follows a script: what it says to the server in which order, and when it rings.
 */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "bridge/clock.h"
#include "bridge/kopano/bell.h"
#include "tests/support/capture.h"
#include "tests/support/client_rig.h"

#define T50 "50-subscribe-folder-tcp-user1/"
#define T51 "51-subscribe-store-tcp-user1/"
#define T70 "70-ics-subscribe-tcp-user1/"

static const struct http_step logon = {.recorded = RIG_LOGON},
			      subscribed = {.recorded = T70 "0007-notifySubscribeMulti.res.xml"},
			      unsubscribed = {.recorded = T70 "0036-notifyUnSubscribeMulti.res.xml"},
			      refused = {.body = "<ns:notifySubscribeMultiResponse><result>2147483650</result></"
						 "ns:notifySubscribeMultiResponse>"},
			      logged_off = {.body = "<ns:logoffResponse><result>0</result></ns:logoffResponse>"},
			      created = {.recorded = T50 "0032-notifyGetItems.res.xml"},
			      moved = {.recorded = T51 "0051-notifyGetItems.res.xml"},
			      ended = {.recorded = T51 "0114-notifyGetItems.res.xml"},
			      not_supported = {.body = "<ns:notifyResponse><er>2147483672</er></ns:notifyResponse>"},
			      waits = {.hang = true};

enum { DEADLINE_MS = 30000, STEADY_MS = 1200 /* above the bell's */, MOST_RINGS = 16 };

/* What was there to take when it rang. */
struct heard {
	struct rung rung;
	struct notices notices;
	size_t n_requests;
};

static struct bell_rig {
	struct script_http *server;
	struct login login;
	struct bell *bell;
	pthread_mutex_t mutex; /* of the rest */
	struct heard heard[MOST_RINGS];
	size_t n_rings;
	size_t n_taken; /* of so many rings at most */
} bells = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void on_ring(void *context)
{
	(void)context;
	pthread_mutex_lock(&bells.mutex);
	struct heard *heard = &bells.heard[bells.n_rings++ % MOST_RINGS];
	heard->n_requests = script_http_n_requests(bells.server);
	if (bells.n_rings <= bells.n_taken) {
		bell_take(bells.bell, &heard->rung);
		bell_take_notices(bells.bell, &heard->notices);
	}
	pthread_mutex_unlock(&bells.mutex);
}

static void start(const struct http_step *steps, size_t n_steps, size_t room)
{
	struct bell_parts parts = {.login = &bells.login, .ring = on_ring, .room = room};
	struct err err;

	capture_begin(); /* of what is logged */
	bells.server = script_http_start(steps, n_steps);
	bells.login.url = script_http_url(bells.server);
	bells.login.user = "user1";
	bells.login.password = bells.login.impersonate = "";
	bells.login.call_timeout_ms = bells.login.read_timeout_ms = DEADLINE_MS;
	bells.n_taken = MOST_RINGS;
	bells.bell = bell_start(&parts, &err);
	assert_non_null(bells.bell);
}

#define START(room, ...)                                                                                               \
	do {                                                                                                           \
		const struct http_step steps[] = {__VA_ARGS__};                                                        \
		start(steps, sizeof steps / sizeof *steps, room);                                                      \
	} while (0)

static void stop(void)
{
	bell_stop(bells.bell);
	bells.bell = NULL;
}

static int teardown(void **state)
{
	(void)state;
	stop();
	if (bells.server) {
		script_http_stop(bells.server);
		capture_end();
	}
	for (size_t i = 0; i < MOST_RINGS; i++) {
		rung_free(&bells.heard[i].rung);
		notices_free(&bells.heard[i].notices);
	}
	bells = (struct bell_rig){.mutex = PTHREAD_MUTEX_INITIALIZER};
	return 0;
}

/* Stores with these numbers, the last one 0. */
static void follow(const uint32_t *numbers)
{
	struct subscription list[8];
	size_t n = 0;

	for (; numbers[n]; n++)
		list[n] = (struct subscription){
			.number = numbers[n], .mask = NOTICE_EVENTS, .key = slice_of_text("a store")};
	bell_follow(bells.bell, list, n);
}

#define FOLLOW(...) follow((const uint32_t[]){__VA_ARGS__, 0})

static size_t n_rings(void)
{
	pthread_mutex_lock(&bells.mutex);
	size_t n = bells.n_rings;
	pthread_mutex_unlock(&bells.mutex);
	return n;
}

static int64_t told(const char *name)
{
	struct report *report = report_new();

	bell_report(bells.bell, report);
	int64_t number = report_find(report, name)->number;
	report_free(report);
	return number;
}

#define WAIT_FOR(condition)                                                                                            \
	for (int64_t end_ms = clock_ms() + DEADLINE_MS; !(condition); poll(NULL, 0, 1))                                \
	assert_true(clock_ms() < end_ms)

static void wait_for_requests(size_t n)
{
	WAIT_FOR(script_http_n_requests(bells.server) >= n);
}

static void assert_asked(size_t i, const char *part)
{
	const char *request = script_http_request(bells.server, i);

	if (!strstr(request, part))
		fail_msg("request %zu: no %s in %s", i, part, request);
}

static void assert_not_asked(size_t i, const char *part)
{
	assert_null(strstr(script_http_request(bells.server, i), part));
}

static unsigned long long group_of(size_t i)
{
	unsigned long long group = 0;
	const char *at = strstr(script_http_request(bells.server, i), "<ullSessionGroup>");

	assert_non_null(at);
	assert_int_equal(sscanf(at, "<ullSessionGroup>%llu", &group), 1);
	return group;
}

/* ---- the beginning and the end ---- */

static void it_subscribes_then_rings_for_everything_then_polls(void **state)
{
	(void)state;
	START(0, logon, logon, subscribed, waits);
	FOLLOW(2, 3);
	wait_for_requests(4);
	assert_asked(0, "<ns:logon>");
	assert_asked(1, "<ns:logon>");
	assert_asked(2, "<item><ulConnection>2</ulConnection>");
	assert_asked(2, "<item><ulConnection>3</ulConnection>");
	assert_asked(3, "<ns:notifyGetItems>");
	assert_true(bell_works(bells.bell));
	assert_int_equal(n_rings(), 1);
	assert_int_equal(bells.heard[0].n_requests, 3);
	assert_true(bells.heard[0].rung.any);
	assert_int_equal(told("subscriptions"), 2);
}

static void both_sessions_are_of_one_group_and_are_logged_off(void **state)
{
	(void)state;
	START(0, logon, logon, subscribed, waits, logged_off, logged_off);
	FOLLOW(2);
	wait_for_requests(4);
	assert_true(group_of(0) != 0);
	assert_true(group_of(0) == group_of(1));
	stop();
	assert_int_equal(script_http_n_requests(bells.server), 6);
	assert_asked(4, "<ns:logoff>");
	assert_asked(5, "<ns:logoff>");
}

static void without_targets_nothing_is_asked(void **state)
{
	(void)state;
	START(0, logon);
	follow((const uint32_t[]){0});
	stop();
	assert_int_equal(script_http_n_requests(bells.server), 0);
	assert_int_equal(bells.n_rings, 0);
}

/* ---- notices ---- */

static void a_notice_rings_before_the_next_poll(void **state)
{
	(void)state;
	START(0, logon, logon, subscribed, created, waits);
	FOLLOW(2);
	wait_for_requests(5);
	assert_int_equal(n_rings(), 2);
	assert_int_equal(bells.heard[1].n_requests, 4);
	assert_int_equal(bells.heard[1].rung.n_folders, 1);
	assert_false(bells.heard[1].rung.any);
	assert_true(notices_are_none(&bells.heard[1].notices)); /* nobody wants them */
	assert_int_equal(told("received"), 1);
}

static void notices_are_kept_for_whoever_wants_them(void **state)
{
	(void)state;
	START(10, logon, logon, subscribed, created, waits);
	FOLLOW(2);
	wait_for_requests(5);
	assert_true(bells.heard[0].notices.missed); /* what came before */
	assert_false(bells.heard[1].notices.missed);
	assert_int_equal(bells.heard[1].notices.n, 1);
	assert_int_equal(bells.heard[1].notices.list[0].notice.event, NOTICE_CREATED);
	assert_true(bells.heard[1].notices.list[0].at_ns > 0);
}

static void what_rings_before_it_is_taken_is_kept(void **state)
{
	struct rung rung;
	struct notices notices;

	(void)state;
	START(10, logon, logon, subscribed, created, moved, waits);
	bells.n_taken = 1;
	FOLLOW(2);
	wait_for_requests(6);
	assert_true(bell_take(bells.bell, &rung));
	assert_int_equal(rung.n_folders, 3);
	assert_true(bell_take_notices(bells.bell, &notices));
	assert_int_equal(notices.n, 2);
	rung_free(&rung);
	notices_free(&notices);
	assert_false(bell_take(bells.bell, &rung));
	assert_false(bell_take_notices(bells.bell, &notices));
}

static const char *many_notices(size_t n)
{
	static char body[10000 * 200];
	char *at = body + sprintf(body, "<ns:notifyResponse><pNotificationArray>");

	for (size_t i = 0; i < n; i++)
		at += sprintf(
			at,
			"<item><ulConnection>2</ulConnection><ulEventType>16</ulEventType><obj>"
			"<pEntryId>YWJj</pEntryId><ulObjType>5</ulObjType><pParentId>eHl6</pParentId></obj></item>");
	sprintf(at, "</pNotificationArray><er>0</er></ns:notifyResponse>");
	return body;
}

static void a_burst_rings_once_and_is_kept_in_bounds(void **state)
{
	(void)state;
	START(100, logon, logon, subscribed, {.body = many_notices(10000), .chunk_bytes = 10000}, waits);
	FOLLOW(2);
	wait_for_requests(5);
	assert_int_equal(n_rings(), 2);
	assert_int_equal(bells.heard[1].rung.n_folders, 1);
	assert_int_equal(bells.heard[1].notices.n, 100);
	assert_int_equal(bells.heard[1].notices.n_dropped, 9900);
	assert_int_equal(told("received"), 10000);
	assert_int_equal(told("dropped"), 9900);
}

/* ---- targets ---- */

static void other_targets_are_changed_while_the_poll_goes_on(void **state)
{
	(void)state;
	START(0, logon, logon, subscribed, waits, unsubscribed, subscribed, unsubscribed);
	FOLLOW(2, 3);
	wait_for_requests(4);
	FOLLOW(3, 4);
	WAIT_FOR(n_rings() == 2); /* for what is new */
	assert_asked(4, "<ns:notifyUnSubscribeMulti>");
	assert_asked(4, "<item>2</item>");
	assert_not_asked(4, "<item>3</item>");
	assert_asked(5, "<ulConnection>4</ulConnection>");
	assert_not_asked(5, "<ulConnection>3</ulConnection>");
	assert_int_equal(bells.heard[1].n_requests, 6);
	FOLLOW(4);
	WAIT_FOR(told("subscriptions") == 1);
	assert_asked(6, "<item>3</item>");
	assert_int_equal(script_http_n_requests(bells.server), 7); /* of them one poll */
	assert_int_equal(n_rings(), 2);
}

/* If one is refused all are: they are tried in halves. */
static void one_that_is_refused_is_left_out(void **state)
{
	(void)state;
	START(0, logon, logon, refused, subscribed, refused, refused, subscribed, waits);
	FOLLOW(2, 3, 4);
	wait_for_requests(8);
	assert_asked(3, "<ulConnection>2</ulConnection>");
	assert_asked(5, "<ulConnection>3</ulConnection>");
	assert_asked(6, "<ulConnection>4</ulConnection>");
	assert_asked(7, "<ns:notifyGetItems>");
	assert_true(bell_works(bells.bell));
	assert_int_equal(told("subscriptions"), 2);
}

/* ---- outages ---- */

/* The session that subscribes and its subscriptions stay; the one whose poll broke is ended for certain. */
static void assert_poller_replaced(void)
{
	wait_for_requests(8);
	assert_asked(4, "<ns:logoff>");
	assert_asked(5, "<ns:notifyUnSubscribeMulti>"); /* it still lives */
	assert_asked(6, "<ns:logon>");
	assert_true(group_of(6) == group_of(0));
	assert_asked(7, "<ns:notifyGetItems>");
	size_t i = 1;
	while (i < MOST_RINGS && bells.heard[i].n_requests != 7)
		i++;
	assert_true(i < MOST_RINGS); /* it rang before it polled again */
	assert_true(bells.heard[i].rung.any);
	assert_true(bells.heard[i].notices.missed);
}

static void a_poll_that_breaks_is_another_sessions(void **state)
{
	(void)state;
	START(10, logon, logon, subscribed,
	      {.recorded = T50 "0032-notifyGetItems.res.xml",
	       .chunk_bytes = 1 << 16,
	       .pause_ms = STEADY_MS,
	       .cut_bytes = 60},
	      logged_off, unsubscribed, logon, waits);
	FOLLOW(2);
	assert_poller_replaced();
	assert_true(bell_works(bells.bell));
}

static void a_poll_that_is_never_answered_is_another_sessions(void **state)
{
	(void)state;
	bells.login.poll_timeout_ms = STEADY_MS;
	START(10, logon, logon, subscribed, waits, logged_off, unsubscribed, logon, waits);
	FOLLOW(2);
	assert_poller_replaced();
}

static void after_the_end_of_the_session_all_begins_anew(void **state)
{
	(void)state;
	START(10, logon, logon, subscribed, ended, logged_off, logon, logon, subscribed, waits);
	FOLLOW(2);
	wait_for_requests(9);
	assert_asked(7, "<ulConnection>2</ulConnection>");
	assert_asked(8, "<ns:notifyGetItems>");
	assert_true(group_of(5) == group_of(6));
	assert_true(group_of(5) != group_of(0));
	assert_int_equal(n_rings(), 3);
	assert_int_equal(bells.heard[1].n_requests, 4); /* nobody rings now: the owner must know */
	assert_true(bells.heard[1].rung.any);
	assert_int_equal(bells.heard[2].n_requests, 8);
	assert_true(bells.heard[2].rung.any);
	assert_true(bells.heard[2].notices.missed);
	assert_int_equal(told("subscriptions"), 1);
	WAIT_FOR(told("reconnects") == 1); /* when the poll has lasted */
	assert_true(bell_works(bells.bell));
}

static void a_server_that_does_not_answer_is_tried_again(void **state)
{
	(void)state;
	START(0, {.no_answer = true}, {.status = 404}, logon, logon, subscribed, waits);
	FOLLOW(2);
	wait_for_requests(6);
	WAIT_FOR(bell_works(bells.bell));
	assert_int_equal(n_rings(), 1);
	assert_int_equal(bells.heard[0].n_requests, 5); /* nothing was subscribed to before */
}

/* It must not be said to be back each time it is tried. */
static void a_server_without_notifications_does_not_come_back(void **state)
{
	(void)state;
	START(0, logon, logon, subscribed, not_supported, logged_off, logged_off, logon, logon, subscribed,
	      not_supported, logged_off, logged_off, waits);
	FOLLOW(2);
	wait_for_requests(13);
	assert_false(bell_works(bells.bell));
	assert_int_equal(told("reconnects"), 0);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_subscribes_then_rings_for_everything_then_polls),
		TEST(both_sessions_are_of_one_group_and_are_logged_off),
		TEST(without_targets_nothing_is_asked),
		TEST(a_notice_rings_before_the_next_poll),
		TEST(notices_are_kept_for_whoever_wants_them),
		TEST(what_rings_before_it_is_taken_is_kept),
		TEST(a_burst_rings_once_and_is_kept_in_bounds),
		TEST(other_targets_are_changed_while_the_poll_goes_on),
		TEST(one_that_is_refused_is_left_out),
		TEST(a_poll_that_breaks_is_another_sessions),
		TEST(a_poll_that_is_never_answered_is_another_sessions),
		TEST(after_the_end_of_the_session_all_begins_anew),
		TEST(a_server_that_does_not_answer_is_tried_again),
		TEST(a_server_without_notifications_does_not_come_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
