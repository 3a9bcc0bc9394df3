#include "bridge/kopano/walk.h"

#include <stdlib.h>

#include "bridge/kopano/choose.h"
#include "bridge/kopano/kopano.h"
#include "bridge/kopano/map_state.h"
#include "core/step.h"

enum { CHANGES_OF_AN_END = 3, MAX_PUTS = 512 };

/* ---- making one ---- */

static void add(struct folder_numbers *numbers, uint32_t folder)
{
	if (numbers->n == numbers->room) {
		numbers->room = numbers->room ? numbers->room * 2 : 64;
		numbers->folders = xrealloc(numbers->folders, numbers->room * sizeof *numbers->folders);
	}
	numbers->folders[numbers->n++] = folder;
}

struct tour *tour_new(enum change_origin origin)
{
	struct tour *tour = xcalloc(1, sizeof *tour);
	tour->origin = origin;
	tour->store = tour->kept_for_last = MAP_NONE;
	tour->deletion = DELETION_HARD;
	if (origin == ORIGIN_SNAPSHOT)
		random_bytes(tour->snapshot_id, SNAPSHOT_ID_SIZE);
	return tour;
}

void tour_free(struct tour *tour)
{
	if (!tour)
		return;
	free(tour->ends.folders);
	free(tour->tells.folders);
	facts_free_folders(&tour->details);
	arena_free(&tour->arena);
	free(tour);
}

void tour_end_below(struct kopano *kopano, struct tour *tour, uint32_t top)
{
	const struct map *map = &kopano->map;
	for (uint32_t f = map_deepest(map, top); f != MAP_NONE; f = map_next_up(map, top, f))
		add(&tour->ends, f);
}

void tour_tell_below(struct kopano *kopano, struct tour *tour, uint32_t top)
{
	for (uint32_t f = top; f != MAP_NONE; f = map_next(&kopano->map, top, f))
		add(&tour->tells, f);
}

void tour_tell(struct tour *tour, uint32_t folder)
{
	add(&tour->tells, folder);
}

void tour_end_store(struct kopano *kopano, struct tour *tour, uint32_t store)
{
	const struct map *map = &kopano->map;
	for (uint32_t top = map_store(map, store)->first_top; top != MAP_NONE; top = map_folder(map, top)->next_sibling)
		tour_end_below(kopano, tour, top);
}

void tour_tell_store(struct kopano *kopano, struct tour *tour, uint32_t store)
{
	const struct map *map = &kopano->map;
	for (uint32_t f = map_next_of_store(map, store, MAP_NONE); f != MAP_NONE; f = map_next_of_store(map, store, f))
		add(&tour->tells, f);
}

void tour_end(struct tour *tour, uint32_t folder)
{
	add(&tour->ends, folder);
}

bool tour_keep_ends(struct kopano *kopano, struct tour *tour)
{
	struct folder_numbers *ends = &tour->ends;
	size_t n = 0;
	for (size_t i = 0; i < ends->n; i++)
		if (end_is_due(kopano, tour, ends->folders[i]))
			ends->folders[n++] = ends->folders[i];
	ends->n = n;
	tour->known_ends = true;
	return n > 0;
}

/* ---- what may be under way ---- */

void walk_begin(struct kopano *kopano, struct tour *tour, bool now)
{
	struct tour **place = now ? &kopano->walk.now : &kopano->walk.beside;
	tour_free(*place); /* there is none: whoever begins one has looked */
	*place = tour;
}

void walk_free(struct walk *walk)
{
	tour_free(walk->now);
	tour_free(walk->beside);
	*walk = (struct walk){0};
}

bool walk_is_under_way(const struct kopano *kopano)
{
	return kopano->walk.now || kopano->walk.beside;
}

bool walk_is_patient(const struct kopano *kopano)
{
	return !kopano->walk.now && kopano->walk.beside;
}

/* ---- one batch ---- */

static bool has_room(const struct batch *batch)
{
	return batch->n_changes == 0 || (batch->n_changes + CHANGES_OF_AN_END <= STEP_LIMIT(BATCH_CHANGES) &&
					 batch->puts.n < MAX_PUTS && batch->arena.n_bytes < BATCH_BYTES);
}

