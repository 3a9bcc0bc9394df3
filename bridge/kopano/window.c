#include <stdlib.h>

#include "bridge/kopano/kopano.h"
#include "core/step.h"

/* ---- taking entries ---- */

static bool is_content(const struct entry *entry)
{
	uint32_t action = entry->type & ENTRY_ACTION_MASK;
	return action != ENTRY_FLAG && action != ENTRY_SOFT_DELETE && action != ENTRY_HARD_DELETE;
}

/* An item is read once per window, for its last entry that asks for content: the records before it could only show the
 * same, or something newer that a later one would set back. */
static void mark_last(struct window *window)
{
	struct keymap seen = {0};
	for (size_t i = window->n; i-- > 0;) {
		struct entry *entry = &window->entries[i];
		bool is_last = is_content(entry) && !keymap_find(&seen, entry->source_key);
		entry->key = is_last ? 0 : -1;
		if (is_last)
			keymap_add(&seen, entry->source_key, 0);
	}
	keymap_clear(&seen);
}

/* The record that stands for an item's creation and later changes is a creation. */
static void carry_creation(struct keymap *created, struct entry *entry)
{
	uint32_t *is_new = keymap_add(created, entry->source_key, 0);
	if ((entry->type & ENTRY_ACTION_MASK) == ENTRY_NEW)
		*is_new = 1;
	else if (!is_content(entry))
		*is_new = (entry->type & ENTRY_ACTION_MASK) == ENTRY_FLAG ? *is_new : 0;
	else if (*is_new && entry->key >= 0)
		entry->type = (entry->type & ~(uint32_t)ENTRY_ACTION_MASK) | ENTRY_NEW;
}

static void make_keys(struct window *window, struct slice folder_key)
{
	struct keymap created = {0};
	mark_last(window);
	for (size_t i = 0; i < window->n; i++) {
		struct entry *entry = &window->entries[i];
		carry_creation(&created, entry);
		if (entry->key < 0)
			continue;
		entry->key = (int)window->n_keys;
		window->keys[window->n_keys++] = (struct item_key){folder_key, entry->source_key};
	}
	keymap_clear(&created);
}

static void empty(struct window *window)
{
	export_drop(window);
	keymap_clear(&window->deleted);
	arena_free(&window->arena);
	window->n = window->next = window->n_keys = window->first_key = 0;
	window->export_over = false;
}

static void add_entry(struct window *window, const struct journal_entry *journal)
{
	struct entry *entry = &window->entries[window->n++];
	*entry = (struct entry){.change_id = journal->change_id, .type = journal->type, .flags = journal->flags};
	entry->source_key = arena_copy(&window->arena, journal->source_key);
}

static bool is_delete(uint32_t type)
{
	uint32_t action = type & ENTRY_ACTION_MASK;
	return action == ENTRY_SOFT_DELETE || action == ENTRY_HARD_DELETE;
}

/* Entries of this window below such a delete are no news. They come from a late transaction, or belong to an associated
 * item: once it is gone the server no longer knows of what kind it was, and shows what it left out before. */
static void note_delete(struct window *window, const struct followed *followed, const struct journal_entry *journal)
{
	if (window->n && is_delete(journal->type) && settle_is_taken(&followed->settle, journal->change_id))
		*keymap_add(&window->deleted, arena_copy(&window->arena, journal->source_key), 0) = journal->change_id;
}

static bool is_news(const struct followed *followed, const struct journal_entry *entry, uint32_t last)
{
	return entry->change_id > last && !(entry->type & (ENTRY_FOLDER | ENTRY_ADDRESSBOOK)) &&
	       !settle_is_taken(&followed->settle, entry->change_id);
}

