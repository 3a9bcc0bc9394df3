#include "tests/fakekopano/world.h"

#include <search.h>
#include <strings.h>
#include <time.h>

#define TYPE_SHIFT       30
#define PLACE_MASK       ((1u << TYPE_SHIFT) - 1)
#define TICKS_PER_SECOND 10000000u
#define EPOCH_TICKS      116444736000000000u

static uint64_t advanced_ms;

uint64_t time_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return EPOCH_TICKS + (uint64_t)now.tv_sec * TICKS_PER_SECOND + (uint64_t)now.tv_nsec / 100 +
	       __atomic_load_n(&advanced_ms, __ATOMIC_RELAXED) * (TICKS_PER_SECOND / 1000);
}

uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 +
	       __atomic_load_n(&advanced_ms, __ATOMIC_RELAXED);
}

void clock_advance(uint64_t ms)
{
	__atomic_add_fetch(&advanced_ms, ms, __ATOMIC_RELAXED);
}

uint64_t time_now_whole(void)
{
	return time_now() / TICKS_PER_SECOND * TICKS_PER_SECOND;
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

const char *intern(const char *text)
{
	static void *known;
	char **found = tfind(text, &known, compare_text);

	if (!found)
		found = tsearch(strdup(text), &known, compare_text);
	if (!found)
		abort();
	return *found;
}

struct world *world_new(const struct guid *guid)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	w->guid = *guid;
	w->n_users = w->n_stores = w->n_folders = w->n_items = 1;
	w->users = array_grow(NULL, 0, &w->cap_users, sizeof(*w->users));
	w->stores = array_grow(NULL, 0, &w->cap_stores, sizeof(*w->stores));
	w->folders = array_grow(NULL, 0, &w->cap_folders, sizeof(*w->folders));
	w->items = array_grow(NULL, 0, &w->cap_items, sizeof(*w->items));
	memset(w->users, 0, sizeof(*w->users));
	memset(w->stores, 0, sizeof(*w->stores));
	memset(w->folders, 0, sizeof(*w->folders));
	memset(w->items, 0, sizeof(*w->items));
	journal_init(&w->journal);
	journal_init(&w->ab_journal);
	return w;
}

static void clone_users(struct world *copy, const struct world *w)
{
	copy->users = array_copy(w->users, w->n_users, &copy->cap_users, sizeof(*w->users));
	for (uint32_t i = 1; i < w->n_users; i++) {
		struct user *u = &copy->users[i];

		if (!u->id)
			continue;
		u->name = strdup(u->name);
		u->full_name = strdup(u->full_name);
		u->mail = strdup(u->mail);
		u->password = strdup(u->password);
		u->members = vec_clone(&u->members);
	}
}

static void clone_folders(struct world *copy, const struct world *w)
{
	copy->folders = array_copy(w->folders, w->n_folders, &copy->cap_folders, sizeof(*w->folders));
	for (uint32_t i = 1; i < w->n_folders; i++) {
		struct folder *f = &copy->folders[i];

		f->acl = array_copy(f->acl, f->n_acl, &f->cap_acl, sizeof(*f->acl));
		props_ref(f->props);
		f->children = vec_clone(&f->children);
		f->items = vec_clone(&f->items);
		f->changes = vec_clone(&f->changes);
	}
}

static void clone_named(struct world *copy, const struct world *w)
{
	copy->named = array_copy(w->named, w->n_named, &copy->cap_named, sizeof(*w->named));
	for (uint32_t i = 0; i < w->n_named; i++)
		if (copy->named[i].name)
			copy->named[i].name = strdup(copy->named[i].name);
}

struct world *world_clone(const struct world *w)
{
	struct world *copy = calloc(1, sizeof(*copy));

