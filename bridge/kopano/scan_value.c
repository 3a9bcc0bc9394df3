#include <stdlib.h>

#include "bridge/kopano/scan.h"
#include "proto/utf8.h"

static void wrong(struct scan *scan, const char *what)
{
	scan_refuse(scan, ERR_AGAIN, "the answer is not what a Kopano server sends: %.*s is not %s",
		    (int)scan->name.size, (const char *)scan->name.data, what);
}

struct slice scan_raw(struct scan *scan)
{
	return scan_next(scan) == SCAN_TEXT ? scan->text : slice_of(NULL, 0);
}

/* True if ten times the sum and the digit do not fit. */
static bool is_too_much(uint64_t sum, unsigned digit)
{
	return sum >= UINT64_MAX / 10 && (sum > UINT64_MAX / 10 || digit > UINT64_MAX % 10);
}

static bool read_digits(struct slice text, size_t from, uint64_t *number)
{
	uint64_t sum = 0;

	for (size_t i = from; i < text.size; i++) {
		unsigned digit = text.data[i] - '0';
		if (digit > 9 || is_too_much(sum, digit))
			return false;
		sum = sum * 10 + digit;
	}
	*number = sum;
	return text.size > from;
}

/* The bits of a number between `lowest` (negative) and `highest`. */
static uint64_t read_number(struct scan *scan, int64_t lowest, uint64_t highest)
{
	struct slice text = scan_raw(scan);
	bool negative = text.size && text.data[0] == '-';
	uint64_t number = 0;

	if (scan->failed)
		return 0;
	if (!read_digits(text, negative, &number) || number > (negative ? -(uint64_t)lowest : highest))
		wrong(scan, "a number in its range");
	return negative ? -number : number;
}

uint32_t scan_u32(struct scan *scan)
{
	return (uint32_t)read_number(scan, INT32_MIN, UINT32_MAX);
}

uint64_t scan_u64(struct scan *scan)
{
	return read_number(scan, INT64_MIN, UINT64_MAX);
}

bool scan_bool(struct scan *scan)
{
	struct slice text = scan_raw(scan);
	bool yes = slice_equal(text, slice_of_text("true")) || slice_equal(text, slice_of_text("1"));

	if (!scan->failed && !yes && !slice_equal(text, slice_of_text("false")) &&
	    !slice_equal(text, slice_of_text("0")))
		wrong(scan, "true or false");
	return yes;
}

static size_t put_utf8(uint32_t c, uint8_t *out)
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		out[i] = (uint8_t)(0x80 | (c & 0x3f));
	out[0] = (uint8_t)(0xf00 >> n | c);
	return n;
}

