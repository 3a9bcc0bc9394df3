/* The end of a folder for its consumers, and of what is known of it. */
#include "bridge/kopano/choose.h"
#include "bridge/kopano/kopano.h"
#include "bridge/kopano/map_state.h"

enum { PURGED_AT_ONCE = 256 };

static bool follows(const struct kopano *kopano, enum follow_object object)
{
	return kopano->config->follow->objects & object;
}

/* What no record named between the two is gone: nothing is left of the folder. */
static void add_empty_snapshot(struct kopano *kopano, uint32_t folder, struct batch *batch)
{
	uint8_t id[SNAPSHOT_ID_SIZE];
	random_bytes(id, sizeof id);
	share_bracket(kopano, folder, batch, CHANGE_SNAPSHOT_BEGIN, id);
	share_bracket(kopano, folder, batch, CHANGE_SNAPSHOT_END, id);
}

static void add_deleted(struct kopano *kopano, const struct tour *tour, uint32_t folder, struct batch *batch)
{
	if (!follows(kopano, FOLLOW_FOLDER))
		return;
	struct change *change = record_folder(kopano, tour, folder, CHANGE_DELETED, batch);
	change->deletion = tour->deletion;
}

static void tell_end(struct kopano *kopano, const struct tour *tour, uint32_t folder, struct batch *batch)
{
	add_deleted(kopano, tour, folder, batch);
	if (follows(kopano, FOLLOW_ITEM) && !kopano->config->follow->once)
		add_empty_snapshot(kopano, folder, batch);
	share_lifecycle(kopano, folder, batch, LIFECYCLE_FOLDER_ENDED, tour->why);
	unfollow_folder(kopano, folder, batch);
	choose_unbind(&kopano->map, folder, batch);
}

/* One that is deleted stays FOLLOWED: deletes of its items are told still. */
static void note_end(struct kopano *kopano, const struct tour *tour, uint32_t index)
{
	struct map_folder *folder = map_folder(&kopano->map, index);
	folder->listed = 0;
	folder->listed_generation = 0;
	map_flag_folder(&kopano->map, index, FOLDER_REVIVED | (tour->mark ? FOLDER_ENDED : FOLDER_FOLLOWED),
			tour->mark);
	if (tour->mark)
		folder->ended_max = tour->mark == FOLDER_ENDED_HARD ? kopano->maximum : tour->change_id;
}

bool end_is_due(const struct kopano *kopano, const struct tour *tour, uint32_t index)
{
	const struct map_folder *folder = map_folder(&kopano->map, index);
	bool followed = folder->flags & FOLDER_FOLLOWED;
	if (!tour->mark)
		return followed && !(folder->flags & FOLDER_ENDED) &&
		       (tour->known_ends || !choose_folder(kopano->config->follow, &kopano->map, index));
	if (folder->flags & FOLDER_ENDED)
		return tour->forget || (folder->flags & FOLDER_ENDED_SOFT && tour->mark == FOLDER_ENDED_HARD);
	return true;
}

void end_folder(struct kopano *kopano, struct tour *tour, uint32_t index, struct batch *batch)
{
	struct map_folder *folder = map_folder(&kopano->map, index);
	bool was_followed = folder->flags & FOLDER_FOLLOWED, had_ended = folder->flags & FOLDER_ENDED;
	if (!end_is_due(kopano, tour, index))
		return;
	if (was_followed && had_ended && !tour->forget)
		add_deleted(kopano, tour, index, batch);
	else if (was_followed && !had_ended)
		tell_end(kopano, tour, index, batch);
	note_end(kopano, tour, index);
	if (tour->forget)
		map_remove_folder_entry(&kopano->map, index, batch);
	else if (index != tour->kept_for_last)
		map_put_folder_entry(&kopano->map, index, batch);
}

/* A parent that is kept must keep its place, a child that is kept its parent. */
static bool may_go(const struct map *map, uint32_t index, uint32_t settled)
{
	const struct map_folder *folder = map_folder(map, index);
	return folder->flags & FOLDER_ENDED_HARD && folder->ended_max < settled && folder->first_child == MAP_NONE;
}

/* With those above it that were kept for its sake. */
static size_t purge(struct map *map, uint32_t folder, uint32_t settled, struct batch *batch)
{
	size_t n = 0;
	while (folder != MAP_NONE && may_go(map, folder, settled)) {
		uint32_t parent = map_folder(map, folder)->parent;
		map_remove_folder_entry(map, folder, batch);
		map_remove(map, folder);
		folder = parent;
		n++;
	}
	return n;
}

void ending_purge(struct kopano *kopano, uint32_t settled, struct batch *batch)
{
	struct map *map = &kopano->map;
	size_t n = 0;
	for (uint32_t f = 0; f < map->folders_used && n < PURGED_AT_ONCE; f++)
		n += purge(map, f, settled, batch);
}
