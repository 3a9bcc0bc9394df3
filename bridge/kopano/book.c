#include "bridge/kopano/book.h"

#include <stdlib.h>

#include "bridge/kopano/book_read.h"
#include "bridge/kopano/client_book.h"
#include "bridge/kopano/kopano.h"
#include "core/hex.h"

enum {
	FIRST_COMPARISON_MS = 60 * 1000, /* not at once: whoever restarts again and again must not make work */
	COMPARISON_SHARE = 100,          /* of the time goes into it at most a hundredth */
	MARGIN = 1000, /* ids below the maximum at the start: of them, what is visible then is no news */
};

/* Also when they are not wanted any more, until consumers know it. */
bool book_is_followed(const struct kopano *kopano)
{
	return book_objects(kopano) || (kopano->book.started && kopano->book.position.objects) ||
	       kopano->book.position.listing;
}

uint32_t book_objects(const struct kopano *kopano)
{
	return kopano->config->follow->objects & (FOLLOW_USER | FOLLOW_GROUP);
}

bool book_wants(const struct kopano *kopano, struct slice entry_id)
{
	switch (book_type(entry_id)) {
	case BOOK_USER:
		return kopano->config->follow->objects & FOLLOW_USER;
	case BOOK_GROUP:
		return kopano->config->follow->objects & FOLLOW_GROUP;
	default: /* companies, address lists */
		return false;
	}
}

uint32_t book_known(const struct book *book, struct slice entry_id)
{
	const uint32_t *listing_no = keymap_find(&book->known, entry_id);
	return listing_no ? *listing_no : 0;
}

/* ---- the state ---- */

struct loading {
	struct book *book;
	struct err *err;
};

void book_note(struct book *book, struct slice entry_id, uint32_t listing_no)
{
	uint32_t *known = keymap_find(&book->known, entry_id);
	if (known)
		*known = listing_no;
	else
		keymap_add(&book->known, arena_copy(&book->known_arena, entry_id), listing_no);
}

static int load_entry(void *context, struct slice key, struct slice value)
{
	struct loading *loading = context;
	struct book *book = loading->book;
	struct arena arena = {0};
	struct slice entry_id;
	struct book_entry entry;
	size_t n = strlen(BOOK_ENTRY);
	int rc = 0;
	if (book_entry_read(value, &entry) && hex_read((const char *)key.data + n, key.size - n, &arena, &entry_id))
		book_note(book, entry_id, entry.listing_no);
	else
		rc = load_damaged(loading->err, arena_text(&arena, "%.*s", (int)key.size, (const char *)key.data));
	arena_free(&arena);
	return rc;
}

static int load_taken(void *context, struct slice key, struct slice value)
{
	(void)key;
	return settle_load(context, value) ? 0 : ERR_BAD;
}

static int load_position(struct kopano *kopano, struct state *state, struct err *err)
{
	struct book *book = &kopano->book;
	struct slice bytes;
	int rc = load_get(state, BOOK_POSITION, &kopano->arena, &bytes, &book->started, err);
	if (rc || !book->started)
		return rc;
	if (!book_position_read(bytes, &book->position))
		return load_damaged(err, BOOK_POSITION);
	settle_start(&book->settle, book->position.change_id, kopano->config->settle_ms);
	rc = state->ops->each(state, slice_of_text(BOOK_TAKEN), load_taken, &book->settle, err);
	return rc == ERR_BAD ? load_damaged(err, BOOK_TAKEN) : rc;
}

static void note_listing(const struct keymap *known, uint32_t *listing_no)
{
	for (size_t i = 0; i < known->room; i++)
		if (known->slots[i].used && known->slots[i].value > *listing_no)
			*listing_no = known->slots[i].value;
}

int book_seek(struct kopano *kopano, struct state *state, struct err *err)
{
	struct book *book = &kopano->book;
	struct loading loading = {book, err};
	int rc = load_position(kopano, state, err);
	if (rc == 0)
		rc = state->ops->each(state, slice_of_text(BOOK_ENTRY), load_entry, &loading, err);
	note_listing(&book->known, &book->position.listing_no);
	return rc;
}

