/* The map in the state: an entry for each store and each folder that is SEEN.
 *
 *     store/<guid>     version u8, flags u8, type u8, root and subtree key, entry id, owner, display name
 *     folder/<key>     version u8 (2: version 1 was of a tidings that followed single folders), flags u16, type and
 *                      listed u8, store GUID, listed_generation, revived_id or ended_max u32, parent key,
 *                      entry id, name, class
 *     inventory        version u8, announcing u8, snapshot id: there once every store was mapped
 *
 * Integers little-endian; texts and keys as u16 length (name and display name: u32), bytes; <guid> and <key> in
 * lower-case hex. Reading returns false for what this version does not understand. */
#ifndef TIDINGS_BRIDGE_KOPANO_MAP_STATE_H
#define TIDINGS_BRIDGE_KOPANO_MAP_STATE_H

#include "bridge/kopano/map.h"
#include "core/batch.h"
#include "core/state.h"

#define STATE_STORE     "store/"
#define STATE_FOLDER    "folder/"
#define STATE_INVENTORY "inventory"

/* Adds what is known of it to the batch, or its removal. */
void map_put_folder_entry(const struct map *map, uint32_t folder, struct batch *batch);
void map_put_store_entry(const struct map *map, uint32_t store, struct batch *batch);
void map_remove_folder_entry(const struct map *map, uint32_t folder, struct batch *batch);
void map_remove_store_entry(const struct map *map, uint32_t store, struct batch *batch);

struct inventory {
	bool announcing; /* stores and folders are being listed for consumers: */
	uint8_t snapshot_id[SNAPSHOT_ID_SIZE];
};

struct slice inventory_write(struct arena *arena, const struct inventory *inventory);
bool inventory_read(struct slice bytes, struct inventory *inventory);

/* Fills a started map from the state. ERR_FATAL: an entry is not of this version. */
int map_load(struct map *map, struct state *state, struct err *err);

/* An entry for people, as describe_fn of bridge/driver.h. */
const char *map_describe(struct state *state, struct slice key, struct slice value, struct arena *arena);

/* "\"Inbox\" of user1": the folder with this key, in hex; NULL: it is not known. */
const char *map_describe_name(struct state *state, struct slice hex_key, struct arena *arena);

/* The entry of a folder as if nothing of it had been listed. false: it is not of this version. */
bool map_entry_unlist(struct slice value, struct arena *arena, struct slice *unlisted);

#endif
