/* A stream of the server's journal: for what it is registered, how far it was taken, and when it is asked again.
 *
 *     server                        items of the whole server            SERVER
 *     folders                       folders of the whole server          FOLDERS
 *     contents/<store>/<folder>     items of one folder                  CONTENTS
 *     hierarchy/<store>             folders below one                    HIERARCHY
 *
 * All of them work alike: registered once (a sync id), then asked again and again for the entries above a change id.
 * They differ in what an entry means (publish.c, tree.c) and in what it means that the server refuses them.
 *
 *     stream_add -> stream_seek (the state's) or stream_start -> stream_ask, window_read until none is being read ...
 *
 * Streams live in the source and stay where they are until it closes. One thread. */
#ifndef TIDINGS_BRIDGE_KOPANO_STREAM_H
#define TIDINGS_BRIDGE_KOPANO_STREAM_H

#include "bridge/kopano/client.h"
#include "bridge/kopano/doorbell.h"
#include "bridge/kopano/position.h"
#include "bridge/kopano/settle.h"
#include "core/state.h"

enum stream_kind { STREAM_SERVER, STREAM_FOLDERS, STREAM_CONTENTS, STREAM_HIERARCHY };

/* An item that could not be read, and how often that was tried. */
struct stumble {
	struct stumble *next;
	struct slice identity;
	int n_tries;
	bool given_up;
	bool breaks_export; /* it is read singly */
	char text[256];     /* of the last error */
};

struct stream {
	enum stream_kind kind;
	uint32_t folder; /* for which it is registered: its place in the map; NO_FOLDER: for the server */
	const char *name, *position_key, *taken_key, *kept_key; /* of the state */

	bool started;   /* it has a position, committed or under way */
	bool given;     /* its position comes from outside */
	bool suspended; /* the right to read is gone */
	bool ended;     /* nothing is to be done any more */
	int n_gone;     /* how often in a row the server did not know what it is of */
	uint32_t sync_id;
	bool checked; /* the sync id, since the last logon */
	int64_t kept_at_ms;
	struct stream_position kept; /* what the server was last told to keep; it must not go back */
	bool kept_is_new;            /* the state does not have it yet */

	bool due; /* to be asked, but not before: */
	int64_t poll_at_ms;
	struct settle settle;
	uint32_t still; /* all up to this maximum was read T after it was noted: while it stands there is no more */
	uint32_t still_next; /* the same, when the answer being read is over */
	uint64_t n_taken;    /* entries, so far */
	struct ringing ringing;
	bool looks_back; /* the answer being read is for what came late (late.c) */
	bool has_goal;   /* of the round: its first answer went up to */
	uint32_t goal;

	size_t batch_entries; /* as many as went well into BATCH_BYTES */
	size_t export_keys;   /* as many as one call exported well */
	struct stumble *stumbles;
	struct arena stumble_arena;
};

struct kopano;

struct stream *stream_add(struct kopano *kopano, enum stream_kind kind, uint32_t folder);
void stream_free(struct stream *stream);

bool stream_is_hierarchy(const struct stream *stream);

/* Its position and what was taken above it, as the state has them. Without any it is not `started`. ERR_FATAL: it is
 * not of this version. */
int stream_seek(struct kopano *kopano, struct state *state, struct stream *stream, struct err *err);

/* Change ids that were visible when a stream was started; zeroed it is empty, free() its ids. */
struct ids {
	uint32_t *ids;
	struct slice *keys; /* of the items, in the source's arena; NULL where nobody asks for them (once_server.c) */
	size_t n, room;
};

void ids_add(struct ids *ids, uint32_t id);

/* Registers it, and begins START_MARGIN below the maximum, with all that is visible there now as taken: what appears
 * there later was on its way. *max: the maximum; 0 of one whose kind can tell it itself. */
int stream_start(struct kopano *kopano, struct stream *stream, struct ids *ids, uint32_t *max, struct err *err);

/* Adds where the stream stands to the batch; with the ids of its start. */
void stream_put(const struct stream *stream, struct batch *batch);
void stream_put_start(struct kopano *kopano, struct stream *stream, const struct ids *ids, struct batch *batch);

/* The stream ends: the batch removes what the state has of it. */
void stream_remove(struct stream *stream, struct batch *batch);

/* Asks for the changes; then window_read until kopano->reading is NULL, of a hierarchy folders_read. What the server
 * refuses is dealt with: 0, ERR_AGAIN, or ERR_FATAL. */
int stream_ask(struct kopano *kopano, struct stream *stream, struct err *err);

/* What the server says to getChanges: suspends, registers anew, ends, or ERR_AGAIN. */
int stream_refused(struct kopano *kopano, struct stream *stream, int rc, struct err *err);

/* An answer has come to its end and knows of ids up to `max`: settles, and says so in a batch. */
void stream_answered(struct kopano *kopano, struct stream *stream, uint32_t max);

/* The highest change id of the items that the stream follows (of folders: the server's), which also proves the right.
 * ERR_BAD with KOPANO_NO_ACCESS: it is gone. */
int stream_maximum(struct kopano *kopano, const struct stream *stream, uint32_t *change_id, struct err *err);

/* The same about the right alone, without disturbing a reading of changes. */
bool stream_right_lost(struct kopano *kopano, const struct stream *stream, struct err *err);

/* A batch is published: what could not be read is tried anew when it changes again. */
void stream_forget_stumbles(struct stream *stream);

#endif
