/* What the Kopano source keeps in the state, as bytes, and under which keys. All integers are little-endian.
 *
 *     position/contents/<store>/<folder>      sync id u32, settled change id u32: python-kopano's binary state
 *     given                                   the same, or its long form, of a sync that was interrupted: then n u32,
 *                                             and n times change id u32, length u32, source key: what was processed
 *     taken/contents/<store>/<folder>/<id>    change ids above it that were published, u32 each (settle.h)
 *     position/snapshot/<store>/<folder>      struct snapshot_position, after a version u8
 *     folder/<folder>                         struct folder_entry, after a version u8; texts as u16 length, bytes
 *     ends/kopano                             struct ends, after a version u8
 *
 * <store> is the store's GUID, <folder> the folder's source key, <id> the list's lowest, in lower-case hex. Reading
 * returns false for bytes that this version does not understand. */
#ifndef TIDINGS_BRIDGE_KOPANO_POSITION_H
#define TIDINGS_BRIDGE_KOPANO_POSITION_H

#include "core/arena.h"
#include "core/change.h"

#define POSITION_STREAM   "position/"
#define TAKEN_STREAM      "taken/"
#define POSITION_SNAPSHOT "position/snapshot/"
#define ENTRY_FOLDER_KEY  "folder/"
#define ENTRY_ENDS        "ends/kopano"

struct stream_position {
	uint32_t sync_id, change_id;
};

enum listing_kind { LISTING_NORMAL, LISTING_ASSOCIATED, N_LISTINGS };

struct snapshot_position {
	uint8_t id[SNAPSHOT_ID_SIZE];
	enum listing_kind listing;
	uint32_t item_number; /* of the last row that was published; the listing goes down. UINT32_MAX: none was */
};

enum { ENTRY_ENDED = 0x80 };

struct folder_entry {
	uint8_t listed; /* bit (1 << listing): its snapshot is complete; ENTRY_ENDED: it is not followed any more */
	struct store_info store;
	struct folder_info folder;
};

enum following { FOLLOWING_FOLDERS = 1 /* a stream per folder */ };

struct ends {
	struct server_info server;
	uint8_t mode; /* enum follow_mode */
	uint8_t following;
};

struct slice position_write(struct arena *arena, const struct stream_position *position);
bool position_read(struct slice bytes, struct stream_position *position);

/* Both forms; *processed: the change ids, as in a list of taken ones. */
bool given_read(struct slice bytes, struct arena *arena, struct stream_position *position, struct slice *processed);

struct slice snapshot_write(struct arena *arena, const struct snapshot_position *position);
bool snapshot_read(struct slice bytes, struct snapshot_position *position);

struct slice folder_entry_write(struct arena *arena, const struct folder_entry *entry);
bool folder_entry_read(struct slice bytes, struct arena *arena, struct folder_entry *entry);

struct slice ends_write(struct arena *arena, const struct ends *ends);
bool ends_read(struct slice bytes, struct ends *ends);

/* "<kind><store>/<folder>", and "folder/<folder>". NUL-terminated. */
const char *stream_key(struct arena *arena, const char *kind, const struct store_info *store, struct slice folder_key);
const char *folder_entry_key(struct arena *arena, struct slice folder_key);

#endif
