/* The calls about notifications against what a real server answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/kopano/client_notify.h"
#include "tests/support/client_rig.h"

#define T50    "50-subscribe-folder-tcp-user1/"
#define T51    "51-subscribe-store-tcp-user1/"
#define T53    "53-notify-longpoll-idle/"
#define T57    "57-gzip-folder-sync-and-notify-tcp-user1/"
#define T70    "70-ics-subscribe-tcp-user1/"
#define IDLE   T53 "0032-notifyGetItems.res.xml"
#define LOGOFF "<ns:logoffResponse><result>0</result></ns:logoffResponse>"

enum { NO_FD = -1 };

/* The next notice of the answer to a poll that is sent here. */
static int poll_for(struct notice *notice)
{
	assert_int_equal(client_poll(rig.client, &rig.err), 0);
	assert_int_equal(client_await(rig.client, NO_FD, &rig.err), 0);
	return client_next_notice(rig.client, &rig.arena, notice, &rig.err);
}

static int next(struct notice *notice)
{
	return client_next_notice(rig.client, &rig.arena, notice, &rig.err);
}

static void subscriptions_are_made_and_taken_back(void **state)
{
	static const uint8_t key[3] = "abc", other[3] = "xyz";
	static const uint32_t numbers[] = {7, 9};

	(void)state;
	RIG_OPEN({.recorded = T70 "0007-notifySubscribeMulti.res.xml"},
		 {.recorded = T70 "0036-notifyUnSubscribeMulti.res.xml"});
	const struct subscription two[] = {
		{.number = 7,
		 .mask = NOTICE_EVENTS | NOTICE_OF_ITEMS | NOTICE_OF_FOLDERS | NOTICE_NO_COUNTERS,
		 .key = slice_of(key, 3)},
		{.number = 9, .mask = NOTICE_CREATED, .key = slice_of(other, 3)}};
	assert_int_equal(client_subscribe(rig.client, two, 2, &rig.err), 0);
	rig_assert_asked("<ns:notifySubscribeMulti><ulSessionId>" RIG_SESSION "</ulSessionId><notifySubscribeArray>"
			 "<item><ulConnection>7</ulConnection><sKey>YWJj</sKey><ulEventMask>458876</ulEventMask>"
			 "<sSyncState><ulSyncId>0</ulSyncId><ulChangeId>0</ulChangeId></sSyncState></item>"
			 "<item><ulConnection>9</ulConnection><sKey>eHl6</sKey><ulEventMask>4</ulEventMask>"
			 "<sSyncState><ulSyncId>0</ulSyncId><ulChangeId>0</ulChangeId></sSyncState></item>"
			 "</notifySubscribeArray></ns:notifySubscribeMulti>");
	assert_int_equal(client_unsubscribe(rig.client, numbers, 2, &rig.err), 0);
	rig_assert_asked("<ns:notifyUnSubscribeMulti><ulSessionId>" RIG_SESSION "</ulSessionId>"
			 "<ulConnectionArray SOAP-ENC:arrayType=\"xsd:unsignedInt[2]\"><item>7</item><item>9</item>"
			 "</ulConnectionArray></ns:notifyUnSubscribeMulti>");
}

static void a_subscription_of_what_is_not_there(void **state)
{
	static const uint8_t key[3] = "abc";

	(void)state;
	RIG_OPEN({.body = "<ns:notifySubscribeMultiResponse><result>2147483650</result></"
			  "ns:notifySubscribeMultiResponse>"});
	const struct subscription one = {.number = 7, .mask = NOTICE_EVENTS, .key = slice_of(key, 3)};
	rig_assert_refused(client_subscribe(rig.client, &one, 1, &rig.err), ERR_GONE, KOPANO_NOT_FOUND, "not found");
	assert_true(client_alive(rig.client));
}

static void a_group_is_chosen_by_whoever_logs_on(void **state)
{
	struct client *second = NULL;

	(void)state;
	RIG_OPEN({.recorded = RIG_LOGON}, {.body = LOGOFF});
	assert_int_equal(client_open_in(&rig.login, 4711, &second, &rig.err), 0);
	rig_assert_asked("<ullSessionGroup>4711</ullSessionGroup>");
	assert_int_equal(client_log_off(second, &rig.err), 0);
	rig_assert_asked("<ns:logoff><ulSessionId>" RIG_SESSION "</ulSessionId></ns:logoff>");
	client_close(second);
	assert_int_equal(script_http_n_requests(rig.server), 3); /* it logs off once */
	assert_int_not_equal(client_random_group(), 0);
	assert_int_not_equal(client_random_group(), client_random_group());
}

