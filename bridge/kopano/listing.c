#include <stdlib.h>

#include "bridge/kopano/kopano.h"
#include "core/step.h"

/* ---- what is wanted ---- */

static uint8_t wanted_listings(const struct kopano *kopano)
{
	return (uint8_t)(1 << LISTING_NORMAL | (kopano->config->follow->associated ? 1 << LISTING_ASSOCIATED : 0));
}

static bool is_listed(const struct kopano *kopano, const struct map_folder *folder)
{
	return folder->listed_generation == kopano->generation && folder->listed == wanted_listings(kopano);
}

bool listing_is_wanted(const struct kopano *kopano, uint32_t folder)
{
	return kopano->config->follow->snapshot && folder_is_followed(kopano, folder) &&
	       !is_listed(kopano, map_folder(&kopano->map, folder));
}

void listing_look_again(struct kopano *kopano)
{
	kopano->listings_wanted = true;
	kopano->listings_held = false;
	kopano->listing_cursor = 0;
}

void listing_rest(struct kopano *kopano)
{
	int64_t settle_ms = kopano->config->settle_ms;
	kopano->listings_at_ms = clock_ms() + (settle_ms < LISTING_REST_MS ? settle_ms : LISTING_REST_MS);
}

void listing_hold(struct kopano *kopano, uint32_t folder, uint32_t change_id)
{
	map_flag_folder(&kopano->map, folder, 0, FOLDER_REVIVED);
	map_folder(&kopano->map, folder)->revived_id = change_id;
}

void listing_look_at_held(struct kopano *kopano)
{
	if (kopano->listings_held)
		listing_look_again(kopano);
}

void listing_want(struct kopano *kopano, uint32_t folder)
{
	map_folder(&kopano->map, folder)->listed = 0;
	kopano->listings_wanted = true;
	if (folder < kopano->listing_cursor)
		kopano->listing_cursor = folder;
}

void listing_forgo(struct kopano *kopano, uint32_t folder)
{
	struct map_folder *known = map_folder(&kopano->map, folder);
	known->listed = wanted_listings(kopano);
	known->listed_generation = kopano->generation;
	map_flag_folder(&kopano->map, folder, FOLDER_REVIVED, 0);
}

/* ---- under way ---- */

struct listing *listing_add(struct kopano *kopano, uint32_t folder, const struct snapshot_position *position)
{
	struct listing *listing = xcalloc(1, sizeof *listing);
	const struct map_store *store = map_store(&kopano->map, map_folder(&kopano->map, folder)->store);
	*listing = (struct listing){.folder = folder, .stream = stream_of_items(kopano, folder), .position = *position};
	listing->key = stream_key(&listing->arena, POSITION_SNAPSHOT, store->guid,
				  map_source_key(&kopano->map, folder, &listing->arena));
	listing->name = listing->key + strlen(POSITION_STREAM);
	if (kopano->n_listings == kopano->room_listings) {
		kopano->room_listings = kopano->room_listings ? kopano->room_listings * 2 : 4;
		kopano->listings = xrealloc(kopano->listings, kopano->room_listings * sizeof *kopano->listings);
	}
	kopano->listings[kopano->n_listings++] = listing;
	return listing;
}

static struct listing *find(const struct kopano *kopano, uint32_t folder)
{
	for (size_t i = 0; i < kopano->n_listings; i++)
		if (kopano->listings[i]->folder == folder)
			return kopano->listings[i];
	return NULL;
}

void listing_close_table(struct kopano *kopano)
{
	if (kopano->client)
		client_close_table(kopano->client);
	export_drop(&kopano->window);
	kopano->table_of = NULL;
	kopano->paging = NULL;
}

void listing_free(struct listing *listing)
{
	arena_free(&listing->arena);
	free(listing);
}

void listing_forget(struct kopano *kopano, struct listing *listing)
{
	size_t n = 0;
	for (size_t i = 0; i < kopano->n_listings; i++)
		if (kopano->listings[i] != listing)
			kopano->listings[n++] = kopano->listings[i];
	kopano->n_listings = n;
	if (kopano->table_of == listing)
		listing_close_table(kopano);
	listing_free(listing);
}

