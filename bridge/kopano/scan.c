#include "bridge/kopano/scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Names are copied with fixed sizes, which is faster, so bytes after the end of the buffer must be readable. */
enum { PADDING_BYTES = SCAN_NAME_LIMIT_BYTES + 1, SHORT_NAME_BYTES = 16 };

enum byte_class { NOT_IN_A_NAME, IN_A_NAME, COLON, AFTER_A_NAME };

static const uint8_t class_of[256] = {
	['0' ... '9'] = IN_A_NAME,
	['A' ... 'Z'] = IN_A_NAME,
	['a' ... 'z'] = IN_A_NAME,
	['-'] = IN_A_NAME,
	['_'] = IN_A_NAME,
	['.'] = IN_A_NAME,
	[':'] = COLON,
	[0x80 ... 0xff] = IN_A_NAME,
	[' '] = AFTER_A_NAME,
	['\t'] = AFTER_A_NAME,
	['\r'] = AFTER_A_NAME,
	['\n'] = AFTER_A_NAME,
	['/'] = AFTER_A_NAME,
	['>'] = AFTER_A_NAME,
};

static void resize(struct scan *scan, size_t capacity)
{
	scan->buffer = xrealloc(scan->buffer, capacity + PADDING_BYTES);
	scan->capacity = capacity;
}

void scan_open(struct scan *scan, size_t limit_bytes, scan_read_fn *read, void *context)
{
	*scan = (struct scan){.read = read, .context = context, .limit_bytes = limit_bytes};
	scan_reset(scan);
}

void scan_reset(struct scan *scan)
{
	if (scan->capacity != SCAN_BUFFER_BYTES) /* it has grown for a long text */
		resize(scan, SCAN_BUFFER_BYTES);
	scan->depth = 0;
	scan->at = scan->end = 0;
	scan->taken_bytes = 0;
	scan->started = scan->end_is_due = scan->done = scan->failed = false;
	scan_renew_limit(scan);
}

void scan_close(struct scan *scan)
{
	free(scan->buffer);
	*scan = (struct scan){.failed = true};
}

void scan_renew_limit(struct scan *scan)
{
	scan->refused_bytes = scan->taken_bytes + scan->at + scan->limit_bytes;
}

void scan_refuse(struct scan *scan, enum err_class class, const char *format, ...)
{
	char reason[192];
	va_list args;

	if (scan->failed)
		return;
	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	scan->failed = true;
	err_set(&scan->err, class, "%s, at byte %llu of the answer", reason,
		(unsigned long long)scan->taken_bytes + scan->at);
}

static enum scan_token malformed(struct scan *scan, const char *reason)
{
	scan_refuse(scan, ERR_AGAIN, "the answer is not what a Kopano server sends: %s", reason);
	return SCAN_FAILED;
}

static void slide(struct scan *scan)
{
	memmove(scan->buffer, scan->buffer + scan->at, scan->end - scan->at);
	scan->taken_bytes += scan->at;
	scan->end -= scan->at;
	scan->at = 0;
}

/* Pulls more bytes; gives up those before `at`. */
static bool more(struct scan *scan)
{
	if (scan->failed)
		return false;
	if (scan->taken_bytes + scan->end >= scan->refused_bytes) {
		scan_refuse(scan, ERR_BAD, "an element is bigger than %zu KiB and is not read",
			    scan->limit_bytes >> 10);
		return false;
	}
	if (scan->at)
		slide(scan);
	if (scan->end == scan->capacity)
		resize(scan, 2 * scan->capacity);
	ssize_t n = scan->read(scan->context, scan->buffer + scan->end, scan->capacity - scan->end, &scan->err);
	if (n < 0)
		scan->failed = true;
	else if (n == 0)
		malformed(scan, "it ends too early");
	else
		scan->end += (size_t)n;
	return n > 0;
}

/* True if there are n bytes at `at`. */
static inline bool have(struct scan *scan, size_t n)
{
	while (scan->end - scan->at < n)
		if (!more(scan))
			return false;
	return true;
}