static void a_created_item(void **state)
{
	struct notice notice;

	(void)state;
	RIG_OPEN({.recorded = T50 "0032-notifyGetItems.res.xml"});
	assert_int_equal(poll_for(&notice), 0);
	rig_assert_asked("<ns:notifyGetItems><ulSessionId>" RIG_SESSION "</ulSessionId></ns:notifyGetItems>");
	assert_int_equal(notice.number, 4);
	assert_int_equal(notice.event, NOTICE_CREATED);
	assert_int_equal(notice.object, NOTICE_ITEM);
	rig_assert_hex(notice.entry_id,
		       "00000000028b8ec7fe9f453a85a3563e5dd9d6650100000005000000da38806171d7427fb287c086a"
		       "451d38d00000000");
	rig_assert_hex(
		notice.parent_entry_id,
		"00000000028b8ec7fe9f453a85a3563e5dd9d66501000000030000001b2129ff76a84bb5811041599de1e8cd00000000");
	assert_int_equal(notice.old_entry_id.size + notice.old_parent_entry_id.size, 0);
	assert_int_equal(next(&notice), KOPANO_END);
}

static void a_moved_item_has_two_places(void **state)
{
	struct notice notice;

	(void)state;
	RIG_OPEN({.recorded = T51 "0051-notifyGetItems.res.xml"});
	assert_int_equal(poll_for(&notice), 0);
	assert_int_equal(notice.event, NOTICE_MOVED);
	assert_int_equal(notice.entry_id.size, 48);
	assert_int_equal(notice.old_entry_id.size, 48);
	assert_false(slice_equal(notice.entry_id, notice.old_entry_id));
	assert_false(slice_equal(notice.parent_entry_id, notice.old_parent_entry_id));
	assert_int_equal(next(&notice), KOPANO_END);
}

static void several_notices_in_one_answer(void **state)
{
	struct notice notice;

	(void)state;
	RIG_OPEN({.recorded = T57 "0050-notifyGetItems.res.xml"});
	assert_int_equal(poll_for(&notice), 0);
	assert_int_equal(notice.event, NOTICE_CREATED);
	assert_int_equal(next(&notice), 0);
	assert_int_equal(notice.event, NOTICE_UPDATED);
	assert_int_equal(notice.object, NOTICE_FOLDER);
	assert_int_equal(notice.parent_entry_id.size, 0);
	assert_int_equal(next(&notice), KOPANO_END);
}

static void events_of_folders(void **state)
{
	static const struct {
		const char *recorded;
		enum notice_event event;
	} expected[] = {{T51 "0092-notifyGetItems.res.xml", NOTICE_CREATED},
			{T51 "0096-notifyGetItems.res.xml", NOTICE_UPDATED},
			{T51 "0100-notifyGetItems.res.xml", NOTICE_DELETED}};
	struct notice notice;

	(void)state;
	RIG_OPEN({.recorded = expected[0].recorded}, {.recorded = expected[1].recorded},
		 {.recorded = expected[2].recorded});
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(poll_for(&notice), 0);
		assert_int_equal(notice.event, expected[i].event);
		assert_int_equal(notice.object, NOTICE_FOLDER);
		assert_int_equal(next(&notice), KOPANO_END);
	}
}

static void notices_of_the_journal_are_of_another_kind(void **state)
{
	struct notice notice;

	(void)state;
	RIG_OPEN({.recorded = T70 "0008-notifyGetItems.res.xml"});
	assert_int_equal(poll_for(&notice), 0);
	assert_int_equal(notice.number, 7);
	assert_int_equal(notice.event, 0);
	assert_int_equal(next(&notice), KOPANO_END);
}

static void an_idle_poll_ends_without_a_notice(void **state)
{
	struct notice notice;

	(void)state;
	RIG_OPEN({.recorded = IDLE}, {.recorded = T53 "0034-notifyGetItems.res.xml"});
	assert_int_equal(poll_for(&notice), KOPANO_END);
	assert_int_equal(poll_for(&notice), 0);
	assert_int_equal(notice.event, NOTICE_CREATED);
}

static void a_session_that_has_ended(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = T51 "0114-notifyGetItems.res.xml"});
	assert_int_equal(client_poll(rig.client, &rig.err), 0);
	rig_assert_refused(client_await(rig.client, NO_FD, &rig.err), ERR_AGAIN, KOPANO_END_OF_SESSION, "session");
	assert_false(client_alive(rig.client));
}

