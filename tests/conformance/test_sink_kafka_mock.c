/* The Kafka sink against librdkafka's own imitation of a cluster: the suite, and what only an imitation does on demand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "bridge/clock.h"
#include "tests/conformance/sink.h"
#include "tests/conformance/sink_kafka.h"
#include "tests/support/memory_state.h"

enum { PRODUCE = 0, N_PARTITIONS = 2, PATIENCE_MS = 20000, NOTHING_LISTENS = 1 };

struct mock {
	rd_kafka_t *owner;
	rd_kafka_mock_cluster_t *cluster;
	struct kafka_conf conf, dead;
};

static const char *const topics[N_TOPICS] = {"tidings.items",     "tidings.folders",    "tidings.addressbook",
					     "tidings.lifecycle", "tidings.deadletter", "tidings.notifications"};

/* Batches of one record: then a refusal for the size is about this record. A small queue is soon full. */
static struct kafka_conf configure(const char *brokers)
{
	return kafka_conf_new("librdkafka:\n"
			      "  bootstrap.servers: \"%s\"\n"
			      "  batch.size: 64\n"
			      "  queue.buffering.max.messages: 200\n"
			      "  reconnect.backoff.ms: 20\n"
			      "  reconnect.backoff.max.ms: 100\n"
			      "  retry.backoff.ms: 20\n",
			      brokers);
}

static void start(struct mock *mock)
{
	mock->owner = kafka_client("127.0.0.1:1");
	mock->cluster = rd_kafka_mock_cluster_new(mock->owner, 1);
	for (int i = 0; i < N_TOPICS; i++)
		rd_kafka_mock_topic_create(mock->cluster, topics[i], N_PARTITIONS, 1);
	mock->conf = configure(rd_kafka_mock_cluster_bootstraps(mock->cluster));
}

static void stop(struct mock *mock)
{
	kafka_conf_free(&mock->conf);
	rd_kafka_mock_cluster_destroy(mock->cluster);
	rd_kafka_destroy(mock->owner);
}

static void *begin(void)
{
	struct mock *mock = xcalloc(1, sizeof *mock);
	start(mock);
	mock->dead = configure("127.0.0.1:1");
	return mock;
}

static void finish(void *end)
{
	struct mock *mock = end;
	stop(mock);
	kafka_conf_free(&mock->dead);
	free(mock);
}

static const void *config(void *end)
{
	return ((struct mock *)end)->conf.config;
}

static size_t arrived(void *end, struct slice key, struct arena *arena, struct slice **values)
{
	const struct mock *mock = end;
	return kafka_read_key(rd_kafka_mock_cluster_bootstraps(mock->cluster), topics[TOPIC_ITEMS], key, arena, values);
}

static void stall(void *end)
{
	rd_kafka_mock_broker_set_down(((struct mock *)end)->cluster, -1);
}

static void recover(void *end)
{
	rd_kafka_mock_broker_set_up(((struct mock *)end)->cluster, -1);
}

static void fail_next(void *end, enum err_class class)
{
	rd_kafka_resp_err_t code = class == ERR_BAD     ? RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE
				   : class == ERR_AGAIN ? RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP
							: RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
	rd_kafka_mock_push_request_errors(((struct mock *)end)->cluster, PRODUCE, 1, code);
}

static const void *unreachable(void *end)
{
	return ((struct mock *)end)->dead.config;
}

/* Another cluster has another id. */
static void forget(void *end)
{
	struct mock old = *(struct mock *)end;
	start(end);
	stop(&old);
}

int main(void)
{
	const struct sink_case mock = {
		.name = "kafka, mock",
		.ops = kafka_driver.ops,
		.patience_ms = PATIENCE_MS,
		.begin = begin,
		.finish = finish,
		.config = config,
		.arrived = arrived,
		.stall = stall,
		.recover = recover,
		.fail_next = fail_next,
		.unreachable = unreachable,
		.forget = forget,
	};
	return sink_suite_run(&mock);
}
