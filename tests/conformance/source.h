/* The rules of core/source.h, checked on any driver.
 *
 *     static const struct source_case kopano = {.name = "kopano", .ops = ..., .begin = ..., ...};
 *     int main(void) { return source_suite_run(&kopano); }
 *
 * A case says how to make a world (a server with one folder that is followed, its listing included), how to add items
 * to the folder, and how to disturb the server. Each rule gets a world of its own. A rule that needs what a case lacks
 * is skipped, and says so.
 *
 * Threads: the rules call stop from a second one. Errors: a rule does not assert, it reports: so a test can also expect
 * that a broken driver breaks it. */
#ifndef TIDINGS_TESTS_CONFORMANCE_SOURCE_H
#define TIDINGS_TESTS_CONFORMANCE_SOURCE_H

#include "core/source.h"

struct source_case {
	const char *name;
	const struct source_ops *ops;
	int patience_ms; /* within which a source that is well gives what is there */

	void *(*begin)(void); /* a world with an empty folder */
	void (*finish)(void *world);
	const void *(*config)(void *world); /* for ops->open */
	void (*add)(void *world, size_t n_items);

	/* May be NULL. */
	void (*hang)(void *world, bool hang); /* while true the server takes calls and does not answer */
	void (*cut)(void *world);             /* what the source asks next fails once, in passing */
};

struct source_rig; /* a source under observation: source_rig.h */

struct source_rule {
	const char *name;
	void (*check)(struct source_rig *rig);
	bool needs_hang, needs_cut;
};

extern const struct source_rule source_rules[];
extern const size_t n_source_rules;

enum source_verdict { SOURCE_RULE_KEPT, SOURCE_RULE_BROKEN, SOURCE_RULE_SKIPPED };

/* `text` says how it was broken. */
enum source_verdict source_rule_check(const struct source_rule *rule, const struct source_case *source_case,
				      char text[256]);

/* All rules, each a test of its own; the number that failed. */
int source_suite_run(const struct source_case *source_case);

#endif
