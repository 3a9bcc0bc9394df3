#include "bridge/kopano/kopano.h"

/* An item can be in a folder that nobody has told of: its creation may come late, its store may have been attached a
 * moment ago. Deletes and read flags of such items are of no interest to anybody. Others make the folder be looked for,
 * once for each answer, and then become dead letters; so a folder that is found later must be listed, whatever its
 * creation says. How many of them are remembered is bounded; beyond that every folder is listed that is found. */

enum { MAX_UNKNOWN = 10000 };

static void add(struct keymap *keys, struct arena *arena, struct slice source_key)
{
	if (!keymap_find(keys, source_key))
		keymap_add(keys, arena_copy(arena, source_key), 0);
}

void unknown_note(struct kopano *kopano, struct slice source_key)
{
	struct unknown *unknown = &kopano->unknown;
	if (unknown->keys.n < MAX_UNKNOWN)
		add(&unknown->keys, &unknown->arena, source_key);
	else
		unknown->any = true;
}

bool unknown_had(const struct kopano *kopano, struct slice source_key)
{
	return kopano->unknown.any || keymap_find(&kopano->unknown.keys, source_key);
}

bool unknown_is_to_be_found(const struct kopano *kopano, struct slice source_key)
{
	const struct keymap *looked = &kopano->unknown.in_answer;
	return kopano->following == FOLLOWING_SERVER && looked->n < MAX_UNKNOWN && !keymap_find(looked, source_key);
}

void unknown_looked(struct kopano *kopano, struct slice source_key)
{
	add(&kopano->unknown.in_answer, &kopano->unknown.answer_arena, source_key);
}

void unknown_next_answer(struct kopano *kopano)
{
	keymap_clear(&kopano->unknown.in_answer);
	arena_free(&kopano->unknown.answer_arena);
}

void unknown_free(struct unknown *unknown)
{
	keymap_clear(&unknown->keys);
	keymap_clear(&unknown->in_answer);
	arena_free(&unknown->arena);
	arena_free(&unknown->answer_arena);
}
