/* A state in memory, for a command that runs once. Nothing survives it.
 *
 * Threads: one at a time. */
#ifndef TIDINGS_BRIDGE_STATE_ONCE_H
#define TIDINGS_BRIDGE_STATE_ONCE_H

#include "core/state.h"

struct state *once_state_new(void);

#endif
