#include "bridge/kopano/map.h"

#include <stdlib.h>

enum { COUNTER_SIZE = 6, SHORT_KEY_SIZE = GUID_SIZE + COUNTER_SIZE };

/* ---- entry ids: flags 0, store GUID, version 1, type, flags, unique id, 0 ---- */

enum { ID_SIZE = 48, ID_STORE = 4, ID_VERSION = 20, ID_TYPE = 24, ID_FLAGS = 26, ID_UNIQUE = 28, UNIQUE_SIZE = 16 };

static const uint8_t folder_version_and_type[] = {1, 0, 0, 0, 3, 0, 0, 0};

static void write_id(const uint8_t *store_guid, const uint8_t *unique, uint8_t *id)
{
	memset(id, 0, ID_SIZE);
	memcpy(id + ID_STORE, store_guid, GUID_SIZE);
	memcpy(id + ID_VERSION, folder_version_and_type, sizeof folder_version_and_type);
	memcpy(id + ID_UNIQUE, unique, UNIQUE_SIZE);
}

static bool is_usual(const uint8_t *store_guid, struct slice id)
{
	uint8_t usual[ID_SIZE];
	if (id.size != ID_SIZE)
		return false;
	write_id(store_guid, id.data + ID_UNIQUE, usual);
	return memcmp(usual, id.data, ID_SIZE) == 0;
}

static uint32_t long_number(const uint8_t *at)
{
	uint32_t number;
	memcpy(&number, at, sizeof number);
	return number;
}

static void set_flag(struct map_folder *folder, unsigned flag, bool on)
{
	folder->flags = (on ? folder->flags | flag : folder->flags & ~flag) & FOLDER_ALL_FLAGS;
}

static void set_id(struct map *map, struct map_folder *folder, struct slice id)
{
	bool usual = is_usual(map_store(map, folder->store)->guid, id);
	set_flag(folder, FOLDER_LONG_ID, !usual);
	if (usual) {
		memcpy(folder->id, id.data + ID_UNIQUE, UNIQUE_SIZE);
		return;
	}
	uint32_t number = texts_put(&map->texts, id, slice_of(NULL, 0));
	memset(folder->id, 0, sizeof folder->id);
	memcpy(folder->id, &number, sizeof number);
}

struct slice map_entry_id(const struct map *map, uint32_t index, struct arena *arena)
{
	const struct map_folder *folder = map_folder(map, index);
	if (folder->flags & FOLDER_LONG_ID)
		return arena_copy(arena, texts_first(&map->texts, long_number(folder->id)));
	uint8_t *id = arena_alloc(arena, ID_SIZE);
	write_id(map_store(map, folder->store)->guid, folder->id, id);
	return slice_of(id, ID_SIZE);
}

/* ---- source keys ---- */

static bool is_short(const struct map *map, struct slice key)
{
	return key.size == SHORT_KEY_SIZE && memcmp(key.data, map->server_guid, GUID_SIZE) == 0;
}

static uint32_t hash_counter(const uint8_t *counter)
{
	uint64_t number = 0;
	memcpy(&number, counter, COUNTER_SIZE);
	return (uint32_t)(number * UINT64_C(0x9E3779B97F4A7C15) >> 32);
}

static uint32_t hash_key(const struct map *map, struct slice key)
{
	return is_short(map, key) ? hash_counter(key.data + GUID_SIZE) : index_hash(key);
}

static uint32_t hash_folder(const void *context, uint32_t index)
{
	const struct map *map = context;
	const struct map_folder *folder = map_folder(map, index);
	if (folder->flags & FOLDER_LONG_KEY)
		return index_hash(texts_first(&map->texts, long_number(folder->key)));
	return hash_counter(folder->key);
}

static bool has_key(const void *context, uint32_t index, const void *wanted)
{
	const struct map *map = context;
	const struct map_folder *folder = map_folder(map, index);
	const struct slice *key = wanted;
	if (folder->flags & FOLDER_LONG_KEY)
		return slice_equal(texts_first(&map->texts, long_number(folder->key)), *key);
	return is_short(map, *key) && memcmp(key->data + GUID_SIZE, folder->key, COUNTER_SIZE) == 0;
}

static void set_key(struct map *map, struct map_folder *folder, struct slice key)
{
	set_flag(folder, FOLDER_LONG_KEY, !is_short(map, key));
	if (is_short(map, key)) {
		memcpy(folder->key, key.data + GUID_SIZE, COUNTER_SIZE);
		return;
	}
	uint32_t number = texts_put(&map->texts, key, slice_of(NULL, 0));
	memcpy(folder->key, &number, sizeof number);
}

