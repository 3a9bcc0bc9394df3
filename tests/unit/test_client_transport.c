/* What a server, a network and a clock can do to the client, short of answering. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>

#include "bridge/clock.h"
#include "tests/support/client_rig.h"

#define NO_CHANGES "10-folder-sync-tcp-02-nochange/0001-getChanges.res.xml"
#define VALUE      "73-control-characters-and-long-values-tcp-user1/0006-loadProp.res.xml"
#define EXPORT     "72-export-missing-items-tcp-user1/0003-exportMessageChangesAsStream.res.xml"
#define ENTRY                                                                                                          \
	"<item><ulChangeId>7</ulChangeId><sSourceKey>YWJj</sSourceKey><sParentSourceKey>ZGVm</sParentSourceKey>"       \
	"<ulChangeType>4097</ulChangeType><ulFlags>0</ulFlags></item>"
#define HEAD      "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"
#define RAW(text) slice_of(text, sizeof(text) - 1)

/* What a slow reader does between two calls. */
static void be_busy(int ms)
{
	poll(NULL, 0, ms);
}

static int load_prop(struct prop *prop)
{
	return client_load_prop(rig.client, slice_of("id", 2), 0x1000001F, &rig.arena, prop, &rig.err);
}

static int ask_value(void)
{
	struct prop prop;

	return load_prop(&prop);
}

static int ask_changes(void)
{
	return client_changes(rig.client, 1, 1, SYNC_CONTENTS, SYNC_NORMAL, &rig.err);
}

static int next_entry(void)
{
	struct journal_entry entry;
	uint32_t max;

	return client_next_entry(rig.client, SYNC_CONTENTS, &entry, &max, &rig.err);
}

static void a_connection_that_closes_without_an_answer(void **state)
{
	(void)state;
	RIG_OPEN({.no_answer = true});
	rig_assert_refused(ask_changes(), ERR_AGAIN, 0, "getChanges at http://127.0.0.1:");
	assert_non_null(strstr(rig.err.text, "Empty reply"));
	assert_int_equal(script_http_n_requests(rig.server), 2);
	assert_false(client_alive(rig.client));
}

static void an_answer_that_breaks_off(void **state)
{
	(void)state;
	for (size_t cut = 1; cut < 33000; cut = cut * 3 + 1) {
		const struct http_step steps[] = {{.recorded = RIG_LOGON},
						  {.recorded = VALUE, .cut_bytes = cut + 100},
						  {.recorded = VALUE, .chunk_bytes = 1000, .cut_bytes = cut + 100}};
		assert_int_equal(rig_open(steps, 3), 0);
		rig_assert_refused(ask_value(), ERR_AGAIN, 0, "loadProp at http");
		rig_assert_refused(ask_value(), ERR_AGAIN, 0, "loadProp at http");
		client_rig_teardown(NULL);
	}
}

static void an_answer_whose_document_is_not_complete(void **state)
{
	(void)state;
	RIG_OPEN({.raw = RAW(HEAD "Content-Length: 46\r\n\r\n<E:Envelope><E:Body><r><er>0</er></r></E:Body>")},
		 {.raw = RAW(HEAD "Content-Length: 20\r\n\r\n<E:Envelope><E:Body>")},
		 {.raw = RAW(HEAD "Content-Length: 0\r\n\r\n")},
		 {.raw = RAW(HEAD "Content-Length: 29\r\n\r\n<html>This is a page.</html>\r\n")});
	rig_assert_refused(ask_value(), ERR_AGAIN, 0, "ends too early");
	rig_assert_refused(ask_value(), ERR_AGAIN, 0, "ends too early");
	rig_assert_refused(ask_value(), ERR_AGAIN, 0, "ends too early");
	rig_assert_refused(ask_value(), ERR_AGAIN, 0, "it has no Envelope");
}

static void statuses_of_http(void **state)
{
	(void)state;
	RIG_OPEN({.status = 404}, {.status = 302}, {.status = 503}, {.status = 500});
	rig_assert_refused(ask_value(), ERR_AGAIN, 0, "HTTP status 404: no Kopano server answers so");
	rig_assert_refused(ask_value(), ERR_AGAIN, 0, "redirections are not followed");
	rig_assert_refused(ask_value(), ERR_AGAIN, 0, "HTTP status 503");
	rig_assert_refused(ask_value(), ERR_AGAIN, 0, "HTTP status 500: the answer");
	assert_int_equal(script_http_n_requests(rig.server), 5);
}

