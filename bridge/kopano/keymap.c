#include "bridge/kopano/keymap.h"

#include <stdlib.h>

#include "core/arena.h"

enum { FIRST_ROOM = 64 };

static size_t hash(struct slice key)
{
	size_t h = 1469598103u;
	for (size_t i = 0; i < key.size; i++)
		h = (h ^ key.data[i]) * 16777619u;
	return h ^ h >> 15;
}

/* The key's slot, or the free one where it belongs. */
static struct keymap_slot *slot_of(const struct keymap *map, struct slice key)
{
	size_t i = hash(key) & (map->room - 1);
	while (map->slots[i].used && !slice_equal(map->slots[i].key, key))
		i = (i + 1) & (map->room - 1);
	return &map->slots[i];
}

uint32_t *keymap_find(const struct keymap *map, struct slice key)
{
	if (!map->n)
		return NULL;
	struct keymap_slot *slot = slot_of(map, key);
	return slot->used ? &slot->value : NULL;
}

static void grow(struct keymap *map)
{
	struct keymap old = *map;
	map->room = old.room ? old.room * 2 : FIRST_ROOM;
	map->slots = xcalloc(map->room, sizeof *map->slots);
	for (size_t i = 0; i < old.room; i++)
		if (old.slots[i].used)
			*slot_of(map, old.slots[i].key) = old.slots[i];
	free(old.slots);
}

uint32_t *keymap_add(struct keymap *map, struct slice key, uint32_t value)
{
	if (2 * map->n >= map->room)
		grow(map);
	struct keymap_slot *slot = slot_of(map, key);
	if (!slot->used) {
		*slot = (struct keymap_slot){.key = key, .value = value, .used = true};
		map->n++;
	}
	return &slot->value;
}

void keymap_clear(struct keymap *map)
{
	free(map->slots);
	*map = (struct keymap){0};
}
