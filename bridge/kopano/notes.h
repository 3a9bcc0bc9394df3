/* Which change ids had been given at which time, as far as the server said so, of the last while. */
#ifndef TIDINGS_BRIDGE_KOPANO_NOTES_H
#define TIDINGS_BRIDGE_KOPANO_NOTES_H

#include <stddef.h>
#include <stdint.h>

enum { MAX_NOTES = 64 };

struct note {
	int64_t at_ms;
	uint32_t max;
};

/* Zeroed but for keep_ms. */
struct notes {
	int64_t keep_ms;              /* questions are about this long ago, at most */
	struct note notes[MAX_NOTES]; /* oldest first */
	size_t n;
};

/* This id was given before now. */
void notes_add(struct notes *notes, int64_t now_ms, uint32_t max);

/* The highest id that was noted at or before this time; 0: none. */
uint32_t notes_before(const struct notes *notes, int64_t at_ms);

#endif