	if (!copy)
		abort();
	*copy = *w;
	copy->journal = journal_clone(&w->journal);
	copy->ab_journal = journal_clone(&w->ab_journal);
	clone_users(copy, w);
	clone_folders(copy, w);
	clone_named(copy, w);
	copy->stores = array_copy(w->stores, w->n_stores, &copy->cap_stores, sizeof(*w->stores));
	copy->items = array_copy(w->items, w->n_items, &copy->cap_items, sizeof(*w->items));
	for (uint32_t i = 1; i < w->n_items; i++)
		props_ref(copy->items[i].props);
	copy->syncs = array_copy(w->syncs, w->n_syncs, &copy->cap_syncs, sizeof(*w->syncs));
	copy->by_hid = array_copy(w->by_hid, w->last_hid + 1, &copy->cap_hids, sizeof(*w->by_hid));
	copy->by_key = array_copy(w->by_key, w->n_keys, &copy->cap_keys, sizeof(*w->by_key));
	copy->free_items = vec_clone(&w->free_items);
	copy->free_folders = vec_clone(&w->free_folders);
	copy->lagging = array_copy(w->lagging, w->n_lagging, &copy->cap_lagging, sizeof(*w->lagging));
	copy->reserved = NULL;
	return copy;
}

static void free_users(struct world *w)
{
	for (uint32_t i = 1; i < w->n_users; i++) {
		struct user *u = &w->users[i];

		if (!u->id)
			continue;
		free(u->name);
		free(u->full_name);
		free(u->mail);
		free(u->password);
		vec_free(&u->members);
	}
	free(w->users);
}

static void free_folder_contents(struct folder *f)
{
	free(f->acl);
	props_unref(f->props);
	vec_free(&f->children);
	vec_free(&f->items);
	vec_free(&f->changes);
}

void world_free(struct world *w)
{
	for (uint32_t i = 1; i < w->n_folders; i++)
		free_folder_contents(&w->folders[i]);
	for (uint32_t i = 1; i < w->n_items; i++)
		props_unref(w->items[i].props);
	for (uint32_t i = 0; i < w->n_named; i++)
		free(w->named[i].name);
	free_users(w);
	free(w->stores);
	free(w->folders);
	free(w->items);
	free(w->syncs);
	free(w->lagging);
	free(w->named);
	free(w->by_hid);
	free(w->by_key);
	vec_free(&w->free_items);
	vec_free(&w->free_folders);
	journal_free(&w->journal);
	journal_free(&w->ab_journal);
	free(w);
}

uint32_t world_new_hid(struct world *w, enum object_type type, uint32_t place)
{
	w->last_hid++;
	while (w->cap_hids <= w->last_hid)
		w->by_hid = array_grow(w->by_hid, w->cap_hids, &w->cap_hids, sizeof(*w->by_hid));
	w->by_hid[0] = 0;
	w->by_hid[w->last_hid] = (uint32_t)type << TYPE_SHIFT | place;
	return w->last_hid;
}

uint32_t world_new_key(struct world *w, enum object_type type, uint32_t place)
{
	if (w->n_keys == 0)
		w->n_keys = 1;
	while (w->cap_keys <= w->n_keys)
		w->by_key = array_grow(w->by_key, w->cap_keys, &w->cap_keys, sizeof(*w->by_key));
	w->by_key[0] = 0;
	w->by_key[w->n_keys] = (uint32_t)type << TYPE_SHIFT | place;
	return w->n_keys++;
}

void world_forget_key(struct world *w, uint32_t key)
{
	w->by_key[key] = 0;
}

void world_forget_hid(struct world *w, uint32_t hid)
{
	w->by_hid[hid] = 0;
}

static uint32_t place_in(const uint32_t *index, uint32_t n, enum object_type type, uint32_t at)
{
	return at < n && index[at] >> TYPE_SHIFT == type ? index[at] & PLACE_MASK : 0;
}

uint32_t world_by_hid(const struct world *w, enum object_type type, uint32_t hid)
{
	return place_in(w->by_hid, w->last_hid + 1, type, hid);
}

uint32_t world_by_key(const struct world *w, enum object_type type, uint32_t key)
{
	return place_in(w->by_key, w->n_keys, type, key);
}

