#include "tests/conformance/sink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include <cmocka.h>

#include "bridge/clock.h"
#include "tests/conformance/sink_rig.h"
#include "tests/support/memory_state.h"

enum { DRAIN_MS = 300, TOLERANCE_MS = 500, CLOSE_MS = 2500, STOP_MS = 1000 };

static void answered_once(struct sink_rig *rig)
{
	static const char *const keys[] = {"a", "b", "c"};
	for (int i = 0; i < 30; i++) {
		sink_rig_send_many(rig, keys[i % 3], 10);
		if (i % 10 == 9)
			sink_rig_settle(rig);
	}
	sink_rig_expect_acknowledged(rig);
}

/* Nothing but what was accepted under this key, each once, in order. */
static void expect_arrived(struct sink_rig *rig, const char *key)
{
	struct slice *values, wanted = slice_of_text(key);
	size_t n = rig->sink_case->arrived(rig->end, wanted, &rig->arena, &values), n_matched = 0, n_accepted = 0;
	for (size_t i = 0; i < rig->n_sent; i++) {
		const struct sent *sent = &rig->sent[i];
		if (sent->returned || !slice_equal(sent->key, wanted))
			continue;
		n_matched += n_accepted < n && slice_equal(values[n_accepted], sent->value);
		n_accepted++;
	}
	sink_rig_expect(rig, n == n_accepted, "key %s: %zu were accepted, %zu arrived", key, n_accepted, n);
	sink_rig_expect(rig, n_matched == n_accepted, "key %s: what arrived is not what was sent, in its order", key);
}

static void arrives_in_order(struct sink_rig *rig)
{
	for (int i = 0; i < 100; i++) {
		sink_rig_send_many(rig, "a", 1);
		sink_rig_send_many(rig, "b", 2);
		sink_rig_service(rig);
	}
	sink_rig_settle(rig);
	sink_rig_expect_acknowledged(rig);
	expect_arrived(rig, "a");
	expect_arrived(rig, "b");
}

static void busy_changes_nothing(struct sink_rig *rig)
{
	rig->sink_case->stall(rig->end);
	while (rig->n_sent < RIG_RECORDS / 2 && sink_rig_send(rig, "a", 100)->returned == 0)
		;
	int last = rig->sent[rig->n_sent - 1].returned;
	sink_rig_expect(rig, last == SINK_BUSY, "%zu records are taken while none is answered", rig->n_sent);
	sink_rig_send(rig, "a", 100);
	rig->sink_case->recover(rig->end);
	sink_rig_settle(rig);
	sink_rig_send_many(rig, "a", 3);
	sink_rig_settle(rig);
	sink_rig_expect_acknowledged(rig);
	expect_arrived(rig, "a");
}

static void the_limit_is_exact(struct sink_rig *rig)
{
	size_t limit = rig->sink_case->ops->limit(rig->sink, TOPIC_ITEMS, slice_of_text("a"));
	int at = sink_rig_send(rig, "a", limit)->returned;
	sink_rig_settle(rig);
	int over = sink_rig_send(rig, "a", limit + 1)->returned;
	sink_rig_expect(rig, at == 0, "a value of the limit, %zu bytes, is refused", limit);
	sink_rig_expect(rig, over == ERR_BAD, "a value over the limit, %zu bytes, returns %d", limit, over);
	sink_rig_settle(rig);
	sink_rig_expect_acknowledged(rig);
	expect_arrived(rig, "a");
}

static void the_fd_tells(struct sink_rig *rig)
{
	int fd = rig->sink_case->ops->fd(rig->sink);
	for (int i = 0; i < 3; i++) {
		sink_rig_service(rig);
		sink_rig_send(rig, "a", 100);
		sink_rig_expect(rig, sink_rig_readable(rig, rig->sink_case->patience_ms),
				"an answer came, and the fd is not readable");
		sink_rig_settle(rig);
		sink_rig_expect(rig, rig->sink_case->ops->fd(rig->sink) == fd, "the fd changes");
	}
	sink_rig_expect_acknowledged(rig);
}

static void drain_keeps_its_deadline(struct sink_rig *rig)
{
	struct err err = {0};
	rig->sink_case->stall(rig->end);
	sink_rig_send_many(rig, "a", 5);
	int64_t began_ms = clock_ms();
	int class = rig->sink_case->ops->drain(rig->sink, DRAIN_MS, &err);
	int64_t took_ms = clock_ms() - began_ms;
	sink_rig_expect(rig, class == ERR_AGAIN, "drain returns %d with records unanswered", class);
	sink_rig_expect(rig, err.text[0], "drain says nothing");
	sink_rig_expect(rig, took_ms < DRAIN_MS + TOLERANCE_MS, "drain of %d ms takes %d ms", DRAIN_MS, (int)took_ms);
	rig->sink_case->recover(rig->end);
	class = rig->sink_case->ops->drain(rig->sink, rig->sink_case->patience_ms, &err);
	sink_rig_expect(rig, class == 0 && rig->n_unanswered == 0, "drain returns %d, %zu records are unanswered",
			class, rig->n_unanswered);
	class = rig->sink_case->ops->drain(rig->sink, 0, &err);
	sink_rig_expect(rig, class == 0, "drain of nothing returns %d", class);
	sink_rig_expect_acknowledged(rig);
}

