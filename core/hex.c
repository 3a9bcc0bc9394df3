#include "core/hex.h"

#include <endian.h>

enum { AT_ONCE = 4 }; /* bytes */

/* One nibble in each byte, the first on top in memory, and all of them made digits together: each from 10 on is as much
 * too low as there is between '9' and 'a'. */
static uint64_t digits_of(uint32_t four)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t spread = four;
	spread = (spread | spread << 16) & 0x0000ffff0000ffff;
	spread = (spread | spread << 8) & 0x00ff00ff00ff00ff;
	uint64_t nibbles = (spread >> 4 | spread << 8) & 0x0f * ones;
	uint64_t letters = (nibbles + 6 * ones) >> 4 & ones;
	return nibbles + '0' * ones + letters * ('a' - '9' - 1);
}

static inline char *write_some(char *to, const uint8_t *from, size_t n)
{
	uint32_t four = 0;
	memcpy(&four, from, n);
	uint64_t digits = htole64(digits_of(le32toh(four)));
	memcpy(to, &digits, 2 * n);
	return to + 2 * n;
}

char *hex_write(char *to, struct slice bytes)
{
	const uint8_t *from = bytes.data;
	size_t left = bytes.size;
	for (; left >= AT_ONCE; left -= AT_ONCE, from += AT_ONCE, to += 2 * AT_ONCE)
		write_some(to, from, AT_ONCE);
	return left ? write_some(to, from, left) : to;
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
