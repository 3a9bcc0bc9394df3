#include "bridge/kopano/item.h"
#include "bridge/kopano/kopano.h"
#include "core/step.h"

/* A listing of one folder: pages of its contents table, in descending order of PR_EC_HIERARCHYID; normal items, then,
 * where followed, associated ones. One table stays open; rows that are not below the last published number are dropped,
 * because the server may put the cursor back to the first row without a word. */

static uint8_t wanted_listings(const struct kopano *kopano)
{
	return (uint8_t)(1 << LISTING_NORMAL | (kopano->config->follow->associated ? 1 << LISTING_ASSOCIATED : 0));
}

bool snapshot_wanted(const struct kopano *kopano, const struct followed *followed)
{
	return kopano->config->follow->snapshot && !followed->listing && wanted_listings(kopano) != followed->listed;
}

void snapshot_forgo(const struct kopano *kopano, struct followed *followed)
{
	followed->listed = wanted_listings(kopano);
}

static void put_cursor(struct followed *followed, struct batch *batch)
{
	batch_put(batch, slice_of_text(followed->snapshot_key), snapshot_write(&batch->arena, &followed->snapshot));
}

static void add_bracket(struct kopano *kopano, struct followed *followed, struct batch *batch, enum change_kind kind)
{
	struct change *change = new_change(kopano, followed, batch);
	change->kind = kind;
	change->origin = ORIGIN_SNAPSHOT;
	memcpy(change->snapshot_id, followed->snapshot.id, SNAPSHOT_ID_SIZE);
}

void snapshot_begin(struct kopano *kopano, struct followed *followed, struct batch *batch)
{
	followed->listing = true;
	followed->snapshot = (struct snapshot_position){.item_number = UINT32_MAX};
	random_bytes(followed->snapshot.id, SNAPSHOT_ID_SIZE);
	add_bracket(kopano, followed, batch, CHANGE_SNAPSHOT_BEGIN);
	add_lifecycle(kopano, followed, batch, LIFECYCLE_SNAPSHOT_STARTED, "a listing of this folder begins");
	put_cursor(followed, batch);
}

static void snapshot_end(struct kopano *kopano, struct followed *followed)
{
	struct batch *batch = batch_new(followed->snapshot_stream);
	add_bracket(kopano, followed, batch, CHANGE_SNAPSHOT_END);
	add_lifecycle(kopano, followed, batch, LIFECYCLE_SNAPSHOT_COMPLETED, "the listing of this folder is complete");
	batch_remove(batch, slice_of_text(followed->snapshot_key));
	followed->listed = wanted_listings(kopano);
	followed->listing = false;
	snapshot_forget(followed);
	put_entry(followed, batch);
	hand_over(kopano, batch);
}

/* ---- what was told meanwhile ---- */

enum told_of { TOLD_DELETED, TOLD_READ, TOLD_UNREAD };

static void forget_minute(struct told *told, int which)
{
	keymap_clear(&told->items[which]);
	arena_free(&told->arenas[which]);
}

void snapshot_forget(struct followed *followed)
{
	forget_minute(&followed->told, 0);
	forget_minute(&followed->told, 1);
}

static void begin_minute(struct told *told)
{
	forget_minute(told, 1);
	told->items[1] = told->items[0];
	told->arenas[1] = told->arenas[0];
	told->items[0] = (struct keymap){0};
	told->arenas[0] = (struct arena){0};
	told->since_ms = clock_ms();
}

static const uint32_t *find_told(const struct told *told, struct slice source_key)
{
	const uint32_t *found = keymap_find(&told->items[0], source_key);
	return found ? found : keymap_find(&told->items[1], source_key);
}

static void tell(struct told *told, struct slice source_key, enum told_of what)
{
	if (clock_ms() - told->since_ms > TOLD_KEPT_MS)
		begin_minute(told);
	uint32_t *known = keymap_find(&told->items[0], source_key);
	if (!known)
		known = keymap_add(&told->items[0], arena_copy(&told->arenas[0], source_key), what);
	*known = what;
}

void snapshot_note(struct followed *followed, const struct change *change)
{
	bool is_flag = change->kind == CHANGE_READ_STATE;
	if (!followed->listing)
		return;
	if (change->kind == CHANGE_DELETED)
		tell(&followed->told, change->source_key, TOLD_DELETED);
	else if (is_flag || change->item)
		tell(&followed->told, change->source_key,
		     (is_flag ? change->read : item_is_read(change)) ? TOLD_READ : TOLD_UNREAD);
}

/* The server tells of a delete in the journal before it takes the row out of open tables; and a row of an item that is
 * being moved shows its new folder before the move is done. What has become of them, the journal says. */
static bool is_stale(const struct followed *followed, const struct change *row, struct slice parent)
{
	const uint32_t *told = find_told(&followed->told, row->source_key);
	return !slice_equal(parent, followed->folder.source_key) || (told && *told == TOLD_DELETED);
}

