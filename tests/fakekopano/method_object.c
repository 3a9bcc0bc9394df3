#include "tests/fakekopano/method.h"
#include "tests/fakekopano/object.h"
#include "tests/fakekopano/rights.h"
#include "tests/fakekopano/server.h"
#include "tests/fakekopano/tags.h"

#define BIG_VALUE 32768u

uint32_t item_access(const struct call *c, const struct item *i, uint32_t flags)
{
	if (i->refused)
		return i->refused;
	if (!may_read(c->w, c->session->user, i->folder))
		return KCERR_NO_ACCESS;
	if (flags & LOAD_CHECK_STATE && !!(i->state & ITEM_SOFT_DELETED) != !!(flags & LOAD_SOFTDELETED))
		return KCERR_NOT_FOUND;
	return 0;
}

static uint32_t folder_access(const struct call *c, uint32_t folder, uint32_t flags)
{
	const struct folder *f = &c->w->folders[folder];

	if (!may_see(c->w, c->session->user, folder))
		return KCERR_NO_ACCESS;
	if (flags & LOAD_CHECK_STATE && f->soft_deleted != !!(flags & LOAD_SOFTDELETED))
		return KCERR_NOT_FOUND;
	return 0;
}

/* What an entry id names and whether the session may read it. */
static uint32_t find_object(const struct call *c, struct bytes id, uint32_t flags, enum object_type *type,
			    uint32_t *place)
{

	*type = world_by_entry_id(c->w, id, place);
	switch (*type) {
	case OBJECT_ITEM:
		return item_access(c, &c->w->items[*place], flags);
	case OBJECT_FOLDER:
		return folder_access(c, *place, flags);
	case OBJECT_STORE:
		return c->w->stores[*place].removed ? KCERR_NOT_FOUND : 0;
	default:
		return KCERR_NOT_FOUND;
	}
}

static bool object_value(const struct call *c, enum object_type type, uint32_t place, uint32_t tag, struct value *v)
{
	const struct world *w = c->w;
	uint32_t user = c->session->user;

	v->tag = tag;
	/* The user of a store is the one who looks at it. */
	if (type == OBJECT_STORE && tag == PR_USER_NAME)
		return value_text(v, tag, world_user(w, user)->name), true;
	if (type == OBJECT_STORE && tag == PR_USER_ENTRYID)
		return user_entry_id(w, user, v), true;
	if (type == OBJECT_ITEM)
		return item_value(w, &w->items[place], tag, v);
	return type == OBJECT_FOLDER ? folder_value(w, &w->folders[place], tag, v)
				     : store_value(w, &w->stores[place], tag, v);
}

static void put_tags(struct call *c, const struct vec *tags)
{
	if (tags->n == 0) {
		put_raw(c, "<delProps></delProps>");
		return;
	}
	buf_printf(c->out, "<delProps SOAP-ENC:arrayType=\"xsd:unsignedInt[%u]\">", tags->n);
	for (uint32_t i = 0; i < tags->n; i++)
		put_uint(c, "item", tags->at[i]);
	put_raw(c, "</delProps>");
}

static void put_object_tail(struct call *c, uint32_t client_id, uint32_t server_id, uint32_t type)
{
	put_raw(c, "<bDelete>false</bDelete>");
	put_uint(c, "ulClientId", client_id);
	put_uint(c, "ulServerId", server_id);
	put_uint(c, "ulObjType", type);
}

/* modProps of n values that were written into values; their count comes before them. */
static void put_values(struct call *c, uint32_t n, struct buf *values)
{
	if (n == 0) {
		put_raw(c, "<modProps></modProps>");
	} else {
		buf_printf(c->out, "<modProps SOAP-ENC:arrayType=\"propVal[%u]\">", n);
		buf_put(c->out, values->data, values->len);
		put_raw(c, "</modProps>");
	}
	buf_free(values);
}

static void add_value(struct buf *values, const struct value *v)
{
	buf_str(values, "<item>");
	value_xml(values, v);
	buf_str(values, "</item>");
}

/* What is listed after the properties that the database sorts. */
static bool is_late(uint32_t tag)
{
	return tag == PR_INSTANCE_KEY || tag == PR_ATTACH_DATA_BIN;
}

static void add_child_props(const struct props *p, bool late, struct vec *tags, struct buf *values, uint32_t *n)
{
	struct value v;

	for (uint32_t i = 0; i < p->n; i++) {
		if (is_late(p->at[i].tag) != late)
			continue;
		vec_push(tags, p->at[i].tag);
		if (p->at[i].tag == PR_ATTACH_DATA_BIN)
			continue;
		prop_value(&p->at[i], &v);
		add_value(values, &v);
		++*n;
	}
}

static void put_child(struct call *c, const struct child *child, uint32_t row)
{
	struct buf values = {0};
	struct vec tags = {0};
	uint32_t n = 0;

	add_child_props(child->props, false, &tags, &values, &n);
	add_child_props(child->props, true, &tags, &values, &n);
	put_raw(c, "<item>");
	put_tags(c, &tags);
	put_values(c, n, &values);
	put_object_tail(c, row, child->number, child->type);
	put_raw(c, "</item>");
	vec_free(&tags);
}

