#include "bridge/kopano/kopano.h"
#include "core/step.h"

/* Entries of folders, read beside those of items, and applied by tree.c. */

static void empty(struct folder_window *window)
{
	arena_free(&window->arena);
	window->n = window->next = 0;
}

bool folders_are_read(const struct kopano *kopano)
{
	return kopano->folder_window.stream != NULL;
}

/* Hierarchies settle by the server's maximum: their answers do not tell what they are beyond. It is noted with the
 * answer that shows what is below it, never without one: the next one would begin above what nobody has read. */
void folders_begin(struct kopano *kopano, struct stream *stream)
{
	struct folder_window *window = &kopano->folder_window;
	empty(window);
	window->stream = stream;
	window->max = kopano->maximum;
	window->over = false;
	if (!stream->looks_back)
		settle_note(&stream->settle, clock_ms(), window->max);
}

void folders_drop(struct kopano *kopano)
{
	struct folder_window *window = &kopano->folder_window;
	empty(window);
	if (!window->stream)
		return;
	if (kopano->client)
		client_abandon_changes(kopano->client, SYNC_HIERARCHY);
	settle_dropped(&window->stream->settle);
	window->stream = NULL;
}

/* ---- taking entries ---- */

static void add_entry(struct folder_window *window, const struct journal_entry *journal)
{
	window->entries[window->n++] =
		(struct entry){.change_id = journal->change_id,
			       .folder = NO_FOLDER,
			       .source_key = arena_copy(&window->arena, journal->source_key),
			       .parent_key = arena_copy(&window->arena, journal->parent_source_key),
			       .type = journal->type,
			       .flags = journal->flags,
			       .key = -1};
}

static bool is_taken(const struct kopano *kopano, const struct stream *stream, uint32_t id)
{
	return stream->looks_back ? late_is_taken(kopano, stream, id) : settle_is_taken(&stream->settle, id);
}

static int take_entries(struct kopano *kopano, struct err *err)
{
	struct folder_window *window = &kopano->folder_window;
	uint32_t last = 0, unused;
	empty(window);
	while (window->n < STEP_LIMIT(BATCH_CHANGES)) {
		struct journal_entry entry;
		int rc = client_next_entry(kopano->client, SYNC_HIERARCHY, &entry, &unused, err);
		window->over = rc == KOPANO_END;
		if (rc)
			return rc == KOPANO_END ? 0 : rc;
		if (entry.change_id <= last || !(entry.type & ENTRY_FOLDER) ||
		    is_taken(kopano, window->stream, entry.change_id))
			continue;
		last = entry.change_id;
		add_entry(window, &entry);
	}
	return 0;
}

/* ---- steps ---- */

static int apply(struct kopano *kopano, struct err *err)
{
	struct folder_window *window = &kopano->folder_window;
	size_t n_done = 0;
	listing_close_table(kopano);
	int rc = tree_apply(kopano, window->stream, &window->entries[window->next], window->n - window->next, &n_done,
			    err);
	window->next += n_done;
	return rc;
}

/* Its answer does not say what it is beyond: that is the maximum from before it was asked for. */
static void answer_over(struct kopano *kopano)
{
	struct folder_window *window = &kopano->folder_window;
	struct stream *stream = window->stream;
	window->stream = NULL;
	if (stream->suspended)
		right_back(kopano, stream);
	stream_answered(kopano, stream, window->max);
}

int folders_read(struct kopano *kopano, struct err *err)
{
	struct folder_window *window = &kopano->folder_window;
	struct stream *stream = window->stream;
	int rc = 0;
	if (window->next < window->n)
		rc = apply(kopano, err);
	else if (!window->over)
		rc = take_entries(kopano, err);
	if (rc) {
		folders_drop(kopano);
		return stream_refused(kopano, stream, rc, err);
	}
	if (window->over && window->next == window->n && !kopano->walk.now)
		answer_over(kopano);
	return 0;
}
