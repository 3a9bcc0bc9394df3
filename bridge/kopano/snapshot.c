#include "bridge/kopano/kopano.h"
#include "core/step.h"

/* A listing of one folder: pages of its contents table, in descending order of PR_EC_HIERARCHYID; normal items, then,
 * where followed, associated ones. One table stays open; rows that are not below the last published number are dropped,
 * because the server may put the cursor back to the first row without a word. A page that is shorter than it was asked
 * for is the last one. What goes into one batch is one batch, from BEGIN to END, and leaves no trace in the state. */

/* ---- rows that are not true any more ---- */

/* Restored with its folder, an item is there again without an entry of its own. */
static int look_for(struct kopano *kopano, const struct change *row, bool *there, struct err *err)
{
	struct arena arena = {0};
	struct object object;
	int rc = client_load_object(kopano->client, row->entry_id, MUST_NOT_BE_SOFT_DELETED, &arena, &object, err);
	arena_free(&arena);
	*there = rc == 0;
	return rc == ERR_GONE ? 0 : passing(rc, err);
}

/* The server tells of a delete in the journal before it takes the row out of open tables; and a row of an item that is
 * being moved shows its new folder before the move is done. What has become of them, the journal says. */
static int is_stale(struct kopano *kopano, const struct listing *listing, const struct change *row, struct slice parent,
		    bool *stale, struct err *err)
{
	bool there = true;
	int rc = 0;
	*stale = map_find(&kopano->map, parent) != listing->folder;
	if (!*stale && told_find(&kopano->told, parent, row->source_key) == TOLD_DELETED)
		rc = look_for(kopano, row, &there, err);
	*stale |= !there;
	return rc;
}

/* It also tells of read flags before it sets them in its cache. If the row is right, an entry that comes says so. */
static void keep_flag(const struct kopano *kopano, struct slice parent, struct change *row)
{
	enum told_of told = told_find(&kopano->told, parent, row->source_key);
	if (told == TOLD_READ || told == TOLD_UNREAD)
		item_set_read(row, told == TOLD_READ);
}

/* ---- rows ---- */

static int add_row(struct kopano *kopano, struct listing *listing, struct batch *batch, const struct prop *cells,
		   struct err *err)
{
	struct change row = {0};
	bool stale;
	struct slice parent = item_parent(cells);
	item_from_cells(cells, &batch->arena, &row);
	int rc = is_stale(kopano, listing, &row, parent, &stale, err);
	if (rc)
		return rc;
	listing->position.item_number = row.item_number;
	if (stale)
		return 0;
	keep_flag(kopano, parent, &row);
	struct change *change = batch_change(batch);
	*change = row;
	share_fill(kopano, listing->folder, batch, change);
	change->kind = CHANGE_CREATED;
	change->origin = ORIGIN_SNAPSHOT;
	change->change_id = change_key_id(change->change_key, kopano->server.guid);
	memcpy(change->snapshot_id, listing->position.id, SNAPSHOT_ID_SIZE);
	return 0;
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
			rc = add_row(kopano, listing, batch, cells, err);
		else if (first)
			return *again = true, KOPANO_END;
		if (rc)
			return rc;
	}
	return 0;
}

/* ---- tables ---- */

static int open_table(struct kopano *kopano, const struct listing *listing, struct err *err)
{
	const struct snapshot_position *position = &listing->position;
	struct arena arena = {0};
	struct table_request request = {
		.kind = TABLE_CONTENTS,
		.folder_entry_id = map_entry_id(&kopano->map, listing->folder, &arena),
		.flags = TABLE_UNCUT | (position->listing == LISTING_ASSOCIATED ? TABLE_ASSOCIATED : 0),
		.columns = item_columns,
		.below_item_number = position->item_number == UINT32_MAX ? 0 : position->item_number,
		.n_rows = listing_page_rows(kopano),
	};
	kopano->page_rows = 0;
	kopano->page_asked = request.n_rows;
	int rc = client_open_table(kopano->client, &request, err);
	arena_free(&arena);
	return rc;
}

static bool is_last_page(const struct kopano *kopano)
{
	return kopano->page_rows < kopano->page_asked;
}

/* Whether there are associated items to be listed, too. */
static bool turn_to_associated(const struct kopano *kopano, struct listing *listing)
{
	if (listing->position.listing != LISTING_NORMAL || !kopano->config->follow->associated)
		return false;
	listing->position.listing = LISTING_ASSOCIATED;
	listing->position.item_number = UINT32_MAX;
	return true;
}

static void put_cursor(const struct listing *listing, struct batch *batch)
{
	batch_put(batch, slice_of_text(listing->key), snapshot_write(&batch->arena, &listing->position));
}

static void put_end(struct kopano *kopano, const struct listing *listing, struct batch *batch)
{
	share_bracket(kopano, listing->folder, batch, CHANGE_SNAPSHOT_END, listing->position.id);
	listing_forgo(kopano, listing->folder);
	if (kopano->config->follow->once != ONCE_FOLDER)
		map_put_folder_entry(&kopano->map, listing->folder, batch);
}

/* ---- the beginning, and the whole of a small one ---- */

/* As many rows as one batch takes. *whole: there are no more. */
static int read_first(struct kopano *kopano, struct listing *listing, struct batch *batch, bool *whole, struct err *err)
{
	bool again = false;
	int rc;
	do {
		listing_close_table(kopano);
		rc = open_table(kopano, listing, err);
		if (rc == 0)
			rc = fill_batch(kopano, listing, batch, &again, err);
		*whole = rc == KOPANO_END && is_last_page(kopano);
	} while (*whole && turn_to_associated(kopano, listing));
	return rc;
}

