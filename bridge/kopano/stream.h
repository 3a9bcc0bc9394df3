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
#include "bridge/kopano/settle.h"
#include "core/state.h"

enum stream_kind { STREAM_SERVER, STREAM_FOLDERS, STREAM_CONTENTS, STREAM_HIERARCHY };

/* An item that could not be read, and how often that was tried. */
struct stumble {
	struct stumble *next;
	struct slice identity;
	int n_tries;
	bool given_up;
	char text[256]; /* of the last error */
};

struct stream {
	enum stream_kind kind;
	uint32_t folder; /* for which it is registered: a place in the map; NO_FOLDER: for the server */
	const char *name, *position_key, *taken_key;

	bool started;   /* it has a position, committed or under way */
	bool given;     /* its position comes from outside */
	bool suspended; /* the right to read is gone */
	bool ending;    /* of a folder that is not followed any more */
	bool ended;     /* nothing is to be done any more */
	uint32_t sync_id;
	bool checked; /* the sync id, since the last logon */
	int64_t kept_at_ms, poll_at_ms;
	struct settle settle;
	bool has_goal; /* of the round: its first answer went up to */
	uint32_t goal;

	size_t batch_entries; /* as many as went well into BATCH_BYTES */
	int n_export_failures;
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
	size_t n, room;
};

void ids_add(struct ids *ids, uint32_t id);

/* Registers it, and begins START_MARGIN below `max`, with all that is visible there now as taken: what appears there
 * later was on its way. `max` 0: the folder's own maximum. */
int stream_start(struct kopano *kopano, struct stream *stream, uint32_t max, struct ids *ids, struct err *err);

/* Adds where the stream stands to the batch; with the ids of its start. */
void stream_put(const struct stream *stream, struct batch *batch);
void stream_put_start(struct stream *stream, const struct ids *ids, struct batch *batch);

/* The stream ends: the batch removes what the state has of it. */
void stream_remove(struct stream *stream, struct batch *batch);

/* Asks for the changes; then window_read until kopano->reading is NULL. What the server refuses is dealt with: 0, or
 * ERR_AGAIN. */
int stream_ask(struct kopano *kopano, struct stream *stream, struct err *err);

/* What the server says to getChanges: suspends, registers anew, ends, or ERR_AGAIN. */
int stream_refused(struct kopano *kopano, struct stream *stream, int rc, struct err *err);

/* The highest change id of what the stream follows, which also proves the right to read. ERR_BAD with
 * KOPANO_NO_ACCESS: it is gone. */
int stream_maximum(struct kopano *kopano, const struct stream *stream, uint32_t *change_id, struct err *err);

/* The same about the right alone, without disturbing a reading of changes. */
bool stream_right_lost(struct kopano *kopano, const struct stream *stream, struct err *err);

/* A batch is published: what could not be read is tried anew when it changes again. */
void stream_forget_stumbles(struct stream *stream);

#endif
