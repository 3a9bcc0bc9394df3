#include "tests/fakekopano/table.h"

#include "tests/fakekopano/object.h"
#include "tests/fakekopano/rights.h"
#include "tests/fakekopano/tags.h"

/* This many rows touched at once make the real server read a table anew. */
#define RELOAD_AT 10

struct row {
	const struct table *table;
	const struct world *w;
	uint32_t number;
};

static uint32_t depth_below(const struct world *w, uint32_t folder, uint32_t ancestor)
{
	uint32_t depth = 0;

	for (; folder && folder != ancestor; folder = w->folders[folder].parent)
		depth++;
	return depth;
}

static bool hierarchy_value(const struct row *r, uint32_t tag, struct value *v)
{
	uint32_t place = world_by_hid(r->w, OBJECT_FOLDER, r->number);
	const struct folder *f = &r->w->folders[place];

	if (tag == PR_CHANGE_KEY || tag == PR_PREDECESSOR_CHANGE_LIST)
		return false;
	if (tag == PR_DEPTH) {
		uint32_t top = world_by_key(r->w, OBJECT_FOLDER, r->table->folder_key);

		return value_number(v, tag, depth_below(r->w, place, top)), true;
	}
	return folder_value(r->w, f, tag, v);
}

/* Columns of the list of stores: some are known to be missing there, and the user is the caller. */
static bool mailbox_value(const struct row *r, uint32_t tag, struct value *v)
{
	const struct user *caller = world_user(r->w, r->table->user);

	v->tag = tag;
	switch (tag) {
	case PR_ENTRYID:
	case PR_STORE_ENTRYID:
	case PR_RECORD_KEY:
		store_entry_id(r->w, &r->w->stores[r->number], v);
		v->scratch[ENTRY_FLAGS_AT] = ENTRY_OPEN_HERE;
		return true;
	case PR_USER_NAME:
		return value_text(v, tag, caller ? caller->name : ""), caller;
	case PR_USER_ENTRYID:
		return user_entry_id(r->w, r->table->user, v), true;
	case PR_EC_STOREGUID:
	case PR_EC_USERNAME:
	case PR_SOURCE_KEY:
		return false;
	default:
		return store_value(r->w, &r->w->stores[r->number], tag, v);
	}
}

#define USER_STORE(type, user) ((type) << 24 | (user))

/* A row per user and type of store, also where there is no such store. */
static bool user_store_value(const struct row *r, uint32_t tag, struct value *v)
{
	uint32_t type = r->number >> 24, user = r->number & 0xFFFFFF, store = 0;
	const struct user *u = world_user(r->w, user);

	if (type == STORE_PRIVATE && user != USER_EVERYONE)
		store = world_store_of(r->w, user);
	if (type == STORE_PUBLIC && user == USER_EVERYONE)
		store = world_public_store(r->w);
	switch (tag) {
	case PR_EC_USERNAME:
		return value_text(v, tag, u ? u->name : ""), u;
	case PR_DISPLAY_NAME:
		return value_text(v, tag, u ? u->name : ""), u && store;
	case PR_OBJECT_TYPE:
		return value_number(v, tag, 65537), true;
	case PR_EC_STORETYPE:
		return value_number(v, tag, type), true;
	case PR_MESSAGE_SIZE_EXTENDED:
		return value_number(v, tag, store ? r->w->stores[store].bytes : 0), true;
	case PR_EC_STOREGUID:
	case PR_STORE_ENTRYID:
	case PR_LAST_MODIFICATION_TIME:
		return store && store_value(r->w, &r->w->stores[store], tag, v);
	default:
		return false;
	}
}

