#include "tests/conformance/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/clock.h"
#include "tests/conformance/source_rig.h"
#include "tests/support/memory_state.h"

enum { N_MANY = 700 /* more than two batches */, STOP_DELAY_MS = 30 };

/* Starts a source in a world with n items and waits until all were given. */
static bool give(struct source_rig *rig, size_t n)
{
	rig->source_case->add(rig->world, n);
	return source_rig_start(rig) && source_rig_collect(rig, n);
}

static size_t count_items(struct batch *const *batches, size_t n)
{
	size_t n_items = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < batches[i]->n_changes; j++)
			n_items += source_rig_is_item(&batches[i]->changes[j]);
	return n_items;
}

/* ---- what is given ---- */

static void each_item_is_given_once(struct source_rig *rig)
{
	give(rig, N_MANY);
	for (size_t i = 0; i < rig->n_batches; i++) {
		const struct batch *batch = rig->batches[i];
		for (size_t j = 0; j < batch->n_changes; j++)
			source_rig_expect(rig,
					  !source_rig_is_item(&batch->changes[j]) ||
						  source_rig_given(rig, rig->n_batches, &batch->changes[j]) == 1,
					  "batch %zu: an item was given more than once", i);
	}
}

static void batches_are_bounded(struct source_rig *rig)
{
	give(rig, N_MANY);
	for (size_t i = 0; i < rig->n_batches; i++)
		source_rig_expect(rig, rig->batches[i]->n_changes <= BATCH_CHANGES,
				  "batch %zu has %zu changes, more than %d", i, rig->batches[i]->n_changes,
				  BATCH_CHANGES);
}

static void batches_say_what_they_stand_for(struct source_rig *rig)
{
	give(rig, N_MANY);
	for (size_t i = 0; i < rig->n_batches; i++) {
		const struct batch *batch = rig->batches[i];
		size_t n_items = 0;
		for (size_t j = 0; j < batch->n_changes; j++)
			n_items += source_rig_is_item(&batch->changes[j]);
		source_rig_expect(rig, batch->n_entries >= n_items, "batch %zu: %zu entries, but %zu items", i,
				  batch->n_entries, n_items);
		source_rig_expect(rig, batch->puts.n || !batch->n_changes, "batch %zu brings no position", i);
		source_rig_expect(rig, batch->stream && *batch->stream, "batch %zu has no stream", i);
	}
}

static void change_ids_ascend(struct source_rig *rig)
{
	uint64_t before = 0;
	if (!source_rig_start(rig))
		return;
	rig->source_case->add(rig->world, N_MANY);
	source_rig_collect(rig, N_MANY);
	for (size_t i = 0; i < rig->n_batches; i++) {
		for (size_t j = 0; j < rig->batches[i]->n_changes; j++) {
			const struct change *change = &rig->batches[i]->changes[j];
			if (change->origin != ORIGIN_ICS || !source_rig_is_item(change))
				continue;
			source_rig_expect(rig, change->change_id > before, "change id %llu comes after %llu",
					  (unsigned long long)change->change_id, (unsigned long long)before);
			before = change->change_id;
		}
	}
}

static void nothing_is_held_back(struct source_rig *rig)
{
	if (!give(rig, 3))
		return;
	rig->source_case->add(rig->world, 1);
	source_rig_collect(rig, 1);
}

static void idle_is_when_all_was_given(struct source_rig *rig)
{
	rig->source_case->add(rig->world, N_MANY);
	if (!source_rig_start(rig) || !source_rig_until_idle(rig))
		return;
	size_t n = count_items(rig->batches, rig->n_batches);
	source_rig_expect(rig, n == N_MANY, "idle after %zu of %d items", n, N_MANY);
	rig->source_case->add(rig->world, 1);
	size_t n_before = rig->n_batches;
	if (!source_rig_until_idle(rig))
		return;
	n = count_items(rig->batches + n_before, rig->n_batches - n_before);
	source_rig_expect(rig, n == 1, "idle after %zu of 1 item more", n);
}

static void batches_own_their_bytes(struct source_rig *rig)
{
	if (!give(rig, N_MANY))
		return;
	rig->source_case->add(rig->world, 1);
	source_rig_collect(rig, 1);
	source_rig_close(rig);
	for (size_t i = 0; i < rig->n_batches; i++)
		source_rig_expect(rig, source_rig_digest(rig->batches[i]) == rig->digests[i],
				  "batch %zu changed after it was given", i);
}

