#include "bridge/kopano/choose.h"

#include <strings.h>

#include "bridge/pattern.h"
#include "core/hex.h"

#define STATE_NAMED "named/"

/* ---- stores ---- */

static bool equal_ignoring_case(struct slice a, const char *b)
{
	return a.size == strlen(b) && (a.size == 0 || strncasecmp((const char *)a.data, b, a.size) == 0);
}

static bool is_named(const char *name, struct slice owner, enum store_type type)
{
	if (type == STORE_PUBLIC)
		return strcmp(name, "public") == 0;
	return type == STORE_PRIVATE && equal_ignoring_case(owner, name);
}

static bool names_store(const struct follow *follow, struct slice owner, enum store_type type)
{
	for (size_t i = 0; i < follow->stores->n_children; i++)
		if (is_named(follow->stores->children[i].text, owner, type))
			return true;
	return false;
}

bool choose_names(const char *name, const struct map *map, uint32_t index)
{
	const struct map_store *store = map_store(map, index);
	return is_named(name, texts_second(&map->texts, store->names), store->type);
}

bool choose_store_row(const struct follow *follow, const struct store_row *row)
{
	if (row->detached)
		return false;
	if (follow->mode == FOLLOW_SERVER)
		return follow->hidden || !row->system;
	return names_store(follow, row->owner, row->type);
}

bool choose_store(const struct follow *follow, const struct map *map, uint32_t index)
{
	const struct map_store *store = map_store(map, index);
	struct store_row row = {.owner = texts_second(&map->texts, store->names),
				.type = store->type,
				.detached = store->flags & STORE_DETACHED,
				.system = store->flags & STORE_SYSTEM};
	return choose_store_row(follow, &row);
}

/* ---- folders ---- */

static bool is_hidden(const struct map *map, uint32_t index)
{
	for (uint32_t f = index; f != MAP_NONE; f = map_folder(map, f)->parent)
		if (map_folder(map, f)->flags & FOLDER_HIDDEN)
			return true;
	return false;
}

static bool is_in_class(struct slice class, const char *wanted)
{
	size_t n = strlen(wanted);
	if (!class.size)
		class = slice_of_text("IPF.Note");
	return class.size >= n && strncasecmp((const char *)class.data, wanted, n) == 0 &&
	       (class.size == n || class.data[n] == '.');
}

static bool is_wanted_class(const struct follow *follow, const struct map *map, uint32_t index)
{
	if (!follow->classes)
		return true;
	struct slice class = texts_second(&map->texts, map_folder(map, index)->texts);
	for (size_t i = 0; i < follow->classes->n_children; i++)
		if (is_in_class(class, follow->classes->children[i].text))
			return true;
	return false;
}

/* The first pattern that matches; plain: of those that name one folder. */
static const char *matching(const struct follow *follow, struct slice path, bool plain)
{
	for (size_t i = 0; i < follow->folders->n_children; i++) {
		const char *pattern = follow->folders->children[i].text;
		if ((!plain || pattern_is_plain(pattern)) && pattern_matches(pattern, path))
			return pattern;
	}
	return NULL;
}

static bool has_wanted_path(const struct follow *follow, const struct map *map, uint32_t index)
{
	if (!follow->folders || map_folder(map, index)->flags & FOLDER_BOUND)
		return true;
	struct arena arena = {0};
	bool wanted = matching(follow, map_path(map, index, &arena), false);
	arena_free(&arena);
	return wanted;
}

/* A command tells of what python-kopano tells: hidden ones too, but below the subtree. */
static bool may_be_seen(const struct follow *follow, const struct map *map, uint32_t index)
{
	if (follow->hidden)
		return true;
	return map_is_visible(map, index) && (follow->once == ONCE_HIERARCHY || !is_hidden(map, index));
}

bool choose_folder(const struct follow *follow, const struct map *map, uint32_t index)
{
	const struct map_folder *folder = map_folder(map, index);
	if (!(folder->flags & FOLDER_SEEN) || folder->flags & FOLDER_ENDED || folder->type == FOLDER_SEARCH)
		return false;
	if (!choose_store(follow, map, folder->store))
		return false;
	if (!may_be_seen(follow, map, index))
		return false;
	return is_wanted_class(follow, map, index) && has_wanted_path(follow, map, index);
}

