#include <stdlib.h>

#include "bridge/kopano/kopano.h"
#include "core/step.h"

/* ---- what becomes of an entry ---- */

enum fate {
	FATE_PUBLISHED,
	FATE_FILTERED,    /* its folder is not followed */
	FATE_UNANNOUNCED, /* of an item that nobody was told of */
	FATE_UNKNOWN,     /* nobody knows its folder */
};

bool folder_is_followed(const struct kopano *kopano, uint32_t index)
{
	const struct map_folder *folder = map_folder(&kopano->map, index);
	return (folder->flags & (FOLDER_FOLLOWED | FOLDER_ENDED)) == FOLDER_FOLLOWED &&
	       kopano->config->follow->objects & FOLLOW_ITEM;
}

/* After the end of a folder its items are deleted, and nothing else is told of them. */
static bool tells_deletes(const struct kopano *kopano, uint32_t index)
{
	return map_folder(&kopano->map, index)->flags & FOLDER_FOLLOWED &&
	       kopano->config->follow->objects & FOLLOW_ITEM;
}

static enum fate fate_of(const struct kopano *kopano, const struct outcome *outcome)
{
	if (outcome->folder == NO_FOLDER && outcome_is_upsert(outcome))
		return FATE_UNKNOWN;
	/* A command tells of what happened before it came, also in folders that are gone by now. */
	if (outcome->folder == NO_FOLDER)
		return kopano->config->follow->once == ONCE_SERVER ? FATE_PUBLISHED : FATE_UNANNOUNCED;
	if (folder_is_followed(kopano, outcome->folder))
		return FATE_PUBLISHED;
	return outcome->kind == CHANGE_DELETED && tells_deletes(kopano, outcome->folder) ? FATE_PUBLISHED
											 : FATE_FILTERED;
}

/* ---- one change ---- */

static void publish_change(struct kopano *kopano, struct batch *batch, const struct outcome *outcome,
			   const struct change *content)
{
	struct change *change = batch_change(batch);
	*change = *content;
	share_fill(kopano, outcome->folder, batch, change);
	change->parent_source_key = arena_copy(&batch->arena, outcome->parent_key);
	change->origin = ORIGIN_ICS;
	change->kind = outcome->kind;
	change->change_id = outcome->change_id;
	change->source_key = arena_copy(&batch->arena, outcome->source_key);
	if (outcome->kind == CHANGE_READ_STATE)
		change->read = outcome->read;
	if (outcome->kind == CHANGE_DELETED)
		change->deletion = outcome->deletion;
	if (outcome->folder != NO_FOLDER && listing_is_wanted(kopano, outcome->folder))
		told_note(&kopano->told, change);
}

/* A dead letter: its folder may be found later, and is listed then. */
static void publish_unknown(struct kopano *kopano, struct batch *batch, const struct outcome *outcome)
{
	const struct change content = {.cause = CAUSE_UNKNOWN_FOLDER,
				       .cause_text = "the server has no folder of this key in any store, yet"};
	unknown_note(kopano, outcome->parent_key);
	stores_look(kopano);
	kopano->counts.n_unknown++;
	publish_change(kopano, batch, outcome, &content);
}

static bool is_overtaken(const struct window *window, const struct outcome *outcome)
{
	const uint32_t *deleted = keymap_find(&window->deleted, outcome->identity);
	return deleted && outcome->change_id < *deleted;
}

/* An item that is gone when it is read: its delete was among the entries, or follows with a higher id. One that a later
 * entry of the window reads has no content here, but may have been deleted before that. */
static void publish_known(struct kopano *kopano, struct batch *batch, struct outcome *outcome,
			  const struct change *content)
{
	bool is_filtered = outcome_is_upsert(outcome) && content->associated && !kopano->config->follow->associated;
	if (outcome_is_upsert(outcome) && !content->item && content->cause == CAUSE_NONE) {
		batch->n_gone += outcome->key >= 0;
		if (!outcome->deletion)
			return;
		outcome->kind = CHANGE_DELETED;
	}
	if (is_filtered)
		kopano->counts.n_filtered++;
	else
		publish_change(kopano, batch, outcome, content);
}

static void publish_outcomes(struct kopano *kopano, struct batch *batch, struct outcome *outcomes, size_t n,
			     const struct change *content)
{
	for (size_t i = 0; i < n; i++) {
		enum fate fate = fate_of(kopano, &outcomes[i]);
		kopano->counts.n_filtered += fate == FATE_FILTERED;
		kopano->counts.n_unannounced += fate == FATE_UNANNOUNCED;
		if (is_overtaken(&kopano->window, &outcomes[i]))
			continue;
		if (fate == FATE_PUBLISHED)
			publish_known(kopano, batch, &outcomes[i], &content[i]);
		else if (fate == FATE_UNKNOWN)
			publish_unknown(kopano, batch, &outcomes[i]);
	}
}

