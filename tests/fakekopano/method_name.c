#include <string.h>

#include "tests/fakekopano/method.h"
#include "tests/fakekopano/world.h"

static bool same_name(const struct named_prop *p, const struct guid *guid, const char *name, uint32_t number)
{
	if (memcmp(p->guid.b, guid->b, GUID_BYTES) != 0 || !p->name != !name)
		return false;
	return name ? strcmp(p->name, name) == 0 : p->number == number;
}

/* The number that tags of this name start from 0x8500 with, 0 when it is unknown. */
static uint32_t name_id(struct world *w, const struct guid *guid, const char *name, uint32_t number, bool create)
{
	for (uint32_t i = 0; i < w->n_named; i++)
		if (same_name(&w->named[i], guid, name, number))
			return i + 1;
	if (!create)
		return 0;
	w->named = array_grow(w->named, w->n_named, &w->cap_named, sizeof(*w->named));
	w->named[w->n_named++] = (struct named_prop){*guid, name ? strdup(name) : NULL, number};
	return w->n_named;
}

void method_get_ids_from_names(struct call *c)
{
	const struct xml_node *list = arg_node(c, c->in, "lpsNamedProps");
	bool create = arg_uint(c, c->in, "ulFlags") & 2;
	struct vec ids = {0};

	for (const struct xml_node *item = list && !c->er ? xml_first(c->doc, list) : NULL; item;
	     item = xml_next(c->doc, item)) {
		struct bytes guid = arg_bytes(c, item, "lpguid");
		const char *name = arg_text(c, item, "lpString");
		uint32_t number = arg_uint(c, item, "lpId");

		vec_push(&ids,
			 guid.n == GUID_BYTES ? name_id(c->w, (const struct guid *)guid.p, name, number, create) : 0);
	}
	if (ids.n)
		buf_printf(c->out, "<lpsPropTags SOAP-ENC:arrayType=\"xsd:unsignedInt[%u]\">", ids.n);
	else
		put_raw(c, "<lpsPropTags>");
	for (uint32_t i = 0; i < ids.n; i++)
		put_uint(c, "item", ids.at[i]);
	put_raw(c, "</lpsPropTags>");
	put_uint(c, "er", c->er);
	vec_free(&ids);
}

void method_get_names_from_ids(struct call *c)
{
	uint32_t limit;
	const struct xml_node *item = array_items(c, arg_node(c, c->in, "lpsPropTags"), "xsd:unsignedInt", &limit);

	put_raw(c, "<lpsNames>");
	for (; item && !c->er && limit > 0; item = xml_next(c->doc, item), limit--) {
		uint32_t id = (uint32_t)node_uint(c, item, UINT32_MAX);
		const struct named_prop *p = id && id <= c->w->n_named ? &c->w->named[id - 1] : NULL;

		put_raw(c, "<item>");
		if (p && p->name)
			put_text(c, "lpString", p->name);
		else if (p)
			put_uint(c, "lpId", p->number);
		if (p)
			put_bytes(c, "lpguid", p->guid.b, GUID_BYTES);
		put_raw(c, "</item>");
	}
	put_raw(c, "</lpsNames>");
	put_uint(c, "er", c->er);
}
