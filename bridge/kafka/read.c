#include "bridge/kafka/read.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/arena.h"

/* A reader that has an end does not wait for ever for a broker that is gone. */
enum { SILENCE_MS = 30000 };

/* ---- what went wrong ---- */

static const char *advice(rd_kafka_resp_err_t code)
{
	switch (code) {
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		return "grant this user Describe and Read on the topics";
	case RD_KAFKA_RESP_ERR__AUTHENTICATION:
	case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
		return "correct the credentials at sink.kafka.librdkafka";
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
		return "the topic was deleted while it was read";
	default:
		return NULL;
	}
}

int kafka_read_failed(const struct kafka_reader *reader, rd_kafka_resp_err_t code, const char *what, const char *topic,
		      struct err *err)
{
	const char *space = topic[0] ? " " : "", *connection = reader->last_error;
	if (advice(code))
		return err_usage(err, "Kafka: %s%s%s: %s; %s", what, space, topic, rd_kafka_err2str(code),
				 advice(code));
	return err_fatal(err, "Kafka: %s%s%s: %s%s%s%s", what, space, topic, rd_kafka_err2str(code),
			 connection[0] ? " (" : "", connection, connection[0] ? ")" : "");
}

static void say_down(struct kafka_reader *reader)
{
	char text[400];
	if (reader->is_down)
		return;
	reader->is_down = true;
	snprintf(text, sizeof text, "Kafka: no broker is connected: %s; waiting", reader->last_error);
	if (reader->heard_ms) /* until then the start itself says what is wrong */
		reader->options.notice(text);
}

static void take_error(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
	struct kafka_reader *reader = opaque;
	(void)client;
	if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
		say_down(reader);
		return;
	}
	snprintf(reader->last_error, sizeof reader->last_error, "%s", reason);
	if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION)
		reader->is_denied = true;
}

int kafka_read_check(struct kafka_reader *reader, struct err *err)
{
	struct pollfd stop = {.fd = reader->stop_fd, .events = POLLIN};
	rd_kafka_poll(reader->client, 0);
	if (poll(&stop, 1, 0) > 0)
		return err_set(err, ERR_STOPPED, "Kafka: stopped");
	if (reader->is_denied)
		return kafka_read_failed(reader, RD_KAFKA_RESP_ERR__AUTHENTICATION, "logging on", "", err);
	return 0;
}

/* ---- opening ---- */

static void no_log(const rd_kafka_t *client, int level, const char *facility, const char *line)
{
	(void)client, (void)level, (void)facility, (void)line;
}

static void debug_log(const rd_kafka_t *client, int level, const char *facility, const char *line)
{
	(void)client, (void)level;
	fprintf(stderr, "librdkafka: %s: %s\n", facility, line);
}

