#include "bridge/kopano/map_state.h"

#include "bridge/kopano/bytes.h"
#include "core/hex.h"

enum { STORE_VERSION = 1, FOLDER_VERSION = 2, INVENTORY_VERSION = 1, LISTED_AT = 4 };
enum {
	STORED_FOLDER_FLAGS = FOLDER_HIDDEN | FOLDER_FOLLOWED | FOLDER_ENDED | FOLDER_REVIVED,
	STORED_STORE_FLAGS =
		STORE_ANNOUNCED | STORE_DETACHED | STORE_FOLLOWED | STORE_SYSTEM | STORE_TOLD | STORE_MAPPED,
};

/* What an entry of a folder or store says. */
struct stored_folder {
	struct folder_row row;
	uint8_t store[GUID_SIZE];
	uint16_t flags;
	uint8_t listed;
	uint32_t since; /* listed_generation, revived_id or ended_max */
};

struct stored_store {
	struct store_row row;
	struct slice root_key, subtree_key;
	uint8_t flags;
};

/* ---- keys ---- */

static struct slice state_key(struct arena *arena, const char *kind, struct slice key)
{
	size_t n = strlen(kind);
	char *text = arena_alloc(arena, n + 2 * key.size);
	memcpy(text, kind, n);
	hex_write(text + n, key);
	return slice_of(text, n + 2 * key.size);
}

static struct slice folder_state_key(const struct map *map, uint32_t folder, struct arena *arena)
{
	return state_key(arena, STATE_FOLDER, map_source_key(map, folder, arena));
}

static struct slice store_state_key(const struct map *map, uint32_t store, struct arena *arena)
{
	return state_key(arena, STATE_STORE, slice_of(map_store(map, store)->guid, GUID_SIZE));
}

static bool begins(struct slice key, const char *kind, struct slice *rest)
{
	size_t n = strlen(kind);
	if (key.size < n || memcmp(key.data, kind, n) != 0)
		return false;
	*rest = slice_of(key.data + n, key.size - n);
	return true;
}

static bool read_key(struct slice key, const char *kind, struct arena *arena, struct slice *bytes)
{
	struct slice hex;
	return begins(key, kind, &hex) && hex_read((const char *)hex.data, hex.size, arena, bytes);
}

/* ---- texts that may be long ---- */

static void put_long(struct writer *writer, struct slice text)
{
	put_number(writer, (uint32_t)text.size, 4);
	put_bytes(writer, text.data, text.size);
}

static struct slice get_long(struct reader *reader)
{
	size_t n = get_number(reader, 4);
	const uint8_t *bytes = get_bytes(reader, n);
	return slice_of(bytes, bytes ? n : 0);
}

static struct slice get_borrowed(struct reader *reader)
{
	size_t n = get_number(reader, 2);
	const uint8_t *bytes = get_bytes(reader, n);
	return slice_of(bytes, bytes ? n : 0);
}

/* ---- folders ---- */

void map_put_folder_entry(const struct map *map, uint32_t index, struct batch *batch)
{
	struct arena *arena = &batch->arena;
	const struct map_folder *folder = map_folder(map, index);
	struct slice parent = {0};
	if (folder->parent != MAP_NONE)
		parent = map_source_key(map, folder->parent, arena);
	struct slice id = map_entry_id(map, index, arena), name = map_name(map, index, arena);
	struct slice class = map_class(map, index, arena);
	struct writer writer = new_writer(arena, 19 + GUID_SIZE + parent.size + id.size + name.size + class.size);
	put_number(&writer, FOLDER_VERSION, 1);
	put_number(&writer, folder->flags & STORED_FOLDER_FLAGS, 2);
	put_number(&writer, folder->type, 1);
	put_number(&writer, folder->listed, 1);
	put_bytes(&writer, map_store(map, folder->store)->guid, GUID_SIZE);
	put_number(&writer, folder->listed_generation, 4);
	put_slice(&writer, parent);
	put_slice(&writer, id);
	put_long(&writer, name);
	put_slice(&writer, class);
	batch_put(batch, folder_state_key(map, index, arena), written(&writer));
}

static bool read_folder(struct slice bytes, struct stored_folder *entry)
{
	struct reader reader = {.left = bytes};
	struct folder_row *row = &entry->row;
	uint32_t version = get_number(&reader, 1);
	entry->flags = (uint16_t)get_number(&reader, 2);
	row->type = get_number(&reader, 1);
	entry->listed = (uint8_t)get_number(&reader, 1);
	get_fixed(&reader, entry->store, GUID_SIZE);
	entry->since = get_number(&reader, 4);
	row->parent_source_key = get_borrowed(&reader);
	row->entry_id = get_borrowed(&reader);
	row->name = get_long(&reader);
	row->container_class = get_borrowed(&reader);
	row->hidden = entry->flags & FOLDER_HIDDEN;
	return finished(&reader) && version == FOLDER_VERSION && !(entry->flags & ~STORED_FOLDER_FLAGS) &&
	       row->type <= FOLDER_SEARCH && entry->listed < 16;
}

