#include <stdio.h>
#include <time.h>

#include "bridge/kafka/kafka.h"
#include "core/hex.h"

/* What limit() leaves for the headers of any record; a longer subject is left out (the value has it). */
enum { HEADERS_BYTES = 1024, SUBJECT_BYTES = 256, N_HEADERS = 7 };

/* Of Kafka's record format: the batch's header, and the lengths and offsets of one record at their longest. */
enum { BATCH_HEADER_BYTES = 61, RECORD_HEADER_BYTES = 36 };

size_t kafka_overhead_bytes(void)
{
	return BATCH_HEADER_BYTES + RECORD_HEADER_BYTES + HEADERS_BYTES;
}

size_t kafka_limit(struct sink *sink, enum topic topic, struct slice key)
{
	size_t bytes = kafka_sink(sink)->topics[topic].limit_bytes;
	return bytes > key.size ? bytes - key.size : 0;
}

static void write_second(struct kafka_headers *headers, int64_t second)
{
	struct tm tm;
	time_t time = second;
	gmtime_r(&time, &tm);
	strftime(headers->time, sizeof headers->time, "%Y-%m-%dT%H:%M:%S.000000000Z", &tm);
	headers->second = second;
}

/* RFC 3339; most records share their second with the one before. */
static const char *time_text(struct kafka_headers *headers, int64_t time_ns)
{
	int64_t second = time_ns / 1000000000, fraction = time_ns % 1000000000;
	if (second != headers->second)
		write_second(headers, second);
	for (char *digit = headers->time + sizeof "2000-01-01T00:00:00.000000000" - 2; *digit != '.'; digit--) {
		*digit = (char)('0' + fraction % 10);
		fraction /= 10;
	}
	return headers->time;
}

static const char *source_text(struct kafka_headers *headers, const struct server_info *server)
{
	if (!headers->source_size || memcmp(headers->guid, server->guid, GUID_SIZE) != 0) {
		memcpy(headers->guid, server->guid, GUID_SIZE);
		char *end = stpcpy(headers->source, "/kopano/");
		end = hex_write(end, slice_of(server->guid, GUID_SIZE));
		headers->source_size = (size_t)(end - headers->source);
	}
	return headers->source;
}

#define ADD(headers, name, value, size) rd_kafka_header_add(headers, name, sizeof(name) - 1, value, (ssize_t)(size))

/* CloudEvents 1.0, binary mode. */
static rd_kafka_headers_t *make_headers(struct kafka_headers *cache, const struct record *record)
{
	char id[2 * EVENT_ID_SIZE], subject[2 * SUBJECT_BYTES];
	rd_kafka_headers_t *headers = rd_kafka_headers_new(N_HEADERS);
	hex_write(id, slice_of(record->id, EVENT_ID_SIZE));
	ADD(headers, "ce_id", id, sizeof id);
	const char *source = source_text(cache, record->server);
	ADD(headers, "ce_source", source, cache->source_size);
	ADD(headers, "ce_type", record->type, strlen(record->type));
	ADD(headers, "ce_specversion", "1.0", 3);
	ADD(headers, "ce_time", time_text(cache, record->time_ns), TIME_SIZE - 1);
	if (record->subject.size > 0 && record->subject.size <= SUBJECT_BYTES) {
		hex_write(subject, record->subject);
		ADD(headers, "ce_subject", subject, 2 * record->subject.size);
	}
	ADD(headers, "content-type", "application/protobuf", sizeof "application/protobuf" - 1);
	return headers;
}

static rd_kafka_resp_err_t produce(struct kafka_sink *sink, const struct record *record)
{
	rd_kafka_headers_t *headers = make_headers(&sink->headers, record);
	rd_kafka_resp_err_t code =
		rd_kafka_producev(sink->client, RD_KAFKA_V_RKT(sink->topics[record->topic].handle),
				  RD_KAFKA_V_MSGFLAGS(0), RD_KAFKA_V_KEY(record->key.data, record->key.size),
				  RD_KAFKA_V_VALUE((void *)record->value.data, record->value.size),
				  RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(record->token), RD_KAFKA_V_END);
	if (code)
		rd_kafka_headers_destroy(headers);
	return code;
}

int kafka_send(struct sink *sink, const struct record *record, struct err *err)
{
	struct kafka_sink *kafka = kafka_sink(sink);
	const struct kafka_topic *topic = &kafka->topics[record->topic];
	size_t limit = kafka_limit(sink, record->topic, record->key);
	if (record->value.size > limit)
		return err_set(err, ERR_BAD,
			       "Kafka: a value of %zu bytes, and topic %s takes at most %zu with this key",
			       record->value.size, topic->name, limit);
	rd_kafka_resp_err_t code = produce(kafka, record);
	if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
		return SINK_BUSY;
	if (code)
		return kafka_error(kafka, code, "sending to topic", topic->name, err);
	kafka->n_unanswered++;
	return 0;
}
