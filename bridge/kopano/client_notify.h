/* The calls about notifications, of a client (client.h).
 *
 *     group = client_random_group()
 *     client_open_in(&login, group, &subscriber)   client_subscribe(subscriber, ...)
 *     client_open_in(&login, group, &poller)       client_poll -> client_await ... -> client_next_notice ... KOPANO_END
 *
 * All sessions of a group share one queue at the server. A subscription ends with the session that made it; whoever
 * polls gets what any of them has subscribed to, and keeps all of them alive by that. What the server has put into an
 * answer is out of the queue, whether it arrives or not; and a poll that was given up here goes on there, and swallows
 * what comes next, until its session polls again or logs off. So after any failure of a poll something may have been
 * lost, and client_log_off is what ends it for certain.
 *
 * Errors: client.h. One thread for each client. */
#ifndef TIDINGS_BRIDGE_KOPANO_CLIENT_NOTIFY_H
#define TIDINGS_BRIDGE_KOPANO_CLIENT_NOTIFY_H

#include "bridge/kopano/client.h"
#include "bridge/kopano/http.h"

enum notice_event { /* one bit in a notice, several in a mask */
		    NOTICE_CREATED = 0x4,
		    NOTICE_DELETED = 0x8,
		    NOTICE_UPDATED = 0x10,
		    NOTICE_MOVED = 0x20,
		    NOTICE_COPIED = 0x40,
};

enum notice_mask {
	NOTICE_EVENTS = 0x7C,      /* all of those */
	NOTICE_OF_ITEMS = 0x10000, /* without either: of all objects; a folder's items only with this one */
	NOTICE_OF_FOLDERS = 0x20000,
	NOTICE_NO_COUNTERS = 0x40000, /* not of a folder whose number of items has changed */
};

enum notice_object { NOTICE_STORE = 1, NOTICE_FOLDER = 3, NOTICE_ITEM = 5 };

/* A number from outside of a group, never 0. */
uint64_t client_random_group(void);

/* As client_open, as a session of that group. */
int client_open_in(const struct login *login, uint64_t group, struct client **client, struct err *err);

/* Ends the session, within a second; the client can only be closed then. A poll of it is answered. */
int client_log_off(struct client *client, struct err *err);

struct subscription {
	uint32_t number;  /* unique in the group; comes back in every notice */
	uint32_t mask;    /* events and notice_mask bits */
	struct slice key; /* entry id of a store (all that is in it), a folder or an item */
};

/* All of them or none. ERR_GONE, ERR_BAD: one of them is of something that is not there, or is not for this user. */
int client_subscribe(struct client *client, const struct subscription *subscriptions, size_t n, struct err *err);

/* Of this session; others and unknown ones are ignored. */
int client_unsubscribe(struct client *client, const uint32_t *numbers, size_t n, struct err *err);

struct notice {
	uint32_t number;
	enum notice_event event; /* 0: of another kind, to be ignored */
	uint32_t object;         /* enum notice_object */
	struct slice entry_id, parent_entry_id;
	struct slice old_entry_id,
		old_parent_entry_id; /* MOVED; COPIED: of the source. A moved folder's own id stays */
};

/* Asks for what happens; the server answers when something has, or after a minute. */
int client_poll(struct client *client, struct err *err);

/* Waits for that answer to begin. HTTP_WOKEN: `wake_fd` is readable; call it again. ERR_AGAIN also if the server does
 * not answer within login.poll_timeout_ms. */
int client_await(struct client *client, int wake_fd, struct err *err);

/* 0: *notice, in the arena; KOPANO_END: that was the answer, poll again; else an error. */
int client_next_notice(struct client *client, struct arena *arena, struct notice *notice, struct err *err);

#endif