void map_remove_folder_entry(const struct map *map, uint32_t folder, struct batch *batch)
{
	batch_remove(batch, folder_state_key(map, folder, &batch->arena));
}

/* ---- stores ---- */

static struct slice key_or_none(const struct map *map, uint32_t folder, struct arena *arena)
{
	return folder == MAP_NONE ? slice_of(NULL, 0) : map_source_key(map, folder, arena);
}

void map_put_store_entry(const struct map *map, uint32_t index, struct batch *batch)
{
	struct arena *arena = &batch->arena;
	const struct map_store *store = map_store(map, index);
	struct slice root = key_or_none(map, store->root, arena), subtree = key_or_none(map, store->subtree, arena);
	struct slice id = map_store_entry_id(map, index, arena), owner = map_store_owner(map, index, arena);
	struct slice name = map_store_name(map, index, arena);
	struct writer writer = new_writer(arena, 15 + root.size + subtree.size + id.size + owner.size + name.size);
	put_number(&writer, STORE_VERSION, 1);
	put_number(&writer, store->flags & STORED_STORE_FLAGS, 1);
	put_number(&writer, store->type, 1);
	put_slice(&writer, root);
	put_slice(&writer, subtree);
	put_slice(&writer, id);
	put_slice(&writer, owner);
	put_long(&writer, name);
	batch_put(batch, store_state_key(map, index, arena), written(&writer));
}

static bool read_store(struct slice bytes, struct stored_store *entry)
{
	struct reader reader = {.left = bytes};
	struct store_row *row = &entry->row;
	uint32_t version = get_number(&reader, 1);
	entry->flags = (uint8_t)get_number(&reader, 1);
	row->type = get_number(&reader, 1);
	entry->root_key = get_borrowed(&reader);
	entry->subtree_key = get_borrowed(&reader);
	row->entry_id = get_borrowed(&reader);
	row->owner = get_borrowed(&reader);
	row->display_name = get_long(&reader);
	row->detached = entry->flags & STORE_DETACHED;
	row->system = entry->flags & STORE_SYSTEM;
	return finished(&reader) && version == STORE_VERSION && !(entry->flags & ~STORED_STORE_FLAGS);
}

void map_remove_store_entry(const struct map *map, uint32_t store, struct batch *batch)
{
	batch_remove(batch, store_state_key(map, store, &batch->arena));
}

/* ---- the inventory ---- */

struct slice inventory_write(struct arena *arena, const struct inventory *inventory)
{
	struct writer writer = new_writer(arena, 2 + SNAPSHOT_ID_SIZE);
	put_number(&writer, INVENTORY_VERSION, 1);
	put_number(&writer, inventory->announcing, 1);
	put_bytes(&writer, inventory->snapshot_id, SNAPSHOT_ID_SIZE);
	return written(&writer);
}

bool inventory_read(struct slice bytes, struct inventory *inventory)
{
	struct reader reader = {.left = bytes};
	uint32_t version = get_number(&reader, 1);
	inventory->announcing = get_number(&reader, 1);
	get_fixed(&reader, inventory->snapshot_id, SNAPSHOT_ID_SIZE);
	return finished(&reader) && version == INVENTORY_VERSION;
}

/* ---- loading ---- */

enum { PASSING_BYTES = 16384 };

struct loading {
	struct map *map;
	struct err *err;
	struct arena passing; /* the keys of some entries */
};

static int refuse(const struct loading *loading, struct slice key)
{
	return err_usage(loading->err,
			 "state: the entry \"%.*s\" is not of this version: it was written by a newer tidings, or by "
			 "one before 0.2 that followed single folders; with the right version, or with the state file "
			 "moved away to follow from the start",
			 (int)key.size, (const char *)key.data);
}

static int load_store(void *context, struct slice key, struct slice value)
{
	struct loading *loading = context;
	struct stored_store entry = {0};
	struct arena arena = {0};
	struct slice guid;
	unsigned changed;
	bool good = read_key(key, STATE_STORE, &arena, &guid) && guid.size == GUID_SIZE && read_store(value, &entry);
	if (good) {
		memcpy(entry.row.guid, guid.data, GUID_SIZE);
		uint32_t store = map_put_store(loading->map, &entry.row, &changed);
		map_set_tree(loading->map, store, entry.root_key, entry.subtree_key);
		map_store(loading->map, store)->flags = entry.flags;
	}
	arena_free(&arena);
	return good ? 0 : refuse(loading, key);
}

static bool put_loaded(struct map *map, const struct stored_folder *entry)
{
	unsigned changed;
	uint32_t store = map_find_store(map, entry->store);
	uint32_t index = store == MAP_NONE ? MAP_NONE : map_put(map, store, &entry->row, &changed);
	if (index == MAP_NONE)
		return false;
	struct map_folder *folder = map_folder(map, index);
	folder->flags = (folder->flags | entry->flags) & FOLDER_ALL_FLAGS;
	folder->listed = entry->listed & 15;
	folder->listed_generation = entry->since;
	return true;
}

