#include <stdio.h>
#include <sys/eventfd.h>

#include "bridge/kafka/kafka.h"

/* Why a code is beyond the program's means, and what a person has to do; NULL: it passes. */
static const char *advice(rd_kafka_resp_err_t code)
{
	switch (code) {
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
		return "the topic was deleted or may not be seen: restore it, or begin anew with `tidings state reset`";
	case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
		return "choose another name at sink.kafka.topics";
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED: /* Write on any topic is as good, but for old brokers */
		return "grant this user Describe, DescribeConfigs, Create and Write on its topics, and IdempotentWrite "
		       "on the cluster where that is not enough";
	case RD_KAFKA_RESP_ERR__AUTHENTICATION:
	case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
		return "correct the credentials at sink.kafka.librdkafka";
	case RD_KAFKA_RESP_ERR_INVALID_RECORD:
	case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
	case RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT:
		return "a rule of the broker or the topic forbids it: change the rule";
	case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
		return "the broker cannot do that: create the topics by hand";
	case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
	case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
		return "correct sink.kafka.partitions or the broker's defaults, or create the topic by hand";
	default:
		return NULL;
	}
}

/* Whatever fails once the producer has given up, fails for its reason. */
static rd_kafka_resp_err_t first_cause(const struct kafka_sink *sink, rd_kafka_resp_err_t code, char *text, size_t size)
{
	rd_kafka_resp_err_t fatal = sink->client ? rd_kafka_fatal_error(sink->client, text, size) : 0;
	if (!fatal)
		snprintf(text, size, "%s", rd_kafka_err2str(code));
	return fatal ? fatal : code;
}

int kafka_error(const struct kafka_sink *sink, rd_kafka_resp_err_t code, const char *what, const char *topic,
		struct err *err)
{
	char cause[256];
	const char *space = topic[0] ? " " : "";
	code = first_cause(sink, code, cause, sizeof cause);
	if (advice(code))
		return err_usage(err, "Kafka: %s%s%s: %s; %s", what, space, topic, cause, advice(code));
	return err_set(err, ERR_AGAIN, "Kafka: %s%s%s: %s", what, space, topic, cause);
}

static bool is_about_size(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || code == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE;
}

/* A broker refuses a whole batch for its sum. Only a record that fills a batch of its own was surely refused for
 * itself; for the others the next producer makes smaller batches, and reads the limits anew. */
static int refused_for_size(struct kafka_sink *sink, const rd_kafka_message_t *message, const char *topic,
			    struct err *err)
{
	size_t bytes = message->len + message->key_len;
	if (bytes >= sink->batch_bytes)
		return err_set(err, ERR_BAD, "Kafka: topic %s refuses a record of %zu bytes for its size", topic,
			       bytes);
	sink->config->lesson->batch_bytes = sink->batch_bytes / 2;
	return err_set(err, ERR_AGAIN, "Kafka: topic %s refuses a batch for its size; batches will be half as large",
		       topic);
}

static void answer_failed(struct kafka_sink *sink, const rd_kafka_message_t *message, const struct kafka_topic *topic)
{
	struct err err;
	rd_kafka_resp_err_t code = message->err ? message->err : RD_KAFKA_RESP_ERR__FAIL;
	if (is_about_size(code))
		refused_for_size(sink, message, topic->name, &err);
	else
		kafka_error(sink, code, "a record was not delivered to topic", topic->name, &err);
	sink->events.failed(sink->events.context, message->_private, &err);
}

/* Until it was reached, open itself says what is wrong. */
static void notice(const struct kafka_sink *sink, const char *text)
{
	if (sink->events.notice && sink->cluster)
		sink->events.notice(sink->events.context, text);
}

static void say_back(struct kafka_sink *sink)
{
	sink->is_down = false;
	sink->is_denied = false;
	kafka_tell_outage(sink, NULL);
	notice(sink, "Kafka: connected again, records are acknowledged");
	if (sink->events.reconnected)
		sink->events.reconnected(sink->events.context);
}

static void answer(struct kafka_sink *sink, const rd_kafka_message_t *message)
{
	struct kafka_topic *topic = rd_kafka_topic_opaque(message->rkt);
	sink->n_unanswered--;
	if (message->err || rd_kafka_message_status(message) != RD_KAFKA_MSG_STATUS_PERSISTED) {
		answer_failed(sink, message, topic);
		return;
	}
	if (sink->is_down || sink->is_denied)
		say_back(sink);
	kafka_ends_note(topic, message->partition, message->offset);
	sink->events.acknowledged(sink->events.context, message->_private);
}

static void say_down(struct kafka_sink *sink)
{
	char text[512];
	if (sink->is_down)
		return;
	snprintf(text, sizeof text, "Kafka: no broker is connected%s%s; waiting, nothing is lost",
		 sink->last_error[0] ? ": " : "", sink->last_error);
	notice(sink, text);
	kafka_tell_outage(sink, text);
	sink->is_down = true;
}

static void say_denied(struct kafka_sink *sink)
{
	char text[512];
	if (sink->is_denied)
		return;
	snprintf(text, sizeof text, "Kafka: the credentials were refused: %s", sink->last_error);
	notice(sink, text);
	kafka_tell_outage(sink, text);
	sink->is_denied = true;
}

/* Only a fatal error is one; librdkafka mends the others itself, at any length. */
static int take_error(struct kafka_sink *sink, rd_kafka_event_t *event, struct err *err)
{
	rd_kafka_resp_err_t code = rd_kafka_event_error(event);
	if (code == RD_KAFKA_RESP_ERR__FATAL || rd_kafka_event_error_is_fatal(event))
		return kafka_error(sink, RD_KAFKA_RESP_ERR__FATAL, "the producer gave up", "", err);
	if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
		say_down(sink);
		return 0;
	}
	snprintf(sink->last_error, sizeof sink->last_error, "%s", rd_kafka_event_error_string(event));
	sink->is_insecure = code == RD_KAFKA_RESP_ERR__SSL;
	if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION)
		say_denied(sink);
	return 0;
}

static void take_log(const struct kafka_sink *sink, rd_kafka_event_t *event)
{
	const char *facility, *line;
	int level;
	char text[512];
	if (!sink->config->debug || !sink->events.notice || rd_kafka_event_log(event, &facility, &line, &level))
		return;
	snprintf(text, sizeof text, "librdkafka: %s: %s", facility, line);
	sink->events.notice(sink->events.context, text);
}

static int take(struct kafka_sink *sink, rd_kafka_event_t *event, struct err *err)
{
	const rd_kafka_message_t *message;
	switch (rd_kafka_event_type(event)) {
	case RD_KAFKA_EVENT_DR:
		while ((message = rd_kafka_event_message_next(event)))
			answer(sink, message);
		return 0;
	case RD_KAFKA_EVENT_ERROR:
		return take_error(sink, event, err);
	case RD_KAFKA_EVENT_LOG:
		take_log(sink, event);
		return 0;
	default:
		return 0;
	}
}

int kafka_service(struct sink *sink, struct err *err)
{
	struct kafka_sink *kafka = kafka_sink(sink);
	rd_kafka_event_t *event;
	eventfd_t rung;
	int class = 0;
	eventfd_read(kafka->fd, &rung);
	while (kafka->queue && (event = rd_kafka_queue_poll(kafka->queue, 0))) {
		int taken = take(kafka, event, err);
		class = class ? class : taken;
		rd_kafka_event_destroy(event);
	}
	kafka_tell_unanswered(kafka);
	return class;
}