static inline uint8_t peek(const struct scan *scan, size_t i)
{
	return scan->buffer[scan->at + i];
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

bool scan_skip_mime_head(struct scan *scan)
{
	const uint8_t *found;

	while (!(found = memmem(scan->buffer + scan->at, scan->end - scan->at, "\r\n\r\n", 4)))
		if (scan->end > SCAN_TAG_LIMIT_BYTES) {
			malformed(scan, "its first part has no end of the header lines");
			return false;
		} else if (!more(scan)) {
			return false;
		}
	scan->at = (size_t)(found + 4 - scan->buffer);
	return true;
}

/* Skips to the > of a start tag from its place i; the place after it, or 0. *empty: it ended with />. */
static size_t skip_attributes(struct scan *scan, size_t i, bool *empty)
{
	uint8_t quote = 0, c = 0, before;

	for (; i < SCAN_TAG_LIMIT_BYTES; i++) {
		if (!have(scan, i + 1))
			return 0;
		before = c;
		c = peek(scan, i);
		if (quote) {
			if (c == quote)
				quote = 0;
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (c == '>') {
			*empty = before == '/';
			return i + 1;
		} else if (c == '<') {
			break;
		}
	}
	malformed(scan, "a tag has no end");
	return 0;
}

/* The first place from i that does not continue a name, as far as bytes are here. */
static size_t skip_name(const struct scan *scan, size_t i)
{
	const uint8_t *p = scan->buffer + scan->at;
	size_t n = scan->end - scan->at;

	while (i < n && class_of[p[i]] == IN_A_NAME)
		i++;
	return i;
}

/* The place after the name that begins at place 1, or 0; *local: the place after its last colon, or of its begin. */
static size_t find_name_end(struct scan *scan, size_t *local)
{
	size_t i = *local = 1;
	enum byte_class after;

	do {
		i = skip_name(scan, i);
		if (!have(scan, i + 1))
			return 0;
		after = class_of[peek(scan, i)];
		if (after == COLON)
			*local = ++i;
	} while ((after == COLON || after == IN_A_NAME) && i <= SCAN_NAME_LIMIT_BYTES);
	if (after == AFTER_A_NAME && i > *local && i - 1 <= SCAN_NAME_LIMIT_BYTES)
		return i;
	malformed(scan, "a tag without a usable name");
	return 0;
}

static void push(struct scan *scan, size_t name_size, size_t local)
{
	struct scan_name *name = &scan->open[scan->depth++];

	name->size = (uint8_t)name_size;
	if (name_size <= SHORT_NAME_BYTES)
		memcpy(name->bytes, scan->buffer + scan->at + 1, SHORT_NAME_BYTES);
	else
		memcpy(name->bytes, scan->buffer + scan->at + 1, sizeof name->bytes);
	scan->name = slice_of(name->bytes + local - 1, name_size - (local - 1));
}

static enum scan_token start_tag(struct scan *scan)
{
	size_t local;
	size_t i = find_name_end(scan, &local);

	if (i == 0)
		return SCAN_FAILED;
	if (scan->depth == SCAN_DEPTH_LIMIT)
		return malformed(scan, "elements are nested too deeply");
	size_t name_size = i - 1;
	if (peek(scan, i) == '>')
		i++;
	else
		i = skip_attributes(scan, i, &scan->end_is_due);
	if (i == 0)
		return SCAN_FAILED;
	push(scan, name_size, local);
	scan->at += i;
	return SCAN_START;
}

static enum scan_token close_element(struct scan *scan)
{
	scan->end_is_due = false;
	scan->done = --scan->depth == 0;
	return SCAN_END;
}

static enum scan_token end_tag(struct scan *scan)
{
	const struct scan_name *name = scan->depth ? &scan->open[scan->depth - 1] : NULL;
	size_t i = 2;

	if (!name)
		return malformed(scan, "an end tag without its element");
	if (!have(scan, i + name->size + 1u))
		return SCAN_FAILED;
	if (memcmp(scan->buffer + scan->at + i, name->bytes, name->size) != 0)
		return malformed(scan, "an end tag of another element");
	for (i += name->size; is_space(peek(scan, i)) && i < SCAN_TAG_LIMIT_BYTES; i++)
		if (!have(scan, i + 2))
			return SCAN_FAILED;
	if (peek(scan, i) != '>')
		return malformed(scan, "an end tag of another element");
	scan->at += i + 1;
	return close_element(scan);
}

static enum scan_token content_text(struct scan *scan)
{
	const uint8_t *found;
	size_t n = 0;

	while (!(found = memchr(scan->buffer + scan->at + n, '<', scan->end - scan->at - n))) {
		n = scan->end - scan->at;
		if (!more(scan))
			return SCAN_FAILED;
	}
	n = (size_t)(found - (scan->buffer + scan->at));
	scan->text = slice_of(scan->buffer + scan->at, n);
	scan->at += n;
	return SCAN_TEXT;
}

static bool skip_declaration(struct scan *scan)
{
	bool unused;

	if (!have(scan, 6) || memcmp(scan->buffer + scan->at, "<?xml ", 6) != 0) {
		malformed(scan, "a processing instruction");
		return false;
	}
	size_t n = skip_attributes(scan, 6, &unused);
	scan->at += n;
	return n > 0;
}

/* Goes to the < of the root. */
static bool find_root(struct scan *scan)
{
	scan->started = true;
	for (bool declared = false; have(scan, 2);) {
		if (is_space(peek(scan, 0))) {
			scan->at++;
		} else if (peek(scan, 0) != '<') {
			malformed(scan, "it does not begin as XML");
			return false;
		} else if (peek(scan, 1) != '?') {
			return true;
		} else if (declared || !skip_declaration(scan)) {
			malformed(scan, "a processing instruction");
			return false;
		} else {
			declared = true;
		}
	}
	return false;
}

enum scan_token scan_next(struct scan *scan)
{
	if (scan->failed)
		return SCAN_FAILED;
	if (scan->end_is_due)
		return close_element(scan);
	if (scan->done)
		return SCAN_DONE;
	if (!scan->started && !find_root(scan))
		return SCAN_FAILED;
	if (!have(scan, 2))
		return SCAN_FAILED;
	if (peek(scan, 0) != '<')
		return content_text(scan);
	switch (peek(scan, 1)) {
	case '/':
		return end_tag(scan);
	case '!':
		return malformed(scan, "a document type, comment or CDATA section");
	case '?':
		return malformed(scan, "a processing instruction");
	default:
		return start_tag(scan);
	}
}

bool scan_child(struct scan *scan, int level)
{
	for (;;) {
		switch (scan_next(scan)) {
		case SCAN_START:
			if (scan->depth == level + 1)
				return true;
			break;
		case SCAN_END:
			if (scan->depth < level)
				return false;
			break;
		case SCAN_TEXT:
			break;
		default:
			return false;
		}
	}
}

bool scan_child_named(struct scan *scan, int level, const char *name)
{
	while (scan_child(scan, level))
		if (scan_is(scan, name))
			return true;
	return false;
}
