/* The folders of one store come into the map. */
#include "bridge/kopano/choose.h"
#include "bridge/kopano/kopano.h"
#include "bridge/kopano/map_state.h"

bool inventory_add(struct kopano *kopano, uint32_t store, const struct folder_row *row, bool change,
		   struct batch *batch)
{
	unsigned changed;
	uint32_t known = map_find(&kopano->map, row->source_key);
	bool lives = known != MAP_NONE && !(map_folder(&kopano->map, known)->flags & FOLDER_ENDED);
	if (lives && !change)
		return false;
	uint32_t folder = map_put(&kopano->map, store, row, &changed);
	if (folder == MAP_NONE)
		return false; /* half of a move: its entry says where it is */
	if (!lives)
		map_flag_folder(&kopano->map, folder, FOLDER_ENDED | FOLDER_FOLLOWED, 0);
	if (!lives && known != MAP_NONE)
		listing_hold(kopano, folder, kopano->maximum);
	map_put_folder_entry(&kopano->map, folder, batch);
	return !lives;
}

static void add_root(struct kopano *kopano, uint32_t store, struct slice key, struct slice entry_id,
		     struct batch *batch)
{
	struct folder_row row = {.source_key = key, .entry_id = entry_id, .type = FOLDER_ROOT};
	if (key.size)
		inventory_add(kopano, store, &row, false, batch);
}

/* The inventory of one store, after its calls. */
struct found {
	struct arena arena;
	struct store_tree tree;
	struct slice subtree_key;
	struct folder_list folders;
};

static void free_found(struct found *found)
{
	facts_free_folders(&found->folders);
	arena_free(&found->arena);
}

/* Becomes followed without a record of its own: the announcement of its store has that. */
static void follow_chosen(struct kopano *kopano, uint32_t store, struct batch *batch)
{
	struct map *map = &kopano->map;
	for (uint32_t f = map_next_of_store(map, store, MAP_NONE); f != MAP_NONE;
	     f = map_next_of_store(map, store, f)) {
		if (map_folder(map, f)->flags & FOLDER_FOLLOWED || !choose_folder(kopano->config->follow, map, f))
			continue;
		map_flag_folder(map, f, 0, FOLDER_FOLLOWED);
		choose_bind(kopano->config->follow, map, f, batch);
		follow_folder(kopano, f, 0, batch);
		map_put_folder_entry(map, f, batch);
	}
}

/* Nothing is told of what was there when following began, if that is not wanted. */
static bool is_announced(const struct kopano *kopano)
{
	return !kopano->stores.mapped && !kopano->resync && !kopano->config->follow->snapshot;
}

static void put_found(struct kopano *kopano, uint32_t store, const struct found *found, struct batch *batch)
{
	struct map *map = &kopano->map;
	struct slice root_key = facts_key_of(&found->folders, found->tree.root_entry_id);
	map_set_tree(map, store, root_key, found->subtree_key);
	add_root(kopano, store, root_key, found->tree.root_entry_id, batch);
	for (size_t i = 0; i < found->folders.n; i++)
		inventory_add(kopano, store, &found->folders.facts[i].row, true, batch);
	bool chosen = choose_store(kopano->config->follow, map, store);
	map_flag_store(&kopano->map, store, STORE_ANNOUNCED | STORE_FOLLOWED, STORE_MAPPED);
	map_flag_store(map, store, 0, chosen ? STORE_FOLLOWED : 0);
	map_flag_store(map, store, 0, chosen && is_announced(kopano) ? STORE_ANNOUNCED | STORE_TOLD : 0);
	follow_chosen(kopano, store, batch);
	map_put_store_entry(map, store, batch);
}

/* What the map has of the store and the server has not any more: after the server was restored. */
static void begin_deletes(struct kopano *kopano, uint32_t store, const struct found *found)
{
	struct map *map = &kopano->map;
	struct tour *tour = tour_new(ORIGIN_SNAPSHOT);
	tour->mark = FOLDER_ENDED_HARD;
	tour->why = "the server was restored, and the folder is not there any more";
	uint32_t root = map_store(map, store)->root;
	for (uint32_t f = root == MAP_NONE ? MAP_NONE : map_deepest(map, root); f != MAP_NONE;
	     f = map_next_up(map, root, f))
		if (f != root && !facts_find(&found->folders, map_source_key(map, f, &tour->arena)))
			tour_end(tour, f);
	walk_begin(kopano, tour, true);
}

/* What goes wrong inside one store leaves it as it is, until stores are looked for the next time; at the first time
 * what the server refuses for reasons of its own is tried again. */