/* At once: if nothing has changed since, it is also the new one. */
static void put_given(struct kopano *kopano, struct slice processed)
{
	struct book *book = &kopano->book;
	struct batch *batch = share_batch(kopano, BOOK_STREAM);
	uint32_t *ids = arena_alloc(&batch->arena, processed.size);
	for (size_t i = 0; i < processed.size / 4; i++)
		ids[i] = processed.data[4 * i] | (uint32_t)processed.data[4 * i + 1] << 8 |
			 (uint32_t)processed.data[4 * i + 2] << 16 | (uint32_t)processed.data[4 * i + 3] << 24;
	settle_take(&book->settle, ids, processed.size / 4, batch, BOOK_TAKEN);
	book_put_position(book, batch);
	hand_over(kopano, batch);
}

int book_seek_given(struct kopano *kopano, struct slice bytes, struct err *err)
{
	struct book *book = &kopano->book;
	struct slice processed;
	uint32_t change_id;
	if (!book_given_read(bytes, &change_id, &processed))
		return err_usage(err,
				 "the given state is none of the address book: it has %zu bytes, and 8 are expected "
				 "(change id and a count, as python-kopano's server.sync_gab and `tidings sync "
				 "--addressbook` print them in 16 hexadecimal digits), and 4 more for each that is "
				 "counted",
				 bytes.size);
	if (change_id == 0)
		return 0;
	book->started = true;
	book->position =
		(struct book_position){.epoch = kopano->server.epoch, .objects = book_objects(kopano), .listing_no = 1};
	settle_start(&book->settle, change_id, kopano->config->settle_ms);
	put_given(kopano, processed);
	return 0;
}

void book_forget_tasks(struct book *book)
{
	book->n_tasks = book->next = 0;
	arena_free(&book->arena);
}

void book_free(struct book *book)
{
	book_forget_tasks(book);
	free(book->tasks);
	keymap_clear(&book->known);
	arena_free(&book->known_arena);
	settle_free(&book->settle);
	*book = (struct book){0};
}

void book_put_position(struct book *book, struct batch *batch)
{
	book->position.change_id = book->settle.settled;
	batch_put(batch, slice_of_text(BOOK_POSITION), book_position_write(&batch->arena, &book->position));
}

/* ---- tasks ---- */

struct book_task *book_add_task(struct book *book, struct slice entry_id)
{
	if (book->n_tasks == book->room_tasks) {
		book->room_tasks = book->room_tasks ? 2 * book->room_tasks : 64;
		book->tasks = xrealloc(book->tasks, book->room_tasks * sizeof *book->tasks);
	}
	struct book_task *task = &book->tasks[book->n_tasks++];
	*task = (struct book_task){.entry_id = arena_copy(&book->arena, entry_id)};
	return task;
}

/* Each one is read once per answer, for its last entry; before that it would only show the same. */
static void pass_repeats(struct book *book)
{
	struct keymap later = {0};
	for (size_t i = book->n_tasks; i-- > 0;) {
		struct book_task *task = &book->tasks[i];
		if (task->what == TASK_READ && keymap_find(&later, task->entry_id))
			task->what = TASK_PASS;
		keymap_add(&later, task->entry_id, 0);
	}
	keymap_clear(&later);
}

/* The record that stands for a creation and later changes is a creation. */
static void carry_creations(struct book *book)
{
	struct keymap created = {0};
	for (size_t i = 0; i < book->n_tasks; i++) {
		struct book_task *task = &book->tasks[i];
		if (task->created)
			keymap_add(&created, task->entry_id, 0);
		task->created |= keymap_find(&created, task->entry_id) != NULL;
	}
	keymap_clear(&created);
}

static void add_entry(struct kopano *kopano, const struct journal_entry *entry)
{
	struct book *book = &kopano->book;
	bool is_late = kopano->config->follow->once && book->has_goal && entry->change_id > book->goal;
	if (is_late || settle_is_taken(&book->settle, entry->change_id))
		return;
	struct book_task *task = book_add_task(book, entry->source_key);
	uint32_t action = entry->type & ENTRY_ACTION_MASK;
	task->change_id = entry->change_id;
	task->created = action == ENTRY_NEW;
	if (!book_wants(kopano, entry->source_key))
		task->what = TASK_PASS;
	else if (action == ENTRY_SOFT_DELETE || action == ENTRY_HARD_DELETE)
		task->what = TASK_DELETE;
}

