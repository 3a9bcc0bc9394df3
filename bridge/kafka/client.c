#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "bridge/kafka/kafka.h"

enum { REACH_MS = 10000, STEP_MS = 200 };

int kafka_pause(const struct kafka_sink *sink, int ms, struct err *err)
{
	struct pollfd stop = {.fd = sink->stop_fd, .events = POLLIN};
	return poll(&stop, 1, ms) > 0 ? err_set(err, ERR_STOPPED, "Kafka: stopped") : 0;
}

static size_t choose_batch_bytes(const struct kafka_config *config)
{
	size_t learnt = config->lesson->batch_bytes;
	return learnt && learnt < config->batch_bytes ? learnt : config->batch_bytes;
}

/* Whatever the client has to say comes as an event, rung through `fd`; it prints nothing. */
static rd_kafka_conf_t *make_conf(struct kafka_sink *sink)
{
	char text[256], size[32];
	rd_kafka_conf_t *conf = rd_kafka_conf_dup(sink->config->base);
	sink->batch_bytes = choose_batch_bytes(sink->config);
	snprintf(size, sizeof size, "%zu", sink->batch_bytes);
	rd_kafka_conf_set(conf, "batch.size", size, text, sizeof text);
	rd_kafka_conf_set(conf, "log.queue", "true", text, sizeof text);
	rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
	return conf;
}

int kafka_client_new(struct kafka_sink *sink, struct err *err)
{
	static const uint64_t one = 1;
	char text[256];
	rd_kafka_conf_t *conf = make_conf(sink);
	sink->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
	if (!sink->client) {
		rd_kafka_conf_destroy(conf);
		return err_usage(err, "Kafka: librdkafka refuses the settings below sink.kafka.librdkafka: %s", text);
	}
	sink->queue = rd_kafka_queue_get_main(sink->client);
	rd_kafka_queue_io_event_enable(sink->queue, sink->fd, &one, sizeof one);
	rd_kafka_set_log_queue(sink->client, sink->queue);
	return 0;
}

void kafka_client_free(struct kafka_sink *sink)
{
	for (int i = 0; i < N_TOPICS; i++) {
		if (sink->topics[i].handle)
			rd_kafka_topic_destroy(sink->topics[i].handle);
		sink->topics[i].handle = NULL;
	}
	if (sink->client) {
		rd_kafka_purge(sink->client,
			       RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
		rd_kafka_queue_io_event_enable(sink->queue, -1, NULL, 0);
		rd_kafka_queue_destroy(sink->queue);
		rd_kafka_destroy(sink->client);
	}
	sink->client = NULL;
	sink->queue = NULL;
	sink->n_unanswered = 0;
}

static int unreachable(const struct kafka_sink *sink, struct err *err)
{
	return err_set(err, ERR_AGAIN,
		       "Kafka: no answer from %s within %d s%s%s; is a broker running there, and may "
		       "this machine connect to it?",
		       sink->config->brokers, REACH_MS / 1000, sink->last_error[0] ? ": " : "", sink->last_error);
}

/* What makes waiting useless. A broker that merely does not answer yet may be starting. */
static int refused(const struct kafka_sink *sink, struct err *err)
{
	if (sink->is_denied)
		return kafka_error(sink, RD_KAFKA_RESP_ERR__AUTHENTICATION, "logging on", "", err);
	if (sink->is_down && sink->is_insecure)
		return err_set(err, ERR_AGAIN, "Kafka: no secure connection to %s: %s", sink->config->brokers,
			       sink->last_error);
	return 0;
}

int kafka_client_reach(struct kafka_sink *sink, struct err *err)
{
	int64_t deadline_ms = clock_ms() + REACH_MS;
	char *cluster = NULL;
	int class = 0;
	while (!class && !cluster) {
		cluster = rd_kafka_clusterid(sink->client, STEP_MS);
		class = kafka_service(&sink->sink, err);
		if (!class)
			class = kafka_pause(sink, 0, err);
		if (!class && !cluster)
			class = refused(sink, err);
		if (!class && !cluster && clock_ms() >= deadline_ms)
			class = unreachable(sink, err);
	}
	sink->is_down = false;
	if (cluster && !class)
		sink->cluster = strdup(cluster);
	if (cluster)
		rd_kafka_mem_free(sink->client, cluster);
	return class;
}

int kafka_client_topics(struct kafka_sink *sink, struct err *err)
{
	for (int i = 0; i < N_TOPICS; i++) {
		struct kafka_topic *topic = &sink->topics[i];
		rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(sink->client);
		rd_kafka_topic_conf_set_opaque(conf, topic);
		topic->handle = rd_kafka_topic_new(sink->client, topic->name, conf);
		if (!topic->handle)
			return err_usage(err, "Kafka: topic %s: %s", topic->name,
					 rd_kafka_err2str(rd_kafka_last_error()));
	}
	return 0;
}
