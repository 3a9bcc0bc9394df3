#include <stdlib.h>

#include "bridge/kopano/kopano.h"
#include "core/step.h"

static void publish_change(struct kopano *kopano, struct batch *batch, const struct outcome *outcome,
			   const struct change *content)
{
	struct change *change = batch_change(batch);
	*change = *content;
	share_fill(kopano, outcome->folder, batch, change);
	change->origin = ORIGIN_ICS;
	change->kind = outcome->kind;
	change->change_id = outcome->change_id;
	change->source_key = arena_copy(&batch->arena, outcome->source_key);
	if (outcome->kind == CHANGE_READ_STATE)
		change->read = outcome->read;
	if (outcome->kind == CHANGE_DELETED)
		change->deletion = outcome->deletion;
	if (kopano->folders[outcome->folder].listing)
		told_note(&kopano->told, change);
}

static bool is_overtaken(const struct window *window, const struct outcome *outcome)
{
	const uint32_t *deleted = keymap_find(&window->deleted, outcome->identity);
	return deleted && outcome->change_id < *deleted;
}

/* An item that is gone when it is read: its delete was among the entries, or follows with a higher id. One that a later
 * entry of the window reads has no content here, but may have been deleted before that. */
static void publish_outcomes(struct kopano *kopano, struct batch *batch, struct outcome *outcomes, size_t n,
			     const struct change *content)
{
	for (size_t i = 0; i < n; i++) {
		struct outcome *outcome = &outcomes[i];
		if (is_overtaken(&kopano->window, outcome))
			continue;
		if (outcome_is_upsert(outcome) && !content[i].item && content[i].cause == CAUSE_NONE) {
			batch->n_gone += outcome->key >= 0;
			if (!outcome->deletion)
				continue;
			outcome->kind = CHANGE_DELETED;
		}
		publish_change(kopano, batch, outcome, &content[i]);
	}
}

void take_ids(struct stream *stream, struct batch *batch, const struct entry *entries, size_t n)
{
	uint32_t ids[BATCH_CHANGES];
	for (size_t i = 0; i < n; i++)
		ids[i] = entries[i].change_id;
	settle_take(&stream->settle, ids, n, batch, stream->taken_key);
	/* A long answer may never be taken to its end at once, because nobody takes what it brings. */
	settle_note(&stream->settle, clock_ms(), ids[n - 1]);
	if (settle_advance(&stream->settle, ids[n - 1], batch, stream->taken_key))
		stream_put(stream, batch);
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
	/* The next window may try the batched call again, once. */
	if (stream->n_export_failures >= EXPORT_TRIES)
		stream->n_export_failures = EXPORT_TRIES - 1;
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
		take_ids(stream, batch, &window->entries[window->next], n);
		batch->n_entries = n;
	}
	free(content);
	return rc;
}

/* A batch that turns out too big is made again with fewer entries. */
int publish_next(struct kopano *kopano, struct stream *stream, struct err *err)
{
	struct window *window = &kopano->window;
	size_t n = batch_size(stream, window);
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
