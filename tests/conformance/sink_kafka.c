#include "tests/conformance/sink_kafka.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/clock.h"

enum { READ_MS = 30000 };

struct kafka_conf kafka_conf_new(const char *format, ...)
{
	struct kafka_conf conf = {0};
	struct err err;
	va_list args;
	va_start(args, format);
	int size = vasprintf(&conf.text, format, args);
	va_end(args);
	if (conf_parse("test.yaml", conf.text, (size_t)size, &conf.root, &err) ||
	    kafka_driver.configure(conf.root, &conf.config, &err))
		fail_msg("%s", err.text);
	return conf;
}

void kafka_conf_free(struct kafka_conf *conf)
{
	kafka_driver.free_config(conf->config);
	conf_free(conf->root);
	free(conf->text);
	*conf = (struct kafka_conf){0};
}

static void set(rd_kafka_conf_t *conf, const char *key, const char *value)
{
	char text[256];
	if (rd_kafka_conf_set(conf, key, value, text, sizeof text))
		fail_msg("%s", text);
}

rd_kafka_t *kafka_client(const char *brokers)
{
	char text[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	set(conf, "bootstrap.servers", brokers);
	rd_kafka_conf_set_log_cb(conf, NULL);
	rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
	if (!client)
		fail_msg("%s", text);
	return client;
}

static rd_kafka_t *consumer(const char *brokers)
{
	char text[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	set(conf, "bootstrap.servers", brokers);
	set(conf, "group.id", "tidings-test");
	set(conf, "enable.auto.commit", "false");
	set(conf, "enable.partition.eof", "true");
	set(conf, "auto.offset.reset", "earliest");
	set(conf, "fetch.wait.max.ms", "10");
	rd_kafka_conf_set_log_cb(conf, NULL);
	rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
	if (!client)
		fail_msg("%s", text);
	rd_kafka_poll_set_consumer(client);
	return client;
}

static int assign_all(rd_kafka_t *client, const char *name)
{
	const struct rd_kafka_metadata *found;
	rd_kafka_topic_t *topic = rd_kafka_topic_new(client, name, NULL);
	if (rd_kafka_metadata(client, 0, topic, &found, READ_MS))
		fail_msg("no metadata of topic %s", name);
	int n = found->topics[0].partition_cnt;
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n);
	for (int i = 0; i < n; i++)
		rd_kafka_topic_partition_list_add(list, name, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
	rd_kafka_assign(client, list);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_metadata_destroy(found);
	rd_kafka_topic_destroy(topic);
	return n;
}

void kafka_read(const char *brokers, const char *topic,
		void (*message)(void *context, const rd_kafka_message_t *message), void *context)
{
	rd_kafka_t *client = consumer(brokers);
	int64_t end_ms = clock_ms() + READ_MS;
	for (int n_left = assign_all(client, topic); n_left > 0;) {
		rd_kafka_message_t *read = rd_kafka_consumer_poll(client, 1000);
		if (clock_ms() > end_ms)
			fail_msg("topic %s could not be read to its end", topic);
		if (!read)
			continue;
		n_left -= read->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
		if (!read->err)
			message(context, read);
		rd_kafka_message_destroy(read);
	}
	rd_kafka_destroy(client);
}

struct wanted {
	struct slice key;
	struct arena *arena;
	struct slice *values;
	size_t n;
};

static void collect(void *context, const rd_kafka_message_t *message)
{
	struct wanted *wanted = context;
	if (!slice_equal(slice_of(message->key, message->key_len), wanted->key))
		return;
	wanted->values = xrealloc(wanted->values, (wanted->n + 1) * sizeof *wanted->values);
	wanted->values[wanted->n++] = arena_copy(wanted->arena, slice_of(message->payload, message->len));
}

size_t kafka_read_key(const char *brokers, const char *topic, struct slice key, struct arena *arena,
		      struct slice **values)
{
	struct wanted wanted = {key, arena, NULL, 0};
	kafka_read(brokers, topic, collect, &wanted);
	*values = (struct slice *)arena_copy(arena, slice_of(wanted.values, wanted.n * sizeof *wanted.values)).data;
	free(wanted.values);
	return wanted.n;
}

static rd_kafka_event_t *wait_for(rd_kafka_queue_t *queue, const char *what)
{
	rd_kafka_event_t *answer = rd_kafka_queue_poll(queue, READ_MS);
	if (!answer || rd_kafka_event_error(answer))
		fail_msg("%s: %s", what, answer ? rd_kafka_event_error_string(answer) : "no answer");
	return answer;
}

/* A deleted topic stays listed for a moment. */
static void wait_until_gone(const char *brokers, const char *name)
{
	int64_t end_ms = clock_ms() + READ_MS;
	while (kafka_count_partitions(brokers, name) > 0)
		if (clock_ms() > end_ms)
			fail_msg("topic %s is still listed", name);
}

void kafka_delete_topics(const char *brokers, const char *const *names, size_t n)
{
	rd_kafka_t *client = kafka_client(brokers);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
	for (size_t i = 0; i < n; i++) {
		rd_kafka_DeleteTopic_t *wanted = rd_kafka_DeleteTopic_new(names[i]);
		rd_kafka_DeleteTopics(client, &wanted, 1, NULL, queue);
		rd_kafka_event_destroy(wait_for(queue, names[i]));
		rd_kafka_DeleteTopic_destroy(wanted);
		wait_until_gone(brokers, names[i]);
	}
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(client);
}

static bool has_setting(const rd_kafka_event_t *answer, const char *key, const char *value)
{
	size_t n;
	const rd_kafka_ConfigResource_t **found = rd_kafka_DescribeConfigs_result_resources(
		rd_kafka_event_DescribeConfigs_result((rd_kafka_event_t *)answer), &n);
	const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(found[0], &n);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(rd_kafka_ConfigEntry_name(entries[i]), key))
			return !strcmp(rd_kafka_ConfigEntry_value(entries[i]), value);
	return false;
}

/* A controller takes a setting before its brokers know it. */
static void wait_until_set(rd_kafka_t *client, rd_kafka_queue_t *queue, const char *name, const char *key,
			   const char *value)
{
	int64_t end_ms = clock_ms() + READ_MS;
	rd_kafka_ConfigResource_t *wanted = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name);
	for (bool is_set = false; !is_set;) {
		rd_kafka_DescribeConfigs(client, &wanted, 1, NULL, queue);
		rd_kafka_event_t *answer = wait_for(queue, name);
		is_set = has_setting(answer, key, value);
		rd_kafka_event_destroy(answer);
		if (!is_set && clock_ms() > end_ms)
			fail_msg("topic %s: %s is not %s", name, key, value);
	}
	rd_kafka_ConfigResource_destroy(wanted);
}

