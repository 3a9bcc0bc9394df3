/* What the tests of the Kafka sink share: a configuration from text, and a consumer's view of a topic.
 *
 * Threads: one. Errors fail the test. */
#ifndef TIDINGS_TESTS_CONFORMANCE_SINK_KAFKA_H
#define TIDINGS_TESTS_CONFORMANCE_SINK_KAFKA_H

#include <librdkafka/rdkafka.h>

#include "bridge/driver.h"
#include "core/arena.h"

extern const struct sink_driver kafka_driver;

/* The node sink.kafka, from YAML in block style; `config` is the driver's. */
struct kafka_conf {
	struct conf_node *root;
	void *config;
	char *text;
};

struct kafka_conf kafka_conf_new(const char *format, ...) __attribute__((format(printf, 1, 2)));
void kafka_conf_free(struct kafka_conf *conf);

/* All messages of a topic from its beginning to its end, partition by partition in order. */
void kafka_read(const char *brokers, const char *topic,
		void (*message)(void *context, const rd_kafka_message_t *message), void *context);

/* The values under a key, in order; in the arena. */
size_t kafka_read_key(const char *brokers, const char *topic, struct slice key, struct arena *arena,
		      struct slice **values);

/* A client for the administration of a test's topics. */
rd_kafka_t *kafka_client(const char *brokers);

/* Administration; each waits until the broker has done it. */
void kafka_delete_topics(const char *brokers, const char *const *names, size_t n);
void kafka_alter_topic(const char *brokers, const char *name, const char *key, const char *value);
int kafka_count_partitions(const char *brokers, const char *name); /* 0: there is no such topic */

#endif
