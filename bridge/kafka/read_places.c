#include <poll.h>
#include <stdlib.h>

#include "bridge/kafka/read.h"
#include "core/arena.h"
#include "core/router.h"

enum { REACH_MS = 10000, ANSWER_MS = 30000, STEP_MS = 200 };

/* ---- which topics ---- */

static int unreachable(const struct kafka_reader *reader, struct err *err)
{
	return err_fatal(err,
			 "Kafka: no answer from %s within %d s%s%s; is a broker running there, and may this machine "
			 "connect to it?",
			 reader->config->brokers, REACH_MS / 1000, reader->last_error[0] ? ": " : "",
			 reader->last_error);
}

/* All topics: asking for some would make an eager broker create them. */
static int metadata(struct kafka_reader *reader, const struct rd_kafka_metadata **found, struct err *err)
{
	int64_t deadline_ms = clock_ms() + REACH_MS;
	while (rd_kafka_metadata(reader->client, 1, NULL, found, STEP_MS)) {
		int class = kafka_read_check(reader, err);
		if (class)
			return class;
		if (clock_ms() >= deadline_ms)
			return unreachable(reader, err);
	}
	return 0;
}

static int n_partitions(const struct rd_kafka_metadata *found, const char *name)
{
	for (int i = 0; i < found->topic_cnt; i++)
		if (!strcmp(found->topics[i].topic, name))
			return found->topics[i].partition_cnt;
	return 0;
}

static int open_topic(struct kafka_reader *reader, int nth, int n, struct err *err)
{
	struct read_topic *topic = &reader->topics[nth];
	char text[256];
	rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(reader->client);
	rd_kafka_topic_conf_set_opaque(conf, topic);
	rd_kafka_topic_conf_set(conf, "auto.commit.enable", "false", text, sizeof text);
	topic->handle = rd_kafka_topic_new(reader->client, reader->config->topics[nth], conf);
	if (!topic->handle)
		return kafka_read_failed(reader, rd_kafka_last_error(), "reading topic", reader->config->topics[nth],
					 err);
	topic->n_partitions = n;
	topic->ends = xcalloc((size_t)n, sizeof *topic->ends);
	return 0;
}

static int open_topics(struct kafka_reader *reader, const struct rd_kafka_metadata *found, struct err *err)
{
	int n_open = 0, class = 0;
	for (int i = 0; !class && i < N_TOPICS; i++) {
		int n = reader->options.topics[i] ? n_partitions(found, reader->config->topics[i]) : 0;
		if (n > 0)
			class = open_topic(reader, i, n, err);
		else if (reader->options.topics[i] && reader->options.topics_given)
			class = err_usage(
				err,
				"Kafka: topic %s is not there, or may not be described with these rights; the "
				"daemon makes it when it first starts",
				reader->config->topics[i]);
		n_open += n > 0;
	}
	if (!class && n_open == 0)
		return err_usage(
			err,
			"Kafka: %s has none of the topics of this configuration (%s, ...); the daemon makes them "
			"when it first starts",
			reader->config->brokers, reader->config->topics[TOPIC_ITEMS]);
	return class;
}

/* ---- from where to where ---- */

static rd_kafka_topic_partition_list_t *places(const struct kafka_reader *reader, int64_t time_ms)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(0);
	for (int i = 0; i < N_TOPICS; i++)
		for (int j = 0; j < reader->topics[i].n_partitions; j++)
			rd_kafka_topic_partition_list_add(list, reader->config->topics[i], j)->offset = time_ms;
	return list;
}

static bool is_passing(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
	       code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE || code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
}

static rd_kafka_resp_err_t first_error(const rd_kafka_topic_partition_list_t *list, rd_kafka_resp_err_t code)
{
	for (int i = 0; !code && i < list->cnt; i++)
		code = list->elems[i].err;
	return code;
}

/* The offset of the first record of that time or later, by partition; FROM_BEGINNING and FROM_END are what the
 * protocol has for the first and the next offset. */
static int ask(struct kafka_reader *reader, int64_t time_ms, rd_kafka_topic_partition_list_t **found, struct err *err)
{
	int64_t deadline_ms = clock_ms() + ANSWER_MS;
	for (;;) {
		*found = places(reader, time_ms);
		rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(reader->client, *found, STEP_MS);
		code = first_error(*found, code);
		if (!code)
			return 0;
		rd_kafka_topic_partition_list_destroy(*found);
		int class = kafka_read_check(reader, err);
		if (class)
			return class;
		if (!is_passing(code) || clock_ms() >= deadline_ms)
			return kafka_read_failed(reader, code, "asking for the offsets of the topics", "", err);
	}
}

static int start_partition(struct kafka_reader *reader, struct read_topic *topic, int partition, int64_t from,
			   int64_t end, struct err *err)
{
	bool is_at_end = from < 0 || from >= end; /* no record of that time or later has an offset of -1 */
	if (is_at_end && !reader->options.follow) {
		topic->ends[partition] = READ_DONE;
		return 0;
	}
	topic->ends[partition] = reader->options.follow ? INT64_MAX : end;
	reader->n_unfinished++;
	if (rd_kafka_consume_start_queue(topic->handle, partition, is_at_end ? end : from, reader->queue) == 0)
		return 0;
	return kafka_read_failed(reader, rd_kafka_last_error(), "reading topic", rd_kafka_topic_name(topic->handle),
				 err);
}

static int start_all(struct kafka_reader *reader, const rd_kafka_topic_partition_list_t *from,
		     const rd_kafka_topic_partition_list_t *ends, struct err *err)
{
	int class = 0, nth = 0;
	for (int i = 0; i < N_TOPICS; i++)
		for (int j = 0; !class && j < reader->topics[i].n_partitions; j++, nth++)
			class = start_partition(reader, &reader->topics[i], j, from->elems[nth].offset,
						ends->elems[nth].offset, err);
	return class;
}

int kafka_read_start(struct kafka_reader *reader, struct err *err)
{
	const struct rd_kafka_metadata *known;
	rd_kafka_topic_partition_list_t *from, *ends;
	int class = metadata(reader, &known, err);
	if (class)
		return class;
	class = open_topics(reader, known, err);
	rd_kafka_metadata_destroy(known);
	if (class || (class = ask(reader, FROM_END, &ends, err)))
		return class;
	class = ask(reader, reader->options.from_ms, &from, err);
	if (!class) {
		class = start_all(reader, from, ends, err);
		rd_kafka_topic_partition_list_destroy(from);
	}
	rd_kafka_topic_partition_list_destroy(ends);
	return class;
}
