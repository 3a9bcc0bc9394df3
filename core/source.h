/* A source gives the changes of a groupware server as batches. Drivers: bridge/<name>/; rules that every driver must
 * keep: tests/conformance/source.c.
 *
 *     open -> seek -> next, next, ... -> close           stop, at any time, from any thread
 *
 * Threads: open, seek, next and close are called by one thread at a time; seek and next may block; stop may come from
 * any thread while another is in seek or next, and makes it return within 1 s. Memory: a source holds at most one
 * element of an answer and the batch that it builds. */
#ifndef TIDINGS_CORE_SOURCE_H
#define TIDINGS_CORE_SOURCE_H

#include "core/batch.h"
#include "core/error.h"
#include "core/report.h"
#include "core/state.h"

struct source {
	const struct source_ops *ops;
};

enum {
	SOURCE_IDLE = -1, /* from next: all that was there has been given */
	SOURCE_BACK = -2, /* from next: the server answers again */
};

/* What somebody wants of a running source. */
struct source_request {
	enum { REQUEST_SNAPSHOT } what;
	const char *store;  /* login name, or "public" */
	const char *folder; /* path as in `follow.folders`; NULL: every followed folder of the store */
};

struct source_ops {
	const char *name;

	/* Makes a source as `config` (the driver's own) says, which must outlive it. Does not wait for the server: only
	 * what exists can be stopped. *source is set, also on failure if there is something to close. Returns 0 or
	 * ERR_FATAL. */
	int (*open)(const void *config, struct source **source, struct err *err);

	/* Connects, logs on, and takes the stored positions and entries from `state`, which it may read only during
	 * this call. Without any it starts anew. next then yields nothing at or before a stored position. Returns 0,
	 * ERR_AGAIN (unreachable), ERR_STOPPED, or ERR_FATAL: configuration, credentials, the state is of other ends,
	 * or nothing that is to be followed exists. */
	int (*seek)(struct source *source, struct state *state, struct err *err);

	/* Waits for the next batch. 0: *batch is the caller's; positions and entries are in its puts. SOURCE_IDLE:
	 * everything that was there when next was first called, or when it last said so, has been given, and the
	 * positions in the puts are beyond it; the next call waits for more. SOURCE_BACK:
	 * once after ERR_AGAIN, where the source knows that the server answers again; call again at once. ERR_AGAIN:
	 * call again after a pause, it reconnects and nothing is skipped. ERR_FATAL, ERR_STOPPED: close it. *batch is
	 * set only on 0. */
	int (*next)(struct source *source, struct batch **batch, struct err *err);

	/* Optional. Says how it stands, in the group that is the source's: `connected` (truth), `server` (text), `lag`
	 * (entries that the server is known to have and that were not given), `snapshots` (a list of rows with
	 * `stream`, `text`, `done` and `total`, in items), and what else helps. From any thread between open and close,
	 * at any moment: it waits for no server, only for a mutex of its own that nobody holds for long. */
	void (*status)(struct source *source, struct report *report);

	/* Optional. Asks for something, in the same way as `status`: notes it for the thread in next. Returns 0 (it
	 * will be done; from the first batch that does it, it is also in the state), ERR_BAD (there is no such store or
	 * folder, or it is not followed) or ERR_AGAIN (it cannot say yet: not logged on). */
	int (*request)(struct source *source, const struct source_request *request, struct err *err);

	/* Makes the others return ERR_STOPPED soon; never blocks; may be called more than once. */
	void (*stop)(struct source *source);

	/* Logs off where that is quick, frees everything. NULL and half-opened sources are accepted. */
	void (*close)(struct source *source);
};

#endif
