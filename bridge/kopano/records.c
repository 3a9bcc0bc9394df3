/* Records of folders and stores, and of what became of them. */
#include "bridge/kopano/kopano.h"

static const struct server_info *copy_server(const struct kopano *kopano, struct batch *batch)
{
	struct server_info *copy = arena_alloc(&batch->arena, sizeof *copy);
	*copy = kopano->server;
	return copy;
}

static bool is_upsert(enum change_kind kind)
{
	return kind == CHANGE_CREATED || kind == CHANGE_UPDATED;
}

static void set_origin(const struct tour *tour, struct change *change)
{
	change->origin = tour->origin;
	change->change_id = tour->change_id;
	if (tour->origin == ORIGIN_SNAPSHOT)
		memcpy(change->snapshot_id, tour->snapshot_id, SNAPSHOT_ID_SIZE);
}

/* ---- folders ---- */

static const struct folder_properties *properties_of(const struct map *map, uint32_t folder,
						     const struct folder_facts *facts, struct arena *arena)
{
	struct folder_properties *properties = arena_zero(arena, sizeof *properties);
	properties->name = map_name(map, folder, arena);
	properties->path = map_path(map, folder, arena);
	properties->container_class = map_class(map, folder, arena);
	properties->type = (enum folder_type)map_folder(map, folder)->type;
	if (facts) {
		properties->comment = arena_copy(arena, facts->comment);
		properties->created_at_ns = facts->created_at_ns;
		properties->modified_at_ns = facts->modified_at_ns;
	}
	return properties;
}

static void add_content(struct kopano *kopano, const struct tour *tour, uint32_t folder, struct change *change,
			struct arena *arena)
{
	const struct folder_facts *facts = facts_find(&tour->details, change->source_key);
	change->entry_id = map_entry_id(&kopano->map, folder, arena);
	change->folder_properties = properties_of(&kopano->map, folder, facts, arena);
	if (!facts)
		return;
	change->change_key = arena_copy(arena, facts->change_key);
	if (tour->origin == ORIGIN_SNAPSHOT)
		change->change_id = change_key_id(facts->change_key, kopano->server.guid);
}

/* The folder that holds it; NULL: it is the root, or nobody has told of that one. */
static const struct folder_info *parent_of(const struct map *map, uint32_t folder, struct arena *arena)
{
	uint32_t parent = map_folder(map, folder)->parent;
	bool known = parent != MAP_NONE && map_folder(map, parent)->flags & FOLDER_SEEN;
	return known ? map_folder_info(map, parent, arena) : NULL;
}

static struct slice parent_key_of(const struct map *map, uint32_t folder, struct arena *arena)
{
	uint32_t parent = map_folder(map, folder)->parent;
	return parent == MAP_NONE ? slice_of(NULL, 0) : map_source_key(map, parent, arena);
}

struct change *record_folder(struct kopano *kopano, const struct tour *tour, uint32_t folder, enum change_kind kind,
			     struct batch *batch)
{
	struct arena *arena = &batch->arena;
	const struct map *map = &kopano->map;
	struct change *change = batch_change(batch);
	change->kind = kind;
	change->object_type = OBJECT_FOLDER;
	change->server = copy_server(kopano, batch);
	change->store = map_store_info(map, map_folder(map, folder)->store, arena);
	change->folder = parent_of(map, folder, arena);
	change->source_key = map_source_key(map, folder, arena);
	change->parent_source_key = parent_key_of(map, folder, arena);
	change->observed_at_ns = now_ns();
	set_origin(tour, change);
	if (is_upsert(kind))
		add_content(kopano, tour, folder, change, arena);
	return change;
}

/* ---- stores ---- */

static const struct store_properties *store_properties_of(const struct map *map, uint32_t store,
							  const struct store_facts *facts, struct arena *arena)
{
	struct store_properties *properties = arena_zero(arena, sizeof *properties);
	properties->display_name = map_store_name(map, store, arena);
	properties->detached = map_store(map, store)->flags & STORE_DETACHED;
	properties->owner_name = arena_copy(arena, facts->owner_name);
	properties->size_bytes = facts->size_bytes;
	properties->modified_at_ns = facts->modified_at_ns;
	return properties;
}

struct change *record_store(struct kopano *kopano, const struct tour *tour, uint32_t store, enum change_kind kind,
			    struct batch *batch)
{
	struct arena *arena = &batch->arena;
	const struct map *map = &kopano->map;
	struct change *change = batch_change(batch);
	change->kind = kind;
	change->object_type = OBJECT_STORE;
	change->server = copy_server(kopano, batch);
	change->store = map_store_info(map, store, arena);
	change->source_key = arena_copy(arena, slice_of(map_store(map, store)->guid, GUID_SIZE));
	change->observed_at_ns = now_ns();
	set_origin(tour, change);
	if (is_upsert(kind)) {
		change->entry_id = map_store_entry_id(map, store, arena);
		change->store_properties = store_properties_of(map, store, &tour->facts, arena);
	}
	return change;
}

void record_lifecycle_of_store(struct kopano *kopano, uint32_t store, enum lifecycle_type type, const char *text,
			       struct batch *batch)
{
	struct lifecycle *event = batch_lifecycle(batch, type);
	event->server = copy_server(kopano, batch);
	event->store = map_store_info(&kopano->map, store, &batch->arena);
	event->text = arena_text(&batch->arena, "%s", text);
	event->time_ns = now_ns();
}
