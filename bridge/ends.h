/* The daemon's own entry of the state: with which kind of sink it was made. */
#ifndef TIDINGS_BRIDGE_ENDS_H
#define TIDINGS_BRIDGE_ENDS_H

#include "core/batch.h"

/* Refuses a state that was made with another kind of sink: ERR_FATAL, with the command that mends it. */
int ends_check(struct state *state, const char *sink, struct err *err);

/* The first batch of a daemon, and its last one: a lifecycle event, and the entry. */
struct batch *ends_started(const char *sink, const char *text);
struct batch *ends_stopped(const char *text);

#endif
