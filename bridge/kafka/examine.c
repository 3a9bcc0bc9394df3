/* The cluster, examined: reached, its topics, what creating the missing ones would say, settings that surprise. */
#include <stdio.h>
#include <stdlib.h>

#include "bridge/kafka/kafka.h"

enum { ANSWER_MS = 15000, MAX_SUBJECT = 300 };

struct examined {
	struct kafka_sink *sink;
	struct examination *examination;
	int n_replicas[N_TOPICS]; /* of the partition that has the fewest; 0: there is no such topic */
	int n_brokers;
};

static void count_replicas(struct examined *examined, const struct rd_kafka_metadata_topic *topic, int nth)
{
	examined->sink->topics[nth].n_found = topic->partition_cnt;
	for (int i = 0; i < topic->partition_cnt; i++)
		if (i == 0 || topic->partitions[i].replica_cnt < examined->n_replicas[nth])
			examined->n_replicas[nth] = topic->partitions[i].replica_cnt;
}

static int find_topics(struct examined *examined, struct err *err)
{
	struct kafka_sink *sink = examined->sink;
	const struct rd_kafka_metadata *found;
	rd_kafka_resp_err_t code = rd_kafka_metadata(sink->client, 1, NULL, &found, ANSWER_MS);
	if (code)
		return kafka_error(sink, code, "listing the topics", "", err);
	examined->n_brokers = found->broker_cnt;
	sink->broker_id = found->orig_broker_id;
	for (int i = 0; i < found->topic_cnt; i++)
		for (int j = 0; j < N_TOPICS; j++)
			if (!strcmp(found->topics[i].topic, sink->topics[j].name))
				count_replicas(examined, &found->topics[i], j);
	rd_kafka_metadata_destroy(found);
	return 0;
}

static const char *entry(const rd_kafka_ConfigResource_t *resource, const char *name)
{
	size_t n;
	const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &n);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(rd_kafka_ConfigEntry_name(entries[i]), name) && rd_kafka_ConfigEntry_value(entries[i]))
			return rd_kafka_ConfigEntry_value(entries[i]);
	return "";
}

/* How much it says, so that nothing needs to be said of what is right. */
static int warn_of_replicas(struct examined *examined, int nth, const char *subject, const char *min_in_sync)
{
	if (examined->n_replicas[nth] > 1 && strcmp(min_in_sync, "1") != 0)
		return 0;
	examine_say(examined->examination, VERDICT_WARNING, subject,
		    "one replica is enough for an acknowledgement (replication factor %d, min.insync.replicas %s): "
		    "what only "
		    "one broker had is lost with it; use 3 and 2",
		    examined->n_replicas[nth], min_in_sync);
	return 1;
}

static bool is_limited(const char *value)
{
	return *value && strcmp(value, "-1") != 0;
}

static int warn_of_retention(struct examined *examined, const char *subject, const rd_kafka_ConfigResource_t *resource)
{
	const char *ms = entry(resource, "retention.ms"), *bytes = entry(resource, "retention.bytes");
	if (!strstr(entry(resource, "cleanup.policy"), "delete") || (!is_limited(ms) && !is_limited(bytes)))
		return 0;
	examine_say(
		examined->examination, VERDICT_WARNING, subject,
		"its beginning is deleted in time (retention.ms %s, retention.bytes %s): a consumer that starts later "
		"does not know what came before; set both to -1, or have it listed again with `tidings snapshot`",
		ms, bytes);
	return 1;
}

static void say_topic(struct examined *examined, int nth, const rd_kafka_ConfigResource_t *resource)
{
	const struct kafka_topic *topic = &examined->sink->topics[nth];
	char subject[MAX_SUBJECT];
	struct err err;
	snprintf(subject, sizeof subject, "topic %s", topic->name);
	if (rd_kafka_ConfigResource_error(resource)) {
		kafka_error(examined->sink, rd_kafka_ConfigResource_error(resource), "reading the settings of topic",
			    topic->name, &err);
		examine_error(examined->examination, subject, &err);
		return;
	}
	if (nth == TOPIC_ITEMS && strstr(entry(resource, "cleanup.policy"), "compact")) {
		examine_say(examined->examination, VERDICT_WRONG, subject,
			    "cleanup.policy=%s keeps one record per folder and loses the others: set it to delete",
			    entry(resource, "cleanup.policy"));
		return;
	}
	if (warn_of_replicas(examined, nth, subject, entry(resource, "min.insync.replicas")) +
		    warn_of_retention(examined, subject, resource) ==
	    0)
		examine_say(examined->examination, VERDICT_OK, subject, "%d partitions, %d replicas, %s bytes a record",
			    topic->n_found, examined->n_replicas[nth], entry(resource, "max.message.bytes"));
}

