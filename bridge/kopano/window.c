#include "bridge/kopano/window.h"

#include <stdlib.h>

#include "bridge/kopano/kopano.h"
#include "core/step.h"

/* ---- entries ---- */

struct slice identity_of(struct arena *arena, struct slice parent_key, struct slice source_key)
{
	uint32_t n_parent = (uint32_t)parent_key.size;
	size_t size = sizeof n_parent + parent_key.size + source_key.size;
	uint8_t *bytes = arena_alloc(arena, size);
	memcpy(bytes, &n_parent, sizeof n_parent);
	if (parent_key.size)
		memcpy(bytes + sizeof n_parent, parent_key.data, parent_key.size);
	if (source_key.size)
		memcpy(bytes + size - source_key.size, source_key.data, source_key.size);
	return slice_of(bytes, size);
}

bool entry_is_delete(uint32_t type)
{
	uint32_t action = type & ENTRY_ACTION_MASK;
	return action == ENTRY_SOFT_DELETE || action == ENTRY_HARD_DELETE;
}

bool entry_is_content(const struct entry *entry)
{
	return (entry->type & ENTRY_ACTION_MASK) != ENTRY_FLAG && !entry_is_delete(entry->type);
}

/* An item is read once per window, for its last entry that asks for content: the records before it could only show the
 * same, or something newer that a later one would set back. */
static void mark_last(struct window *window)
{
	struct keymap seen = {0};
	for (size_t i = window->n; i-- > 0;) {
		struct entry *entry = &window->entries[i];
		bool is_last = entry_is_content(entry) && !keymap_find(&seen, entry->identity);
		entry->key = is_last ? 0 : -1;
		if (is_last)
			keymap_add(&seen, entry->identity, 0);
	}
	keymap_clear(&seen);
}

/* The record that stands for an item's creation and later changes is a creation. */
static void carry_creation(struct keymap *created, struct entry *entry)
{
	uint32_t *is_new = keymap_add(created, entry->identity, 0);
	if ((entry->type & ENTRY_ACTION_MASK) == ENTRY_NEW)
		*is_new = 1;
	else if (!entry_is_content(entry))
		*is_new = (entry->type & ENTRY_ACTION_MASK) == ENTRY_FLAG ? *is_new : 0;
	else if (*is_new && entry->key >= 0)
		entry->type = (entry->type & ~(uint32_t)ENTRY_ACTION_MASK) | ENTRY_NEW;
}

/* What is not followed is not read. Of an unknown folder more may be known before its turn comes. */
static bool is_to_be_read(const struct kopano *kopano, const struct entry *entry)
{
	return entry->key >= 0 && (entry->folder == NO_FOLDER || folder_is_followed(kopano, entry->folder));
}

static void make_keys(struct kopano *kopano)
{
	struct window *window = &kopano->window;
	struct keymap created = {0};
	mark_last(window);
	for (size_t i = 0; i < window->n; i++) {
		struct entry *entry = &window->entries[i];
		carry_creation(&created, entry);
		if (!is_to_be_read(kopano, entry)) {
			entry->key = -1;
			continue;
		}
		entry->key = (int)window->n_keys;
		window->keys[window->n_keys++] = (struct item_key){entry->parent_key, entry->source_key};
	}
	keymap_clear(&created);
}

/* ---- taking them ---- */

static void empty(struct window *window)
{
	export_drop(window);
	keymap_clear(&window->deleted);
	arena_free(&window->arena);
	window->n = window->next = window->n_keys = window->first_key = window->export_end = 0;
}

static void add_entry(struct window *window, uint32_t folder, const struct journal_entry *journal)
{
	struct entry *entry = &window->entries[window->n++];
	*entry = (struct entry){
		.change_id = journal->change_id, .folder = folder, .type = journal->type, .flags = journal->flags};
	entry->identity = identity_of(&window->arena, journal->parent_source_key, journal->source_key);
	const uint8_t *end = entry->identity.data + entry->identity.size;
	entry->source_key = slice_of(end - journal->source_key.size, journal->source_key.size);
	entry->parent_key =
		slice_of(entry->source_key.data - journal->parent_source_key.size, journal->parent_source_key.size);
}

static bool is_taken(const struct kopano *kopano, const struct stream *stream, uint32_t id)
{
	return stream->looks_back ? late_is_taken(kopano, stream, id) : settle_is_taken(&stream->settle, id);
}

/* Entries of this window below such a delete are no news. They come from a late transaction, or belong to an associated
 * item: once it is gone the server no longer knows of what kind it was, and shows what it left out before. */
static void note_delete(struct kopano *kopano, const struct stream *stream, const struct journal_entry *journal)
{
	struct window *window = &kopano->window;
	if (!window->n || !entry_is_delete(journal->type) || !is_taken(kopano, stream, journal->change_id))
		return;
	struct slice identity = identity_of(&window->arena, journal->parent_source_key, journal->source_key);
	*keymap_add(&window->deleted, identity, 0) = journal->change_id;
}

