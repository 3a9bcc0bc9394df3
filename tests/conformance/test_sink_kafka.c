/* The Kafka sink against a real broker, at $TIDINGS_KAFKA: the suite, and what only a real one does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/clock.h"
#include "tests/conformance/sink.h"
#include "tests/conformance/sink_kafka.h"
#include "tests/conformance/sink_rig.h"
#include "tests/support/memory_state.h"

enum { PATIENCE_MS = 30000, N_PARTITIONS = 3, SMALL_LIMIT_BYTES = 4000, N_RECORDS = 40 };

static const char *brokers;

struct cluster {
	struct kafka_conf conf, dead;
};

/* Topics of its own for each end. */
static void *begin(void)
{
	static int n;
	char prefix[64];
	struct cluster *cluster = xcalloc(1, sizeof *cluster);
	snprintf(prefix, sizeof prefix, "test-%d-%lld-%d", getpid(), (long long)clock_ms(), n++);
	cluster->conf = kafka_conf_new("partitions: %d\n"
				       "topics: {items: %s.i, folders: %s.f, addressbook: %s.a, lifecycle: %s.l, "
				       "deadletter: %s.d, notifications: %s.n}\n"
				       "librdkafka:\n"
				       "  bootstrap.servers: \"%s\"\n"
				       "  topic.metadata.propagation.max.ms: 1000\n"
				       "  topic.metadata.refresh.interval.ms: 1000\n",
				       N_PARTITIONS, prefix, prefix, prefix, prefix, prefix, prefix, brokers);
	cluster->dead = kafka_conf_new("librdkafka: {bootstrap.servers: \"127.0.0.1:1\"}");
	return cluster;
}

static const char *const *topics(void *end)
{
	return kafka_driver.topics(((struct cluster *)end)->conf.config);
}

static void forget(void *end)
{
	kafka_delete_topics(brokers, topics(end), N_TOPICS);
}

static void finish(void *end)
{
	struct cluster *cluster = end;
	if (kafka_count_partitions(brokers, topics(end)[TOPIC_ITEMS]) > 0)
		forget(end);
	kafka_conf_free(&cluster->conf);
	kafka_conf_free(&cluster->dead);
	free(cluster);
}

static const void *config(void *end)
{
	return ((struct cluster *)end)->conf.config;
}

static size_t arrived(void *end, struct slice key, struct arena *arena, struct slice **values)
{
	return kafka_read_key(brokers, topics(end)[TOPIC_ITEMS], key, arena, values);
}

static const void *unreachable(void *end)
{
	return ((struct cluster *)end)->dead.config;
}

static const struct sink_case real = {
	.ops = NULL, /* kafka_driver.ops, in main: not a constant */
	.name = "kafka",
	.patience_ms = PATIENCE_MS,
	.begin = begin,
	.finish = finish,
	.config = config,
	.arrived = arrived,
	.unreachable = unreachable,
	.forget = forget,
};

static struct sink_case sink_case;
static struct sink_rig *rig;

static int open_rig(void **state)
{
	(void)state;
	rig = sink_rig_new(&sink_case);
	return sink_rig_open(rig) ? 0 : -1;
}

static int free_rig(void **state)
{
	(void)state;
	sink_rig_free(rig);
	return 0;
}

static void assert_kept(void)
{
	if (rig->violation[0])
		fail_msg("%s", rig->violation);
}

static struct err seek_once(void)
{
	const struct sink_events events = {0};
	struct err err;
	sink_rig_close(rig);
	int class = sink_case.ops->open(config(rig->end), &events, -1, &rig->sink, &err);
	if (!class)
		class = sink_case.ops->seek(rig->sink, &rig->state->state, &err);
	return class ? err : (struct err){0};
}

/* What open and seek say now; class 0: nothing. As the daemon does, it asks again while the broker is not ready: a new
 * topic has no leader for a moment. */
static struct err seek_again(void)
{
	int64_t deadline_ms = clock_ms() + 30000;
	struct err err;
	do {
		err = seek_once();
	} while (err.class == ERR_AGAIN && clock_ms() < deadline_ms);
	return err;
}

