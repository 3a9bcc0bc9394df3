#include <stdlib.h>

#include "bridge/kopano/kopano.h"

/* One outcome per item. The server keeps one entry per item and kind, so an item can come up to five times. */

static void apply_content(struct outcome *outcome, const struct entry *entry, enum change_kind kind)
{
	if (outcome->kind != CHANGE_CREATED)
		outcome->kind = kind;
	outcome->key = entry->key;
	outcome->read_is_last = false;
}

bool outcome_is_upsert(const struct outcome *outcome)
{
	return outcome->kind == CHANGE_CREATED || outcome->kind == CHANGE_UPDATED;
}

static void apply_flag(struct outcome *outcome, bool read)
{
	if (outcome->kind == CHANGE_DELETED)
		return;
	outcome->read_is_last = outcome_is_upsert(outcome);
	if (!outcome->read_is_last)
		outcome->kind = CHANGE_READ_STATE;
	outcome->read = read;
}

static void apply_delete(struct outcome *outcome, enum deletion_type deletion)
{
	outcome->kind = CHANGE_DELETED;
	outcome->deletion = deletion;
}

static void apply(struct outcome *outcome, const struct entry *entry)
{
	switch (entry->type & ENTRY_ACTION_MASK) {
	case ENTRY_NEW:
		apply_content(outcome, entry, CHANGE_CREATED);
		break;
	case ENTRY_FLAG:
		apply_flag(outcome, entry->flags & 1);
		break;
	case ENTRY_SOFT_DELETE:
		apply_delete(outcome, DELETION_SOFT);
		break;
	case ENTRY_HARD_DELETE:
		apply_delete(outcome, DELETION_HARD);
		break;
	default:
		/* A kind that this version does not know is read like a change: nothing is lost by looking. */
		apply_content(outcome, entry, CHANGE_UPDATED);
		break;
	}
	outcome->change_id = entry->change_id;
}

static int by_change_id(const void *a, const void *b)
{
	const struct outcome *x = a, *y = b;
	return (x->change_id > y->change_id) - (x->change_id < y->change_id);
}

size_t collapse(const struct entry *entries, size_t n, struct outcome *outcomes)
{
	struct keymap map = {0};
	size_t n_outcomes = 0;
	for (size_t i = 0; i < n; i++) {
		const struct entry *entry = &entries[i];
		uint32_t at = *keymap_add(&map, entry->identity, (uint32_t)n_outcomes);
		if (at == n_outcomes)
			outcomes[n_outcomes++] = (struct outcome){.identity = entry->identity,
								  .parent_key = entry->parent_key,
								  .source_key = entry->source_key,
								  .folder = entry->folder,
								  .key = -1};
		apply(&outcomes[at], entry);
	}
	keymap_clear(&map);
	qsort(outcomes, n_outcomes, sizeof *outcomes, by_change_id);
	return n_outcomes;
}