bool choose_below(const struct follow *follow, const struct map *map, uint32_t parent)
{
	uint32_t store = map_folder(map, parent)->store;
	if (!choose_store(follow, map, store))
		return false;
	if (!follow->folders)
		return true;
	if (parent != map_store(map, store)->subtree && !map_is_visible(map, parent))
		return false;
	struct arena arena = {0};
	struct slice path = map_path(map, parent, &arena);
	bool may = false;
	for (size_t i = 0; i < follow->folders->n_children && !may; i++)
		may = pattern_may_match_below(follow->folders->children[i].text, path);
	arena_free(&arena);
	return may;
}

/* ---- plain paths ---- */

static struct slice named_key(const struct map *map, uint32_t folder, struct arena *arena)
{
	return slice_of_text(arena_text(arena, STATE_NAMED "%s", hex_text(arena, map_source_key(map, folder, arena))));
}

void choose_bind(const struct follow *follow, struct map *map, uint32_t index, struct batch *batch)
{
	struct map_folder *folder = map_folder(map, index);
	if (follow->mode != FOLLOW_FOLDERS || folder->flags & FOLDER_BOUND)
		return;
	struct slice path = map_path(map, index, &batch->arena);
	if (!matching(follow, path, true))
		return;
	folder->flags |= FOLDER_BOUND;
	batch_put(batch, named_key(map, index, &batch->arena), path);
}

void choose_unbind(struct map *map, uint32_t index, struct batch *batch)
{
	struct map_folder *folder = map_folder(map, index);
	if (!(folder->flags & FOLDER_BOUND))
		return;
	map_flag_folder(map, index, FOLDER_BOUND, 0);
	batch_remove(batch, named_key(map, index, &batch->arena));
}

struct loading {
	const struct follow *follow;
	struct map *map;
};

static int load_named(void *context, struct slice key, struct slice path)
{
	const struct loading *loading = context;
	struct arena arena = {0};
	struct slice source_key;
	size_t n = strlen(STATE_NAMED);
	if (hex_read((const char *)key.data + n, key.size - n, &arena, &source_key)) {
		uint32_t folder = map_find(loading->map, source_key);
		if (folder != MAP_NONE && matching(loading->follow, path, true))
			map_folder(loading->map, folder)->flags |= FOLDER_BOUND;
	}
	arena_free(&arena);
	return 0;
}

int choose_load(const struct follow *follow, struct map *map, struct state *state, struct err *err)
{
	struct loading loading = {follow, map};
	if (follow->mode != FOLLOW_FOLDERS)
		return 0;
	return state->ops->each(state, slice_of_text(STATE_NAMED), load_named, &loading, err);
}

static bool has_path(const struct map *map, uint32_t store, const char *pattern)
{
	bool found = false;
	for (uint32_t f = map_next_of_store(map, store, MAP_NONE); f != MAP_NONE && !found;
	     f = map_next_of_store(map, store, f)) {
		struct arena arena = {0};
		found = !(map_folder(map, f)->flags & FOLDER_ENDED) &&
			pattern_matches(pattern, map_path(map, f, &arena));
		arena_free(&arena);
	}
	return found;
}

/* A folder that is bound has gone to another path: it may be that of any plain one. */
static bool has_moved(const struct follow *follow, const struct map *map, uint32_t store)
{
	bool moved = false;
	for (uint32_t f = map_next_of_store(map, store, MAP_NONE); f != MAP_NONE && !moved;
	     f = map_next_of_store(map, store, f)) {
		struct arena arena = {0};
		moved = map_folder(map, f)->flags & FOLDER_BOUND && !matching(follow, map_path(map, f, &arena), true);
		arena_free(&arena);
	}
	return moved;
}

const char *choose_missing(const struct follow *follow, const struct map *map, uint32_t store)
{
	for (size_t i = 0; follow->folders && i < follow->folders->n_children; i++) {
		const char *pattern = follow->folders->children[i].text;
		if (pattern_is_plain(pattern) && !has_path(map, store, pattern))
			return has_moved(follow, map, store) ? NULL : pattern;
	}
	return NULL;
}
