#include "bridge/conf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/conf_word.h"
#include "core/arena.h"

enum { MAX_HINT = 256 };

int conf_error(const struct conf_node *node, struct err *err, const char *format, ...)
{
	char text[sizeof err->text];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return err_usage(err, "%s:%d:%d: %s", node->file, node->line, node->column, text);
}

int conf_missing(const struct conf_node *map, const char *key, struct err *err)
{
	return conf_error(map, err, "key `%s%s%s` is missing", map->path, *map->path ? "." : "", key);
}

const struct conf_node *conf_get(const struct conf_node *map, const char *key)
{
	for (size_t i = 0; map && i < map->n_children; i++)
		if (map->children[i].key && strcmp(map->children[i].key, key) == 0)
			return &map->children[i];
	return NULL;
}

static bool is_known(const char *key, const char *const *keys)
{
	while (*keys && strcmp(*keys, key) != 0)
		keys++;
	return *keys;
}

int conf_keys(const struct conf_node *node, const char *const *keys, struct err *err)
{
	if (node->kind != CONF_MAP)
		return conf_error(node, err, "`%.60s` must be a map of keys, as in `%s: ...`", node->path, keys[0]);
	for (size_t i = 0; i < node->n_children; i++) {
		const struct conf_node *child = &node->children[i];
		if (is_known(child->key, keys))
			continue;
		char hint[MAX_HINT];
		conf_word_hint(child->key, keys, hint, sizeof hint);
		return conf_error(child, err, "unknown key `%.60s`%s", child->key, hint);
	}
	return 0;
}

static const char *kind_name(const struct conf_node *node)
{
	static const char *const names[] = {
		[CONF_SCALAR] = "a single value", [CONF_LIST] = "a list", [CONF_MAP] = "a map"};
	return names[node->kind];
}

/* 0 if the node is a text with something in it. */
static int check_text(const struct conf_node *node, struct err *err)
{
	if (node->kind != CONF_SCALAR)
		return conf_error(node, err, "`%.60s` must be a single value, not %s", node->path, kind_name(node));
	if (!*node->text)
		return conf_error(node, err, "`%.60s` has no value", node->path);
	return 0;
}

int conf_text(const struct conf_node *map, const char *key, const char **value, struct err *err)
{
	const struct conf_node *node = conf_get(map, key);
	if (!node)
		return 0;
	if (check_text(node, err))
		return ERR_FATAL;
	*value = node->text;
	return 0;
}

int conf_choice(const struct conf_node *map, const char *key, const char *const *names, int *value, struct err *err)
{
	const struct conf_node *node = conf_get(map, key);
	if (!node)
		return 0;
	if (check_text(node, err))
		return ERR_FATAL;
	for (int i = 0; names[i]; i++) {
		if (strcmp(names[i], node->text) == 0) {
			*value = i;
			return 0;
		}
	}
	char hint[MAX_HINT];
	conf_word_hint(node->text, names, hint, sizeof hint);
	return conf_error(node, err, "`%.60s` cannot be `%.60s`%s", node->path, node->text, hint);
}

int conf_bool(const struct conf_node *map, const char *key, bool *value, struct err *err)
{
	static const char *const names[] = {"false", "true", NULL};
	int index = *value;
	int rc = conf_choice(map, key, names, &index, err);
	*value = index;
	return rc;
}

/* The number at the start of the text; *rest is what follows it. */
static bool parse_number(const char *text, int64_t *number, const char **rest)
{
	char *end;
	if (*text != '-' && (*text < '0' || *text > '9')) /* strtoll would skip blanks */
		return false;
	errno = 0;
	*number = strtoll(text, &end, 10);
	*rest = end;
	return errno == 0 && end != text;
}

int conf_integer(const struct conf_node *map, const char *key, int64_t min, int64_t max, int64_t *value,
		 struct err *err)
{
	const struct conf_node *node = conf_get(map, key);
	int64_t number;
	const char *rest;
	if (!node)
		return 0;
	if (check_text(node, err))
		return ERR_FATAL;
	if (!parse_number(node->text, &number, &rest) || *rest || number < min || number > max)
		return conf_error(node, err,
				  "`%.60s` must be a whole number from %" PRId64 " to %" PRId64 ", not `%.60s`",
				  node->path, min, max, node->text);
	*value = number;
	return 0;
}

/* 0 if it is no unit. */
static int64_t unit_bytes(const char *unit)
{
	static const char *const units[] = {"", "KiB", "MiB", "GiB"};
	while (*unit == ' ')
		unit++;
	for (int i = 0; i < 4; i++)
		if (strcmp(units[i], unit) == 0)
			return INT64_C(1) << (10 * i);
	return 0;
}

static bool parse_bytes(const char *text, int64_t *n_bytes)
{
	const char *rest;
	if (!parse_number(text, n_bytes, &rest))
		return false;
	int64_t unit = unit_bytes(rest);
	return unit && !__builtin_mul_overflow(*n_bytes, unit, n_bytes);
}

/* "32 MiB", in the greatest unit that says it exactly. */
static void print_bytes(int64_t n_bytes, char *text, size_t size)
{
	static const char *const units[] = {" bytes", " KiB", " MiB", " GiB"};
	int unit = 0;
	while (unit < 3 && n_bytes && n_bytes % 1024 == 0) {
		n_bytes /= 1024;
		unit++;
	}
	snprintf(text, size, "%" PRId64 "%s", n_bytes, units[unit]);
}

int conf_bytes(const struct conf_node *map, const char *key, int64_t min, int64_t max, int64_t *value, struct err *err)
{
	const struct conf_node *node = conf_get(map, key);
	int64_t n_bytes;
	if (!node)
		return 0;
	if (check_text(node, err))
		return ERR_FATAL;
	if (parse_bytes(node->text, &n_bytes) && n_bytes >= min && n_bytes <= max) {
		*value = n_bytes;
		return 0;
	}
	char least[32], most[32];
	print_bytes(min, least, sizeof least);
	print_bytes(max, most, sizeof most);
	return conf_error(node, err, "`%.60s` must be a size from %s to %s, as in `32 MiB`, not `%.60s`", node->path,
			  least, most, node->text);
}

int conf_list(const struct conf_node *map, const char *key, const struct conf_node **list, struct err *err)
{
	const struct conf_node *node = conf_get(map, key);
	if (!node)
		return 0;
	if (node->kind != CONF_LIST)
		return conf_error(node, err, "`%.60s` must be a list, as in `%.60s: [...]`, not %s", node->path, key,
				  kind_name(node));
	for (size_t i = 0; i < node->n_children; i++)
		if (check_text(&node->children[i], err))
			return ERR_FATAL;
	*list = node;
	return 0;
}
