/* Which number goes with a source key. Keys are borrowed: they must outlive the map. A zeroed one is empty. */
#ifndef TIDINGS_BRIDGE_KOPANO_KEYMAP_H
#define TIDINGS_BRIDGE_KOPANO_KEYMAP_H

#include "core/slice.h"

struct keymap_slot {
	struct slice key;
	uint32_t value;
	bool used;
};

struct keymap {
	struct keymap_slot *slots;
	size_t n, room; /* room: 0 or a power of two */
};

/* The key's value, which may be changed; NULL if it is not there. Valid until the next keymap_add. */
uint32_t *keymap_find(const struct keymap *map, struct slice key);

/* The same, with `value` for a key that was not there. */
uint32_t *keymap_add(struct keymap *map, struct slice key, uint32_t value);

void keymap_clear(struct keymap *map);

#endif
