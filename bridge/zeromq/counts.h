/* A number for each topic of the live endpoint: the sequence that was last sent, or last seen.
 *
 * A topic is known by a 64-bit hash: of a million topics two share a number with a probability of 1 in 37 million, and
 * a subscriber then believes that it lost records. 16 bytes for each topic, twice that with the room left. One thread.
 */
#ifndef TIDINGS_BRIDGE_ZEROMQ_COUNTS_H
#define TIDINGS_BRIDGE_ZEROMQ_COUNTS_H

#include "core/slice.h"

struct count {
	uint64_t hash; /* 0: free */
	uint64_t value;
};

struct counts {
	struct count *table; /* open addressing, at most half full */
	size_t room, n;
};

/* The number of this topic, at first 0; valid until the next call. A zeroed struct counts has none. */
uint64_t *counts_of(struct counts *counts, struct slice topic);

void counts_free(struct counts *counts); /* it is zeroed then */

#endif