static void interim_heads_are_passed_over(void **state)
{
	(void)state;
	RIG_OPEN({.raw = RAW("HTTP/1.1 100 Continue\r\n\r\n" HEAD
			     "Content-Length: 25\r\n\r\n<E:Envelope></E:Envelope>")});
	rig_assert_refused(ask_value(), ERR_AGAIN, 0, "it has no Body");
}

static void a_kept_connection_that_turns_out_closed(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = VALUE}, {.no_answer = true}, {.recorded = VALUE, .then_close = true}, {.recorded = VALUE},
		 {.no_answer = true}, {.no_answer = true});
	assert_int_equal(ask_value(), 0);
	assert_int_equal(script_http_n_connections(rig.server), 1);
	assert_int_equal(ask_value(), 0); /* asked twice */
	assert_int_equal(script_http_n_connections(rig.server), 2);
	assert_int_equal(ask_value(),
			 0); /* once or twice: the end of the connection may be seen before or after asking */
	assert_int_equal(script_http_n_connections(rig.server), 3);
	assert_true(client_alive(rig.client));
	rig_assert_refused(ask_value(), ERR_AGAIN, 0, "broke"); /* and only once more */
}

static void a_whole_answer_has_a_deadline(void **state)
{
	(void)state;
	rig.login.call_timeout_ms = 300;
	rig.login.read_timeout_ms = 200;
	RIG_OPEN({.recorded = VALUE, .chunk_bytes = 100, .pause_ms = 20});
	int64_t start = clock_ms();
	rig_assert_refused(ask_value(), ERR_AGAIN, 0, "not complete after 300 ms");
	assert_in_range(clock_ms() - start, 300, 3000);
	assert_false(client_alive(rig.client));
}

static void the_next_byte_has_a_deadline(void **state)
{
	(void)state;
	rig.login.call_timeout_ms = 5000;
	rig.login.read_timeout_ms = 200;
	RIG_OPEN({.raw = RAW(HEAD "Content-Length: 1000\r\n\r\n<E:Envelope><E:Body><r><sChangesArray>" ENTRY)},
		 {.hang = true}, {.hang = true});
	int64_t start = clock_ms();
	assert_int_equal(ask_changes(), 0);
	assert_int_equal(next_entry(), 0);
	rig_assert_refused(next_entry(), ERR_AGAIN, 0, "nothing came for 200 ms");
	rig_assert_refused(ask_changes(), ERR_AGAIN, 0, "nothing came for 200 ms");
	rig_assert_refused(ask_value(), ERR_AGAIN, 0, "nothing came for 200 ms");
	assert_in_range(clock_ms() - start, 600, 4000);
}

static void a_slow_drip_does_not_end_a_reading(void **state)
{
	(void)state;
	rig.login.call_timeout_ms = 200;
	rig.login.read_timeout_ms = 2000;
	RIG_OPEN({.recorded = NO_CHANGES, .chunk_bytes = 50, .pause_ms = 20});
	assert_int_equal(ask_changes(), 0);
	assert_int_equal(next_entry(), KOPANO_END);
}

static void the_reader_may_take_his_time(void **state)
{
	(void)state;
	rig.login.call_timeout_ms = 100;
	rig.login.read_timeout_ms = 100;
	RIG_OPEN({.body = "<r><sChangesArray>" ENTRY ENTRY
			  "</sChangesArray><ulMaxChangeId>9</ulMaxChangeId><er>0</er></r>"});
	assert_int_equal(client_changes_age_ms(rig.client), 0);
	assert_int_equal(ask_changes(), 0);
	be_busy(150);
	assert_int_equal(next_entry(), 0);
	be_busy(150);
	assert_int_equal(next_entry(), 0);
	assert_int_equal(next_entry(), KOPANO_END);
}

