/* Records that the consumer has not acknowledged, in order, ready to be sent and sent again.
 *
 * A record's sequence is its number in the run, from 1. Memory: each record is copied once, into blocks of many that
 * are freed one after another; the sum is bounded by `limit_bytes`, of which a record takes its key, its value and
 * OUTBOX_RECORD_BYTES (blocks that large records leave half empty: by twice that). One thread. */
#ifndef TIDINGS_BRIDGE_ZEROMQ_OUTBOX_H
#define TIDINGS_BRIDGE_ZEROMQ_OUTBOX_H

#include "core/sink.h"

enum { OUTBOX_RECORD_BYTES = 256 };

struct outbox_entry {
	struct slice bytes; /* as stream_write_record writes it; in a block */
	size_t charged_bytes;
	void *token;
};

struct outbox_block;

struct outbox {
	size_t limit_bytes;
	struct outbox_entry *entries; /* a ring */
	size_t room, first, n, n_bytes;
	uint64_t acknowledged; /* the sequence before the first entry's */
	struct outbox_block *oldest, *newest, *spare;
};

void outbox_init(struct outbox *outbox, size_t limit_bytes);
void outbox_free(struct outbox *outbox);

/* The longest value that fits beside this key when nothing else is there. */
size_t outbox_longest(const struct outbox *outbox, struct slice key);

/* Adds a copy; false: it is full, and nothing changed. */
bool outbox_add(struct outbox *outbox, const struct record *record);

/* The entry with this sequence: one of acknowledged + 1 to outbox_last. */
const struct outbox_entry *outbox_at(const struct outbox *outbox, uint64_t sequence);

static inline uint64_t outbox_last(const struct outbox *outbox)
{
	return outbox->acknowledged + outbox->n;
}

/* Frees the first entry, which is acknowledged; its token. */
void *outbox_take(struct outbox *outbox);

#endif
