/* The suite itself: a sink that keeps the rules passes, however late, partly or out of order it answers, and each way
 * of breaking one is noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/conformance/sink.h"
#include "tests/support/memory_sink.h"

enum { ROOM = 100, LIMIT_BYTES = 5000, PATIENCE_MS = 200 };

/* How the next ends behave. */
static struct {
	enum memory_answers order;
	size_t n_per_service;
	enum memory_defect defect;
} manner;

static void *begin(void)
{
	struct memory_broker *broker = memory_broker_new();
	broker->room = ROOM;
	broker->limit_bytes = LIMIT_BYTES;
	broker->order = manner.order;
	broker->n_per_service = manner.n_per_service;
	broker->defect = manner.defect;
	return broker;
}

static void finish(void *end)
{
	memory_broker_free(end);
}

static const void *config(void *end)
{
	return end;
}

static size_t arrived(void *end, struct slice key, struct arena *arena, struct slice **values)
{
	const struct memory_broker *broker = end;
	size_t n = 0;
	*values = arena_alloc(arena, broker->n_records * sizeof **values);
	for (size_t i = 0; i < broker->n_records; i++)
		if (slice_equal(broker->records[i].record.key, key))
			(*values)[n++] = broker->records[i].record.value;
	return n;
}

static void stall(void *end)
{
	((struct memory_broker *)end)->stalled = true;
}

static void recover(void *end)
{
	memory_broker_recover(end);
}

static void fail_next(void *end, enum err_class class)
{
	memory_broker_fail(end, 0, class);
}

static const void *unreachable(void *end)
{
	((struct memory_broker *)end)->unreachable = true;
	return end;
}

static void forget(void *end)
{
	((struct memory_broker *)end)->n_acknowledged = 0;
}

static const struct sink_case memory = {
	.name = "memory",
	.ops = &memory_sink_ops,
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

static void assert_all_rules_kept(void)
{
	char text[256];
	for (size_t i = 0; i < n_sink_rules; i++)
		if (sink_rule_check(&sink_rules[i], &memory, text) != RULE_KEPT)
			fail_msg("%s: %s", sink_rules[i].name, text);
}

static void a_sink_that_keeps_the_rules_passes(void **state)
{
	(void)state;
	manner.order = MEMORY_OLDEST_FIRST;
	assert_all_rules_kept();
}

static void answers_may_come_newest_first(void **state)
{
	(void)state;
	manner.order = MEMORY_NEWEST_FIRST;
	assert_all_rules_kept();
}

static void answers_may_come_one_at_a_time(void **state)
{
	(void)state;
	manner.n_per_service = 1;
	assert_all_rules_kept();
}

static void a_case_without_the_means_skips(void **state)
{
	struct sink_case poor = memory;
	char text[256];
	size_t n_skipped = 0;
	(void)state;
	poor.stall = poor.recover = NULL;
	for (size_t i = 0; i < n_sink_rules; i++)
		n_skipped += sink_rule_check(&sink_rules[i], &poor, text) == RULE_SKIPPED;
	assert_int_equal(n_skipped, 4);
}

static const struct sink_rule *rule_named(const char *name)
{
	for (size_t i = 0; i < n_sink_rules; i++)
		if (!strcmp(sink_rules[i].name, name))
			return &sink_rules[i];
	fail_msg("no rule %s", name);
	return NULL;
}

static void each_breach_is_noticed(void **state)
{
	static const struct {
		enum memory_defect defect;
		const char *rule, *words;
	} breaches[] = {
		{DEFECT_ACK_TWICE, "answered_once", "second answer"},
		{DEFECT_ACK_IN_SEND, "answered_once", "inside send"},
		{DEFECT_ACK_NEVER, "answered_once", "never answered"},
		{DEFECT_WRONG_TOKEN, "answered_once", "never sent"},
		{DEFECT_BUSY_TAKES, "busy_changes_nothing", "refused"},
		{DEFECT_REFUSED_ANSWERED, "the_limit_is_exact", "refused"},
		{DEFECT_OVER_LIMIT, "the_limit_is_exact", "over the limit"},
		{DEFECT_UNDER_LIMIT, "the_limit_is_exact", "of the limit"},
		{DEFECT_DISORDER, "arrives_in_order", "not what was sent"},
		{DEFECT_VALUE, "arrives_in_order", "not what was sent"},
		{DEFECT_SILENT_FD, "the_fd_tells", "not readable"},
		{DEFECT_NEW_FD, "the_fd_tells", "changes"},
		{DEFECT_DRAIN_LIES, "drain_keeps_its_deadline", "unanswered"},
		{DEFECT_DRAIN_LATE, "drain_keeps_its_deadline", "takes"},
		{DEFECT_OPEN_DEAF, "open_ends_at_a_stop", "must stop"},
		{DEFECT_CLOSE_ANSWERS, "close_gives_up_in_silence", "inside close"},
		{DEFECT_EARLY_MARK, "only_acknowledged_is_marked", "before"},
		{DEFECT_BLIND_SEEK, "marks_of_another_end_are_refused", "another end"},
		{DEFECT_WRONG_CLASS, "failures_name_the_reaction", "instead of"},
	};
	char text[256];
	(void)state;
	for (size_t i = 0; i < sizeof breaches / sizeof *breaches; i++) {
		manner.defect = breaches[i].defect;
		if (sink_rule_check(rule_named(breaches[i].rule), &memory, text) != RULE_BROKEN)
			fail_msg("%s does not notice defect %d", breaches[i].rule, breaches[i].defect);
		if (!strstr(text, breaches[i].words))
			fail_msg("%s, defect %d: \"%s\" instead of \"%s\"", breaches[i].rule, breaches[i].defect, text,
				 breaches[i].words);
	}
}

static int well_behaved(void **state)
{
	(void)state;
	memset(&manner, 0, sizeof manner);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_sink_that_keeps_the_rules_passes, well_behaved),
		cmocka_unit_test_setup(answers_may_come_newest_first, well_behaved),
		cmocka_unit_test_setup(answers_may_come_one_at_a_time, well_behaved),
		cmocka_unit_test_setup(a_case_without_the_means_skips, well_behaved),
		cmocka_unit_test_setup(each_breach_is_noticed, well_behaved),
	};
	int n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	well_behaved(NULL);
	return n_failed + sink_suite_run(&memory);
}
