/* The daemon: one source, one sink, one state, and the loop that joins them.
 *
 *     settings_load(...) -> daemon_run(&settings, &protobuf_encoder, &err) -> exit code
 *
 * A session opens the sink, then lets the feeder (bridge/feeder.h) open the source, and runs the pipeline
 * (core/pipeline.h) until something ends it. ERR_AGAIN from sink or pipeline is the one rewind: the session is thrown
 * away and a new one begins from the stored state, after a pause that grows (bridge/outage.h). An unreachable server or
 * broker is said once, at the start as later, and waited for.
 *
 * SIGTERM and SIGINT end it: the source is stopped, what is under way is drained for up to DAEMON_DRAIN_MS and
 * committed. A second one ends the process at once, which the state survives as it survives any death.
 *
 * Threads: the loop is the caller's thread; one more is the feeder's. Signals are blocked in both and read from a
 * signalfd; the caller's mask is restored. Memory: bounded by settings.budget_bytes. */
#ifndef TIDINGS_BRIDGE_DAEMON_H
#define TIDINGS_BRIDGE_DAEMON_H

#include "bridge/settings.h"
#include "core/encode.h"

enum { DAEMON_DRAIN_MS = 10000 };

/* Runs until a signal (0) or an error that a retry does not mend: ERR_FATAL with err->exit_code, not yet logged. What
 * was acknowledged by then is committed in either case. */
int daemon_run(const struct settings *settings, const struct encoder *encoder, struct err *err);

#endif
