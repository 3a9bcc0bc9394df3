/* The doorbell of a source: which stores the bell (bell.h) is told to listen to, and what is read when it rings.
 *
 *     doorbell_listen       before each wait: followed stores that are new are subscribed to, others left
 *     doorbell_answer       before each look at what is due: the streams of what rang are due now
 *     doorbell_answered     an answer of a stream is over
 *
 * Streams of the whole server are one question whatever rang; otherwise the stream of the folder that rang is asked,
 * for a change of folders the hierarchies. Whatever rings while something is read rings once, afterwards.
 *
 * Who is told of a change is told before its writer's transaction is committed, so the answer may have nothing new
 * although it rang. Then it is asked for again, after 2, 5, 10, 25, 50, 200 and 1,000 ms; beyond that, and for what an
 * answer lacks although it has something else, the usual interval holds until nothing has rung and nothing has been new
 * for settle_ms.
 * After that, while the bell works, the sweep is enough (doorbell_interval_ms).
 *
 * With `notifications: publish` the notices become batches without a position (tell.h), made between two steps.
 *
 * Threads: the source's, but for doorbell_report and the bell's ring, which need the source's mutex. */
#ifndef TIDINGS_BRIDGE_KOPANO_DOORBELL_H
#define TIDINGS_BRIDGE_KOPANO_DOORBELL_H

#include "bridge/kopano/bell.h"
#include "bridge/kopano/tell.h"
#include "core/batch.h"

struct kopano;
struct stream;

struct doorbell {
	struct bell *bell; /* NULL: not needed, or not yet; changed under the source's mutex */
	bool rang;         /* under the source's mutex */
	int64_t start_at_ms;
	uint64_t stores; /* a fingerprint of those that it listens to */
	int64_t looked_at_ms;
	int64_t alert_until_ms; /* something rang, and may come late */
	struct tell tell;
	struct notices notices; /* being told */
	size_t next;
};

/* What a stream that rang waits for. */
struct ringing {
	bool on;
	uint32_t tries;
	uint64_t n_taken; /* as many entries it had taken when it rang */
};

void doorbell_listen(struct kopano *kopano);
void doorbell_answer(struct kopano *kopano);
void doorbell_answered(struct kopano *kopano, struct stream *stream);

/* It has rung since doorbell_answer; the source's mutex is held. */
bool doorbell_rang(const struct kopano *kopano);

/* When the maximum is asked next if nothing rings: `is_still`, there is nothing that could still come late. */
int64_t doorbell_interval_ms(const struct kopano *kopano, bool is_still);

/* The next batch of notices; NULL: there is none. */
struct batch *doorbell_batch(struct kopano *kopano);

/* The source's mutex is held. */
void doorbell_report(const struct kopano *kopano, struct report *report);

void doorbell_stop(struct kopano *kopano);

#endif