/* What the configuration says for the producer is left aside by the library. */
static int make_client(struct kafka_reader *reader, struct err *err)
{
	static const char *const settings[][2] = {
		{"enable.auto.commit", "false"},        {"enable.auto.offset.store", "false"},
		{"enable.partition.eof", "true"},       {"fetch.wait.max.ms", "100"},
		{"queued.max.messages.kbytes", "8192"}, {"log.queue", "false"},
	};
	char text[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_dup(reader->config->base);
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
		rd_kafka_conf_set(conf, settings[i][0], settings[i][1], text, sizeof text);
	rd_kafka_conf_set_opaque(conf, reader);
	rd_kafka_conf_set_error_cb(conf, take_error);
	rd_kafka_conf_set_log_cb(conf, reader->config->debug ? debug_log : no_log);
	reader->client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
	if (reader->client) {
		reader->queue = rd_kafka_queue_new(reader->client);
		return 0;
	}
	rd_kafka_conf_destroy(conf);
	return err_usage(err, "Kafka: librdkafka refuses the settings below sink.kafka.librdkafka: %s", text);
}

static int open_reader(const void *config, const struct reader_options *options, int stop_fd, struct reader **opened,
		       struct err *err)
{
	if (options->live || options->consumer)
		return err_usage(err, "--live and --as are for a ZeroMQ sink; this one is Kafka");
	struct kafka_reader *reader = xcalloc(1, sizeof *reader);
	*reader = (struct kafka_reader){
		.reader.ops = &kafka_reader_ops, .config = config, .options = *options, .stop_fd = stop_fd};
	*opened = &reader->reader;
	int class = make_client(reader, err);
	if (!class)
		class = kafka_read_start(reader, err);
	reader->heard_ms = clock_ms();
	reader->is_down = false;
	return class;
}

/* ---- reading ---- */

static void finish(struct kafka_reader *reader, struct read_topic *topic, int32_t partition)
{
	if (topic->ends[partition] == READ_DONE)
		return;
	topic->ends[partition] = READ_DONE;
	reader->n_unfinished--;
}

/* Beyond the end are records that came after the start. */
static bool take_record(struct kafka_reader *reader, const rd_kafka_message_t *message, struct delivered *delivered)
{
	struct read_topic *topic = rd_kafka_topic_opaque(message->rkt);
	int64_t end = topic->ends[message->partition];
	if (message->offset + 1 >= end)
		finish(reader, topic, message->partition);
	if (message->offset >= end || !message->payload)
		return false;
	rd_kafka_timestamp_type_t type;
	*delivered = (struct delivered){
		.topic = (enum topic)(topic - reader->topics),
		.key = slice_of(message->key, message->key_len),
		.value = slice_of(message->payload, message->len),
		.published_ms = rd_kafka_message_timestamp(message, &type),
	};
	return true;
}

/* The end of a partition may be behind its last record: a transaction's mark is an offset too. */
static int take_event(struct kafka_reader *reader, const rd_kafka_message_t *message, struct err *err)
{
	struct read_topic *topic = message->rkt ? rd_kafka_topic_opaque(message->rkt) : NULL;
	if (topic && message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
		if (topic->ends[message->partition] != INT64_MAX && message->offset >= topic->ends[message->partition])
			finish(reader, topic, message->partition);
		return 0;
	}
	if (!advice(message->err))
		return 0; /* the library mends it */
	return kafka_read_failed(reader, message->err, "reading topic", topic ? rd_kafka_topic_name(message->rkt) : "",
				 err);
}

static int check_silence(const struct kafka_reader *reader, struct err *err)
{
	if (reader->options.follow || !reader->is_down || clock_ms() - reader->heard_ms < SILENCE_MS)
		return 0;
	return err_fatal(err, "Kafka: no broker is connected since %d s: %s", SILENCE_MS / 1000, reader->last_error);
}

static void drop_message(struct kafka_reader *reader)
{
	if (reader->message)
		rd_kafka_message_destroy(reader->message);
	reader->message = NULL;
}

static int take(struct kafka_reader *reader, struct delivered *delivered, struct err *err)
{
	reader->heard_ms = clock_ms();
	reader->is_down = false;
	if (reader->message->err) {
		int class = take_event(reader, reader->message, err);
		return class ? class : READER_NONE;
	}
	return take_record(reader, reader->message, delivered) ? 0 : READER_NONE;
}

/* An event of the library is no record: the next one is asked for at once. */
static int next(struct reader *base, int wait_ms, struct delivered *delivered, struct err *err)
{
	struct kafka_reader *reader = (struct kafka_reader *)base;
	int class = READER_NONE;
	drop_message(reader);
	while (class == READER_NONE && reader->n_unfinished) {
		reader->message = rd_kafka_consume_queue(reader->queue, wait_ms);
		if (!reader->message)
			break;
		class = take(reader, delivered, err);
		if (class)
			drop_message(reader);
	}
	if (class != READER_NONE)
		return class;
	if (reader->n_unfinished == 0)
		return READER_END;
	class = kafka_read_check(reader, err);
	if (!class)
		class = check_silence(reader, err);
	return class ? class : READER_NONE;
}

/* ---- closing ---- */

static void close_topic(struct read_topic *topic)
{
	for (int i = 0; i < topic->n_partitions; i++)
		rd_kafka_consume_stop(topic->handle, i);
	if (topic->handle)
		rd_kafka_topic_destroy(topic->handle);
	free(topic->ends);
}

static void close_reader(struct reader *base)
{
	struct kafka_reader *reader = (struct kafka_reader *)base;
	if (!reader)
		return;
	drop_message(reader);
	for (int i = 0; i < N_TOPICS; i++)
		close_topic(&reader->topics[i]);
	if (reader->queue)
		rd_kafka_queue_destroy(reader->queue);
	if (reader->client)
		rd_kafka_destroy(reader->client);
	free(reader);
}

const struct reader_ops kafka_reader_ops = {.open = open_reader, .next = next, .close = close_reader};
