/* The Kopano source, inside: one session, a list of followed folders, one thread.
 *
 * next() takes one step at a time: it goes on with what is being read, else follows a folder whose poll is due, else
 * asks for a page of a snapshot, else waits. So all reads of a folder have one owner and come out in the order in which
 * they were asked for, and content never goes back: a page is taken to its end before its folder is followed again.
 *
 * Batches are made whole or not at all: when a call fails, what was not yet made is forgotten and read again from the
 * position of the last batch that was made. */
#ifndef TIDINGS_BRIDGE_KOPANO_KOPANO_H
#define TIDINGS_BRIDGE_KOPANO_KOPANO_H

#include <pthread.h>

#include "bridge/clock.h"
#include "bridge/driver.h"
#include "bridge/kopano/client.h"
#include "bridge/kopano/item.h"
#include "bridge/kopano/keymap.h"
#include "bridge/kopano/position.h"
#include "bridge/kopano/settle.h"
#include "core/source.h"

enum {
	WINDOW_ENTRIES = 1000, /* journal entries whose items are read by one call */
	PAGE_ROWS = 1000,
	BATCH_BYTES = 1 << 20, /* a batch is closed, or made smaller, when it holds more */
	SUSPENDED_POLL_MS = 5000,
	RETRY_POLL_MS = 1000,             /* at the latest, after a read that failed */
	KEEP_ALIVE_MS = 24 * 3600 * 1000, /* the server forgets sync ids that are not stored for 90 days */
	ANSWER_AGE_LIMIT_MS = 45000,      /* the server gives up an answer that nobody takes after 60 s */
	ITEM_TRIES = 3,                   /* of an item that the server refuses */
	ITEM_TRIES_PASSING = 6,           /* of one that is locked, or at which the connection breaks: some 6 s */
	EXPORT_TRIES = 3,
	START_MARGIN = 10000, /* ids below the maximum at the start: what of them is visible then is not news */
	BACKLOG_IDS = 50000,  /* a longer one is read after it has settled */
	TOLD_KEPT_MS = 60000,
	MAX_PENDING = 16,
};

struct kopano_config {
	struct login login;
	char *secret; /* login.password, owned */
	const struct follow *follow;
	int64_t poll_ms, settle_ms;
};

/* An item of the window being read that could not be read, and how often that was tried. */
struct stumble {
	struct stumble *next;
	struct slice source_key;
	int n_tries;
	bool given_up;
	char text[256]; /* of the last error */
};

/* What was published of items while a listing is under way, of the last minute or two: a table can show a row as it was
 * for a moment after the journal has told of its change. */
struct told {
	struct arena arenas[2]; /* of this minute, of the one before */
	struct keymap items[2]; /* enum told_of */
	int64_t since_ms;
};

/* A followed folder. Its slices live in the source's arena. */
struct followed {
	struct store_info store;
	struct folder_info folder;
	const char *contents_key, *taken_key, *snapshot_key, *entry_key; /* of the state */
	const char *contents_stream, *snapshot_stream;                   /* names, the ends of those */

	bool started;   /* it has a position, committed or under way */
	bool suspended; /* the right to read is gone */
	bool ending;    /* it is in the state but not in the configuration */
	bool ended;     /* nothing is to be done any more */
	bool given;     /* its position comes from outside */
	bool has_goal;  /* of the round: its first answer went up to */
	uint32_t goal;
	uint32_t sync_id;
	struct settle settle;
	bool checked; /* the sync id, since the last logon */
	int64_t poll_at_ms, kept_at_ms;
	int n_export_failures;
	size_t batch_entries; /* as many as went well into BATCH_BYTES */
	struct stumble *stumbles;
	struct arena stumble_arena;

	uint8_t listed; /* bit (1 << listing): complete */
	bool listing;   /* a snapshot is under way: */
	struct snapshot_position snapshot;
	struct told told;
};

/* Journal entries whose items are being read; its batches are made one after another. */
struct entry {
	uint32_t change_id;
	struct slice source_key;
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

	size_t first_key; /* of the next batch */
	bool exporting;   /* rows of keys[export_base] and on are being read */
	bool export_over; /* all that will come has come */
	size_t export_base;
	int64_t taken_at_ms; /* when the last row was */
	bool has_row;        /* one that belongs to a later batch: */
	uint32_t row_key;
	struct prop row[N_ITEM_COLUMNS];
	struct arena row_arena;
};

struct kopano {
	struct source base;
	const struct kopano_config *config;
	struct login login; /* of the configuration, with our stop */
	struct arena arena;
	struct client_stop *stop;
	struct client *client;     /* NULL: not connected */
	struct server_info server; /* epoch 0: not known yet */

	struct folder_entry *known; /* the folder map of the state */
	size_t n_known;
	struct followed *followed;
	size_t n_followed, room_followed;
	size_t turn;               /* whose turn it is to be looked at first */
	struct followed *reading;  /* whose changes are being read */
	struct window window;      /* of those */
	bool page_next;            /* a listing has its turn before the next poll */
	struct followed *paging;   /* whose page of rows is being read */
	struct followed *table_of; /* whose table is open */
	size_t page_rows;          /* of the page being read, so far */

	struct batch *pending[MAX_PENDING]; /* made, to be handed over, oldest first */
	size_t n_pending;

	pthread_mutex_t mutex; /* for waiting only */
	pthread_cond_t stopped;
};

/* ---- folders.c: what is followed ---- */

