/* The suite itself: a source that keeps the rules passes, and each way of breaking one is noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/conformance/source.h"
#include "tests/support/memory_source.h"

enum { N_PER_BATCH = 100, PATIENCE_MS = 300 };

static enum memory_breach breach; /* of the next worlds */

static void *begin(void)
{
	struct memory_server *server = memory_server_new();
	memory_server_shape(server, N_PER_BATCH, 0);
	memory_server_breach(server, breach);
	return server;
}

static void finish(void *world)
{
	memory_server_free(world);
}

static const void *config(void *world)
{
	return world;
}

static void add(void *world, size_t n_items)
{
	memory_server_add(world, n_items);
}

static void hang(void *world, bool hangs)
{
	for (enum memory_phase phase = 0; phase < N_PHASES; phase++)
		memory_server_hang(world, phase, hangs);
}

static void cut(void *world)
{
	memory_server_fail(world, PHASE_NEXT, ERR_AGAIN, 1);
}

static const struct source_case memory = {
	.name = "memory",
	.ops = &memory_source_ops,
	.patience_ms = PATIENCE_MS,
	.begin = begin,
	.finish = finish,
	.config = config,
	.add = add,
	.hang = hang,
	.cut = cut,
};

static void a_case_without_the_means_skips(void **state)
{
	struct source_case poor = memory;
	char text[256];
	size_t n_skipped = 0;
	(void)state;
	poor.hang = NULL;
	poor.cut = NULL;
	for (size_t i = 0; i < n_source_rules; i++)
		n_skipped += source_rule_check(&source_rules[i], &poor, text) == SOURCE_RULE_SKIPPED;
	assert_int_equal(n_skipped, 4);
}

static const struct source_rule *rule_named(const char *name)
{
	for (size_t i = 0; i < n_source_rules; i++)
		if (!strcmp(source_rules[i].name, name))
			return &source_rules[i];
	fail_msg("no rule %s", name);
	return NULL;
}

static void each_breach_is_noticed(void **state)
{
	static const struct {
		enum memory_breach breach;
		const char *rule, *words;
	} breaches[] = {
		{BREACH_TWICE, "each_item_is_given_once", "more than once"},
		{BREACH_LARGE_BATCH, "batches_are_bounded", "more than 256"},
		{BREACH_NO_ENTRIES, "batches_say_what_they_stand_for", "0 entries"},
		{BREACH_NO_POSITION, "batches_say_what_they_stand_for", "no position"},
		{BREACH_DESCENDING, "change_ids_ascend", "comes after"},
		{BREACH_HOARDS, "nothing_is_held_back", "gave nothing"},
		{BREACH_IDLE_EARLY, "idle_is_when_all_was_given", "idle after 0 of"},
		{BREACH_IDLE_NEVER, "idle_is_when_all_was_given", "never said"},
		{BREACH_BORROWS, "batches_own_their_bytes", "changed after"},
		{BREACH_REPEATS, "a_stored_position_is_where_it_goes_on", "came again"},
		{BREACH_SKIPS, "a_stored_position_is_where_it_goes_on", "gave nothing"},
		{BREACH_EARLY_POSITION, "a_stored_position_is_where_it_goes_on", "gave nothing"},
		{BREACH_NO_POSITION, "a_stored_position_is_where_it_goes_on", "came again"},
		{BREACH_READS_LATE, "the_state_is_read_in_seek_only", "outside of seek"},
		{BREACH_SKIPS_ON_AGAIN, "a_passing_failure_loses_nothing", "gave nothing"},
		{BREACH_BATCH_ON_ERROR, "a_passing_failure_loses_nothing", "set *batch"},
		{BREACH_BLOCKING_OPEN, "open_does_not_wait_for_the_server", "waited"},
		{BREACH_DEAF_SEEK, "stop_ends_seek", "to stop"},
		{BREACH_DEAF_NEXT, "stop_ends_next_while_the_server_is_silent", "to stop"},
		{BREACH_DEAF_NEXT, "stop_ends_next_while_nothing_happens", "to stop"},
		{BREACH_DEAF_NEXT, "stop_ends_next_at_any_moment", "to stop"},
		{BREACH_FORGETFUL_STOP, "a_stop_is_not_forgotten", "remembered"},
		{BREACH_CLOSE_BREAKS, "close_accepts_the_half_opened", "status"},
	};
	char text[256];
	(void)state;
	for (size_t i = 0; i < sizeof breaches / sizeof *breaches; i++) {
		breach = breaches[i].breach;
		if (source_rule_check(rule_named(breaches[i].rule), &memory, text) != SOURCE_RULE_BROKEN)
			fail_msg("%s does not notice breach %d", breaches[i].rule, (int)breach);
		if (!strstr(text, breaches[i].words))
			fail_msg("%s, breach %d: \"%s\" instead of \"%s\"", breaches[i].rule, (int)breach, text,
				 breaches[i].words);
	}
	breach = BREACH_NONE;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_case_without_the_means_skips),
		cmocka_unit_test(each_breach_is_noticed),
	};
	int n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	breach = BREACH_NONE;
	return n_failed + source_suite_run(&memory);
}
