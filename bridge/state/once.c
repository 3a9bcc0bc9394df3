#include "bridge/state/once.h"

#include <stdlib.h>

struct entry {
	struct entry *next; /* in ascending order of keys */
	struct slice key, value;
	uint8_t bytes[];
};

struct once_state {
	struct state state; /* first */
	struct entry *first;
};

static int compare(struct slice a, struct slice b)
{
	size_t n = a.size < b.size ? a.size : b.size;
	int order = n ? memcmp(a.data, b.data, n) : 0;
	return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* Where the first entry hangs that is not below the key. */
static struct entry **place_of(struct state *state, struct slice key)
{
	struct entry **place = &((struct once_state *)state)->first;
	while (*place && compare((*place)->key, key) < 0)
		place = &(*place)->next;
	return place;
}

static struct slice keep(uint8_t *to, struct slice slice)
{
	if (slice.size)
		memcpy(to, slice.data, slice.size);
	return slice_of(to, slice.size);
}

static void apply(struct state *state, const struct state_put *put)
{
	struct entry **place = place_of(state, put->key), *old = *place;
	if (old && slice_equal(old->key, put->key)) {
		*place = old->next;
		free(old);
	}
	if (put->remove)
		return;
	struct entry *entry = xmalloc(sizeof *entry + put->key.size + put->value.size);
	entry->key = keep(entry->bytes, put->key);
	entry->value = keep(entry->bytes + put->key.size, put->value);
	entry->next = *place;
	*place = entry;
}

static int once_get(struct state *state, struct slice key, struct arena *arena, struct slice *value, struct err *err)
{
	const struct entry *entry = *place_of(state, key);
	if (!entry || !slice_equal(entry->key, key))
		return err_set(err, ERR_GONE, "no such entry");
	*value = arena_copy(arena, entry->value);
	return 0;
}

static int once_each(struct state *state, struct slice prefix, state_entry_fn *fn, void *context, struct err *err)
{
	int rc = 0;
	(void)err;
	for (const struct entry *entry = *place_of(state, prefix); rc == 0 && entry; entry = entry->next) {
		if (entry->key.size < prefix.size || !slice_equal(slice_of(entry->key.data, prefix.size), prefix))
			return 0;
		rc = fn(context, entry->key, entry->value);
	}
	return rc;
}

static int once_commit(struct state *state, const struct put_list *const *lists, size_t n_lists, struct err *err)
{
	(void)err;
	for (size_t i = 0; i < n_lists; i++)
		for (size_t j = 0; j < lists[i]->n; j++)
			apply(state, &lists[i]->puts[j]);
	return 0;
}

static void once_close(struct state *state)
{
	struct once_state *once = (struct once_state *)state;
	for (struct entry *entry = once->first, *next; entry; entry = next) {
		next = entry->next;
		free(entry);
	}
	free(once);
}

static const struct state_ops ops = {.get = once_get, .each = once_each, .commit = once_commit, .close = once_close};

struct state *once_state_new(void)
{
	struct once_state *once = xcalloc(1, sizeof *once);
	once->state.ops = &ops;
	return &once->state;
}
