#include "bridge/kopano/kopano.h"

#include <stdlib.h>

#include "core/hex.h"
#include "core/step.h"

/* A listing of one folder: pages of its contents table, in descending order of PR_EC_HIERARCHYID; normal items, then,
 * where followed, associated ones. One table stays open; rows that are not below the last published number are dropped,
 * because the server may put the cursor back to the first row without a word. */

static uint8_t wanted_listings(const struct kopano *kopano)
{
	return (uint8_t)(1 << LISTING_NORMAL | (kopano->config->follow->associated ? 1 << LISTING_ASSOCIATED : 0));
}

bool snapshot_wanted(const struct kopano *kopano, uint32_t folder)
{
	const struct folder *known = &kopano->folders[folder];
	return kopano->config->follow->snapshot && !known->listing && wanted_listings(kopano) != known->listed;
}

void snapshot_forgo(struct kopano *kopano, uint32_t folder)
{
	kopano->folders[folder].listed = wanted_listings(kopano);
}

/* ---- listings under way ---- */

void listing_add(struct kopano *kopano, struct stream *stream, uint32_t folder,
		 const struct snapshot_position *position)
{
	struct listing *listing = xcalloc(1, sizeof *listing);
	struct folder *known = &kopano->folders[folder];
	*listing = (struct listing){.folder = folder, .stream = stream, .position = *position};
	listing->key = stream_key(&kopano->arena, POSITION_SNAPSHOT, &known->store, known->info.source_key);
	listing->name = listing->key + strlen(POSITION_STREAM);
	if (kopano->n_listings == kopano->room_listings) {
		kopano->room_listings = kopano->room_listings ? kopano->room_listings * 2 : 4;
		kopano->listings = xrealloc(kopano->listings, kopano->room_listings * sizeof *kopano->listings);
	}
	kopano->listings[kopano->n_listings++] = listing;
	known->listing = true;
}

struct listing *listing_find(const struct kopano *kopano, uint32_t folder)
{
	for (size_t i = 0; i < kopano->n_listings; i++)
		if (kopano->listings[i]->folder == folder)
			return kopano->listings[i];
	return NULL;
}

static void close_table(struct kopano *kopano)
{
	client_close_table(kopano->client);
	kopano->table_of = NULL;
	kopano->paging = NULL;
}

static void forget(struct kopano *kopano, struct listing *listing)
{
	size_t n = 0;
	for (size_t i = 0; i < kopano->n_listings; i++)
		if (kopano->listings[i] != listing)
			kopano->listings[n++] = kopano->listings[i];
	kopano->n_listings = n;
	if (kopano->table_of == listing)
		close_table(kopano);
	kopano->folders[listing->folder].listing = false;
	free(listing);
}

void listing_remove(struct kopano *kopano, uint32_t folder, struct batch *batch)
{
	struct listing *listing = listing_find(kopano, folder);
	if (!listing)
		return;
	batch_remove(batch, slice_of_text(listing->key));
	forget(kopano, listing);
}

static bool can_go_on(const struct listing *listing)
{
	return listing->stream->started && !listing->stream->suspended && !listing->stream->ended;
}

/* The one whose table is open goes first: opening a table costs as much as the folder is long. */
struct listing *listing_next(const struct kopano *kopano)
{
	if (kopano->table_of && can_go_on(kopano->table_of))
		return kopano->table_of;
	for (size_t i = 0; i < kopano->n_listings; i++)
		if (can_go_on(kopano->listings[i]))
			return kopano->listings[i];
	return NULL;
}

/* ---- begin and end ---- */

static void put_cursor(const struct listing *listing, struct batch *batch)
{
	batch_put(batch, slice_of_text(listing->key), snapshot_write(&batch->arena, &listing->position));
}

void snapshot_begin(struct kopano *kopano, struct stream *stream, uint32_t folder, struct batch *batch)
{
	struct snapshot_position position = {.item_number = UINT32_MAX};
	random_bytes(position.id, SNAPSHOT_ID_SIZE);
	listing_add(kopano, stream, folder, &position);
	share_bracket(kopano, folder, batch, CHANGE_SNAPSHOT_BEGIN, position.id);
	share_lifecycle(kopano, folder, batch, LIFECYCLE_SNAPSHOT_STARTED, "a listing of this folder begins");
	put_cursor(listing_find(kopano, folder), batch);
}

static void snapshot_end(struct kopano *kopano, struct listing *listing)
{
	struct folder *folder = &kopano->folders[listing->folder];
	struct batch *batch = share_batch(kopano, listing->name);
	share_bracket(kopano, listing->folder, batch, CHANGE_SNAPSHOT_END, listing->position.id);
	share_lifecycle(kopano, listing->folder, batch, LIFECYCLE_SNAPSHOT_COMPLETED,
			"the listing of this folder is complete");
	batch_remove(batch, slice_of_text(listing->key));
	folder->listed = wanted_listings(kopano);
	folder_put_entry(folder, batch);
	forget(kopano, listing);
	hand_over(kopano, batch);
}

/* ---- rows that are not true any more ---- */

/* The server tells of a delete in the journal before it takes the row out of open tables; and a row of an item that is
 * being moved shows its new folder before the move is done. What has become of them, the journal says. */
static bool is_stale(const struct kopano *kopano, const struct listing *listing, const struct change *row,
		     struct slice parent)
{
	return !slice_equal(parent, kopano->folders[listing->folder].info.source_key) ||
	       told_find(&kopano->told, parent, row->source_key) == TOLD_DELETED;
}

