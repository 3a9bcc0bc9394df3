/* The rules of core/sink.h, checked on any driver.
 *
 *     static const struct sink_case kafka = {.name = "kafka", .ops = ..., .begin = ..., ...};
 *     int main(void) { return sink_suite_run(&kafka); }
 *
 * A case says how to make an end (a broker, an endpoint), how to look at what arrived there, and how to disturb it.
 * Each rule gets an end of its own. A rule that needs what a case lacks is skipped, and says so.
 *
 * Threads: one. Errors: a rule does not assert, it reports: so a test can also expect that a broken driver breaks it.
 */
#ifndef TIDINGS_TESTS_CONFORMANCE_SINK_H
#define TIDINGS_TESTS_CONFORMANCE_SINK_H

#include "core/arena.h"
#include "core/sink.h"

struct sink_case {
	const char *name;
	const struct sink_ops *ops;
	int patience_ms; /* within which an end that is well answers */

	void *(*begin)(void); /* an empty end */
	void (*finish)(void *end);
	const void *(*config)(void *end); /* for ops->open; one per end, so that what it learns survives */

	/* The values in TOPIC_ITEMS under this key, in the order in which a consumer gets them. */
	size_t (*arrived)(void *end, struct slice key, struct arena *arena, struct slice **values);

	/* May be NULL. */
	void (*stall)(void *end);                           /* records are taken, but not answered ... */
	void (*recover)(void *end);                         /* ... until now */
	void (*fail_next)(void *end, enum err_class class); /* the next record is answered by failed() */
	const void *(*unreachable)(void *end);              /* the config of an end that does not answer */
	void (*forget)(void *end);                          /* loses all that arrived: marks no longer fit */
};

struct sink_rig; /* one open sink and what was sent through it: sink_rig.h */

struct sink_rule {
	const char *name;
	void (*check)(struct sink_rig *rig);
	bool needs_stall, needs_fail, needs_unreachable, needs_forget;
};

extern const struct sink_rule sink_rules[];
extern const size_t n_sink_rules;

enum sink_verdict { RULE_KEPT, RULE_BROKEN, RULE_SKIPPED };

/* `text` says how it was broken. */
enum sink_verdict sink_rule_check(const struct sink_rule *rule, const struct sink_case *sink_case, char text[256]);

/* All rules, each a test of its own; the number that failed. */
int sink_suite_run(const struct sink_case *sink_case);

#endif
