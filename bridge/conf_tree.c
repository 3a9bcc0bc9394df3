/* Builds the tree of bridge/conf.h from the events of libyaml. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

#include "bridge/conf.h"
#include "core/arena.h"

enum { MAX_FILE_BYTES = 1 << 20, MAX_DEPTH = 16, MAX_KEYS = 1000 };

struct conf_tree {
	struct conf_node root; /* first: what conf_free is given */
	struct arena arena;
};

struct reader {
	yaml_parser_t parser;
	yaml_event_t event; /* the last one */
	struct conf_tree *tree;
	const char *file, *text;
	struct err *err;
};

static struct conf_node node_at(const struct reader *reader, yaml_mark_t mark)
{
	return (struct conf_node){.file = reader->file,
				  .line = (int)mark.line + 1,
				  .column = (int)mark.column + 1,
				  .path = "",
				  .text = ""};
}

static int refuse(struct reader *reader, const char *text)
{
	struct conf_node here = node_at(reader, reader->event.start_mark);
	return conf_error(&here, reader->err, "%s", text);
}

/* libyaml gives no mark but a byte offset for characters that it cannot read. */
static yaml_mark_t mark_of_offset(const char *text, size_t offset)
{
	yaml_mark_t mark = {.index = offset};
	for (size_t i = 0; i < offset; i++) {
		mark.column = text[i] == '\n' ? 0 : mark.column + 1;
		mark.line += text[i] == '\n';
	}
	return mark;
}

static int refuse_syntax(struct reader *reader)
{
	yaml_parser_t *parser = &reader->parser;
	if (parser->error == YAML_MEMORY_ERROR)
		abort();
	bool unreadable = parser->error == YAML_READER_ERROR;
	struct conf_node here = node_at(reader, unreadable ? mark_of_offset(reader->text, parser->problem_offset)
							   : parser->problem_mark);
	return conf_error(&here, reader->err, "not valid YAML: %s%s%s", parser->problem, parser->context ? " " : "",
			  parser->context ? parser->context : "");
}

static const char *refused_feature(const yaml_event_t *event)
{
	const unsigned char *anchor = NULL, *tag = NULL;
	if (event->type == YAML_SCALAR_EVENT) {
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
	} else if (event->type == YAML_SEQUENCE_START_EVENT) {
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
	} else if (event->type == YAML_MAPPING_START_EVENT) {
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
	}
	if (anchor || event->type == YAML_ALIAS_EVENT)
		return "anchors and aliases (& and *) are not accepted; put a text that begins so in quotes";
	return tag ? "tags (!) are not accepted; put a text that begins so in quotes" : NULL;
}

static int next_event(struct reader *reader)
{
	yaml_event_delete(&reader->event);
	if (!yaml_parser_parse(&reader->parser, &reader->event))
		return refuse_syntax(reader);
	const char *feature = refused_feature(&reader->event);
	return feature ? refuse(reader, feature) : 0;
}

static int take_text(struct reader *reader, const char **text)
{
	const char *value = (const char *)reader->event.data.scalar.value;
	size_t length = reader->event.data.scalar.length;
	if (memchr(value, '\0', length))
		return refuse(reader, "a NUL character is not accepted in a text");
	*text = arena_text(&reader->tree->arena, "%s", value);
	return 0;
}

static void append(struct reader *reader, struct conf_node *parent, struct conf_node child)
{
	size_t n = parent->n_children;
	if ((n & (n - 1)) == 0) { /* full: the room is always the next power of two */
		struct conf_node *grown = arena_alloc(&reader->tree->arena, (n ? 2 * n : 1) * sizeof *grown);
		if (n)
			memcpy(grown, parent->children, n * sizeof *grown);
		parent->children = grown;
	}
	parent->children[parent->n_children++] = child;
}

static int read_value(struct reader *reader, struct conf_node *node, int depth);

static int read_list(struct reader *reader, struct conf_node *list, int depth)
{
	int rc;
	while ((rc = next_event(reader)) == 0 && reader->event.type != YAML_SEQUENCE_END_EVENT) {
		struct conf_node child = node_at(reader, reader->event.start_mark);
		child.path = list->path;
		if ((rc = read_value(reader, &child, depth + 1)))
			break;
		append(reader, list, child);
	}
	return rc;
}

