#include "tests/fakekopano/method.h"
#include "tests/fakekopano/object.h"
#include "tests/fakekopano/rights.h"
#include "tests/fakekopano/server.h"
#include "tests/fakekopano/tags.h"

#define SYNC_CONTENTS    1u
#define SYNC_HIERARCHY   2u
#define SYNC_ADDRESSBOOK 3u

#define FLAG_NO_DELETIONS      0x2u
#define FLAG_NO_SOFT_DELETIONS 0x4u
#define FLAG_READ_STATE        0x8u
#define FLAG_ASSOCIATED        0x10u
#define FLAG_NORMAL            0x20u
#define FLAG_CATCHUP           0x400u
#define FLAG_NO_DB_CHANGES     0x80000u

struct reading {
	struct call *c;
	uint32_t folder; /* place, 0 is the whole server */
	uint32_t type;
	uint32_t from;
	uint32_t flags;
	uint32_t max;
	const struct sync *sync;
};

struct sync *sync_find(const struct world *w, uint32_t id)
{
	/* Ids ascend, so the rows are sorted. */
	uint32_t low = 0, high = w->n_syncs;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (w->syncs[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < w->n_syncs && w->syncs[low].id == id ? &w->syncs[low] : NULL;
}

static uint32_t follow_access(const struct call *c, uint32_t folder, uint32_t type)
{
	uint32_t user = c->session->user;

	if (!folder)
		return is_system_admin(c->w, user) ? 0 : KCERR_NO_ACCESS;
	if (type == SYNC_CONTENTS)
		return may_read(c->w, user, folder) ? 0 : KCERR_NO_ACCESS;
	return may_see(c->w, user, folder) ? 0 : KCERR_NO_ACCESS;
}

static uint32_t register_sync(struct call *c, uint32_t folder, uint32_t type)
{
	struct world *w = c->w;

	w->syncs = array_grow(w->syncs, w->n_syncs, &w->cap_syncs, sizeof(*w->syncs));
	w->syncs[w->n_syncs++] =
		(struct sync){++w->last_sync, folder ? w->folders[folder].key : 0, 1, type, clock_ms()};
	return w->last_sync;
}

static uint32_t set_sync(struct call *c, struct bytes key, uint32_t type, uint32_t change, uint32_t *id)
{
	uint32_t folder = world_by_source_key(c->w, OBJECT_FOLDER, key), er;
	struct sync *sync;

	if (key.n && !folder)
		return KCERR_NOT_FOUND;
	if (folder && type != SYNC_CONTENTS && type != SYNC_HIERARCHY)
		return KCERR_INVALID_TYPE;
	er = follow_access(c, folder, type);
	if (er)
		return er;
	if (*id == 0) {
		*id = register_sync(c, folder, type);
		return 0;
	}
	sync = sync_find(c->w, *id);
	if (!sync)
		return KCERR_NOT_FOUND;
	if (sync->type != type || sync->folder_key != (folder ? c->w->folders[folder].key : 0))
		return KCERR_COLLISION;
	sync->change = change;
	sync->stored_ms = clock_ms();
	return 0;
}

void method_set_sync_status(struct call *c)
{
	struct bytes key = arg_bytes(c, c->in, "sSourceKeyFolder");
	uint32_t id = arg_uint(c, c->in, "ulSyncId"), change = arg_uint(c, c->in, "ulChangeId");
	uint32_t type = arg_uint(c, c->in, "ulChangeType"), er = c->er;

	arg_uint(c, c->in, "ulFlags");
	if (call_faulted(c))
		return;
	if (!er)
		er = set_sync(c, key, type, change, &id);
	put_uint(c, "ulSyncId", er ? 0 : id);
	put_uint(c, "er", er);
}

void method_get_sync_states(struct call *c)
{
	uint32_t limit;
	const struct xml_node *item = array_items(c, arg_node(c, c->in, "ulaSyncId"), "xsd:unsignedInt", &limit);

	put_raw(c, "<sSyncStates>");
	for (; item && !c->er && limit > 0; item = xml_next(c->doc, item), limit--) {
		const struct sync *sync = sync_find(c->w, (uint32_t)node_uint(c, item, UINT32_MAX));

		if (!sync)
			continue;
		put_raw(c, "<item>");
		put_uint(c, "ulSyncId", sync->id);
		put_uint(c, "ulChangeId", sync->change);
		put_raw(c, "</item>");
	}
	put_raw(c, "</sSyncStates>");
	put_uint(c, "er", c->er);
}

static void put_entry(struct call *c, uint32_t id, struct bytes key, struct bytes parent, uint32_t kind, uint32_t flags)
{
	put_raw(c, "<item>");
	put_uint(c, "ulChangeId", id);
	put_bytes(c, "sSourceKey", key.p, key.n);
	put_bytes(c, "sParentSourceKey", parent.p, parent.n);
	put_uint(c, "ulChangeType", kind);
	put_uint(c, "ulFlags", flags);
	put_raw(c, "</item>");
	__atomic_add_fetch(&c->server->n_entries, 1, __ATOMIC_RELAXED);
}

static void put_keyed_entry(struct call *c, uint32_t id, uint32_t key, uint32_t parent, uint32_t kind, uint32_t flags)
{
	unsigned char key_bytes[SOURCE_KEY_BYTES], parent_bytes[SOURCE_KEY_BYTES];

	source_key_make(key_bytes, &c->w->guid, key);
	source_key_make(parent_bytes, &c->w->guid, parent);
	put_entry(c, id, (struct bytes){key_bytes, SOURCE_KEY_BYTES}, (struct bytes){parent_bytes, SOURCE_KEY_BYTES},
		  kind, flags);
}

static void put_journal_entry(struct call *c, uint32_t id)
{
	const struct journal_entry *e = &c->w->journal.entries[id];

	put_keyed_entry(c, id, e->key, e->parent, e->kind, e->flags);
}

static bool flags_pass(uint32_t kind, uint32_t flags)
{
	switch (kind & 0xF) {
	case CHANGE_FLAG:
		return flags & FLAG_READ_STATE;
	case CHANGE_SOFT_DELETE:
		return !(flags & (FLAG_NO_DELETIONS | FLAG_NO_SOFT_DELETIONS));
	case CHANGE_HARD_DELETE:
		return !(flags & FLAG_NO_DELETIONS);
	default:
		return true;
	}
}

/* With only one of the two kinds asked for, an item that is gone passes: its kind is no longer known. */
static bool kind_passes(const struct reading *r, const struct journal_entry *e)
{
	const struct world *w = r->c->w;

	if ((r->flags & FLAG_NORMAL && r->flags & FLAG_ASSOCIATED) || !world_by_key(w, OBJECT_ITEM, e->key))
		return true;
	return r->flags & (e->associated ? FLAG_ASSOCIATED : FLAG_NORMAL);
}

static bool item_entry_passes(const struct reading *r, const struct journal_entry *e)
{
	return e->kind & CHANGE_MESSAGE && flags_pass(e->kind, r->flags) && kind_passes(r, e);
}

/* Everything present, newest object first. */
static void list_contents(struct reading *r)
{
	const struct world *w = r->c->w;
	const struct folder *f = &w->folders[r->folder];

	r->max = folder_last_shown(w, f);
	for (uint32_t i = f->items.n; i-- > 0;) {
		const struct item *item = &w->items[world_by_hid(w, OBJECT_ITEM, f->items.at[i])];

		if (item->state & ITEM_SOFT_DELETED)
			continue;
		if (r->flags & (item->state & ITEM_ASSOCIATED ? FLAG_ASSOCIATED : FLAG_NORMAL))
			put_keyed_entry(r->c, journal_find(&w->journal, f->key, item->key, CHANGE_MESSAGE | CHANGE_NEW),
					item->key, f->key, CHANGE_MESSAGE | CHANGE_NEW, 0);
	}
}

static void follow_folder_contents(struct reading *r)
{
	const struct world *w = r->c->w;
	const struct folder *f = &w->folders[r->folder];

	r->max = folder_last_shown(w, f);
	for (uint32_t i = r->from == UINT32_MAX ? f->changes.n : vec_lower(&f->changes, r->from + 1); i < f->changes.n;
	     i++)
		if (item_entry_passes(r, &w->journal.entries[f->changes.at[i]]) && world_shows(w, f->changes.at[i]))
			put_journal_entry(r->c, f->changes.at[i]);
}

static void follow_server(struct reading *r)
{
	const struct world *w = r->c->w;
	const struct journal *j = &w->journal;
	bool folders = r->type == SYNC_HIERARCHY;
	uint32_t last = world_last_shown(w);

	r->max = folders && !(r->flags & FLAG_CATCHUP) ? r->sync->change : last;
	if (r->from == 0)
		return;
	for (uint32_t id = r->from; id < last;) {
		const struct journal_entry *e = &j->entries[++id];

		if (!e->kind || !world_shows(w, id))
			continue;
		if (folders ? e->kind & CHANGE_FOLDER && flags_pass(e->kind, r->flags) : item_entry_passes(r, e)) {
			put_journal_entry(r->c, id);
			r->max = id > r->max ? id : r->max;
		}
	}
}

static bool is_listed(const struct reading *r, uint32_t folder)
{
	const struct folder *f = &r->c->w->folders[folder];

	return f->type == 1 && !f->soft_deleted;
}

/* The visible tree, parents first; with hidden children of visible folders when they are to be listed themselves. */
static void gather_visible(const struct reading *r, struct vec *tree, bool with_hidden)
{
	const struct world *w = r->c->w;

	for (uint32_t i = 0; i < tree->n; i++) {
		const struct vec *children = &w->folders[tree->at[i]].children;

		if (!may_see(w, r->c->session->user, tree->at[i]))
			continue;
		for (uint32_t k = 0; k < children->n; k++)
			if (is_listed(r, children->at[k]) &&
			    (with_hidden || may_see(w, r->c->session->user, children->at[k])))
				vec_push(tree, children->at[k]);
	}
}

static void list_hierarchy(struct reading *r)
{
	const struct world *w = r->c->w;
	struct vec tree = {0};

	r->max = world_last_shown(w);
	if (r->flags & FLAG_CATCHUP || !r->folder)
		return;
	vec_push(&tree, r->folder);
	gather_visible(r, &tree, true);
	for (uint32_t i = 1; i < tree.n; i++) {
		const struct folder *f = &w->folders[tree.at[i]];

		put_keyed_entry(r->c, r->max, f->key, w->folders[f->parent].key, CHANGE_FOLDER | CHANGE_NEW, 0);
	}
	vec_free(&tree);
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void follow_hierarchy(struct reading *r)
{
	const struct world *w = r->c->w;
	struct vec tree = {0}, ids = {0};

	r->max = r->sync->change;
	vec_push(&tree, r->folder);
	gather_visible(r, &tree, false);
	for (uint32_t i = 0; i < tree.n; i++) {
		const struct vec *changes = &w->folders[tree.at[i]].changes;

		for (uint32_t k = changes->n; k-- > 0 && changes->at[k] > r->from;)
			if (w->journal.entries[changes->at[k]].kind & CHANGE_FOLDER && world_shows(w, changes->at[k]))
				vec_push(&ids, changes->at[k]);
	}
	if (ids.n)
		qsort(ids.at, ids.n, sizeof(*ids.at), compare_ids);
	for (uint32_t i = 0; i < ids.n; i++) {
		if (!flags_pass(w->journal.entries[ids.at[i]].kind, r->flags))
			continue;
		put_journal_entry(r->c, ids.at[i]);
		r->max = ids.at[i] > r->max ? ids.at[i] : r->max;
	}
	vec_free(&tree);
	vec_free(&ids);
}

static void put_ab_entry(struct call *c, uint32_t id, uint32_t user, uint32_t action, struct bytes container)
{
	struct value v;

	user_entry_id(c->w, user, &v);
	if (!(c->session->capabilities & CAP_MULTI_SERVER))
		v.len = (uint32_t)ab_id_make((unsigned char *)v.scratch, 0, c->w->users[user].type, user, NULL);
	put_entry(c, id, (struct bytes){(const unsigned char *)v.data, v.len}, container, CHANGE_AB | action, 0);
}

static void follow_address_book(struct reading *r)
{
	const struct world *w = r->c->w;
	const struct journal *j = &w->ab_journal;
	unsigned char id[AB_ID_MAX_BYTES];
	struct bytes container = {id, (uint32_t)ab_id_make(id, 0, AB_CONTAINER, 1, NULL)};

	if (r->from == 0) {
		r->max = j->max;
		for (uint32_t i = USER_SYSTEM + 1; i < w->n_users; i++)
			if (w->users[i].id)
				put_ab_entry(r->c, r->max, i, CHANGE_NEW, container);
		return;
	}
	for (uint32_t change = r->from; change < j->max;) {
		const struct journal_entry *e = &j->entries[++change];

		if (!e->kind)
			continue;
		put_ab_entry(r->c, change, e->key, e->kind & 0xF, container);
		r->max = change;
	}
}

static uint32_t prepare(struct reading *r, uint32_t sync_id)
{
	struct world *w = r->c->w;
	uint32_t er;

	if (r->type > SYNC_ADDRESSBOOK)
		return KCERR_NOT_FOUND;
	if (sync_id == 0)
		return KCERR_INVALID_PARAMETER;
	r->sync = sync_find(w, sync_id);
	if (!r->sync)
		return r->from ? KCERR_NOT_FOUND : KCERR_DATABASE_ERROR;
	if (r->sync->type != r->type && r->from)
		return KCERR_COLLISION;
	r->folder = world_by_key(w, OBJECT_FOLDER, r->sync->folder_key);
	if (r->sync->folder_key && !r->folder)
		return KCERR_NOT_FOUND;
	er = follow_access(r->c, r->folder, r->type);
	if (er)
		return er;
	return !r->folder && !r->from && !(r->flags & FLAG_CATCHUP) ? KCERR_NO_SUPPORT : 0;
}

/* An initial list of a folder without any entry writes one, so that there is a position to go on from. */
static bool needs_place_holder(const struct reading *r)
{
	return r->type == SYNC_CONTENTS && r->folder && !r->from && !(r->flags & FLAG_NO_DB_CHANGES) &&
	       !folder_last_change(&r->c->w->folders[r->folder]);
}

static void read_changes(struct reading *r)
{
	if (r->type == SYNC_ADDRESSBOOK)
		follow_address_book(r);
	else if (!r->folder)
		follow_server(r);
	else if (r->type == SYNC_CONTENTS)
		r->from ? follow_folder_contents(r) : list_contents(r);
	else
		r->from ? follow_hierarchy(r) : list_hierarchy(r);
}

void method_get_changes(struct call *c)
{
	struct reading r = {.c = c,
			    .type = arg_uint(c, c->in, "ulChangeType"),
			    .from = arg_uint(c, c->in, "ulChangeId"),
			    .flags = arg_uint(c, c->in, "ulFlags")};
	uint32_t sync_id = arg_uint(c, c->in, "ulSyncId"), er = c->er;

	arg_bytes(c, c->in, "sSourceKeyFolder");
	if (call_faulted(c))
		return;
	if (!er && r.type != SYNC_ADDRESSBOOK)
		er = prepare(&r, sync_id);
	if (!er && needs_place_holder(&r)) {
		c->needs_exclusive = !c->exclusive;
		if (c->needs_exclusive)
			return;
		folder_place_holder(c->w, r.folder);
	}
	put_raw(c, "<sChangesArray>");
	if (!er)
		read_changes(&r);
	put_raw(c, "</sChangesArray>");
	put_uint(c, "ulMaxChangeId", er ? 0 : r.max);
	put_uint(c, "er", er);
}
