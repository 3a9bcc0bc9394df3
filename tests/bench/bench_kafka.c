/* Engine to Kafka, beside a bare librdkafka producer with the same settings, keys, headers and payload.
 *
 *     bench_kafka BOOTSTRAP [RECORDS [ROUNDS [BUDGET_MIB [PREFIX]]]]
 *
 * The engine is all that the daemon does after a source: queue between threads, route, encode, send, acknowledgements,
 * commits to an SQLite file. The bare producer sends one payload that was encoded before. Round 0 warms the broker up
 * and does not count; then the two take turns in being first. The topics are PREFIX.items and so on. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/bench_kafka.h"

static size_t n_records = 200000;
static size_t n_delivered;

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *context)
{
	(void)client, (void)context;
	if (!message->err)
		n_delivered++;
}

static void produce(rd_kafka_t *client, rd_kafka_topic_t *topic, const struct bench_payload *payload, size_t n)
{
	struct slice key = payload->keys[n % BENCH_FOLDERS];
	rd_kafka_headers_t *headers = bench_kafka_headers(0);
	while (rd_kafka_producev(client, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_MSGFLAGS(0),
				 RD_KAFKA_V_KEY(key.data, key.size),
				 RD_KAFKA_V_VALUE((void *)payload->value.data, payload->value.size),
				 RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END))
		rd_kafka_poll(client, 10);
	if (n % 256 == 0)
		rd_kafka_poll(client, 0);
}

static void run_bare(const struct kafka_config *config, int round)
{
	struct bench_payload payload;
	bench_payload_make(&payload);
	rd_kafka_t *client = bench_kafka_producer(config, on_delivery);
	rd_kafka_topic_t *topic = rd_kafka_topic_new(client, config->topics[TOPIC_ITEMS], NULL);
	n_delivered = 0;
	struct bench_clock clock = bench_begin();
	for (size_t i = 0; i < n_records; i++)
		produce(client, topic, &payload, i);
	while (n_delivered < n_records)
		rd_kafka_poll(client, 100);
	bench_report("bare librdkafka producer", round, n_records, &clock);
	rd_kafka_topic_destroy(topic);
	rd_kafka_destroy(client);
	batch_free(payload.batch);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: bench_kafka BOOTSTRAP [RECORDS [ROUNDS [BUDGET_MIB [PREFIX]]]]\n");
		return 2;
	}
	n_records = argc > 2 ? strtoul(argv[2], NULL, 10) : n_records;
	int n_rounds = argc > 3 ? atoi(argv[3]) : 3;
	struct kafka_config *config = bench_kafka_config(argv[1], argc > 5 ? argv[5] : NULL, -1);
	bench_kafka_make_topics(config);
	const struct bench_run engine = {.driver = &kafka_driver,
					 .config = config,
					 .n_records = n_records,
					 .budget_bytes = argc > 4 ? strtoul(argv[4], NULL, 10) << 20 : 0};
	for (int round = 0; round <= n_rounds; round++) {
		if (round % 2 == 0)
			run_bare(config, round);
		bench_engine(&engine, "engine to Kafka", round);
		if (round % 2 == 1)
			run_bare(config, round);
	}
	kafka_driver.free_config(config);
	return 0;
}
