/* What `tidings state reset` has to know of this source's entries (bridge/driver.h). */
#ifndef TIDINGS_BRIDGE_KOPANO_RESET_H
#define TIDINGS_BRIDGE_KOPANO_RESET_H

#include "core/state.h"

/* A folder of which following or the snapshot begins anew is listed anew. */
int kopano_reset(struct state *state, const char *stream, struct put_list *puts, struct arena *arena, struct err *err);

uint32_t kopano_epoch(struct state *state);

/* The epoch of a state that has no ends yet: 1, or what a reset has left. */
uint32_t kopano_first_epoch(struct state *state);

#endif