static void the_age_of_a_reading(void **state)
{
	(void)state;
	RIG_OPEN({.raw = RAW(HEAD "Content-Length: 1000\r\n\r\n<E:Envelope><E:Body><r><sChangesArray>" ENTRY)});
	assert_int_equal(ask_changes(), 0);
	be_busy(60);
	assert_in_range(client_changes_age_ms(rig.client), 50, 5000);
	client_abandon_changes(rig.client, SYNC_CONTENTS);
	assert_int_equal(client_changes_age_ms(rig.client), 0);
	rig_assert_refused(next_entry(), ERR_AGAIN, 0, "no answer");
	assert_true(client_alive(rig.client));
}

/* `n` times the text between two others, as an HTTP answer. */
static char *long_answer(const char *before, const char *text, size_t n, const char *after, size_t *size)
{
	char *all = NULL;
	FILE *out = open_memstream(&all, size);
	size_t length = strlen(before) + n * strlen(text) + strlen(after);

	fprintf(out, HEAD "Content-Length: %zu\r\n\r\n%s", length, before);
	for (size_t i = 0; i < n; i++)
		fputs(text, out);
	fputs(after, out);
	fclose(out);
	return all;
}

static void an_answer_bigger_than_all_buffers(void **state)
{
	(void)state;
	enum { N = 100000, BUSY_EACH = 20000 };
	size_t size;
	char *answer = long_answer("<E:Envelope><E:Body><r><sChangesArray>", ENTRY, N,
				   "</sChangesArray><er>0</er></r></E:Body></E:Envelope>", &size);
	const struct http_step steps[] = {{.recorded = RIG_LOGON},
					  {.raw = slice_of(answer, size)},
					  {.raw = slice_of(answer, size)},
					  {.recorded = VALUE}};

	assert_int_equal(rig_open(steps, 4), 0);
	assert_int_equal(ask_changes(), 0);
	int n = 0;
	for (; next_entry() == 0; n++)
		if (n % BUSY_EACH == 0)
			be_busy(20);
	assert_int_equal(n, N);
	assert_int_equal(ask_changes(), 0);
	assert_int_equal(next_entry(), 0);
	client_abandon_changes(rig.client, SYNC_CONTENTS);
	assert_int_equal(ask_value(), 0);
	client_rig_teardown(NULL);
	free(answer);
}

static void an_element_bigger_than_the_limit(void **state)
{
	(void)state;
	static char text[(1 << 20) + 1];
	size_t size;
	memset(text, 'x', sizeof text - 1);
	char *answer =
		long_answer("<E:Envelope><E:Body><r><er>0</er><lpPropVal><ulPropTag>268435487</ulPropTag><lpszA>", text,
			    66, "</lpszA></lpPropVal></r></E:Body></E:Envelope>", &size);
	const struct http_step steps[] = {
		{.recorded = RIG_LOGON}, {.raw = slice_of(answer, size)}, {.recorded = VALUE}};

	assert_int_equal(rig_open(steps, 3), 0);
	rig_assert_refused(ask_value(), ERR_BAD, 0, "bigger than 65536 KiB");
	assert_true(client_alive(rig.client));
	assert_in_range(rig.arena.n_bytes, 0, 1 << 16);
	assert_int_equal(ask_value(), 0);
	client_rig_teardown(NULL);
	free(answer);
}

static void counts_that_the_server_claims_are_not_believed(void **state)
{
	(void)state;
	RIG_OPEN({.body = "<r><er>0</er><sSaveObject><delProps "
			  "SOAP-ENC:arrayType=\"xsd:unsignedInt[2147483647]\"><item>1703967"
			  "</item></delProps><modProps "
			  "SOAP-ENC:arrayType=\"propVal[2147483647]\"></modProps></sSaveObject></r>"});
	struct object object;

	assert_int_equal(client_load_object(rig.client, slice_of("id", 2), 0, &rig.arena, &object, &rig.err), 0);
	assert_int_equal(object.n_missing, 1);
	assert_in_range(rig.arena.n_bytes, 0, 1 << 16);
}