static void drain_ignores_a_stop(struct sink_rig *rig)
{
	struct err err;
	sink_rig_send_many(rig, "a", 5);
	eventfd_write(rig->stop_fd, 1);
	int class = rig->sink_case->ops->drain(rig->sink, rig->sink_case->patience_ms, &err);
	sink_rig_expect(rig, class == 0 && rig->n_unanswered == 0, "drain returns %d when the daemon must stop", class);
}

static void close_gives_up_in_silence(struct sink_rig *rig)
{
	rig->sink_case->stall(rig->end);
	sink_rig_send_many(rig, "a", 5);
	int64_t began_ms = clock_ms();
	sink_rig_close(rig);
	int64_t took_ms = clock_ms() - began_ms;
	sink_rig_expect(rig, took_ms < CLOSE_MS, "close takes %d ms", (int)took_ms);
	rig->sink_case->recover(rig->end);
	if (!sink_rig_open(rig))
		return;
	sink_rig_send_many(rig, "a", 5);
	sink_rig_settle(rig);
	for (size_t i = 0; i < 5; i++)
		sink_rig_expect(rig, !rig->sent[i].n_acknowledged && !rig->sent[i].n_failed,
				"what was given up is answered to the next sink");
	for (size_t i = 5; i < rig->n_sent; i++)
		sink_rig_expect(rig, rig->sent[i].n_acknowledged == (rig->sent[i].returned == 0),
				"the next sink does not answer");
}

static void no_event(void *context, void *token)
{
	(void)token;
	sink_rig_expect(context, false, "an answer without a record");
}

static void no_failure(void *context, void *token, const struct err *err)
{
	(void)err;
	no_event(context, token);
}

static void open_ends_at_a_stop(struct sink_rig *rig)
{
	const struct sink_ops *ops = rig->sink_case->ops;
	const struct sink_events events = {rig, no_event, no_failure, NULL, NULL};
	struct sink *half = NULL;
	struct err err;
	ops->close(NULL);
	sink_rig_close(rig);
	const void *config = rig->sink_case->unreachable(rig->end);
	eventfd_write(rig->stop_fd, 1);
	int64_t began_ms = clock_ms();
	int class = ops->open(config, &events, rig->stop_fd, &half, &err);
	int64_t took_ms = clock_ms() - began_ms;
	ops->close(half);
	sink_rig_expect(rig, class == ERR_STOPPED, "open returns %d when the daemon must stop", class);
	sink_rig_expect(rig, took_ms < STOP_MS, "open takes %d ms when the daemon must stop", (int)took_ms);
}

static void what_is_unreachable_comes_again(struct sink_rig *rig)
{
	const struct sink_ops *ops = rig->sink_case->ops;
	const struct sink_events events = {rig, no_event, no_failure, NULL, NULL};
	struct sink *half = NULL;
	struct err err = {0};
	sink_rig_close(rig);
	int class = ops->open(rig->sink_case->unreachable(rig->end), &events, -1, &half, &err);
	ops->close(half);
	sink_rig_expect(rig, class == ERR_AGAIN && err.text[0], "open of what does not answer returns %d", class);
}

static void only_acknowledged_is_marked(struct sink_rig *rig)
{
	sink_rig_send_many(rig, "a", 5);
	sink_rig_settle(rig);
	if (sink_rig_mark(rig) == 0)
		return;
	sink_rig_expect(rig, sink_rig_mark(rig) == 0, "marks that are committed are marked again");
	rig->sink_case->stall(rig->end);
	sink_rig_send_many(rig, "a", 5);
	sink_rig_service(rig);
	sink_rig_expect(rig, sink_rig_mark(rig) == 0, "records are marked before they are acknowledged");
	rig->sink_case->recover(rig->end);
	sink_rig_settle(rig);
	sink_rig_expect(rig, sink_rig_mark(rig) > 0, "acknowledged records are not marked");
	sink_rig_close(rig);
	sink_rig_open(rig);
}

static void marks_of_another_end_are_refused(struct sink_rig *rig)
{
	const struct sink_ops *ops = rig->sink_case->ops;
	const struct sink_events events = {rig, no_event, no_failure, NULL, NULL};
	struct err err = {0};
	sink_rig_send_many(rig, "a", 5);
	sink_rig_settle(rig);
	sink_rig_mark(rig);
	sink_rig_close(rig);
	rig->sink_case->forget(rig->end);
	int class = ops->open(rig->sink_case->config(rig->end), &events, rig->stop_fd, &rig->sink, &err);
	if (!class)
		class = ops->seek(rig->sink, &rig->state->state, &err);
	sink_rig_expect(rig, class == ERR_FATAL && err.exit_code == EXIT_USAGE,
			"marks of another end: seek returns %d (%s)", class, err.text);
	sink_rig_expect(rig, strstr(err.text, "tidings state"), "\"%s\" names no command", err.text);
}

