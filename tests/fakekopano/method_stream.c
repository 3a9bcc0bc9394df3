#include "tests/fakekopano/method.h"
#include "tests/fakekopano/object.h"
#include "tests/fakekopano/server.h"
#include "tests/fakekopano/tags.h"

#define STREAM_VERSION     1u
#define EXPORT_SOFTDELETED 0x400u
#define FIRST_NAMED_ID     0x8500u

/* Tags of a message in the stream: what is stored. */
static void stream_tags(const struct world *w, const struct item *i, struct vec *tags)
{
	struct vec all = {0};

	item_tags(w, i, &all);
	for (uint32_t k = 0; k < all.n; k++) {
		switch (all.at[k]) {
		case PR_EC_PARENT_HIERARCHYID:
		case PR_ASSOCIATED:
		case PR_PARENT_SOURCE_KEY:
		case PR_RECORD_KEY:
		case PR_PARENT_ENTRYID:
		case PR_ACCESS:
		case PR_ACCESS_LEVEL:
			break;
		default:
			vec_push(tags, all.at[k]);
		}
	}
	vec_free(&all);
}

static void stream_value(const struct world *w, struct buf *b, const struct value *v)
{
	struct buf value = {0};
	uint32_t id = PROP_ID(v->tag);

	value_stream(&value, v);
	buf_put(b, value.data, 4);
	if (id > FIRST_NAMED_ID && id - FIRST_NAMED_ID <= w->n_named) {
		const struct named_prop *name = &w->named[id - FIRST_NAMED_ID - 1];

		buf_put(b, name->guid.b, GUID_BYTES);
		buf_be32(b, name->name != NULL);
		buf_be32(b, name->name ? (uint32_t)strlen(name->name) : name->number);
		if (name->name)
			buf_str(b, name->name);
	}
	buf_put(b, value.data + 4, value.len - 4);
	buf_free(&value);
}

static bool in_stream(const struct child *child, uint32_t tag)
{
	return tag != PR_INSTANCE_KEY && tag != PR_ATTACH_DATA_BIN && child->props;
}

static void stream_child(const struct world *w, struct buf *b, const struct child *child)
{
	const struct props *p = child->props;
	const struct prop *data = props_find(p, PR_ATTACH_DATA_BIN);
	struct value v;
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->n; i++)
		n += in_stream(child, p->at[i].tag);
	buf_be32(b, child->type);
	buf_be32(b, child->number);
	buf_be32(b, n);
	for (uint32_t i = 0; i < p->n; i++) {
		if (!in_stream(child, p->at[i].tag))
			continue;
		prop_value(&p->at[i], &v);
		stream_value(w, b, &v);
	}
	if (child->type != 7)
		return;
	buf_be32(b, data ? data->len : 0);
	buf_put(b, data ? data->data : NULL, data ? data->len : 0);
	buf_be32(b, 0);
}

static void stream_message(const struct world *w, struct buf *b, const struct item *i)
{
	uint32_t n_children = i->props ? i->props->n_children : 0;
	struct vec tags = {0};
	struct value v;

	stream_tags(w, i, &tags);
	buf_be32(b, STREAM_VERSION);
	buf_be32(b, tags.n);
	for (uint32_t k = 0; k < tags.n; k++)
		if (item_value(w, i, tags.at[k], &v))
			stream_value(w, b, &v);
	buf_be32(b, n_children);
	for (uint32_t k = 0; k < n_children; k++)
		stream_child(w, b, &i->props->children[k]);
	vec_free(&tags);
}

static struct buf *new_part(struct call *c)
{
	c->parts = array_grow(c->parts, c->n_parts, &c->cap_parts, sizeof(*c->parts));
	c->parts[c->n_parts] = (struct buf){0};
	return &c->parts[c->n_parts++];
}

