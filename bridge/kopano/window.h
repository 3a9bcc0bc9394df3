/* Journal entries being read: up to WINDOW_ENTRIES of the answer to the stream that kopano->reading is. They are taken
 * at once, so that their items are read by one call, and made into batches one after another: those of items in
 * publish.c, those of folders in tree.c.
 *
 * Entries of a stream of items may be of many folders. An item is known by its parent and its own source key together
 * (`identity`): in everything here, and in what was told (told.h). */
#ifndef TIDINGS_BRIDGE_KOPANO_WINDOW_H
#define TIDINGS_BRIDGE_KOPANO_WINDOW_H

#include "bridge/kopano/client.h"
#include "bridge/kopano/item.h"
#include "bridge/kopano/keymap.h"

struct kopano;
struct stream;

enum {
	WINDOW_ENTRIES = 1000,       /* journal entries whose items are read by one call */
	BATCH_BYTES = 1 << 20,       /* a batch is closed, or made smaller, when it holds more */
	ANSWER_AGE_LIMIT_MS = 45000, /* the server gives up an answer that nobody takes after 60 s */
};

struct entry {
	uint32_t change_id;
	uint32_t folder; /* of items: the parent's place in the map; NO_FOLDER: it is not known */
	struct slice identity, parent_key, source_key;
	uint32_t type, flags;
	int key; /* of an upsert: its place among the keys of the export; -1: another entry of the window reads it */
};

struct window {
	struct arena arena;
	struct entry entries[WINDOW_ENTRIES];
	size_t n, next;
	struct item_key keys[WINDOW_ENTRIES];
	size_t n_keys;
	struct keymap deleted; /* change ids of deletes among the entries that were published before, by item */
	uint32_t max_change_id;
	bool over; /* the answer has come to its end */

	size_t first_key;               /* of the next batch */
	bool exporting;                 /* rows of keys from export_base to export_end are being read */
	size_t export_base, export_end; /* those before export_end were asked for, and are here or come no more */
	int64_t taken_at_ms;            /* when the last row was */
	bool has_row;                   /* one that belongs to a later batch: */
	uint32_t row_key;
	struct prop row[N_ITEM_COLUMNS];
	struct arena row_arena;
};

/* Takes entries, or makes the next batch of those that were taken. */
int window_read(struct kopano *kopano, struct err *err);

/* Forgets what was taken and not published; the reading of changes with it. */
void window_drop(struct kopano *kopano);

/* Parent and source key as one: in the arena. The key is the end of it. */
struct slice identity_of(struct arena *arena, struct slice parent_key, struct slice source_key);

/* An entry that asks for content, a delete. */
bool entry_is_content(const struct entry *entry);
bool entry_is_delete(uint32_t type);

/* ---- publish.c: entries of items become batches ---- */

/* Makes and hands over the next batch. */
int publish_next(struct kopano *kopano, struct stream *stream, struct err *err);

/* The batch stands for these entries (at most BATCH_CHANGES): their ids are taken. */
void take_ids(struct kopano *kopano, struct stream *stream, struct batch *batch, const struct entry *entries, size_t n);

/* Its items are published. */
bool folder_is_followed(const struct kopano *kopano, uint32_t folder);

/* ---- collapse.c: several journal entries of an item become one change ---- */

struct outcome {
	struct slice identity, parent_key, source_key;
	uint32_t folder;
	enum change_kind kind;
	uint32_t change_id; /* of the highest entry */
	int key;            /* of an upsert, as in struct entry */
	bool read;          /* by the last read flag entry ... */
	bool read_is_last;  /* ... which came after the content: the content may still show the flag of before */
	enum deletion_type deletion; /* the last one; also of an upsert that came after it */
};

/* What n entries (at most BATCH_CHANGES, ascending) stand for, in ascending order of change id; returns how many.
 * Slices are those of the entries. */
size_t collapse(const struct entry *entries, size_t n, struct outcome *outcomes);

bool outcome_is_upsert(const struct outcome *outcome);

/* ---- read_items.c ---- */

/* Reads the items of the batch's upserts: content[i] is what outcomes[i] is now, its `item` NULL if it is gone, its
 * cause set if it cannot be read. *too_big: the batch's arena holds more than BATCH_BYTES; nothing is settled.
 * ERR_AGAIN: read it again. */
int read_items(struct kopano *kopano, struct stream *stream, const struct outcome *outcomes, size_t n,
	       struct batch *batch, struct change *content, bool *too_big, struct err *err);

/* Ends the export of the window's items. */
void export_drop(struct window *window);

#endif