static bool is_character(uint32_t c)
{
	return c > 0 && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* #123 or #x7B; 0 bytes if it is neither. What is no character becomes U+FFFD, which is never longer than its
 * reference. */
static size_t put_numeric(struct slice name, uint8_t *out)
{
	uint32_t base = name.size > 1 && name.data[1] == 'x' ? 16 : 10, c = 0;
	size_t i = base == 16 ? 2 : 1;

	if (i >= name.size)
		return 0;
	for (; i < name.size; i++) {
		uint32_t digit = (uint32_t)hex_digit(name.data[i]);
		if (digit >= base)
			return 0;
		c = c > 0x10ffff ? c : c * base + digit;
	}
	return put_utf8(is_character(c) ? c : 0xfffd, out);
}

static size_t put_named(struct slice name, uint8_t *out)
{
	static const char *const names[] = {"amp", "lt", "gt", "quot", "apos"};
	static const uint8_t characters[] = "&<>\"'";

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (slice_equal(name, slice_of_text(names[i]))) {
			*out = characters[i];
			return 1;
		}
	return 0;
}

enum { REFERENCE_LIMIT_BYTES = 16 };

/* Replaces the reference at p by its character at out; the bytes of the reference, or 0 if it is none. */
static size_t replace_reference(const uint8_t *p, size_t n, uint8_t *out, size_t *n_out)
{
	const uint8_t *end = memchr(p, ';', n < REFERENCE_LIMIT_BYTES ? n : REFERENCE_LIMIT_BYTES);
	uint8_t character[4]; /* out may overlap p */

	if (!end)
		return 0;
	struct slice name = slice_of(p + 1, (size_t)(end - p) - 1);
	*n_out = name.size && name.data[0] == '#' ? put_numeric(name, character) : put_named(name, character);
	memcpy(out, character, *n_out);
	return *n_out ? (size_t)(end - p) + 1 : 0;
}

/* Replaces references in place: a character is never longer than its reference. */
static bool unescape(struct slice *text)
{
	uint8_t *out = memchr(text->data, '&', text->size);
	const uint8_t *p = out, *end = text->data + text->size;

	if (!out)
		return true;
	while (p < end) {
		size_t n_out = 0, n = replace_reference(p, (size_t)(end - p), out, &n_out);
		if (n == 0)
			return false;
		p += n;
		out += n_out;
		const uint8_t *next = memchr(p, '&', (size_t)(end - p));
		size_t n_plain = (size_t)((next ? next : end) - p);
		memmove(out, p, n_plain);
		p += n_plain;
		out += n_plain;
	}
	text->size = (size_t)(out - text->data);
	return true;
}

struct slice scan_text(struct scan *scan, struct arena *arena)
{
	struct slice text = scan_raw(scan);

	if (text.size == 0)
		return text;
	if (!unescape(&text)) {
		wrong(scan, "text: it has an unknown entity");
		return slice_of(NULL, 0);
	}
	if (utf8_is_good(text))
		return arena_copy(arena, text);
	char *repaired = arena_alloc(arena, UTF8_GROWTH * text.size);
	return slice_of(repaired, utf8_repair(text, repaired));
}

enum { SIXTY_FOUR = 0x40 /* added to each value: 0 is no digit */ };

static const uint8_t digit_of[256] = {
#define D(c, value) [c] = (SIXTY_FOUR | (value))
	D('A', 0),  D('B', 1),  D('C', 2),  D('D', 3),  D('E', 4),  D('F', 5),  D('G', 6),  D('H', 7),
	D('I', 8),  D('J', 9),  D('K', 10), D('L', 11), D('M', 12), D('N', 13), D('O', 14), D('P', 15),
	D('Q', 16), D('R', 17), D('S', 18), D('T', 19), D('U', 20), D('V', 21), D('W', 22), D('X', 23),
	D('Y', 24), D('Z', 25), D('a', 26), D('b', 27), D('c', 28), D('d', 29), D('e', 30), D('f', 31),
	D('g', 32), D('h', 33), D('i', 34), D('j', 35), D('k', 36), D('l', 37), D('m', 38), D('n', 39),
	D('o', 40), D('p', 41), D('q', 42), D('r', 43), D('s', 44), D('t', 45), D('u', 46), D('v', 47),
	D('w', 48), D('x', 49), D('y', 50), D('z', 51), D('0', 52), D('1', 53), D('2', 54), D('3', 55),
	D('4', 56), D('5', 57), D('6', 58), D('7', 59), D('8', 60), D('9', 61), D('+', 62), D('/', 63),
#undef D
};

/* Whole groups of four digits; stops at the first other one. Returns the characters read. */
static size_t decode_groups(struct slice text, uint8_t *out)
{
	size_t i = 0;

	for (; i + 4 <= text.size; i += 4, out += 3) {
		const uint8_t *p = text.data + i;
		uint32_t a = digit_of[p[0]], b = digit_of[p[1]], c = digit_of[p[2]], d = digit_of[p[3]];
		if (!(a & b & c & d & SIXTY_FOUR))
			break;
		uint32_t bits = (a & 63) << 18 | (b & 63) << 12 | (c & 63) << 6 | (d & 63);
		out[0] = (uint8_t)(bits >> 16);
		out[1] = (uint8_t)(bits >> 8);
		out[2] = (uint8_t)bits;
	}
	return i;
}

/* The rest: white space, and the padding at the end. Returns the bytes written, -1 if it is not base64. */
static ssize_t decode_rest(struct slice text, uint8_t *out)
{
	uint32_t bits = 0;
	unsigned n_digits = 0, n_pads = 0;
	ssize_t n = 0;

	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i], digit = digit_of[c];
		if (digit && !n_pads) {
			bits = bits << 6 | (digit & 63);
			if (++n_digits % 4 != 1)
				out[n++] = (uint8_t)(bits >> (6 - 2 * ((n_digits - 1) % 4)));
		} else if (c == '=') {
			n_pads++;
		} else if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
			return -1;
		}
	}
	return (n_digits + n_pads) % 4 == 0 && n_pads < 3 ? n : -1;
}

static size_t decoded_room(struct slice text)
{
	return (text.size + 3) / 4 * 3;
}

static size_t decode_base64(struct scan *scan, struct slice text, uint8_t *out)
{
	size_t n_read = decode_groups(text, out), n_written = n_read / 4 * 3;
	ssize_t n = decode_rest(slice_of(text.data + n_read, text.size - n_read), out + n_written);

	if (n >= 0)
		return n_written + (size_t)n;
	wrong(scan, "base64");
	return 0;
}

struct slice scan_base64(struct scan *scan, struct arena *arena)
{
	struct slice text = scan_raw(scan);

	if (text.size == 0)
		return text;
	uint8_t *bytes = arena_alloc(arena, decoded_room(text));
	return slice_of(bytes, decode_base64(scan, text, bytes));
}

void scan_base64_into(struct scan *scan, struct scan_bytes *bytes)
{
	struct slice text = scan_raw(scan);

	if (bytes->capacity < decoded_room(text)) {
		bytes->capacity = 2 * decoded_room(text);
		bytes->data = xrealloc(bytes->data, bytes->capacity);
	}
	bytes->size = text.size ? decode_base64(scan, text, bytes->data) : 0;
}