static void say_broker(struct examined *examined, const rd_kafka_ConfigResource_t *resource)
{
	if (!strcmp(entry(resource, "auto.create.topics.enable"), "true"))
		examine_say(examined->examination, VERDICT_WARNING, "auto.create",
			    "the brokers make any topic that somebody asks for (auto.create.topics.enable): a consumer "
			    "with "
			    "a misspelt name reads an empty topic without an error");
}

static void say_settings(struct examined *examined, rd_kafka_event_t *answer)
{
	size_t n;
	const rd_kafka_ConfigResource_t **resources =
		rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(answer), &n);
	for (size_t i = 0; i < n; i++) {
		if (rd_kafka_ConfigResource_type(resources[i]) == RD_KAFKA_RESOURCE_BROKER)
			say_broker(examined, resources[i]);
		for (int j = 0; j < N_TOPICS; j++)
			if (!strcmp(rd_kafka_ConfigResource_name(resources[i]), examined->sink->topics[j].name))
				say_topic(examined, j, resources[i]);
	}
}

/* Asks for the settings of the topics that are there, and of one broker. */
static void ask_for_settings(struct examined *examined, rd_kafka_queue_t *queue)
{
	struct kafka_sink *sink = examined->sink;
	rd_kafka_ConfigResource_t *wanted[N_TOPICS + 1];
	char broker[16], text[256];
	size_t n = 0;
	for (int i = 0; i < N_TOPICS; i++)
		if (sink->topics[i].n_found)
			wanted[n++] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, sink->topics[i].name);
	snprintf(broker, sizeof broker, "%d", (int)sink->broker_id);
	wanted[n++] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_BROKER, broker);
	rd_kafka_AdminOptions_t *how = rd_kafka_AdminOptions_new(sink->client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
	rd_kafka_AdminOptions_set_request_timeout(how, ANSWER_MS, text, sizeof text);
	rd_kafka_DescribeConfigs(sink->client, wanted, n, how, queue);
	rd_kafka_ConfigResource_destroy_array(wanted, n);
	rd_kafka_AdminOptions_destroy(how);
}

static void examine_settings(struct examined *examined)
{
	struct kafka_sink *sink = examined->sink;
	struct err err;
	rd_kafka_queue_t *queue = rd_kafka_queue_new(sink->client);
	ask_for_settings(examined, queue);
	rd_kafka_event_t *answer = rd_kafka_queue_poll(queue, 2 * ANSWER_MS);
	rd_kafka_resp_err_t code = answer ? rd_kafka_event_error(answer) : RD_KAFKA_RESP_ERR__TIMED_OUT;
	if (code) {
		kafka_error(sink, code, "reading the settings of the topics", "", &err);
		examine_error(examined->examination, "settings", &err);
	} else {
		say_settings(examined, answer);
	}
	if (answer)
		rd_kafka_event_destroy(answer);
	rd_kafka_queue_destroy(queue);
}

static void examine_missing(struct examined *examined)
{
	struct kafka_sink *sink = examined->sink;
	struct err err;
	int n_missing = 0;
	const char *first = NULL;
	for (int i = N_TOPICS - 1; i >= 0; i--)
		if (!sink->topics[i].n_found) {
			first = sink->topics[i].name;
			n_missing++;
		}
	if (!n_missing)
		return;
	if (kafka_topics_try(sink, &err))
		examine_error(examined->examination, "missing topics", &err);
	else
		examine_say(examined->examination, VERDICT_OK, "missing topics",
			    "%d (%s%s) will be made, with %d partitions", n_missing, first,
			    n_missing > 1 ? ", ..." : "", sink->config->n_partitions);
}

static void examine_cluster(struct kafka_sink *sink, struct examination *examination)
{
	struct examined examined = {.sink = sink, .examination = examination};
	struct err err;
	if (find_topics(&examined, &err)) {
		examine_error(examination, "broker", &err);
		return;
	}
	examine_say(examination, VERDICT_OK, "broker", "%s: cluster %s, %d brokers", sink->config->brokers,
		    sink->cluster, examined.n_brokers);
	examine_settings(&examined);
	examine_missing(&examined);
}

void kafka_examine(const void *config, struct examination *examination)
{
	struct sink_events events = {0};
	struct sink *sink = NULL;
	struct err err;
	if (!kafka_driver.ops->open(config, &events, -1, &sink, &err))
		examine_cluster(kafka_sink(sink), examination);
	else if (kafka_sink(sink)->is_insecure) /* it passes for a daemon, which waits until it is mended */
		examine_say(examination, VERDICT_WRONG, "broker", "%s", err.text);
	else
		examine_error(examination, "broker", &err);
	kafka_driver.ops->close(sink);
}