static int load_folder(void *context, struct slice key, struct slice value)
{
	struct loading *loading = context;
	struct stored_folder entry = {0};
	bool good = read_key(key, STATE_FOLDER, &loading->passing, &entry.row.source_key) &&
		    read_folder(value, &entry) && put_loaded(loading->map, &entry);
	if (loading->passing.n_bytes > PASSING_BYTES)
		arena_free(&loading->passing);
	return good ? 0 : refuse(loading, key);
}

int map_load(struct map *map, struct state *state, struct err *err)
{
	struct loading loading = {.map = map, .err = err};
	int rc = state->ops->each(state, slice_of_text(STATE_STORE), load_store, &loading, err);
	if (rc == 0)
		rc = state->ops->each(state, slice_of_text(STATE_FOLDER), load_folder, &loading, err);
	arena_free(&loading.passing);
	return rc;
}

/* ---- for people ---- */

static const char *text_of(struct slice text, struct arena *arena)
{
	return arena_text(arena, "%.*s", (int)text.size, (const char *)text.data);
}

static const char *owner_of(const struct stored_store *entry, struct arena *arena)
{
	return entry->row.type == STORE_PUBLIC ? "public store"
					       : arena_text(arena, "store of %s", text_of(entry->row.owner, arena));
}

static const char *describe_store(struct slice value, struct arena *arena)
{
	struct stored_store entry = {0};
	if (!read_store(value, &entry))
		return NULL;
	const char *followed = entry.flags & STORE_FOLLOWED ? ", followed" : "";
	return arena_text(arena, "%s, \"%s\"%s%s", owner_of(&entry, arena), text_of(entry.row.display_name, arena),
			  entry.flags & STORE_DETACHED ? ", detached" : "", followed);
}

static const char *how_followed(const struct stored_folder *entry)
{
	static const char *const listed[] = {"followed, not listed", "followed, normal items listed",
					     "followed, associated items listed", "followed, all items listed"};
	if (entry->flags & FOLDER_ENDED)
		return entry->flags & FOLDER_ENDED_SOFT ? "ended, recoverable" : "ended";
	return entry->flags & FOLDER_FOLLOWED ? listed[entry->listed & 3] : "not followed";
}

static const char *describe_folder(struct slice value, struct arena *arena)
{
	struct stored_folder entry = {0};
	if (!read_folder(value, &entry))
		return NULL;
	return arena_text(arena, "\"%s\", class \"%s\", store %s, parent %s, %s", text_of(entry.row.name, arena),
			  text_of(entry.row.container_class, arena), hex_text(arena, slice_of(entry.store, GUID_SIZE)),
			  hex_text(arena, entry.row.parent_source_key), how_followed(&entry));
}

const char *map_describe(struct state *state, struct slice key, struct slice value, struct arena *arena)
{
	struct slice rest;
	(void)state;
	struct inventory inventory;
	if (slice_equal(key, slice_of_text(STATE_INVENTORY)) && inventory_read(value, &inventory))
		return inventory.announcing ? "stores and folders are being listed" : "every store was looked through";
	if (begins(key, STATE_STORE, &rest))
		return describe_store(value, arena);
	return begins(key, STATE_FOLDER, &rest) ? describe_folder(value, arena) : NULL;
}

/* What an entry of the state says; an empty slice: there is none. */
static struct slice entry_of(struct state *state, const char *kind, struct slice key, struct arena *arena)
{
	struct slice value;
	struct err err;
	const char *name = arena_text(arena, "%s%.*s", kind, (int)key.size, (const char *)key.data);
	return state->ops->get(state, slice_of_text(name), arena, &value, &err) ? slice_of(NULL, 0) : value;
}

const char *map_describe_name(struct state *state, struct slice hex_key, struct arena *arena)
{
	struct stored_folder folder = {0};
	struct stored_store store = {0};
	if (!read_folder(entry_of(state, STATE_FOLDER, hex_key, arena), &folder))
		return NULL;
	const char *guid = hex_text(arena, slice_of(folder.store, GUID_SIZE));
	bool is_known = read_store(entry_of(state, STATE_STORE, slice_of_text(guid), arena), &store);
	const char *owner = !is_known                        ? "an unknown store"
			    : store.row.type == STORE_PUBLIC ? "the public store"
							     : text_of(store.row.owner, arena);
	return arena_text(arena, "\"%s\" of %s", text_of(folder.row.name, arena), owner);
}

/* ---- for a reset ---- */

bool map_entry_unlist(struct slice value, struct arena *arena, struct slice *unlisted)
{
	struct stored_folder folder = {0};
	if (!read_folder(value, &folder))
		return false;
	uint8_t *bytes = arena_alloc(arena, value.size);
	memcpy(bytes, value.data, value.size);
	bytes[LISTED_AT] = 0;
	*unlisted = slice_of(bytes, value.size);
	return true;
}
