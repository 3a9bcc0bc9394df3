#include "tests/fakekopano/json.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 32

struct parser {
	char *at;
	char *end;
	int depth;
};

static struct json *parse_value(struct parser *p);

static void skip_spaces(struct parser *p)
{
	while (p->at < p->end && strchr(" \t\r\n", *p->at))
		p->at++;
}

static bool take(struct parser *p, char c)
{
	skip_spaces(p);
	if (p->at == p->end || *p->at != c)
		return false;
	p->at++;
	return true;
}

static struct json *new_value(enum json_type type)
{
	struct json *value = calloc(1, sizeof(*value));

	if (!value)
		abort();
	value->type = type;
	return value;
}

void json_free(struct json *value)
{
	while (value) {
		struct json *next = value->next;

		json_free(value->first);
		free(value);
		value = next;
	}
}

static unsigned long hex4(const char *p)
{
	char digits[5] = {p[0], p[1], p[2], p[3], 0};

	return strtoul(digits, NULL, 16);
}

static char *put_utf8(char *to, unsigned long c)
{
	if (c < 0x80) {
		*to++ = (char)c;
	} else if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
		*to++ = (char)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		*to++ = (char)(0xe0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 63));
		*to++ = (char)(0x80 | (c & 63));
	} else {
		*to++ = (char)(0xf0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 12 & 63));
		*to++ = (char)(0x80 | (c >> 6 & 63));
		*to++ = (char)(0x80 | (c & 63));
	}
	return to;
}

static bool unescape(struct parser *p, char **to)
{
	static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
	const char *found;
	unsigned long c;

	if (++p->at == p->end)
		return false;
	found = strchr(from, *p->at);
	if (found && *p->at) {
		*(*to)++ = into[found - from];
		p->at++;
		return true;
	}
	if (*p->at != 'u' || p->end - p->at < 5)
		return false;
	c = hex4(p->at + 1);
	p->at += 5;
	if (c >= 0xd800 && c < 0xdc00 && p->end - p->at >= 6 && p->at[0] == '\\') {
		c = 0x10000 + ((c - 0xd800) << 10) + (hex4(p->at + 2) - 0xdc00);
		p->at += 6;
	}
	*to = put_utf8(*to, c);
	return true;
}

/* The text of a string whose opening quote was taken. */
static bool parse_string(struct parser *p, const char **text, uint32_t *len)
{
	char *to = p->at;

	*text = p->at;
	while (p->at < p->end && *p->at != '"') {
		if (*p->at != '\\')
			*to++ = *p->at++;
		else if (!unescape(p, &to))
			return false;
	}
	if (p->at == p->end)
		return false;
	p->at++;
	*to = '\0';
	*len = (uint32_t)(to - *text);
	return true;
}

static struct json *fail(struct json *value)
{
	json_free(value);
	return NULL;
}

static struct json *parse_members(struct parser *p, struct json *value, char close)
{
	struct json **tail = &value->first;
	uint32_t len;

	if (take(p, close))
		return value;
	do {
		const char *key = NULL;

		if (value->type == JSON_OBJECT && (!take(p, '"') || !parse_string(p, &key, &len) || !take(p, ':')))
			return fail(value);
		*tail = parse_value(p);
		if (!*tail)
			return fail(value);
		(*tail)->key = key;
		tail = &(*tail)->next;
	} while (take(p, ','));
	return take(p, close) ? value : fail(value);
}

static struct json *parse_word(struct parser *p)
{
	size_t left = (size_t)(p->end - p->at);
	struct json *value;

	if (left >= 4 && memcmp(p->at, "true", 4) == 0) {
		p->at += 4;
		value = new_value(JSON_BOOL);
		value->truth = true;
		return value;
	}
	if (left >= 5 && memcmp(p->at, "false", 5) == 0) {
		p->at += 5;
		return new_value(JSON_BOOL);
	}
	if (left >= 4 && memcmp(p->at, "null", 4) == 0) {
		p->at += 4;
		return new_value(JSON_NULL);
	}
	value = new_value(JSON_NUMBER);
	value->text = p->at;
	while (p->at < p->end && *p->at && strchr("+-.0123456789eE", *p->at))
		p->at++;
	value->text_len = (uint32_t)(p->at - value->text);
	return value->text_len ? value : fail(value);
}

static struct json *parse_value(struct parser *p)
{
	struct json *value;

	skip_spaces(p);
	if (p->at == p->end || p->depth == MAX_DEPTH)
		return NULL;
	if (take(p, '"')) {
		value = new_value(JSON_STRING);
		return parse_string(p, &value->text, &value->text_len) ? value : fail(value);
	}
	if (*p->at != '{' && *p->at != '[')
		return parse_word(p);
	value = new_value(*p->at == '{' ? JSON_OBJECT : JSON_ARRAY);
	p->depth++;
	value = parse_members(p, value, *p->at++ == '{' ? '}' : ']');
	p->depth--;
	return value;
}

struct json *json_parse(char *text, size_t len)
{
	struct parser p = {text, text + len, 0};
	struct json *value = parse_value(&p);

	skip_spaces(&p);
	return value && p.at == p.end ? value : fail(value);
}

const struct json *json_get(const struct json *object, const char *key)
{
	if (!object || object->type != JSON_OBJECT)
		return NULL;
	for (const struct json *member = object->first; member; member = member->next)
		if (strcmp(member->key, key) == 0)
			return member;
	return NULL;
}

const char *json_text(const struct json *object, const char *key, const char *otherwise)
{
	const struct json *value = json_get(object, key);

	return value && value->type == JSON_STRING ? value->text : otherwise;
}

int64_t json_number(const struct json *value, int64_t otherwise)
{
	char digits[32];

	if (!value)
		return otherwise;
	if (value->type == JSON_BOOL)
		return value->truth;
	if ((value->type != JSON_NUMBER && value->type != JSON_STRING) || value->text_len >= sizeof(digits))
		return otherwise;
	memcpy(digits, value->text, value->text_len);
	digits[value->text_len] = '\0';
	return digits[0] == '-' ? strtoll(digits, NULL, 0) : (int64_t)strtoull(digits, NULL, 0);
}

int64_t json_int(const struct json *object, const char *key, int64_t otherwise)
{
	return json_number(json_get(object, key), otherwise);
}

bool json_bool(const struct json *object, const char *key, bool otherwise)
{
	const struct json *value = json_get(object, key);

	return value ? value->type == JSON_BOOL ? value->truth : json_number(value, 0) != 0 : otherwise;
}
