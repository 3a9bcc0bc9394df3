#include "bridge/zeromq/held.h"

#include <stdlib.h>

#include "core/arena.h"

enum { BLOCK_BYTES = 32 << 10, OWN_BLOCK_BYTES = BLOCK_BYTES / 4 /* a value from here on has a block of its own */ };
static const size_t open_values = SIZE_MAX / 2; /* an open block counts as if it had so many more */

struct held_block {
	struct held *held;
	size_t charged_bytes, n, used, size;
	atomic_size_t n_left; /* values that are not let go */
	uint8_t bytes[];
};

static void give_up(struct held_block *block, size_t n)
{
	if (atomic_fetch_sub(&block->n_left, n) != n)
		return;
	atomic_fetch_add(&block->held->released_bytes, block->charged_bytes);
	free(block);
}

/* From a thread of libzmq. */
static void let_go(void *value, void *block)
{
	(void)value;
	give_up(block, 1);
}

void held_close(struct held *held)
{
	struct held_block *block = held->open;
	held->open = NULL;
	if (block)
		give_up(block, open_values - block->n);
}

static void charge(struct held *held, struct held_block *block, size_t n_bytes)
{
	block->charged_bytes += n_bytes;
	held->charged_bytes += n_bytes;
}

static struct held_block *new_block(struct held *held, size_t size)
{
	struct held_block *block = xmalloc(sizeof *block + size);
	*block = (struct held_block){.held = held, .size = size};
	atomic_init(&block->n_left, open_values);
	charge(held, block, size);
	held_close(held);
	held->open = block;
	return block;
}

static struct held_block *block_for(struct held *held, size_t n_bytes)
{
	struct held_block *open = held->open;
	if (open && open->size - open->used >= n_bytes)
		return open;
	return new_block(held, n_bytes < OWN_BLOCK_BYTES ? BLOCK_BYTES : n_bytes);
}

static size_t held_bytes(struct held *held)
{
	return held->charged_bytes - atomic_load(&held->released_bytes);
}

static bool fits(struct held *held, size_t n_bytes)
{
	size_t now = held_bytes(held);
	return now == 0 || now + n_bytes <= held->limit_bytes;
}

/* Of a block that is open nothing is given back, even if all of it was let go: a full one begins anew. */
bool held_has_room(struct held *held, size_t charged_bytes)
{
	size_t most = charged_bytes + BLOCK_BYTES;
	if (fits(held, most))
		return true;
	held_close(held);
	return fits(held, most);
}

void held_frame(struct held *held, struct slice value, size_t charged_bytes, zmq_msg_t *frame)
{
	struct held_block *block = block_for(held, value.size);
	uint8_t *copy = block->bytes + block->used;
	if (value.size)
		memcpy(copy, value.data, value.size);
	block->used += value.size;
	block->n++;
	charge(held, block, charged_bytes);
	zmq_msg_init_data(frame, copy, value.size, let_go, block);
}
