#include "tests/fakekopano/call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fakekopano/vec.h"

void *call_alloc(struct call *c, size_t n)
{
	void *p = calloc(1, n + 1);

	if (!p)
		abort();
	c->temporary = array_grow(c->temporary, c->n_temporary, &c->cap_temporary, sizeof(*c->temporary));
	c->temporary[c->n_temporary++] = p;
	return p;
}

void call_end(struct call *c)
{
	for (uint32_t i = 0; i < c->n_temporary; i++)
		free(c->temporary[i]);
	for (uint32_t i = 0; i < c->n_parts; i++)
		buf_free(&c->parts[i]);
	free(c->temporary);
	free(c->parts);
}

bool call_faulted(const struct call *c)
{
	return c->fault[0];
}

static void violation(struct call *c, const char *what, const struct xml_node *node)
{
	if (!call_faulted(c))
		snprintf(c->fault, sizeof(c->fault), "Validation constraint violation: %s in element '%s'", what,
			 node->name);
}

/* The real parser accepts a type attribute only if it is exactly right; nobody sends one. */
static void check_type(struct call *c, const struct xml_node *node, const char *expected)
{
	char what[80];

	if (!node->xsi_type || strcmp(node->xsi_type, expected) == 0)
		return;
	snprintf(what, sizeof(what), "type mismatch %.60s", node->xsi_type);
	violation(c, what, node);
}

static bool check_number(struct call *c, const struct xml_node *node, const char *end, bool in_range)
{
	if (node->text_len == 0)
		violation(c, "empty value provided where a value is required", node);
	else if (end == node->text || end[strspn(end, " \t\r\n")] || errno || !in_range)
		violation(c, "invalid value", node);
	else
		return true;
	return false;
}

uint64_t node_uint(struct call *c, const struct xml_node *node, uint64_t max)
{
	unsigned long long value;
	char *end;

	if (!node)
		return 0;
	check_type(c, node, max == UINT32_MAX ? "xsd:unsignedInt" : "xsd:unsignedLong");
	errno = 0;
	value = strtoull(node->text, &end, 10);
	return check_number(c, node, end, value <= max && !strchr(node->text, '-')) ? value : 0;
}

int64_t node_int(struct call *c, const struct xml_node *node, int64_t min, int64_t max)
{
	long long value;
	char *end;

	if (!node)
		return 0;
	errno = 0;
	value = strtoll(node->text, &end, 10);
	return check_number(c, node, end, value >= min && value <= max) ? value : 0;
}

bool node_bool(struct call *c, const struct xml_node *node)
{
	if (!node)
		return false;
	if (strcmp(node->text, "true") == 0 || strcmp(node->text, "1") == 0)
		return true;
	if (strcmp(node->text, "false") != 0 && strcmp(node->text, "0") != 0)
		violation(c, "invalid value", node);
	return false;
}

struct bytes node_bytes(struct call *c, const struct xml_node *node)
{
	unsigned char *out;
	long n;

	if (!node)
		return (struct bytes){(const unsigned char *)"", 0};
	check_type(c, node, "xsd:base64Binary");
	out = call_alloc(c, node->text_len);
	n = base64_decode(node->text, node->text_len, out);
	if (n < 0) {
		violation(c, "invalid value", node);
		n = 0;
	}
	return (struct bytes){out, (uint32_t)n};
}

const struct xml_node *arg_node(struct call *c, const struct xml_node *in, const char *name)
{
	const struct xml_node *node = in ? xml_child(c->doc, in, name) : NULL;

	return node && !node->nil ? node : NULL;
}

uint32_t arg_uint(struct call *c, const struct xml_node *in, const char *name)
{
	return (uint32_t)node_uint(c, arg_node(c, in, name), UINT32_MAX);
}

uint64_t arg_uint64(struct call *c, const struct xml_node *in, const char *name)
{
	return node_uint(c, arg_node(c, in, name), UINT64_MAX);
}

struct bytes arg_bytes(struct call *c, const struct xml_node *in, const char *name)
{
	return node_bytes(c, arg_node(c, in, name));
}

const char *arg_text(struct call *c, const struct xml_node *in, const char *name)
{
	const struct xml_node *node = arg_node(c, in, name);

	return node ? node->text : NULL;
}

const struct xml_node *array_items(struct call *c, const struct xml_node *array, const char *type, uint32_t *limit)
{
	size_t n = strlen(type);

	*limit = UINT32_MAX;
	if (!array)
		return NULL;
	if (array->array_type) {
		const char *bracket = array->array_type + n;

		if (strncmp(array->array_type, type, n) != 0 || *bracket != '[')
			violation(c, "array type mismatch", array);
		else
			*limit = (uint32_t)strtoul(bracket + 1, NULL, 10);
	}
	return xml_first(c->doc, array);
}

static void open_tag(struct call *c, const char *name)
{
	buf_char(c->out, '<');
	buf_str(c->out, name);
	buf_char(c->out, '>');
}

static void close_tag(struct call *c, const char *name)
{
	buf_str(c->out, "</");
	buf_str(c->out, name);
	buf_char(c->out, '>');
}

void put_uint(struct call *c, const char *name, uint64_t value)
{
	open_tag(c, name);
	buf_uint(c->out, value);
	close_tag(c, name);
}

void put_int(struct call *c, const char *name, int64_t value)
{
	open_tag(c, name);
	buf_int(c->out, value);
	close_tag(c, name);
}

void put_text(struct call *c, const char *name, const char *text)
{
	if (!*text) {
		buf_printf(c->out, "<%s/>", name);
		return;
	}
	open_tag(c, name);
	buf_xml(c->out, text, strlen(text));
	close_tag(c, name);
}

void put_bytes(struct call *c, const char *name, const void *bytes, size_t n)
{
	open_tag(c, name);
	buf_base64(c->out, bytes, n);
	close_tag(c, name);
}

void put_raw(struct call *c, const char *xml)
{
	buf_str(c->out, xml);
}
