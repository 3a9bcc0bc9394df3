#include <stdio.h>
#include <stdlib.h>

#include "bridge/kopano/kopano.h"

/* Items are read by one batched call for the whole window, whose rows are taken batch by batch; it leaves out what is
 * gone and cuts long values. What it does not give whole is read singly, and one or two items at once, because that is
 * sooner. An event's content does not depend on which call read it. */

enum { FEW_KEYS = 2 };

struct reading {
	struct kopano *kopano;
	struct stream *stream;
	const struct outcome *outcomes;
	size_t n;
	struct batch *batch;
	struct change *content;
};

static bool is_wanted(const struct reading *reading, size_t i)
{
	const struct outcome *outcome = &reading->outcomes[i];
	return outcome_is_upsert(outcome) && outcome->key >= 0 && !reading->content[i].item &&
	       outcome->folder != NO_FOLDER && folder_is_followed(reading->kopano, outcome->folder);
}

static void fill(struct reading *reading, size_t i, const struct prop *cells)
{
	const struct outcome *outcome = &reading->outcomes[i];
	struct arena *arena = &reading->batch->arena;
	struct prop copies[N_ITEM_COLUMNS];
	cells_copy(copies, cells, arena);
	item_from_cells(copies, arena, &reading->content[i]);
	if (outcome->read_is_last)
		item_set_read(&reading->content[i], outcome->read);
}

/* ---- stumbles ---- */

static struct stumble *find_stumble(const struct stream *stream, struct slice identity)
{
	struct stumble *stumble = stream->stumbles;
	while (stumble && !slice_equal(stumble->identity, identity))
		stumble = stumble->next;
	return stumble;
}

static struct stumble *add_stumble(struct stream *stream, struct slice identity)
{
	struct stumble *stumble = find_stumble(stream, identity);
	if (stumble)
		return stumble;
	stumble = arena_zero(&stream->stumble_arena, sizeof *stumble);
	stumble->identity = arena_copy(&stream->stumble_arena, identity);
	stumble->next = stream->stumbles;
	stream->stumbles = stumble;
	return stumble;
}

/* ---- the batched call ---- */

static void drop_row(struct window *window)
{
	window->has_row = false;
	arena_free(&window->row_arena);
}

void export_drop(struct window *window)
{
	drop_row(window);
	window->exporting = false;
	window->export_end = window->first_key;
}

/* It broke the connection when it was exported alone. */
static bool breaks_export(const struct stream *stream, const struct item_key *key)
{
	struct arena arena = {0};
	if (!stream->stumbles)
		return false;
	const struct stumble *stumble =
		find_stumble(stream, identity_of(&arena, key->parent_source_key, key->source_key));
	arena_free(&arena);
	return stumble && stumble->breaks_export;
}

static void note_breaking(struct stream *stream, const struct item_key *key)
{
	struct arena arena = {0};
	add_stumble(stream, identity_of(&arena, key->parent_source_key, key->source_key))->breaks_export = true;
	arena_free(&arena);
}

/* The server locks the folders of a call, for a moment. */
static bool are_of_many_folders(const struct item_key *keys, size_t n)
{
	struct slice folders[EXPORT_FOLDERS];
	size_t n_folders = 0;
	for (size_t i = 0; i < n; i++) {
		size_t at = 0;
		while (at < n_folders && !slice_equal(folders[at], keys[i].parent_source_key))
			at++;
		if (at == EXPORT_FOLDERS)
			return true;
		folders[at] = keys[i].parent_source_key;
		n_folders += at == n_folders;
	}
	return false;
}

static size_t n_export_keys(const struct stream *stream, const struct window *window)
{
	const struct item_key *keys = &window->keys[window->export_end];
	size_t left = window->n_keys - window->export_end, most = left, n = 0;
	if (most > EXPORT_SCATTERED && are_of_many_folders(keys, most))
		most = EXPORT_SCATTERED;
	if (stream->export_keys && most > stream->export_keys)
		most = stream->export_keys;
	while (n < most && !breaks_export(stream, &keys[n]))
		n++;
	return n;
}

static int begin_export(struct kopano *kopano, const struct stream *stream, struct err *err)
{
	struct window *window = &kopano->window;
	size_t n = n_export_keys(stream, window);
	window->export_base = window->export_end;
	window->export_end += n ? n : 1;
	window->exporting = n > 0;
	if (n == 0)
		return 0;
	window->taken_at_ms = clock_ms();
	return client_export(kopano->client, &window->keys[window->export_base], n, &item_columns, err);
}

