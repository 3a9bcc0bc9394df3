/*
 * Everything that a backup would hold: users, stores, folders, items, the two journals and the sync ids.
 *
 * Objects lie in arrays and are named by their place there (store, folder and item numbers below), by their counter
 * ("key": source key and entry id follow from it) and by their hierarchy id ("hid"). Place 0 of every array is unused.
 * Deleted objects leave holes that are used again; a key or a hid never is.
 *
 * Threads: the caller holds the server's lock. Every change of items and folders goes through change.h.
 */
#ifndef FAKEKOPANO_WORLD_H
#define FAKEKOPANO_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/fakekopano/ids.h"
#include "tests/fakekopano/journal.h"
#include "tests/fakekopano/value.h"
#include "tests/fakekopano/vec.h"

#define USER_EVERYONE 1
#define USER_SYSTEM   2

#define STORE_PRIVATE 0
#define STORE_PUBLIC  1

enum special_folder {
	SPECIAL_ROOT,
	SPECIAL_SUBTREE,
	SPECIAL_COMMON_VIEWS,
	SPECIAL_VIEWS,
	SPECIAL_FINDER,
	SPECIAL_SHORTCUT,
	SPECIAL_SCHEDULE,
	SPECIAL_INBOX,
	SPECIAL_OUTBOX,
	SPECIAL_WASTEBASKET,
	SPECIAL_SENTMAIL,
	SPECIAL_CONTACTS,
	SPECIAL_CALENDAR,
	SPECIAL_DRAFTS,
	SPECIAL_JOURNAL,
	SPECIAL_NOTES,
	SPECIAL_TASKS,
	SPECIAL_JUNK,
	SPECIAL_NON_IPM,
	SPECIAL_FREE_BUSY,
	SPECIAL_FREE_BUSY_SITE,
	N_SPECIAL,
	SPECIAL_NONE = N_SPECIAL
};

struct user {
	uint32_t id;    /* also its place; 0 is a hole */
	uint32_t type;  /* AB_USER or AB_GROUP */
	uint32_t admin; /* what the next session will be allowed */
	uint32_t level; /* what those sessions are that he has */
	char *name;
	char *full_name;
	char *mail;
	char *password;
	char external[28];
	struct vec members; /* of a group: user ids */
};

struct store {
	uint32_t hid, key;
	uint32_t owner;
	uint32_t special[N_SPECIAL];
	uint64_t created, modified;
	uint64_t logged_on, logged_off; /* 0: its owner never did */
	uint64_t bytes;
	uint8_t type;
	bool detached;
	bool removed;
	bool old_ids; /* entry ids of version 0, made of object numbers: only the SYSTEM store */
	struct guid guid;
};

struct acl_entry {
	uint32_t user;
	uint32_t rights;
};

struct folder {
	uint32_t hid; /* 0 is a hole */
	uint32_t key;
	uint32_t store;
	uint32_t parent; /* 0: the root */
	uint32_t change; /* last change id that its change key shows */
	uint32_t n_normal, n_unread, n_associated, n_deleted, n_deleted_associated;
	uint32_t n_acl, cap_acl;
	uint8_t type; /* 0 root, 1 generic, 2 search */
	bool soft_deleted;
	bool hidden;
	uint64_t created, modified, deleted_on;
	uint64_t committed; /* last change of an item in it, 0 for none */
	const char *name, *class, *comment;
	struct acl_entry *acl;
	struct props *props; /* whatever else it has, or NULL */
	struct vec children; /* folder places */
	struct vec items;    /* hids, ascending: normal, associated and soft-deleted ones */
	struct vec changes;  /* ids of journal entries with this parent, ascending */
};

/* What the server's memory holds of an item, and loadObject therefore shows. */
#define CACHED_VALUES     1u /* values of 32 KiB and more */
#define CACHED_PARENT     2u /* columns that some table has read, only while the item is fresh */
#define CACHED_ASSOCIATED 4u

#define ITEM_ASSOCIATED   1u
#define ITEM_SOFT_DELETED 2u
#define ITEM_FRESH        4u /* just saved: reads show what only the server's memory holds */
#define ITEM_NUMBERED     8u /* generated: the subject is completed by the item's number */

