/* Tells a person, in the log, what a batch is about: what happened to stores, folders and streams; with -v also each
 * batch and each commit. Nothing is kept. Threads: any. */
#ifndef TIDINGS_BRIDGE_NARRATE_H
#define TIDINGS_BRIDGE_NARRATE_H

#include "core/batch.h"

/* Before the pipeline takes it. */
void narrate_batch(const struct batch *batch);

void narrate_commit(size_t n_batches);

#endif