/* It also tells of read flags before it sets them in its cache. If the row is right, an entry that comes says so. */
static void keep_flag(const struct followed *followed, struct change *row)
{
	const uint32_t *told = find_told(&followed->told, row->source_key);
	if (told)
		item_set_read(row, *told == TOLD_READ);
}

/* ---- pages ---- */

static void close_table(struct kopano *kopano)
{
	client_close_table(kopano->client);
	kopano->table_of = NULL;
	kopano->paging = NULL;
}

static int open_table(struct kopano *kopano, struct followed *followed, struct err *err)
{
	const struct snapshot_position *snapshot = &followed->snapshot;
	struct table_request request = {
		.kind = TABLE_CONTENTS,
		.folder_entry_id = followed->folder.entry_id,
		.flags = TABLE_UNCUT | (snapshot->listing == LISTING_ASSOCIATED ? TABLE_ASSOCIATED : 0),
		.columns = item_columns,
		.below_item_number = snapshot->item_number == UINT32_MAX ? 0 : snapshot->item_number,
		.n_rows = STEP_LIMIT(PAGE_ROWS),
	};
	return client_open_table(kopano->client, &request, err);
}

/* No end without proof: a folder without the read right lists as empty, a soft-deleted one as if alive
 * (kopano-protocol 3.5, 4.3). So both are asked before each opening of the table and after its last page. */
static int prove_and_open(struct kopano *kopano, struct followed *followed, bool *proven, struct err *err)
{
	int rc = folder_prove(kopano, followed, proven, err);
	return rc || !*proven ? rc : open_table(kopano, followed, err);
}

int snapshot_ask(struct kopano *kopano, struct followed *followed, struct err *err)
{
	bool is_open = kopano->table_of == followed, proven = true;
	if (!is_open)
		close_table(kopano);
	int rc = is_open ? client_next_page(kopano->client, STEP_LIMIT(PAGE_ROWS), err)
			 : prove_and_open(kopano, followed, &proven, err);
	if (rc == 0 && proven) {
		kopano->table_of = kopano->paging = followed;
		kopano->page_rows = 0;
	}
	if (rc)
		close_table(kopano);
	return passing(rc, err);
}

static int next_listing(struct kopano *kopano, struct followed *followed, struct err *err)
{
	close_table(kopano);
	bool more = followed->snapshot.listing == LISTING_NORMAL && kopano->config->follow->associated;
	if (more) {
		followed->snapshot.listing = LISTING_ASSOCIATED;
		followed->snapshot.item_number = UINT32_MAX;
		return 0;
	}
	bool proven;
	int rc = folder_prove(kopano, followed, &proven, err);
	if (rc == 0 && proven)
		snapshot_end(kopano, followed);
	return rc;
}

/* ---- rows ---- */

static void add_row(struct kopano *kopano, struct followed *followed, struct batch *batch, const struct prop *cells)
{
	struct change row = {0};
	item_from_cells(cells, &batch->arena, &row);
	followed->snapshot.item_number = row.item_number;
	if (is_stale(followed, &row, item_parent(cells)))
		return;
	keep_flag(followed, &row);
	struct change *change = batch_change(batch);
	*change = row;
	share(kopano, followed, batch, change);
	change->kind = CHANGE_CREATED;
	change->origin = ORIGIN_SNAPSHOT;
	change->change_id = change_key_id(change->change_key, kopano->server.guid);
	memcpy(change->snapshot_id, followed->snapshot.id, SNAPSHOT_ID_SIZE);
}

/* Rows until the batch or the page is full. A row that was published before is dropped; if the page starts with one,
 * the server has put the cursor back, and the table is opened anew. */
static int fill_batch(struct kopano *kopano, struct followed *followed, struct batch *batch, bool *again,
		      struct err *err)
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
		if (item_number(cells) < followed->snapshot.item_number)
			add_row(kopano, followed, batch, cells);
		else if (first)
			return *again = true, KOPANO_END;
	}
	return 0;
}

static void publish_rows(struct kopano *kopano, struct followed *followed, struct batch *batch, uint32_t before)
{
	batch->n_entries = batch->n_changes;
	if (!batch->n_changes && followed->snapshot.item_number == before) {
		batch_free(batch);
		return;
	}
	put_cursor(followed, batch);
	hand_over(kopano, batch);
}

int snapshot_read_rows(struct kopano *kopano, struct err *err)
{
	struct followed *followed = kopano->paging;
	struct snapshot_position before = followed->snapshot;
	struct batch *batch = batch_new(followed->snapshot_stream);
	bool again = false;
	int rc = fill_batch(kopano, followed, batch, &again, err);
	if (rc && rc != KOPANO_END) {
		followed->snapshot = before;
		batch_free(batch);
		close_table(kopano);
		return passing(rc, err);
	}
	publish_rows(kopano, followed, batch, before.item_number);
	if (rc == 0)
		return 0;
	kopano->paging = NULL;
	if (again)
		return close_table(kopano), 0;
	return kopano->page_rows == 0 ? next_listing(kopano, followed, err) : 0;
}