static bool row_value(void *row, uint32_t tag, struct value *v)
{
	const struct row *r = row;

	if (PROP_TYPE(tag) == PT_STRING8)
		tag++;

	switch (r->table->kind) {
	case TABLE_CONTENTS:
		return item_value(r->w, &r->w->items[world_by_hid(r->w, OBJECT_ITEM, r->number)], tag, v);
	case TABLE_HIERARCHY:
		return hierarchy_value(r, tag, v);
	case TABLE_MAILBOXES:
		return mailbox_value(r, tag, v);
	default:
		return user_store_value(r, tag, v);
	}
}

struct table *table_new(const struct world *w, enum table_kind kind, uint32_t user, uint32_t folder, uint32_t flags)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	t->kind = kind;
	t->flags = flags;
	t->user = user;
	if (folder) {
		t->folder_key = w->folders[folder].key;
		t->readable = kind == TABLE_HIERARCHY || may_read(w, user, folder);
	}
	table_load(t, w);
	return t;
}

void table_free(struct table *t)
{
	vec_free(&t->columns);
	vec_free(&t->rows);
	free(t->sort);
	restriction_free(t->restriction);
	free(t);
}

static bool in_set(const struct table *t, const struct item *i)
{
	return !!(t->flags & TABLE_ASSOCIATED) == !!(i->state & ITEM_ASSOCIATED) &&
	       !!(t->flags & TABLE_SOFTDELETED) == !!(i->state & ITEM_SOFT_DELETED);
}

static bool passes(const struct table *t, const struct world *w, uint32_t number)
{
	struct row row = {t, w, number};

	return !t->restriction || restriction_holds(t->restriction, row_value, &row);
}

static bool wants_item(const struct table *t, const struct world *w, uint32_t hid)
{
	const struct item *i = &w->items[world_by_hid(w, OBJECT_ITEM, hid)];

	return i->hid && w->folders[i->folder].key == t->folder_key && in_set(t, i) && passes(t, w, hid);
}

static bool wants_folder(const struct table *t, const struct world *w, uint32_t hid)
{
	uint32_t place = world_by_hid(w, OBJECT_FOLDER, hid), top = world_by_key(w, OBJECT_FOLDER, t->folder_key);
	const struct folder *f = &w->folders[place];

	if (!place || !top || place == top)
		return false;
	if (f->soft_deleted != !!(t->flags & TABLE_SOFTDELETED))
		return false;
	if (f->parent != top && (!(t->flags & TABLE_DEPTH) || f->soft_deleted || !world_is_below(w, place, top)))
		return false;
	return may_see(w, t->user, place) && passes(t, w, hid);
}

static bool by_number_only(const struct table *t)
{
	return t->n_sort == 0 || t->sort[0].tag == PR_EC_HIERARCHYID;
}

static bool number_descends(const struct table *t)
{
	return t->n_sort == 0 || t->sort[0].descending;
}

static int compare_rows(const struct table *t, const struct world *w, uint32_t a, uint32_t b)
{
	for (uint32_t i = 0; i < t->n_sort && !by_number_only(t); i++) {
		struct row row_a = {t, w, a}, row_b = {t, w, b};
		struct value value_a, value_b;
		bool has_a = row_value(&row_a, t->sort[i].tag, &value_a);
		bool has_b = row_value(&row_b, t->sort[i].tag, &value_b);
		int order = has_a && has_b ? value_compare(&value_a, &value_b) : has_a - has_b;

		if (order)
			return t->sort[i].descending ? -order : order;
	}
	return (number_descends(t) ? b : a) < (number_descends(t) ? a : b) ? -1 : a != b;
}

struct sorting {
	const struct table *t;
	const struct world *w;
};

static int compare_for_qsort(const void *a, const void *b, void *sorting)
{
	struct sorting *s = sorting;

	return compare_rows(s->t, s->w, *(const uint32_t *)a, *(const uint32_t *)b);
}

static void load_items(struct table *t, const struct world *w)
{
	const struct vec *items = &w->folders[world_by_key(w, OBJECT_FOLDER, t->folder_key)].items;

	for (uint32_t i = 0; t->readable && i < items->n; i++) {
		uint32_t hid = items->at[number_descends(t) ? items->n - 1 - i : i];

		if (wants_item(t, w, hid))
			vec_push(&t->rows, hid);
	}
}

