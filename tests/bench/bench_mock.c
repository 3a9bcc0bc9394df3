/* The broker that librdkafka has for tests, in a process of its own: it takes everything and keeps little of it.
 *
 *     bench_mock PREFIX    prints its address, serves until its input ends */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>

#include "core/router.h"
#include "tests/support/bench_kafka.h"

int main(int argc, char **argv)
{
	char text[256];
	if (argc != 2) {
		fprintf(stderr, "usage: bench_mock PREFIX\n");
		return 2;
	}
	rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof text);
	rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(client, 1);
	for (int i = 0; i < N_TOPICS; i++) {
		snprintf(text, sizeof text, "%s.%s", argv[1], topic_name(i));
		rd_kafka_mock_topic_create(cluster, text, BENCH_PARTITIONS, 1);
	}
	printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
	fflush(stdout);
	while (getchar() != EOF)
		;
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(client);
	return 0;
}
