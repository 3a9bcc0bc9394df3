/*
 * Notifications: session groups with their subscriptions and the queue of each, and the long polls that empty it.
 *
 * A group is what its sessions have in common; sessions without a group are in one of their own, to which nothing of
 * objects or journals is ever delivered. Object subscriptions end with their session, those of the journal with the
 * group.
 *
 * Threads: a mutex of its own, taken after the server's lock. A poll waits in the thread of its connection, without
 * the server's lock.
 */
#ifndef FAKEKOPANO_NOTIFY_H
#define FAKEKOPANO_NOTIFY_H

#include <pthread.h>

#include "tests/fakekopano/buf.h"
#include "tests/fakekopano/event.h"

enum poll_end { POLL_ITEMS, POLL_IDLE, POLL_REPLACED, POLL_ENDED, POLL_CLOSED };

/* What an idle poll comes to. */
enum idle_kind { IDLE_ANSWER, IDLE_NEVER, IDLE_CLOSE };

struct subscription {
	uint64_t session;
	uint32_t connection;
	uint32_t mask;
	uint32_t key;  /* counter of a store, folder or item; of a journal subscription the folder, 0 for none */
	uint32_t sync; /* 0: of an object */
};

struct group; /* notify_group.h */

struct member {
	uint64_t session;
	struct group *group;
	uint64_t poll; /* number of its latest poll */
	bool waits;
};

struct notifier {
	struct observer observer; /* must be first */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct group **groups;
	uint32_t n_groups, cap_groups;
	struct member *members;
	uint32_t n_members, cap_members;
	enum idle_kind idle;
	uint64_t idle_ms;
	uint32_t max_items; /* of one answer, 0 for no limit */
};

void notifier_init(struct notifier *n);
void notifier_free(struct notifier *n);

void notifier_enter(struct notifier *n, uint64_t session, uint64_t group);
/* A poll of that session ends. */
void notifier_leave(struct notifier *n, uint64_t session);

/* A second object subscription of one number is left out without a word. */
void notifier_subscribe(struct notifier *n, const struct subscription *s);
void notifier_unsubscribe(struct notifier *n, uint64_t session, uint32_t connection);
/* Queue one item about a folder's journal for this session's group. */
void notifier_queue_entry(struct notifier *n, uint64_t session, uint32_t connection, uint32_t sync, uint32_t change);
/* Wake the polls whose groups have something. */
void notifier_wake(struct notifier *n);

/* Wait for items, which are written as XML. */
enum poll_end notifier_poll(struct notifier *n, uint64_t session, struct buf *items);
void notifier_set_idle(struct notifier *n, enum idle_kind idle, uint64_t idle_ms, uint32_t max_items);

struct notifier_counts {
	uint32_t subscriptions, polls, queued;
};

struct notifier_counts notifier_count(struct notifier *n);

#endif