static void load_folders(struct table *t, const struct world *w, uint32_t folder)
{
	const struct vec *children = &w->folders[folder].children;

	for (uint32_t i = 0; i < children->n; i++) {
		if (wants_folder(t, w, w->folders[children->at[i]].hid))
			vec_push(&t->rows, w->folders[children->at[i]].hid);
		if (t->flags & TABLE_DEPTH && !w->folders[children->at[i]].soft_deleted)
			load_folders(t, w, children->at[i]);
	}
}

static void load_stores(struct table *t, const struct world *w)
{
	for (uint32_t i = 1; i < w->n_stores; i++)
		if (!w->stores[i].removed && passes(t, w, i))
			vec_push(&t->rows, i);
}

static void load_user_stores(struct table *t, const struct world *w)
{
	const struct user *caller = world_user(w, t->user);

	for (uint32_t i = 1; caller && caller->level && i < w->n_users; i++) {
		if (!w->users[i].id || i == USER_SYSTEM)
			continue;
		for (uint32_t type = STORE_PRIVATE; type <= STORE_PUBLIC; type++)
			if (passes(t, w, USER_STORE(type, i)))
				vec_push(&t->rows, USER_STORE(type, i));
	}
}

void table_load(struct table *t, const struct world *w)
{
	uint32_t folder = world_by_key(w, OBJECT_FOLDER, t->folder_key);

	t->rows.n = 0;
	t->cursor = 0;
	if (t->kind == TABLE_CONTENTS && folder)
		load_items(t, w);
	else if (t->kind == TABLE_HIERARCHY && folder)
		load_folders(t, w, folder);
	else if (t->kind == TABLE_MAILBOXES)
		load_stores(t, w);
	else if (t->kind == TABLE_USER_STORES)
		load_user_stores(t, w);
	if (t->rows.n > 1 && (t->kind != TABLE_CONTENTS || !by_number_only(t)))
		qsort_r(t->rows.at, t->rows.n, sizeof(*t->rows.at), compare_for_qsort, &(struct sorting){t, w});
}

void table_reload(struct table *t, const struct world *w, uint32_t folder_key)
{
	if (folder_key == 0 || folder_key == t->folder_key)
		table_load(t, w);
}

static bool shows(const struct table *t, const struct world *w, const struct touch *touch)
{
	uint32_t touched, top;

	if (touch->type != (t->kind == TABLE_CONTENTS ? OBJECT_ITEM : OBJECT_FOLDER) || t->kind > TABLE_HIERARCHY)
		return false;
	if (touch->folder_key == t->folder_key)
		return true;
	if (!(t->flags & TABLE_DEPTH))
		return false;
	touched = world_by_key(w, OBJECT_FOLDER, touch->folder_key);
	top = world_by_key(w, OBJECT_FOLDER, t->folder_key);
	/* The touched folder may be gone already: then its rows may have to go as well. */
	return !touched || (top && world_is_below(w, touched, top));
}

/*
 * Where the cursor goes when its row, the one to come next, is deleted. The real server's rows are a balanced tree,
 * and the cursor goes to a neighbour in it: the next row, the one before, or one far before. It never skips a row.
 */
static uint32_t fall_back(uint32_t at, uint32_t hid)
{
	switch (hid % 3) {
	case 0:
		return at;
	case 1:
		return at ? at - 1 : 0;
	default:
		return at / 2;
	}
}

static void remove_row(struct table *t, uint32_t at)
{
	uint32_t hid = t->rows.at[at];

	vec_remove_at(&t->rows, at);
	if (t->cursor > at)
		t->cursor--;
	else if (t->cursor == at)
		t->cursor = fall_back(at, hid);
}