struct slice map_source_key(const struct map *map, uint32_t index, struct arena *arena)
{
	const struct map_folder *folder = map_folder(map, index);
	if (folder->flags & FOLDER_LONG_KEY)
		return arena_copy(arena, texts_first(&map->texts, long_number(folder->key)));
	uint8_t *key = arena_alloc(arena, SHORT_KEY_SIZE);
	memcpy(key, map->server_guid, GUID_SIZE);
	memcpy(key + GUID_SIZE, folder->key, COUNTER_SIZE);
	return slice_of(key, SHORT_KEY_SIZE);
}

uint32_t map_find_any(const struct map *map, struct slice key)
{
	return index_find(&map->by_key, hash_key(map, key), &key, has_key, map);
}

uint32_t map_find(const struct map *map, struct slice source_key)
{
	uint32_t folder = map_find_any(map, source_key);
	return folder != MAP_NONE && map_folder(map, folder)->flags & FOLDER_SEEN ? folder : MAP_NONE;
}

/* ---- the tree ---- */

static uint32_t *list_of(struct map *map, const struct map_folder *folder)
{
	return folder->parent != MAP_NONE ? &map_folder(map, folder->parent)->first_child
					  : &map_store(map, folder->store)->first_top;
}

static void link_folder(struct map *map, uint32_t index, uint32_t parent)
{
	struct map_folder *folder = map_folder(map, index);
	folder->parent = parent;
	uint32_t *list = list_of(map, folder);
	folder->next_sibling = *list;
	*list = index;
}

static void unlink_folder(struct map *map, uint32_t index)
{
	uint32_t *at = list_of(map, map_folder(map, index));
	while (*at != index)
		at = &map_folder(map, *at)->next_sibling;
	*at = map_folder(map, index)->next_sibling;
}

static bool is_special(const struct map *map, uint32_t index)
{
	const struct map_store *store = map_store(map, map_folder(map, index)->store);
	return store->root == index || store->subtree == index;
}

static uint32_t new_folder(struct map *map)
{
	uint32_t index = map->folders_used++;
	if (index % MAP_CHUNK == 0) {
		size_t n = index / MAP_CHUNK;
		map->folder_chunks = xrealloc(map->folder_chunks, (n + 1) * sizeof *map->folder_chunks);
		map->folder_chunks[n] = xcalloc(MAP_CHUNK, sizeof **map->folder_chunks);
	}
	return index;
}

static void free_folder(struct map *map, uint32_t index)
{
	index_remove(&map->by_key, hash_folder(map, index), index, hash_folder, map);
	*map_folder(map, index) = (struct map_folder){.first_child = MAP_NONE};
}

/* One that is known by its key alone. */
static uint32_t add_unseen(struct map *map, uint32_t store, struct slice key)
{
	uint32_t index = new_folder(map);
	struct map_folder *folder = map_folder(map, index);
	*folder = (struct map_folder){.store = store, .first_child = MAP_NONE};
	folder->texts = texts_put(&map->texts, slice_of(NULL, 0), slice_of(NULL, 0));
	set_key(map, folder, key);
	link_folder(map, index, MAP_NONE);
	index_add(&map->by_key, hash_key(map, key), index, hash_folder, map);
	return index;
}

/* A parent that was never SEEN is there for its children. */
static void drop_if_useless(struct map *map, uint32_t index)
{
	if (index == MAP_NONE || is_special(map, index))
		return;
	const struct map_folder *folder = map_folder(map, index);
	if (folder->flags & FOLDER_SEEN || folder->first_child != MAP_NONE)
		return;
	unlink_folder(map, index);
	free_folder(map, index);
}

static uint32_t find_or_add(struct map *map, uint32_t store, struct slice key)
{
	uint32_t index = map_find_any(map, key);
	return index != MAP_NONE ? index : add_unseen(map, store, key);
}

static void set_store(struct map *map, uint32_t index, uint32_t store)
{
	struct arena arena = {0};
	struct map_folder *folder = map_folder(map, index);
	struct slice id = map_entry_id(map, index, &arena);
	folder->store = store;
	set_id(map, folder, id);
	arena_free(&arena);
}

static void move_folder(struct map *map, uint32_t index, uint32_t store, uint32_t parent)
{
	struct map_folder *folder = map_folder(map, index);
	uint32_t old_parent = folder->parent;
	unlink_folder(map, index);
	if (folder->store != store)
		for (uint32_t i = index; i != MAP_NONE; i = map_next(map, index, i))
			set_store(map, i, store);
	link_folder(map, index, parent);
	drop_if_useless(map, old_parent);
}

bool map_is_below(const struct map *map, uint32_t folder, uint32_t top)
{
	while (folder != MAP_NONE && folder != top)
		folder = map_folder(map, folder)->parent;
	return folder == top;
}

/* ---- what the server says ---- */

