/* One change of one object, as every source gives it and every encoder takes it.
 *
 * The fields mean what proto/tidings/v1/change.proto says; enum values are the same numbers. Slices and pointers point
 * into the arena of the batch that owns the change (core/batch.h) and die with it; `server`, `store` and `folder` may
 * be shared by all changes of a batch. Text is UTF-8, checked by the source. A time of 0 is "not set". */
#ifndef TIDINGS_CORE_CHANGE_H
#define TIDINGS_CORE_CHANGE_H

#include "core/slice.h"

enum { GUID_SIZE = 16, EVENT_ID_SIZE = 16, SNAPSHOT_ID_SIZE = 16 };

enum change_kind {
	CHANGE_CREATED = 1,
	CHANGE_UPDATED,
	CHANGE_DELETED,
	CHANGE_READ_STATE,
	CHANGE_SNAPSHOT_BEGIN,
	CHANGE_SNAPSHOT_END,
	CHANGE_MOVED,
	CHANGE_COPIED,
};

enum change_origin { ORIGIN_ICS = 1, ORIGIN_SNAPSHOT, ORIGIN_NOTIFICATION };
enum object_type { OBJECT_ITEM = 1, OBJECT_FOLDER, OBJECT_USER, OBJECT_GROUP, OBJECT_STORE };
enum store_type { STORE_PRIVATE = 1, STORE_PUBLIC, STORE_ARCHIVE };
enum importance { IMPORTANCE_LOW = 1, IMPORTANCE_NORMAL, IMPORTANCE_HIGH };
enum folder_type { FOLDER_ROOT = 1, FOLDER_GENERIC, FOLDER_SEARCH };
enum deletion_type { DELETION_SOFT = 1, DELETION_HARD };
enum cause { CAUSE_NONE, CAUSE_TOO_LARGE, CAUSE_REFUSED, CAUSE_UNREADABLE, CAUSE_UNKNOWN_FOLDER };

struct server_info {
	uint8_t guid[GUID_SIZE];
	uint32_t epoch; /* from 1 */
};

struct store_info {
	uint8_t guid[GUID_SIZE];
	struct slice entry_id;
	struct slice owner; /* login name */
	enum store_type type;
};

struct folder_info {
	struct slice source_key, entry_id;
	struct slice path; /* below the IPM subtree, escaped */
	struct slice container_class;
};

struct address {
	struct slice name, address, type;
};

struct item {
	struct slice message_class, subject;
	struct address sender, sent_representing;
	struct slice display_to, display_cc, display_bcc;
	int64_t submitted_at_ns, delivered_at_ns, created_at_ns, modified_at_ns; /* since 1970-01-01 UTC */
	uint64_t size_bytes;
	uint32_t message_flags; /* bit 1: read */
	bool has_attachments;
	enum importance importance;
	struct slice internet_message_id;
};

struct folder_properties {
	struct slice name, path, container_class, comment;
	enum folder_type type;
	int64_t created_at_ns, modified_at_ns;
};

struct user {
	struct slice login_name, full_name, email_address;
	int user_class;  /* UserClass of change.proto */
	int admin_level; /* AdminLevel of change.proto */
	bool hidden;
};

struct group {
	struct slice name, full_name, email_address;
	bool hidden;
	struct slice *members; /* address-book entry ids */
	size_t n_members;
};

struct store_properties {
	struct slice display_name, owner_name;
	bool detached;
	uint64_t size_bytes;
	int64_t modified_at_ns;
};

struct move {
	struct slice old_entry_id, old_parent_entry_id;
	const struct folder_info *old_folder; /* NULL: unknown */
};

struct change {
	enum change_kind kind;
	enum change_origin origin;
	enum object_type object_type;
	const struct server_info *server;
	const struct store_info *store;   /* NULL: none or unknown */
	const struct folder_info *folder; /* NULL: none or unknown */
	struct slice source_key, parent_source_key, entry_id, change_key;
	uint32_t item_number;
	uint64_t change_id;
	uint8_t snapshot_id[SNAPSHOT_ID_SIZE]; /* all 0: none */
	bool associated;
	int64_t observed_at_ns;

	/* What belongs to object_type; all NULL for a record of keys alone. */
	const struct item *item;
	const struct folder_properties *folder_properties;
	const struct user *user;
	const struct group *group;
	const struct store_properties *store_properties;
	const struct move *move;
	bool read;                   /* of READ_STATE */
	enum deletion_type deletion; /* of DELETED; 0: not known */

	/* Not CAUSE_NONE: the source could not read it; it goes to the dead letters, with `cause_text`. */
	enum cause cause;
	const char *cause_text;
};

enum lifecycle_type {
	LIFECYCLE_STARTED = 1,
	LIFECYCLE_STOPPED,
	LIFECYCLE_SNAPSHOT_STARTED,
	LIFECYCLE_SNAPSHOT_COMPLETED,
	LIFECYCLE_MISSED,
	LIFECYCLE_SUSPENDED,
	LIFECYCLE_RESUMED,
	LIFECYCLE_RESTORED,
	LIFECYCLE_FOLDER_ENDED,
	LIFECYCLE_STORE_FOUND,
	LIFECYCLE_STORE_DETACHED,
	LIFECYCLE_STORE_VANISHED,
};

struct lifecycle {
	enum lifecycle_type type;
	const struct server_info *server;
	const struct store_info *store;
	const struct folder_info *folder;
	const char *stream; /* NULL: all */
	const char *text;
	int64_t time_ns;
};

static inline bool change_is_upsert(const struct change *change)
{
	return change->kind == CHANGE_CREATED || change->kind == CHANGE_UPDATED;
}

#endif
