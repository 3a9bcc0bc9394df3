/* The ZeroMQ sink: the suite with a consumer of its own, in a thread, that acknowledges at once, late or in parts; and
 * best effort, where nobody answers but libzmq. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge/zeromq/consumer.h"
#include "bridge/zeromq/zeromq.h"
#include "core/arena.h"
#include "tests/conformance/sink_rig.h"
#include "tests/support/scratch.h"

enum {
	PATIENCE_MS = 20000,
	MOST_ARRIVED = 8192,
	NEXT_MS = 5,
	OUTBOX_BYTES = 256 << 10,
	HEARTBEAT_MS = 100,
	NO_HEARTBEAT_MS = 60000
};

extern const struct sink_driver zeromq_driver;

struct value {
	struct slice key, value;
};

static struct end {
	struct zeromq_config config;
	char acknowledged[128], live[128];
	pthread_t thread;
	atomic_bool over, held;
	pthread_mutex_t mutex; /* of what arrived */
	struct arena arena;
	struct value values[MOST_ARRIVED];
	size_t n_values;
} end;

/* ---- the consumer ---- */

static void keep(const struct zeromq_record *record)
{
	pthread_mutex_lock(&end.mutex);
	if (slice_equal(record->topic, slice_of_text("items")) && end.n_values < MOST_ARRIVED)
		end.values[end.n_values++] =
			(struct value){arena_copy(&end.arena, record->key), arena_copy(&end.arena, record->value)};
	pthread_mutex_unlock(&end.mutex);
}

/* One who keeps everything and acknowledges every third record, and the rest when nothing comes. */
static void *consume(void *unused)
{
	struct zeromq_consumer *consumer;
	struct zeromq_record record = {0}, last = {0};
	struct err err;
	(void)unused;
	if (zeromq_consumer_open(end.acknowledged, "keeper", -1, NULL, &consumer, &err))
		abort();
	while (!end.over) {
		int rc = zeromq_consumer_next(consumer, &record, NEXT_MS, &err);
		if (rc == 0) {
			keep(&record);
			last = record;
		}
		if (!end.held && last.sequence && (rc || last.sequence % 3 == 0))
			zeromq_consumer_acknowledge(consumer, &last);
	}
	zeromq_consumer_close(consumer);
	return NULL;
}

/* ---- the end ---- */

static void name_endpoints(void)
{
	snprintf(end.acknowledged, sizeof end.acknowledged, "ipc://%s", scratch_path("acknowledged"));
	snprintf(end.live, sizeof end.live, "ipc://%s", scratch_path("live"));
}

static void *begin(void)
{
	scratch_make(NULL);
	end = (struct end){.mutex = PTHREAD_MUTEX_INITIALIZER};
	name_endpoints();
	end.config = (struct zeromq_config){.acknowledged = end.acknowledged,
					    .consumer = "keeper",
					    .heartbeat_ms = HEARTBEAT_MS,
					    .outbox_bytes = OUTBOX_BYTES};
	pthread_create(&end.thread, NULL, consume, NULL);
	return &end;
}

static void finish(void *unused)
{
	(void)unused;
	end.over = true;
	pthread_join(end.thread, NULL);
	arena_free(&end.arena);
	scratch_remove(NULL);
}

static const void *config(void *unused)
{
	(void)unused;
	return &end.config;
}

static size_t arrived(void *unused, struct slice key, struct arena *arena, struct slice **values)
{
	size_t n = 0;
	(void)unused;
	pthread_mutex_lock(&end.mutex);
	*values = arena_alloc(arena, end.n_values * sizeof **values);
	for (size_t i = 0; i < end.n_values; i++)
		if (slice_equal(end.values[i].key, key))
			(*values)[n++] = arena_copy(arena, end.values[i].value);
	pthread_mutex_unlock(&end.mutex);
	return n;
}

static void stall(void *unused)
{
	(void)unused;
	end.held = true;
}

static void recover(void *unused)
{
	(void)unused;
	end.held = false;
}

static void forget(void *unused)
{
	(void)unused;
	end.config.consumer = "another";
}

/* An address of another machine, which is never this one's. */
static const void *unreachable(void *unused)
{
	static struct zeromq_config elsewhere;
	(void)unused;
	elsewhere = end.config;
	elsewhere.acknowledged = "tcp://192.0.2.1:5560";
	return &elsewhere;
}

