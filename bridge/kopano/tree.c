#include "bridge/kopano/tree.h"

#include "bridge/kopano/choose.h"
#include "bridge/kopano/kopano.h"
#include "core/step.h"

enum { MAX_DEPTH = 64 };

/* What the server says of the folder of an entry, and of those above it that the map has elsewhere, or not at all. */
struct reading_of_folder {
	uint32_t store;
	struct folder_facts way[MAX_DEPTH]; /* the folder, its parent, ... */
	size_t n;
};

static unsigned action_of(const struct entry *entry)
{
	return entry->type & ENTRY_ACTION_MASK;
}

static bool is_upsert(const struct entry *entry)
{
	return action_of(entry) == ENTRY_NEW || action_of(entry) == ENTRY_CHANGE;
}

static bool is_delete(const struct entry *entry)
{
	return action_of(entry) == ENTRY_SOFT_DELETE || action_of(entry) == ENTRY_HARD_DELETE;
}

/* ---- calls ---- */

/* The store of the folder: its own, or that of its parent. */
static uint32_t store_of(const struct map *map, const struct entry *entry)
{
	uint32_t folder = map_find(map, entry->source_key);
	if (folder == MAP_NONE)
		folder = map_find_any(map, entry->parent_key);
	return folder == MAP_NONE ? MAP_NONE : map_folder(map, folder)->store;
}

static int load_folder(struct kopano *kopano, const struct entry *entry, struct reading_of_folder *reading,
		       struct arena *arena, struct err *err)
{
	const struct map *map = &kopano->map;
	uint32_t folder = map_find(map, entry->source_key);
	struct slice id;
	int rc = 0;
	if (folder != MAP_NONE)
		id = map_entry_id(map, folder, arena);
	else
		rc = client_entry_id(kopano->client, map_store_entry_id(map, reading->store, arena), entry->source_key,
				     slice_of(NULL, 0), arena, &id, err);
	if (rc == 0)
		rc = facts_load_folder(kopano->client, id, arena, &reading->way[0], err);
	reading->n = rc == 0;
	return rc;
}

/* Its parent is where the map has it, or will be: then the folder can be put there. */
static bool is_reached(const struct map *map, const struct reading_of_folder *reading)
{
	const struct folder_row *row = &reading->way[reading->n - 1].row;
	uint32_t folder = map_find(map, reading->way[0].row.source_key);
	uint32_t parent = map_find(map, row->parent_source_key);
	if (!row->parent_source_key.size || !reading->way[reading->n - 1].parent_entry_id.size)
		return true;
	return parent != MAP_NONE && (folder == MAP_NONE || !map_is_below(map, parent, folder));
}

/* One that may not be seen, or is gone by now, ends the way: the folder is put below what is known of it. */
static int load_way(struct kopano *kopano, struct reading_of_folder *reading, struct arena *arena, struct err *err)
{
	int rc = 0;
	while (rc == 0 && reading->n < MAX_DEPTH && !is_reached(&kopano->map, reading)) {
		rc = facts_load_folder(kopano->client, reading->way[reading->n - 1].parent_entry_id, arena,
				       &reading->way[reading->n], err);
		reading->n += rc == 0;
	}
	return rc == ERR_GONE || rc == ERR_BAD ? 0 : rc;
}

/* ---- what the entry means ---- */

static bool is_alive(const struct map *map, uint32_t folder)
{
	return folder != MAP_NONE && !(map_folder(map, folder)->flags & FOLDER_ENDED);
}

static bool names_differ(const struct map *map, uint32_t folder, const struct folder_row *row)
{
	const struct map_folder *known = map_folder(map, folder);
	return !slice_equal(texts_first(&map->texts, known->texts), row->name) ||
	       row->hidden != ((known->flags & FOLDER_HIDDEN) != 0);
}

static bool parents_differ(const struct map *map, uint32_t folder, const struct folder_row *row)
{
	uint32_t parent = map_folder(map, folder)->parent;
	return parent == MAP_NONE ? row->parent_source_key.size > 0
				  : parent != map_find_any(map, row->parent_source_key);
}

