/* What a running daemon shows of itself: the loop leaves here what it knows, and others read it at any moment.
 *
 *     loop:     vitals_new -> vitals_session(sink, feeder) -> vitals_turn ... -> vitals_session(NULL, NULL) ->
 * vitals_free anybody:  vitals_report, vitals_request
 *
 * Nobody waits for the loop, and the loop waits for nobody but for a moment: sinks and sources say how they stand under
 * mutexes of their own (core/source.h, core/sink.h), and positions are read from the state file beside the daemon.
 *
 * Threads: one mutex. Memory: it borrows settings, outages and what a session gives it. */
#ifndef TIDINGS_BRIDGE_VITALS_H
#define TIDINGS_BRIDGE_VITALS_H

#include "bridge/feeder.h"
#include "bridge/settings.h"
#include "core/pipeline.h"

struct vitals;

struct vitals *vitals_new(const struct settings *settings, struct outage *source, struct outage *sink);
void vitals_free(struct vitals *vitals);

/* Other settings hold from now on; no session is on. */
void vitals_configured(struct vitals *vitals, const struct settings *settings);

/* What the session has now; before either is closed, NULL in its place. Its counts begin anew with a NULL sink. */
void vitals_session(struct vitals *vitals, struct sink *sink, struct feeder *feeder);

/* After every turn: what the session has counted, and what it holds. */
void vitals_turn(struct vitals *vitals, const struct pipeline_counts *counts, struct pipeline_load load);

/* Sums of all sessions. */
struct pipeline_counts vitals_counts(struct vitals *vitals);

/* All but the streams. The caller's, to be freed by report_free. */
struct report *vitals_report(struct vitals *vitals);

/* The same and the streams, as `state`, opened read-only by the caller, has them. */
int vitals_report_all(struct vitals *vitals, struct state *state, struct report **report, struct err *err);

/* Asks the source for something. Returns 0, ERR_BAD or ERR_AGAIN. */
int vitals_request(struct vitals *vitals, const struct source_request *request, struct err *err);

#endif
