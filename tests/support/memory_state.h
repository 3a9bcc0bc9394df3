/* A state in memory that remembers every commit, and fails on demand.
 *
 *     struct memory_state *state = memory_state_new();
 *     state->n_failing = 1;                             the next commit fails
 *     state->before_commit = check; state->context = t; looks at each commit before it is applied
 *     ... &state->state ...
 *     memory_state_text(state, "position/a")            what is stored
 *     state->commits[0].puts                            what the first commit brought
 *
 * Threads: one. Everything lives until memory_state_free; state_ops.close does nothing, so that a test can look at it
 * after a rewind. */
#ifndef TIDINGS_TESTS_SUPPORT_MEMORY_STATE_H
#define TIDINGS_TESTS_SUPPORT_MEMORY_STATE_H

#include "core/state.h"

struct memory_commit {
	struct put_list puts; /* of all lists, in order */
	size_t n_lists;
};

struct memory_state {
	struct state state;
	struct put_list entries; /* what is stored, in ascending order of keys */
	struct memory_commit *commits;
	size_t n_commits;
	size_t n_failing; /* so many commits fail; counts down */
	void (*before_commit)(void *context, const struct memory_commit *commit);
	void *context;
	struct arena arena;
};

struct memory_state *memory_state_new(void);
void memory_state_free(struct memory_state *state); /* NULL is accepted */

/* The value of a key as text, or NULL. */
const char *memory_state_text(struct memory_state *state, const char *key);

#endif
