/* What may stand below sink.zeromq, what is said about the rest, and how records are named on the live endpoint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/zeromq/zeromq.h"

#define BOTH "acknowledged: {bind: \"ipc:///a\", consumer: c}\n"

extern const struct sink_driver zeromq_driver;

static struct err err;
static struct zeromq_config *config;
static struct conf_node *root;

static int configure(const char *text)
{
	void *made = NULL;
	err = (struct err){0};
	assert_int_equal(conf_parse("z.yaml", text, strlen(text), &root, &err), 0);
	int class = zeromq_driver.configure(root, &made, &err);
	config = made;
	return class;
}

static void release(void)
{
	zeromq_driver.free_config(config);
	conf_free(root);
}

static void assert_accepted(const char *text)
{
	if (configure(text))
		fail_msg("%s", err.text);
	release();
}

/* Refused with exit code 2 at this place, with these words. */
static void assert_refused(const char *text, const char *place, const char *words)
{
	assert_int_equal(configure(text), ERR_FATAL);
	assert_int_equal(err.exit_code, EXIT_USAGE);
	assert_null(config);
	if (strncmp(err.text, place, strlen(place)) || !strstr(err.text, words))
		fail_msg("\"%s\" does not say \"%s\" at %s", err.text, words, place);
	release();
}

static void the_least_is_an_address_and_a_name(void **state)
{
	(void)state;
	assert_int_equal(configure("acknowledged: {bind: \"tcp://127.0.0.1:5560\", consumer: archive}"), 0);
	assert_string_equal(config->acknowledged, "tcp://127.0.0.1:5560");
	assert_string_equal(config->consumer, "archive");
	assert_null(config->live);
	assert_int_equal(config->heartbeat_ms, 1000);
	assert_int_equal(config->outbox_bytes, 8 << 20);
	assert_false(zeromq_driver.best_effort(config));
	assert_string_equal(zeromq_driver.topics(config)[TOPIC_DEADLETTER], "deadletter");
	release();
	assert_refused("acknowledged: {bind: \"tcp://127.0.0.1:5560\"}", "z.yaml:1:", "consumer");
	assert_refused("acknowledged: {consumer: c}", "z.yaml:1:", "bind");
	assert_refused("outbox: 1 MiB", "z.yaml:1:1", "acknowledged");
}

static void live_alone_is_best_effort_and_says_so(void **state)
{
	(void)state;
	assert_refused("live: {bind: \"ipc:///a\"}", "z.yaml:1:1", "best-effort");
	assert_refused("delivery: at-least-once\nlive: {bind: \"ipc:///a\"}", "z.yaml:1:1", "best-effort");
	assert_int_equal(configure("delivery: best-effort\nlive: {bind: \"ipc:///a\"}"), 0);
	assert_true(zeromq_driver.best_effort(config));
	release();
	assert_refused("delivery: best-effort\n" BOTH, "z.yaml:1:1", "at-least-once");
	assert_int_equal(configure(BOTH "live: {bind: \"ipc:///b\", queue: 5, memory: 1 MiB}"), 0);
	assert_false(zeromq_driver.best_effort(config));
	assert_int_equal(config->queue, 5);
	assert_int_equal(config->memory_bytes, 1 << 20);
	release();
}

static void what_others_can_reach_needs_insecure(void **state)
{
	static const char *const near[] = {"tcp://127.0.0.1:1", "tcp://127.1.2.3:65535", "tcp://[::1]:5560",
					   "ipc://@name", "ipc:///run/tidings/stream"};
	static const char *const far[] = {"tcp://*:5560",    "tcp://0.0.0.0:5560", "tcp://192.168.1.2:5560",
					  "tcp://[::]:5560", "tcp://eth0:5560",    "tcp://localhost:5560"};
	char text[256];
	(void)state;
	for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
		snprintf(text, sizeof text, "acknowledged: {bind: \"%s\", consumer: c}", near[i]);
		assert_accepted(text);
	}
	for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
		snprintf(text, sizeof text, "acknowledged: {bind: \"%s\", consumer: c}", far[i]);
		assert_refused(text, "z.yaml:1:16", "insecure: true");
		snprintf(text, sizeof text, "insecure: true\nacknowledged: {bind: \"%s\", consumer: c}", far[i]);
		assert_accepted(text);
	}
	assert_refused(BOTH "live: {bind: \"tcp://*:5561\"}", "z.yaml:2:8", "insecure: true");
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const wrong[] = {"127.0.0.1:5560",
					    "tcp://127.0.0.1",
					    "tcp://127.0.0.1:",
					    "tcp://127.0.0.1:0",
					    "tcp://127.0.0.1:70000",
					    "tcp://127.0.0.1:*",
					    "tcp://:5560",
					    "udp://127.0.0.1:1",
					    "inproc://a",
					    "ipc://",
					    "tcp://127.0.0.1:55x"};
	char text[256];
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		snprintf(text, sizeof text, "insecure: true\nacknowledged: {bind: \"%s\", consumer: c}", wrong[i]);
		assert_refused(text, "z.yaml:2:16", "no address to bind to");
	}
	snprintf(text, sizeof text, "acknowledged: {bind: \"ipc:///%0120d\", consumer: c}", 0);
	assert_refused(text, "z.yaml:1:16", "no address to bind to");
}

