/* What may stand below sink.kafka, and what is said about the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/driver.h"
#include "tests/support/scratch.h"

extern const struct sink_driver kafka_driver;

static struct err err;
static void *config;
static struct conf_node *root;

static int configure(const char *text)
{
	err = (struct err){0};
	config = NULL;
	assert_int_equal(conf_parse("k.yaml", text, strlen(text), &root, &err), 0);
	return kafka_driver.configure(root, &config, &err);
}

static void release(void)
{
	kafka_driver.free_config(config);
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

static void the_least_is_the_address_of_a_broker(void **state)
{
	(void)state;
	assert_int_equal(configure("librdkafka: {bootstrap.servers: \"a:9092\"}"), 0);
	const char *const *topics = kafka_driver.topics(config);
	assert_string_equal(topics[TOPIC_ITEMS], "tidings.items");
	assert_string_equal(topics[TOPIC_DEADLETTER], "tidings.deadletter");
	assert_string_equal(topics[TOPIC_NOTIFICATIONS], "tidings.notifications");
	release();
	assert_refused("partitions: 3", "k.yaml:1:1", "librdkafka");
	assert_refused("librdkafka: {linger.ms: 1}", "k.yaml:1:", "bootstrap.servers");
	assert_accepted("librdkafka: {metadata.broker.list: \"a:9092\"}");
}

static void topics_have_legal_and_different_names(void **state)
{
	(void)state;
	assert_int_equal(configure("topics: {items: i, folders: f}\nlibrdkafka: {bootstrap.servers: a}"), 0);
	assert_string_equal(kafka_driver.topics(config)[TOPIC_ITEMS], "i");
	assert_string_equal(kafka_driver.topics(config)[TOPIC_FOLDERS], "f");
	assert_string_equal(kafka_driver.topics(config)[TOPIC_LIFECYCLE], "tidings.lifecycle");
	release();
	assert_refused("topics: {items: a b}\nlibrdkafka: {bootstrap.servers: a}", "k.yaml:1:10", "a b");
	assert_refused("topics: {items: \"{store}.items\"}\nlibrdkafka: {bootstrap.servers: a}", "k.yaml:1:10",
		       "topic");
	assert_refused("topics: {items: \"\"}\nlibrdkafka: {bootstrap.servers: a}", "k.yaml:1:10", "topic");
	assert_refused("topics: {items: tidings.folders}\nlibrdkafka: {bootstrap.servers: a}", "k.yaml:1:10", "share");
	assert_refused("topics: {item: a}\nlibrdkafka: {bootstrap.servers: a}", "k.yaml:1:10", "items");
}

static void only_at_least_once_and_whole_partitions(void **state)
{
	(void)state;
	assert_accepted("delivery: at-least-once\npartitions: 12\nlibrdkafka: {bootstrap.servers: a}");
	assert_refused("delivery: maybe\nlibrdkafka: {bootstrap.servers: a}", "k.yaml:1:1", "at-least-once");
	assert_refused("partitions: 0\nlibrdkafka: {bootstrap.servers: a}", "k.yaml:1:1", "partitions");
	assert_refused("partitons: 3\nlibrdkafka: {bootstrap.servers: a}", "k.yaml:1:1", "partitions");
}

static void librdkafka_knows_its_properties(void **state)
{
	(void)state;
	assert_accepted("librdkafka: {bootstrap.servers: a, linger.ms: 50, compression.type: zstd, debug: msg}");
	assert_refused("librdkafka:\n  bootstrap.servers: a\n  linger.mss: 1", "k.yaml:3:3", "linger.mss");
	assert_refused("librdkafka:\n  bootstrap.servers: a\n  linger.ms: soon", "k.yaml:3:3", "linger.ms");
	assert_refused("librdkafka:\n  bootstrap.servers: [a, b]", "k.yaml:2:3", "one value");
	assert_refused("librdkafka: all", "k.yaml:1:1", "librdkafka");
	assert_refused("librdkafka: {bootstrap.servers: a, dr_cb: x}", "k.yaml:1:", "dr_cb");
}

static void what_breaks_the_guarantee_is_refused(void **state)
{
	static const char *const refused[][2] = {
		{"acks: 1", "acks must be"},
		{"request.required.acks: 0", "acks must be"},
		{"enable.idempotence: false", "enable.idempotence must be true"},
		{"message.timeout.ms: 300000", "message.timeout.ms must be 0"},
		{"delivery.timeout.ms: 1", "message.timeout.ms must be 0"},
		{"delivery.report.only.error: true", "delivery.report.only.error must be false"},
		{"partitioner: consistent_random", "partitioner must be murmur2_random"},
		{"enable.gapless.guarantee: true", "enable.gapless.guarantee must be false"},
		{"queuing.strategy: lifo", "queuing.strategy must be fifo"},
		{"transactional.id: x", "transactional.id must not be set"},
	};
	char text[256];
	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		snprintf(text, sizeof text, "librdkafka:\n  bootstrap.servers: a\n  %s", refused[i][0]);
		assert_refused(text, "k.yaml:3:3", refused[i][1]);
	}
	assert_accepted("librdkafka: {bootstrap.servers: a, acks: all, enable.idempotence: true, "
			"partitioner: murmur2_random, message.timeout.ms: 0}");
	assert_accepted("librdkafka: {bootstrap.servers: a, acks: -1}");
}

static void secrets_come_from_files_and_are_never_said(void **state)
{
	char text[512];
	(void)state;
	const char *file = scratch_write_text("password", "hunter2\n");
	snprintf(text, sizeof text,
		 "librdkafka: {bootstrap.servers: a, sasl.username: u}\nlibrdkafka_files: {sasl.password: \"%s\"}",
		 file);
	assert_accepted(text);
	assert_refused("librdkafka: {bootstrap.servers: a}\nlibrdkafka_files: {sasl.password: /nowhere/at/all}",
		       "k.yaml:2:", "/nowhere/at/all");
	assert_refused("librdkafka: {bootstrap.servers: a, sasl.pasword: hunter2}", "k.yaml:1:", "sasl.pasword");
	assert_null(strstr(err.text, "hunter2"));
	assert_int_equal(configure("librdkafka: {bootstrap.servers: a, sasl.jaas.config: hunter2}"), ERR_FATAL);
	assert_null(strstr(err.text, "hunter2"));
	release();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_is_the_address_of_a_broker),
		cmocka_unit_test(topics_have_legal_and_different_names),
		cmocka_unit_test(only_at_least_once_and_whole_partitions),
		cmocka_unit_test(librdkafka_knows_its_properties),
		cmocka_unit_test(what_breaks_the_guarantee_is_refused),
		cmocka_unit_test_setup_teardown(secrets_come_from_files_and_are_never_said, scratch_make,
						scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
