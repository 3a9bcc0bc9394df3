#include <stdlib.h>

#include "bridge/kafka/kafka.h"
#include "core/router.h"

enum { ANSWER_MS = 30000, STEP_MS = 200, PAUSE_MS = 50, REPLICATION_OF_THE_BROKER = -1 };

/* Kafka's own default of max.message.bytes. */
enum { DEFAULT_LIMIT_BYTES = 1048588 };

static int metadata(struct kafka_sink *sink, const struct rd_kafka_metadata **found, struct err *err)
{
	int64_t deadline_ms = clock_ms() + ANSWER_MS;
	for (;;) {
		/* All topics: asking for some would make an eager broker create them with settings of its own. */
		rd_kafka_resp_err_t code = rd_kafka_metadata(sink->client, 1, NULL, found, STEP_MS);
		if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
			return 0;
		if (clock_ms() >= deadline_ms)
			return kafka_error(sink, code, "listing the topics", "", err);
		if (kafka_pause(sink, PAUSE_MS, err))
			return ERR_STOPPED;
	}
}

static int n_partitions(const struct rd_kafka_metadata *found, const char *name)
{
	for (int i = 0; i < found->topic_cnt; i++)
		if (!strcmp(found->topics[i].topic, name))
			return found->topics[i].partition_cnt;
	return 0;
}

int kafka_topics_find(struct kafka_sink *sink, struct err *err)
{
	const struct rd_kafka_metadata *found;
	int class = metadata(sink, &found, err);
	if (class)
		return class;
	for (int i = 0; i < N_TOPICS; i++)
		sink->topics[i].n_found = n_partitions(found, sink->topics[i].name);
	sink->broker_id = found->orig_broker_id;
	rd_kafka_metadata_destroy(found);
	return 0;
}

/* An answer that comes after a stop falls to the queue's last reference, the client's. */
static int wait_for_answer(struct kafka_sink *sink, rd_kafka_queue_t *queue, rd_kafka_event_t **answer, struct err *err)
{
	int64_t deadline_ms = clock_ms() + 2 * ANSWER_MS;
	while (!(*answer = rd_kafka_queue_poll(queue, STEP_MS))) {
		if (kafka_pause(sink, 0, err))
			return ERR_STOPPED;
		if (clock_ms() >= deadline_ms)
			return err_set(err, ERR_AGAIN, "Kafka: the broker did not answer a question about its topics");
	}
	return 0;
}

static rd_kafka_AdminOptions_t *options(struct kafka_sink *sink, rd_kafka_admin_op_t op)
{
	char text[256];
	rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(sink->client, op);
	rd_kafka_AdminOptions_set_request_timeout(options, ANSWER_MS, text, sizeof text);
	return options;
}

static int check_made(struct kafka_sink *sink, const rd_kafka_event_t *answer, struct err *err)
{
	size_t n;
	rd_kafka_resp_err_t code = rd_kafka_event_error((rd_kafka_event_t *)answer);
	if (code)
		return kafka_error(sink, code, "creating the missing topics", "", err);
	const rd_kafka_topic_result_t **made =
		rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result((rd_kafka_event_t *)answer), &n);
	for (size_t i = 0; i < n; i++) {
		code = rd_kafka_topic_result_error(made[i]);
		if (code && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
			return kafka_error(sink, code, "creating the topic", rd_kafka_topic_result_name(made[i]), err);
	}
	return 0;
}

static int make(struct kafka_sink *sink, rd_kafka_NewTopic_t **wanted, size_t n, bool only_try, struct err *err)
{
	char text[256];
	rd_kafka_event_t *answer = NULL;
	rd_kafka_queue_t *queue = rd_kafka_queue_new(sink->client);
	rd_kafka_AdminOptions_t *how = options(sink, RD_KAFKA_ADMIN_OP_CREATETOPICS);
	rd_kafka_AdminOptions_set_validate_only(how, only_try, text, sizeof text);
	rd_kafka_CreateTopics(sink->client, wanted, n, how, queue);
	int class = wait_for_answer(sink, queue, &answer, err);
	if (!class)
		class = check_made(sink, answer, err);
	if (answer)
		rd_kafka_event_destroy(answer);
	rd_kafka_AdminOptions_destroy(how);
	rd_kafka_queue_destroy(queue);
	return class;
}

static const char *missing(const struct kafka_sink *sink)
{
	for (int i = 0; i < N_TOPICS; i++)
		if (!sink->topics[i].n_found)
			return sink->topics[i].name;
	return NULL;
}

static int wait_until_visible(struct kafka_sink *sink, struct err *err)
{
	int64_t deadline_ms = clock_ms() + ANSWER_MS;
	for (;;) {
		int class = kafka_topics_find(sink, err);
		if (class || !missing(sink))
			return class;
		if (clock_ms() >= deadline_ms)
			return err_set(err, ERR_AGAIN, "Kafka: topic %s was created, but is not listed after %d s",
				       missing(sink), ANSWER_MS / 1000);
		if (kafka_pause(sink, PAUSE_MS, err))
			return ERR_STOPPED;
	}
}

