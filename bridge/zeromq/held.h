/* Values that libzmq holds as long as a subscriber has not got them: copied once for all subscribers, into blocks of
 * many, so that a record costs neither an allocation of its own nor a counter that two threads write.
 *
 * Memory: held_has_room says whether a value more may be held; each is charged with what its record costs libzmq too,
 * a block with its size. What a block is charged is given back when all of its values are let go. Threads: one; libzmq
 * lets go from its own. */
#ifndef TIDINGS_BRIDGE_ZEROMQ_HELD_H
#define TIDINGS_BRIDGE_ZEROMQ_HELD_H

#include <stdatomic.h>
#include <zmq.h>

#include "core/slice.h"

struct held_block;

struct held {
	size_t limit_bytes;
	struct held_block *open; /* takes further values; NULL: none does */
	size_t charged_bytes;
	atomic_size_t released_bytes; /* of those */
};

/* Whether a value may be added that is charged so much; one alone always may. */
bool held_has_room(struct held *held, size_t charged_bytes);

/* A frame with a copy of the value. */
void held_frame(struct held *held, struct slice value, size_t charged_bytes, zmq_msg_t *frame);

/* No further values; what libzmq still has is freed when it lets go, before its context ends. */
void held_close(struct held *held);

#endif