/* What is below it is affected as well. */
static bool is_moved(const struct map *map, const struct reading_of_folder *reading)
{
	const struct folder_row *row = &reading->way[0].row;
	uint32_t folder = map_find(map, row->source_key);
	return reading->n > 1 || names_differ(map, folder, row) || parents_differ(map, folder, row);
}

static bool tells_folders(const struct kopano *kopano)
{
	return kopano->config->follow->objects & FOLLOW_FOLDER;
}

/* A folder that was not here before, unless the journal tells of all that comes into it, may have more below it; of one
 * that is somewhere else now those below it are told. */
static bool needs_list(const struct kopano *kopano, const struct reading_of_folder *reading, uint32_t created_id)
{
	const struct map *map = &kopano->map;
	uint32_t folder = map_find(map, reading->way[0].row.source_key);
	if (!is_alive(map, folder))
		return !created_id;
	return tells_folders(kopano) && map_folder(map, folder)->first_child != MAP_NONE && is_moved(map, reading);
}

/* ---- the map changes ---- */

static struct folder_row row_of(const struct map *map, uint32_t folder, struct arena *arena)
{
	const struct map_folder *known = map_folder(map, folder);
	return (struct folder_row){
		.source_key = map_source_key(map, folder, arena),
		.parent_source_key =
			known->parent == MAP_NONE ? slice_of(NULL, 0) : map_source_key(map, known->parent, arena),
		.entry_id = map_entry_id(map, folder, arena),
		.name = map_name(map, folder, arena),
		.container_class = map_class(map, folder, arena),
		.type = known->type,
		.hidden = known->flags & FOLDER_HIDDEN,
	};
}

/* From the top down; returns the topmost that is somewhere else than before. */
static uint32_t put_way(struct kopano *kopano, const struct reading_of_folder *reading, struct batch *batch)
{
	uint32_t top = MAP_NONE;
	for (size_t i = reading->n; i-- > 1;) {
		unsigned changed;
		uint32_t folder = map_put(&kopano->map, reading->store, &reading->way[i].row, &changed);
		if (folder == MAP_NONE)
			continue;
		map_put_folder_entry(&kopano->map, folder, batch);
		if (top == MAP_NONE && changed)
			top = folder;
	}
	return top;
}

static void revive(struct kopano *kopano, const struct tour *tour, uint32_t folder)
{
	if (!(map_folder(&kopano->map, folder)->flags & FOLDER_ENDED))
		return;
	map_flag_folder(&kopano->map, folder, FOLDER_ENDED | FOLDER_FOLLOWED, 0);
	listing_hold(kopano, folder, tour->change_id);
}

/* What has come back with the folder above it is told of by that one's entry. */
static void add_below(struct kopano *kopano, const struct tour *tour, uint32_t store, struct batch *batch)
{
	for (size_t i = 0; i < tour->details.n; i++) {
		const struct folder_row *row = &tour->details.facts[i].row;
		if (inventory_add(kopano, store, row, false, batch))
			listing_hold(kopano, map_find(&kopano->map, row->source_key), tour->change_id);
	}
}

/* The ends are told with the place that the folder had, so it gets its new one after them. */
static void put_back(struct kopano *kopano, struct tour *tour, const struct folder_row *before)
{
	unsigned changed;
	tour->has_row = map_put(&kopano->map, tour->store, before, &changed) != MAP_NONE;
}

static void plan_known(struct kopano *kopano, struct tour *tour, const struct reading_of_folder *reading,
		       uint32_t folder, struct batch *batch)
{
	struct map *map = &kopano->map;
	unsigned changed;
	bool moved = is_moved(map, reading);
	struct folder_row before = row_of(map, folder, &tour->arena);
	uint32_t top = put_way(kopano, reading, batch);
	map_put(map, reading->store, &reading->way[0].row, &changed);
	if (moved)
		tour_end_below(kopano, tour, folder);
	else
		tour_end(tour, folder);
	if (moved)
		tour_tell_below(kopano, tour, top != MAP_NONE ? top : folder);
	else
		tour_tell(tour, folder);
	if (tour_keep_ends(kopano, tour) && reading->n == 1)
		put_back(kopano, tour, &before);
}

