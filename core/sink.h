/* A sink delivers records and says when each was acknowledged. Drivers: bridge/<name>/; rules that every driver must
 * keep: tests/conformance/sink.c.
 *
 *     open -> seek -> send ... service ... marks ... drain -> close
 *
 * All calls but status come from the loop thread, and none but open, seek and drain may block. The loop calls service
 * before every poll of fd, which may be edge-triggered.
 *
 * An accepted record is answered exactly once, by acknowledged() or failed(), from inside service or drain, never from
 * inside send. Key and value of a record must live until then (the batch owns them); the rest is borrowed for the call.
 */
#ifndef TIDINGS_CORE_SINK_H
#define TIDINGS_CORE_SINK_H

#include "core/change.h"
#include "core/error.h"
#include "core/report.h"
#include "core/state.h"

enum topic {
	TOPIC_ITEMS,
	TOPIC_FOLDERS,
	TOPIC_ADDRESSBOOK,
	TOPIC_LIFECYCLE,
	TOPIC_DEADLETTER,
	TOPIC_NOTIFICATIONS,
	N_TOPICS
};

struct record {
	enum topic topic;
	struct slice key, value;
	uint8_t id[EVENT_ID_SIZE];
	const char *type;                 /* CloudEvents type: "tidings.v1.ItemCreated", ... */
	struct slice subject;             /* the object's source key; may be empty */
	const struct server_info *server; /* never NULL; epoch 0: it is not known (yet) */
	int64_t time_ns;                  /* when the change was seen */
	void *token;                      /* comes back in the answer */
};

struct sink_events {
	void *context;
	void (*acknowledged)(void *context, void *token);
	/* err->class ERR_BAD: this record alone can never be delivered. ERR_AGAIN: it was given up by circumstances,
	 * and the daemon must rewind. ERR_FATAL: stop. */
	void (*failed)(void *context, void *token, const struct err *err);
	/* Worth a line in the log, but no failure: an outage that is waited for, and its end. May be NULL. */
	void (*notice)(void *context, const char *text);
	/* A connection was lost and is back, without a rewind: to be counted. May be NULL. */
	void (*reconnected)(void *context);
};

enum { SINK_BUSY = -1 }; /* from send: full for now, nothing changed; try again after service */

struct sink {
	const struct sink_ops *ops;
};

struct sink_ops {
	const char *name;

	/* Connects as `config` (the driver's own) says. *sink is set, also on failure if there is something to close.
	 * `stop_fd` becomes readable when the daemon must stop: open and seek then return ERR_STOPPED soon (-1: none).
	 * Returns 0, ERR_AGAIN (unreachable), ERR_FATAL or ERR_STOPPED. */
	int (*open)(const void *config, const struct sink_events *events, int stop_fd, struct sink **sink,
		    struct err *err);

	/* Compares the stored marks with what is there, makes what is missing if no mark says that it was there before.
	 * Returns 0, ERR_AGAIN, ERR_STOPPED, or ERR_FATAL: the state belongs to another end, with the command that
	 * mends it. */
	int (*seek)(struct sink *sink, struct state *state, struct err *err);

	/* Accepts a record, or refuses it with SINK_BUSY, ERR_BAD (too large: err says the sizes), ERR_AGAIN or
	 * ERR_FATAL; a refused record is not answered. */
	int (*send)(struct sink *sink, const struct record *record, struct err *err);

	/* The greatest value, in bytes, that a record with this key may have now in this topic. */
	size_t (*limit)(struct sink *sink, enum topic topic, struct slice key);

	/* To be polled for reading; it stays the same from open to close. */
	int (*fd)(struct sink *sink);

	/* Takes what has come and calls the events. Returns 0, ERR_AGAIN (rewind) or ERR_FATAL. */
	int (*service)(struct sink *sink, struct err *err);

	/* Waits until every accepted record is answered, at most deadline_ms from now, also when the daemon must stop.
	 * Returns 0, ERR_AGAIN (some are not) or ERR_FATAL. */
	int (*drain)(struct sink *sink, int deadline_ms, struct err *err);

	/* Adds what the next commit shall store of the sink's own (offsets acknowledged so far); may add nothing. */
	void (*marks)(struct sink *sink, struct put_list *list, struct arena *arena);

	/* Optional. Says how it stands, in the group that is the sink's: `connected` (truth), `outage` (text, while
	 * there is one) and `since`, `unacknowledged` (records), what it waits for, and what else helps. The one
	 * function that may come from another thread, at any moment between open and close; it waits for nothing but a
	 * mutex of its own that nobody holds for long. */
	void (*status)(struct sink *sink, struct report *report);

	/* Gives up what is unanswered, without calling events, and frees everything. NULL and half-opened are accepted.
	 */
	void (*close)(struct sink *sink);
};

#endif
