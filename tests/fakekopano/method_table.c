#include "tests/fakekopano/method.h"
#include "tests/fakekopano/server.h"
#include "tests/fakekopano/table.h"
#include "tests/fakekopano/tags.h"

#define TYPE_MESSAGE_STORE 1
#define TYPE_USER_STORES   9
#define TYPE_MAILBOXES     10

#define MULTI_CLEAR_RESTRICTION 1u
#define QUERY_PEEK              1u

/* The session's table of that number, with the session's mutex held; NULL without it. */
static struct table *lock_table(struct call *c, uint32_t id)
{
	struct session *s = c->session;

	if (c->er)
		return NULL;
	pthread_mutex_lock(&s->mutex);
	for (uint32_t i = 0; i < s->n_tables; i++)
		if (s->tables[i]->id == id)
			return s->tables[i];
	pthread_mutex_unlock(&s->mutex);
	return NULL;
}

static void unlock_table(struct call *c)
{
	pthread_mutex_unlock(&c->session->mutex);
}

static uint32_t table_error(const struct call *c)
{
	return c->er ? c->er : KCERR_NOT_FOUND;
}

struct opening {
	struct bytes entry_id;
	uint32_t table_type, type, flags;
};

static struct opening read_opening(struct call *c, const struct xml_node *in)
{
	return (struct opening){arg_bytes(c, in, "sEntryId"), arg_uint(c, in, "ulTableType"), arg_uint(c, in, "ulType"),
				arg_uint(c, in, "ulFlags")};
}

/* No right is asked for: without one the table is empty. */
static uint32_t folder_of(const struct call *c, struct bytes id, uint32_t *folder)
{
	enum object_type type;
	uint32_t place;

	type = world_by_entry_id(c->w, id, &place);
	if (type == OBJECT_STORE)
		*folder = c->w->stores[place].special[SPECIAL_ROOT];
	else if (type == OBJECT_FOLDER)
		*folder = place;
	else
		return KCERR_NOT_FOUND;
	return 0;
}

#define COUNT(array)    ((uint32_t)(sizeof(array) / sizeof(*(array))))
#define AS_STRING8(tag) ((tag)-1)

/* The columns that a table has before anybody sets them. */
static void default_columns(struct table *t)
{
	static const uint32_t contents[] = {PR_ENTRYID, AS_STRING8(PR_DISPLAY_NAME), PR_MESSAGE_FLAGS,
					    AS_STRING8(PR_SUBJECT)};
	static const uint32_t folders[] = {PR_ENTRYID, AS_STRING8(PR_DISPLAY_NAME), PR_CONTENT_COUNT,
					   PR_CONTENT_UNREAD};
	static const uint32_t stores[] = {PR_EC_USERNAME,   PR_EC_STOREGUID,           PR_EC_STORETYPE,
					  PR_DISPLAY_NAME,  PR_EC_COMPANYID,           PR_EC_COMPANY_NAME,
					  PR_STORE_ENTRYID, PR_LAST_MODIFICATION_TIME, PR_MESSAGE_SIZE_EXTENDED,
					  PR_OBJECT_TYPE};
	static const uint32_t all[] = {PR_STORE_ENTRYID, PR_STORE_RECORD_KEY, PR_STORE_SUPPORT_MASK, PR_INSTANCE_KEY,
				       PR_RECORD_KEY,    PR_ACCESS,           PR_ACCESS_LEVEL};

	if (t->kind > TABLE_HIERARCHY) {
		for (uint32_t i = 0; i < COUNT(stores); i++)
			vec_push(&t->columns, stores[i]);
		return;
	}
	for (uint32_t i = 0; i < COUNT(contents); i++)
		vec_push(&t->columns, t->kind == TABLE_CONTENTS ? contents[i] : folders[i]);
	for (uint32_t i = 0; i < COUNT(all); i++)
		vec_push(&t->columns, all[i]);
}

static uint32_t open_table(struct call *c, const struct opening *o, struct table **t)
{
	struct session *s = c->session;
	enum table_kind kind;
	uint32_t folder = 0, er = 0;

	if (o->table_type == TYPE_MAILBOXES || o->table_type == TYPE_USER_STORES)
		kind = o->table_type == TYPE_MAILBOXES ? TABLE_MAILBOXES : TABLE_USER_STORES;
	else if (o->table_type == TYPE_MESSAGE_STORE)
		kind = o->type == 3 ? TABLE_HIERARCHY : TABLE_CONTENTS;
	else
		return KCERR_BAD_VALUE;
	if (o->table_type == TYPE_MESSAGE_STORE)
		er = folder_of(c, o->entry_id, &folder);
	if (er)
		return er;
	*t = table_new(c->w, kind, s->user, folder, o->flags);
	pthread_mutex_lock(&s->mutex);
	default_columns(*t);
	(*t)->id = ++s->last_table;
	s->tables = array_grow(s->tables, s->n_tables, &s->cap_tables, sizeof(*s->tables));
	s->tables[s->n_tables++] = *t;
	pthread_mutex_unlock(&s->mutex);
	return 0;
}

