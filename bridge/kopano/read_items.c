#include <stdio.h>
#include <stdlib.h>

#include "bridge/kopano/item.h"
#include "bridge/kopano/kopano.h"

/* Items are read by one batched call, which leaves out what is gone and cuts long values; what it does not give whole
 * is read singly. An event's content does not depend on which call read it. */

struct wanted {
	struct batch *batch;
	struct change *change;
	bool read;
};

struct reading {
	struct kopano *kopano;
	struct followed *followed;
	struct wanted wanted[WINDOW_ENTRIES];
	struct item_key keys[WINDOW_ENTRIES];
	size_t n;
};

static void collect(struct reading *reading, struct batch *batch)
{
	for (size_t i = 0; i < batch->n_changes; i++) {
		struct change *change = &batch->changes[i];
		if (!change_is_upsert(change))
			continue;
		reading->wanted[reading->n] = (struct wanted){.batch = batch, .change = change};
		reading->keys[reading->n++] = (struct item_key){change->parent_source_key, change->source_key};
	}
}

/* The keys stay those of the journal, under which the item's deletes will come. */
static void fill(struct wanted *wanted, const struct prop *cells)
{
	struct change *change = wanted->change;
	struct slice source_key = change->source_key, parent_source_key = change->parent_source_key;
	struct prop copies[N_ITEM_COLUMNS];
	cells_copy(copies, cells, &wanted->batch->arena);
	item_from_cells(copies, &wanted->batch->arena, change);
	change->source_key = source_key;
	change->parent_source_key = parent_source_key;
	wanted->read = true;
}

static int read_export(struct reading *reading, struct arena *arena, struct err *err)
{
	struct client *client = reading->kopano->client;
	struct prop cells[N_ITEM_COLUMNS];
	uint32_t index;
	int rc = client_export(client, reading->keys, reading->n, &item_columns, err);
	while (rc == 0 && (rc = client_next_export(client, arena, &index, cells, err)) == 0) {
		if (!item_may_be_cut(cells))
			fill(&reading->wanted[index], cells);
		arena_free(arena);
	}
	return rc == KOPANO_END ? 0 : rc;
}

/* A server that cannot export, or that breaks the connection on it again and again, is asked singly. */
static int try_export(struct reading *reading, struct err *err)
{
	struct followed *followed = reading->followed;
	if (followed->n_export_failures >= ITEM_TRIES)
		return 0;
	struct arena arena = {0};
	int rc = read_export(reading, &arena, err);
	arena_free(&arena);
	if (rc == ERR_STOPPED)
		return rc;
	followed->n_export_failures = rc ? followed->n_export_failures + 1 : 0;
	return rc == ERR_AGAIN ? rc : 0;
}

/* ---- singly ---- */

static struct stumble *find_stumble(const struct followed *followed, struct slice source_key)
{
	struct stumble *stumble = followed->stumbles;
	while (stumble && !slice_equal(stumble->source_key, source_key))
		stumble = stumble->next;
	return stumble;
}

static void note_stumble(struct followed *followed, struct slice source_key, const struct err *err)
{
	struct stumble *stumble = find_stumble(followed, source_key);
	if (!stumble) {
		stumble = arena_zero(&followed->stumble_arena, sizeof *stumble);
		stumble->source_key = arena_copy(&followed->stumble_arena, source_key);
		stumble->next = followed->stumbles;
		followed->stumbles = stumble;
	}
	stumble->n_tries++;
	snprintf(stumble->text, sizeof stumble->text, "%s", err->text);
}

void forget_stumbles(struct followed *followed)
{
	followed->stumbles = NULL;
	arena_free(&followed->stumble_arena);
}

static bool given_up(struct reading *reading, struct wanted *wanted)
{
	const struct stumble *stumble = find_stumble(reading->followed, wanted->change->source_key);
	if (!stumble || stumble->n_tries < ITEM_TRIES)
		return false;
	wanted->change->cause = CAUSE_UNREADABLE;
	wanted->change->cause_text = arena_text(&wanted->batch->arena, "%s", stumble->text);
	return true;
}

/* An item that fails is tried again with the whole window, after a pause; after the third time it is a dead letter. No
 * access to an item is the loss of the folder's right, or the item is locked for a moment. */
static int failed(struct reading *reading, const struct wanted *wanted, int rc, struct err *err)
{
	struct err lost;
	if (no_access(reading->kopano, rc) && folder_right_lost(reading->kopano, reading->followed, &lost))
		return rc;
	note_stumble(reading->followed, wanted->change->source_key, err);
	err->class = ERR_AGAIN;
	return ERR_AGAIN;
}

static int read_singly(struct reading *reading, struct wanted *wanted, const struct item_key *key, struct err *err)
{
	struct arena arena = {0};
	struct prop cells[N_ITEM_COLUMNS];
	int rc = item_read(reading->kopano->client, reading->followed->store.entry_id, key, &arena, cells, err);
	if (rc == 0)
		fill(wanted, cells);
	arena_free(&arena);
	if (rc == 0 || rc == ERR_GONE)
		return 0;
	return rc == ERR_STOPPED ? rc : failed(reading, wanted, rc, err);
}

static int read_rest(struct reading *reading, struct err *err)
{
	for (size_t i = 0; i < reading->n; i++) {
		if (reading->wanted[i].read || given_up(reading, &reading->wanted[i]))
			continue;
		int rc = read_singly(reading, &reading->wanted[i], &reading->keys[i], err);
		if (rc)
			return rc;
	}
	return 0;
}

/* ---- the whole window ---- */

static bool is_gone(const struct change *change)
{
	return change_is_upsert(change) && !change->item && change->cause == CAUSE_NONE;
}

/* Their deletes follow, with higher ids. */
static void drop_gone(struct batch *batch)
{
	size_t n = 0;
	for (size_t i = 0; i < batch->n_changes; i++)
		if (!is_gone(&batch->changes[i]))
			batch->changes[n++] = batch->changes[i];
	batch->n_gone = batch->n_changes - n;
	batch->n_changes = n;
}

int read_items(struct kopano *kopano, struct followed *followed, struct batch **batches, size_t n_batches,
	       struct err *err)
{
	struct reading *reading = xcalloc(1, sizeof *reading);
	reading->kopano = kopano;
	reading->followed = followed;
	for (size_t i = 0; i < n_batches; i++)
		collect(reading, batches[i]);
	int rc = reading->n ? try_export(reading, err) : 0;
	if (rc == 0)
		rc = read_rest(reading, err);
	for (size_t i = 0; rc == 0 && i < n_batches; i++)
		drop_gone(batches[i]);
	free(reading);
	return rc;
}