static void fails_as(struct sink_rig *rig, enum err_class class)
{
	rig->sink_case->fail_next(rig->end, class);
	struct sent *sent = sink_rig_send(rig, "a", 100);
	sink_rig_settle(rig);
	sink_rig_expect(rig, sent->returned == 0, "send returns %d", sent->returned);
	sink_rig_expect(rig, sent->n_failed == 1 && sent->n_acknowledged == 0,
			"a failed record: %zu failures, %zu "
			"acknowledgements",
			sent->n_failed, sent->n_acknowledged);
	sink_rig_expect(rig, sent->err.class == class, "class %d instead of %d: %s", sent->err.class, class,
			sent->err.text);
	sink_rig_expect(rig, class != ERR_FATAL || sent->err.exit_code, "ERR_FATAL without an exit code");
	sink_rig_expect(rig, sent->err.text[0], "a failure without a reason");
	sink_rig_close(rig);
	sink_rig_open(rig);
}

static void failures_name_the_reaction(struct sink_rig *rig)
{
	fails_as(rig, ERR_BAD);
	fails_as(rig, ERR_AGAIN);
	fails_as(rig, ERR_FATAL);
}

const struct sink_rule sink_rules[] = {
	{.name = "answered_once", .check = answered_once},
	{.name = "arrives_in_order", .check = arrives_in_order},
	{.name = "busy_changes_nothing", .check = busy_changes_nothing, .needs_stall = true},
	{.name = "the_limit_is_exact", .check = the_limit_is_exact},
	{.name = "the_fd_tells", .check = the_fd_tells},
	{.name = "drain_keeps_its_deadline", .check = drain_keeps_its_deadline, .needs_stall = true},
	{.name = "drain_ignores_a_stop", .check = drain_ignores_a_stop},
	{.name = "close_gives_up_in_silence", .check = close_gives_up_in_silence, .needs_stall = true},
	{.name = "open_ends_at_a_stop", .check = open_ends_at_a_stop, .needs_unreachable = true},
	{.name = "what_is_unreachable_comes_again",
	 .check = what_is_unreachable_comes_again,
	 .needs_unreachable = true},
	{.name = "only_acknowledged_is_marked", .check = only_acknowledged_is_marked, .needs_stall = true},
	{.name = "marks_of_another_end_are_refused", .check = marks_of_another_end_are_refused, .needs_forget = true},
	{.name = "failures_name_the_reaction", .check = failures_name_the_reaction, .needs_fail = true},
};
const size_t n_sink_rules = sizeof sink_rules / sizeof *sink_rules;

static bool applies(const struct sink_rule *rule, const struct sink_case *sink_case)
{
	return (!rule->needs_stall || sink_case->stall) && (!rule->needs_fail || sink_case->fail_next) &&
	       (!rule->needs_unreachable || sink_case->unreachable) && (!rule->needs_forget || sink_case->forget);
}

enum sink_verdict sink_rule_check(const struct sink_rule *rule, const struct sink_case *sink_case, char text[256])
{
	if (!applies(rule, sink_case))
		return RULE_SKIPPED;
	struct sink_rig *rig = sink_rig_new(sink_case);
	if (sink_rig_open(rig))
		rule->check(rig);
	snprintf(text, sizeof rig->violation, "%s", rig->violation);
	sink_rig_free(rig);
	return text[0] ? RULE_BROKEN : RULE_KEPT;
}

struct rule_of_case {
	const struct sink_rule *rule;
	const struct sink_case *sink_case;
};

static void check(void **state)
{
	const struct rule_of_case *test = *state;
	char text[256];
	switch (sink_rule_check(test->rule, test->sink_case, text)) {
	case RULE_KEPT:
		return;
	case RULE_SKIPPED:
		skip();
		return;
	case RULE_BROKEN:
		fail_msg("%s: %s: %s", test->sink_case->name, test->rule->name, text);
	}
}

int sink_suite_run(const struct sink_case *sink_case)
{
	struct rule_of_case rules[sizeof sink_rules / sizeof *sink_rules];
	struct CMUnitTest tests[sizeof sink_rules / sizeof *sink_rules];
	for (size_t i = 0; i < n_sink_rules; i++) {
		rules[i] = (struct rule_of_case){&sink_rules[i], sink_case};
		tests[i] = (struct CMUnitTest){sink_rules[i].name, check, NULL, NULL, &rules[i]};
	}
	return _cmocka_run_group_tests(sink_case->name, tests, n_sink_rules, NULL, NULL);
}