static void the_streams_of_an_export_are_not_awaited(void **state)
{
	(void)state;
	RIG_OPEN({.raw = RAW("HTTP/1.1 200 OK\r\nContent-Type: multipart/related\r\nTransfer-Encoding: "
			     "chunked\r\n\r\nfff\r\n"
			     "--==x==\r\nContent-Type: "
			     "application/xop+xml\r\n\r\n<E:Envelope><E:Body><r><sMsgStreams><item>"
			     "<ulStep>0</ulStep><sPropVals/></item></sMsgStreams><er>0</er></r></E:Body></"
			     "E:Envelope>\r\n")},
		 {.recorded = EXPORT});
	static const uint32_t tags[] = {0x0037001F};
	static const struct item_key key = {{0}, {0}};
	struct prop cell;
	uint32_t index;
	int64_t start = clock_ms();

	assert_int_equal(client_export(rig.client, &key, 1, &(struct columns){tags, 1}, &rig.err), 0);
	assert_int_equal(client_next_export(rig.client, &rig.arena, &index, &cell, &rig.err), 0);
	assert_int_equal(client_next_export(rig.client, &rig.arena, &index, &cell, &rig.err), KOPANO_END);
	assert_in_range(clock_ms() - start, 0, 400);
	assert_int_equal(client_export(rig.client, &key, 1, &(struct columns){tags, 1}, &rig.err), 0);
	assert_int_equal(client_next_export(rig.client, &rig.arena, &index, &cell, &rig.err), 0);
	assert_int_equal(script_http_n_connections(rig.server), 3);
}

static void an_answer_that_promised_more_bytes(void **state)
{
	(void)state;
	RIG_OPEN({.raw = RAW(HEAD
			     "Content-Length: 100000\r\n\r\n<E:Envelope><E:Body><r><er>0</er><lpPropVal><ulPropTag>3"
			     "</ulPropTag><ul>1</ul></lpPropVal></r></E:Body></E:Envelope>")},
		 {.recorded = VALUE});
	assert_int_equal(ask_value(), 0);
	assert_int_equal(ask_value(), 0);
	assert_int_equal(script_http_n_connections(rig.server), 2);
}

static void *ask_to_stop(void *stop)
{
	be_busy(100);
	client_stop_now(stop);
	return NULL;
}

static void assert_stops(int (*call)(void))
{
	pthread_t thread;
	int64_t start = clock_ms();

	assert_int_equal(pthread_create(&thread, NULL, ask_to_stop, rig.login.stop), 0);
	int rc = call();
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(rc, ERR_STOPPED);
	assert_int_equal(rig.err.class, ERR_STOPPED);
	assert_in_range(clock_ms() - start, 0, 1000);
}

static void a_stop_ends_the_wait_for_an_answer(void **state)
{
	(void)state;
	rig.login.stop = client_stop_new();
	RIG_OPEN({.hang = true});
	assert_stops(ask_value);
	assert_int_equal(ask_changes(), ERR_STOPPED);
	assert_int_equal(script_http_n_requests(rig.server), 2);
}

static void a_stop_ends_the_wait_within_an_answer(void **state)
{
	(void)state;
	rig.login.stop = client_stop_new();
	RIG_OPEN({.raw = RAW(HEAD "Content-Length: 1000\r\n\r\n<E:Envelope><E:Body><r><sChangesArray>")});
	assert_int_equal(ask_changes(), 0);
	assert_stops(next_entry);
}

static void a_stop_comes_before_the_client(void **state)
{
	(void)state;
	rig.login.stop = client_stop_new();
	assert_false(client_stop_asked(rig.login.stop));
	client_stop_now(rig.login.stop);
	assert_true(client_stop_asked(rig.login.stop));
	RIG_SCRIPT({.recorded = RIG_LOGON});
	assert_int_equal(opened, ERR_STOPPED);
	assert_null(rig.client);
}

static void the_farewell_is_short(void **state)
{
	(void)state;
	RIG_OPEN({.hang = true});
	int64_t start = clock_ms();
	client_close(rig.client);
	rig.client = NULL;
	assert_in_range(clock_ms() - start, 900, 3000);
}

static void the_farewell_is_said_after_a_stop_too(void **state)
{
	(void)state;
	rig.login.stop = client_stop_new();
	RIG_OPEN({.body = "<r><result>0</result></r>"});
	client_stop_now(rig.login.stop);
	client_close(rig.client);
	rig.client = NULL;
	rig_assert_asked("<ns:logoff>");
}

static void proxies_of_the_environment_are_not_used(void **state)
{
	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1/", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1/", 1);
	RIG_OPEN({.recorded = VALUE});
	assert_int_equal(ask_value(), 0);
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
}