static int read_key(struct reader *reader, const struct conf_node *map, struct conf_node *child)
{
	*child = node_at(reader, reader->event.start_mark);
	if (reader->event.type != YAML_SCALAR_EVENT)
		return refuse(reader, "a key must be a text");
	if (take_text(reader, &child->key))
		return ERR_FATAL;
	child->path = arena_text(&reader->tree->arena, "%s%s%s", map->path, *map->path ? "." : "", child->key);
	const struct conf_node *first = conf_get(map, child->key);
	if (first)
		return conf_error(child, reader->err, "key `%.60s` is given twice, first in line %d", child->key,
				  first->line);
	return map->n_children < MAX_KEYS ? 0 : refuse(reader, "too many keys in one map");
}

static int read_map(struct reader *reader, struct conf_node *map, int depth)
{
	int rc;
	while ((rc = next_event(reader)) == 0 && reader->event.type != YAML_MAPPING_END_EVENT) {
		struct conf_node child;
		if ((rc = read_key(reader, map, &child)) || (rc = next_event(reader)) ||
		    (rc = read_value(reader, &child, depth + 1)))
			break;
		append(reader, map, child);
	}
	return rc;
}

/* The event at hand begins the value. */
static int read_value(struct reader *reader, struct conf_node *node, int depth)
{
	if (depth > MAX_DEPTH)
		return refuse(reader, "nested too deeply");
	switch (reader->event.type) {
	case YAML_SEQUENCE_START_EVENT:
		node->kind = CONF_LIST;
		return read_list(reader, node, depth);
	case YAML_MAPPING_START_EVENT:
		node->kind = CONF_MAP;
		return read_map(reader, node, depth);
	default:
		node->kind = CONF_SCALAR;
		node->quoted = reader->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
		return take_text(reader, &node->text);
	}
}

static int read_document(struct reader *reader)
{
	int rc;
	if ((rc = next_event(reader)) || (rc = next_event(reader))) /* the stream begins, the document begins */
		return rc;
	if (reader->event.type == YAML_STREAM_END_EVENT)
		return refuse(reader, "the configuration is empty");
	if ((rc = next_event(reader)))
		return rc;
	struct conf_node *root = &reader->tree->root;
	*root = node_at(reader, reader->event.start_mark);
	if (reader->event.type != YAML_MAPPING_START_EVENT)
		return refuse(reader, "the configuration must be a map, as in `source: ...`");
	if ((rc = read_value(reader, root, 1)) || (rc = next_event(reader)) || (rc = next_event(reader)))
		return rc;
	return reader->event.type == YAML_STREAM_END_EVENT
		       ? 0
		       : refuse(reader, "a second document begins here; a configuration is only one");
}

int conf_parse(const char *name, const char *text, size_t n_bytes, struct conf_node **root, struct err *err)
{
	struct conf_tree *tree = xcalloc(1, sizeof *tree);
	struct reader reader = {.tree = tree, .text = text, .err = err};
	reader.file = arena_text(&tree->arena, "%s", name);
	if (!yaml_parser_initialize(&reader.parser))
		abort();
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, n_bytes);
	int rc = read_document(&reader);
	yaml_event_delete(&reader.event);
	yaml_parser_delete(&reader.parser);
	if (rc)
		conf_free(&tree->root);
	else
		*root = &tree->root;
	return rc;
}

void conf_free(struct conf_node *root)
{
	struct conf_tree *tree = (struct conf_tree *)root;
	if (!tree)
		return;
	struct arena arena = tree->arena;
	arena_free(&arena);
	free(tree);
}

/* Up to `room` bytes of the file; -1 and errno if it can't. */
static ssize_t read_file(const char *file, char *text, size_t room)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	size_t n = 0;
	ssize_t got;
	while ((got = read(fd, text + n, room - n)) > 0)
		n += (size_t)got;
	int saved = errno;
	close(fd);
	errno = saved;
	return got < 0 ? -1 : (ssize_t)n;
}

int conf_load(const char *file, struct conf_node **root, struct err *err)
{
	char *text = xmalloc(MAX_FILE_BYTES + 1);
	ssize_t n = read_file(file, text, MAX_FILE_BYTES + 1);
	int rc;
	if (n < 0)
		rc = err_usage(err, "cannot read the configuration %s: %s", file, strerror(errno));
	else if (n > MAX_FILE_BYTES)
		rc = err_usage(err, "the configuration %s is larger than %d bytes", file, MAX_FILE_BYTES);
	else
		rc = conf_parse(file, text, (size_t)n, root, err);
	free(text);
	return rc;
}
