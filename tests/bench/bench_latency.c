/* How long a change takes to be acknowledged by Kafka, and to reach a consumer, where changes happen at a given rate:
 * the engine (bench_kafka.c), beside a bare librdkafka producer with the same settings, keys, headers and payload.
 *
 *     bench_latency BOOTSTRAP SECONDS RATE...
 *
 * linger.ms is 0. Each change happens at a fixed point in time, from which its latency counts, however late it was
 * sent. A JSON line per rate and way. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/bench_kafka.h"

enum { WARM_UP = 10, CONSUME_MS = 50, SETTLE_MS = 1000, LATEST_MS = 10000 };

/* ---- latencies ---- */

struct latencies {
	double *ms;
	size_t n, room;
};

static void note(struct latencies *latencies, int64_t happened_ns)
{
	if (latencies->n < latencies->room)
		latencies->ms[latencies->n++] = (double)(bench_now_ns() - happened_ns) / 1e6;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double percentile(const struct latencies *sorted, double part)
{
	return sorted->n ? sorted->ms[(size_t)ceil(part * (double)sorted->n) - 1] : NAN;
}

static void print_latencies(const char *name, struct latencies *latencies)
{
	size_t skip = latencies->n > 2 * WARM_UP ? WARM_UP : 0; /* the producer connects with the first */
	struct latencies counted = {.ms = latencies->ms + skip, .n = latencies->n - skip};
	qsort(counted.ms, counted.n, sizeof *counted.ms, ascending);
	printf(",\"%s\":{\"n\":%zu,\"p50_ms\":%.3f,\"p95_ms\":%.3f,\"p99_ms\":%.3f}", name, counted.n,
	       percentile(&counted, 0.5), percentile(&counted, 0.95), percentile(&counted, 0.99));
}

/* ---- a consumer beside it ---- */

static struct latencies acknowledged, consumed;
static atomic_bool over;

static rd_kafka_t *open_consumer(const char *bootstrap, const char *topic)
{
	char text[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap, text, sizeof text);
	rd_kafka_conf_set(conf, "group.id", "bench", text, sizeof text);
	rd_kafka_conf_set(conf, "fetch.wait.max.ms", "500", text, sizeof text);
	rd_kafka_t *consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
	rd_kafka_poll_set_consumer(consumer);
	rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(BENCH_PARTITIONS);
	for (int i = 0; i < BENCH_PARTITIONS; i++)
		rd_kafka_topic_partition_list_add(all, topic, i)->offset = 0;
	rd_kafka_assign(consumer, all);
	rd_kafka_topic_partition_list_destroy(all);
	return consumer;
}

static void *consume(void *context)
{
	rd_kafka_t *consumer = context;
	int64_t end_ms = INT64_MAX;
	while (consumed.n < consumed.room && clock_ms() < end_ms) {
		if (over && end_ms == INT64_MAX)
			end_ms = clock_ms() + LATEST_MS;
		rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, CONSUME_MS);
		if (message && !message->err)
			note(&consumed, bench_kafka_time_ns(message));
		if (message)
			rd_kafka_message_destroy(message);
	}
	rd_kafka_consumer_close(consumer);
	rd_kafka_destroy(consumer);
	return NULL;
}

/* ---- the two ways ---- */

struct load {
	const char *bootstrap;
	double per_second;
	size_t n;
	const struct kafka_config *config;
	unsigned settle_ms;
};

static void on_acknowledged(const struct change *change)
{
	note(&acknowledged, change->observed_at_ns);
}

static void send_by_engine(const struct load *load)
{
	bench_engine(&(struct bench_run){.driver = &kafka_driver,
					 .config = (void *)load->config,
					 .n_records = load->n,
					 .per_second = load->per_second,
					 .acknowledged = on_acknowledged},
		     NULL, 1);
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *context)
{
	(void)client, (void)context;
	note(&acknowledged, (int64_t)(intptr_t)message->_private);
}

