/* The state in an SQLite file (core/state.h).
 *
 *     sqlite_state_open(path, &state, &err) -> state->ops->get, each, commit ... -> state->ops->close(state)
 *
 * The file appears under its name only when it is whole, so an empty or short one is damage, not a beginning. Whether
 * all of it is in order is looked at while it is already used, and known when the first commit begins: damage that no
 * reading met is refused there, and nothing is stored that could follow from it. To look at a state (readonly) waits
 * for that. A commit is one transaction with synchronous=FULL in a write-ahead log: it is on the disk when commit
 * returns. "<path>.lock" keeps a second instance away. The format has an application id and a version (PRAGMA
 * user_version); one that is newer than this program is refused.
 *
 * Threads: one at a time; the check has its own, with its own connection. Errors: exit code 2 for what a restart does
 * not mend (no directory, no right, in use, damaged, newer), 1 for the rest (disk full, I/O). Every text names the
 * file. */
#ifndef TIDINGS_BRIDGE_STATE_SQLITE_H
#define TIDINGS_BRIDGE_STATE_SQLITE_H

#include "core/state.h"

/* Opens the state, made anew (mode 0600) if there is no such file. Returns 0 and *state, or ERR_FATAL. */
int sqlite_state_open(const char *path, struct state **state, struct err *err);

/* Opens an existing state to look at it, also while an instance runs; commit is refused. Returns 0 and *state, or
 * ERR_FATAL. */
int sqlite_state_open_readonly(const char *path, struct state **state, struct err *err);

#endif