static unsigned put_texts(struct map *map, struct map_folder *folder, const struct folder_row *row)
{
	uint32_t old = folder->texts;
	folder->texts = texts_put(&map->texts, row->name, row->container_class);
	unsigned changed = 0;
	if (!slice_equal(texts_first(&map->texts, old), row->name))
		changed |= CHANGED_NAME;
	if (!slice_equal(texts_second(&map->texts, old), row->container_class))
		changed |= CHANGED_CLASS;
	return changed;
}

static bool has_id(const struct map *map, const struct map_folder *folder, struct slice id)
{
	if (folder->flags & FOLDER_LONG_ID)
		return slice_equal(texts_first(&map->texts, long_number(folder->id)), id);
	return is_usual(map_store(map, folder->store)->guid, id) &&
	       memcmp(id.data + ID_UNIQUE, folder->id, UNIQUE_SIZE) == 0;
}

bool map_has_entry_id(const struct map *map, uint32_t folder, struct slice entry_id)
{
	return has_id(map, map_folder(map, folder), entry_id);
}

static unsigned put_id(struct map *map, struct map_folder *folder, struct slice id)
{
	if (has_id(map, folder, id))
		return 0;
	set_id(map, folder, id);
	return CHANGED_ID;
}

static unsigned put_rest(struct map *map, struct map_folder *folder, const struct folder_row *row)
{
	unsigned changed = 0;
	if (row->hidden != ((folder->flags & FOLDER_HIDDEN) != 0))
		changed |= CHANGED_HIDDEN;
	if (row->type != folder->type)
		changed |= CHANGED_TYPE;
	set_flag(folder, FOLDER_HIDDEN, row->hidden);
	folder->type = row->type & 3;
	return changed | put_id(map, folder, row->entry_id);
}

uint32_t map_put(struct map *map, uint32_t store, const struct folder_row *row, unsigned *changed)
{
	*changed = 0;
	if (slice_equal(row->source_key, row->parent_source_key))
		return MAP_NONE;
	uint32_t parent = row->parent_source_key.size ? map_find_any(map, row->parent_source_key) : MAP_NONE;
	uint32_t index = map_find_any(map, row->source_key);
	if (index != MAP_NONE && parent != MAP_NONE && map_is_below(map, parent, index))
		return MAP_NONE;
	if (row->parent_source_key.size && parent == MAP_NONE)
		parent = add_unseen(map, store, row->parent_source_key);
	if (index == MAP_NONE)
		index = add_unseen(map, store, row->source_key);
	struct map_folder *folder = map_folder(map, index);
	bool is_new = !(folder->flags & FOLDER_SEEN);
	if (folder->parent != parent || folder->store != store) {
		move_folder(map, index, store, parent);
		*changed |= CHANGED_PARENT;
	}
	*changed |= put_texts(map, folder, row) | put_rest(map, folder, row);
	folder->flags |= FOLDER_SEEN;
	map->n_folders += is_new;
	if (is_new)
		*changed = CHANGED_NEW;
	return index;
}

static void unsee(struct map *map, uint32_t index)
{
	struct map_folder *folder = map_folder(map, index);
	unlink_folder(map, index);
	folder->flags &= FOLDER_LONG_KEY | FOLDER_LONG_ID;
	folder->listed = 0;
	folder->listed_generation = 0;
	link_folder(map, index, MAP_NONE);
}

void map_remove(struct map *map, uint32_t index)
{
	uint32_t parent = map_folder(map, index)->parent;
	map->n_folders -= map_folder(map, index)->flags & FOLDER_SEEN ? 1 : 0;
	unsee(map, index);
	drop_if_useless(map, index);
	drop_if_useless(map, parent);
}

/* ---- stores ---- */

static uint32_t hash_store(const void *context, uint32_t index)
{
	return index_hash(slice_of(map_store(context, index)->guid, GUID_SIZE));
}

static bool has_guid(const void *context, uint32_t index, const void *guid)
{
	return memcmp(map_store(context, index)->guid, guid, GUID_SIZE) == 0;
}

uint32_t map_find_store(const struct map *map, const uint8_t *guid)
{
	return index_find(&map->by_guid, index_hash(slice_of(guid, GUID_SIZE)), guid, has_guid, map);
}

static uint32_t new_store(struct map *map)
{
	uint32_t index = map->stores_used++;
	if (index % MAP_CHUNK == 0) {
		size_t n = index / MAP_CHUNK;
		map->store_chunks = xrealloc(map->store_chunks, (n + 1) * sizeof *map->store_chunks);
		map->store_chunks[n] = xcalloc(MAP_CHUNK, sizeof **map->store_chunks);
	}
	return index;
}