/* ---- their ids ---- */

void take_ids(struct kopano *kopano, struct stream *stream, struct batch *batch, const struct entry *entries, size_t n)
{
	uint32_t ids[BATCH_CHANGES];
	for (size_t i = 0; i < n; i++) {
		ids[i] = entries[i].change_id;
		late_taken(kopano, ids[i]);
		once_processed(kopano, ids[i], entries[i].source_key, batch);
	}
	if (stream->looks_back) {
		kopano->counts.n_late += n;
		batch->n_late += n;
		return;
	}
	stream->n_taken += n;
	settle_take(&stream->settle, ids, n, batch, stream->taken_key);
	/* A long answer may never be taken to its end at once, because nobody takes what it brings. */
	settle_note(&stream->settle, clock_ms(), ids[n - 1]);
	if (settle_advance(&stream->settle, ids[n - 1], batch, stream->taken_key))
		stream_put(stream, batch);
}

/* ---- batches ---- */

/* The folder may have become known since the entry was taken. */
static bool is_of_unknown_folder(struct kopano *kopano, struct entry *entry)
{
	if (entry->folder == NO_FOLDER)
		entry->folder = map_find(&kopano->map, entry->parent_key);
	return entry->folder == NO_FOLDER && entry_is_content(entry);
}

/* Up to the first whose folder is to be looked for. */
static size_t known_entries(struct kopano *kopano, size_t n)
{
	struct window *window = &kopano->window;
	for (size_t i = 0; i < n; i++) {
		struct entry *entry = &window->entries[window->next + i];
		if (is_of_unknown_folder(kopano, entry) && unknown_is_to_be_found(kopano, entry->parent_key))
			return i;
	}
	return n;
}

/* From the settled id: it may have come late itself. The answer about items waits meanwhile. */
static int look_for_folder(struct kopano *kopano, struct err *err)
{
	const struct window *window = &kopano->window;
	unknown_looked(kopano, window->entries[window->next].parent_key);
	settle_dropped(&kopano->folders_stream->settle);
	int rc = maximum_ask(kopano, err);
	return passing(rc ? rc : stream_ask(kopano, kopano->folders_stream, err), err);
}

static size_t batch_size(const struct stream *stream, const struct window *window)
{
	size_t most = STEP_LIMIT(BATCH_CHANGES), left = window->n - window->next;
	if (stream->batch_entries && stream->batch_entries < most)
		most = stream->batch_entries;
	return left < most ? left : most;
}

static void batch_published(struct window *window, struct stream *stream, size_t n)
{
	for (size_t i = 0; i < n; i++)
		window->first_key += window->entries[window->next + i].key >= 0;
	window->next += n;
	stream_forget_stumbles(stream);
	if (stream->batch_entries < BATCH_CHANGES)
		stream->batch_entries *= 2;
}

static int make_batch(struct kopano *kopano, struct stream *stream, struct batch *batch, size_t n, bool *too_big,
		      struct err *err)
{
	struct window *window = &kopano->window;
	struct outcome outcomes[BATCH_CHANGES];
	struct change *content = xcalloc(n, sizeof *content);
	size_t n_outcomes = collapse(&window->entries[window->next], n, outcomes);
	int rc = read_items(kopano, stream, outcomes, n_outcomes, batch, content, too_big, err);
	if (rc == 0 && !*too_big) {
		publish_outcomes(kopano, batch, outcomes, n_outcomes, content);
		take_ids(kopano, stream, batch, &window->entries[window->next], n);
		batch->n_entries = n;
	}
	free(content);
	return rc;
}

/* A batch that turns out too big is made again with fewer entries. */
int publish_next(struct kopano *kopano, struct stream *stream, struct err *err)
{
	struct window *window = &kopano->window;
	size_t n = known_entries(kopano, batch_size(stream, window));
	if (n == 0)
		return look_for_folder(kopano, err);
	struct batch *batch = share_batch(kopano, stream->name);
	bool too_big = false;
	int rc = make_batch(kopano, stream, batch, n, &too_big, err);
	if (rc == 0 && !too_big) {
		batch_published(window, stream, n);
		hand_over(kopano, batch);
		return 0;
	}
	batch_free(batch);
	export_drop(window);
	if (too_big)
		stream->batch_entries = n > 4 ? n / 4 : 1;
	return rc;
}