void kafka_alter_topic(const char *brokers, const char *name, const char *key, const char *value)
{
	size_t n;
	rd_kafka_t *client = kafka_client(brokers);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
	rd_kafka_ConfigResource_t *wanted = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name);
	rd_kafka_ConfigResource_set_config(wanted, key, value);
	rd_kafka_AlterConfigs(client, &wanted, 1, NULL, queue);
	rd_kafka_event_t *answer = wait_for(queue, name);
	const rd_kafka_ConfigResource_t **altered =
		rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(answer), &n);
	assert_int_equal(rd_kafka_ConfigResource_error(altered[0]), RD_KAFKA_RESP_ERR_NO_ERROR);
	rd_kafka_event_destroy(answer);
	rd_kafka_ConfigResource_destroy(wanted);
	wait_until_set(client, queue, name, key, value);
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(client);
}

int kafka_count_partitions(const char *brokers, const char *name)
{
	const struct rd_kafka_metadata *found;
	rd_kafka_t *client = kafka_client(brokers);
	int n = 0;
	if (rd_kafka_metadata(client, 1, NULL, &found, READ_MS))
		fail_msg("no metadata");
	for (int i = 0; i < found->topic_cnt; i++)
		if (!strcmp(found->topics[i].topic, name))
			n = found->topics[i].partition_cnt;
	rd_kafka_metadata_destroy(found);
	rd_kafka_destroy(client);
	return n;
}
