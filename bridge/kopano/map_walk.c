/* Ways through the map, and what it tells of a folder or store. */
#include "bridge/kopano/map.h"

/* ---- ways ---- */

uint32_t map_next_store(const struct map *map, uint32_t store)
{
	for (uint32_t i = store == MAP_NONE ? 0 : store + 1; i < map->stores_used; i++)
		if (map_store(map, i)->used)
			return i;
	return MAP_NONE;
}

/* Parents first, also beyond the folders without a parent to the next of these. */
static uint32_t step(const struct map *map, uint32_t folder)
{
	if (map_folder(map, folder)->first_child != MAP_NONE)
		return map_folder(map, folder)->first_child;
	while (folder != MAP_NONE && map_folder(map, folder)->next_sibling == MAP_NONE)
		folder = map_folder(map, folder)->parent;
	return folder == MAP_NONE ? MAP_NONE : map_folder(map, folder)->next_sibling;
}

uint32_t map_next_of_store(const struct map *map, uint32_t store, uint32_t folder)
{
	folder = folder == MAP_NONE ? map_store(map, store)->first_top : step(map, folder);
	while (folder != MAP_NONE && !(map_folder(map, folder)->flags & FOLDER_SEEN))
		folder = step(map, folder);
	return folder;
}

uint32_t map_next(const struct map *map, uint32_t top, uint32_t folder)
{
	if (map_folder(map, folder)->first_child != MAP_NONE)
		return map_folder(map, folder)->first_child;
	while (folder != top && map_folder(map, folder)->next_sibling == MAP_NONE)
		folder = map_folder(map, folder)->parent;
	return folder == top ? MAP_NONE : map_folder(map, folder)->next_sibling;
}

uint32_t map_deepest(const struct map *map, uint32_t top)
{
	while (map_folder(map, top)->first_child != MAP_NONE)
		top = map_folder(map, top)->first_child;
	return top;
}

uint32_t map_next_up(const struct map *map, uint32_t top, uint32_t folder)
{
	if (folder == top)
		return MAP_NONE;
	const struct map_folder *done = map_folder(map, folder);
	return done->next_sibling != MAP_NONE ? map_deepest(map, done->next_sibling) : done->parent;
}

/* ---- what is known ---- */

struct slice map_name(const struct map *map, uint32_t folder, struct arena *arena)
{
	return arena_copy(arena, texts_first(&map->texts, map_folder(map, folder)->texts));
}

struct slice map_class(const struct map *map, uint32_t folder, struct arena *arena)
{
	return arena_copy(arena, texts_second(&map->texts, map_folder(map, folder)->texts));
}

struct slice map_store_entry_id(const struct map *map, uint32_t store, struct arena *arena)
{
	return arena_copy(arena, texts_first(&map->texts, map_store(map, store)->entry_id));
}

struct slice map_store_name(const struct map *map, uint32_t store, struct arena *arena)
{
	return arena_copy(arena, texts_first(&map->texts, map_store(map, store)->names));
}

struct slice map_store_owner(const struct map *map, uint32_t store, struct arena *arena)
{
	return arena_copy(arena, texts_second(&map->texts, map_store(map, store)->names));
}

bool map_is_visible(const struct map *map, uint32_t folder)
{
	uint32_t subtree = map_store(map, map_folder(map, folder)->store)->subtree;
	return subtree != MAP_NONE && folder != subtree && map_is_below(map, folder, subtree);
}

static bool is_escaped(uint8_t c)
{
	return c == '/' || c == '\\';
}

/* A name as it stands in a path, before `end`; returns where it begins. */
static uint8_t *write_name(struct slice name, uint8_t *end)
{
	for (size_t i = name.size; i-- > 0;) {
		*--end = name.data[i];
		if (is_escaped(name.data[i]))
			*--end = '\\';
	}
	return end;
}

static struct slice name_of(const struct map *map, uint32_t folder)
{
	return texts_first(&map->texts, map_folder(map, folder)->texts);
}

struct slice map_path(const struct map *map, uint32_t folder, struct arena *arena)
{
	if (!map_is_visible(map, folder))
		return slice_of(NULL, 0);
	uint32_t subtree = map_store(map, map_folder(map, folder)->store)->subtree;
	size_t room = 0;
	for (uint32_t f = folder; f != subtree; f = map_folder(map, f)->parent) {
		if (!name_of(map, f).size)
			return slice_of(NULL, 0); /* only its end is known */
		room += 2 * name_of(map, f).size + 1;
	}
	uint8_t *start = arena_alloc(arena, room), *end = start + room, *at = end;
	for (uint32_t f = folder; f != subtree; f = map_folder(map, f)->parent) {
		if (at != end)
			*--at = '/';
		at = write_name(name_of(map, f), at);
	}
	return slice_of(at, (size_t)(end - at));
}

const struct store_info *map_store_info(const struct map *map, uint32_t store, struct arena *arena)
{
	const struct map_store *known = map_store(map, store);
	struct store_info *info = arena_alloc(arena, sizeof *info);
	*info = (struct store_info){.entry_id = map_store_entry_id(map, store, arena),
				    .owner = map_store_owner(map, store, arena),
				    .type = known->type};
	memcpy(info->guid, known->guid, GUID_SIZE);
	return info;
}

const struct folder_info *map_folder_info(const struct map *map, uint32_t folder, struct arena *arena)
{
	struct folder_info *info = arena_alloc(arena, sizeof *info);
	*info = (struct folder_info){.source_key = map_source_key(map, folder, arena),
				     .entry_id = map_entry_id(map, folder, arena),
				     .path = map_path(map, folder, arena),
				     .container_class = map_class(map, folder, arena)};
	return info;
}
