/* What the Kopano source keeps in the state, as bytes, and under which keys. All integers are little-endian.
 *
 *     position/<stream>                       sync id u32, settled change id u32: python-kopano's binary state
 *     given                                   the same, or its long form, of a sync that was interrupted: then n u32,
 *                                             and n times change id u32, length u32, source key: what was processed
 *     taken/<stream>/<id>                     change ids above it that were published, u32 each (settle.h)
 *     position/snapshot/<store>/<folder>      struct snapshot_position, after a version u8
 *     kept/<stream>                           sync id u32, change id u32: what was last stored at the server
 *     store/..., folder/..., named/...        the map (map_state.h, choose.h)
 *     ends/kopano                             struct ends, after a version u8
 *
 * <stream>: stream.h; <store> is the store's GUID, <folder> the folder's source key, <id> the list's lowest, in
 * lower-case hex. Reading returns false for bytes that this version does not understand. */
#ifndef TIDINGS_BRIDGE_KOPANO_POSITION_H
#define TIDINGS_BRIDGE_KOPANO_POSITION_H

#include "core/arena.h"
#include "core/change.h"

#define POSITION_STREAM   "position/"
#define TAKEN_STREAM      "taken/"
#define POSITION_SNAPSHOT "position/snapshot/"
#define KEPT_STREAM       "kept/"
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

/* What is followed by what; chosen when the state is begun, from the account's rights. */
enum following {
	FOLLOWING_NOTHING,
	FOLLOWING_FOLDERS, /* a stream for the items of each folder, one for the folders of each store */
	FOLLOWING_SERVER,  /* one stream for all items, one for all folders */
};

struct ends {
	struct server_info server;
	uint8_t mode; /* enum follow_mode */
	enum following following;
	uint32_t start_max;  /* the server's highest change id when following started; what was there is listed */
	uint32_t generation; /* of listings: those of another one count for nothing */
	bool resync;         /* the server was restored: what it does not have any more is to be told */
};

struct slice position_write(struct arena *arena, const struct stream_position *position);
bool position_read(struct slice bytes, struct stream_position *position);

/* Both forms; *processed: the change ids, as in a list of taken ones. */
bool given_read(struct slice bytes, struct arena *arena, struct stream_position *position, struct slice *processed);

struct slice snapshot_write(struct arena *arena, const struct snapshot_position *position);
bool snapshot_read(struct slice bytes, struct snapshot_position *position);

struct slice ends_write(struct arena *arena, const struct ends *ends);
bool ends_read(struct slice bytes, struct ends *ends);

/* "<kind><store>/<folder>". NUL-terminated. */
const char *stream_key(struct arena *arena, const char *kind, const uint8_t *store_guid, struct slice folder_key);

#endif
