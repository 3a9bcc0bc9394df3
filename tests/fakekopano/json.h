/*
 * JSON of control commands as a tree. Parsing is in place: strings point into the given text, which is changed.
 */
#ifndef FAKEKOPANO_JSON_H
#define FAKEKOPANO_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
	enum json_type type;
	const char *key;  /* inside an object */
	const char *text; /* of a string or number */
	uint32_t text_len;
	bool truth;
	struct json *first, *next;
};

/* Parse one value. Returns it, to be freed with json_free(), or NULL when the text is not JSON. */
struct json *json_parse(char *text, size_t len);
void json_free(struct json *value);

/* Members of an object; all of them accept a NULL object and a missing member. */
const struct json *json_get(const struct json *object, const char *key);
const char *json_text(const struct json *object, const char *key, const char *otherwise);
int64_t json_int(const struct json *object, const char *key, int64_t otherwise);
bool json_bool(const struct json *object, const char *key, bool otherwise);
/* The value itself as a number; strings are read as C does it, so "0x0037001F" works. */
int64_t json_number(const struct json *value, int64_t otherwise);

#endif
