/* What becomes of one store: its row in MAILBOX, its absence, another configuration. */
#include "bridge/kopano/choose.h"
#include "bridge/kopano/kopano.h"
#include "bridge/kopano/map_state.h"

static bool is_chosen(const struct kopano *kopano, uint32_t store)
{
	return map_store(&kopano->map, store)->flags & STORE_FOLLOWED;
}

/* ---- the end of a store ---- */

static void add_detached(struct kopano *kopano, struct tour *tour, struct batch *batch)
{
	bool was_followed = map_store(&kopano->map, tour->store)->flags & STORE_FOLLOWED;
	if (was_followed && stores_are_told(kopano))
		record_store(kopano, tour, tour->store, CHANGE_UPDATED, batch);
	if (was_followed)
		record_lifecycle_of_store(kopano, tour->store, LIFECYCLE_STORE_DETACHED, tour->why, batch);
	map_flag_store(&kopano->map, tour->store, STORE_FOLLOWED | STORE_ANNOUNCED | STORE_MAPPED, 0);
	unfollow_store(kopano, tour->store, batch);
	map_put_store_entry(&kopano->map, tour->store, batch);
}

static void add_deleted(struct kopano *kopano, struct tour *tour, struct batch *batch)
{
	if (map_store(&kopano->map, tour->store)->flags & STORE_TOLD && stores_are_told(kopano))
		record_store(kopano, tour, tour->store, CHANGE_DELETED, batch)->deletion = DELETION_HARD;
	map_flag_store(&kopano->map, tour->store, STORE_TOLD, 0);
}

static void add_vanished(struct kopano *kopano, struct tour *tour, struct batch *batch)
{
	add_deleted(kopano, tour, batch);
	record_lifecycle_of_store(kopano, tour->store, LIFECYCLE_STORE_VANISHED, tour->why, batch);
	unfollow_store(kopano, tour->store, batch);
	map_remove_store_entry(&kopano->map, tour->store, batch);
	map_remove_store(&kopano->map, tour->store);
}

static void add_unchosen(struct kopano *kopano, struct tour *tour, struct batch *batch)
{
	add_deleted(kopano, tour, batch);
	map_flag_store(&kopano->map, tour->store, STORE_FOLLOWED | STORE_ANNOUNCED, 0);
	unfollow_store(kopano, tour->store, batch);
	map_put_store_entry(&kopano->map, tour->store, batch);
}

static struct tour *end_store(struct kopano *kopano, uint32_t store, tour_fn *last, const char *why)
{
	struct tour *tour = tour_new(ORIGIN_SNAPSHOT);
	tour->store = store;
	tour->why = why;
	tour->last = last;
	tour_end_store(kopano, tour, store);
	walk_begin(kopano, tour, true);
	return tour;
}

/* What a table does not have may be there all the same. Of a store that no user has this says nothing. */
static int is_gone(struct kopano *kopano, struct slice entry_id, bool *gone, struct err *err)
{
	struct arena arena = {0};
	struct kopano_store store;
	int rc = client_load_store(kopano->client, entry_id, &arena, &store, err);
	arena_free(&arena);
	*gone = rc == ERR_GONE;
	return rc == ERR_GONE || rc == ERR_BAD ? 0 : rc;
}

static void detach_store(struct kopano *kopano, uint32_t store, const struct store_facts *facts)
{
	unsigned changed;
	map_put_store(&kopano->map, &facts->row, &changed);
	struct tour *tour = end_store(kopano, store, add_detached, "no user has its store any more");
	tour->facts = *facts;
}

/* ---- one row ---- */

static void put_row(struct kopano *kopano, const struct store_facts *facts, bool tell)
{
	unsigned changed;
	struct tour tour = {.origin = ORIGIN_SNAPSHOT, .facts = *facts};
	uint32_t store = map_put_store(&kopano->map, &facts->row, &changed);
	struct batch *batch = share_batch(kopano, "stores");
	random_bytes(tour.snapshot_id, SNAPSHOT_ID_SIZE);
	if (tell && stores_are_told(kopano))
		record_store(kopano, &tour, store, CHANGE_UPDATED, batch);
	map_put_store_entry(&kopano->map, store, batch);
	hand_over(kopano, batch);
	if (choose_store(kopano->config->follow, &kopano->map, store) != tell) {
		kopano->stores.reconsider = true; /* its owner is another one */
		kopano->stores.reconsidered = MAP_NONE;
	}
}

static bool differs(const struct map *map, uint32_t store, const struct store_row *row)
{
	const struct texts *texts = &map->texts;
	const struct map_store *known = map_store(map, store);
	return !slice_equal(texts_first(texts, known->names), row->display_name) ||
	       !slice_equal(texts_second(texts, known->names), row->owner) || known->type != row->type;
}

