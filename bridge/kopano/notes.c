#include "bridge/kopano/notes.h"

#include <string.h>

/* Of many answers in a short time one note is enough: the next one comes with a later answer. */
enum { NOTES_PER_TIME = 32 };

uint32_t notes_before(const struct notes *notes, int64_t at_ms)
{
	uint32_t max = 0;
	for (size_t i = 0; i < notes->n && notes->notes[i].at_ms <= at_ms; i++)
		max = notes->notes[i].max > max ? notes->notes[i].max : max;
	return max;
}

/* Notes that a newer, old enough one replaces. */
static void drop_old(struct notes *notes, int64_t now_ms)
{
	size_t n = 0;
	while (n + 1 < notes->n && notes->notes[n + 1].at_ms <= now_ms - notes->keep_ms)
		n++;
	notes->n -= n;
	memmove(notes->notes, notes->notes + n, notes->n * sizeof *notes->notes);
}

void notes_add(struct notes *notes, int64_t now_ms, uint32_t max)
{
	drop_old(notes, now_ms);
	const struct note *last = notes->n ? &notes->notes[notes->n - 1] : NULL;
	if (notes->n == MAX_NOTES)
		return;
	if (last && (last->max >= max || now_ms - last->at_ms < notes->keep_ms / NOTES_PER_TIME))
		return;
	notes->notes[notes->n++] = (struct note){now_ms, max};
}