/* It also tells of read flags before it sets them in its cache. If the row is right, an entry that comes says so. */
static void keep_flag(const struct kopano *kopano, struct slice parent, struct change *row)
{
	enum told_of told = told_find(&kopano->told, parent, row->source_key);
	if (told != TOLD_NOTHING)
		item_set_read(row, told == TOLD_READ);
}

/* ---- pages ---- */

static int open_table(struct kopano *kopano, const struct listing *listing, struct err *err)
{
	const struct snapshot_position *snapshot = &listing->position;
	struct table_request request = {
		.kind = TABLE_CONTENTS,
		.folder_entry_id = kopano->folders[listing->folder].info.entry_id,
		.flags = TABLE_UNCUT | (snapshot->listing == LISTING_ASSOCIATED ? TABLE_ASSOCIATED : 0),
		.columns = item_columns,
		.below_item_number = snapshot->item_number == UINT32_MAX ? 0 : snapshot->item_number,
		.n_rows = STEP_LIMIT(PAGE_ROWS),
	};
	return client_open_table(kopano->client, &request, err);
}

/* No end without proof: a folder without the read right lists as empty, a soft-deleted one as if alive
 * (kopano-protocol 3.5, 4.3). So both are asked before each opening of the table and after its last page. */
static int prove_and_open(struct kopano *kopano, struct listing *listing, bool *proven, struct err *err)
{
	int rc = folder_prove(kopano, listing->stream, listing->folder, proven, err);
	return rc || !*proven ? rc : open_table(kopano, listing, err);
}

int snapshot_ask(struct kopano *kopano, struct listing *listing, struct err *err)
{
	bool is_open = kopano->table_of == listing, proven = true;
	if (!is_open)
		close_table(kopano);
	int rc = is_open ? client_next_page(kopano->client, STEP_LIMIT(PAGE_ROWS), err)
			 : prove_and_open(kopano, listing, &proven, err);
	if (rc == 0 && proven) {
		kopano->table_of = kopano->paging = listing;
		kopano->page_rows = 0;
	}
	if (rc)
		close_table(kopano);
	return passing(rc, err);
}

static int next_listing(struct kopano *kopano, struct listing *listing, struct err *err)
{
	close_table(kopano);
	bool more = listing->position.listing == LISTING_NORMAL && kopano->config->follow->associated;
	if (more) {
		listing->position.listing = LISTING_ASSOCIATED;
		listing->position.item_number = UINT32_MAX;
		return 0;
	}
	bool proven;
	int rc = folder_prove(kopano, listing->stream, listing->folder, &proven, err);
	if (rc == 0 && proven)
		snapshot_end(kopano, listing);
	return rc;
}

/* ---- rows ---- */

static void add_row(struct kopano *kopano, struct listing *listing, struct batch *batch, const struct prop *cells)
{
	struct change row = {0};
	struct slice parent = item_parent(cells);
	item_from_cells(cells, &batch->arena, &row);
	listing->position.item_number = row.item_number;
	if (is_stale(kopano, listing, &row, parent))
		return;
	keep_flag(kopano, parent, &row);
	struct change *change = batch_change(batch);
	*change = row;
	share_fill(kopano, listing->folder, batch, change);
	change->kind = CHANGE_CREATED;
	change->origin = ORIGIN_SNAPSHOT;
	change->change_id = change_key_id(change->change_key, kopano->server.guid);
	memcpy(change->snapshot_id, listing->position.id, SNAPSHOT_ID_SIZE);
}

/* Rows until the batch or the page is full. A row that was published before is dropped; if the page starts with one,
 * the server has put the cursor back, and the table is opened anew. */
static int fill_batch(struct kopano *kopano, struct listing *listing, struct batch *batch, bool *again, struct err *err)
{
	struct prop cells[N_ITEM_COLUMNS];
	int64_t deadline = clock_ms() + BATCH_AGE_MS;
	while (batch->n_changes < STEP_LIMIT(BATCH_CHANGES) && (!batch->n_changes || clock_ms() < deadline) &&
	       batch->arena.n_bytes < BATCH_BYTES) {
		int rc = client_next_row(kopano->client, &batch->arena, cells, err);
		if (rc)
			return rc;
		bool first = kopano->page_rows++ == 0;
		if (item_number(cells) == 0 || item_key(cells).size == 0 || item_parent(cells).size == 0)
			return err_set(err, ERR_AGAIN,
				       "contents table: a row without PR_EC_HIERARCHYID or a source key");
		if (item_number(cells) < listing->position.item_number)
			add_row(kopano, listing, batch, cells);
		else if (first)
			return *again = true, KOPANO_END;
	}
	return 0;
}

static void publish_rows(struct kopano *kopano, struct listing *listing, struct batch *batch, uint32_t before)
{
	batch->n_entries = batch->n_changes;
	if (!batch->n_changes && listing->position.item_number == before) {
		batch_free(batch);
		return;
	}
	put_cursor(listing, batch);
	hand_over(kopano, batch);
}

int snapshot_read_rows(struct kopano *kopano, struct err *err)
{
	struct listing *listing = kopano->paging;
	struct snapshot_position before = listing->position;
	struct batch *batch = share_batch(kopano, listing->name);
	bool again = false;
	int rc = fill_batch(kopano, listing, batch, &again, err);
	if (rc && rc != KOPANO_END) {
		listing->position = before;
		batch_free(batch);
		close_table(kopano);
		return passing(rc, err);
	}
	publish_rows(kopano, listing, batch, before.item_number);
	if (rc == 0)
		return 0;
	kopano->paging = NULL;
	if (again)
		return close_table(kopano), 0;
	return kopano->page_rows == 0 ? next_listing(kopano, listing, err) : 0;
}