/* For people: how much there is. */
static void count_rows(struct kopano *kopano, struct listing *listing)
{
	uint32_t n = 0;
	struct err unused;
	if (client_count_rows(kopano->client, &n, &unused) == 0)
		listing->n_total = n;
}

/* It goes on from here, page by page. */
static void publish_first(struct kopano *kopano, struct listing *listing, struct batch *batch, bool page_is_over)
{
	share_lifecycle(kopano, listing->folder, batch, LIFECYCLE_SNAPSHOT_STARTED, "a listing of this folder begins");
	put_cursor(listing, batch);
	listing->n_done = batch->n_entries;
	hand_over(kopano, batch);
	count_rows(kopano, listing);
	kopano->table_of = listing;
	kopano->paging = page_is_over ? NULL : listing;
}

static int publish_whole(struct kopano *kopano, struct listing *listing, struct batch *batch, struct err *err)
{
	bool proven;
	struct stream *stream = listing->stream;
	listing_close_table(kopano);
	int rc = folder_prove(kopano, stream, listing->folder, &proven, err);
	if (rc == 0 && proven) {
		put_end(kopano, listing, batch);
		hand_over(kopano, batch);
	} else {
		batch_free(batch);
	}
	return rc;
}

static int begin(struct kopano *kopano, struct listing *listing, struct err *err)
{
	struct batch *batch = share_batch(kopano, listing->name);
	bool whole;
	share_bracket(kopano, listing->folder, batch, CHANGE_SNAPSHOT_BEGIN, listing->position.id);
	int rc = read_first(kopano, listing, batch, &whole, err);
	batch->n_entries = batch->n_changes - 1;
	listing_count_rows(kopano, batch->n_entries);
	if (rc == 0 || (rc == KOPANO_END && !whole))
		return publish_first(kopano, listing, batch, rc == KOPANO_END), 0;
	if (rc == KOPANO_END)
		rc = publish_whole(kopano, listing, batch, err);
	else
		batch_free(batch);
	listing_forget(kopano, listing);
	return rc;
}

/* No end without proof: a folder without the read right lists as empty, a soft-deleted one as if alive
 * (kopano-protocol 3.5, 4.3). So both are asked after the last page; and before, where that is not the whole server. */
int snapshot_begin(struct kopano *kopano, uint32_t folder, struct err *err)
{
	struct snapshot_position position = {.item_number = UINT32_MAX};
	bool proven = true;
	int rc = kopano->following == FOLLOWING_SERVER
			 ? 0
			 : folder_prove(kopano, stream_of_items(kopano, folder), folder, &proven, err);
	if (rc || !proven)
		return passing(rc, err);
	random_bytes(position.id, SNAPSHOT_ID_SIZE);
	rc = begin(kopano, listing_add(kopano, folder, &position), err);
	if (rc)
		listing_close_table(kopano);
	return passing(rc, err);
}

/* ---- page by page ---- */

static int prove_and_open(struct kopano *kopano, struct listing *listing, bool *proven, struct err *err)
{
	int rc = folder_prove(kopano, listing->stream, listing->folder, proven, err);
	return rc || !*proven ? rc : open_table(kopano, listing, err);
}

static int ask_page(struct kopano *kopano, struct err *err)
{
	kopano->page_rows = 0;
	kopano->page_asked = listing_page_rows(kopano);
	return client_next_page(kopano->client, kopano->page_asked, err);
}

int snapshot_ask(struct kopano *kopano, struct listing *listing, struct err *err)
{
	bool is_open = kopano->table_of == listing, proven = true;
	if (!is_open)
		listing_close_table(kopano);
	int rc = is_open ? ask_page(kopano, err) : prove_and_open(kopano, listing, &proven, err);
	if (rc == 0 && proven)
		kopano->table_of = kopano->paging = listing;
	if (rc)
		listing_close_table(kopano);
	return passing(rc, err);
}

static void snapshot_end(struct kopano *kopano, struct listing *listing)
{
	struct batch *batch = share_batch(kopano, listing->name);
	put_end(kopano, listing, batch);
	share_lifecycle(kopano, listing->folder, batch, LIFECYCLE_SNAPSHOT_COMPLETED,
			"the listing of this folder is complete");
	batch_remove(batch, slice_of_text(listing->key));
	listing_forget(kopano, listing);
	hand_over(kopano, batch);
}

static int next_listing(struct kopano *kopano, struct listing *listing, struct err *err)
{
	listing_close_table(kopano);
	if (turn_to_associated(kopano, listing))
		return 0;
	bool proven;
	int rc = folder_prove(kopano, listing->stream, listing->folder, &proven, err);
	if (rc == 0 && proven)
		snapshot_end(kopano, listing);
	return passing(rc, err);
}

static void publish_rows(struct kopano *kopano, struct listing *listing, struct batch *batch, uint32_t before)
{
	batch->n_entries = batch->n_changes;
	listing->n_done += batch->n_entries;
	listing_count_rows(kopano, batch->n_entries);
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
		listing_close_table(kopano);
		return passing(rc, err);
	}
	publish_rows(kopano, listing, batch, before.item_number);
	if (rc == 0)
		return 0;
	kopano->paging = NULL;
	if (again)
		return listing_close_table(kopano), 0;
	return is_last_page(kopano) ? next_listing(kopano, listing, err) : 0;
}