/* ---- positions ---- */

static void store(struct source_rig *rig, struct batch *const *batches, size_t n)
{
	memory_state_free(rig->stored);
	rig->stored = memory_state_new();
	for (size_t i = 0; i < n; i++) {
		const struct put_list *list = &batches[i]->puts;
		rig->stored->state.ops->commit(&rig->stored->state, &list, 1, &rig->err);
	}
}

/* Starts anew from the first k batches: all the rest must come, and nothing of theirs. */
static void go_on_after(struct source_rig *rig, struct batch *const *batches, size_t k, size_t n_items)
{
	struct batch **again;
	store(rig, batches, k);
	if (!source_rig_start(rig))
		return;
	rig->source_case->add(rig->world, 1); /* so that something comes in any case */
	source_rig_expect(rig, source_rig_collect(rig, n_items - count_items(batches, k) + 1),
			  "after %zu batches something is missing", k);
	for (size_t i = 0; i < k; i++)
		for (size_t j = 0; j < batches[i]->n_changes; j++)
			source_rig_expect(rig,
					  !source_rig_is_item(&batches[i]->changes[j]) ||
						  !source_rig_given(rig, rig->n_batches, &batches[i]->changes[j]),
					  "after %zu batches something at or before the position came again", k);
	source_rig_close(rig);
	for (size_t n = source_rig_take_batches(rig, &again); n-- > 0;)
		batch_free(again[n]);
	free(again);
}

static void a_stored_position_is_where_it_goes_on(struct source_rig *rig)
{
	struct batch **batches;
	if (!give(rig, N_MANY))
		return;
	source_rig_close(rig);
	size_t n = source_rig_take_batches(rig, &batches), n_items = N_MANY;
	for (size_t k = 0; k <= n && !rig->violation[0]; k += k < 2 || k + 2 >= n ? 1 : n - 2 - k)
		go_on_after(rig, batches, k, n_items++);
	for (size_t i = 0; i < n; i++)
		batch_free(batches[i]);
	free(batches);
}

static void the_state_is_read_in_seek_only(struct source_rig *rig)
{
	give(rig, N_MANY);
}

static void a_passing_failure_loses_nothing(struct source_rig *rig)
{
	if (!give(rig, 10))
		return;
	rig->source_case->cut(rig->world);
	rig->source_case->add(rig->world, N_MANY);
	source_rig_collect(rig, N_MANY);
}

/* ---- stopping and closing ---- */

static void open_does_not_wait_for_the_server(struct source_rig *rig)
{
	rig->source_case->hang(rig->world, true);
	int64_t before_ms = clock_ms();
	source_rig_open(rig);
	int64_t took_ms = clock_ms() - before_ms;
	source_rig_expect(rig, took_ms < SOURCE_STOP_MS, "open waited for %lld ms", (long long)took_ms);
	rig->source_case->hang(rig->world, false);
}

static void stop_ends_seek(struct source_rig *rig)
{
	rig->source_case->hang(rig->world, true);
	if (source_rig_open(rig) == 0)
		source_rig_stop_during(rig, source_rig_call_seek, STOP_DELAY_MS);
	rig->source_case->hang(rig->world, false);
}

static void stop_ends_next_while_the_server_is_silent(struct source_rig *rig)
{
	if (!give(rig, 1))
		return;
	rig->source_case->hang(rig->world, true);
	source_rig_stop_during(rig, source_rig_call_next, STOP_DELAY_MS);
	rig->source_case->hang(rig->world, false);
}

static void stop_ends_next_while_nothing_happens(struct source_rig *rig)
{
	if (give(rig, 1))
		source_rig_stop_during(rig, source_rig_call_next, STOP_DELAY_MS);
}

static void stop_ends_next_at_any_moment(struct source_rig *rig)
{
	for (int delay_ms = 0; delay_ms < 20 && !rig->violation[0]; delay_ms += 4) {
		rig->source_case->add(rig->world, N_MANY);
		if (!source_rig_start(rig))
			return;
		source_rig_stop_during(rig, source_rig_call_next, delay_ms);
		source_rig_close(rig);
	}
}

static void a_stop_is_not_forgotten(struct source_rig *rig)
{
	if (!give(rig, 1))
		return;
	for (int i = 0; i < 2 && !rig->violation[0]; i++) {
		rig->source_case->ops->stop(rig->source);
		int64_t before_ms = clock_ms();
		source_rig_stop_during(rig, source_rig_call_next, SOURCE_STOP_MS + SOURCE_STOP_MS / 2);
		source_rig_expect(rig, clock_ms() - before_ms <= SOURCE_STOP_MS,
				  "a stop before next is not remembered");
	}
}

