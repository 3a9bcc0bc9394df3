#include <stdlib.h>
#include <string.h>

#include "bridge/cli/tail.h"

/* A name's place follows from its key; who comes later takes it. Places and items apart, so that many items do not
 * drive out the few names of folders. */
enum { N_PLACES = 1 << 16, N_ITEMS = 1 << 16, MOST_NAME_BYTES = 200 };

struct named {
	char *name;
	size_t n_key_bytes;
	uint8_t key[]; /* then the name */
};

struct tail_names {
	struct named *places[N_PLACES], *items[N_ITEMS];
};

struct tail_names *tail_names_new(void)
{
	return xcalloc(1, sizeof(struct tail_names));
}

static void forget(struct named **slots, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(slots[i]);
}

void tail_names_free(struct tail_names *names)
{
	if (!names)
		return;
	forget(names->places, N_PLACES);
	forget(names->items, N_ITEMS);
	free(names);
}

/* FNV-1a */
static struct named **slot(struct named **slots, size_t n, struct slice key)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	for (size_t i = 0; i < key.size; i++)
		hash = (hash ^ key.data[i]) * UINT64_C(1099511628211);
	return &slots[(hash ^ hash >> 32) % n];
}

static struct named *make(struct slice key, const char *name)
{
	size_t n_name_bytes = strnlen(name, MOST_NAME_BYTES);
	struct named *named = xmalloc(sizeof *named + key.size + n_name_bytes + 1);
	named->n_key_bytes = key.size;
	named->name = (char *)named->key + key.size;
	memcpy(named->key, key.data, key.size);
	memcpy(named->name, name, n_name_bytes);
	named->name[n_name_bytes] = '\0';
	return named;
}

static void learn(struct named **place, struct slice key, const char *name)
{
	free(*place);
	*place = make(key, name);
}

/* Learns the name if the record has one, else takes the one that is known. */
static void exchange(struct named **slots, size_t n, struct slice key, const char **name, struct arena *arena)
{
	struct named **place = slot(slots, n, key);
	if (key.size == 0)
		return;
	if (**name)
		learn(place, key, *name);
	else if (*place && slice_equal(slice_of((*place)->key, (*place)->n_key_bytes), key))
		*name = arena_text(arena, "%s", (*place)->name);
}

void tail_names_apply(struct tail_names *names, struct summary *summary, struct arena *arena)
{
	bool is_letter = summary->type == MESSAGE_DEAD_LETTER; /* its text is no name */
	exchange(names->places, N_PLACES, summary->store, &summary->owner, arena);
	exchange(names->places, N_PLACES, summary->folder, &summary->path, arena);
	if (is_letter || summary->type == MESSAGE_LIFECYCLE_EVENT)
		return;
	if (strcmp(summary->object, "FOLDER") == 0)
		exchange(names->places, N_PLACES, summary->key, &summary->own_path, arena);
	exchange(names->items, N_ITEMS, summary->key, &summary->name, arena);
}