static void insert_row(struct table *t, const struct world *w, uint32_t hid)
{
	uint32_t low = 0, high = t->rows.n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (compare_rows(t, w, t->rows.at[middle], hid) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	vec_insert_at(&t->rows, low, hid);
	/* A cursor behind the last row stays there: what is appended then is not seen. */
	if (low < t->cursor || (low == t->cursor && t->cursor > 0))
		t->cursor++;
}

static uint32_t find_row(const struct table *t, uint32_t hid)
{
	uint32_t at = 0;

	while (at < t->rows.n && t->rows.at[at] != hid)
		at++;
	return at;
}

static void follow_row(struct table *t, const struct world *w, uint32_t hid)
{
	uint32_t at = find_row(t, hid);
	bool wanted = t->kind == TABLE_CONTENTS ? t->readable && wants_item(t, w, hid) : wants_folder(t, w, hid);

	if (at < t->rows.n && wanted && by_number_only(t))
		return;
	if (at < t->rows.n)
		remove_row(t, at);
	if (wanted)
		insert_row(t, w, hid);
}

void table_follow(struct table *t, const struct change *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n && n < RELOAD_AT; i++)
		n += shows(t, c->w, &c->touches[i]);
	if (n >= RELOAD_AT) {
		table_load(t, c->w);
		return;
	}
	for (uint32_t i = 0; i < c->n && n > 0; i++)
		if (shows(t, c->w, &c->touches[i]))
			follow_row(t, c->w, c->touches[i].hid);
}

void table_set_sort(struct table *t, const struct world *w, struct sort_key *keys, uint32_t n)
{
	free(t->sort);
	t->sort = keys;
	t->n_sort = n;
	table_load(t, w);
}

void table_set_restriction(struct table *t, const struct world *w, struct restriction *r)
{
	restriction_free(t->restriction);
	t->restriction = r;
	table_load(t, w);
}

static void row_xml(const struct table *t, struct world *w, struct buf *out, uint32_t number)
{
	struct row row = {t, w, number};
	struct value v;

	buf_printf(out, "<item SOAP-ENC:arrayType=\"propVal[%u]\">", t->columns.n);
	for (uint32_t i = 0; i < t->columns.n; i++) {
		buf_str(out, "<item>");
		if (row_value(&row, t->columns.at[i], &v)) {
			if (!(t->flags & TABLE_UNCUT))
				value_cut(&v);
			v.tag = t->columns.at[i];
			value_xml(out, &v);
		} else {
			value_missing_xml(out, t->columns.at[i]);
		}
		buf_str(out, "</item>");
	}
	buf_str(out, "</item>");
	if (t->kind == TABLE_CONTENTS)
		item_was_read(&w->items[world_by_hid(w, OBJECT_ITEM, number)], &t->columns, t->flags & TABLE_UNCUT);
}

uint32_t table_rows_xml(struct table *t, struct world *w, struct buf *out, uint32_t n, bool peek)
{
	uint32_t left = t->rows.n - t->cursor;

	if (n > left)
		n = left;
	if (n > 0)
		buf_printf(out, "<sRowSet SOAP-ENC:arrayType=\"propVal[][%u]\">", n);
	else
		buf_str(out, "<sRowSet>");
	for (uint32_t i = 0; i < n; i++)
		row_xml(t, w, out, t->rows.at[t->cursor + i]);
	buf_str(out, "</sRowSet>");
	if (!peek)
		t->cursor += n;
	return n;
}

int32_t table_seek(struct table *t, uint32_t bookmark, int32_t n)
{
	int64_t from = bookmark == 0 ? 0 : bookmark == 2 ? t->rows.n : t->cursor;
	int64_t to = from + n;

	if (to < 0)
		to = 0;
	if (to > t->rows.n)
		to = t->rows.n;
	t->cursor = (uint32_t)to;
	return (int32_t)(to - from);
}