/* In a process of its own: a close that goes wrong does not return. */
static void close_all_kinds(struct source_rig *rig)
{
	const struct source_ops *ops = rig->source_case->ops;
	ops->close(NULL);
	source_rig_open(rig);
	source_rig_close(rig);
	source_rig_open(rig);
	ops->stop(rig->source);
	source_rig_call_seek(rig);
	source_rig_close(rig);
}

static void close_accepts_the_half_opened(struct source_rig *rig)
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		close(STDERR_FILENO);
		close_all_kinds(rig);
		_exit(0);
	}
	waitpid(child, &status, 0);
	source_rig_expect(rig, status == 0, "the process ended with status 0x%x", status);
}

/* ---- the suite ---- */

const struct source_rule source_rules[] = {
	{.name = "each_item_is_given_once", .check = each_item_is_given_once},
	{.name = "batches_are_bounded", .check = batches_are_bounded},
	{.name = "batches_say_what_they_stand_for", .check = batches_say_what_they_stand_for},
	{.name = "change_ids_ascend", .check = change_ids_ascend},
	{.name = "nothing_is_held_back", .check = nothing_is_held_back},
	{.name = "idle_is_when_all_was_given", .check = idle_is_when_all_was_given},
	{.name = "batches_own_their_bytes", .check = batches_own_their_bytes},
	{.name = "a_stored_position_is_where_it_goes_on", .check = a_stored_position_is_where_it_goes_on},
	{.name = "the_state_is_read_in_seek_only", .check = the_state_is_read_in_seek_only},
	{.name = "a_passing_failure_loses_nothing", .check = a_passing_failure_loses_nothing, .needs_cut = true},
	{.name = "open_does_not_wait_for_the_server", .check = open_does_not_wait_for_the_server, .needs_hang = true},
	{.name = "stop_ends_seek", .check = stop_ends_seek, .needs_hang = true},
	{.name = "stop_ends_next_while_the_server_is_silent",
	 .check = stop_ends_next_while_the_server_is_silent,
	 .needs_hang = true},
	{.name = "stop_ends_next_while_nothing_happens", .check = stop_ends_next_while_nothing_happens},
	{.name = "stop_ends_next_at_any_moment", .check = stop_ends_next_at_any_moment},
	{.name = "a_stop_is_not_forgotten", .check = a_stop_is_not_forgotten},
	{.name = "close_accepts_the_half_opened", .check = close_accepts_the_half_opened},
};
const size_t n_source_rules = sizeof source_rules / sizeof *source_rules;

enum source_verdict source_rule_check(const struct source_rule *rule, const struct source_case *source_case,
				      char text[256])
{
	if ((rule->needs_hang && !source_case->hang) || (rule->needs_cut && !source_case->cut))
		return SOURCE_RULE_SKIPPED;
	struct source_rig *rig = source_rig_new(source_case);
	rule->check(rig);
	snprintf(text, sizeof rig->violation, "%s", rig->violation);
	source_rig_free(rig);
	return text[0] ? SOURCE_RULE_BROKEN : SOURCE_RULE_KEPT;
}

struct rule_of_case {
	const struct source_rule *rule;
	const struct source_case *source_case;
};

static void check(void **state)
{
	const struct rule_of_case *test = *state;
	char text[256];
	switch (source_rule_check(test->rule, test->source_case, text)) {
	case SOURCE_RULE_KEPT:
		return;
	case SOURCE_RULE_SKIPPED:
		skip();
		return;
	case SOURCE_RULE_BROKEN:
		fail_msg("%s: %s: %s", test->source_case->name, test->rule->name, text);
	}
}

int source_suite_run(const struct source_case *source_case)
{
	struct rule_of_case rules[sizeof source_rules / sizeof *source_rules];
	struct CMUnitTest tests[sizeof source_rules / sizeof *source_rules];
	for (size_t i = 0; i < n_source_rules; i++) {
		rules[i] = (struct rule_of_case){&source_rules[i], source_case};
		tests[i] = (struct CMUnitTest){source_rules[i].name, check, NULL, NULL, &rules[i]};
	}
	return _cmocka_run_group_tests(source_case->name, tests, n_source_rules, NULL, NULL);
}
