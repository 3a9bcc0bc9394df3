/* The doorbell: a thread that asks the server, without a pause, what happens in some stores and folders, and tells the
 * owner that something did. Whoever is told reads the journal: the bell says when, never what, and nothing depends on
 * it but time.
 *
 *     bell_start -> bell_follow(targets) whenever they change -> { ring(): bell_take -> read } ... -> bell_stop
 *
 * Two sessions in one group: one subscribes, one polls. The thread never does anything else while a poll is open than
 * subscribing, on the other session's connection, so the server's queue cannot grow. What can lose a wake-up, and what
 * is done about it:
 *
 *     something changed before the subscription was made      first it subscribes, then it rings for everything
 *     the server has started anew, the session has ended      logs on anew in a new group, subscribes to all, rings for
 *                                                             everything, polls
 *     the poll's connection broke (a proxy, a time-out)       the poll is never repeated unnoticed (http_send); the
 *                                                             polling session is ended for certain, as its poll would
 *                                                             swallow what comes; a new one in the same group goes on,
 *                                                             after a call that proves that the subscribing one lives;
 *                                                             rings for everything
 *     it rings while the owner reads                          what rang is kept until bell_take, which comes before
 *                                                             the reading: what rings after that is the next reading's
 *     the notice comes before the writer's commit             the owner asks again (doorbell.h)
 *     a notice that the server never sends                    the owner's own slow sweep
 *
 * While it does not work (bell_works) the owner asks at his usual interval; each end and each beginning of that rings.
 *
 * What was heard is kept in bounds (heard.h): a slow owner loses notices, but neither time nor memory.
 *
 * Threads: one of its own. bell_follow, bell_take, bell_take_notices, bell_works and bell_report are for any thread,
 * under a mutex that nobody holds for long. `ring` is called by the bell's thread, which then holds no mutex: it may
 * take the owner's, and the owner may call the bell while he holds his. Errors never leave it: an outage is said once
 * (bridge/outage.h). */
#ifndef TIDINGS_BRIDGE_KOPANO_BELL_H
#define TIDINGS_BRIDGE_KOPANO_BELL_H

#include "bridge/kopano/heard.h"
#include "core/report.h"

enum { BELL_CHUNK = 500 /* subscriptions in one call */ };

struct bell;

struct bell_parts {
	const struct login *login;   /* borrowed; its `stop` is not used: bell_stop is */
	void (*ring)(void *context); /* there is something to take */
	void *context;
	size_t room; /* for notices; 0: they are not kept */
};

/* Returns NULL if there is no thread or file descriptor left. */
struct bell *bell_start(const struct bell_parts *parts, struct err *err);

/* These and no others are to be subscribed to: ascending numbers, each for one key for ever; copied. What is new is
 * rung for after it was subscribed to. One that the server refuses is left out. */
void bell_follow(struct bell *bell, const struct subscription *targets, size_t n);

/* It is subscribed to everything (but what was refused) and polls; after an outage, when the poll has lasted a second.
 */
bool bell_works(struct bell *bell);

/* What has rung since the last time, the caller's then. False: nothing has. */
bool bell_take(struct bell *bell, struct rung *rung);

/* The same of notices, in the order in which they came. */
bool bell_take_notices(struct bell *bell, struct notices *notices);

/* Adds `connected`, `subscriptions`, `rings`, `dropped` and what outage_report gives. */
void bell_report(struct bell *bell, struct report *report);

/* Ends the thread, within about two seconds, logging off where that is quick. NULL is accepted. */
void bell_stop(struct bell *bell);

#endif
