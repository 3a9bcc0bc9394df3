#include <stdlib.h>

#include "bridge/kopano/kopano.h"

/* One result per item. The server keeps one entry per item and kind, so an item can come up to five times. */

enum { N_SLOTS = 2 * BATCH_CHANGES };

struct table {
	struct batch *batch;
	uint16_t slots[N_SLOTS]; /* index into the batch's changes + 1; 0: free */
};

static size_t hash(struct slice key)
{
	size_t h = 1469598103u;
	for (size_t i = 0; i < key.size; i++)
		h = (h ^ key.data[i]) * 16777619u;
	return h ^ h >> 15;
}

static struct change *find_or_add(struct table *table, struct slice source_key)
{
	size_t i = hash(source_key) % N_SLOTS;
	for (; table->slots[i]; i = (i + 1) % N_SLOTS) {
		struct change *change = &table->batch->changes[table->slots[i] - 1];
		if (slice_equal(change->source_key, source_key))
			return change;
	}
	struct change *change = batch_change(table->batch);
	table->slots[i] = (uint16_t)table->batch->n_changes;
	change->source_key = arena_copy(&table->batch->arena, source_key);
	return change;
}

static void apply_new(struct change *change)
{
	change->kind = CHANGE_CREATED;
}

static void apply_change(struct change *change)
{
	if (change->kind != CHANGE_CREATED)
		change->kind = CHANGE_UPDATED;
}

static void apply_flag(struct change *change, bool read)
{
	if (change->kind != 0 && change->kind != CHANGE_READ_STATE)
		return;
	change->kind = CHANGE_READ_STATE;
	change->read = read;
}

static void apply_delete(struct change *change, enum deletion_type deletion)
{
	change->kind = CHANGE_DELETED;
	change->deletion = deletion;
}

static void apply(struct change *change, const struct entry *entry)
{
	switch (entry->type & ENTRY_ACTION_MASK) {
	case ENTRY_NEW:
		apply_new(change);
		break;
	case ENTRY_CHANGE:
		apply_change(change);
		break;
	case ENTRY_FLAG:
		apply_flag(change, entry->flags & 1);
		break;
	case ENTRY_SOFT_DELETE:
		apply_delete(change, DELETION_SOFT);
		break;
	case ENTRY_HARD_DELETE:
		apply_delete(change, DELETION_HARD);
		break;
	default:
		/* A kind that this version does not know is read like a change: nothing is lost by looking. */
		apply_change(change);
		break;
	}
	change->change_id = entry->change_id;
}

static int by_change_id(const void *a, const void *b)
{
	const struct change *x = a, *y = b;
	return (x->change_id > y->change_id) - (x->change_id < y->change_id);
}

void collapse(struct batch *batch, const struct entry *entries, size_t n)
{
	struct table table = {.batch = batch};
	for (size_t i = 0; i < n; i++)
		apply(find_or_add(&table, entries[i].source_key), &entries[i]);
	if (batch->n_changes)
		qsort(batch->changes, batch->n_changes, sizeof *batch->changes, by_change_id);
	batch->n_entries = n;
}