static void put_children(struct call *c, const struct item *i)
{
	uint32_t rows[8] = {0};

	for (uint32_t k = 0; i->props && k < i->props->n_children; k++)
		put_child(c, &i->props->children[k], rows[i->props->children[k].type % 8]++);
}

static void put_object(struct call *c, enum object_type type, uint32_t place)
{
	static const uint32_t object_types[] = {0, 1, 3, 5};
	struct world *w = c->w;
	struct buf values = {0};
	struct vec tags = {0};
	struct value v;
	uint32_t n = 0, hid;

	if (type == OBJECT_ITEM) {
		item_tags(w, &w->items[place], &tags);
		put_children(c, &w->items[place]);
		hid = w->items[place].hid;
	} else if (type == OBJECT_FOLDER) {
		folder_tags(w, &w->folders[place], &tags);
		hid = w->folders[place].hid;
	} else {
		store_tags(w, &w->stores[place], &tags);
		hid = w->stores[place].hid;
	}
	for (uint32_t i = 0; i < tags.n; i++) {
		if (!object_value(c, type, place, tags.at[i], &v))
			continue;
		if (v.len >= BIG_VALUE && type == OBJECT_ITEM && !(w->items[place].cached & CACHED_VALUES))
			continue;
		add_value(&values, &v);
		n++;
	}
	put_tags(c, &tags);
	put_values(c, n, &values);
	put_object_tail(c, 0, hid, object_types[type]);
	vec_free(&tags);
}

void method_load_object(struct call *c)
{
	struct bytes id = arg_bytes(c, c->in, "sEntryId");
	uint32_t flags = arg_uint(c, c->in, "ulFlags"), place = 0;
	enum object_type type = OBJECT_NONE;
	uint32_t er = c->er ? c->er : find_object(c, id, flags, &type, &place);

	put_uint(c, "er", er);
	put_raw(c, "<sSaveObject>");
	if (er) {
		put_raw(c, "<delProps></delProps><modProps></modProps>");
		put_object_tail(c, 0, 0, 0);
	} else {
		put_object(c, type, place);
	}
	put_raw(c, "</sSaveObject>");
}

static bool child_value(const struct item *i, uint32_t number, uint32_t tag, struct value *v)
{
	for (uint32_t k = 0; i->props && k < i->props->n_children; k++) {
		const struct child *child = &i->props->children[k];
		const struct prop *p = child->number == number ? props_find(child->props, tag) : NULL;

		if (p)
			return prop_value(p, v), true;
	}
	return false;
}

static bool stored_value(struct call *c, enum object_type type, uint32_t place, uint32_t child, uint32_t tag,
			 struct value *v)
{
	const struct item *i = &c->w->items[place];

	if (type != OBJECT_ITEM)
		return object_value(c, type, place, tag, v);
	if (child && child != i->hid)
		return child_value(i, child, tag, v);
	return item_stored_value(c->w, i, tag, v);
}

void method_load_prop(struct call *c)
{
	struct bytes id = arg_bytes(c, c->in, "sEntryId");
	uint32_t child = arg_uint(c, c->in, "ulObjId"), tag = arg_uint(c, c->in, "ulPropTag"), place = 0;
	enum object_type type = OBJECT_NONE;
	uint32_t er = c->er ? c->er : find_object(c, id, 0, &type, &place);
	struct value v;

	if (!er && !stored_value(c, type, place, child, tag, &v))
		er = KCERR_NOT_FOUND;
	put_uint(c, "er", er);
	if (er)
		return;
	put_raw(c, "<lpPropVal>");
	value_xml(c->out, &v);
	put_raw(c, "</lpPropVal>");
}

void method_check_exist_object(struct call *c)
{
	struct bytes id = arg_bytes(c, c->in, "sEntryId");
	uint32_t flags = arg_uint(c, c->in, "ulFlags"), place = 0;
	enum object_type type = OBJECT_NONE;
	uint32_t er = c->er;

	if (!er) {
		er = find_object(c, id, flags | LOAD_CHECK_STATE, &type, &place);
		/* Existence is told without asking for a right. */
		if (er == KCERR_NO_ACCESS)
			er = 0;
	}
	put_uint(c, "result", er);
}

static void put_change_value(struct call *c, const char *name, struct value *v, uint32_t tag)
{
	buf_printf(c->out, "<%s>", name);
	v->tag = tag;
	if (tag)
		value_xml(c->out, v);
	else
		put_uint(c, "ulPropTag", 0);
	buf_printf(c->out, "</%s>", name);
}

void method_get_change_info(struct call *c)
{
	struct bytes id = arg_bytes(c, c->in, "sEntryId");
	uint32_t place = 0, er = c->er;
	enum object_type type = OBJECT_NONE;
	struct value v;

	if (!er)
		er = find_object(c, id, 0, &type, &place);
	if (!er && (type == OBJECT_STORE || !object_value(c, type, place, PR_CHANGE_KEY, &v)))
		er = KCERR_NOT_FOUND;
	if (er)
		value_number(&v, 0, 0);
	put_change_value(c, "sPropPCL", &v, er ? 0 : PR_PREDECESSOR_CHANGE_LIST);
	put_change_value(c, "sPropCK", &v, er ? 0 : PR_CHANGE_KEY);
	put_uint(c, "er", er);
}
