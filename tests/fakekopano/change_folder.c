#include "tests/fakekopano/change.h"

/* What happens to search folders is in no journal. */
static void record_folder(struct change *c, uint32_t parent, uint32_t folder, enum change_action action)
{
	struct folder *f = &c->w->folders[folder];
	uint32_t id = f->type == 2 ? 0 : change_record(c, parent, f->key, CHANGE_FOLDER | action, 0, false);

	if (action < CHANGE_SOFT_DELETE)
		f->change = id;
	change_touch(c, parent, OBJECT_FOLDER, f->hid);
}

uint32_t folder_create(struct change *c, uint32_t store, uint32_t parent, const char *name, const char *class)
{
	return folder_create_typed(c, store, parent, name, class, parent ? 1 : 0);
}

uint32_t folder_create_typed(struct change *c, uint32_t store, uint32_t parent, const char *name, const char *class,
			     uint32_t type)
{
	struct world *w = c->w;
	uint32_t place = world_new_folder(w);
	struct folder *f = &w->folders[place];

	f->hid = world_new_hid(w, OBJECT_FOLDER, place);
	f->key = world_new_key(w, OBJECT_FOLDER, place);
	f->store = store;
	f->parent = parent;
	f->type = (uint8_t)type;
	f->name = name ? intern(name) : NULL;
	f->class = class ? intern(class) : NULL;
	f->comment = "";
	f->created = f->modified = time_now_whole();
	if (parent) {
		vec_push(&w->folders[parent].children, place);
		record_folder(c, parent, place, CHANGE_NEW);
		event_folder(c, EVENT_CREATED, place);
		event_counters(c, parent);
	}
	return place;
}

void folder_save(struct change *c, uint32_t folder, uint64_t time)
{
	struct folder *f = &c->w->folders[folder];

	f->modified = time;
	if (!f->parent)
		return;
	record_folder(c, f->parent, folder, CHANGE_CHANGE);
	event_folder(c, EVENT_MODIFIED, folder);
}

static void leave_parent(struct world *w, uint32_t folder)
{
	struct vec *children = &w->folders[w->folders[folder].parent].children;

	for (uint32_t i = 0; i < children->n; i++)
		if (children->at[i] == folder)
			vec_remove_at(children, i--);
}

void folder_move(struct change *c, uint32_t folder, uint32_t parent)
{
	struct folder *f = &c->w->folders[folder];
	struct event old = event_of_folder(c->w, EVENT_MOVED, folder), e;

	event_counters_later(c, f->parent);
	record_folder(c, f->parent, folder, CHANGE_CHANGE);
	leave_parent(c->w, folder);
	f->parent = parent;
	vec_push(&c->w->folders[parent].children, folder);
	record_folder(c, parent, folder, CHANGE_CHANGE);
	e = event_of_folder(c->w, EVENT_MOVED, folder);
	event_from(&e, &old);
	event_later(c, &e);
	event_counters_later(c, parent);
}

static void folder_deleted_later(struct change *c, uint32_t folder)
{
	struct event e = event_of_folder(c->w, EVENT_DELETED, folder);

	event_later(c, &e);
}

static void record_item_of_tree(struct change *c, uint32_t hid, bool hard)
{
	uint32_t place = world_by_hid(c->w, OBJECT_ITEM, hid);
	struct item *item = &c->w->items[place];

	if (hard)
		item_delete(c, place, true);
	else if (!(item->state & ITEM_SOFT_DELETED))
		item_record_delete(c, place);
}

/*
 * Level by level, as the real server does it: the folders in a folder, then the items in it, then the same for each of
 * these folders. A soft delete marks only the top one; everything below gets entries, but stays as it is. *tree gets
 * the folders.
 */
static void record_tree(struct change *c, struct vec *tree, bool hard)
{
	struct world *w = c->w;
	enum change_action action = hard ? CHANGE_HARD_DELETE : CHANGE_SOFT_DELETE;

	c->quiet = hard;
	record_folder(c, w->folders[tree->at[0]].parent, tree->at[0], action);
	for (uint32_t at = 0; at < tree->n; at++) {
		uint32_t folder = tree->at[at];
		struct vec items = vec_clone(&w->folders[folder].items);

		for (uint32_t i = 0; i < w->folders[folder].children.n; i++) {
			vec_push(tree, w->folders[folder].children.at[i]);
			record_folder(c, folder, w->folders[folder].children.at[i], action);
			if (!hard)
				folder_deleted_later(c, w->folders[folder].children.at[i]);
		}
		for (uint32_t i = 0; i < items.n; i++)
			record_item_of_tree(c, items.at[i], hard);
		vec_free(&items);
	}
	c->quiet = false;
}

void folder_delete(struct change *c, uint32_t folder, bool hard)
{
	struct world *w = c->w;
	struct vec tree = {0};

	vec_push(&tree, folder);
	folder_deleted_later(c, folder);
	event_counters_later(c, w->folders[folder].parent);
	record_tree(c, &tree, hard);
	w->folders[folder].soft_deleted = true;
	w->folders[folder].deleted_on = time_now();
	if (hard) {
		leave_parent(w, folder);
		while (tree.n > 0)
			world_free_folder(w, tree.at[--tree.n]);
	}
	vec_free(&tree);
}

/* What is in the copy is told of by one change of its counters. */
static void copy_items(struct change *c, uint32_t folder, uint32_t copy)
{
	struct world *w = c->w;

	c->quiet = true;
	for (uint32_t i = 0; i < w->folders[folder].items.n; i++) {
		uint32_t item = world_by_hid(w, OBJECT_ITEM, w->folders[folder].items.at[i]);

		if (!(w->items[item].state & ITEM_SOFT_DELETED))
			item_copy(c, item, copy);
	}
	c->quiet = false;
	if (w->folders[copy].items.n)
		event_counters(c, copy);
}

uint32_t folder_copy(struct change *c, uint32_t folder, uint32_t parent)
{
	struct world *w = c->w;
	const char *name = w->folders[folder].name, *class = w->folders[folder].class;
	uint32_t copy = folder_create_typed(c, w->folders[parent].store, parent, name, class, w->folders[folder].type);
	struct event old = event_of_folder(w, EVENT_COPIED, folder), e = event_of_folder(w, EVENT_COPIED, copy);

	w->folders[copy].comment = w->folders[folder].comment;
	w->folders[copy].modified = w->folders[folder].modified;
	record_folder(c, parent, copy, CHANGE_CHANGE);
	copy_items(c, folder, copy);
	event_from(&e, &old);
	event_later(c, &e);
	for (uint32_t i = 0; i < w->folders[folder].children.n; i++)
		if (!w->folders[w->folders[folder].children.at[i]].soft_deleted)
			folder_copy(c, w->folders[folder].children.at[i], copy);
	return copy;
}

void folder_restore(struct change *c, uint32_t folder)
{
	struct folder *f = &c->w->folders[folder];

	f->soft_deleted = false;
	f->deleted_on = 0;
	record_folder(c, f->parent, folder, CHANGE_CHANGE);
	event_folder(c, EVENT_CREATED, folder);
	event_counters(c, f->parent);
}
