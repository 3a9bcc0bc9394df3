/*
 * A request's XML as a small tree: strict about well-formedness, tolerant about everything else.
 *
 * Parsing is in place: names and texts point into the given bytes, which are changed. Children are found by name,
 * and only unqualified ones, as the real server does it; order and unknown elements do not matter.
 */
#ifndef FAKEKOPANO_XML_H
#define FAKEKOPANO_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xml_node {
	const char *name;       /* as written, with prefix */
	const char *array_type; /* SOAP-ENC:arrayType, or NULL */
	const char *xsi_type;
	const char *text; /* character data, references resolved, terminated by NUL */
	uint32_t text_len;
	uint32_t parent, first, last, next; /* 0 is none */
	bool nil;
};

struct xml_namespace {
	uint32_t node;
	const char *prefix;
	const char *uri;
};

struct xml {
	struct xml_node *nodes; /* node 0 is the document */
	struct xml_namespace *namespaces;
	uint32_t n, cap;
	uint32_t n_namespaces, cap_namespaces;
};

enum xml_result { XML_OK, XML_TRUNCATED, XML_MALFORMED };

enum xml_result xml_parse(struct xml *doc, char *text, size_t len);
void xml_free(struct xml *doc);

/* The first unqualified child of that name, or NULL. */
const struct xml_node *xml_child(const struct xml *doc, const struct xml_node *node, const char *name);
/* Iterate: the first child, the next sibling, each NULL at the end; qualified ones are skipped. */
const struct xml_node *xml_first(const struct xml *doc, const struct xml_node *node);
const struct xml_node *xml_next(const struct xml *doc, const struct xml_node *node);
/* The name without its prefix. */
const char *xml_local(const struct xml_node *node);
/* The namespace that an element's own prefix stands for, or NULL when it was never declared. */
const char *xml_uri(const struct xml *doc, const struct xml_node *node);

#endif