static void put_item(struct call *c, struct item *i, uint32_t step, const struct vec *tags)
{
	struct value v;

	put_raw(c, "<item>");
	put_uint(c, "ulStep", step);
	buf_printf(c->out, "<sPropVals SOAP-ENC:arrayType=\"propVal[%u]\">", tags->n);
	for (uint32_t k = 0; k < tags->n; k++) {
		put_raw(c, "<item>");
		if (item_value(c->w, i, tags->at[k], &v)) {
			value_cut(&v);
			v.tag = tags->at[k];
			value_xml(c->out, &v);
		} else {
			value_missing_xml(c->out, tags->at[k]);
		}
		put_raw(c, "</item>");
	}
	put_raw(c, "</sPropVals><sStreamData>");
	buf_printf(c->out, "<xop:Include href=\"emcas-%u\"/></sStreamData></item>", c->n_parts);
	stream_message(c->w, new_part(c), i);
	item_was_read(i, tags, false);
}

struct pair {
	struct bytes parent, object;
};

static struct item *find_item(const struct call *c, const struct pair *p, uint32_t flags, uint32_t by)
{
	uint32_t place = 0, parent = world_by_source_key(c->w, OBJECT_FOLDER, p->parent);
	struct item *i;

	if (by == PR_ENTRYID) {
		if (world_by_entry_id(c->w, p->object, &place) != OBJECT_ITEM)
			return NULL;
	} else {
		place = world_by_source_key(c->w, OBJECT_ITEM, p->object);
	}
	i = &c->w->items[place];
	if (!place || (p->parent.n && parent != i->folder))
		return NULL;
	flags = LOAD_CHECK_STATE | (flags & EXPORT_SOFTDELETED ? LOAD_SOFTDELETED : 0);
	return item_access(c, i, flags) ? NULL : i;
}

static uint32_t read_pairs(struct call *c, const struct xml_node *list, struct pair **pairs)
{
	uint32_t n = 0, cap = 0;

	*pairs = NULL;
	for (const struct xml_node *item = list ? xml_first(c->doc, list) : NULL; item; item = xml_next(c->doc, item)) {
		*pairs = array_grow(*pairs, n, &cap, sizeof(**pairs));
		(*pairs)[n++] = (struct pair){arg_bytes(c, item, "sParentKey"), arg_bytes(c, item, "sObjectKey")};
	}
	return n;
}

/* The list has no name in the interface: it is the member whose items look like pairs. */
static const struct xml_node *pair_list(const struct call *c)
{
	for (const struct xml_node *node = xml_first(c->doc, c->in); node; node = xml_next(c->doc, node)) {
		const struct xml_node *item = xml_child(c->doc, node, "item");

		if (item && (xml_child(c->doc, item, "sObjectKey") || xml_child(c->doc, item, "sParentKey")))
			return node;
	}
	return NULL;
}

static bool any_parent(const struct call *c, const struct pair *pairs, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (world_by_source_key(c->w, OBJECT_FOLDER, pairs[i].parent))
			return true;
	return false;
}

static void read_tags(struct call *c, struct vec *tags)
{
	uint32_t limit;
	const struct xml_node *item = array_items(c, arg_node(c, c->in, "sPropTags"), "xsd:unsignedInt", &limit);

	for (; item && limit > 0; item = xml_next(c->doc, item), limit--)
		vec_push(tags, (uint32_t)node_uint(c, item, UINT32_MAX));
}

void method_export_stream(struct call *c)
{
	uint32_t flags = arg_uint(c, c->in, "ulFlags"), by = arg_uint(c, c->in, "ulPropTag"), er = c->er, n;
	struct vec tags = {0};
	struct pair *pairs;

	read_tags(c, &tags);
	n = read_pairs(c, pair_list(c), &pairs);
	if (!er && !(c->session->capabilities & CAP_ENHANCED_ICS))
		er = KCERR_NO_SUPPORT;
	put_raw(c, "<sMsgStreams>");
	for (uint32_t i = 0; i < n && !er && (by == PR_ENTRYID || any_parent(c, pairs, n)); i++) {
		struct item *item = find_item(c, &pairs[i], flags, by);

		if (item)
			put_item(c, item, i, &tags);
	}
	put_raw(c, "</sMsgStreams>");
	put_uint(c, "er", er);
	__atomic_add_fetch(&c->server->n_streams, c->n_parts, __ATOMIC_RELAXED);
	vec_free(&tags);
	free(pairs);
}