void listing_remove(struct kopano *kopano, uint32_t folder, struct batch *batch)
{
	struct listing *listing = find(kopano, folder);
	if (!listing)
		return;
	batch_remove(batch, slice_of_text(listing->key));
	listing_forget(kopano, listing);
}

/* ---- whose turn it is ---- */

static bool can_be_read(const struct stream *stream)
{
	return stream && stream->started && !stream->suspended && !stream->ended;
}

static bool can_go_on(const struct listing *listing)
{
	return can_be_read(listing->stream) && clock_ms() >= listing->not_before_ms;
}

void listing_put_off(struct kopano *kopano, uint32_t folder)
{
	struct listing *listing = find(kopano, folder);
	if (listing)
		listing->not_before_ms = clock_ms() + SUSPENDED_POLL_MS;
	if (kopano->listing_cursor == folder)
		kopano->listing_cursor++;
}

/* The one whose table is open goes first: opening a table costs as much as the folder is long. */
static struct listing *next_begun(const struct kopano *kopano)
{
	if (kopano->table_of && can_go_on(kopano->table_of))
		return kopano->table_of;
	for (size_t i = 0; i < kopano->n_listings; i++)
		if (can_go_on(kopano->listings[i]))
			return kopano->listings[i];
	return NULL;
}

/* Of its items the journal has not told all that it had when the folder came to life again. */
static bool is_held(const struct kopano *kopano, uint32_t folder)
{
	const struct map_folder *known = map_folder(&kopano->map, folder);
	const struct stream *stream = stream_of_items(kopano, folder);
	return known->flags & FOLDER_REVIVED && stream->still < known->revived_id &&
	       stream->settle.settled < known->revived_id;
}

/* The first from the cursor on. Those whose right is gone are looked at again when it is back, those that are held when
 * their stream has told more. */
static uint32_t next_wanted(struct kopano *kopano)
{
	uint32_t end = kopano->map.folders_used;
	for (; kopano->listing_cursor < end; kopano->listing_cursor++) {
		uint32_t folder = kopano->listing_cursor;
		if (!listing_is_wanted(kopano, folder) || !can_be_read(stream_of_items(kopano, folder)) ||
		    find(kopano, folder))
			continue;
		if (!is_held(kopano, folder))
			return folder;
		kopano->listings_held = true;
	}
	kopano->listings_wanted = false;
	return NO_FOLDER;
}

bool listing_is_due(struct kopano *kopano)
{
	if (walk_is_under_way(kopano) || clock_ms() < kopano->listings_at_ms || told_wait_ms(&kopano->told))
		return false;
	return next_begun(kopano) || (kopano->listings_wanted && next_wanted(kopano) != NO_FOLDER);
}

int listing_step(struct kopano *kopano, struct err *err)
{
	struct listing *listing = next_begun(kopano);
	if (listing)
		return snapshot_ask(kopano, listing, err);
	return snapshot_begin(kopano, next_wanted(kopano), err);
}

int64_t listing_wait_ms(const struct kopano *kopano)
{
	if (!next_begun(kopano) && !kopano->listings_wanted)
		return INT64_MAX;
	int64_t wait = kopano->listings_at_ms - clock_ms(), crowded = told_wait_ms(&kopano->told);
	wait = wait > crowded ? wait : crowded;
	return wait > 0 ? wait : 0;
}

/* The limit is one of listings: what is followed is never held back. */
void listing_count_rows(struct kopano *kopano, size_t n_rows)
{
	int64_t rate = kopano->config->follow->items_per_second, now = clock_ms();
	if (!rate)
		return;
	if (kopano->listings_at_ms < now)
		kopano->listings_at_ms = now;
	kopano->listings_at_ms += (int64_t)n_rows * 1000 / rate;
}

uint32_t listing_page_rows(const struct kopano *kopano)
{
	int64_t rate = kopano->config->follow->items_per_second, most = (int64_t)STEP_LIMIT(PAGE_ROWS);
	return (uint32_t)(rate && rate < most ? rate : most);
}
