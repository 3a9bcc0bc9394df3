/* Every store and folder of the server that this account knows: which key is where, under which name, and what was made
 * of it. Deletes carry only source keys, and no call leads from a key to a store: so the source keeps this map, in
 * memory and, entry by entry, in the state (map_state.h). It makes no calls and decides nothing: stores.c and tree.c
 * fill it from what the server says, choose.h says what of it is followed.
 *
 *     map_start(&map, server_guid)
 *     store = map_put_store(&map, &store_row, &changed);  map_set_tree(&map, store, root_key, subtree_key)
 *     folder = map_put(&map, store, &folder_row, &changed)       in any order: children may come before parents
 *     folder = map_find(&map, source_key)                        MAP_NONE: not known
 *     for (f = top; f != MAP_NONE; f = map_next(&map, top, f))   parents first
 *     for (f = map_deepest(&map, top); f != MAP_NONE; f = map_next_up(&map, top, f))   children first
 *     map_folder_info(&map, folder, &batch->arena)               for a change
 *
 * Stores and folders are named by numbers, which are never used again while the map lives. Folders whose
 * rows have not come but whose children have are there without FOLDER_SEEN, as parents only; map_find does not give
 * them.
 *
 * Memory: 48 bytes for a folder, 6 to 12 for finding it, and each different pair of name and class once: 440,000
 * folders of 10,000 stores take less than 30 MiB. Source keys that begin with the server's GUID, and entry ids of the
 * usual form, are kept short. A pair that no folder has any more is kept until map_free. Slices given out are copies in
 * the arena; a struct map_folder or map_store stays where it is until it is removed. Not thread-safe: it belongs to the
 * source's thread. */
#ifndef TIDINGS_BRIDGE_KOPANO_MAP_H
#define TIDINGS_BRIDGE_KOPANO_MAP_H

#include "bridge/kopano/index.h"
#include "bridge/kopano/texts.h"
#include "core/arena.h"
#include "core/change.h"

enum { MAP_NONE = UINT32_MAX };

enum folder_flag {
	FOLDER_SEEN = 1 << 0,     /* the server has told of it; without it: known as a parent only */
	FOLDER_HIDDEN = 1 << 1,   /* PR_ATTR_HIDDEN */
	FOLDER_FOLLOWED = 1 << 2, /* chosen (choose.h) */
	FOLDER_BOUND = 1 << 3,    /* the configuration has named it by a plain path: chosen whatever its path is now */
	FOLDER_ENDED_SOFT = 1 << 5, /* its end was published: soft-deleted, may come back as it was */
	FOLDER_ENDED_HARD = 1 << 6, /* the same: gone for good; ended_max says until when it is kept */
	FOLDER_REVIVED = 1 << 7,    /* it had ended and lives again; not listed yet, see revived_id */
	FOLDER_LONG_KEY = 1 << 8,   /* of the map alone: the key, */
	FOLDER_LONG_ID = 1 << 9,    /* the entry id is kept among the texts */
};
enum { FOLDER_ENDED = FOLDER_ENDED_SOFT | FOLDER_ENDED_HARD, FOLDER_ALL_FLAGS = 0x3FF };

/* Flags but those of the map alone, `listed` and its union may be changed by whoever owns the map; nothing else. */
struct map_folder {
	uint8_t id[16];
	uint8_t key[6];
	uint16_t flags : 10, type : 2, listed : 4; /* enum folder_flag; folder_type; bit (1 << listing): complete */
	uint32_t texts;                            /* name and class */
	uint32_t parent, first_child, next_sibling;
	uint32_t store;
	union {
		uint32_t listed_generation; /* for which `listed` holds */
		uint32_t revived_id;        /* of FOLDER_REVIVED: everything up to it is told before it is listed */
		uint32_t ended_max;         /* of FOLDER_ENDED_HARD: the global maximum when that was taken; of
					     * FOLDER_ENDED_SOFT: the id of the journal entry, 0 if there was none */
	};
};

enum store_flag {
	STORE_ANNOUNCED = 1 << 0, /* a CREATED of it, and of all of its folders, was published */
	STORE_DETACHED = 1 << 1,  /* no user has it */
	STORE_FOLLOWED = 1 << 2,  /* chosen */
	STORE_SYSTEM = 1 << 3,    /* the server's own */
	STORE_TOLD = 1 << 4,      /* consumers know of it, and are to be told of its end */
	STORE_MAPPED = 1 << 5,    /* its folders are all in the map */
};

/* Flags may be changed by whoever owns the map; nothing else. */
struct map_store {
	uint8_t guid[GUID_SIZE];
	uint32_t entry_id, names; /* texts: of the id; display name and owner */
	uint32_t root, subtree;   /* folders; MAP_NONE: not told yet */
	uint32_t first_top;       /* folders without a parent, by next_sibling: the root, and what is not SEEN */
	uint8_t type, flags;      /* enum store_type, store_flag */
	bool used;
};

enum { MAP_CHUNK = 1024 };

/* Zeroed and then started. Its fields are the map's own but n_folders and n_stores. */
struct map {
	uint8_t server_guid[GUID_SIZE];
	struct map_folder **folder_chunks; /* of MAP_CHUNK: they never move */
	struct map_store **store_chunks;
	uint32_t folders_used, stores_used; /* numbers given so far */
	uint32_t n_folders, n_stores;       /* n_folders: SEEN ones */
	struct index by_key, by_guid;
	struct texts texts;
};