static int make_missing(struct kafka_sink *sink, bool only_try, struct err *err)
{
	rd_kafka_NewTopic_t *wanted[N_TOPICS];
	char text[256];
	size_t n = 0;
	for (int i = 0; i < N_TOPICS; i++)
		if (!sink->topics[i].n_found)
			wanted[n++] = rd_kafka_NewTopic_new(sink->topics[i].name, sink->config->n_partitions,
							    REPLICATION_OF_THE_BROKER, text, sizeof text);
	if (n == 0)
		return 0;
	int class = make(sink, wanted, n, only_try, err);
	rd_kafka_NewTopic_destroy_array(wanted, n);
	return class || only_try ? class : wait_until_visible(sink, err);
}

int kafka_topics_make(struct kafka_sink *sink, struct err *err)
{
	return make_missing(sink, false, err);
}

int kafka_topics_try(struct kafka_sink *sink, struct err *err)
{
	return make_missing(sink, true, err);
}

static const char *entry_value(const rd_kafka_ConfigResource_t *resource, const char *name)
{
	size_t n;
	const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &n);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(rd_kafka_ConfigEntry_name(entries[i]), name))
			return rd_kafka_ConfigEntry_value(entries[i]);
	return NULL;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void set_limit(struct kafka_sink *sink, struct kafka_topic *topic, size_t bytes)
{
	bytes = smaller(bytes, sink->config->message_bytes);
	bytes = bytes > kafka_overhead_bytes() ? bytes - kafka_overhead_bytes() : 0;
	topic->limit_bytes = smaller(bytes, sink->config->queue_bytes);
}

static int read_settings(struct kafka_sink *sink, struct kafka_topic *topic, const rd_kafka_ConfigResource_t *resource,
			 struct err *err)
{
	const char *cleanup = entry_value(resource, "cleanup.policy");
	const char *limit = entry_value(resource, "max.message.bytes");
	rd_kafka_resp_err_t code = rd_kafka_ConfigResource_error(resource);
	if (code)
		return kafka_error(sink, code, "reading the settings of topic", topic->name, err);
	if (topic == &sink->topics[TOPIC_ITEMS] && cleanup && strstr(cleanup, "compact"))
		return err_usage(err,
				 "Kafka: topic %s has cleanup.policy=%s, which keeps one record per folder and loses "
				 "the others: set cleanup.policy=delete or name another topic at sink.kafka.topics.%s",
				 topic->name, cleanup, topic_name(TOPIC_ITEMS));
	set_limit(sink, topic, limit ? strtoull(limit, NULL, 10) : DEFAULT_LIMIT_BYTES);
	return 0;
}

static int read_answer(struct kafka_sink *sink, rd_kafka_event_t *answer, struct err *err)
{
	size_t n;
	int class = 0;
	const rd_kafka_ConfigResource_t **resources =
		rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(answer), &n);
	for (size_t i = 0; !class && i < n; i++)
		for (int j = 0; !class && j < N_TOPICS; j++)
			if (!strcmp(rd_kafka_ConfigResource_name(resources[i]), sink->topics[j].name))
				class = read_settings(sink, &sink->topics[j], resources[i], err);
	return class;
}

static rd_kafka_event_t *ask(struct kafka_sink *sink, rd_kafka_queue_t *queue, struct err *err)
{
	rd_kafka_event_t *answer = NULL;
	rd_kafka_ConfigResource_t *wanted[N_TOPICS];
	for (int i = 0; i < N_TOPICS; i++)
		wanted[i] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, sink->topics[i].name);
	char text[256];
	rd_kafka_AdminOptions_t *how = options(sink, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
	/* Any broker knows; to wait for the controller would be in vain where nobody tells which it is. */
	rd_kafka_AdminOptions_set_broker(how, sink->broker_id, text, sizeof text);
	rd_kafka_DescribeConfigs(sink->client, wanted, N_TOPICS, how, queue);
	wait_for_answer(sink, queue, &answer, err);
	rd_kafka_ConfigResource_destroy_array(wanted, N_TOPICS);
	rd_kafka_AdminOptions_destroy(how);
	return answer;
}

int kafka_topics_limits(struct kafka_sink *sink, struct err *err)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_new(sink->client);
	rd_kafka_event_t *answer = ask(sink, queue, err);
	int class = answer ? 0 : (int)err->class;
	rd_kafka_resp_err_t code = answer ? rd_kafka_event_error(answer) : RD_KAFKA_RESP_ERR_NO_ERROR;
	for (int i = 0; i < N_TOPICS; i++)
		set_limit(sink, &sink->topics[i], DEFAULT_LIMIT_BYTES);
	if (!class && code && code != RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE)
		class = kafka_error(sink, code, "reading the settings of the topics", "", err);
	if (!class && !code)
		class = read_answer(sink, answer, err);
	if (answer)
		rd_kafka_event_destroy(answer);
	rd_kafka_queue_destroy(queue);
	return class;
}

/* A broker refuses a batch for its sum. A little is left for what a broker counts and the client does not;
 * librdkafka's own default stays below Kafka's own limit. */
size_t kafka_batch_bytes(const struct kafka_sink *sink)
{
	size_t least = SIZE_MAX;
	for (int i = 0; i < N_TOPICS; i++)
		least = smaller(least, sink->topics[i].limit_bytes + kafka_overhead_bytes());
	return least - least / 32;
}
