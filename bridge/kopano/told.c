#include "bridge/kopano/kopano.h"

static void forget_minute(struct told *told, int which)
{
	keymap_clear(&told->items[which]);
	arena_free(&told->arenas[which]);
}

void told_forget(struct told *told)
{
	forget_minute(told, 0);
	forget_minute(told, 1);
}

static void begin_minute(struct told *told)
{
	forget_minute(told, 1);
	told->items[1] = told->items[0];
	told->arenas[1] = told->arenas[0];
	told->items[0] = (struct keymap){0};
	told->arenas[0] = (struct arena){0};
	told->since_ms[1] = told->since_ms[0];
	told->since_ms[0] = clock_ms();
}

static void turn(struct told *told)
{
	if (clock_ms() - told->since_ms[0] > TOLD_KEPT_MS || told->items[0].n >= TOLD_ITEMS)
		begin_minute(told);
}

int64_t told_wait_ms(const struct told *told)
{
	int64_t wait = told->items[1].n ? told->since_ms[1] + TOLD_LEAST_MS - clock_ms() : 0;
	return wait > 0 ? wait : 0;
}

static void tell(struct told *told, const struct change *change, enum told_of what)
{
	struct arena arena = {0};
	struct slice identity = identity_of(&arena, change->parent_source_key, change->source_key);
	turn(told);
	uint32_t *known = keymap_find(&told->items[0], identity);
	if (!known)
		known = keymap_add(&told->items[0], arena_copy(&told->arenas[0], identity), what);
	*known = what;
	arena_free(&arena);
}

void told_note(struct told *told, const struct change *change)
{
	bool is_flag = change->kind == CHANGE_READ_STATE;
	if (change->kind == CHANGE_DELETED)
		tell(told, change, TOLD_DELETED);
	else if (is_flag || change->item)
		tell(told, change, (is_flag ? change->read : item_is_read(change)) ? TOLD_READ : TOLD_UNREAD);
}

enum told_of told_find(const struct told *told, struct slice parent_key, struct slice source_key)
{
	struct arena arena = {0};
	struct slice identity = identity_of(&arena, parent_key, source_key);
	const uint32_t *found = keymap_find(&told->items[0], identity);
	if (!found)
		found = keymap_find(&told->items[1], identity);
	arena_free(&arena);
	return found ? *found : TOLD_NOTHING;
}
