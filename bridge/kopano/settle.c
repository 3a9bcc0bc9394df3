#include "bridge/kopano/settle.h"

#include <stdlib.h>

void settle_start(struct settle *settle, uint32_t settled, int64_t settle_ms)
{
	*settle = (struct settle){.settled = settled, .settle_ms = settle_ms, .notes.keep_ms = settle_ms};
}

void settle_free(struct settle *settle)
{
	free(settle->taken);
	free(settle->lists);
	*settle = (struct settle){0};
}

/* ---- ids ---- */

/* The place of the first id that is not below. */
static size_t place_of(const struct settle *settle, uint32_t id)
{
	size_t low = 0, high = settle->n_taken;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (settle->taken[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool settle_is_taken(const struct settle *settle, uint32_t id)
{
	if (id <= settle->settled)
		return true;
	size_t place = place_of(settle, id);
	return place < settle->n_taken && settle->taken[place] == id;
}

uint32_t settle_untaken(const struct settle *settle, uint32_t max)
{
	uint32_t n_known = settle->settled + (uint32_t)place_of(settle, max + 1);
	return max > n_known ? max - n_known : 0;
}

static void add_id(struct settle *settle, uint32_t id)
{
	if (settle_is_taken(settle, id))
		return;
	if (settle->n_taken == settle->room_taken) {
		settle->room_taken = settle->room_taken ? 2 * settle->room_taken : 256;
		settle->taken = xrealloc(settle->taken, settle->room_taken * sizeof *settle->taken);
	}
	size_t place = place_of(settle, id);
	memmove(&settle->taken[place + 1], &settle->taken[place], (settle->n_taken - place) * sizeof *settle->taken);
	settle->taken[place] = id;
	settle->n_taken++;
}

static void drop_settled(struct settle *settle)
{
	size_t n = place_of(settle, settle->settled + 1);
	if (n == 0)
		return;
	settle->n_taken -= n;
	memmove(settle->taken, settle->taken + n, settle->n_taken * sizeof *settle->taken);
}

/* ---- lists of the state ---- */

static void add_list(struct settle *settle, uint32_t lowest, uint32_t highest)
{
	if (settle->n_lists == settle->room_lists) {
		settle->room_lists = settle->room_lists ? 2 * settle->room_lists : 16;
		settle->lists = xrealloc(settle->lists, settle->room_lists * sizeof *settle->lists);
	}
	settle->lists[settle->n_lists++] = (struct settle_list){lowest, highest};
}

static const char *list_key(struct batch *batch, const char *key, uint32_t lowest)
{
	return arena_text(&batch->arena, "%s%08x", key, lowest);
}

static void put_list(struct batch *batch, const char *key, const uint32_t *ids, size_t n)
{
	uint8_t *bytes = arena_alloc(&batch->arena, 4 * n);
	for (size_t i = 0; i < n; i++)
		for (int j = 0; j < 4; j++)
			bytes[4 * i + (size_t)j] = (uint8_t)(ids[i] >> (8 * j));
	batch_put(batch, slice_of_text(list_key(batch, key, ids[0])), slice_of(bytes, 4 * n));
}

bool settle_load(struct settle *settle, struct slice ids)
{
	uint32_t lowest = UINT32_MAX, highest = 0;
	for (size_t i = 0; i + 4 <= ids.size; i += 4) {
		const uint8_t *b = ids.data + i;
		uint32_t id = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
		lowest = id < lowest ? id : lowest;
		highest = id > highest ? id : highest;
		add_id(settle, id);
	}
	if (ids.size == 0 || ids.size % 4)
		return false;
	add_list(settle, lowest, highest);
	return true;
}

void settle_take(struct settle *settle, const uint32_t *ids, size_t n, struct batch *batch, const char *key)
{
	for (size_t i = 0; i < n; i++)
		add_id(settle, ids[i]);
	if (n == 0)
		return;
	add_list(settle, ids[0], ids[n - 1]);
	put_list(batch, key, ids, n);
}

/* ---- settling ---- */

uint32_t settle_ask(struct settle *settle, int64_t now_ms)
{
	uint32_t quick = notes_before(&settle->notes, now_ms - QUICK_MS);
	bool is_full = !settle->asked_full_ms || now_ms - settle->asked_full_ms >= settle->settle_ms ||
		       quick <= settle->settled;
	settle->sure = is_full ? notes_before(&settle->notes, now_ms - settle->settle_ms) : 0;
	if (!is_full)
		return quick;
	settle->asked_full_ms = now_ms;
	return settle->settled;
}

void settle_dropped(struct settle *settle)
{
	settle->asked_full_ms = 0;
}

bool settle_can_advance(const struct settle *settle, uint32_t up_to)
{
	return (up_to < settle->sure ? up_to : settle->sure) > settle->settled;
}

static void remove_settled_lists(struct settle *settle, struct batch *batch, const char *key)
{
	size_t n = 0;
	for (size_t i = 0; i < settle->n_lists; i++) {
		if (settle->lists[i].highest > settle->settled)
			settle->lists[n++] = settle->lists[i];
		else
			batch_remove(batch, slice_of_text(list_key(batch, key, settle->lists[i].lowest)));
	}
	settle->n_lists = n;
}

void settle_forget(struct settle *settle, struct batch *batch, const char *key)
{
	settle->settled = UINT32_MAX;
	remove_settled_lists(settle, batch, key);
}

bool settle_advance(struct settle *settle, uint32_t up_to, struct batch *batch, const char *key)
{
	if (!settle_can_advance(settle, up_to))
		return false;
	settle->settled = up_to < settle->sure ? up_to : settle->sure;
	drop_settled(settle);
	remove_settled_lists(settle, batch, key);
	return true;
}

void settle_note(struct settle *settle, int64_t now_ms, uint32_t max)
{
	notes_add(&settle->notes, now_ms, max);
}
