#include "bridge/kopano/tell.h"

#include "bridge/driver.h"

/* ---- folders by entry id ---- */

static bool is_it(const struct map *map, uint32_t store, uint32_t folder, struct slice entry_id)
{
	return map_folder(map, folder)->store == store && (map_folder(map, folder)->flags & FOLDER_SEEN) &&
	       map_has_entry_id(map, folder, entry_id);
}

uint32_t tell_find(struct tell *tell, uint32_t store, struct slice entry_id)
{
	const struct map *map = tell->map;
	uint32_t *recent = &tell->recent[index_hash(entry_id) % TELL_RECENT];
	if (!entry_id.size)
		return MAP_NONE;
	if (*recent && is_it(map, store, *recent - 1, entry_id))
		return *recent - 1;
	uint32_t folder = map_next_of_store(map, store, MAP_NONE);
	while (folder != MAP_NONE && !is_it(map, store, folder, entry_id))
		folder = map_next_of_store(map, store, folder);
	if (folder != MAP_NONE)
		*recent = folder + 1;
	return folder;
}

/* ---- changes ---- */

/* A notice, and where the map has what it is about. */
struct told_notice {
	const struct notice *notice;
	int64_t at_ns;
	uint32_t store, self; /* self: of a folder */
	uint32_t parent, old_parent;
};

static struct slice key_of(const struct tell *tell, uint32_t folder, struct arena *arena)
{
	return folder == MAP_NONE ? slice_of(NULL, 0) : map_source_key(tell->map, folder, arena);
}

static const struct folder_info *info_of(const struct tell *tell, uint32_t folder, struct arena *arena)
{
	return folder == MAP_NONE ? NULL : map_folder_info(tell->map, folder, arena);
}

static struct change *add(const struct tell *tell, const struct told_notice *told, struct batch *batch,
			  enum change_kind kind, struct slice entry_id, uint32_t parent)
{
	struct arena *arena = &batch->arena;
	struct change *change = batch_change(batch);
	struct server_info *server = arena_alloc(arena, sizeof *server);
	*server = *tell->server;
	*change = (struct change){
		.kind = kind,
		.origin = ORIGIN_NOTIFICATION,
		.object_type = told->notice->object == NOTICE_FOLDER ? OBJECT_FOLDER : OBJECT_ITEM,
		.server = server,
		.store = map_store_info(tell->map, told->store, arena),
		.folder = info_of(tell, parent, arena),
		.source_key = key_of(tell, told->self, arena),
		.parent_source_key = key_of(tell, parent, arena),
		.entry_id = arena_copy(arena, entry_id),
		.observed_at_ns = told->at_ns,
	};
	return change;
}

static void add_move(const struct tell *tell, const struct told_notice *told, struct batch *batch,
		     enum change_kind kind)
{
	struct arena *arena = &batch->arena;
	struct change *change = add(tell, told, batch, kind, told->notice->entry_id, told->parent);
	struct move *move = arena_alloc(arena, sizeof *move);
	*move = (struct move){
		.old_entry_id = arena_copy(arena, told->notice->old_entry_id),
		.old_parent_entry_id = arena_copy(arena, told->notice->old_parent_entry_id),
		.old_folder = info_of(tell, told->old_parent, arena),
	};
	change->move = move;
}

static bool is_followed(const struct tell *tell, const struct told_notice *told, uint32_t parent)
{
	if (told->notice->object == NOTICE_FOLDER)
		return tell->is_followed(tell->context, told->self, parent);
	return parent != MAP_NONE && tell->is_followed(tell->context, parent, MAP_NONE);
}

static void tell_move(const struct tell *tell, const struct told_notice *told, struct batch *batch)
{
	const struct notice *notice = told->notice;
	/* A folder keeps its id. */
	struct slice old_id = notice->old_entry_id.size ? notice->old_entry_id : notice->entry_id;
	bool comes = is_followed(tell, told, told->parent), leaves = is_followed(tell, told, told->old_parent);
	if (comes && leaves && !tell->split) {
		add_move(tell, told, batch, CHANGE_MOVED);
		return;
	}
	if (comes)
		add(tell, told, batch, CHANGE_CREATED, notice->entry_id, told->parent);
	if (leaves)
		add(tell, told, batch, CHANGE_DELETED, old_id, told->old_parent);
}

static void tell_copy(const struct tell *tell, const struct told_notice *told, struct batch *batch)
{
	if (!is_followed(tell, told, told->parent))
		return;
	if (tell->split)
		add(tell, told, batch, CHANGE_CREATED, told->notice->entry_id, told->parent);
	else
		add_move(tell, told, batch, CHANGE_COPIED);
}

static void tell_one(const struct tell *tell, const struct told_notice *told, struct batch *batch,
		     enum change_kind kind)
{
	if (is_followed(tell, told, told->parent))
		add(tell, told, batch, kind, told->notice->entry_id, told->parent);
}

static bool is_wanted(const struct tell *tell, const struct notice *notice)
{
	return (notice->object == NOTICE_ITEM && (tell->objects & FOLLOW_ITEM)) ||
	       (notice->object == NOTICE_FOLDER && (tell->objects & FOLLOW_FOLDER));
}

/* A folder that is changed does not say where it is; the map does. */
static uint32_t parent_of(struct tell *tell, const struct told_notice *told)
{
	uint32_t parent = tell_find(tell, told->store, told->notice->parent_entry_id);
	if (parent != MAP_NONE || told->self == MAP_NONE)
		return parent;
	parent = map_folder(tell->map, told->self)->parent;
	return parent == MAP_NONE || !(map_folder(tell->map, parent)->flags & FOLDER_SEEN) ? MAP_NONE : parent;
}

void tell_notice(struct tell *tell, uint32_t store, const struct heard_notice *heard, struct batch *batch)
{
	const struct notice *notice = &heard->notice;
	struct told_notice told = {.notice = notice, .at_ns = heard->at_ns, .store = store, .self = MAP_NONE};
	if (!is_wanted(tell, notice))
		return;
	if (notice->object == NOTICE_FOLDER)
		told.self = tell_find(tell, store, notice->entry_id);
	told.parent = parent_of(tell, &told);
	told.old_parent = tell_find(tell, store, notice->old_parent_entry_id);
	switch (notice->event) {
	case NOTICE_CREATED:
		return tell_one(tell, &told, batch, CHANGE_CREATED);
	case NOTICE_UPDATED:
		return tell_one(tell, &told, batch, CHANGE_UPDATED);
	case NOTICE_DELETED:
		return tell_one(tell, &told, batch, CHANGE_DELETED);
	case NOTICE_MOVED:
		return tell_move(tell, &told, batch);
	case NOTICE_COPIED:
		return tell_copy(tell, &told, batch);
	}
}
