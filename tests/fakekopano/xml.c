#include "tests/fakekopano/xml.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fakekopano/vec.h"

#define MAX_DEPTH 64

struct parser {
	struct xml *doc;
	char *at;
	char *end;
	char *text; /* where the open element's character data is being gathered */
	uint32_t open;
	int depth;
};

static uint32_t add_node(struct parser *p)
{
	struct xml *doc = p->doc;
	struct xml_node *node;

	doc->nodes = array_grow(doc->nodes, doc->n, &doc->cap, sizeof(*doc->nodes));
	node = &doc->nodes[doc->n];
	*node = (struct xml_node){.text = "", .parent = p->open};
	if (doc->n > 0) {
		struct xml_node *parent = &doc->nodes[p->open];

		if (parent->last)
			doc->nodes[parent->last].next = doc->n;
		else
			parent->first = doc->n;
		parent->last = doc->n;
	}
	return doc->n++;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_spaces(struct parser *p)
{
	while (p->at < p->end && is_space(*p->at))
		p->at++;
}

static bool starts(struct parser *p, const char *prefix)
{
	size_t n = strlen(prefix);

	return (size_t)(p->end - p->at) >= n && memcmp(p->at, prefix, n) == 0;
}

static bool skip_past(struct parser *p, const char *mark)
{
	char *found = memmem(p->at, (size_t)(p->end - p->at), mark, strlen(mark));

	if (!found)
		return false;
	p->at = found + strlen(mark);
	return true;
}

static bool name_char(char c)
{
	return !is_space(c) && !strchr("<>/='\"&", c);
}

/* UTF-8 of a character reference. Returns the number of bytes, 0 when it is no character. */
static int encode(unsigned long c, char *out)
{
	if (c == 0 || c > 0x10ffff)
		return 0;
	if (c < 0x80)
		return out[0] = (char)c, 1;
	if (c < 0x800)
		return out[0] = (char)(0xc0 | c >> 6), out[1] = (char)(0x80 | (c & 63)), 2;
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12), out[1] = (char)(0x80 | (c >> 6 & 63));
		return out[2] = (char)(0x80 | (c & 63)), 3;
	}
	out[0] = (char)(0xf0 | c >> 18), out[1] = (char)(0x80 | (c >> 12 & 63));
	out[2] = (char)(0x80 | (c >> 6 & 63)), out[3] = (char)(0x80 | (c & 63));
	return 4;
}

