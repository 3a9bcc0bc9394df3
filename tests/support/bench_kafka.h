/* What the benchmarks of the Kafka sink share: its configuration, and the headers that a bare producer gives to its
 * records so that they weigh the same.
 *
 * Errors end the program. */
#ifndef TIDINGS_TESTS_SUPPORT_BENCH_KAFKA_H
#define TIDINGS_TESTS_SUPPORT_BENCH_KAFKA_H

#include "bridge/kafka/kafka.h"
#include "tests/support/bench_engine.h"

enum { BENCH_PARTITIONS = 8 }; /* as the sink makes them by default */

/* Topics PREFIX.items and so on, and the sink's own settings of librdkafka; NULL: a prefix of its own; `linger_ms` < 0:
 * the sink's. It lives as long as the program. */
struct kafka_config *bench_kafka_config(const char *bootstrap, const char *prefix, int linger_ms);

/* Makes its topics, as the sink does. */
void bench_kafka_make_topics(const struct kafka_config *config);

/* Seven, as the sink's; a time of 0 is any. */
rd_kafka_headers_t *bench_kafka_headers(int64_t time_ns);

/* The time in the headers of a record that was read, in ns since 1970. */
int64_t bench_kafka_time_ns(const rd_kafka_message_t *message);

/* A producer as the sink has it, but for its queue; reports go to `on_delivery`. */
rd_kafka_t *bench_kafka_producer(const struct kafka_config *config,
				 void (*on_delivery)(rd_kafka_t *, const rd_kafka_message_t *, void *));

/* What it costs to send is measured with payload and keys that were made before. */
struct bench_payload {
	struct slice value;
	struct slice keys[BENCH_FOLDERS];
	struct batch *batch; /* owns them */
};

void bench_payload_make(struct bench_payload *payload);

#endif
