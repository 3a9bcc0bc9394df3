#include "tests/support/memory_state.h"

#include <stdlib.h>

static struct memory_state *memory_state(struct state *state)
{
	return (struct memory_state *)state;
}

static int compare(struct slice a, struct slice b)
{
	size_t n = a.size < b.size ? a.size : b.size;
	int order = n ? memcmp(a.data, b.data, n) : 0;
	return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* The place of the first entry that is not below the key. */
static size_t place_of(const struct put_list *entries, struct slice key)
{
	size_t i = 0;
	while (i < entries->n && compare(entries->puts[i].key, key) < 0)
		i++;
	return i;
}

static bool is_at(const struct put_list *entries, size_t i, struct slice key)
{
	return i < entries->n && slice_equal(entries->puts[i].key, key);
}

static int memory_get(struct state *state, struct slice key, struct arena *arena, struct slice *value, struct err *err)
{
	const struct put_list *entries = &memory_state(state)->entries;
	size_t i = place_of(entries, key);
	if (!is_at(entries, i, key))
		return err_set(err, ERR_GONE, "no %.*s", (int)key.size, (const char *)key.data);
	*value = arena_copy(arena, entries->puts[i].value);
	return 0;
}

static int memory_each(struct state *state, struct slice prefix, state_entry_fn *entry, void *context, struct err *err)
{
	const struct put_list *entries = &memory_state(state)->entries;
	(void)err;
	for (size_t i = place_of(entries, prefix); i < entries->n; i++) {
		const struct state_put *put = &entries->puts[i];
		if (put->key.size < prefix.size || compare(slice_of(put->key.data, prefix.size), prefix))
			break;
		int rc = entry(context, put->key, put->value);
		if (rc)
			return rc;
	}
	return 0;
}

static void store(struct memory_state *memory, const struct state_put *put)
{
	struct put_list *entries = &memory->entries;
	size_t i = place_of(entries, put->key);
	if (!is_at(entries, i, put->key)) {
		put_list_add(entries, &memory->arena, put->key, put->value);
		struct state_put last = entries->puts[entries->n - 1];
		memmove(&entries->puts[i + 1], &entries->puts[i], (entries->n - 1 - i) * sizeof last);
		entries->puts[i] = last;
	}
	entries->puts[i].value = arena_copy(&memory->arena, put->value);
}

static void forget(struct memory_state *memory, struct slice key)
{
	struct put_list *entries = &memory->entries;
	size_t i = place_of(entries, key);
	if (!is_at(entries, i, key))
		return;
	entries->n--;
	memmove(&entries->puts[i], &entries->puts[i + 1], (entries->n - i) * sizeof *entries->puts);
}

static struct memory_commit *note(struct memory_state *memory, const struct put_list *const *lists, size_t n_lists)
{
	memory->commits = xrealloc(memory->commits, (memory->n_commits + 1) * sizeof *memory->commits);
	struct memory_commit *commit = &memory->commits[memory->n_commits++];
	*commit = (struct memory_commit){.n_lists = n_lists};
	for (size_t i = 0; i < n_lists; i++)
		for (size_t k = 0; k < lists[i]->n; k++) {
			const struct state_put *put = &lists[i]->puts[k];
			put_list_add(&commit->puts, &memory->arena, put->key, put->value);
			commit->puts.puts[commit->puts.n - 1].remove = put->remove;
		}
	return commit;
}

static int memory_commit(struct state *state, const struct put_list *const *lists, size_t n_lists, struct err *err)
{
	struct memory_state *memory = memory_state(state);
	if (memory->n_failing) {
		memory->n_failing--;
		return err_fatal(err, "memory: the disk is full");
	}
	const struct memory_commit *commit = note(memory, lists, n_lists);
	if (memory->before_commit)
		memory->before_commit(memory->context, commit);
	for (size_t i = 0; i < commit->puts.n; i++)
		if (commit->puts.puts[i].remove)
			forget(memory, commit->puts.puts[i].key);
		else
			store(memory, &commit->puts.puts[i]);
	return 0;
}

static void memory_close(struct state *state)
{
	(void)state;
}

static const struct state_ops ops = {memory_get, memory_each, memory_commit, memory_close};

struct memory_state *memory_state_new(void)
{
	struct memory_state *memory = xcalloc(1, sizeof *memory);
	memory->state.ops = &ops;
	return memory;
}

void memory_state_free(struct memory_state *memory)
{
	if (!memory)
		return;
	for (size_t i = 0; i < memory->n_commits; i++)
		put_list_clear(&memory->commits[i].puts);
	free(memory->commits);
	put_list_clear(&memory->entries);
	arena_free(&memory->arena);
	free(memory);
}

const char *memory_state_text(struct memory_state *memory, const char *key)
{
	size_t i = place_of(&memory->entries, slice_of_text(key));
	if (!is_at(&memory->entries, i, slice_of_text(key)))
		return NULL;
	struct slice value = memory->entries.puts[i].value;
	return arena_text(&memory->arena, "%.*s", (int)value.size, (const char *)value.data);
}
