#include "core/router.h"

#include "core/arena.h"
#include "core/hex.h"

static struct slice store_guid(const struct store_info *store)
{
	return store ? slice_of(store->guid, GUID_SIZE) : slice_of(NULL, 0);
}

static struct slice hex_key(struct arena *arena, struct slice bytes)
{
	char *text = arena_alloc(arena, bytes.size * 2);
	hex_write(text, bytes);
	return slice_of(text, bytes.size * 2);
}

/* "<store guid>/<folder source key>": items and their folder share it, so that they can be joined. */
static struct slice folder_key(struct arena *arena, const struct store_info *store, struct slice folder)
{
	struct slice guid = store_guid(store);
	char *text = arena_alloc(arena, (guid.size + folder.size) * 2 + 1);
	char *end = hex_write(text, guid);
	*end++ = '/';
	end = hex_write(end, folder);
	return slice_of(text, (size_t)(end - text));
}

static enum topic topic_of(const struct change *change)
{
	if (change->origin == ORIGIN_NOTIFICATION)
		return TOPIC_NOTIFICATIONS;
	switch (change->object_type) {
	case OBJECT_USER:
	case OBJECT_GROUP:
		return TOPIC_ADDRESSBOOK;
	case OBJECT_FOLDER:
	case OBJECT_STORE:
		return TOPIC_FOLDERS;
	case OBJECT_ITEM:
		break;
	}
	return TOPIC_ITEMS;
}

static struct slice key_of(const struct change *change, struct arena *arena)
{
	switch (change->object_type) {
	case OBJECT_USER:
	case OBJECT_GROUP:
		return hex_key(arena, change->source_key);
	case OBJECT_STORE:
		return hex_key(arena, store_guid(change->store));
	case OBJECT_FOLDER:
		return folder_key(arena, change->store, change->source_key);
	case OBJECT_ITEM:
		break;
	}
	return folder_key(arena, change->store, change->parent_source_key);
}

/* clang-format off */
static const char *const types[][CHANGE_COPIED + 1] = {
#define TYPES(object) {NULL, "tidings.v1." object "Created", "tidings.v1." object "Updated", "tidings.v1." object "Deleted", \
	"tidings.v1." object "ReadState", "tidings.v1.SnapshotBegin", "tidings.v1.SnapshotEnd", \
	"tidings.v1." object "Moved", "tidings.v1." object "Copied"}
	[OBJECT_ITEM] = TYPES("Item"), [OBJECT_FOLDER] = TYPES("Folder"), [OBJECT_USER] = TYPES("User"),
	[OBJECT_GROUP] = TYPES("Group"), [OBJECT_STORE] = TYPES("Store"),
#undef TYPES
};
/* clang-format on */

void route_change(const struct change *change, struct arena *arena, struct route *route)
{
	route->topic = topic_of(change);
	route->key = key_of(change, arena);
	route->type = types[change->object_type][change->kind];
}

void route_lifecycle(const struct lifecycle *event, struct arena *arena, struct route *route)
{
	route->topic = TOPIC_LIFECYCLE;
	route->key = hex_key(arena, store_guid(event->store));
	route->type = "tidings.v1.Lifecycle";
}

const char *topic_name(enum topic topic)
{
	static const char *const names[N_TOPICS] = {
		[TOPIC_ITEMS] = "items",
		[TOPIC_FOLDERS] = "folders",
		[TOPIC_ADDRESSBOOK] = "addressbook",
		[TOPIC_LIFECYCLE] = "lifecycle",
		[TOPIC_DEADLETTER] = "deadletter",
		[TOPIC_NOTIFICATIONS] = "notifications",
	};
	return names[topic];
}