/* A store that is in the map, with its folders. */
static int take_known(struct kopano *kopano, uint32_t store, const struct store_facts *facts, struct err *err)
{
	if (facts->row.detached)
		return detach_store(kopano, store, facts), 0;
	if (differs(&kopano->map, store, &facts->row))
		return put_row(kopano, facts, is_chosen(kopano, store)), 0;
	if (kopano->following == FOLLOWING_FOLDERS && is_chosen(kopano, store) && !kopano->resync)
		return inventory_look(kopano, store, facts, err);
	return 0;
}

static bool is_mapped(const struct kopano *kopano, uint32_t store)
{
	return store != MAP_NONE && map_store(&kopano->map, store)->flags & STORE_MAPPED;
}

/* The streams of the server tell of all stores, those of folders of what is followed. */
static bool is_needed(const struct kopano *kopano, const struct store_row *row)
{
	return kopano->following == FOLLOWING_SERVER || choose_store_row(kopano->config->follow, row);
}

int discover_row(struct kopano *kopano, const struct store_facts *facts, struct err *err)
{
	uint32_t store = map_find_store(&kopano->map, facts->row.guid);
	bool again = kopano->resync && !kopano->stores.mapped;
	if (is_mapped(kopano, store) && !(again && !facts->row.detached))
		return take_known(kopano, store, facts, err);
	if (!facts->row.detached)
		return is_needed(kopano, &facts->row) ? inventory_map(kopano, facts, err) : 0;
	if (store == MAP_NONE && kopano->following == FOLLOWING_SERVER)
		put_row(kopano, facts, false); /* its items may be told of, and mean nothing */
	return 0;
}

/* ---- those that are gone ---- */

int discover_missing(struct kopano *kopano, uint32_t store, struct err *err)
{
	struct arena arena = {0};
	bool gone = false;
	int rc = 0;
	if (!facts_find_store(&kopano->stores.list, map_store(&kopano->map, store)->guid))
		rc = is_gone(kopano, map_store_entry_id(&kopano->map, store, &arena), &gone, err);
	arena_free(&arena);
	if (rc == 0 && gone) {
		struct tour *tour = end_store(kopano, store, add_vanished, "its store was removed");
		tour->mark = FOLDER_ENDED_HARD;
		tour->forget = true;
	}
	return rc;
}

/* ---- the configuration may have changed ---- */

static bool has_changed(const struct kopano *kopano, uint32_t store, bool *begins)
{
	const struct map *map = &kopano->map;
	bool ends = false;
	*begins = false;
	for (uint32_t f = map_next_of_store(map, store, MAP_NONE); f != MAP_NONE;
	     f = map_next_of_store(map, store, f)) {
		uint16_t flags = map_folder(map, f)->flags;
		if (flags & FOLDER_ENDED)
			continue;
		bool chosen = choose_folder(kopano->config->follow, map, f), followed = flags & FOLDER_FOLLOWED;
		ends |= followed && !chosen;
		*begins |= chosen && !followed;
	}
	return ends || *begins;
}

/* Folders that are followed from now on, and those that are not any more. */
static int change_folders(struct kopano *kopano, uint32_t store, bool begins, struct err *err)
{
	struct arena arena = {0};
	struct tour *tour = tour_new(ORIGIN_SNAPSHOT);
	uint32_t root = map_store(&kopano->map, store)->root;
	int rc = 0;
	if (begins && root != MAP_NONE)
		rc = facts_list_folders(kopano->client, map_entry_id(&kopano->map, root, &arena), &tour->details, err);
	arena_free(&arena);
	if (rc && rc != ERR_GONE && rc != ERR_BAD)
		return tour_free(tour), rc;
	tour->why = "the configuration does not name it any more";
	tour_end_store(kopano, tour, store);
	tour_tell_store(kopano, tour, store);
	walk_begin(kopano, tour, true);
	return 0;
}

/* One that is followed from now on is announced whole. */
static void begin_store(struct kopano *kopano, uint32_t store)
{
	struct batch *batch = share_batch(kopano, "stores");
	map_flag_store(&kopano->map, store, STORE_ANNOUNCED, STORE_FOLLOWED);
	map_put_store_entry(&kopano->map, store, batch);
	hand_over(kopano, batch);
}

int discover_changed(struct kopano *kopano, uint32_t store, struct err *err)
{
	bool chosen = choose_store(kopano->config->follow, &kopano->map, store), begins;
	if (is_chosen(kopano, store) && !chosen && is_mapped(kopano, store)) {
		end_store(kopano, store, add_unchosen, "the configuration does not name it any more");
		return 0;
	}
	if (chosen && !is_chosen(kopano, store) && is_mapped(kopano, store))
		begin_store(kopano, store);
	return has_changed(kopano, store, &begins) ? change_folders(kopano, store, begins, err) : 0;
}
