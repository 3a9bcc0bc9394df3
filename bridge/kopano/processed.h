/* What `tidings sync --server` has processed of the server's stream, in the state of its one round, and as
 * python-kopano has it: entries can appear below the highest id, so the position is some ids below, and what was
 * processed above it is listed: sync id u32, change id u32, n u32, and n times change id u32, length u32, source key;
 * little-endian.
 *
 *     processed/<id>     the source key
 *     processed-from     u32: everything that was visible up to here was processed */
#ifndef TIDINGS_BRIDGE_KOPANO_PROCESSED_H
#define TIDINGS_BRIDGE_KOPANO_PROCESSED_H

#include "core/batch.h"
#include "core/error.h"

void processed_put(uint32_t id, struct slice source_key, struct batch *batch);
void processed_put_from(uint32_t id, struct batch *batch);
void processed_put_given(struct slice given, struct batch *batch); /* of a state in the long form, or the short one */

/* The state in the long form. ERR_FATAL: there is no position. */
int processed_state(struct state *state, struct arena *arena, struct slice *bytes, struct err *err);

#endif