/* All that will come of the keys before export_end has come: more may be asked for at once. */
static void export_over(struct stream *stream, struct window *window)
{
	window->exporting = false;
	if (stream->export_keys)
		stream->export_keys = stream->export_keys < WINDOW_ENTRIES ? 4 * stream->export_keys : 0;
}

static int next_row(struct kopano *kopano, struct stream *stream, struct err *err)
{
	struct window *window = &kopano->window;
	uint32_t index;
	int rc = client_next_export(kopano->client, &window->row_arena, &index, window->row, err);
	window->taken_at_ms = clock_ms();
	window->has_row = rc == 0;
	if (rc == KOPANO_END)
		export_over(stream, window);
	window->row_key = (uint32_t)window->export_base + index;
	return rc == KOPANO_END ? 0 : rc;
}

/* The row at hand, if there is one that belongs below end_key. */
static int peek_row(struct kopano *kopano, struct stream *stream, uint32_t end_key, bool *found, struct err *err)
{
	struct window *window = &kopano->window;
	int rc = 0;
	if (window->exporting && clock_ms() - window->taken_at_ms > ANSWER_AGE_LIMIT_MS)
		export_drop(window);
	while (rc == 0 && !window->has_row && (window->exporting || window->export_end < end_key))
		rc = window->exporting ? next_row(kopano, stream, err) : begin_export(kopano, stream, err);
	*found = rc == 0 && window->has_row && window->row_key < end_key;
	return rc;
}

static size_t outcome_of(const struct reading *reading, uint32_t key)
{
	size_t i = 0;
	while (i < reading->n && !(outcome_is_upsert(&reading->outcomes[i]) && reading->outcomes[i].key == (int)key))
		i++;
	return i;
}

static uint32_t end_of_keys(const struct reading *reading)
{
	int end = 0;
	for (size_t i = 0; i < reading->n; i++)
		if (outcome_is_upsert(&reading->outcomes[i]) && reading->outcomes[i].key >= end)
			end = reading->outcomes[i].key + 1;
	return (uint32_t)end;
}

static bool is_too_big(const struct reading *reading)
{
	return reading->batch->arena.n_bytes > BATCH_BYTES && reading->n > 1;
}

static int read_rows(struct reading *reading, bool *too_big, struct err *err)
{
	struct window *window = &reading->kopano->window;
	uint32_t end_key = end_of_keys(reading);
	bool found = end_key > 0;
	int rc = 0;
	while (found && !*too_big && (rc = peek_row(reading->kopano, reading->stream, end_key, &found, err)) == 0 &&
	       found) {
		size_t i = outcome_of(reading, window->row_key);
		if (i < reading->n && !item_may_be_cut(window->row))
			fill(reading, i, window->row);
		drop_row(window);
		*too_big = is_too_big(reading);
	}
	return rc;
}

/* A call that breaks the connection is made with fewer keys, down to the one item that breaks it: that is read singly.
 * A server that refuses the call is asked singly, for this window. */
static int export_failed(struct reading *reading, int rc)
{
	struct window *window = &reading->kopano->window;
	size_t n = window->export_end - window->export_base;
	if (rc != ERR_AGAIN) {
		drop_row(window);
		window->exporting = false;
		window->export_end = window->n_keys;
		return 0;
	}
	reading->stream->export_keys = n > 4 ? n / 4 : 1;
	if (n == 1)
		note_breaking(reading->stream, &window->keys[window->export_base]);
	export_drop(window);
	return rc;
}

static int try_rows(struct reading *reading, bool *too_big, struct err *err)
{
	int rc = read_rows(reading, too_big, err);
	return rc && rc != ERR_STOPPED ? export_failed(reading, rc) : rc;
}

/* ---- singly ---- */

/* A lock goes away, and so does what breaks a connection, mostly. */
static int tries_of(const struct reading *reading, int rc)
{
	return rc == ERR_AGAIN || no_access(reading->kopano, rc) ? ITEM_TRIES_PASSING : ITEM_TRIES;
}

static void note_stumble(struct reading *reading, struct slice identity, int rc, const struct err *err)
{
	struct stumble *stumble = add_stumble(reading->stream, identity);
	stumble->n_tries++;
	stumble->given_up = stumble->n_tries >= tries_of(reading, rc);
	snprintf(stumble->text, sizeof stumble->text, "%s", err->text);
}

