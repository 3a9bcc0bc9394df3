/* The inside of a client, shared by the files that implement client.h: a session on five channels, four of
 * them for answers that are read item by item. */
#ifndef TIDINGS_BRIDGE_KOPANO_SESSION_H
#define TIDINGS_BRIDGE_KOPANO_SESSION_H

#include "bridge/kopano/answer.h"
#include "bridge/kopano/http.h"
#include "bridge/kopano/soap.h"

/* A connection with what is written to and read from it. */
struct channel {
	struct http *http;
	struct soap request;
	struct scan scan;
};

/* A channel on which an answer is read item by item of its array. */
struct reading {
	struct channel channel;
	bool open;
	bool in_array;
	bool has_er;
	int answer_level, array_level;
	const char *array; /* its element */
	uint32_t er, max_change_id, table;
	size_t n_keys; /* of an export */
};

struct client {
	const struct login *login;
	struct patience call_patience, reading_patience;
	struct channel calls;
	struct reading changes, folders, rows, notices;
	uint64_t group, session; /* 0: none */
	uint32_t er;
	bool alive, opening;
	uint8_t server_guid[GUID_SIZE];
	char server_version[32];

	struct entry_keys keys;
	uint32_t table; /* open at the server; 0: none */
	uint32_t *tags; /* copies of the columns that were asked for */
	struct columns columns;
};

/* Begins the request of a call: everything but the call's own fields. */
struct soap *session_begin(struct client *client, struct channel *channel, const char *call);

/* Sends the request and goes into the answer's element. */
int session_ask(struct client *client, struct channel *channel, struct patience patience, struct err *err);

/* The same in two: sends, and waits for the answer to begin. `wake_fd` as in http_await: HTTP_WOKEN. */
int session_send(struct client *client, struct channel *channel, struct patience patience, struct err *err);
int session_await(struct client *client, struct channel *channel, int wake_fd, struct err *err);

/* For an answer that could not be read: why, in *err; its connection is closed. */
int session_broken(struct client *client, struct channel *channel, struct err *err);

/* For an answer that was read: 0, or the class of the server's code. */
int session_status(struct client *client, const struct channel *channel, uint32_t er, struct err *err);

/* For an answer that lacks what it must have. */
int session_not_understood(struct client *client, const char *what, struct err *err);

/* All of it: sends, reads the whole answer, ends the request. */
int session_call(struct client *client, answer_child_fn *child, struct arena *arena, void *answer, struct err *err);

/* Sends the request on the reading's channel and goes to the array of the answer, unless a bad status comes before it.
 */
int reading_begin(struct client *client, struct reading *reading, const char *array, struct err *err);

/* The same for an answer that session_await has entered. */
int reading_enter(struct client *client, struct reading *reading, const char *array, struct err *err);

/* Goes into the next item of the array: 0, KOPANO_END, or an error; after both of them the reading is over. */
int reading_next(struct client *client, struct reading *reading, struct err *err);

/* After an item was read: 0, or why it could not be. */
int reading_item_status(struct client *client, struct reading *reading, struct err *err);

/* Closes the connection if the reading is open. */
void reading_abandon(struct reading *reading);

#endif