/* Until the window is full, the answer is over, or what is at hand has waited long enough. */
static int take_entries(struct kopano *kopano, struct followed *followed, struct err *err)
{
	struct window *window = &kopano->window;
	uint32_t last = 0, end = round_limit(kopano, followed);
	int64_t deadline = clock_ms() + BATCH_AGE_MS;
	empty(window);
	while (window->n < STEP_LIMIT(WINDOW_ENTRIES) && (window->n == 0 || clock_ms() < deadline)) {
		struct journal_entry entry;
		int rc = client_next_entry(kopano->client, &entry, &window->max_change_id, err);
		window->over = rc == KOPANO_END;
		if (rc)
			return rc == KOPANO_END ? 0 : rc;
		/* The server follows the sync id, not the folder that is asked for: one of another folder must not be
		 * believed. */
		if (!slice_equal(entry.parent_source_key, followed->folder.source_key))
			return err_set(err, ERR_GONE, "sync id %u is of another folder", followed->sync_id);
		note_delete(window, followed, &entry);
		if (!is_news(followed, &entry, last) || entry.change_id > end)
			continue;
		last = entry.change_id;
		add_entry(window, &entry);
	}
	return 0;
}

/* ---- publishing ---- */

static void publish_change(struct kopano *kopano, struct followed *followed, struct batch *batch,
			   const struct outcome *outcome, const struct change *content)
{
	struct change *change = batch_change(batch);
	*change = *content;
	share(kopano, followed, batch, change);
	change->origin = ORIGIN_ICS;
	change->kind = outcome->kind;
	change->change_id = outcome->change_id;
	change->source_key = arena_copy(&batch->arena, outcome->source_key);
	if (outcome->kind == CHANGE_READ_STATE)
		change->read = outcome->read;
	if (outcome->kind == CHANGE_DELETED)
		change->deletion = outcome->deletion;
	snapshot_note(followed, change);
}

static bool is_upsert(const struct outcome *outcome)
{
	return outcome->kind == CHANGE_CREATED || outcome->kind == CHANGE_UPDATED;
}

static bool is_overtaken(const struct window *window, const struct outcome *outcome)
{
	const uint32_t *deleted = keymap_find(&window->deleted, outcome->source_key);
	return deleted && outcome->change_id < *deleted;
}

/* An item that is gone when it is read: its delete was among the entries, or follows with a higher id. One that a later
 * entry of the window reads has no content here, but may have been deleted before that. */
static void publish_outcomes(struct kopano *kopano, struct followed *followed, struct batch *batch,
			     struct outcome *outcomes, size_t n, const struct change *content)
{
	for (size_t i = 0; i < n; i++) {
		struct outcome *outcome = &outcomes[i];
		if (is_overtaken(&kopano->window, outcome))
			continue;
		if (is_upsert(outcome) && !content[i].item && content[i].cause == CAUSE_NONE) {
			batch->n_gone += outcome->key >= 0;
			if (!outcome->deletion)
				continue;
			outcome->kind = CHANGE_DELETED;
		}
		publish_change(kopano, followed, batch, outcome, &content[i]);
	}
}

static void take_ids(struct followed *followed, struct batch *batch, const struct entry *entries, size_t n)
{
	uint32_t ids[BATCH_CHANGES];
	for (size_t i = 0; i < n; i++)
		ids[i] = entries[i].change_id;
	settle_take(&followed->settle, ids, n, batch, followed->taken_key);
	/* A long answer may never be taken to its end at once, because nobody takes what it brings. */
	settle_note(&followed->settle, clock_ms(), ids[n - 1]);
	if (settle_advance(&followed->settle, ids[n - 1], batch, followed->taken_key))
		put_position(followed, batch);
}

static size_t batch_size(const struct followed *followed, const struct window *window)
{
	size_t most = STEP_LIMIT(BATCH_CHANGES), left = window->n - window->next;
	if (followed->batch_entries && followed->batch_entries < most)
		most = followed->batch_entries;
	return left < most ? left : most;
}