static bool given_up(struct reading *reading, size_t i)
{
	const struct stumble *stumble = find_stumble(reading->stream, reading->outcomes[i].identity);
	if (!stumble || !stumble->given_up)
		return false;
	reading->content[i].cause = CAUSE_UNREADABLE;
	reading->content[i].cause_text = arena_text(&reading->batch->arena, "%s", stumble->text);
	return true;
}

static int read_one(struct reading *reading, size_t i, struct err *err)
{
	struct kopano *kopano = reading->kopano;
	const struct outcome *outcome = &reading->outcomes[i];
	const struct item_key key = {outcome->parent_key, outcome->source_key};
	struct arena arena = {0};
	uint32_t store = map_folder(&kopano->map, outcome->folder)->store;
	struct slice store_entry_id = map_store_entry_id(&kopano->map, store, &arena);
	struct prop cells[N_ITEM_COLUMNS];
	int rc = item_read(kopano->client, store_entry_id, &key, &arena, cells, err);
	if (rc == 0)
		fill(reading, i, cells);
	arena_free(&arena);
	return rc;
}

/* 0: read or gone, or its failure is noted and the next item can be read (*failed). */
static int read_singly(struct reading *reading, size_t i, bool *failed, struct err *err)
{
	struct kopano *kopano = reading->kopano;
	const struct outcome *outcome = &reading->outcomes[i];
	struct err lost;
	int rc = read_one(reading, i, err);
	if (rc == 0 || rc == ERR_GONE || rc == ERR_STOPPED)
		return rc == ERR_GONE ? 0 : rc;
	/* No access to an item is the loss of the folder's right, or the item is locked for a moment. */
	bool locked = no_access(kopano, rc);
	if (locked && stream_right_lost(kopano, reading->stream, &lost))
		return rc;
	note_stumble(reading, outcome->identity, locked ? ERR_AGAIN : rc, err);
	*failed = true;
	return client_alive(kopano->client) ? 0 : ERR_AGAIN;
}

/* All that can be read is tried before the pause that follows a failure. */
static int read_rest(struct reading *reading, bool *too_big, struct err *err)
{
	struct err why = {0};
	bool failed = false;
	for (size_t i = 0; i < reading->n && !*too_big; i++) {
		if (!is_wanted(reading, i) || given_up(reading, i))
			continue;
		bool this_failed = false;
		int rc = read_singly(reading, i, &this_failed, err);
		if (rc)
			return rc;
		if (this_failed)
			why = *err;
		failed |= this_failed;
		*too_big = is_too_big(reading);
	}
	if (!failed || *too_big)
		return 0;
	*err = why;
	err->class = ERR_AGAIN;
	return ERR_AGAIN;
}

/* ---- one or two at once ---- */

static bool are_few(const struct reading *reading)
{
	const struct window *window = &reading->kopano->window;
	return window->n_keys - window->first_key <= FEW_KEYS && window->export_end == window->first_key &&
	       !reading->stream->stumbles;
}

/* For the batched call the server makes a connection to its database and a thread: until it answers, some five items
 * are read singly. What that does not give (it is locked, it is gone) is read as if it had not been tried. */
static int try_few(struct reading *reading, bool *too_big, struct err *err)
{
	bool all = true;
	for (size_t i = 0; i < reading->n && !*too_big; i++) {
		int rc = is_wanted(reading, i) ? read_one(reading, i, err) : 0;
		all &= rc == 0;
		*too_big = is_too_big(reading);
		if (rc && !client_alive(reading->kopano->client)) {
			note_stumble(reading, reading->outcomes[i].identity, rc, err);
			return rc;
		}
	}
	if (all && !*too_big)
		reading->kopano->window.export_end = reading->kopano->window.n_keys;
	return 0;
}

int read_items(struct kopano *kopano, struct stream *stream, const struct outcome *outcomes, size_t n,
	       struct batch *batch, struct change *content, bool *too_big, struct err *err)
{
	struct reading reading = {kopano, stream, outcomes, n, batch, content};
	int rc = are_few(&reading) ? try_few(&reading, too_big, err) : 0;
	if (rc == 0 && !*too_big)
		rc = try_rows(&reading, too_big, err);
	return rc || *too_big ? rc : read_rest(&reading, too_big, err);
}
