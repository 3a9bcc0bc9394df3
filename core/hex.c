#include "core/hex.h"

char *hex_write(char *to, struct slice bytes)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < bytes.size; i++) {
		*to++ = digits[bytes.data[i] >> 4];
		*to++ = digits[bytes.data[i] & 0xF];
	}
	return to;
}

const char *hex_text(struct arena *arena, struct slice bytes)
{
	char *text = arena_alloc(arena, bytes.size * 2 + 1);
	*hex_write(text, bytes) = '\0';
	return text;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_read(const char *text, size_t n_characters, struct arena *arena, struct slice *bytes)
{
	if (n_characters % 2)
		return false;
	uint8_t *to = arena_alloc(arena, n_characters / 2);
	for (size_t i = 0; i < n_characters / 2; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		to[i] = (uint8_t)(high << 4 | low);
	}
	*bytes = slice_of(to, n_characters / 2);
	return true;
}
