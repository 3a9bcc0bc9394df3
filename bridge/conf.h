/* A configuration file as a tree of nodes that know where they stand. Drivers read their own part of it.
 *
 * The tree owns every text; it lives until conf_free. Every error is ERR_FATAL with exit code 2 and begins with
 * "FILE:LINE:COLUMN: ". A reader first calls conf_keys with all keys that it knows, so that a misspelt key is an error
 * that names the nearest known one, and then takes the values; an absent key leaves *value as it was, which is the
 * default. */
#ifndef TIDINGS_BRIDGE_CONF_H
#define TIDINGS_BRIDGE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

enum conf_kind { CONF_SCALAR, CONF_LIST, CONF_MAP };

struct conf_node {
	enum conf_kind kind;
	const char *file;
	int line, column;           /* from 1 */
	const char *key;            /* in its map; NULL in a list and at the root */
	const char *path;           /* "sink.kafka.librdkafka", for messages; "" at the root */
	const char *text;           /* of a scalar; "" if it is empty */
	bool quoted;                /* a scalar written in quotes */
	struct conf_node *children; /* of a list or map */
	size_t n_children;
};

/* Reads a YAML file (one document, a map; no anchors or tags; a key given twice is an error). ERR_FATAL if it can't. */
int conf_load(const char *file, struct conf_node **root, struct err *err);
int conf_parse(const char *name, const char *text, size_t n_bytes, struct conf_node **root, struct err *err);
void conf_free(struct conf_node *root); /* NULL is accepted */

/* The child with this key, or NULL; `map` may be NULL. */
const struct conf_node *conf_get(const struct conf_node *map, const char *key);

/* 0 if `node` is a map and has only these keys (NULL-terminated). */
int conf_keys(const struct conf_node *node, const char *const *keys, struct err *err);

int conf_text(const struct conf_node *map, const char *key, const char **value, struct err *err);
int conf_bool(const struct conf_node *map, const char *key, bool *value, struct err *err);
int conf_integer(const struct conf_node *map, const char *key, int64_t min, int64_t max, int64_t *value,
		 struct err *err);
int conf_bytes(const struct conf_node *map, const char *key, int64_t min, int64_t max, int64_t *value,
	       struct err *err); /* "32 MiB", "1 KiB", "1000" */
int conf_choice(const struct conf_node *map, const char *key, const char *const *names, int *value,
		struct err *err); /* *value: index in the NULL-terminated names */
int conf_list(const struct conf_node *map, const char *key, const struct conf_node **list,
	      struct err *err); /* of scalars */

/* An error at a node; `map` and `key` form: an absent required key. */
int conf_error(const struct conf_node *node, struct err *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int conf_missing(const struct conf_node *map, const char *key, struct err *err);

/* A secret from the file that `path` names: its first line. */
int conf_secret_file(const struct conf_node *node, const char *path, char **secret, struct err *err);
/* 0 if `path` can be read and holds PEM with this label ("CERTIFICATE", "PRIVATE KEY"), and no key with a passphrase.
 */
int conf_pem_file(const struct conf_node *node, const char *path, const char *label, struct err *err);
/* A secret from the environment variable `name`. */
int conf_secret_env(const struct conf_node *node, const char *name, char **secret, struct err *err);

#endif
