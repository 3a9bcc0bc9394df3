/*
 * A session group: its subscriptions, and the items that wait for a poll.
 *
 * Subscriptions are found by the counter of what they are about, so that thousands of stores cost an event nothing.
 * Not safe for several threads: notify.h has the mutex.
 */
#ifndef FAKEKOPANO_NOTIFY_GROUP_H
#define FAKEKOPANO_NOTIFY_GROUP_H

#include "tests/fakekopano/notify.h"

struct group {
	uint64_t id;       /* 0: of one session alone, without events */
	uint32_t n_inside; /* sessions */
	struct subscription *subscriptions;
	uint32_t n, cap;
	uint32_t *by_key; /* places in subscriptions, by key and connection */
	bool sorted;
	struct buf queue;
	struct vec ends; /* of the items in it */
};

void group_free(struct group *g);
void group_subscribe(struct group *g, const struct subscription *s);
void group_unsubscribe(struct group *g, uint64_t session, uint32_t connection);
/* Object subscriptions of the session end. */
void group_forget(struct group *g, uint64_t session);
/* Queue an item for every subscription that the event fits. Returns how many. */
uint32_t group_notice(struct group *g, const struct event *e);
void group_queue_entry(struct group *g, uint32_t connection, uint32_t sync, uint32_t change);
/* Move items to out, at most max of them unless it is 0. */
void group_take(struct group *g, uint32_t max, struct buf *out);

#endif