/* Becomes followed; the items of one that the journal saw from its creation on need no listing. */
static void begin_following(struct kopano *kopano, const struct tour *tour, uint32_t index, struct batch *batch)
{
	struct map_folder *folder = map_folder(&kopano->map, index);
	bool created = tour->created_id && index == tour->tells.folders[0];
	folder->flags |= FOLDER_FOLLOWED;
	folder->listed = 0;
	choose_bind(kopano->config->follow, &kopano->map, index, batch);
	follow_folder(kopano, index, created ? tour->created_id : 0, batch);
}

static void tell_folder(struct kopano *kopano, const struct tour *tour, uint32_t index, struct batch *batch)
{
	struct map_folder *folder = map_folder(&kopano->map, index);
	bool was_followed = folder->flags & FOLDER_FOLLOWED;
	bool chosen = choose_folder(kopano->config->follow, &kopano->map, index);
	if (chosen && !was_followed)
		begin_following(kopano, tour, index, batch);
	if (chosen && (tour->all || !was_followed) && kopano->config->follow->objects & FOLLOW_FOLDER)
		record_folder(kopano, tour, index,
			      was_followed && tour->origin == ORIGIN_ICS ? CHANGE_UPDATED : CHANGE_CREATED, batch);
	if (chosen && !was_followed && index != tour->kept_for_last)
		map_put_folder_entry(&kopano->map, index, batch);
}

/* Between the ends and the rest: the map says where the folder is now. */
static void take_row(struct kopano *kopano, struct tour *tour)
{
	unsigned changed;
	if (tour->has_row)
		map_put(&kopano->map, tour->store, &tour->row, &changed);
	tour->has_row = false;
}

static void add_ends(struct kopano *kopano, struct tour *tour, struct batch *batch)
{
	for (; tour->next_end < tour->ends.n && has_room(batch); tour->next_end++)
		end_folder(kopano, tour, tour->ends.folders[tour->next_end], batch);
}

static void add_tells(struct kopano *kopano, struct tour *tour, struct batch *batch)
{
	if (tour->first)
		tour->first(kopano, tour, batch);
	tour->first = NULL;
	for (; tour->next_tell < tour->tells.n && has_room(batch); tour->next_tell++)
		tell_folder(kopano, tour, tour->tells.folders[tour->next_tell], batch);
}

/* The whole is true from here on. */
static void add_last(struct kopano *kopano, struct tour *tour, struct batch *batch)
{
	struct entry entry = {.change_id = tour->taken_id};
	if (tour->kept_for_last != MAP_NONE)
		map_put_folder_entry(&kopano->map, tour->kept_for_last, batch);
	if (tour->last)
		tour->last(kopano, tour, batch);
	if (tour->stream)
		take_ids(kopano, tour->stream, batch, &entry, 1);
}

static void hand_over_or_drop(struct kopano *kopano, struct batch *batch)
{
	if (batch->n_changes || batch->n_lifecycle || batch->puts.n)
		hand_over(kopano, batch);
	else
		batch_free(batch);
}

bool tour_go_on(struct kopano *kopano, struct tour *tour, struct batch *batch)
{
	add_ends(kopano, tour, batch);
	if (tour->next_end < tour->ends.n)
		return false;
	take_row(kopano, tour);
	add_tells(kopano, tour, batch);
	if (tour->next_tell < tour->tells.n)
		return false;
	add_last(kopano, tour, batch);
	return true;
}

void walk_step(struct kopano *kopano)
{
	struct tour **place = kopano->walk.now ? &kopano->walk.now : &kopano->walk.beside, *tour = *place;
	struct batch *batch = share_batch(kopano, tour->stream ? tour->stream->name : "stores");
	if (tour_go_on(kopano, tour, batch)) {
		*place = NULL;
		tour_free(tour);
	}
	hand_over_or_drop(kopano, batch);
}

/* ---- a folder that is gone, or may not be followed any more ---- */

void ending_begin(struct kopano *kopano, uint32_t folder, const char *why)
{
	if (folder == NO_FOLDER)
		return;
	struct tour *tour = tour_new(ORIGIN_SNAPSHOT);
	tour->mark = FOLDER_ENDED_SOFT; /* the journal may tell of its delete later, and of which kind it was */
	tour->deletion = 0;
	tour->why = why;
	tour_end_below(kopano, tour, folder);
	walk_begin(kopano, tour, true);
}
