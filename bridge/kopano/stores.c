#include "bridge/kopano/stores.h"

#include "bridge/kopano/choose.h"
#include "bridge/kopano/kopano.h"
#include "bridge/kopano/map_state.h"

enum { LOOK_AGAIN_MS = 5000, LOOK_SHARE = 10, HURRY_MS = 500, MAX_HURRIED = 20 };

/* ---- the state ---- */

/* There from the end of the first inventory on. */
static void put_inventory(struct kopano *kopano, struct batch *batch)
{
	batch_put(batch, slice_of_text(STATE_INVENTORY), inventory_write(&batch->arena, &kopano->stores.inventory));
}

int stores_seek(struct kopano *kopano, struct state *state, struct err *err)
{
	struct arena arena = {0};
	struct slice bytes;
	bool found = false;
	map_start(&kopano->map, kopano->server.guid);
	int rc = map_load(&kopano->map, state, err);
	if (rc == 0)
		rc = choose_load(kopano->config->follow, &kopano->map, state, err);
	if (rc == 0)
		rc = load_get(state, STATE_INVENTORY, &arena, &bytes, &found, err);
	if (rc == 0 && found && !inventory_read(bytes, &kopano->stores.inventory))
		rc = load_damaged(err, STATE_INVENTORY);
	kopano->stores.mapped = rc == 0 && found && !kopano->resync;
	kopano->stores.is_first = rc == 0 && !found;
	kopano->stores.reconsidered = MAP_NONE;
	kopano->stores.reconsider = true;
	arena_free(&arena);
	return rc;
}

void stores_free(struct stores *stores)
{
	facts_free_stores(&stores->list);
	*stores = (struct stores){0};
}

bool stores_are_mapped(const struct kopano *kopano)
{
	return kopano->stores.mapped;
}

/* ---- what MAILBOX says ---- */

/* However much it is wanted, the list is read for a tenth of the time at most. */
static int64_t pause_after(int64_t started_ms)
{
	int64_t pause = LOOK_SHARE * (clock_ms() - started_ms + 1);
	return pause < LOOK_AGAIN_MS ? pause : LOOK_AGAIN_MS;
}

static int read_stores(struct kopano *kopano, struct err *err)
{
	struct stores *stores = &kopano->stores;
	int64_t started_ms = clock_ms();
	facts_free_stores(&stores->list);
	int rc = facts_list_stores(kopano->client, &stores->list, err);
	if (rc)
		return rc;
	stores->reading = stores->has_list = true;
	stores->unfinished = false;
	stores->next = 0;
	stores->gone = MAP_NONE;
	stores->due_at_ms = clock_ms() + kopano->config->discover_ms;
	stores->not_before_ms = clock_ms() + pause_after(started_ms);
	return 0;
}

/* ---- announcing ---- */

bool stores_are_told(const struct kopano *kopano)
{
	return kopano->config->follow->objects & FOLLOW_STORE;
}

/* Meanwhile it may have been detached, or be gone. */
static bool is_chosen(const struct kopano *kopano, uint32_t store)
{
	return map_store(&kopano->map, store)->flags & STORE_FOLLOWED;
}

static void add_store(struct kopano *kopano, struct tour *tour, struct batch *batch)
{
	put_inventory(kopano, batch);
	if (!is_chosen(kopano, tour->store))
		return;
	if (stores_are_told(kopano))
		record_store(kopano, tour, tour->store, CHANGE_CREATED, batch);
	map_flag_store(&kopano->map, tour->store, 0, STORE_TOLD);
	map_put_store_entry(&kopano->map, tour->store, batch);
}

static void add_announced(struct kopano *kopano, struct tour *tour, struct batch *batch)
{
	if (!is_chosen(kopano, tour->store))
		return;
	map_flag_store(&kopano->map, tour->store, 0, STORE_ANNOUNCED);
	map_put_store_entry(&kopano->map, tour->store, batch);
}

static bool is_to_announce(const struct kopano *kopano, uint32_t store)
{
	uint8_t flags = map_store(&kopano->map, store)->flags;
	return flags & STORE_FOLLOWED && flags & STORE_MAPPED && !(flags & STORE_ANNOUNCED);
}

static uint32_t next_to_announce(const struct kopano *kopano)
{
	for (uint32_t s = map_next_store(&kopano->map, MAP_NONE); s != MAP_NONE; s = map_next_store(&kopano->map, s))
		if (is_to_announce(kopano, s))
			return s;
	return MAP_NONE;
}