uint32_t world_by_source_key(const struct world *w, enum object_type type, struct bytes id)
{
	return world_by_key(w, type, source_key_read(id, &w->guid));
}

enum object_type world_by_entry_id(const struct world *w, struct bytes id, uint32_t *place)
{
	uint32_t key = entry_id_read(id, &w->guid), hid = old_entry_id_read(id);

	if (hid && hid <= w->last_hid) {
		*place = w->by_hid[hid] & PLACE_MASK;
		return *place ? w->by_hid[hid] >> TYPE_SHIFT : OBJECT_NONE;
	}
	if (key == 0 || key >= w->n_keys)
		return OBJECT_NONE;
	*place = w->by_key[key] & PLACE_MASK;
	return *place ? w->by_key[key] >> TYPE_SHIFT : OBJECT_NONE;
}

uint32_t world_new_item(struct world *w)
{
	uint32_t place;

	if (w->free_items.n > 0) {
		place = w->free_items.at[--w->free_items.n];
	} else {
		w->items = array_grow(w->items, w->n_items, &w->cap_items, sizeof(*w->items));
		place = w->n_items++;
	}
	w->items[place] = (struct item){0};
	return place;
}

uint32_t world_new_folder(struct world *w)
{
	uint32_t place;

	if (w->free_folders.n > 0) {
		place = w->free_folders.at[--w->free_folders.n];
	} else {
		w->folders = array_grow(w->folders, w->n_folders, &w->cap_folders, sizeof(*w->folders));
		place = w->n_folders++;
	}
	w->folders[place] = (struct folder){0};
	return place;
}

uint32_t world_new_store(struct world *w)
{
	w->stores = array_grow(w->stores, w->n_stores, &w->cap_stores, sizeof(*w->stores));
	w->stores[w->n_stores] = (struct store){0};
	return w->n_stores++;
}

void world_free_item(struct world *w, uint32_t item)
{
	struct item *i = &w->items[item];

	world_forget_key(w, i->key);
	world_forget_hid(w, i->hid);
	props_unref(i->props);
	*i = (struct item){0};
	vec_push(&w->free_items, item);
}

void world_free_folder(struct world *w, uint32_t folder)
{
	struct folder *f = &w->folders[folder];

	world_forget_key(w, f->key);
	world_forget_hid(w, f->hid);
	free_folder_contents(f);
	*f = (struct folder){0};
	vec_push(&w->free_folders, folder);
}

struct user *world_user(const struct world *w, uint32_t id)
{
	return id < w->n_users && w->users[id].id ? &w->users[id] : NULL;
}

struct user *world_user_named(const struct world *w, const char *name)
{
	for (uint32_t i = 1; i < w->n_users; i++)
		if (w->users[i].id && strcasecmp(w->users[i].name, name) == 0)
			return &w->users[i];
	return NULL;
}

uint32_t world_store_of(const struct world *w, uint32_t user)
{
	for (uint32_t i = 1; i < w->n_stores; i++) {
		const struct store *s = &w->stores[i];

		if (s->owner == user && s->type == STORE_PRIVATE && !s->detached && !s->removed)
			return i;
	}
	return 0;
}

uint32_t world_public_store(const struct world *w)
{
	for (uint32_t i = 1; i < w->n_stores; i++)
		if (w->stores[i].type == STORE_PUBLIC && !w->stores[i].removed)
			return i;
	return 0;
}

uint32_t world_child_named(const struct world *w, uint32_t folder, const char *name)
{
	const struct vec *children = &w->folders[folder].children;

	for (uint32_t i = 0; i < children->n; i++) {
		const struct folder *f = &w->folders[children->at[i]];

		if (!f->soft_deleted && strcmp(f->name, name) == 0)
			return children->at[i];
	}
	return 0;
}

bool world_is_below(const struct world *w, uint32_t folder, uint32_t ancestor)
{
	while (folder && folder != ancestor)
		folder = w->folders[folder].parent;
	return folder == ancestor;
}
