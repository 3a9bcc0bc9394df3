#include "proto/utf8.h"

/* None of the eight bytes is 0 or above 0x7f. */
static bool is_ascii_word(const uint8_t *p)
{
	const uint64_t ones = 0x0101010101010101, high = 0x8080808080808080;
	uint64_t word;

	memcpy(&word, p, sizeof word);
	return !(((word - ones) | word) & high);
}

/* The last word overlaps the one before it, so that short texts are not looked at byte by byte. */
static size_t ascii_prefix(const uint8_t *p, size_t n)
{
	const size_t word = sizeof(uint64_t);
	size_t i = 0;

	while (i + word <= n && is_ascii_word(p + i))
		i += word;
	if (n >= word && i + word > n && is_ascii_word(p + n - word))
		return n;
	while (i < n && p[i] != 0 && p[i] < 0x80)
		i++;
	return i;
}

static bool continues(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return false;
	return true;
}

static size_t size_by_first_byte(uint8_t first)
{
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	if (first >= 0xf0 && first <= 0xf4)
		return 4;
	return first != 0 && first < 0x80;
}

/* What the first byte alone does not exclude: overlong forms, surrogates, numbers above U+10FFFF. */
static bool second_byte_fits(uint8_t first, uint8_t second)
{
	switch (first) {
	case 0xe0:
		return second >= 0xa0;
	case 0xed:
		return second <= 0x9f;
	case 0xf0:
		return second >= 0x90;
	case 0xf4:
		return second <= 0x8f;
	default:
		return true;
	}
}

size_t utf8_character(struct slice text)
{
	const uint8_t *p = text.data;
	size_t size = text.size ? size_by_first_byte(p[0]) : 0;

	if (size < 2)
		return size;
	if (size > text.size || !continues(p + 1, size - 1) || !second_byte_fits(p[0], p[1]))
		return 0;
	return size;
}

static struct slice rest(struct slice text, size_t from)
{
	return slice_of(text.data + from, text.size - from);
}

bool utf8_is_good(struct slice text)
{
	size_t i = ascii_prefix(text.data, text.size);

	while (i < text.size) {
		size_t size = utf8_character(rest(text, i));
		if (size == 0)
			return false;
		i += size;
	}
	return true;
}

size_t utf8_repair(struct slice text, char *out)
{
	char *start = out;

	for (size_t i = 0; i < text.size;) {
		size_t size = utf8_character(rest(text, i));
		if (size) {
			memcpy(out, text.data + i, size);
			out += size;
			i += size;
		} else {
			memcpy(out, "\xef\xbf\xbd", UTF8_GROWTH);
			out += UTF8_GROWTH;
			i++;
		}
	}
	return (size_t)(out - start);
}