static void assert_refused(const char *words)
{
	struct err err = seek_again();
	assert_int_equal(err.class, ERR_FATAL);
	assert_int_equal(err.exit_code, EXIT_USAGE);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

static const char *items(void)
{
	return topics(rig->end)[TOPIC_ITEMS];
}

static void missing_topics_are_made(void **state)
{
	(void)state;
	for (int i = 0; i < N_TOPICS; i++)
		assert_int_equal(kafka_count_partitions(brokers, topics(rig->end)[i]), N_PARTITIONS);
}

static void assert_header(const rd_kafka_headers_t *headers, const char *name, const char *wanted)
{
	const void *value;
	size_t size;
	if (rd_kafka_header_get_last(headers, name, &value, &size))
		fail_msg("no header %s", name);
	if (!slice_equal(slice_of(value, size), slice_of_text(wanted)))
		fail_msg("header %s: %.*s instead of %s", name, (int)size, (const char *)value, wanted);
}

static void check_headers(void *context, const rd_kafka_message_t *message)
{
	rd_kafka_headers_t *headers;
	rd_kafka_timestamp_type_t type;
	int64_t now_ms = (int64_t)time(NULL) * 1000, stamp_ms = rd_kafka_message_timestamp(message, &type);
	assert_int_equal(rd_kafka_message_headers(message, &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
	assert_header(headers, "ce_id", "6576656e740000000000000000000000");
	assert_header(headers, "ce_source", "/kopano/30313233343536373839616263646500");
	assert_header(headers, "ce_type", "tidings.v1.ItemCreated");
	assert_header(headers, "ce_specversion", "1.0");
	assert_header(headers, "ce_time", "2023-11-14T22:13:20.123456789Z");
	assert_header(headers, "ce_subject", "7375626a656374");
	assert_header(headers, "content-type", "application/protobuf");
	assert_int_equal(rd_kafka_header_cnt(headers), 7);
	assert_in_range(stamp_ms, now_ms - 60000, now_ms + 60000);
	++*(int *)context;
}

static void records_carry_cloudevents_headers(void **state)
{
	int n = 0;
	(void)state;
	sink_rig_send_many(rig, "a", 1);
	sink_rig_settle(rig);
	kafka_read(brokers, items(), check_headers, &n);
	assert_int_equal(n, 1);
	assert_kept();
}

/* The limit leaves room for the longest key's neighbours: headers, lengths, the batch. */
static void the_longest_headers_fit_at_the_limit(void **state)
{
	static uint8_t subject[4096];
	static const struct server_info server;
	static uint8_t value[2000000];
	(void)state;
	for (size_t i = 0; i < sizeof value; i++)
		value[i] = (uint8_t)(random() >> 8);
	for (size_t n_subject = 250; n_subject <= sizeof subject; n_subject += n_subject < 260 ? 1 : 1900) {
		struct sent *sent = &rig->sent[rig->n_sent++];
		struct record record = {.topic = TOPIC_FOLDERS,
					.key = slice_of(subject, 300),
					.value = slice_of(value, 0),
					.type = "tidings.v1.AddressbookSomethingQuiteLong",
					.subject = slice_of(subject, n_subject),
					.server = &server,
					.token = sent};
		struct err err;
		record.value.size = sink_case.ops->limit(rig->sink, record.topic, record.key);
		assert_int_equal(sink_case.ops->send(rig->sink, &record, &err), 0);
		rig->n_unanswered++;
		sink_rig_settle(rig);
	}
	sink_rig_expect_acknowledged(rig);
	assert_kept();
}

static void a_record_over_the_limit_is_refused_with_its_sizes(void **state)
{
	struct err err = {0};
	(void)state;
	kafka_alter_topic(brokers, items(), "max.message.bytes", "4000");
	assert_int_equal(seek_again().class, 0);
	size_t limit = sink_case.ops->limit(rig->sink, TOPIC_ITEMS, slice_of_text("a"));
	assert_in_range(limit, 1, SMALL_LIMIT_BYTES);
	const struct record record = {.topic = TOPIC_ITEMS, .key = slice_of_text("a"), .value = slice_of(NULL, 5000)};
	char sizes[64];
	assert_int_equal(sink_case.ops->send(rig->sink, &record, &err), ERR_BAD);
	snprintf(sizes, sizeof sizes, "most %zu", limit);
	assert_non_null(strstr(err.text, "5000"));
	assert_non_null(strstr(err.text, sizes));
}

static size_t count_failures(enum err_class class)
{
	size_t n = 0;
	for (size_t i = 0; i < rig->n_sent; i++)
		n += rig->sent[i].n_failed == 1 && rig->sent[i].err.class == class;
	return n;
}

/* Small records are refused for the sum of their batch; each fits, so none is bad. */
static void a_batch_refused_for_its_sum_comes_again_in_smaller_ones(void **state)
{
	(void)state;
	kafka_alter_topic(brokers, items(), "max.message.bytes", "4000");
	for (int i = 0; i < N_RECORDS; i++)
		sink_rig_send(rig, "a", 1000);
	sink_rig_settle(rig);
	assert_true(count_failures(ERR_AGAIN) > 0);
	assert_int_equal(count_failures(ERR_BAD) + count_failures(ERR_FATAL), 0);
	sink_rig_close(rig);
	rig->n_sent = 0;
	memset(rig->sent, 0, RIG_RECORDS * sizeof *rig->sent);
	assert_true(sink_rig_open(rig));
	for (int i = 0; i < N_RECORDS; i++)
		assert_int_equal(sink_rig_send(rig, "b", 1000)->returned, 0);
	sink_rig_settle(rig);
	sink_rig_expect_acknowledged(rig);
	assert_kept();
}

static void a_record_that_the_lowered_limit_forbids_is_bad_after_the_rewind(void **state)
{
	(void)state;
	kafka_alter_topic(brokers, items(), "max.message.bytes", "4000");
	struct sent *sent = sink_rig_send(rig, "a", 9000);
	sink_rig_settle(rig);
	assert_int_equal(sent->n_failed, 1);
	assert_int_equal(sent->err.class, ERR_AGAIN);
	sink_rig_close(rig);
	assert_true(sink_rig_open(rig));
	assert_int_equal(sink_rig_send(rig, "a", 9000)->returned, ERR_BAD);
	assert_int_equal(sink_rig_send(rig, "a", 900)->returned, 0);
	sink_rig_settle(rig);
	assert_kept();
}

static void deliver_and_mark(void)
{
	sink_rig_send_many(rig, "a", 5);
	sink_rig_settle(rig);
	assert_true(sink_rig_mark(rig) > 0);
	assert_kept();
}

static void a_missing_topic_with_offsets_is_refused(void **state)
{
	const char *name = items();
	(void)state;
	deliver_and_mark();
	sink_rig_close(rig);
	kafka_delete_topics(brokers, &name, 1);
	assert_refused("tidings state reset");
	assert_refused("is missing");
	assert_int_equal(kafka_count_partitions(brokers, name), 0);
}

/* Deleted and made anew while nobody looked: the offsets are gone. */
static void a_lower_high_watermark_is_refused(void **state)
{
	const char *name = items();
	(void)state;
	deliver_and_mark();
	sink_rig_close(rig);
	kafka_delete_topics(brokers, &name, 1);
	struct memory_state *old = rig->state;
	rig->state = memory_state_new();
	assert_int_equal(seek_again().class, 0);
	memory_state_free(rig->state);
	rig->state = old;
	assert_refused("ends at offset 0");
}

static void fewer_partitions_are_refused(void **state)
{
	char key[256];
	struct arena arena = {0};
	struct put_list list = {0};
	const struct put_list *const lists[] = {&list};
	struct err err;
	(void)state;
	deliver_and_mark();
	snprintf(key, sizeof key, "offsets/%s/%d", items(), N_PARTITIONS);
	put_list_add(&list, &arena, slice_of_text(key), slice_of("\0\0\0\0\0\0\0\1", 8));
	rig->state->state.ops->commit(&rig->state->state, lists, 1, &err);
	put_list_clear(&list);
	arena_free(&arena);
	assert_refused("3 partitions");
}

static void another_name_of_a_topic_is_refused(void **state)
{
	(void)state;
	deliver_and_mark();
	sink_rig_close(rig);
	struct cluster *cluster = rig->end, *other = begin();
	struct kafka_conf mine = cluster->conf;
	cluster->conf = other->conf;
	assert_refused("topics.items");
	assert_int_equal(kafka_count_partitions(brokers, items()), 0);
	sink_rig_close(rig);
	cluster->conf = mine;
	finish(other);
}

static void a_compacted_items_topic_is_refused(void **state)
{
	(void)state;
	kafka_alter_topic(brokers, items(), "cleanup.policy", "compact,delete");
	assert_refused("cleanup.policy=compact,delete");
}

/* The broker is rid of a topic some time after it said so. */
static struct sent *send_until_refused(void)
{
	int64_t deadline_ms = clock_ms() + 60000;
	struct sent *sent;
	do {
		sent = sink_rig_send(rig, "a", 100);
		if (sent->returned == 0)
			sink_rig_settle(rig);
	} while (sent->returned == 0 && sent->n_failed == 0 && clock_ms() < deadline_ms);
	return sent;
}

/* While it goes, the broker may first say that its leader is away: then the rewind finds out. */
static void a_topic_deleted_under_way_ends_the_program(void **state)
{
	const char *name = items();
	(void)state;
	deliver_and_mark();
	kafka_delete_topics(brokers, &name, 1);
	struct sent *sent = send_until_refused();
	if (sent->returned == ERR_AGAIN || (sent->n_failed && sent->err.class == ERR_AGAIN)) {
		assert_refused(name);
	} else if (sent->returned == 0) {
		assert_int_equal(sent->n_failed, 1);
		assert_int_equal(sent->err.class, ERR_FATAL);
		assert_int_equal(sent->err.exit_code, EXIT_USAGE);
		assert_non_null(strstr(sent->err.text, name));
	} else {
		assert_int_equal(sent->returned, ERR_FATAL);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, free_rig)
	const struct CMUnitTest tests[] = {
		TEST(missing_topics_are_made),
		TEST(records_carry_cloudevents_headers),
		TEST(the_longest_headers_fit_at_the_limit),
		TEST(a_record_over_the_limit_is_refused_with_its_sizes),
		TEST(a_batch_refused_for_its_sum_comes_again_in_smaller_ones),
		TEST(a_record_that_the_lowered_limit_forbids_is_bad_after_the_rewind),
		TEST(a_missing_topic_with_offsets_is_refused),
		TEST(a_lower_high_watermark_is_refused),
		TEST(fewer_partitions_are_refused),
		TEST(another_name_of_a_topic_is_refused),
		TEST(a_compacted_items_topic_is_refused),
		TEST(a_topic_deleted_under_way_ends_the_program),
	};
	brokers = getenv("TIDINGS_KAFKA");
	if (!brokers) {
		printf("skipped: no Kafka\n");
		return 0;
	}
	sink_case = real;
	sink_case.ops = kafka_driver.ops;
	int n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	return n_failed + sink_suite_run(&sink_case);
}
