#include "tests/support/bench_kafka.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/hex.h"
#include "core/router.h"
#include "proto/encode.h"
#include "tests/support/memory_state.h"

#define SOME_TIME "2026-01-01T00:00:00.123456789Z"

static size_t write_config(char *text, size_t size, const char *bootstrap, const char *prefix, int linger_ms)
{
	FILE *out = fmemopen(text, size, "w");
	fprintf(out, "topics: {");
	for (int i = 0; i < N_TOPICS; i++)
		fprintf(out, "%s%s: %s.%s", i ? ", " : "", topic_name(i), prefix, topic_name(i));
	fprintf(out, "}\npartitions: %d\nlibrdkafka: {bootstrap.servers: \"%s\"", BENCH_PARTITIONS, bootstrap);
	if (linger_ms >= 0)
		fprintf(out, ", linger.ms: %d", linger_ms);
	fprintf(out, "}\n");
	size_t n = (size_t)ftell(out);
	fclose(out);
	return n;
}

struct kafka_config *bench_kafka_config(const char *bootstrap, const char *prefix, int linger_ms)
{
	char text[2048], own[32];
	struct conf_node *root;
	struct err err;
	void *config = NULL;
	snprintf(own, sizeof own, "bench-%d", getpid());
	size_t n = write_config(text, sizeof text, bootstrap, prefix ? prefix : own, linger_ms);
	if (conf_parse("bench", text, n, &root, &err) || kafka_driver.configure(root, &config, &err))
		bench_die(&err);
	return config;
}

void bench_kafka_make_topics(const struct kafka_config *config)
{
	struct sink *sink = NULL;
	struct sink_events events = {0};
	struct memory_state *state = memory_state_new();
	struct err err;
	if (kafka_driver.ops->open(config, &events, -1, &sink, &err) ||
	    kafka_driver.ops->seek(sink, &state->state, &err))
		bench_die(&err);
	kafka_driver.ops->close(sink);
	memory_state_free(state);
}

static void write_time(char *text, size_t size, int64_t time_ns)
{
	struct tm tm;
	time_t second = time_ns / 1000000000;
	size_t n = strftime(text, size, "%Y-%m-%dT%H:%M:%S", gmtime_r(&second, &tm));
	snprintf(text + n, size - n, ".%09ldZ", (long)(time_ns % 1000000000));
}

rd_kafka_headers_t *bench_kafka_headers(int64_t time_ns)
{
	char time_text[64] = SOME_TIME;
	const char *const headers[][2] = {{"ce_id", "0123456789abcdef0123456789abcdef"},
					  {"ce_source", "/kopano/0123456789abcdef0123456789abcdef"},
					  {"ce_type", "tidings.v1.ItemUpdated"},
					  {"ce_specversion", "1.0"},
					  {"ce_time", time_text},
					  {"ce_subject", "0123456789abcdef0123456789abcdef0123456789ab"},
					  {"content-type", "application/protobuf"}};
	if (time_ns)
		write_time(time_text, sizeof time_text, time_ns);
	rd_kafka_headers_t *list = rd_kafka_headers_new(7);
	for (int i = 0; i < 7; i++)
		rd_kafka_header_add(list, headers[i][0], -1, headers[i][1], -1);
	return list;
}

int64_t bench_kafka_time_ns(const rd_kafka_message_t *message)
{
	rd_kafka_headers_t *headers;
	const void *value;
	char text[64] = "";
	size_t size;
	struct tm tm = {0};
	if (rd_kafka_message_headers(message, &headers) ||
	    rd_kafka_header_get_last(headers, "ce_time", &value, &size) || size >= sizeof text)
		return 0;
	memcpy(text, value, size);
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S.", &tm);
	return rest ? timegm(&tm) * 1000000000 + strtol(rest, NULL, 10) : 0;
}

rd_kafka_t *bench_kafka_producer(const struct kafka_config *config,
				 void (*on_delivery)(rd_kafka_t *, const rd_kafka_message_t *, void *))
{
	char text[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_dup(config->base);
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
	if (!client) {
		fprintf(stderr, "librdkafka: %s\n", text);
		exit(1);
	}
	return client;
}

void bench_payload_make(struct bench_payload *payload)
{
	uint8_t id[EVENT_ID_SIZE];
	struct batch *batch = payload->batch = bench_batch(0, BATCH_CHANGES);
	struct arena *arena = &batch->arena;
	payload->value = protobuf_encoder.change(&batch->changes[0], arena, id);
	const char *store = hex_text(arena, slice_of("store-guid-01234", GUID_SIZE));
	for (size_t i = 0; i < BENCH_FOLDERS; i++) {
		const char *folder = hex_text(arena, batch->changes[i].parent_source_key);
		payload->keys[i] = slice_of_text(arena_text(arena, "%s/%s", store, folder));
	}
}