struct item {
	uint32_t hid; /* 0 is a hole */
	uint32_t key;
	uint32_t folder;
	uint32_t change;
	uint32_t imap_id;
	uint32_t size;
	uint16_t flags; /* PR_MESSAGE_FLAGS without the computed bits */
	uint8_t state;
	uint8_t cached;   /* CACHED bits; readers set them too, atomically */
	uint32_t refused; /* error that every read of it gets, 0 for none */
	uint64_t created, modified, deleted_on;
	struct props *props;
};

struct sync {
	uint32_t id;
	uint32_t folder_key; /* 0 is the whole server */
	uint32_t change;
	uint32_t type;
	uint64_t stored_ms; /* when its position was last stored */
};

/* An entry that is written but not yet shown to readers of the journal. */
struct lagging {
	uint32_t id;
	uint64_t due_ms;
};

struct named_prop {
	struct guid guid;
	char *name; /* or NULL: number */
	uint32_t number;
};

enum object_type { OBJECT_NONE, OBJECT_STORE, OBJECT_FOLDER, OBJECT_ITEM };

struct observer;

struct world {
	struct guid guid;
	struct journal journal;
	struct journal ab_journal;
	struct user *users;
	struct store *stores;
	struct folder *folders;
	struct item *items;
	struct sync *syncs;
	struct named_prop *named;
	uint32_t n_users, cap_users;
	uint32_t n_stores, cap_stores;
	uint32_t n_folders, cap_folders;
	uint32_t n_items, cap_items;
	uint32_t n_syncs, cap_syncs;
	uint32_t n_named, cap_named;
	uint32_t last_hid, last_imap_id, last_sync;
	uint32_t cap_hids, cap_keys, n_keys;
	uint32_t *by_hid; /* places, with the type in the two top bits */
	uint32_t *by_key;
	struct vec free_items, free_folders;
	struct lagging *lagging; /* ascending ids */
	uint32_t n_lagging, cap_lagging;
	uint64_t lag_ms;
	bool lag_items;            /* only entries of items lag */
	struct observer *observer; /* of the events of changes, or NULL */
	struct vec *reserved;      /* ids that the running operation must use first, or NULL */
};

/* A new world: users SYSTEM and Everyone, nothing else. */
struct world *world_new(const struct guid *guid);
struct world *world_clone(const struct world *w);
void world_free(struct world *w);

/* All time here is that of a clock that tests can advance: monotonic milliseconds, and 100 ns since 1601. */
uint64_t clock_ms(void);
void clock_advance(uint64_t ms);
uint64_t time_now(void);
/* To the second, as clients write times. */
uint64_t time_now_whole(void);
/* One string for all equal ones; lives forever. */
const char *intern(const char *text);

uint32_t world_new_hid(struct world *w, enum object_type type, uint32_t place);
uint32_t world_new_key(struct world *w, enum object_type type, uint32_t place);
void world_forget_key(struct world *w, uint32_t key);
void world_forget_hid(struct world *w, uint32_t hid);

/* The place of the object, or 0 when there is none of that type. */
uint32_t world_by_hid(const struct world *w, enum object_type type, uint32_t hid);
uint32_t world_by_key(const struct world *w, enum object_type type, uint32_t key);
uint32_t world_by_source_key(const struct world *w, enum object_type type, struct bytes id);
/* What an entry id names: its type, and its place in *place. */
enum object_type world_by_entry_id(const struct world *w, struct bytes id, uint32_t *place);

uint32_t world_new_item(struct world *w);
uint32_t world_new_folder(struct world *w);
uint32_t world_new_store(struct world *w);
void world_free_item(struct world *w, uint32_t item);
void world_free_folder(struct world *w, uint32_t folder);

struct user *world_user(const struct world *w, uint32_t id);
struct user *world_user_named(const struct world *w, const char *name);
/* The place of the user's private store, or 0; a detached one is not his any more. */
uint32_t world_store_of(const struct world *w, uint32_t user);
uint32_t world_public_store(const struct world *w);
uint32_t world_child_named(const struct world *w, uint32_t folder, const char *name);
bool world_is_below(const struct world *w, uint32_t folder, uint32_t ancestor);

/* Show the entry to readers of the journal only when the world's lag is over. */
void world_lag(struct world *w, uint32_t id);
bool world_shows(const struct world *w, uint32_t id);
/* The highest id that readers of the journal may know of: of the server, of a folder. */
uint32_t world_last_shown(const struct world *w);
uint32_t folder_last_shown(const struct world *w, const struct folder *f);
/* Forget the lags that are over. */
void world_end_lags(struct world *w);

#endif