/* Folders that the state knows are followed by their keys, whatever has become of their paths. */
struct followed *folder_add(struct kopano *kopano, const struct store_info *store, const struct folder_info *folder);

/* Finds the configured folders. ERR_FATAL (exit 2) names one that does not exist. */
int folders_find(struct kopano *kopano, struct err *err);

/* Ends a folder for its consumers: an empty snapshot; its positions are removed. */
void folder_end(struct kopano *kopano, struct followed *followed, const char *why);

/* The folder's own highest change id, which also proves the right to read. ERR_BAD with KOPANO_NO_ACCESS: it is gone.
 */
int folder_maximum(struct kopano *kopano, const struct followed *followed, uint32_t *change_id, struct err *err);

/* *proven: the folder may be read and is not deleted. If not, it was suspended or ended, or its sync id has expired,
 * which the next poll, now due, finds out. */
int folder_prove(struct kopano *kopano, struct followed *followed, bool *proven, struct err *err);

/* The same about the right alone, without disturbing a reading of changes. */
bool folder_right_lost(struct kopano *kopano, struct followed *followed, struct err *err);

/* A snapshot of it is under way and can go on. */
bool folder_is_listing(const struct followed *followed);

void folder_suspend(struct kopano *kopano, struct followed *followed);
void folder_resume(struct kopano *kopano, struct followed *followed);

/* ---- given.c: a position from outside ---- */

/* Takes the position that the state was given, if there is one, for the one folder that is followed. ERR_FATAL: it is
 * no position, or another folder's. */
int given_seek(struct kopano *kopano, struct state *state, struct err *err);

/* ---- follow.c ---- */

/* Registers the folder, notes where following starts, and begins its snapshot if one is wanted. */
int follow_start(struct kopano *kopano, struct followed *followed, struct err *err);

/* Asks for the changes of a folder; then window_read until kopano->reading is NULL. */
int follow_ask(struct kopano *kopano, struct followed *followed, struct err *err);

/* What the server says to getChanges: suspends, registers anew, ends, or ERR_AGAIN. */
int follow_refused(struct kopano *kopano, struct followed *followed, int rc, struct err *err);

/* ---- round.c: from SOURCE_IDLE to the next ---- */

/* An answer has come to its end and knows of ids up to `max`. */
void round_note(struct followed *followed, uint32_t max);

/* The highest id that may be given in this round. */
uint32_t round_limit(const struct kopano *kopano, const struct followed *followed);

/* Everything that was there when the round began has been given and has settled; then the next one begins. */
bool round_is_over(struct kopano *kopano);

/* ---- window.c: journal entries become batches ---- */

/* Takes entries, or makes the next batch of those that were taken. */
int window_read(struct kopano *kopano, struct err *err);

/* Forgets what was taken and not published; the reading of changes with it. */
void window_drop(struct kopano *kopano);

/* ---- collapse.c: several journal entries of an item become one change ---- */

struct outcome {
	struct slice source_key;
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

/* ---- read_items.c ---- */

/* Reads the items of the batch's upserts: content[i] is what outcomes[i] is now, its `item` NULL if it is gone, its
 * cause set if it cannot be read. *too_big: the batch's arena holds more than BATCH_BYTES; nothing is settled.
 * ERR_AGAIN: read it again. */
int read_items(struct kopano *kopano, struct followed *followed, const struct outcome *outcomes, size_t n,
	       struct batch *batch, struct change *content, bool *too_big, struct err *err);

/* Begins and ends the export of the window's items. */
void export_drop(struct window *window);

/* A batch is published: what could not be read is tried anew when it changes again. */
void forget_stumbles(struct followed *followed);

/* ---- snapshot.c ---- */

/* Adds BEGIN and the snapshot's first position to the batch. */
void snapshot_begin(struct kopano *kopano, struct followed *followed, struct batch *batch);
bool snapshot_wanted(const struct kopano *kopano, const struct followed *followed);
void snapshot_forgo(const struct kopano *kopano, struct followed *followed); /* it is not wanted any more */

/* A change is published: if a listing is under way, its rows must not set it back. */
void snapshot_note(struct followed *followed, const struct change *change);
void snapshot_forget(struct followed *followed);

/* Asks for the next page; then snapshot_read_rows until kopano->paging is NULL. */
int snapshot_ask(struct kopano *kopano, struct followed *followed, struct err *err);
int snapshot_read_rows(struct kopano *kopano, struct err *err);

/* ---- source.c ---- */

int64_t now_ns(void); /* of the day */
void random_bytes(uint8_t *to, size_t n);

/* A change, with what all changes of the batch share. */
struct change *new_change(struct kopano *kopano, const struct followed *followed, struct batch *batch);
void share(struct kopano *kopano, const struct followed *followed, struct batch *batch, struct change *change);
void add_lifecycle(struct kopano *kopano, const struct followed *followed, struct batch *batch,
		   enum lifecycle_type type, const char *text);
void put_position(struct followed *followed, struct batch *batch);
void put_entry(struct followed *followed, struct batch *batch);

/* Queues a batch that was made; there is always room for the batches of one step. */
void hand_over(struct kopano *kopano, struct batch *batch);

bool no_access(const struct kopano *kopano, int rc);

/* What a server refuses for reasons of its own is tried again: ERR_BAD and ERR_GONE become ERR_AGAIN. */
int passing(int rc, struct err *err);

extern const struct source_ops kopano_ops;

#endif