static void calls_are_made_while_the_poll_goes_on(void **state)
{
	static const uint8_t key[3] = "abc";
	int fd = eventfd(1, EFD_CLOEXEC);

	(void)state;
	RIG_OPEN({.hang = true}, {.recorded = T70 "0007-notifySubscribeMulti.res.xml"});
	const struct subscription one = {.number = 2, .mask = NOTICE_EVENTS, .key = slice_of(key, 3)};
	assert_int_equal(client_poll(rig.client, &rig.err), 0);
	assert_int_equal(client_await(rig.client, fd, &rig.err), HTTP_WOKEN);
	while (script_http_n_requests(rig.server) < 2) /* the poll has arrived */
		client_await(rig.client, fd, &rig.err);
	assert_int_equal(client_subscribe(rig.client, &one, 1, &rig.err), 0);
	assert_int_equal(client_await(rig.client, fd, &rig.err), HTTP_WOKEN);
	assert_int_equal(script_http_n_connections(rig.server), 2);
	close(fd);
}

static void a_poll_that_is_never_answered_has_a_deadline_of_its_own(void **state)
{
	(void)state;
	rig.login.poll_timeout_ms = 100;
	RIG_OPEN({.hang = true});
	assert_int_equal(client_poll(rig.client, &rig.err), 0);
	rig_assert_refused(client_await(rig.client, NO_FD, &rig.err), ERR_AGAIN, 0, "after 100 ms");
	assert_false(client_alive(rig.client));
}

/* A library that repeats it on a new connection would hide that something was lost. */
static void a_poll_whose_connection_breaks_is_not_repeated(void **state)
{
	struct notice notice;

	(void)state;
	RIG_OPEN({.recorded = IDLE}, {.no_answer = true}, {.recorded = IDLE});
	assert_int_equal(poll_for(&notice), KOPANO_END);
	assert_int_equal(client_poll(rig.client, &rig.err), 0);
	assert_int_equal(client_await(rig.client, NO_FD, &rig.err), ERR_AGAIN);
	assert_int_equal(script_http_n_requests(rig.server), 3);
}

static void an_answer_that_breaks_off(void **state)
{
	struct notice notice;

	(void)state;
	RIG_OPEN({.recorded = T57 "0050-notifyGetItems.res.xml", .cut_bytes = 40});
	assert_int_equal(poll_for(&notice), 0);
	assert_int_equal(next(&notice), 0);
	assert_int_equal(next(&notice), ERR_AGAIN);
	assert_false(client_alive(rig.client));
}

/* The memory is the arena's, which the caller may empty after each. */
static void ten_thousand_notices(void **state)
{
	static char body[10000 * 120 + 200];
	char *at = body + sprintf(body, "<ns:notifyResponse><pNotificationArray>");
	struct notice notice;
	uint32_t n = 0;

	(void)state;
	for (int i = 0; i < 10000; i++)
		at += sprintf(at,
			      "<item><ulConnection>%d</ulConnection><ulEventType>16</ulEventType><obj>"
			      "<pEntryId>YWJj</pEntryId></obj></item>",
			      i);
	sprintf(at, "</pNotificationArray><er>0</er></ns:notifyResponse>");
	RIG_OPEN({.body = body, .chunk_bytes = 10000});
	for (int rc = poll_for(&notice); rc == 0; rc = next(&notice)) {
		assert_int_equal(notice.number, n++);
		arena_free(&rig.arena);
	}
	assert_int_equal(n, 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(subscriptions_are_made_and_taken_back, client_rig_teardown),
		cmocka_unit_test_teardown(a_subscription_of_what_is_not_there, client_rig_teardown),
		cmocka_unit_test_teardown(a_group_is_chosen_by_whoever_logs_on, client_rig_teardown),
		cmocka_unit_test_teardown(a_created_item, client_rig_teardown),
		cmocka_unit_test_teardown(a_moved_item_has_two_places, client_rig_teardown),
		cmocka_unit_test_teardown(several_notices_in_one_answer, client_rig_teardown),
		cmocka_unit_test_teardown(events_of_folders, client_rig_teardown),
		cmocka_unit_test_teardown(notices_of_the_journal_are_of_another_kind, client_rig_teardown),
		cmocka_unit_test_teardown(an_idle_poll_ends_without_a_notice, client_rig_teardown),
		cmocka_unit_test_teardown(a_session_that_has_ended, client_rig_teardown),
		cmocka_unit_test_teardown(calls_are_made_while_the_poll_goes_on, client_rig_teardown),
		cmocka_unit_test_teardown(a_poll_that_is_never_answered_has_a_deadline_of_its_own, client_rig_teardown),
		cmocka_unit_test_teardown(a_poll_whose_connection_breaks_is_not_repeated, client_rig_teardown),
		cmocka_unit_test_teardown(an_answer_that_breaks_off, client_rig_teardown),
		cmocka_unit_test_teardown(ten_thousand_notices, client_rig_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
