/* The other end of the ZeroMQ sink: the consumer of its acknowledged endpoint, or a subscriber of its live one, as
 * proto/zeromq.md says. For `tail` and for tests.
 *
 *     zeromq_consumer_open("tcp://127.0.0.1:5560", "archive", stop_fd, &consumer, &err);
 *     while ((rc = zeromq_consumer_next(consumer, &record, -1, &err)) == 0) {
 *             keep(&record);
 *             zeromq_consumer_acknowledge(consumer, &record);
 *     }
 *     zeromq_consumer_close(consumer);
 *
 * It connects, greets, reconnects and goes on by itself, and sends its heartbeats from `next`: whoever does not call
 * that for seconds counts as dead for the bridge, until it calls it again. One consumer is given each record of a run
 * once. After a restart of the bridge (another run), or of the consumer, records come again.
 *
 * Memory: a record is borrowed until the next call of next or close. Threads: all calls from one. */
#ifndef TIDINGS_BRIDGE_ZEROMQ_CONSUMER_H
#define TIDINGS_BRIDGE_ZEROMQ_CONSUMER_H

#include "core/change.h"
#include "core/error.h"

enum { ZEROMQ_RUN_SIZE = 16, ZEROMQ_CREDIT = 10000 /* records that may be unacknowledged */ };
enum { ZEROMQ_NONE = -1 /* from next: nothing came in time */ };

struct zeromq_record {
	uint8_t run[ZEROMQ_RUN_SIZE];
	uint64_t sequence;  /* acknowledged: of the run, from 1; live: of the run and topic, from 1 */
	struct slice topic; /* acknowledged: "items", "folders", ...; live: "<store>/<folder>/<object>" */
	struct slice value; /* a message of proto/tidings/v1 */

	/* Acknowledged only. */
	struct slice key, id, type;

	/* Live only: records of this topic that were missed before this one. */
	uint64_t n_lost;
};

struct zeromq_consumer;

/* Nothing needs to be there yet. `name` must live until close. When `stop_fd` becomes readable, next ends (-1: none).
 * `notice` gets a line about what is worth one: who was connected, lost, or refused for now; may be NULL. Returns 0 or
 * ERR_FATAL (no such endpoint). */
int zeromq_consumer_open(const char *endpoint, const char *name, int stop_fd, void (*notice)(const char *text),
			 struct zeromq_consumer **consumer, struct err *err);

/* A subscriber of topics that begin with one of the prefixes ("<store>/", "<store>/<folder>/", ...); no prefix: all. */
int zeromq_subscriber_open(const char *endpoint, const char *const *prefixes, size_t n_prefixes, int stop_fd,
			   struct zeromq_consumer **consumer, struct err *err);

/* The next record; waits at most timeout_ms (-1: for ever). Returns 0, ZEROMQ_NONE, ERR_STOPPED, or ERR_FATAL with exit
 * code 2: the bridge will not have this consumer (its configuration names another one, or somebody else is connected by
 * this name and stays). */
int zeromq_consumer_next(struct zeromq_consumer *consumer, struct zeromq_record *record, int timeout_ms,
			 struct err *err);

/* This record and all before it have arrived for good; told to the bridge at once. Not for each record of many: once
 * for some hundreds is enough, but within ZEROMQ_CREDIT. Does nothing for a subscriber. */
void zeromq_consumer_acknowledge(struct zeromq_consumer *consumer, const struct zeromq_record *record);

/* Says good-bye. NULL is accepted. */
void zeromq_consumer_close(struct zeromq_consumer *consumer);

#endif