/* Opens a client at another URL than the script's. */
static int open_url(const char *url)
{
	const struct login login = {.url = url,
				    .user = "user1",
				    .password = "secret",
				    .impersonate = "",
				    .ca_file = rig.login.ca_file,
				    .verify = true};
	struct client *client = NULL;
	int rc = client_open(&login, &client, &rig.err);

	assert_null(client);
	assert_null(strstr(rig.err.text, "secret"));
	return rc;
}

static void urls_that_cannot_be_right(void **state)
{
	(void)state;
	static const char *const bad[] = {"",         "mail.example.com", "ftp://mail/",
					  "default:", "file://relative",  "http://"};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(open_url(bad[i]), ERR_FATAL);
		assert_int_equal(rig.err.exit_code, EXIT_USAGE);
	}
	assert_int_equal(open_url("https://user:secret@mail.example.com:237/"), ERR_FATAL);
	assert_non_null(strstr(rig.err.text, "holds a user name"));
}

static void servers_that_are_not_there(void **state)
{
	(void)state;
	assert_int_equal(open_url("http://127.0.0.1:1/"), ERR_AGAIN);
	assert_non_null(strstr(rig.err.text, "logon at http://127.0.0.1:1/"));
	assert_int_equal(open_url("/nowhere/server.sock"), ERR_AGAIN);
	assert_int_equal(open_url("file:///nowhere/server.sock"), ERR_AGAIN);
}

static void files_of_certificates_that_are_not_there(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = VALUE});
	const char *url = arena_text(&rig.arena, "https%s", script_http_url(rig.server) + 4);

	rig.login.ca_file = "/nowhere/ca.pem";
	assert_int_equal(open_url(url), ERR_FATAL);
	assert_int_equal(rig.err.exit_code, EXIT_USAGE);
	assert_non_null(strstr(rig.err.text, "check ca_file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_connection_that_closes_without_an_answer, client_rig_teardown),
		cmocka_unit_test_teardown(an_answer_that_breaks_off, client_rig_teardown),
		cmocka_unit_test_teardown(an_answer_whose_document_is_not_complete, client_rig_teardown),
		cmocka_unit_test_teardown(statuses_of_http, client_rig_teardown),
		cmocka_unit_test_teardown(interim_heads_are_passed_over, client_rig_teardown),
		cmocka_unit_test_teardown(a_kept_connection_that_turns_out_closed, client_rig_teardown),
		cmocka_unit_test_teardown(a_whole_answer_has_a_deadline, client_rig_teardown),
		cmocka_unit_test_teardown(the_next_byte_has_a_deadline, client_rig_teardown),
		cmocka_unit_test_teardown(a_slow_drip_does_not_end_a_reading, client_rig_teardown),
		cmocka_unit_test_teardown(the_reader_may_take_his_time, client_rig_teardown),
		cmocka_unit_test_teardown(the_age_of_a_reading, client_rig_teardown),
		cmocka_unit_test_teardown(an_answer_bigger_than_all_buffers, client_rig_teardown),
		cmocka_unit_test_teardown(an_element_bigger_than_the_limit, client_rig_teardown),
		cmocka_unit_test_teardown(counts_that_the_server_claims_are_not_believed, client_rig_teardown),
		cmocka_unit_test_teardown(the_streams_of_an_export_are_not_awaited, client_rig_teardown),
		cmocka_unit_test_teardown(an_answer_that_promised_more_bytes, client_rig_teardown),
		cmocka_unit_test_teardown(a_stop_ends_the_wait_for_an_answer, client_rig_teardown),
		cmocka_unit_test_teardown(a_stop_ends_the_wait_within_an_answer, client_rig_teardown),
		cmocka_unit_test_teardown(a_stop_comes_before_the_client, client_rig_teardown),
		cmocka_unit_test_teardown(the_farewell_is_short, client_rig_teardown),
		cmocka_unit_test_teardown(the_farewell_is_said_after_a_stop_too, client_rig_teardown),
		cmocka_unit_test_teardown(proxies_of_the_environment_are_not_used, client_rig_teardown),
		cmocka_unit_test_teardown(urls_that_cannot_be_right, client_rig_teardown),
		cmocka_unit_test_teardown(servers_that_are_not_there, client_rig_teardown),
		cmocka_unit_test_teardown(files_of_certificates_that_are_not_there, client_rig_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