static int announce(struct kopano *kopano, uint32_t store, struct err *err)
{
	struct stores *stores = &kopano->stores;
	struct arena arena = {0};
	const struct store_facts *facts = facts_find_store(&stores->list, map_store(&kopano->map, store)->guid);
	struct tour *tour = tour_new(ORIGIN_SNAPSHOT);
	uint32_t root = map_store(&kopano->map, store)->root;
	int rc = 0;
	if (root != MAP_NONE && kopano->config->follow->objects & FOLLOW_FOLDER)
		rc = facts_list_folders(kopano->client, map_entry_id(&kopano->map, root, &arena), &tour->details, err);
	arena_free(&arena);
	if (rc && rc != ERR_GONE && rc != ERR_BAD)
		return tour_free(tour), rc;
	if (!stores->inventory.announcing)
		random_bytes(stores->inventory.snapshot_id, SNAPSHOT_ID_SIZE);
	stores->inventory.announcing = true;
	memcpy(tour->snapshot_id, stores->inventory.snapshot_id, SNAPSHOT_ID_SIZE);
	if (facts)
		tour->facts = *facts;
	tour->store = store;
	tour->all = true;
	tour->first = add_store;
	tour->last = add_announced;
	tour_tell_store(kopano, tour, store);
	walk_begin(kopano, tour, false);
	return 0;
}

static void end_announcing(struct kopano *kopano)
{
	struct batch *batch = share_batch(kopano, "stores");
	kopano->stores.inventory.announcing = false;
	put_inventory(kopano, batch);
	hand_over(kopano, batch);
}

/* ---- the first inventory ---- */

static bool has_store_of(const struct kopano *kopano, const char *name)
{
	const struct map *map = &kopano->map;
	for (uint32_t s = map_next_store(map, MAP_NONE); s != MAP_NONE; s = map_next_store(map, s))
		if (is_chosen(kopano, s) && choose_names(name, map, s))
			return true;
	return false;
}

/* From *at on; moves it behind what it found. */
static bool next_missing_store(const struct kopano *kopano, size_t *at, struct err *err)
{
	const struct conf_node *stores = kopano->config->follow->stores;
	while (stores && *at < stores->n_children) {
		const char *name = stores->children[(*at)++].text;
		if (has_store_of(kopano, name))
			continue;
		err_usage(err, "follow.stores: no store of \"%s\" on %s, or no right to open it", name,
			  kopano->config->login.url);
		return true;
	}
	return false;
}

/* The first of each store. */
static bool next_missing_path(const struct kopano *kopano, uint32_t *store, struct err *err)
{
	const struct map *map = &kopano->map;
	const char *path = NULL;
	struct arena arena = {0};
	if (kopano->config->follow->mode != FOLLOW_FOLDERS)
		return false;
	while (!path && (*store = map_next_store(map, *store)) != MAP_NONE)
		path = is_chosen(kopano, *store) ? choose_missing(kopano->config->follow, map, *store) : NULL;
	if (!path)
		return false;
	struct slice owner = map_store_owner(map, *store, &arena);
	if (!owner.size)
		owner = slice_of_text("public");
	err_usage(err, "follow.folders: no folder \"%s\" in the store of \"%.*s\", or no right to see it", path,
		  (int)owner.size, (const char *)owner.data);
	arena_free(&arena);
	return true;
}

static int check_named(struct kopano *kopano, struct err *err)
{
	size_t at = 0;
	uint32_t store = MAP_NONE;
	bool missing = next_missing_store(kopano, &at, err) || next_missing_path(kopano, &store, err);
	return missing ? ERR_FATAL : 0;
}

static void add_missing(struct kopano *kopano, const struct err *err, struct batch *batch)
{
	share_lifecycle(kopano, NO_FOLDER, batch, LIFECYCLE_MISSED,
			arena_text(&batch->arena, "%s; it will be followed once it is there", err->text));
}

/* Where others are followed already, one that is missing is no reason to stop: it may be a user who has left. */
static void tell_missing(struct kopano *kopano)
{
	struct err err;
	size_t at = 0;
	uint32_t store = MAP_NONE;
	struct batch *batch = share_batch(kopano, "stores");
	while (next_missing_store(kopano, &at, &err))
		add_missing(kopano, &err, batch);
	while (next_missing_path(kopano, &store, &err))
		add_missing(kopano, &err, batch);
	kopano->stores.told_missing = true;
	if (batch->n_lifecycle)
		hand_over(kopano, batch);
	else
		batch_free(batch);
}