static struct sink_case zeromq = {
	.name = "zeromq",
	.patience_ms = PATIENCE_MS,
	.begin = begin,
	.finish = finish,
	.config = config,
	.arrived = arrived,
	.stall = stall,
	.recover = recover,
	.unreachable = unreachable,
	.forget = forget,
};

/* ---- best effort ---- */

static void *subscribe(void *unused)
{
	struct zeromq_consumer *subscriber;
	struct zeromq_record record;
	struct err err;
	(void)unused;
	if (zeromq_subscriber_open(end.live, NULL, 0, -1, &subscriber, &err))
		abort();
	while (!end.over)
		if (zeromq_consumer_next(subscriber, &record, NEXT_MS, &err) == 0)
			keep(&record);
	zeromq_consumer_close(subscriber);
	return NULL;
}

static void *begin_live(void)
{
	scratch_make(NULL);
	end = (struct end){.mutex = PTHREAD_MUTEX_INITIALIZER};
	name_endpoints();
	end.config = (struct zeromq_config){.best_effort = true,
					    .live = end.live,
					    .heartbeat_ms = NO_HEARTBEAT_MS,
					    .queue = 100000,
					    .memory_bytes = 64 << 20};
	pthread_create(&end.thread, NULL, subscribe, NULL);
	return &end;
}

/* Nothing is promised about what arrives, so only the rules about answers are asked. */
static void best_effort_answers_what_was_handed_over(void **state)
{
	static const char *const names[] = {"answered_once", "the_fd_tells", "drain_ignores_a_stop"};
	struct sink_case live = zeromq;
	char text[256];
	(void)state;
	live.begin = begin_live;
	for (size_t i = 0; i < n_sink_rules; i++)
		for (size_t j = 0; j < sizeof names / sizeof *names; j++)
			if (!strcmp(sink_rules[i].name, names[j]) &&
			    sink_rule_check(&sink_rules[i], &live, text) != RULE_KEPT)
				fail_msg("%s: %s", names[j], text);
}

/* ---- one run after another ---- */

/* The consumer of this test holds its acknowledgement of five records over the end of their run, and then says it. */
static void check_new_run(struct sink_rig *rig)
{
	struct slice *values;
	stall(NULL);
	sink_rig_send_many(rig, "old", 5);
	while (arrived(NULL, slice_of_text("old"), &rig->arena, &values) < 5)
		sink_rig_service(rig);
	sink_rig_close(rig);
	sink_rig_open(rig);
	sink_rig_send_many(rig, "new", 5);
	recover(NULL);
	sink_rig_settle(rig);
	size_t n = arrived(NULL, slice_of_text("new"), &rig->arena, &values);
	sink_rig_expect(rig, n == 5, "5 records of a new run are acknowledged, and %zu have arrived", n);
}

static void an_acknowledgement_of_the_old_run_is_none_of_the_new(void **state)
{
	static const struct sink_rule rule = {.name = "new run", .check = check_new_run};
	char text[256];
	(void)state;
	if (sink_rule_check(&rule, &zeromq, text) != RULE_KEPT)
		fail_msg("%s", text);
}

/* ---- how it stands ---- */

static const struct report *standing(struct sink_rig *rig, struct report **report)
{
	*report = report_new();
	zeromq_driver.ops->status(rig->sink, *report);
	return report_find(*report, "unacknowledged");
}

static void check_status(struct sink_rig *rig)
{
	struct report *report;
	stall(NULL);
	sink_rig_send_many(rig, "a", 5);
	sink_rig_service(rig);
	const struct report *number = standing(rig, &report);
	sink_rig_expect(rig, number && number->number == 5, "5 records wait, and status says otherwise");
	report_free(report);
	recover(NULL);
	sink_rig_settle(rig);
	number = standing(rig, &report);
	sink_rig_expect(rig, number && number->number == 0, "nothing waits, and status says otherwise");
	sink_rig_expect(rig, report_find(report, "connected")->number == 1, "it is connected");
	sink_rig_expect(rig, !report_find(report, "outage"), "there is no outage");
	report_free(report);
}

static void status_says_what_waits(void **state)
{
	static const struct sink_rule rule = {.name = "status", .check = check_status};
	char text[256];
	(void)state;
	if (sink_rule_check(&rule, &zeromq, text) != RULE_KEPT)
		fail_msg("%s", text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_says_what_waits),
		cmocka_unit_test(an_acknowledgement_of_the_old_run_is_none_of_the_new),
		cmocka_unit_test(best_effort_answers_what_was_handed_over),
	};
	zeromq.ops = zeromq_driver.ops;
	int n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	return n_failed + sink_suite_run(&zeromq);
}
