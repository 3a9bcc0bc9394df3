/* Engine to Kafka, beside a bare librdkafka producer with the same settings, keys, headers and payload.
 *
 *     bench_kafka BOOTSTRAP [RECORDS [ROUNDS]]
 *
 * The engine is all that the daemon does after a source: queue between threads, route, encode, send, acknowledgements,
 * commits to an SQLite file. The bare producer sends one payload that was encoded before. Rounds alternate; each line
 * has its round. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bridge/kafka/kafka.h"
#include "core/hex.h"
#include "proto/encode.h"
#include "tests/support/bench_engine.h"

extern const struct sink_driver kafka_driver;

static size_t n_records = 200000;

/* ---- the bare producer ---- */

static size_t n_delivered;

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *context)
{
	(void)client, (void)context;
	if (!message->err)
		n_delivered++;
}

struct bare {
	rd_kafka_t *client;
	rd_kafka_topic_t *topic;
	struct slice value;
	struct slice keys[BENCH_FOLDERS];
};

static rd_kafka_headers_t *make_headers(void)
{
	static const char *const headers[][2] = {{"ce_id", "0123456789abcdef0123456789abcdef"},
						 {"ce_source", "/kopano/0123456789abcdef0123456789abcdef"},
						 {"ce_type", "tidings.v1.ItemUpdated"},
						 {"ce_specversion", "1.0"},
						 {"ce_time", "2026-01-01T00:00:00.123456789Z"},
						 {"ce_subject", "0123456789abcdef0123456789abcdef0123456789ab"},
						 {"content-type", "application/protobuf"}};
	rd_kafka_headers_t *list = rd_kafka_headers_new(7);
	for (int i = 0; i < 7; i++)
		rd_kafka_header_add(list, headers[i][0], -1, headers[i][1], -1);
	return list;
}

static void produce(struct bare *bare, size_t n)
{
	struct slice key = bare->keys[n % BENCH_FOLDERS];
	rd_kafka_headers_t *headers = make_headers();
	while (rd_kafka_producev(bare->client, RD_KAFKA_V_RKT(bare->topic), RD_KAFKA_V_MSGFLAGS(0),
				 RD_KAFKA_V_KEY(key.data, key.size),
				 RD_KAFKA_V_VALUE((void *)bare->value.data, bare->value.size),
				 RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END))
		rd_kafka_poll(bare->client, 10);
	if (n % 256 == 0)
		rd_kafka_poll(bare->client, 0);
}

static void run_bare(const struct kafka_config *config, int round)
{
	char text[256];
	struct batch *batch = bench_batch(0, BATCH_CHANGES);
	struct bare bare = {0};
	uint8_t id[EVENT_ID_SIZE];
	rd_kafka_conf_t *conf = rd_kafka_conf_dup(config->base);
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	bare.client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
	bare.topic = rd_kafka_topic_new(bare.client, config->topics[TOPIC_ITEMS], NULL);
	bare.value = protobuf_encoder.change(&batch->changes[0], &batch->arena, id);
	for (size_t i = 0; i < BENCH_FOLDERS; i++)
		bare.keys[i] = slice_of_text(arena_text(&batch->arena, "%s/%s",
							hex_text(&batch->arena, slice_of("store-guid-01234", 16)),
							hex_text(&batch->arena, batch->changes[i].parent_source_key)));
	n_delivered = 0;
	struct bench_clock clock = bench_begin();
	for (size_t i = 0; i < n_records; i++)
		produce(&bare, i);
	while (n_delivered < n_records)
		rd_kafka_poll(bare.client, 100);
	bench_report("bare librdkafka producer", round, n_records, &clock);
	rd_kafka_topic_destroy(bare.topic);
	rd_kafka_destroy(bare.client);
	batch_free(batch);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: bench_kafka BOOTSTRAP [RECORDS [ROUNDS]]\n");
		return 2;
	}
	n_records = argc > 2 ? strtoul(argv[2], NULL, 10) : n_records;
	int n_rounds = argc > 3 ? atoi(argv[3]) : 3;
	char text[1024];
	int n = snprintf(text, sizeof text,
			 "topics: {items: b%d.items, folders: b%d.folders, addressbook: b%d.ab, lifecycle: b%d.life, "
			 "deadletter: "
			 "b%d.dead, notifications: b%d.note}\nlibrdkafka: {bootstrap.servers: \"%s\"}\n",
			 getpid(), getpid(), getpid(), getpid(), getpid(), getpid(), argv[1]);
	struct conf_node *root;
	struct err err;
	void *config;
	if (conf_parse("bench", text, (size_t)n, &root, &err) || kafka_driver.configure(root, &config, &err))
		bench_die(&err);
	const struct bench_run engine = {.driver = &kafka_driver, .config = config, .n_records = n_records};
	for (int round = 1; round <= n_rounds; round++) {
		bench_engine(&engine, "engine to Kafka", round);
		run_bare(config, round);
	}
	kafka_driver.free_config(config);
	conf_free(root);
	return 0;
}