static void close_table(struct session *s, struct table *t)
{
	for (uint32_t i = 0; i < s->n_tables; i++)
		if (s->tables[i] == t)
			s->tables[i--] = s->tables[--s->n_tables];
	table_free(t);
}

static struct vec read_columns(struct call *c, const struct xml_node *array)
{
	uint32_t limit;
	const struct xml_node *item = array_items(c, array, "xsd:unsignedInt", &limit);
	struct vec columns = {0};

	for (; item && limit > 0; item = xml_next(c->doc, item), limit--)
		vec_push(&columns, (uint32_t)node_uint(c, item, UINT32_MAX));
	return columns;
}

static void set_columns(struct table *t, struct vec columns)
{
	vec_free(&t->columns);
	t->columns = columns;
}

static void set_sort(struct call *c, struct table *t, const struct xml_node *array)
{
	uint32_t limit, n = 0, cap = 0;
	const struct xml_node *item = array_items(c, array, "sortOrder", &limit);
	struct sort_key *keys = NULL;

	for (; item && limit > 0; item = xml_next(c->doc, item), limit--) {
		keys = array_grow(keys, n, &cap, sizeof(*keys));
		keys[n++] = (struct sort_key){arg_uint(c, item, "ulPropTag"), arg_uint(c, item, "ulOrder") & 1};
	}
	table_set_sort(t, c->w, keys, n);
}

static uint32_t set_restriction(struct call *c, struct table *t, const struct xml_node *node)
{
	uint32_t er = 0;
	struct restriction *r = node ? restriction_parse(c, node, &er) : NULL;

	if (!er)
		table_set_restriction(t, c->w, r);
	return er;
}

void method_table_open(struct call *c)
{
	struct opening o = read_opening(c, c->in);
	struct table *t = NULL;
	uint32_t er = call_faulted(c) ? 0 : c->er ? c->er : open_table(c, &o, &t);

	put_uint(c, "er", er);
	put_uint(c, "ulTableId", t ? t->id : 0);
}

/* Everything of a tableMulti but the opening and the reading. */
static uint32_t set_up(struct call *c, struct table *t, const struct xml_node *in)
{
	const struct xml_node *sort = arg_node(c, in, "lpSort"), *columns = arg_node(c, in, "lpSetColumns");
	const struct xml_node *restriction = arg_node(c, in, "lpRestrict");
	uint32_t flags = arg_uint(c, in, "ulFlags");

	if (sort)
		set_sort(c, t, arg_node(c, sort, "sSortOrder"));
	if (columns)
		set_columns(t, read_columns(c, columns));
	if (restriction)
		return set_restriction(c, t, restriction);
	if (flags & MULTI_CLEAR_RESTRICTION)
		table_set_restriction(t, c->w, NULL);
	return 0;
}

static void put_rows(struct call *c, struct table *t, uint32_t count, uint32_t flags)
{
	uint32_t n = table_rows_xml(t, c->w, c->out, count, flags & QUERY_PEEK);

	__atomic_add_fetch(&c->server->n_rows, n, __ATOMIC_RELAXED);
}

static void multi_answer(struct call *c, uint32_t er, uint32_t opened, struct table *t, const struct xml_node *query)
{
	put_uint(c, "er", er);
	put_uint(c, "ulTableId", opened);
	if (!er && query)
		put_rows(c, t, arg_uint(c, query, "ulCount"), arg_uint(c, query, "ulFlags"));
	else
		put_raw(c, "<sRowSet></sRowSet>");
}

void method_table_multi(struct call *c)
{
	const struct xml_node *in = arg_node(c, c->in, "sRequest"), *open = arg_node(c, in, "lpOpen");
	uint32_t id = arg_uint(c, in, "ulTableId"), opened = 0, er = c->er;
	struct opening o = read_opening(c, open);
	struct table *t = NULL;

	if (call_faulted(c))
		return;
	if (!er && open)
		er = open_table(c, &o, &t);
	if (!er && t)
		id = opened = t->id;
	t = er ? NULL : lock_table(c, id);
	if (!er && !t)
		er = KCERR_NOT_FOUND;
	if (!er)
		er = set_up(c, t, in);
	multi_answer(c, er, opened, t, arg_node(c, in, "lpQueryRows"));
	if (t)
		unlock_table(c);
}

