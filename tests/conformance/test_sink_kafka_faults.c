/* What the Kafka sink makes of a cluster in trouble, on librdkafka's imitation of one. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "bridge/clock.h"
#include "tests/conformance/sink_kafka.h"
#include "tests/support/memory_state.h"

enum { PRODUCE = 0, INIT_PRODUCER_ID = 22, WAIT_MS = 20000 };

static struct trouble {
	rd_kafka_t *owner;
	rd_kafka_mock_cluster_t *cluster;
	struct kafka_conf conf;
	struct memory_state *state;
	struct sink *sink;
	struct err err, failure; /* of the last call; of the last record that failed */
	size_t n_sent, n_acknowledged, n_failed;
	size_t n_notices;
	char notices[4][512];
} trouble;

static void on_acknowledged(void *context, void *token)
{
	(void)token;
	((struct trouble *)context)->n_acknowledged++;
}

static void on_failed(void *context, void *token, const struct err *err)
{
	struct trouble *here = context;
	(void)token;
	here->n_failed++;
	here->failure = *err;
}

static void on_notice(void *context, const char *text)
{
	struct trouble *here = context;
	snprintf(here->notices[here->n_notices++ % 4], sizeof here->notices[0], "%s", text);
}

static int start(void **state)
{
	(void)state;
	memset(&trouble, 0, sizeof trouble);
	trouble.state = memory_state_new();
	trouble.owner = kafka_client("127.0.0.1:1");
	trouble.cluster = rd_kafka_mock_cluster_new(trouble.owner, 1);
	trouble.conf = kafka_conf_new("librdkafka: {bootstrap.servers: \"%s\", reconnect.backoff.ms: 20, "
				      "reconnect.backoff.max.ms: 100, retry.backoff.ms: 20}",
				      rd_kafka_mock_cluster_bootstraps(trouble.cluster));
	for (int i = 0; i < N_TOPICS; i++)
		rd_kafka_mock_topic_create(trouble.cluster, kafka_driver.topics(trouble.conf.config)[i], 1, 1);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	kafka_driver.ops->close(trouble.sink);
	kafka_conf_free(&trouble.conf);
	rd_kafka_mock_cluster_destroy(trouble.cluster);
	rd_kafka_destroy(trouble.owner);
	memory_state_free(trouble.state);
	return 0;
}

static void open_sink(void)
{
	const struct sink_events events = {&trouble, on_acknowledged, on_failed, on_notice, NULL};
	const struct sink_ops *ops = kafka_driver.ops;
	if (ops->open(trouble.conf.config, &events, -1, &trouble.sink, &trouble.err) ||
	    ops->seek(trouble.sink, &trouble.state->state, &trouble.err))
		fail_msg("%s", trouble.err.text);
}

static int send_one(void)
{
	static const struct server_info server;
	const struct record record = {.topic = TOPIC_ITEMS,
				      .key = slice_of_text("key"),
				      .value = slice_of_text("value"),
				      .type = "type",
				      .server = &server};
	int class = kafka_driver.ops->send(trouble.sink, &record, &trouble.err);
	trouble.n_sent += class == 0;
	return class;
}

/* Serves until `done`; what service returned last. */
static int serve_until(bool (*done)(void))
{
	int64_t end_ms = clock_ms() + WAIT_MS;
	int class = 0;
	while (!class && !done() && clock_ms() < end_ms) {
		struct pollfd ready = {.fd = kafka_driver.ops->fd(trouble.sink), .events = POLLIN};
		poll(&ready, 1, 100);
		class = kafka_driver.ops->service(trouble.sink, &trouble.err);
	}
	return class;
}

static bool all_answered(void)
{
	return trouble.n_acknowledged + trouble.n_failed == trouble.n_sent;
}

static bool was_noticed(void)
{
	return trouble.n_notices > 0;
}

static bool never(void)
{
	return false;
}

static void set_down(void)
{
	rd_kafka_mock_broker_set_down(trouble.cluster, -1);
}

static void set_up(void)
{
	rd_kafka_mock_broker_set_up(trouble.cluster, -1);
}

/* One failure, one line: the error. */
static void an_outage_at_the_start_is_an_error_and_no_notice(void **state)
{
	const struct sink_events events = {&trouble, on_acknowledged, on_failed, on_notice, NULL};
	(void)state;
	set_down();
	assert_int_equal(kafka_driver.ops->open(trouble.conf.config, &events, -1, &trouble.sink, &trouble.err),
			 ERR_AGAIN);
	assert_non_null(strstr(trouble.err.text, "refused"));
	assert_int_equal(trouble.n_notices, 0);
}