static bool is_news(const struct kopano *kopano, const struct stream *stream, const struct journal_entry *entry,
		    uint32_t last)
{
	return entry->change_id > last && !(entry->type & (ENTRY_FOLDER | ENTRY_ADDRESSBOOK)) &&
	       !is_taken(kopano, stream, entry->change_id);
}

/* The parent, as far as it is known. The server follows the sync id, not the folder that is asked for: one of another
 * folder must not be believed. */
static int find_folder(struct kopano *kopano, const struct stream *stream, struct slice parent_key, uint32_t *folder,
		       struct err *err)
{
	*folder = map_find(&kopano->map, parent_key);
	if (stream->kind == STREAM_SERVER || *folder == stream->folder)
		return 0;
	return err_set(err, ERR_GONE, "sync id %u is of another folder", stream->sync_id);
}

/* Until the window is full, the answer is over, or what is at hand has waited long enough. */
static int take_entries(struct kopano *kopano, struct stream *stream, struct err *err)
{
	struct window *window = &kopano->window;
	uint32_t last = 0, end = round_limit(kopano, stream), folder;
	int64_t deadline = clock_ms() + BATCH_AGE_MS;
	empty(window);
	while (window->n < STEP_LIMIT(WINDOW_ENTRIES) && (window->n == 0 || clock_ms() < deadline)) {
		struct journal_entry entry;
		int rc = client_next_entry(kopano->client, SYNC_CONTENTS, &entry, &window->max_change_id, err);
		window->over = rc == KOPANO_END;
		if (rc)
			return rc == KOPANO_END ? 0 : rc;
		if ((rc = find_folder(kopano, stream, entry.parent_source_key, &folder, err)))
			return rc;
		note_delete(kopano, stream, &entry);
		if (!is_news(kopano, stream, &entry, last) || entry.change_id > end)
			continue;
		last = entry.change_id;
		add_entry(window, folder, &entry);
	}
	return 0;
}

/* Where something has changed, more may follow. */
static void ask_again(struct kopano *kopano, struct stream *stream)
{
	stream->poll_at_ms = clock_ms();
	stream->due = stream->kind != STREAM_SERVER;
	if (stream->kind == STREAM_SERVER)
		kopano->maximum_at_ms = stream->poll_at_ms;
}

static int take_more(struct kopano *kopano, struct stream *stream, struct err *err)
{
	struct window *window = &kopano->window;
	if (client_changes_age_ms(kopano->client) > ANSWER_AGE_LIMIT_MS) {
		window_drop(kopano);
		ask_again(kopano, stream);
		return 0;
	}
	int rc = take_entries(kopano, stream, err);
	if (rc)
		return rc;
	if (stream->suspended)
		right_back(kopano, stream);
	if (window->n)
		ask_again(kopano, stream);
	make_keys(kopano);
	return 0;
}

/* ---- the end of an answer ---- */

/* Entries that are not for us (another kind of item, subfolders) settle too. */
static void answer_over(struct kopano *kopano, struct stream *stream)
{
	uint32_t max = kopano->window.max_change_id, end = round_limit(kopano, stream);
	max = max < end ? max : end;
	settle_note(&stream->settle, clock_ms(), max);
	kopano->reading = NULL;
	unknown_next_answer(kopano);
	stream_answered(kopano, stream, max);
}

void window_drop(struct kopano *kopano)
{
	empty(&kopano->window);
	kopano->window.over = false;
	if (kopano->reading && kopano->client)
		client_abandon_changes(kopano->client, SYNC_CONTENTS);
	if (kopano->reading)
		settle_dropped(&kopano->reading->settle);
	kopano->reading = NULL;
}

/* A long answer is no reason not to hear of folders. */
static bool folders_are_due(const struct kopano *kopano)
{
	return kopano->reading->kind == STREAM_SERVER && clock_ms() - kopano->folders_at_ms > follow_folders_ms(kopano);
}

static int read_folders(struct kopano *kopano, struct err *err)
{
	kopano->folders_at_ms = clock_ms();
	int rc = maximum_ask(kopano, err);
	return rc ? rc : stream_ask(kopano, kopano->folders_stream, err);
}

int window_read(struct kopano *kopano, struct err *err)
{
	struct window *window = &kopano->window;
	struct stream *stream = kopano->reading;
	if (window->next == window->n && folders_are_due(kopano))
		return passing(read_folders(kopano, err), err);
	int rc = window->next < window->n ? publish_next(kopano, stream, err) : take_more(kopano, stream, err);
	if (rc) {
		window_drop(kopano);
		return stream_refused(kopano, stream, rc, err);
	}
	if (kopano->reading && window->over && window->next == window->n)
		answer_over(kopano, stream);
	return 0;
}
