#include "bridge/pattern.h"

/* ---- characters: a backslash and what follows it are one ---- */

static size_t character_size(struct slice text)
{
	return text.data[0] == '\\' && text.size > 1 ? 2 : 1;
}

static struct slice after(struct slice text, size_t n)
{
	return slice_of(text.data + n, text.size - n);
}

static bool is_wildcard(struct slice text)
{
	return text.size > 0 && text.data[0] == '*';
}

static uint8_t character_of(struct slice text)
{
	return text.data[character_size(text) - 1];
}

/* ---- one level ---- */

/* What stands before the next slash; false: there is no more. */
static bool take_level(struct slice *rest, struct slice *level)
{
	if (!rest->data)
		return false;
	struct slice at = *rest;
	while (at.size && at.data[0] != '/')
		at = after(at, character_size(at));
	*level = slice_of(rest->data, (size_t)(at.data - rest->data));
	*rest = at.size ? after(at, 1) : slice_of(NULL, 0);
	return true;
}

/* After a star that may stand for more and more: from `star`, the name from `behind`. */
static bool level_matches(struct slice pattern, struct slice name)
{
	struct slice star = {0}, behind = {0};
	while (name.size) {
		if (is_wildcard(pattern)) {
			star = pattern = after(pattern, 1);
			behind = name;
		} else if (pattern.size && character_of(pattern) == character_of(name)) {
			pattern = after(pattern, character_size(pattern));
			name = after(name, character_size(name));
		} else if (star.data) {
			behind = name = after(behind, character_size(behind));
			pattern = star;
		} else {
			return false;
		}
	}
	while (is_wildcard(pattern))
		pattern = after(pattern, 1);
	return pattern.size == 0;
}

/* ---- all levels ---- */

static bool is_any_levels(struct slice level)
{
	return slice_equal(level, slice_of_text("**"));
}

bool pattern_matches(const char *text, struct slice path)
{
	struct slice pattern = slice_of_text(text), star = {0}, behind = {0}, level, name;
	bool starred = false;
	if (!path.size)
		return false;
	while (path.data) {
		struct slice rest = pattern, after_name = path;
		bool more = take_level(&rest, &level);
		take_level(&after_name, &name);
		if (more && is_any_levels(level)) {
			if (!rest.data)
				return true;
			starred = true;
			star = pattern = rest;
			behind = path;
		} else if (more && level_matches(level, name)) {
			pattern = rest;
			path = after_name;
		} else if (starred) {
			take_level(&behind, &name);
			path = behind;
			pattern = star;
		} else {
			return false;
		}
	}
	return !pattern.data;
}

/* A name that is written as the pattern's last one is matched by it, stars too. */
bool pattern_may_match_below(const char *pattern, struct slice parent)
{
	struct arena arena = {0};
	struct slice rest = slice_of_text(pattern), last = rest;
	while (take_level(&rest, &last))
		;
	const char *path = arena_text(&arena, "%.*s%s%.*s", (int)parent.size, (const char *)parent.data,
				      parent.size ? "/" : "", (int)last.size, (const char *)last.data);
	bool may = pattern_matches(pattern, slice_of_text(path));
	arena_free(&arena);
	return may;
}

/* ---- what is written ---- */

bool pattern_is_plain(const char *pattern)
{
	for (struct slice rest = slice_of_text(pattern); rest.size; rest = after(rest, character_size(rest)))
		if (is_wildcard(rest))
			return false;
	return true;
}

struct slice pattern_path(const char *pattern, struct arena *arena)
{
	size_t n = strlen(pattern);
	uint8_t *path = arena_alloc(arena, n), *end = path;
	for (const char *at = pattern; *at; at++) {
		if (at[0] == '\\' && at[1] == '*')
			at++;
		*end++ = (uint8_t)*at;
		if (at[0] == '\\' && at[1])
			*end++ = (uint8_t) * ++at;
	}
	return slice_of(path, (size_t)(end - path));
}

static const char *level_mistake(struct slice level, bool is_last)
{
	if (!level.size)
		return is_last ? "the name after the last slash is empty" : "a name before a slash is empty";
	for (struct slice rest = level; rest.size; rest = after(rest, character_size(rest))) {
		if (rest.data[0] == '\\' && (rest.size == 1 || !strchr("/*\\", rest.data[1])))
			return "after \\ only /, * or \\ may follow";
		if (is_wildcard(rest) && is_wildcard(after(rest, 1)) && !is_any_levels(level))
			return "** stands for whole names: write it alone between slashes, as in `Projects/**/Old`";
	}
	return NULL;
}

const char *pattern_mistake(const char *pattern)
{
	struct slice rest = slice_of_text(pattern), level;
	const char *mistake = NULL;
	while (!mistake && take_level(&rest, &level))
		mistake = level_mistake(level, !rest.data);
	return mistake;
}