static int end_inventory(struct kopano *kopano, struct err *err)
{
	struct stores *stores = &kopano->stores;
	int rc = stores->is_first ? check_named(kopano, err) : 0;
	if (rc)
		return rc;
	struct batch *batch = share_batch(kopano, "stores");
	bool was_resync = kopano->resync;
	kopano->resync = false;
	if (was_resync)
		put_ends(kopano, batch);
	put_inventory(kopano, batch);
	hand_over(kopano, batch);
	stores->mapped = true;
	stores->is_first = false;
	return 0;
}

/* ---- steps ---- */

void stores_look(struct kopano *kopano)
{
	struct stores *stores = &kopano->stores;
	if (stores->due_at_ms > stores->not_before_ms)
		stores->due_at_ms = stores->not_before_ms;
}

void stores_look_now(struct kopano *kopano)
{
	stores_look(kopano);
	kopano->stores.wanted = true;
	kopano->stores.n_hurried = 0;
}

bool stores_are_wanted(const struct kopano *kopano)
{
	const struct stores *stores = &kopano->stores;
	return stores->wanted && (stores->reading || stores->due_at_ms <= clock_ms());
}

int64_t stores_due_at_ms(const struct kopano *kopano)
{
	return kopano->stores.due_at_ms;
}

bool stores_due(const struct kopano *kopano)
{
	const struct stores *stores = &kopano->stores;
	return stores->reading || stores->due_at_ms <= clock_ms() || (stores->mapped && stores->reconsider) ||
	       (!kopano->walk.beside && (stores->inventory.announcing || stores->may_announce));
}

void stores_anew(struct kopano *kopano)
{
	struct stores *stores = &kopano->stores;
	walk_free(&kopano->walk);
	facts_free_stores(&stores->list);
	stores->reading = false;
	stores->mapped = stores->mapped && !kopano->resync;
	stores->due_at_ms = stores->not_before_ms = 0;
}

static void end_reading(struct stores *stores)
{
	stores->reading = stores->wanted = false;
	stores->may_announce = true;
	if (stores->unfinished && stores->n_hurried++ < MAX_HURRIED)
		stores->due_at_ms = clock_ms() + HURRY_MS;
}

/* Deals with rows until one led to a batch or a walk. */
static int go_on_reading(struct kopano *kopano, struct err *err)
{
	struct stores *stores = &kopano->stores;
	size_t n_before = kopano->n_pending;
	int rc = 0;
	while (rc == 0 && kopano->n_pending == n_before && !kopano->walk.now) {
		if (stores->next < stores->list.n) {
			if ((rc = discover_row(kopano, &stores->list.facts[stores->next], err)) == 0)
				stores->next++;
		} else if (stores->list.whole &&
			   (stores->gone = map_next_store(&kopano->map, stores->gone)) != MAP_NONE) {
			rc = discover_missing(kopano, stores->gone, err);
		} else {
			end_reading(stores);
			return stores->mapped ? 0 : end_inventory(kopano, err);
		}
	}
	return rc;
}

static void end_reconsidering(struct kopano *kopano)
{
	struct stores *stores = &kopano->stores;
	stores->reconsider = false;
	stores->may_announce = true;
	if (!stores->told_missing)
		tell_missing(kopano);
}

static int go_on_reconsidering(struct kopano *kopano, struct err *err)
{
	struct stores *stores = &kopano->stores;
	size_t n_before = kopano->n_pending;
	int rc = 0;
	while (rc == 0 && kopano->n_pending == n_before && !kopano->walk.now) {
		uint32_t store = map_next_store(&kopano->map, stores->reconsidered);
		if (store == MAP_NONE)
			return end_reconsidering(kopano), 0;
		if ((rc = discover_changed(kopano, store, err)) == 0)
			stores->reconsidered = store;
	}
	return rc;
}

static int go_on_announcing(struct kopano *kopano, struct err *err)
{
	uint32_t store = next_to_announce(kopano);
	if (store != MAP_NONE && !kopano->stores.has_list)
		return read_stores(kopano, err);
	if (store != MAP_NONE)
		return announce(kopano, store, err);
	kopano->stores.may_announce = false;
	facts_free_stores(&kopano->stores.list); /* several megabytes of a large server */
	kopano->stores.has_list = false;
	if (kopano->stores.inventory.announcing)
		end_announcing(kopano);
	return 0;
}

int stores_step(struct kopano *kopano, struct err *err)
{
	struct stores *stores = &kopano->stores;
	kopano->table_of = NULL; /* there is one table at a time */
	if (stores->reading)
		return go_on_reading(kopano, err);
	if (stores->due_at_ms <= clock_ms())
		return read_stores(kopano, err);
	if (stores->mapped && stores->reconsider)
		return go_on_reconsidering(kopano, err);
	return go_on_announcing(kopano, err);
}