static void plan_new(struct kopano *kopano, struct tour *tour, const struct reading_of_folder *reading,
		     struct batch *batch)
{
	unsigned changed;
	uint32_t top = put_way(kopano, reading, batch);
	uint32_t folder = map_put(&kopano->map, reading->store, &reading->way[0].row, &changed);
	if (folder == MAP_NONE)
		return; /* the tree is being turned over: the last of its entries says how */
	revive(kopano, tour, folder);
	tour->kept_for_last = folder;
	add_below(kopano, tour, reading->store, batch);
	if (tour->created_id)
		tour_tell(tour, folder);
	else
		tour_tell_below(kopano, tour, top != MAP_NONE ? top : folder);
}

/* ---- one entry ---- */

/* The id of the last entry of its folder that wants the same: all of them are told by one record. */
static uint32_t last_id(const struct entry *entries, size_t n)
{
	uint32_t id = entries[0].change_id;
	for (size_t i = 1; i < n; i++) {
		if (!slice_equal(entries[i].source_key, entries[0].source_key))
			continue;
		if (!is_upsert(&entries[i]))
			break;
		id = entries[i].change_id;
	}
	return id;
}

static bool was_told(const struct entry *entries, size_t i)
{
	for (size_t j = i; j-- > 0;)
		if (slice_equal(entries[j].source_key, entries[i].source_key))
			return is_upsert(&entries[j]);
	return false;
}

static struct tour *new_tour(struct stream *stream, const struct entry *entry)
{
	struct tour *tour = tour_new(ORIGIN_ICS);
	tour->stream = stream;
	tour->taken_id = tour->change_id = entry->change_id;
	return tour;
}

/* The calls of an upsert. *understood: the folder could be read. */
static int read_upsert(struct kopano *kopano, const struct entry *entry, struct tour *tour,
		       struct reading_of_folder *reading, bool *understood, struct err *err)
{
	*understood = false;
	reading->store = store_of(&kopano->map, entry);
	if (reading->store == MAP_NONE) {
		unknown_note(kopano, entry->source_key);
		stores_look_now(kopano);
		return 0;
	}
	int rc = load_folder(kopano, entry, reading, &tour->arena, err);
	if (rc)
		return rc == ERR_GONE || rc == ERR_BAD ? 0 : rc;
	if ((rc = load_way(kopano, reading, &tour->arena, err)))
		return rc;
	bool is_new = action_of(entry) == ENTRY_NEW && map_find(&kopano->map, entry->source_key) == MAP_NONE;
	if (is_new && follow_saw_creation(kopano, entry->change_id, entry->source_key))
		tour->created_id = entry->change_id;
	if (needs_list(kopano, reading, tour->created_id))
		rc = facts_list_folders(kopano->client, reading->way[0].row.entry_id, &tour->details, err);
	*understood = rc == 0;
	return rc == ERR_GONE || rc == ERR_BAD ? 0 : rc;
}

static int plan_upsert(struct kopano *kopano, const struct entry *entries, size_t n, struct tour *tour,
		       struct batch *batch, struct err *err)
{
	struct reading_of_folder reading;
	bool understood;
	int rc = read_upsert(kopano, entries, tour, &reading, &understood, err);
	if (rc || !understood)
		return rc;
	uint32_t folder = map_find(&kopano->map, entries->source_key);
	tour->store = reading.store;
	tour->row = reading.way[0].row;
	tour->change_id = last_id(entries, n);
	tour->all = true;
	tour->why = "it is not among the folders that are followed any more";
	facts_keep(&tour->details, &reading.way[0]);
	if (is_alive(&kopano->map, folder)) {
		tour->kept_for_last = folder;
		plan_known(kopano, tour, &reading, folder, batch);
	} else {
		plan_new(kopano, tour, &reading, batch);
	}
	return 0;
}

/* In FOLLOWING_FOLDERS the folder's own stream has told of all of its items, or is not read any more. */
static void purge_at_once(struct kopano *kopano, struct tour *tour, struct batch *batch)
{
	if (kopano->following == FOLLOWING_FOLDERS && tour->mark == FOLDER_ENDED_HARD)
		ending_purge(kopano, UINT32_MAX, batch);
}

/* A folder of which nothing is known any more. Consumers may know it: its creation was told, but that was not
 * committed, and then it was deleted. So its end is told, with what the entry says of it; and its items' deletes, while
 * it is kept as ended. */
