#include "tests/fakekopano/restriction.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/fakekopano/tags.h"
#include "tests/fakekopano/vec.h"

#define MAX_DEPTH 16

enum restriction_type {
	RES_AND,
	RES_OR,
	RES_NOT,
	RES_CONTENT,
	RES_PROPERTY,
	RES_COMPARE,
	RES_BITMASK,
	RES_SIZE,
	RES_EXIST
};

struct restriction {
	enum restriction_type type;
	uint32_t tag, other_tag;
	uint32_t relation; /* or fuzzy level, or whether the mask must be zero */
	uint32_t number;   /* mask or size */
	struct value value;
	char *storage;
	struct restriction **parts;
	uint32_t n_parts, cap_parts;
};

static struct restriction *parse(struct call *c, const struct xml_node *node, uint32_t *er, int depth);

void restriction_free(struct restriction *r)
{
	if (!r)
		return;
	for (uint32_t i = 0; i < r->n_parts; i++)
		restriction_free(r->parts[i]);
	free(r->parts);
	free(r->storage);
	free(r);
}

static uint64_t hilo(struct call *c, const struct xml_node *node)
{
	const struct xml_node *hi = arg_node(c, node, "hi"), *lo = arg_node(c, node, "lo");

	return (uint64_t)node_int(c, hi, INT32_MIN, INT32_MAX) << 32 | node_uint(c, lo, UINT32_MAX);
}

static bool read_number(struct call *c, const struct xml_node *node, uint32_t tag, struct value *v)
{
	const struct xml_node *one;

	if ((one = arg_node(c, node, "ul")))
		value_number(v, tag, node_uint(c, one, UINT32_MAX));
	else if ((one = arg_node(c, node, "b")))
		value_number(v, tag, node_bool(c, one));
	else if ((one = arg_node(c, node, "i")))
		value_number(v, tag, (uint64_t)node_int(c, one, INT16_MIN, INT16_MAX));
	else if ((one = arg_node(c, node, "li")))
		value_number(v, tag, (uint64_t)node_int(c, one, INT64_MIN, INT64_MAX));
	else if ((one = arg_node(c, node, "hilo")))
		value_number(v, tag, hilo(c, one));
	else
		return false;
	return true;
}

/* The propVal of a restriction: its bytes must outlive the call. */
static bool read_value(struct call *c, struct restriction *r, const struct xml_node *node)
{
	uint32_t tag = arg_uint(c, node, "ulPropTag");
	const char *text = arg_text(c, node, "lpszA");
	const struct xml_node *bin = arg_node(c, node, "bin");
	struct bytes bytes = node_bytes(c, bin);

	if (!node)
		return false;
	if (text)
		bytes = (struct bytes){(const unsigned char *)text, (uint32_t)strlen(text)};
	else if (!bin)
		return read_number(c, node, tag, &r->value);
	r->storage = malloc(bytes.n + 1u);
	if (!r->storage)
		abort();
	memcpy(r->storage, bytes.p, bytes.n);
	value_bytes(&r->value, tag, r->storage, bytes.n);
	return type_is_bytes(PROP_TYPE(tag));
}

static bool parse_parts(struct call *c, struct restriction *r, const struct xml_node *list, uint32_t *er, int depth)
{
	if (!list)
		return false;
	for (const struct xml_node *item = xml_first(c->doc, list); item; item = xml_next(c->doc, item)) {
		struct restriction *part = parse(c, item, er, depth + 1);

		if (!part)
			return false;
		r->parts = array_grow(r->parts, r->n_parts, &r->cap_parts, sizeof(*r->parts));
		r->parts[r->n_parts++] = part;
	}
	return true;
}

static bool parse_not(struct call *c, struct restriction *r, const struct xml_node *node, uint32_t *er, int depth)
{
	struct restriction *part = parse(c, arg_node(c, node, "lpNot"), er, depth + 1);

	if (!part)
		return false;
	r->parts = array_grow(NULL, 0, &r->cap_parts, sizeof(*r->parts));
	r->parts[r->n_parts++] = part;
	return true;
}