static uint32_t add_store(struct map *map, const uint8_t *guid)
{
	uint32_t index = new_store(map);
	struct map_store *store = map_store(map, index);
	*store = (struct map_store){.root = MAP_NONE, .subtree = MAP_NONE, .first_top = MAP_NONE, .used = true};
	memcpy(store->guid, guid, GUID_SIZE);
	index_add(&map->by_guid, hash_store(map, index), index, hash_store, map);
	map->n_stores++;
	return index;
}

/* Without the flag "open here even if it is at home elsewhere". */
static uint32_t put_store_id(struct map *map, struct slice id)
{
	uint8_t plain[ID_SIZE];
	if (id.size != ID_SIZE)
		return texts_put(&map->texts, id, slice_of(NULL, 0));
	memcpy(plain, id.data, ID_SIZE);
	memset(plain + ID_FLAGS, 0, 2);
	return texts_put(&map->texts, slice_of(plain, ID_SIZE), slice_of(NULL, 0));
}

static void flag_store(struct map_store *store, unsigned flag, bool on)
{
	store->flags = (uint8_t)(on ? store->flags | flag : store->flags & ~flag);
}

static unsigned compare_names(const struct map *map, uint32_t a, uint32_t b)
{
	const struct texts *texts = &map->texts;
	bool same_name = slice_equal(texts_first(texts, a), texts_first(texts, b));
	bool same_owner = slice_equal(texts_second(texts, a), texts_second(texts, b));
	return (same_name ? 0 : CHANGED_NAME) | (same_owner ? 0 : CHANGED_OWNER);
}

uint32_t map_put_store(struct map *map, const struct store_row *row, unsigned *changed)
{
	uint32_t index = map_find_store(map, row->guid);
	bool is_new = index == MAP_NONE;
	if (is_new)
		index = add_store(map, row->guid);
	struct map_store before = *map_store(map, index), *store = map_store(map, index);
	store->entry_id = put_store_id(map, row->entry_id);
	store->names = texts_put(&map->texts, row->display_name, row->owner);
	store->type = (uint8_t)row->type;
	flag_store(store, STORE_DETACHED, row->detached);
	flag_store(store, STORE_SYSTEM, row->system);
	if (is_new)
		return *changed = CHANGED_NEW, index;
	*changed = compare_names(map, before.names, store->names);
	*changed |= before.type != store->type ? CHANGED_TYPE : 0;
	*changed |= before.entry_id != store->entry_id ? CHANGED_ID : 0;
	*changed |= (before.flags ^ store->flags) & STORE_DETACHED ? CHANGED_DETACHED : 0;
	return index;
}

void map_set_tree(struct map *map, uint32_t index, struct slice root_key, struct slice subtree_key)
{
	struct map_store *store = map_store(map, index);
	uint32_t old_root = store->root, old_subtree = store->subtree;
	store->root = root_key.size ? find_or_add(map, index, root_key) : MAP_NONE;
	store->subtree = subtree_key.size ? find_or_add(map, index, subtree_key) : MAP_NONE;
	if (old_root != store->root)
		drop_if_useless(map, old_root);
	if (old_subtree != store->subtree && old_subtree != old_root)
		drop_if_useless(map, old_subtree);
}

void map_remove_store(struct map *map, uint32_t index)
{
	struct map_store *store = map_store(map, index);
	while (store->first_top != MAP_NONE) {
		uint32_t folder = map_deepest(map, store->first_top);
		map->n_folders -= map_folder(map, folder)->flags & FOLDER_SEEN ? 1 : 0;
		unlink_folder(map, folder);
		free_folder(map, folder);
	}
	index_remove(&map->by_guid, hash_store(map, index), index, hash_store, map);
	*store = (struct map_store){0};
	map->n_stores--;
}

/* ---- the whole ---- */

void map_start(struct map *map, const uint8_t *server_guid)
{
	*map = (struct map){0};
	memcpy(map->server_guid, server_guid, GUID_SIZE);
}

static size_t n_chunks(uint32_t used)
{
	return (used + MAP_CHUNK - 1) / MAP_CHUNK;
}

void map_free(struct map *map)
{
	for (size_t i = 0; i < n_chunks(map->folders_used); i++)
		free(map->folder_chunks[i]);
	for (size_t i = 0; i < n_chunks(map->stores_used); i++)
		free(map->store_chunks[i]);
	free(map->folder_chunks);
	free(map->store_chunks);
	index_free(&map->by_key);
	index_free(&map->by_guid);
	texts_free(&map->texts);
	*map = (struct map){0};
}

size_t map_bytes(const struct map *map)
{
	size_t n_slots = map->by_key.room + map->by_guid.room + map->texts.index.room;
	return n_chunks(map->folders_used) * MAP_CHUNK * sizeof **map->folder_chunks +
	       n_chunks(map->stores_used) * MAP_CHUNK * sizeof **map->store_chunks + n_slots * INDEX_SLOT_BYTES +
	       map->texts.room;
}