static uint32_t put_deleted(struct kopano *kopano, const struct entry *entry)
{
	struct map *map = &kopano->map;
	struct folder_row row = {
		.source_key = entry->source_key, .parent_source_key = entry->parent_key, .type = FOLDER_GENERIC};
	uint32_t parent = map_find_any(map, entry->parent_key);
	unsigned changed;
	if (parent == MAP_NONE || !choose_below(kopano->config->follow, map, parent))
		return MAP_NONE;
	uint32_t folder = map_put(map, map_folder(map, parent)->store, &row, &changed);
	if (folder != MAP_NONE)
		map_folder(map, folder)->flags |= FOLDER_FOLLOWED;
	return folder;
}

/* A command tells of what happened before it came, also below folders that are gone by now. */
static void tell_unknown(struct kopano *kopano, const struct entry *entry, struct batch *batch)
{
	if (!kopano->config->follow->once || !tells_folders(kopano))
		return;
	struct change *change = batch_change(batch);
	share_server(kopano, batch, change);
	change->object_type = OBJECT_FOLDER;
	change->kind = CHANGE_DELETED;
	change->origin = ORIGIN_ICS;
	change->change_id = entry->change_id;
	change->source_key = arena_copy(&batch->arena, entry->source_key);
	change->parent_source_key = arena_copy(&batch->arena, entry->parent_key);
	change->deletion = action_of(entry) == ENTRY_SOFT_DELETE ? DELETION_SOFT : DELETION_HARD;
}

static void plan_delete(struct kopano *kopano, const struct entry *entry, struct tour *tour, struct batch *batch)
{
	uint32_t folder = map_find(&kopano->map, entry->source_key);
	if (folder == MAP_NONE)
		folder = put_deleted(kopano, entry);
	if (folder == MAP_NONE)
		return tell_unknown(kopano, entry, batch);
	bool soft = action_of(entry) == ENTRY_SOFT_DELETE;
	tour->mark = soft ? FOLDER_ENDED_SOFT : FOLDER_ENDED_HARD;
	tour->deletion = soft ? DELETION_SOFT : DELETION_HARD;
	tour->why = "it was deleted";
	tour->last = purge_at_once;
	tour_end_below(kopano, tour, folder);
}

/* ---- an answer ---- */

/* An entry of before its delete that comes late: what is below a soft-deleted folder can be read as if it was there. */
static bool is_of_before_its_end(const struct map *map, const struct entry *entry)
{
	uint32_t folder = map_find(map, entry->source_key);
	return folder != MAP_NONE && map_folder(map, folder)->flags & FOLDER_ENDED &&
	       entry->change_id < map_folder(map, folder)->ended_max;
}

/* All calls for the entry, then the map. The tour has its id, whatever else. */
static int plan_entry(struct kopano *kopano, const struct entry *entries, size_t i, size_t n, struct tour *tour,
		      struct batch *batch, struct err *err)
{
	if (is_delete(&entries[i]))
		return plan_delete(kopano, &entries[i], tour, batch), 0;
	if (!is_upsert(&entries[i]) || was_told(entries, i) || is_of_before_its_end(&kopano->map, &entries[i]))
		return 0;
	return plan_upsert(kopano, &entries[i], n - i, tour, batch, err);
}

static bool is_full(const struct batch *batch)
{
	return batch->n_changes >= STEP_LIMIT(BATCH_CHANGES) / 2 || batch->arena.n_bytes > BATCH_BYTES / 2;
}

int tree_apply(struct kopano *kopano, struct stream *stream, const struct entry *entries, size_t n, size_t *n_done,
	       struct err *err)
{
	struct batch *batch = share_batch(kopano, stream->name);
	int rc = 0;
	for (*n_done = 0; *n_done < n && !kopano->walk.now && !is_full(batch); ++*n_done) {
		struct tour *tour = new_tour(stream, &entries[*n_done]);
		rc = plan_entry(kopano, entries, *n_done, n, tour, batch, err);
		if (rc) {
			tour_free(tour);
			break;
		}
		if (tour_go_on(kopano, tour, batch))
			tour_free(tour);
		else
			walk_begin(kopano, tour, true);
	}
	if (*n_done == 0)
		return batch_free(batch), rc;
	hand_over(kopano, batch);
	return 0;
}