static void batch_published(struct window *window, struct followed *followed, size_t n)
{
	for (size_t i = 0; i < n; i++)
		window->first_key += window->entries[window->next + i].key >= 0;
	window->next += n;
	forget_stumbles(followed);
	if (followed->batch_entries < BATCH_CHANGES)
		followed->batch_entries *= 2;
	/* The next window may try the batched call again, once. */
	if (followed->n_export_failures >= EXPORT_TRIES)
		followed->n_export_failures = EXPORT_TRIES - 1;
}

static int make_batch(struct kopano *kopano, struct followed *followed, struct batch *batch, size_t n, bool *too_big,
		      struct err *err)
{
	struct window *window = &kopano->window;
	struct outcome outcomes[BATCH_CHANGES];
	struct change *content = xcalloc(n, sizeof *content);
	size_t n_outcomes = collapse(&window->entries[window->next], n, outcomes);
	int rc = read_items(kopano, followed, outcomes, n_outcomes, batch, content, too_big, err);
	if (rc == 0 && !*too_big) {
		publish_outcomes(kopano, followed, batch, outcomes, n_outcomes, content);
		take_ids(followed, batch, &window->entries[window->next], n);
		batch->n_entries = n;
	}
	free(content);
	return rc;
}

/* A batch that turns out too big is made again with fewer entries. */
static int publish_next(struct kopano *kopano, struct followed *followed, struct err *err)
{
	struct window *window = &kopano->window;
	size_t n = batch_size(followed, window);
	struct batch *batch = batch_new(followed->contents_stream);
	bool too_big = false;
	int rc = make_batch(kopano, followed, batch, n, &too_big, err);
	if (rc == 0 && !too_big) {
		batch_published(window, followed, n);
		hand_over(kopano, batch);
		return 0;
	}
	batch_free(batch);
	export_drop(window);
	if (too_big)
		followed->batch_entries = n > 4 ? n / 4 : 1;
	return rc;
}

/* ---- the end of an answer ---- */

/* Entries that are not for us (another kind of item, subfolders) settle too. */
static void answer_over(struct kopano *kopano, struct followed *followed)
{
	struct settle *settle = &followed->settle;
	uint32_t max = kopano->window.max_change_id, end = round_limit(kopano, followed);
	max = max < end ? max : end;
	settle_note(settle, clock_ms(), max);
	round_note(followed, max);
	kopano->reading = NULL;
	if (!settle_can_advance(settle, max))
		return;
	struct batch *batch = batch_new(followed->contents_stream);
	settle_advance(settle, max, batch, followed->taken_key);
	put_position(followed, batch);
	hand_over(kopano, batch);
}

static int take_more(struct kopano *kopano, struct followed *followed, struct err *err)
{
	struct window *window = &kopano->window;
	if (client_changes_age_ms(kopano->client) > ANSWER_AGE_LIMIT_MS) {
		window_drop(kopano);
		followed->poll_at_ms = clock_ms();
		return 0;
	}
	int rc = take_entries(kopano, followed, err);
	if (rc)
		return rc;
	if (followed->suspended)
		folder_resume(kopano, followed);
	if (window->n)
		followed->poll_at_ms = clock_ms();
	make_keys(window, followed->folder.source_key);
	return 0;
}

void window_drop(struct kopano *kopano)
{
	empty(&kopano->window);
	kopano->window.over = false;
	if (kopano->reading && kopano->client)
		client_abandon_changes(kopano->client);
	if (kopano->reading)
		settle_dropped(&kopano->reading->settle);
	kopano->reading = NULL;
}

int window_read(struct kopano *kopano, struct err *err)
{
	struct window *window = &kopano->window;
	struct followed *followed = kopano->reading;
	int rc = window->next < window->n ? publish_next(kopano, followed, err) : take_more(kopano, followed, err);
	if (rc) {
		window_drop(kopano);
		return follow_refused(kopano, followed, rc, err);
	}
	if (kopano->reading && window->over && window->next == window->n)
		answer_over(kopano, followed);
	return 0;
}
