#include "tests/fakekopano/journal.h"

#define FIRST_SLOTS 1024

void journal_init(struct journal *j)
{
	*j = (struct journal){.n_slots = FIRST_SLOTS};
	j->slots = calloc(FIRST_SLOTS, sizeof(*j->slots));
	if (!j->slots)
		abort();
}

void journal_free(struct journal *j)
{
	free(j->entries);
	free(j->slots);
	*j = (struct journal){0};
}

struct journal journal_clone(const struct journal *j)
{
	struct journal copy = *j;
	uint32_t unused;

	copy.entries = array_copy(j->entries, j->last + 1, &copy.cap, sizeof(*j->entries));
	copy.slots = array_copy(j->slots, j->n_slots, &unused, sizeof(*j->slots));
	return copy;
}

static bool same(const struct journal_entry *e, uint32_t parent, uint32_t key, uint16_t kind)
{
	return e->parent == parent && e->key == key && e->kind == kind;
}

/* The slot that holds the entry, or the empty one where it belongs. */
static uint32_t slot_of(const struct journal *j, uint32_t parent, uint32_t key, uint16_t kind)
{
	uint64_t hash = ((uint64_t)parent << 32 | key) * 0x9e3779b97f4a7c15u + kind * 0xbf58476d1ce4e5b9u;
	uint32_t at = (uint32_t)(hash >> 32) & (j->n_slots - 1);

	while (j->slots[at] && !same(&j->entries[j->slots[at]], parent, key, kind))
		at = (at + 1) & (j->n_slots - 1);
	return at;
}

static void grow_slots(struct journal *j)
{
	uint32_t *old = j->slots, n_old = j->n_slots;

	j->n_slots *= 2;
	j->slots = calloc(j->n_slots, sizeof(*j->slots));
	if (!j->slots)
		abort();
	for (uint32_t i = 0; i < n_old; i++) {
		const struct journal_entry *e = old[i] ? &j->entries[old[i]] : NULL;

		if (e)
			j->slots[slot_of(j, e->parent, e->key, e->kind)] = old[i];
	}
	free(old);
}

uint32_t journal_reserve(struct journal *j, uint32_t n)
{
	uint32_t first = j->last + 1;

	while (j->cap < first + n)
		j->entries = array_grow(j->entries, j->cap, &j->cap, sizeof(*j->entries));
	memset(j->entries + first, 0, n * sizeof(*j->entries));
	j->last += n;
	return first;
}

uint32_t journal_write(struct journal *j, uint32_t id, struct journal_entry entry)
{
	uint32_t slot, replaced;

	if (j->n_used * 2 >= j->n_slots)
		grow_slots(j);
	slot = slot_of(j, entry.parent, entry.key, entry.kind);
	replaced = j->slots[slot];
	/* The slot must not be empty for a moment: it is part of other entries' probe chains. */
	j->slots[slot] = id;
	j->entries[id] = entry;
	if (replaced)
		j->entries[replaced] = (struct journal_entry){0};
	else
		j->n_used++;
	if (id > j->max)
		j->max = id;
	return replaced;
}

const struct journal_entry *journal_get(const struct journal *j, uint32_t id)
{
	return id && id <= j->last && j->entries[id].kind ? &j->entries[id] : NULL;
}

uint32_t journal_find(const struct journal *j, uint32_t parent, uint32_t key, uint16_t kind)
{
	return j->slots[slot_of(j, parent, key, kind)];
}