void map_start(struct map *map, const uint8_t *server_guid);
void map_free(struct map *map); /* a zeroed one is accepted */
size_t map_bytes(const struct map *map);

static inline struct map_folder *map_folder(const struct map *map, uint32_t folder)
{
	return &map->folder_chunks[folder / MAP_CHUNK][folder % MAP_CHUNK];
}

static inline struct map_store *map_store(const struct map *map, uint32_t store)
{
	return &map->store_chunks[store / MAP_CHUNK][store % MAP_CHUNK];
}

static inline void map_flag_folder(struct map *map, uint32_t folder, unsigned off, unsigned on)
{
	struct map_folder *known = map_folder(map, folder);
	known->flags = ((known->flags & ~off) | on) & FOLDER_ALL_FLAGS;
}

static inline void map_flag_store(struct map *map, uint32_t store, unsigned off, unsigned on)
{
	struct map_store *known = map_store(map, store);
	known->flags = (uint8_t)((known->flags & ~off) | on);
}

/* ---- what the server says ---- */

enum map_changed {
	CHANGED_NEW = 1 << 0, /* it was not known (or not SEEN); the others are then clear */
	CHANGED_NAME = 1 << 1,
	CHANGED_CLASS = 1 << 2,
	CHANGED_PARENT = 1 << 3, /* or the store */
	CHANGED_HIDDEN = 1 << 4,
	CHANGED_TYPE = 1 << 5,
	CHANGED_ID = 1 << 6,
	CHANGED_OWNER = 1 << 7,
	CHANGED_DETACHED = 1 << 8,
};

struct store_row {
	uint8_t guid[GUID_SIZE];
	struct slice entry_id; /* with or without the flag 16: it is taken off */
	struct slice owner, display_name;
	enum store_type type;
	bool detached, system;
};

struct folder_row {
	struct slice source_key, parent_source_key; /* no parent: the store's root */
	struct slice entry_id, name, container_class;
	enum folder_type type;
	bool hidden;
};

/* Adds the store or changes what is known of it; *changed: enum map_changed bits. */
uint32_t map_put_store(struct map *map, const struct store_row *row, unsigned *changed);

/* Which folders are its root and the one that users see as theirs; an empty key: not known. */
void map_set_tree(struct map *map, uint32_t store, struct slice root_key, struct slice subtree_key);

/* Adds the folder, or changes what is known of it and moves it with all that is below. MAP_NONE: it would be below
 * itself, because the map does not know yet that its parent was moved; nothing was changed: put the parent first. */
uint32_t map_put(struct map *map, uint32_t store, const struct folder_row *row, unsigned *changed);

/* Forgets the folder; those below it stay, without a parent that is SEEN. */
void map_remove(struct map *map, uint32_t folder);

/* Forgets the store with all of its folders. */
void map_remove_store(struct map *map, uint32_t store);

/* ---- finding ---- */

uint32_t map_find(const struct map *map, struct slice source_key);     /* SEEN ones, also those that have ended */
uint32_t map_find_any(const struct map *map, struct slice source_key); /* also those that are not SEEN */
uint32_t map_find_store(const struct map *map, const uint8_t *guid);

/* All stores: for (s = map_next_store(map, MAP_NONE); s != MAP_NONE; s = map_next_store(map, s)) */
uint32_t map_next_store(const struct map *map, uint32_t store);

/* All folders of a store, parents first, as map_next_store goes. Only SEEN ones. */
uint32_t map_next_of_store(const struct map *map, uint32_t store, uint32_t folder);

/* `top` and what is below it: parents first, or children first. The tree must not be changed meanwhile; flags may. */
uint32_t map_next(const struct map *map, uint32_t top, uint32_t folder);
uint32_t map_deepest(const struct map *map, uint32_t top);
uint32_t map_next_up(const struct map *map, uint32_t top, uint32_t folder);

bool map_is_below(const struct map *map, uint32_t folder, uint32_t top); /* or it is top itself */

/* ---- what is known ---- */

struct slice map_source_key(const struct map *map, uint32_t folder, struct arena *arena);
struct slice map_entry_id(const struct map *map, uint32_t folder, struct arena *arena);
bool map_has_entry_id(const struct map *map, uint32_t folder, struct slice entry_id);
struct slice map_name(const struct map *map, uint32_t folder, struct arena *arena);
struct slice map_class(const struct map *map, uint32_t folder, struct arena *arena);
struct slice map_store_entry_id(const struct map *map, uint32_t store, struct arena *arena);
struct slice map_store_owner(const struct map *map, uint32_t store, struct arena *arena); /* empty: public */
struct slice map_store_name(const struct map *map, uint32_t store, struct arena *arena);

/* Names from below the IPM subtree down, as Folder.path of change.proto; empty outside of it. */
struct slice map_path(const struct map *map, uint32_t folder, struct arena *arena);
bool map_is_visible(const struct map *map, uint32_t folder); /* it is below the IPM subtree */

/* For changes, whole, in the arena. */
const struct store_info *map_store_info(const struct map *map, uint32_t store, struct arena *arena);
const struct folder_info *map_folder_info(const struct map *map, uint32_t folder, struct arena *arena);

#endif