/* ---- following ---- */

static int ask_changes(struct kopano *kopano, struct err *err)
{
	struct book *book = &kopano->book;
	struct journal_entry entry;
	uint32_t from = settle_ask(&book->settle, clock_ms());
	int rc = client_changes(kopano->client, 0, from, SYNC_ADDRESSBOOK, 0, err);
	while (rc == 0 && (rc = client_next_entry(kopano->client, SYNC_ADDRESSBOOK, &entry, &book->max, err)) == 0)
		add_entry(kopano, &entry);
	if (rc != KOPANO_END) {
		settle_dropped(&book->settle);
		book_forget_tasks(book);
		return passing(rc, err);
	}
	pass_repeats(book);
	carry_creations(book);
	return 0;
}

/* An empty answer has the maximum 0: there is nothing above the id that was asked for. */
void book_answer_over(struct kopano *kopano, struct batch *batch)
{
	struct book *book = &kopano->book;
	if (!book->has_goal)
		book->goal = book->max;
	book->has_goal = true;
	if (kopano->config->follow->once && book->max > book->goal)
		book->max = book->goal;
	settle_note(&book->settle, clock_ms(), book->max);
	if (!settle_can_advance(&book->settle, book->max))
		return;
	struct batch *own = batch ? batch : share_batch(kopano, BOOK_STREAM);
	settle_advance(&book->settle, book->max, own, BOOK_TAKEN);
	book_put_position(book, own);
	if (!batch)
		hand_over(kopano, own);
}

/* ---- steps ---- */

/* Whatever comes of it: it is only an occasion. */
static void compare_directory(struct kopano *kopano)
{
	struct book *book = &kopano->book;
	int64_t now = clock_ms(), interval_ms = kopano->config->directory_ms;
	struct err unused;
	if (interval_ms == 0 || kopano->config->follow->once)
		return;
	if (book->compare_at_ms == 0)
		book->compare_at_ms = now + (interval_ms < FIRST_COMPARISON_MS ? interval_ms : FIRST_COMPARISON_MS);
	if (now < book->compare_at_ms)
		return;
	client_compare_directory(kopano->client, &unused);
	int64_t rest_ms = (clock_ms() - now) * COMPARISON_SHARE;
	book->compare_at_ms = now + (interval_ms > rest_ms ? interval_ms : rest_ms);
}

static int ask(struct kopano *kopano, struct err *err)
{
	struct book *book = &kopano->book;
	book->poll_at_ms = clock_ms() + kopano->config->addressbook_ms;
	compare_directory(kopano);
	if (book_needs_listing(kopano))
		return book_list(kopano, err);
	int rc = ask_changes(kopano, err);
	if (rc == 0 && book->n_tasks == 0)
		book_answer_over(kopano, NULL);
	return rc;
}

int book_step(struct kopano *kopano, struct err *err)
{
	struct book *book = &kopano->book;
	int rc = book->next < book->n_tasks ? book_publish(kopano, err) : ask(kopano, err);
	int64_t soon = clock_ms() + RETRY_POLL_MS;
	if (rc && book->poll_at_ms > soon)
		book->poll_at_ms = soon;
	return rc;
}

int64_t book_wait_ms(const struct kopano *kopano)
{
	const struct book *book = &kopano->book;
	if (!book_is_followed(kopano))
		return INT64_MAX;
	int64_t wait = book->next < book->n_tasks ? 0 : book->poll_at_ms - clock_ms();
	return wait > 0 ? wait : 0;
}

/* ---- rounds ---- */

bool book_is_behind(const struct kopano *kopano)
{
	const struct book *book = &kopano->book;
	return book_is_followed(kopano) && (book->position.listing || book->next < book->n_tasks || !book->has_goal ||
					    book->settle.settled < book->goal);
}