static int pass_over(const struct kopano *kopano, int rc, struct err *err)
{
	bool is_answer = no_access(kopano, rc) || client_er(kopano->client) == KOPANO_UNABLE_TO_COMPLETE;
	if (rc == ERR_GONE || (rc == ERR_BAD && (is_answer || !kopano->stores.is_first)))
		return 0;
	return passing(rc, err);
}

/* The hierarchy of a store is followed before its folders are listed; where that may not be, the next listing tells. */
static int prepare_store(struct kopano *kopano, uint32_t store, struct found *found, struct err *err)
{
	struct folder_facts subtree;
	if (kopano->following != FOLLOWING_FOLDERS || !found->tree.subtree_entry_id.size)
		return 0;
	int rc = facts_load_folder(kopano->client, found->tree.subtree_entry_id, &found->arena, &subtree, err);
	if (rc)
		return pass_over(kopano, rc, err);
	found->subtree_key = subtree.row.source_key;
	map_set_tree(&kopano->map, store, subtree.row.parent_source_key, found->subtree_key);
	return pass_over(kopano, follow_store(kopano, store, err), err);
}

static int list_store(struct kopano *kopano, struct found *found, struct err *err)
{
	int rc = facts_list_folders(kopano->client, found->tree.root_entry_id, &found->folders, err);
	if (rc || !found->tree.subtree_entry_id.size)
		return rc;
	if (!found->subtree_key.size)
		found->subtree_key = facts_key_of(&found->folders, found->tree.subtree_entry_id);
	/* A folder that may not be seen hides what is below it from a table that begins above. */
	if (!facts_find(&found->folders, found->subtree_key))
		rc = facts_list_folders(kopano->client, found->tree.subtree_entry_id, &found->folders, err);
	if (!found->subtree_key.size)
		found->subtree_key = facts_key_of(&found->folders, found->tree.subtree_entry_id);
	return pass_over(kopano, rc, err);
}

static int find_folders(struct kopano *kopano, uint32_t store, const struct store_row *row, struct found *found,
			struct err *err)
{
	int rc = facts_load_tree(kopano->client, row, &found->arena, &found->tree, err);
	if (rc == 0)
		rc = prepare_store(kopano, store, found, err);
	return rc ? rc : list_store(kopano, found, err);
}

/* A store that is being made gets the folder that its user sees last. */
static bool is_whole(const struct store_row *row, const struct found *found)
{
	return found->tree.subtree_entry_id.size || row->system;
}

int inventory_map(struct kopano *kopano, const struct store_facts *facts, struct err *err)
{
	struct found found = {0};
	unsigned changed;
	uint32_t store = map_put_store(&kopano->map, &facts->row, &changed);
	int rc = find_folders(kopano, store, &facts->row, &found, err);
	bool is_done = rc == 0 && is_whole(&facts->row, &found);
	kopano->stores.unfinished |= !is_done;
	if (is_done) {
		struct batch *batch = share_batch(kopano, "stores");
		put_found(kopano, store, &found, batch);
		if (kopano->stores.mapped && map_store(&kopano->map, store)->flags & STORE_FOLLOWED)
			record_lifecycle_of_store(kopano, store, LIFECYCLE_STORE_FOUND, "a store was found", batch);
		hand_over(kopano, batch);
		if (kopano->resync)
			begin_deletes(kopano, store, &found);
	}
	free_found(&found);
	return pass_over(kopano, rc, err);
}

void inventory_tell(struct kopano *kopano, uint32_t store, struct folder_list *list)
{
	struct tour *tour = tour_new(ORIGIN_SNAPSHOT);
	tour_tell_store(kopano, tour, store);
	tour->details = *list;
	*list = (struct folder_list){0};
	walk_begin(kopano, tour, true);
}

int inventory_look(struct kopano *kopano, uint32_t store, const struct store_facts *facts, struct err *err)
{
	struct found found = {0};
	int rc = facts_load_tree(kopano->client, &facts->row, &found.arena, &found.tree, err);
	if (rc == 0)
		rc = list_store(kopano, &found, err);
	if (rc == 0) {
		struct batch *batch = share_batch(kopano, "stores");
		bool any = false;
		for (size_t i = 0; i < found.folders.n; i++)
			any |= inventory_add(kopano, store, &found.folders.facts[i].row, false, batch);
		if (any)
			hand_over(kopano, batch);
		else
			batch_free(batch);
		if (any)
			inventory_tell(kopano, store, &found.folders);
	}
	free_found(&found);
	return pass_over(kopano, rc, err);
}
