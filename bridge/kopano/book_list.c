#include <stdlib.h>

#include "bridge/kopano/kopano.h"

enum {
	FIRST_ID = 1,  /* 0 would list everything */
	MARGIN = 1000, /* ids below the maximum at the start: of them, what is visible then is no news */
};

static bool is_of_this_epoch(const struct kopano *kopano)
{
	return kopano->book.started && kopano->book.position.epoch == kopano->server.epoch;
}

/* The list is not only to be gone on with: following starts anew with it. */
static bool starts_anew(const struct kopano *kopano)
{
	return !is_of_this_epoch(kopano) || kopano->book.settle.settled == 0;
}

bool book_needs_listing(const struct kopano *kopano)
{
	const struct book_position *position = &kopano->book.position;
	return starts_anew(kopano) || position->listing || position->objects != book_objects(kopano);
}

/* The change ids that are visible. They are read before the list, which then shows what they did; what becomes visible
 * later is news. */
static int read_ids(struct kopano *kopano, struct ids *ids, struct err *err)
{
	struct journal_entry entry;
	uint32_t max;
	int rc = client_changes(kopano->client, 0, FIRST_ID, SYNC_ADDRESSBOOK, 0, err);
	while (rc == 0 && (rc = client_next_entry(kopano->client, SYNC_ADDRESSBOOK, &entry, &max, err)) == 0)
		ids_add(ids, entry.change_id);
	return rc == KOPANO_END ? 0 : rc;
}

/* The listing that is to be made; one that is under way goes on under its snapshot id. */
static struct book_position next_listing(const struct kopano *kopano)
{
	struct book_position position = kopano->book.position;
	bool all = !is_of_this_epoch(kopano);
	if (!all && position.listing && position.objects == book_objects(kopano))
		return position;
	if (all || position.listing != BOOK_LISTING_ALL)
		random_bytes(position.snapshot_id, SNAPSHOT_ID_SIZE);
	if (all)
		position.listing_no++;
	if (all || !position.listing)
		position.listing = all ? BOOK_LISTING_ALL : BOOK_LISTING_NEW;
	position.epoch = kopano->server.epoch;
	position.objects = book_objects(kopano);
	return position;
}

static void add_listed(struct kopano *kopano, const struct book_position *listing, struct slice entry_id,
		       struct keymap *listed)
{
	struct book *book = &kopano->book;
	if (!book_wants(kopano, entry_id))
		return;
	uint32_t known = book_known(book, entry_id);
	struct slice copy = arena_copy(&book->arena, entry_id);
	keymap_add(listed, copy, 0);
	if (listing->listing == BOOK_LISTING_ALL ? known != listing->listing_no : known == 0)
		book_add_task(book, copy)->created = true;
}

static void add_gone(struct book *book, const struct keymap *listed)
{
	for (size_t i = 0; i < book->known.room; i++) {
		const struct keymap_slot *slot = &book->known.slots[i];
		if (slot->used && slot->value && !keymap_find(listed, slot->key))
			book_add_task(book, slot->key)->what = TASK_DELETE;
	}
}

static int read_list(struct kopano *kopano, const struct book_position *listing, struct err *err)
{
	struct book *book = &kopano->book;
	struct journal_entry entry;
	struct keymap listed = {0};
	int rc = client_changes(kopano->client, 0, 0, SYNC_ADDRESSBOOK, 0, err);
	while (rc == 0 && (rc = client_next_entry(kopano->client, SYNC_ADDRESSBOOK, &entry, &book->max, err)) == 0)
		add_listed(kopano, listing, entry.source_key, &listed);
	if (rc == KOPANO_END)
		add_gone(book, &listed);
	keymap_clear(&listed);
	return rc == KOPANO_END ? 0 : rc;
}

/* Of the ids, those above the margin are noted as taken: what appears there later was on its way. */
static void start_anew(struct kopano *kopano, const struct ids *ids, struct batch *batch)
{
	struct book *book = &kopano->book;
	uint32_t last = ids->n ? ids->ids[ids->n - 1] : FIRST_ID;
	uint32_t from = last > MARGIN ? last - MARGIN : FIRST_ID;
	size_t first = 0;
	settle_forget(&book->settle, batch, BOOK_TAKEN);
	settle_free(&book->settle);
	settle_start(&book->settle, book->max ? from : 0, kopano->config->settle_ms);
	while (first < ids->n && ids->ids[first] <= from)
		first++;
	settle_take(&book->settle, ids->ids + first, ids->n - first, batch, BOOK_TAKEN);
	settle_note(&book->settle, clock_ms(), last);
	book->started = true;
	if (book->known.n && !kopano->config->follow->snapshot)
		share_lifecycle(kopano, NO_FOLDER, batch, LIFECYCLE_MISSED,
				"changes of users and groups may be missing: there was no position to go on from");
}

/* As long as the journal is empty there is nothing to follow. */
static void note_empty_journal(struct book *book)
{
	if (book->settle.settled)
		return;
	book->has_goal = true;
	book->goal = 0;
}

static void begin_listing(struct kopano *kopano, struct book_position listing, const struct ids *ids)
{
	struct book *book = &kopano->book;
	bool anew = starts_anew(kopano);
	bool nothing_new = is_of_this_epoch(kopano) && book->n_tasks == 0 && book->max == 0 &&
			   !book->position.listing && listing.objects == book->position.objects;
	if (!nothing_new) {
		struct batch *batch = share_batch(kopano, BOOK_STREAM);
		put_ends(kopano, batch);
		if (anew)
			start_anew(kopano, ids, batch);
		book->position = listing;
		if (book->n_tasks == 0)
			book->position.listing = BOOK_FOLLOWING;
		book_put_position(book, batch);
		hand_over(kopano, batch);
	}
	note_empty_journal(book);
}

int book_list(struct kopano *kopano, struct err *err)
{
	struct book_position listing = next_listing(kopano);
	struct ids ids = {0};
	int rc = starts_anew(kopano) ? read_ids(kopano, &ids, err) : 0;
	if (rc == 0)
		rc = read_list(kopano, &listing, err);
	if (rc == 0)
		begin_listing(kopano, listing, &ids);
	else
		book_forget_tasks(&kopano->book);
	free(ids.ids);
	return passing(rc, err);
}