static bool parse_leaf(struct call *c, struct restriction *r, const struct xml_node *node)
{
	r->tag = arg_uint(c, node, "ulPropTag");
	r->relation = arg_uint(c, node, r->type == RES_CONTENT ? "ulFuzzyLevel" : "ulType");
	if (r->type == RES_CONTENT || r->type == RES_PROPERTY)
		return node && read_value(c, r, arg_node(c, node, "lpProp"));
	if (r->type == RES_COMPARE) {
		r->tag = arg_uint(c, node, "ulPropTag1");
		r->other_tag = arg_uint(c, node, "ulPropTag2");
	}
	r->number = arg_uint(c, node, r->type == RES_BITMASK ? "ulMask" : "cb");
	return node;
}

static bool parse_member(struct call *c, struct restriction *r, const struct xml_node *node, uint32_t *er, int depth)
{
	static const char *const members[] = {"lpAnd",     "lpOr",      "lpNot",  "lpContent", "lpProp",
					      "lpCompare", "lpBitmask", "lpSize", "lpExist"};
	const struct xml_node *member = arg_node(c, node, members[r->type]);

	if (r->type == RES_AND || r->type == RES_OR)
		return parse_parts(c, r, member, er, depth);
	if (r->type == RES_NOT)
		return member && parse_not(c, r, member, er, depth);
	return parse_leaf(c, r, member);
}

static struct restriction *parse(struct call *c, const struct xml_node *node, uint32_t *er, int depth)
{
	struct restriction *r;
	uint32_t type = arg_uint(c, node, "ulType");

	if (depth == MAX_DEPTH)
		*er = KCERR_TOO_COMPLEX;
	if (!node || type > RES_EXIST || depth == MAX_DEPTH)
		return NULL;
	r = calloc(1, sizeof(*r));
	if (!r)
		abort();
	r->type = (enum restriction_type)type;
	if (parse_member(c, r, node, er, depth))
		return r;
	restriction_free(r);
	return NULL;
}

struct restriction *restriction_parse(struct call *c, const struct xml_node *node, uint32_t *er)
{
	struct restriction *r = parse(c, node, er, 0);

	if (!r && !*er)
		*er = KCERR_INVALID_TYPE;
	return r;
}

static bool relation_holds(uint32_t relation, int order)
{
	switch (relation) {
	case 0:
		return order < 0;
	case 1:
		return order <= 0;
	case 2:
		return order > 0;
	case 3:
		return order >= 0;
	case 4:
		return order == 0;
	case 5:
		return order != 0;
	default:
		return false;
	}
}

static bool contains(const struct value *v, const struct value *wanted, uint32_t fuzzy)
{
	int (*compare)(const char *, const char *, size_t) = fuzzy & 0x10000 ? strncasecmp : strncmp;
	uint32_t last = v->len < wanted->len ? 0 : v->len - wanted->len;

	if (wanted->len > v->len || ((fuzzy & 3) == 0 && wanted->len != v->len))
		return false;
	if ((fuzzy & 3) != 1)
		last = 0;
	for (uint32_t at = 0; at <= last; at++)
		if (compare(v->data + at, wanted->data, wanted->len) == 0)
			return true;
	return false;
}

static bool leaf_holds(const struct restriction *r, row_getter *get, void *row)
{
	struct value v, other;

	if (!get(row, r->tag, &v))
		return r->type == RES_PROPERTY && r->relation == 5;
	switch (r->type) {
	case RES_CONTENT:
		return v.data && r->value.data && contains(&v, &r->value, r->relation);
	case RES_PROPERTY:
		return type_is_bytes(PROP_TYPE(v.tag)) == type_is_bytes(PROP_TYPE(r->value.tag)) &&
		       relation_holds(r->relation, value_compare(&v, &r->value));
	case RES_COMPARE:
		return get(row, r->other_tag, &other) && relation_holds(r->relation, value_compare(&v, &other));
	case RES_BITMASK:
		return ((v.number & r->number) == 0) == (r->relation == 0);
	case RES_SIZE:
		return relation_holds(r->relation, (v.len > r->number) - (v.len < r->number));
	default:
		return true;
	}
}

bool restriction_holds(const struct restriction *r, row_getter *get, void *row)
{
	bool holds = r->type == RES_AND;

	if (r->type == RES_NOT)
		return !restriction_holds(r->parts[0], get, row);
	if (r->type != RES_AND && r->type != RES_OR)
		return leaf_holds(r, get, row);
	for (uint32_t i = 0; i < r->n_parts && holds == (r->type == RES_AND); i++)
		holds = restriction_holds(r->parts[i], get, row);
	return holds;
}