static void names_and_numbers_have_bounds(void **state)
{
	(void)state;
	assert_refused("acknowledged: {bind: \"ipc:///a\", consumer: \"a b\"}", "z.yaml:1:", "a b");
	assert_refused("acknowledged: {bind: \"ipc:///a\", consumer: \"\"}", "z.yaml:1:", "has no value");
	assert_refused("acknowledged: {bind: \"ipc:///a\", consumer: c, heartbeat_ms: 10}",
		       "z.yaml:1:", "heartbeat_ms");
	assert_refused("acknowledged: {bind: \"ipc:///a\", consumr: c}", "z.yaml:1:", "consumer");
	assert_refused(BOTH "outbox: 1 KiB", "z.yaml:2:1", "outbox");
	assert_refused(BOTH "outboks: 1 MiB", "z.yaml:2:1", "outbox");
}

/* ---- the live endpoint's topics ---- */

static void assert_topic(enum topic topic, const char *key, const char *type, const char *expected)
{
	char text[256];
	const struct record record = {.topic = topic, .key = slice_of_text(key), .type = type};
	size_t size = zeromq_topic(&record, text);
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(text, expected, size);
}

#define STORE "0123456789abcdef0123456789abcdef"
#define USER  "00000000ac21a95040d3ee48b319fba753304425"

static void topics_are_store_folder_and_object(void **state)
{
	(void)state;
	assert_topic(TOPIC_ITEMS, STORE "/f0", "tidings.v1.ItemCreated", STORE "/f0/item");
	assert_topic(TOPIC_ITEMS, STORE "/f0", "tidings.v1.SnapshotBegin", STORE "/f0/item");
	assert_topic(TOPIC_FOLDERS, STORE "/f0", "tidings.v1.FolderUpdated", STORE "/f0/folder");
	assert_topic(TOPIC_FOLDERS, STORE, "tidings.v1.StoreCreated", STORE "//store");
	assert_topic(TOPIC_ADDRESSBOOK, USER, "tidings.v1.UserCreated", "//user");
	assert_topic(TOPIC_ADDRESSBOOK, STORE, "tidings.v1.GroupDeleted", "//group");
	assert_topic(TOPIC_LIFECYCLE, STORE, "tidings.v1.Lifecycle", STORE "//lifecycle");
	assert_topic(TOPIC_LIFECYCLE, "", "tidings.v1.Lifecycle", "//lifecycle");
	assert_topic(TOPIC_DEADLETTER, STORE "/f0", "tidings.v1.DeadLetter", STORE "/f0/deadletter");
	assert_topic(TOPIC_DEADLETTER, USER, "tidings.v1.DeadLetter", "//deadletter");
	assert_topic(TOPIC_NOTIFICATIONS, STORE "/f0", "tidings.v1.ItemMoved", STORE "/f0/notification");
	assert_topic(TOPIC_NOTIFICATIONS, "/", "tidings.v1.ItemMoved", "//notification");
}

static void each_topic_has_its_number(void **state)
{
	struct counts counts = {0};
	char name[32];
	(void)state;
	for (int round = 1; round <= 3; round++)
		for (int i = 0; i < 5000; i++) {
			snprintf(name, sizeof name, "topic %d", i);
			assert_int_equal(++*counts_of(&counts, slice_of_text(name)), round);
		}
	assert_int_equal(counts.n, 5000);
	counts_free(&counts);
	assert_int_equal(*counts_of(&counts, slice_of_text("topic 1")), 0);
	counts_free(&counts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_is_an_address_and_a_name),
		cmocka_unit_test(live_alone_is_best_effort_and_says_so),
		cmocka_unit_test(what_others_can_reach_needs_insecure),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(names_and_numbers_have_bounds),
		cmocka_unit_test(topics_are_store_folder_and_object),
		cmocka_unit_test(each_topic_has_its_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