static void an_outage_is_said_once_and_fails_nothing(void **state)
{
	(void)state;
	open_sink();
	send_one();
	assert_int_equal(serve_until(all_answered), 0);
	assert_int_equal(trouble.n_notices, 0);
	set_down();
	for (int i = 0; i < 10; i++)
		assert_int_equal(send_one(), 0);
	assert_int_equal(serve_until(was_noticed), 0);
	assert_non_null(strstr(trouble.notices[0], "no broker is connected"));
	assert_int_equal(kafka_driver.ops->drain(trouble.sink, 500, &trouble.err), ERR_AGAIN);
	assert_int_equal(trouble.n_notices, 1);
	set_up();
	assert_int_equal(serve_until(all_answered), 0);
	assert_int_equal(trouble.n_failed, 0);
	assert_int_equal(trouble.n_notices, 2);
	assert_non_null(strstr(trouble.notices[1], "connected again"));
}

static void an_outage_while_idle_is_said(void **state)
{
	(void)state;
	open_sink();
	set_down();
	assert_int_equal(serve_until(was_noticed), 0);
	assert_int_equal(send_one(), 0);
	assert_int_equal(kafka_driver.ops->drain(trouble.sink, 300, &trouble.err), ERR_AGAIN);
	assert_int_equal(trouble.n_notices, 1);
	set_up();
	assert_int_equal(serve_until(all_answered), 0);
	assert_int_equal(trouble.n_failed, 0);
}

/* What the broker says about one try is librdkafka's to retry. */
static void passing_errors_are_retried(void **state)
{
	(void)state;
	open_sink();
	rd_kafka_mock_push_request_errors(trouble.cluster, PRODUCE, 4, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
					  RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
					  RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, RD_KAFKA_RESP_ERR__TRANSPORT);
	send_one();
	assert_int_equal(serve_until(all_answered), 0);
	assert_int_equal(trouble.n_acknowledged, 1);
}

static void a_producer_that_gave_up_asks_for_a_rewind(void **state)
{
	(void)state;
	open_sink();
	rd_kafka_mock_push_request_errors(trouble.cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	send_one();
	assert_int_equal(serve_until(never), ERR_AGAIN);
	assert_true(trouble.err.text[0]);
}

static void a_right_that_is_missing_ends_the_program(void **state)
{
	(void)state;
	rd_kafka_mock_push_request_errors(trouble.cluster, INIT_PRODUCER_ID, 1,
					  RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED);
	open_sink();
	send_one();
	assert_int_equal(serve_until(never), ERR_FATAL);
	assert_int_equal(trouble.err.exit_code, EXIT_USAGE);
	assert_non_null(strstr(trouble.err.text, "IdempotentWrite"));
	assert_true(trouble.n_failed == 0 || trouble.failure.class == ERR_FATAL);
}

/* Also when half of it is under way. */
static void close_in_an_outage_is_quick(void **state)
{
	(void)state;
	open_sink();
	for (int i = 0; i < 1000; i++)
		send_one();
	set_down();
	for (int i = 0; i < 1000; i++)
		send_one();
	int64_t began_ms = clock_ms();
	kafka_driver.ops->close(trouble.sink);
	trouble.sink = NULL;
	assert_in_range(clock_ms() - began_ms, 0, 2000);
	assert_int_equal(trouble.n_acknowledged + trouble.n_failed, 0);
}

/* Even where the offsets would fit. */
static void a_state_of_another_cluster_is_refused(void **state)
{
	const struct sink_events events = {&trouble, on_acknowledged, on_failed, on_notice, NULL};
	const struct sink_ops *ops = kafka_driver.ops;
	struct arena arena = {0};
	struct put_list list = {0};
	const struct put_list *const lists[] = {&list};
	const char *text = "another-cluster\n";
	(void)state;
	for (int i = 0; i < N_TOPICS; i++)
		text = arena_text(&arena, "%s%s\n", text, kafka_driver.topics(trouble.conf.config)[i]);
	put_list_add(&list, &arena, slice_of_text("ends/kafka"), slice_of_text(text));
	trouble.state->state.ops->commit(&trouble.state->state, lists, 1, &trouble.err);
	put_list_clear(&list);
	arena_free(&arena);
	assert_int_equal(ops->open(trouble.conf.config, &events, -1, &trouble.sink, &trouble.err), 0);
	assert_int_equal(ops->seek(trouble.sink, &trouble.state->state, &trouble.err), ERR_FATAL);
	assert_int_equal(trouble.err.exit_code, EXIT_USAGE);
	assert_non_null(strstr(trouble.err.text, "the cluster another-cluster"));
	assert_non_null(strstr(trouble.err.text, "tidings state reset"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(an_outage_at_the_start_is_an_error_and_no_notice),
		TEST(an_outage_is_said_once_and_fails_nothing),
		TEST(an_outage_while_idle_is_said),
		TEST(passing_errors_are_retried),
		TEST(a_producer_that_gave_up_asks_for_a_rewind),
		TEST(a_right_that_is_missing_ends_the_program),
		TEST(close_in_an_outage_is_quick),
		TEST(a_state_of_another_cluster_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
