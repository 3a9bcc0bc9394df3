#include <stdlib.h>
#include <string.h>

#include "tests/fakekopano/tags.h"
#include "tests/fakekopano/value.h"
#include "tests/fakekopano/vec.h"

struct props *props_new(void)
{
	struct props *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	p->refs = 1;
	return p;
}

struct props *props_ref(struct props *p)
{
	if (p)
		p->refs++;
	return p;
}

void props_unref(struct props *p)
{
	if (!p || --p->refs > 0)
		return;
	for (uint32_t i = 0; i < p->n; i++)
		if (type_is_bytes(PROP_TYPE(p->at[i].tag)))
			free(p->at[i].data);
	for (uint32_t i = 0; i < p->n_children; i++)
		props_unref(p->children[i].props);
	free(p->at);
	free(p->children);
	free(p);
}

static char *copy_bytes(const void *data, size_t len)
{
	char *copy = malloc(len + 1);

	if (!copy)
		abort();
	if (len)
		memcpy(copy, data, len);
	copy[len] = '\0';
	return copy;
}

struct props *props_own(struct props *p)
{
	struct props *copy;

	if (!p)
		return props_new();
	if (p->refs == 1)
		return p;
	copy = props_new();
	copy->n = p->n;
	copy->at = array_copy(p->at, p->n, &copy->cap, sizeof(*p->at));
	for (uint32_t i = 0; i < p->n; i++)
		if (type_is_bytes(PROP_TYPE(p->at[i].tag)))
			copy->at[i].data = copy_bytes(p->at[i].data, p->at[i].len);
	copy->n_children = p->n_children;
	copy->children = array_copy(p->children, p->n_children, &copy->cap_children, sizeof(*p->children));
	for (uint32_t i = 0; i < p->n_children; i++)
		props_ref(copy->children[i].props);
	props_unref(p);
	return copy;
}

/* The first property whose id is not below the tag's. */
static uint32_t position(const struct props *p, uint32_t tag)
{
	uint32_t i = 0;

	while (i < p->n && PROP_ID(p->at[i].tag) < PROP_ID(tag))
		i++;
	return i;
}

const struct prop *props_find(const struct props *p, uint32_t tag)
{
	uint32_t i;

	if (!p)
		return NULL;
	i = position(p, tag);
	return i < p->n && PROP_ID(p->at[i].tag) == PROP_ID(tag) ? &p->at[i] : NULL;
}

static void props_remove(struct props *p, uint32_t tag)
{
	uint32_t i = position(p, tag);

	if (i == p->n || PROP_ID(p->at[i].tag) != PROP_ID(tag))
		return;
	if (type_is_bytes(PROP_TYPE(p->at[i].tag)))
		free(p->at[i].data);
	p->n--;
	memmove(p->at + i, p->at + i + 1, (p->n - i) * sizeof(*p->at));
}

static void insert(struct props *p, struct prop prop)
{
	uint32_t i;

	props_remove(p, prop.tag);
	i = position(p, prop.tag);
	p->at = array_grow(p->at, p->n, &p->cap, sizeof(*p->at));
	memmove(p->at + i + 1, p->at + i, (p->n - i) * sizeof(*p->at));
	p->at[i] = prop;
	p->n++;
}

void props_set_number(struct props *p, uint32_t tag, uint64_t number)
{
	insert(p, (struct prop){.tag = tag, .number = number});
}

void props_set_bytes(struct props *p, uint32_t tag, const void *data, size_t len)
{
	insert(p, (struct prop){.tag = tag, .len = (uint32_t)len, .data = copy_bytes(data, len)});
}

void prop_value(const struct prop *p, struct value *v)
{
	if (type_is_bytes(PROP_TYPE(p->tag)))
		value_bytes(v, p->tag, p->data, p->len);
	else
		value_number(v, p->tag, p->number);
}

static uint64_t double_bits(const struct json *json)
{
	double d = json->text ? strtod(json->text, NULL) : 0;
	uint64_t bits;

	memcpy(&bits, &d, sizeof(bits));
	return bits;
}

static bool is_float(uint32_t type)
{
	return type == PT_R4 || type == PT_DOUBLE || type == PT_APPTIME;
}

static bool gather(struct buf *b, uint32_t type, const struct json *json)
{
	long n;

	if (json->type != JSON_STRING)
		return false;
	if (type == PT_STRING8 || type == PT_UNICODE) {
		buf_put(b, json->text, json->text_len);
		return true;
	}
	n = hex_decode(json->text, json->text_len, (unsigned char *)buf_room(b, json->text_len + 1));
	if (n < 0)
		return false;
	b->len += (size_t)n;
	return true;
}

static bool gather_many(struct buf *b, uint32_t type, const struct json *json)
{
	for (const struct json *one = json->first; one; one = one->next) {
		struct buf element = {0};
		uint32_t len;
		bool fits = true;

		if (type_is_bytes(type)) {
			fits = gather(&element, type, one);
			len = (uint32_t)element.len;
			buf_put(b, &len, sizeof(len));
			buf_put(b, element.data, element.len);
		} else {
			uint64_t number = is_float(type) ? double_bits(one) : (uint64_t)json_number(one, 0);

			buf_put(b, &number, sizeof(number));
		}
		buf_free(&element);
		if (!fits)
			return false;
	}
	return json->type == JSON_ARRAY;
}

bool props_set_json(struct props *p, uint32_t tag, const struct json *json)
{
	uint32_t type = PROP_TYPE(tag);
	struct buf b = {0};
	bool fits;

	if (json->type == JSON_NULL) {
		props_remove(p, tag);
		return true;
	}
	if (!type_is_bytes(type)) {
		if (json->type != JSON_NUMBER && json->type != JSON_BOOL && json->type != JSON_STRING)
			return false;
		props_set_number(p, tag, is_float(type) ? double_bits(json) : (uint64_t)json_number(json, 0));
		return true;
	}
	fits = type & MV_FLAG ? gather_many(&b, type & ~(uint32_t)MV_FLAG, json) : gather(&b, type, json);
	if (fits)
		props_set_bytes(p, tag, b.data, b.len);
	buf_free(&b);
	return fits;
}
