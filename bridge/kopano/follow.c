#include <stdlib.h>

#include "bridge/kopano/item.h"
#include "bridge/kopano/kopano.h"
#include "core/step.h"

/* ---- the start ---- */

static int register_sync(struct kopano *kopano, struct followed *followed, struct err *err)
{
	followed->position.sync_id = 0;
	followed->kept_at_ms = clock_ms();
	return client_set_sync(kopano->client, followed->folder.source_key, SYNC_CONTENTS, 0,
			       &followed->position.sync_id, err);
}

static int note_start(struct kopano *kopano, struct followed *followed, struct err *err)
{
	uint32_t change_id = 0;
	int rc = register_sync(kopano, followed, err);
	if (rc == 0)
		rc = folder_maximum(kopano, followed, &change_id, err);
	/* 0 would mean "list all" (kopano-protocol 4.4). */
	followed->position.change_id = change_id ? change_id : 1;
	return rc;
}

static void put_ends(struct kopano *kopano, struct batch *batch)
{
	struct ends ends = {.server = kopano->server,
			    .mode = (uint8_t)kopano->config->follow->mode,
			    .following = FOLLOWING_FOLDERS};
	batch_put(batch, slice_of_text(ENTRY_ENDS), ends_write(&batch->arena, &ends));
}

/* The batch of BEGIN also carries where following starts: so no cursor exists without it. */
int follow_start(struct kopano *kopano, struct followed *followed, struct err *err)
{
	int rc = note_start(kopano, followed, err);
	if (no_access(kopano, rc))
		return folder_suspend(kopano, followed), 0;
	if (rc == ERR_GONE)
		return folder_end(kopano, followed, "it was deleted"), 0;
	if (rc)
		return rc;
	bool snapshot = snapshot_wanted(kopano, followed);
	struct batch *batch = batch_new(snapshot ? followed->snapshot_stream : followed->contents_stream);
	put_ends(kopano, batch);
	put_entry(followed, batch);
	put_position(followed, batch, followed->position.change_id);
	if (snapshot)
		snapshot_begin(kopano, followed, batch);
	followed->started = true;
	hand_over(kopano, batch);
	return 0;
}

/* ---- asking ---- */

static int keep_alive(struct kopano *kopano, struct followed *followed, struct err *err)
{
	if (clock_ms() - followed->kept_at_ms < KEEP_ALIVE_MS)
		return 0;
	followed->kept_at_ms = clock_ms();
	uint32_t sync_id = followed->position.sync_id;
	return client_set_sync(kopano->client, followed->folder.source_key, SYNC_CONTENTS, followed->position.change_id,
			       &sync_id, err);
}

static uint32_t wanted_changes(const struct kopano *kopano)
{
	return SYNC_READ_STATE | SYNC_NORMAL | (kopano->config->follow->associated ? SYNC_ASSOCIATED : 0);
}

static int ask(struct kopano *kopano, struct followed *followed, struct err *err)
{
	followed->poll_at_ms = clock_ms() + kopano->config->poll_ms;
	int rc = keep_alive(kopano, followed, err);
	/* Whatever is wrong with the sync id, getChanges says it better. */
	if (rc == ERR_AGAIN || rc == ERR_STOPPED)
		return rc;
	rc = client_changes(kopano->client, followed->position.sync_id, followed->position.change_id, SYNC_CONTENTS,
			    wanted_changes(kopano), err);
	if (rc == 0)
		kopano->reading = followed;
	return rc;
}

/* A sync id that the server does not know any more, or that belongs to another folder since a restore, is replaced: the
 * change id is what counts, nothing is missed. If the folder itself is unknown, it is gone. */
static int replace_sync(struct kopano *kopano, struct followed *followed, struct err *err)
{
	int rc = register_sync(kopano, followed, err);
	if (rc == ERR_GONE)
		return folder_end(kopano, followed, "it was deleted"), 0;
	if (rc)
		return rc;
	followed->poll_at_ms = clock_ms();
	struct batch *batch = batch_new(followed->contents_stream);
	put_position(followed, batch, followed->position.change_id);
	hand_over(kopano, batch);
	return 0;
}

static int refused(struct kopano *kopano, struct followed *followed, int rc, struct err *err)
{
	if (no_access(kopano, rc))
		return folder_suspend(kopano, followed), 0;
	if (rc == ERR_GONE || (rc == ERR_BAD && client_er(kopano->client) == KOPANO_COLLISION))
		return replace_sync(kopano, followed, err);
	return passing(rc, err);
}

int follow_ask(struct kopano *kopano, struct followed *followed, struct err *err)
{
	int rc = ask(kopano, followed, err);
	return rc ? refused(kopano, followed, rc, err) : 0;
}

/* ---- reading: a window of entries becomes batches ---- */

struct window {
	struct arena arena;
	struct entry entries[WINDOW_ENTRIES];
	size_t n;
	uint32_t max_change_id;
	bool over; /* the answer has come to its end */
};