/* Resolve the reference at *from into *to; both advance. A reference is never shorter than what it stands for. */
static bool resolve(char **from, char *end, char **to)
{
	static const struct {
		const char *text;
		char c;
	} named[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
	char *semicolon = memchr(*from, ';', (size_t)(end - *from));
	int n;

	if (!semicolon)
		return false;
	for (size_t i = 0; i < sizeof(named) / sizeof(*named); i++) {
		if (strncmp(*from, named[i].text, strlen(named[i].text)) == 0) {
			*(*to)++ = named[i].c;
			*from = semicolon + 1;
			return true;
		}
	}
	if ((*from)[1] != '#')
		return false;
	n = encode((*from)[2] == 'x' ? strtoul(*from + 3, NULL, 16) : strtoul(*from + 2, NULL, 10), *to);
	*to += n;
	*from = semicolon + 1;
	return n > 0;
}

static enum xml_result take_text(struct parser *p)
{
	struct xml_node *node = &p->doc->nodes[p->open];
	char *to = p->at;

	node->text = p->at;
	while (p->at < p->end && *p->at != '<') {
		if (*p->at != '&')
			*to++ = *p->at++;
		else if (!resolve(&p->at, p->end, &to))
			return p->at + 12 > p->end ? XML_TRUNCATED : XML_MALFORMED;
	}
	if (p->at == p->end)
		return XML_TRUNCATED;
	node->text_len = (uint32_t)(to - node->text);
	p->text = to;
	return XML_OK;
}

static void declare_namespace(struct xml *doc, uint32_t node, const char *prefix, const char *uri)
{
	doc->namespaces =
		array_grow(doc->namespaces, doc->n_namespaces, &doc->cap_namespaces, sizeof(*doc->namespaces));
	doc->namespaces[doc->n_namespaces++] = (struct xml_namespace){node, prefix, uri};
}

static void note_attribute(struct xml *doc, uint32_t at, const char *name, const char *value)
{
	struct xml_node *node = &doc->nodes[at];
	const char *colon = strrchr(name, ':');
	const char *local = colon ? colon + 1 : name;

	if (strncmp(name, "xmlns", 5) == 0)
		declare_namespace(doc, at, colon ? local : "", value);
	else if (strcmp(local, "arrayType") == 0)
		node->array_type = value;
	else if (colon && strcmp(local, "type") == 0)
		node->xsi_type = value;
	else if (colon && strcmp(local, "nil") == 0)
		node->nil = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
}

static enum xml_result take_attribute(struct parser *p, uint32_t node)
{
	char *name = p->at, *name_end, *value, *to, quote;

	while (p->at < p->end && name_char(*p->at))
		p->at++;
	name_end = p->at;
	skip_spaces(p);
	if (p->at + 1 >= p->end)
		return XML_TRUNCATED;
	if (name_end == name || *p->at++ != '=')
		return XML_MALFORMED;
	skip_spaces(p);
	quote = *p->at++;
	if (quote != '"' && quote != '\'')
		return XML_MALFORMED;
	value = to = p->at;
	while (p->at < p->end && *p->at != quote) {
		if (*p->at != '&')
			*to++ = *p->at++;
		else if (!resolve(&p->at, p->end, &to))
			return XML_MALFORMED;
	}
	if (p->at == p->end)
		return XML_TRUNCATED;
	p->at++;
	*to = *name_end = '\0';
	note_attribute(p->doc, node, name, value);
	return XML_OK;
}

static void close_element(struct parser *p)
{
	struct xml_node *node = &p->doc->nodes[p->open];

	/* Only an element without children keeps its text; the NUL falls on the '<' that was already consumed. */
	if (node->first) {
		node->text = "";
		node->text_len = 0;
	}
	p->open = node->parent;
	p->depth--;
}

static enum xml_result take_start_tag(struct parser *p)
{
	char *name = ++p->at, *name_end;
	uint32_t node;

	while (p->at < p->end && name_char(*p->at))
		p->at++;
	name_end = p->at;
	if (p->at == p->end)
		return XML_TRUNCATED;
	if (name_end == name || p->depth == MAX_DEPTH)
		return XML_MALFORMED;
	node = add_node(p);
	for (;;) {
		enum xml_result result;

		skip_spaces(p);
		if (p->at == p->end)
			return XML_TRUNCATED;
		if (*p->at == '>' || *p->at == '/')
			break;
		result = take_attribute(p, node);
		if (result != XML_OK)
			return result;
	}
	p->doc->nodes[node].name = name;
	p->open = node;
	p->depth++;
	if (*p->at == '>') {
		p->at++;
		*name_end = '\0';
		return take_text(p);
	}
	if (p->at + 1 >= p->end)
		return XML_TRUNCATED;
	if (p->at[1] != '>')
		return XML_MALFORMED;
	p->at += 2;
	*name_end = '\0';
	close_element(p);
	return XML_OK;
}

static enum xml_result take_end_tag(struct parser *p)
{
	char *name = p->at + 2, *close = memchr(p->at, '>', (size_t)(p->end - p->at));
	const struct xml_node *node = &p->doc->nodes[p->open];
	size_t n = node->name ? strlen(node->name) : 0;

	if (!close)
		return XML_TRUNCATED;
	if (!node->name || (size_t)(close - name) < n || memcmp(name, node->name, n) != 0 ||
	    (close > name + n && !is_space(name[n])))
		return XML_MALFORMED;
	*p->at = '\0';
	if (p->text && p->text < p->at)
		*p->text = '\0';
	p->at = close + 1;
	close_element(p);
	p->text = NULL;
	return XML_OK;
}

static enum xml_result take_markup(struct parser *p)
{
	if (starts(p, "<!--"))
		return skip_past(p, "-->") ? XML_OK : XML_TRUNCATED;
	if (starts(p, "<?"))
		return skip_past(p, "?>") ? XML_OK : XML_TRUNCATED;
	if (starts(p, "<!") && p->depth == 0)
		return skip_past(p, ">") ? XML_OK : XML_TRUNCATED;
	if (starts(p, "<!"))
		return XML_MALFORMED;
	return starts(p, "</") ? take_end_tag(p) : take_start_tag(p);
}

enum xml_result xml_parse(struct xml *doc, char *text, size_t len)
{
	struct parser p = {.doc = doc, .at = text, .end = text + len};

	*doc = (struct xml){0};
	add_node(&p);
	for (;;) {
		enum xml_result result;

		while (p.at < p.end && *p.at != '<') {
			if (p.depth == 0 && !is_space(*p.at))
				return XML_MALFORMED;
			p.at++;
		}
		if (p.at == p.end)
			return p.depth > 0 || !doc->nodes[0].first ? XML_TRUNCATED : XML_OK;
		result = take_markup(&p);
		if (result != XML_OK)
			return result;
	}
}

void xml_free(struct xml *doc)
{
	free(doc->nodes);
	free(doc->namespaces);
	*doc = (struct xml){0};
}

static const struct xml_node *unqualified(const struct xml *doc, uint32_t at)
{
	while (at && strchr(doc->nodes[at].name, ':'))
		at = doc->nodes[at].next;
	return at ? &doc->nodes[at] : NULL;
}

const struct xml_node *xml_first(const struct xml *doc, const struct xml_node *node)
{
	return unqualified(doc, node->first);
}

const struct xml_node *xml_next(const struct xml *doc, const struct xml_node *node)
{
	return unqualified(doc, node->next);
}

const struct xml_node *xml_child(const struct xml *doc, const struct xml_node *node, const char *name)
{
	const struct xml_node *child = xml_first(doc, node);

	while (child && strcmp(child->name, name) != 0)
		child = xml_next(doc, child);
	return child;
}

const char *xml_local(const struct xml_node *node)
{
	const char *colon = strchr(node->name, ':');

	return colon ? colon + 1 : node->name;
}

static const char *declared(const struct xml *doc, uint32_t node, const char *prefix, size_t n)
{
	for (uint32_t i = 0; i < doc->n_namespaces; i++) {
		const struct xml_namespace *ns = &doc->namespaces[i];

		if (ns->node == node && strlen(ns->prefix) == n && memcmp(ns->prefix, prefix, n) == 0)
			return ns->uri;
	}
	return NULL;
}

const char *xml_uri(const struct xml *doc, const struct xml_node *node)
{
	const char *prefix = node->name, *colon = strchr(prefix, ':');
	size_t n = colon ? (size_t)(colon - prefix) : 0;

	while (node != doc->nodes) {
		const char *uri = declared(doc, (uint32_t)(node - doc->nodes), prefix, n);

		if (uri)
			return uri;
		node = &doc->nodes[node->parent];
	}
	return NULL;
}