void method_table_set_columns(struct call *c)
{
	struct vec columns = read_columns(c, arg_node(c, c->in, "aPropTag"));
	struct table *t = lock_table(c, arg_uint(c, c->in, "ulTableId"));

	if (t) {
		set_columns(t, columns);
		unlock_table(c);
	} else {
		vec_free(&columns);
	}
	put_uint(c, "result", t ? 0 : table_error(c));
}

void method_table_sort(struct call *c)
{
	const struct xml_node *order = arg_node(c, c->in, "aSortOrder");
	struct table *t = order ? lock_table(c, arg_uint(c, c->in, "ulTableId")) : NULL;

	if (t) {
		set_sort(c, t, order);
		unlock_table(c);
	}
	put_uint(c, "result", t ? 0 : !c->er && !order ? KCERR_INVALID_PARAMETER : table_error(c));
}

void method_table_restrict(struct call *c)
{
	struct table *t = lock_table(c, arg_uint(c, c->in, "ulTableId"));
	uint32_t er = t ? 0 : table_error(c);

	if (t) {
		er = set_restriction(c, t, arg_node(c, c->in, "lpRestrict"));
		unlock_table(c);
	}
	put_uint(c, "result", er);
}

void method_table_query_rows(struct call *c)
{
	uint32_t count = arg_uint(c, c->in, "ulRowCount"), flags = arg_uint(c, c->in, "ulFlags");
	struct table *t = lock_table(c, arg_uint(c, c->in, "ulTableId"));

	put_uint(c, "er", t ? 0 : table_error(c));
	if (t) {
		put_rows(c, t, count, flags);
		unlock_table(c);
	} else {
		put_raw(c, "<sRowSet></sRowSet>");
	}
}

void method_table_get_row_count(struct call *c)
{
	struct table *t = lock_table(c, arg_uint(c, c->in, "ulTableId"));

	put_uint(c, "er", t ? 0 : table_error(c));
	put_uint(c, "ulCount", t ? t->rows.n : 0);
	put_uint(c, "ulRow", t ? t->cursor : 0);
	if (t)
		unlock_table(c);
}

void method_table_seek_row(struct call *c)
{
	uint32_t bookmark = arg_uint(c, c->in, "ulBookmark");
	int32_t n = (int32_t)node_int(c, arg_node(c, c->in, "lRowCount"), INT32_MIN, INT32_MAX);
	struct table *t = lock_table(c, arg_uint(c, c->in, "ulTableId"));
	uint32_t er = t ? bookmark > 2 ? KCERR_INVALID_BOOKMARK : 0 : table_error(c);

	put_uint(c, "er", er);
	put_int(c, "lRowsSought", er ? 0 : table_seek(t, bookmark, n));
	if (t)
		unlock_table(c);
}

static const uint32_t available_contents[] = {
	PR_PARENT_ENTRYID,    PR_MSG_STATUS, PR_HASATTACH,   PR_ACCESS,  PR_INSTANCE_KEY,  PR_ACCESS_LEVEL,
	PR_MAPPING_SIGNATURE, PR_RECORD_KEY, PR_OBJECT_TYPE, PR_ENTRYID, PR_CREATION_TIME, PR_LAST_MODIFICATION_TIME};
static const uint32_t available_folders[] = {
	PR_PARENT_ENTRYID, PR_ACCESS,      PR_INSTANCE_KEY, PR_ACCESS_LEVEL,  PR_MAPPING_SIGNATURE,
	PR_RECORD_KEY,     PR_OBJECT_TYPE, PR_ENTRYID,      PR_CREATION_TIME, PR_LAST_MODIFICATION_TIME};

void method_table_query_columns(struct call *c)
{
	bool all = arg_uint(c, c->in, "ulFlags") & 1;
	struct table *t = lock_table(c, arg_uint(c, c->in, "ulTableId"));
	const uint32_t *columns = t ? t->columns.at : NULL;
	uint32_t n = t ? t->columns.n : 0;

	if (t && all && t->kind == TABLE_CONTENTS)
		columns = available_contents, n = COUNT(available_contents);
	else if (t && all)
		columns = available_folders, n = COUNT(available_folders);
	put_uint(c, "er", t ? 0 : table_error(c));
	if (n)
		buf_printf(c->out, "<sPropTagArray SOAP-ENC:arrayType=\"xsd:unsignedInt[%u]\">", n);
	else
		put_raw(c, "<sPropTagArray>");
	for (uint32_t i = 0; i < n; i++)
		put_uint(c, "item", columns[i]);
	put_raw(c, "</sPropTagArray>");
	if (t)
		unlock_table(c);
}

void method_table_close(struct call *c)
{
	struct table *t = lock_table(c, arg_uint(c, c->in, "ulTableId"));

	if (t) {
		close_table(c->session, t);
		unlock_table(c);
	}
	put_uint(c, "result", c->er);
}