static void add_entry(struct window *window, const struct journal_entry *journal)
{
	struct entry *entry = &window->entries[window->n++];
	*entry = (struct entry){.change_id = journal->change_id, .type = journal->type, .flags = journal->flags};
	entry->source_key = arena_copy(&window->arena, journal->source_key);
}

/* Entries come in ascending order; one that does not go on from the last was published before. */
static int read_window(struct kopano *kopano, struct window *window, struct err *err)
{
	uint32_t last = kopano->reading->position.change_id;
	int64_t deadline = clock_ms() + BATCH_AGE_MS;
	while (window->n < STEP_LIMIT(WINDOW_ENTRIES) && (window->n == 0 || clock_ms() < deadline)) {
		struct journal_entry entry;
		int rc = client_next_entry(kopano->client, &entry, &window->max_change_id, err);
		window->over = rc == KOPANO_END;
		if (rc)
			return rc == KOPANO_END ? 0 : rc;
		if (entry.change_id <= last || (entry.type & (ENTRY_FOLDER | ENTRY_ADDRESSBOOK)))
			continue;
		last = entry.change_id;
		add_entry(window, &entry);
	}
	return 0;
}

static struct batch *make_batch(struct kopano *kopano, const struct followed *followed, const struct entry *entries,
				size_t n)
{
	struct batch *batch = batch_new(followed->contents_stream);
	collapse(batch, entries, n);
	for (size_t i = 0; i < batch->n_changes; i++) {
		share(kopano, followed, batch, &batch->changes[i]);
		batch->changes[i].origin = ORIGIN_ICS;
	}
	return batch;
}

enum { MAX_BATCHES = (WINDOW_ENTRIES + BATCH_CHANGES - 1) / BATCH_CHANGES };

static size_t make_batches(struct kopano *kopano, const struct followed *followed, const struct window *window,
			   struct batch **batches)
{
	size_t n_batches = 0, most = STEP_LIMIT(BATCH_CHANGES);
	for (size_t i = 0; i < window->n; i += most) {
		size_t n = window->n - i < most ? window->n - i : most;
		batches[n_batches++] = make_batch(kopano, followed, &window->entries[i], n);
	}
	return n_batches;
}

static void queue_batches(struct kopano *kopano, struct followed *followed, const struct window *window,
			  struct batch **batches, size_t n_batches)
{
	size_t most = STEP_LIMIT(BATCH_CHANGES);
	for (size_t i = 0; i < n_batches; i++) {
		size_t last = (i + 1) * most < window->n ? (i + 1) * most - 1 : window->n - 1;
		put_position(followed, batches[i], window->entries[last].change_id);
		hand_over(kopano, batches[i]);
	}
}

static void free_batches(struct batch **batches, size_t n_batches)
{
	for (size_t i = 0; i < n_batches; i++)
		batch_free(batches[i]);
}

static int publish_window(struct kopano *kopano, struct followed *followed, const struct window *window,
			  struct err *err)
{
	struct batch *batches[MAX_BATCHES];
	size_t n_batches = make_batches(kopano, followed, window, batches);
	int rc = read_items(kopano, followed, batches, n_batches, err);
	if (rc)
		free_batches(batches, n_batches);
	else
		queue_batches(kopano, followed, window, batches, n_batches);
	if (rc == 0)
		forget_stumbles(followed);
	return rc;
}

/* Entries that are not for us (another kind of item, subfolders) move the position too. In one folder writers are
 * serialised, so nothing can still appear below the folder's highest id. */
static void follow_over(struct kopano *kopano, struct followed *followed, const struct window *window)
{
	kopano->reading = NULL;
	if (window->n)
		followed->poll_at_ms = clock_ms();
	if (window->max_change_id <= followed->position.change_id)
		return;
	struct batch *batch = batch_new(followed->contents_stream);
	put_position(followed, batch, window->max_change_id);
	hand_over(kopano, batch);
}

static int read_and_publish(struct kopano *kopano, struct followed *followed, struct window *window, struct err *err)
{
	int rc = read_window(kopano, window, err);
	if (rc)
		return refused(kopano, followed, rc, err);
	if (followed->suspended)
		folder_resume(kopano, followed);
	rc = window->n ? publish_window(kopano, followed, window, err) : 0;
	if (no_access(kopano, rc))
		return folder_suspend(kopano, followed), 0;
	if (rc == 0 && window->over)
		follow_over(kopano, followed, window);
	return rc;
}

int follow_read(struct kopano *kopano, struct err *err)
{
	struct followed *followed = kopano->reading;
	if (client_changes_age_ms(kopano->client) > CHANGES_AGE_LIMIT_MS) {
		client_abandon_changes(kopano->client);
		kopano->reading = NULL;
		int rc = follow_ask(kopano, followed, err);
		if (rc || !kopano->reading)
			return rc;
	}
	struct window *window = xcalloc(1, sizeof *window);
	int rc = read_and_publish(kopano, followed, window, err);
	if (rc || followed->suspended || followed->ended) {
		client_abandon_changes(kopano->client);
		kopano->reading = NULL;
	}
	arena_free(&window->arena);
	free(window);
	return rc;
}