struct bare {
	rd_kafka_t *client;
	rd_kafka_topic_t *topic;
	atomic_bool over;
};

/* Reports are taken as they come, as the engine does. */
static void *serve(void *context)
{
	struct bare *bare = context;
	while (!bare->over)
		rd_kafka_poll(bare->client, CONSUME_MS);
	return NULL;
}

static void produce(const struct bare *bare, const struct bench_payload *payload, size_t n, int64_t happened_ns)
{
	struct slice key = payload->keys[n % BENCH_FOLDERS];
	while (rd_kafka_producev(bare->client, RD_KAFKA_V_RKT(bare->topic), RD_KAFKA_V_MSGFLAGS(0),
				 RD_KAFKA_V_KEY(key.data, key.size),
				 RD_KAFKA_V_VALUE((void *)payload->value.data, payload->value.size),
				 RD_KAFKA_V_HEADERS(bench_kafka_headers(happened_ns)),
				 RD_KAFKA_V_OPAQUE((void *)(intptr_t)happened_ns), RD_KAFKA_V_END))
		usleep(1000); /* its queue is full */
}

static void produce_all(const struct bare *bare, const struct load *load)
{
	struct bench_payload payload;
	bench_payload_make(&payload);
	int64_t began_ns = bench_now_ns();
	for (size_t n = 0; n < load->n;) {
		size_t n_due = bench_wait_due(load->per_second, began_ns, n, load->n);
		for (; n < n_due; n++)
			produce(bare, &payload, n, bench_due_ns(load->per_second, began_ns, n));
	}
	rd_kafka_flush(bare->client, 30000);
	batch_free(payload.batch);
}

static void send_bare(const struct load *load)
{
	pthread_t server;
	struct bare bare = {.client = bench_kafka_producer(load->config, on_delivery)};
	bare.topic = rd_kafka_topic_new(bare.client, load->config->topics[TOPIC_ITEMS], NULL);
	pthread_create(&server, NULL, serve, &bare);
	produce_all(&bare, load);
	bare.over = true;
	pthread_join(server, NULL);
	rd_kafka_topic_destroy(bare.topic);
	rd_kafka_destroy(bare.client);
}

static void reset(struct latencies *latencies, size_t room)
{
	free(latencies->ms);
	*latencies = (struct latencies){.ms = xmalloc(room * sizeof *latencies->ms), .room = room};
}

static void measure(struct load *load, const char *way, void (*send)(const struct load *))
{
	pthread_t thread;
	char prefix[64];
	snprintf(prefix, sizeof prefix, "latency-%d-%.0f-%s", getpid(), load->per_second, way);
	load->config = bench_kafka_config(load->bootstrap, prefix, 0);
	bench_kafka_make_topics(load->config);
	reset(&acknowledged, load->n);
	reset(&consumed, load->n);
	over = false;
	pthread_create(&thread, NULL, consume, open_consumer(load->bootstrap, load->config->topics[TOPIC_ITEMS]));
	usleep(load->settle_ms * 1000); /* until the consumer waits */
	send(load);
	over = true;
	pthread_join(thread, NULL);
	printf("{\"bench\":\"latency, %s\",\"per_second\":%.0f", way, load->per_second);
	print_latencies("acknowledged", &acknowledged);
	print_latencies("consumer", &consumed);
	printf("}\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: bench_latency BOOTSTRAP SECONDS RATE...\n");
		return 2;
	}
	for (int i = 3; i < argc; i++) {
		struct load load = {.bootstrap = argv[1], .per_second = strtod(argv[i], NULL)};
		double seconds = strtod(argv[2], NULL);
		load.n = (size_t)(load.per_second * seconds);
		load.settle_ms = seconds < 1 ? (unsigned)(seconds * 1000) : SETTLE_MS;
		measure(&load, "engine", send_by_engine);
		measure(&load, "bare", send_bare);
	}
	return 0;
}
