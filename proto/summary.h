/* What people want to know of a record, and what they look for: read from the message, whichever it is.
 *
 *     summary_read(MESSAGE_CHANGE_EVENT, value, &arena, &summary)
 *
 * Memory: texts and slices are in the arena or static. A text is never NULL; what is not known is "". Texts are as the
 * record has them: they may hold control characters. Thread-safe, each arena by one thread. */
#ifndef TIDINGS_PROTO_SUMMARY_H
#define TIDINGS_PROTO_SUMMARY_H

#include "core/arena.h"
#include "proto/json.h"

struct summary {
	enum message_type type;
	int64_t time_ms;            /* when the change was seen, or the event happened */
	const char *kind;           /* "CREATED"; of a lifecycle event its type: "SUSPENDED" */
	const char *object;         /* "ITEM" */
	const char *origin;         /* "ICS" */
	bool read;                  /* of a READ_STATE */
	bool hard;                  /* of a DELETED */
	bool is_public;             /* the public store */
	struct slice store, folder; /* GUID; source key of the folder that the object is in */
	struct slice key;           /* the object's own source key */
	const char *owner, *path;   /* names of both */
	const char *own_path;       /* of a folder */
	const char *name;           /* a subject, a folder's or user's name, a text for people */
	const char *from;           /* who sent it */
};

/* Returns 0, or -1 if the bytes are no such message. */
int summary_read(enum message_type type, struct slice value, struct arena *arena, struct summary *summary);

/* "read-state" in any case and with - for _ is "READ_STATE"; also a lifecycle event's type. NULL: there is none. */
const char *summary_find_kind(const char *text);
const char *summary_find_object(const char *text);

#endif
