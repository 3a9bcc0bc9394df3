/* Snapshots: listings of one folder each, read page by page while its changes are followed (snapshot.c). A listing is
 * here from the batch that begins it to the one that ends it, over restarts. One thread. */
#ifndef TIDINGS_BRIDGE_KOPANO_LISTING_H
#define TIDINGS_BRIDGE_KOPANO_LISTING_H

#include "bridge/kopano/keymap.h"
#include "bridge/kopano/position.h"
#include "core/batch.h"

struct kopano;
struct stream;

enum { PAGE_ROWS = 1000, TOLD_KEPT_MS = 60000, TOLD_ITEMS = 32768, TOLD_LEAST_MS = 5000 };

struct listing {
	struct arena arena;
	uint32_t folder;       /* its place in the map */
	struct stream *stream; /* that follows its items */
	const char *name, *key;
	struct snapshot_position position;
	int64_t not_before_ms;    /* it was put off */
	uint64_t n_done, n_total; /* items, for people; n_total 0: not known */
};

/* ---- listing.c: what is to be listed, and in which order ---- */

/* The map says of each folder what of it was listed, for which generation of listings: a new generation (restored
 * server, everything wanted anew) makes all of that void. Folders are looked through from a cursor on, once. */
void listing_want(struct kopano *kopano, uint32_t folder);    /* anew */
void listing_forgo(struct kopano *kopano, uint32_t folder);   /* it is complete without one */
void listing_look_again(struct kopano *kopano);               /* one that could not be read can be now */
void listing_put_off(struct kopano *kopano, uint32_t folder); /* it cannot be read now */

/* The folder was deleted and lives again: its items are there without a word, and of their deletes the journal may tell
 * late. It is listed only when everything up to this id was told of them. */
void listing_hold(struct kopano *kopano, uint32_t folder, uint32_t change_id);
void listing_look_at_held(struct kopano *kopano); /* more was told */

/* What was published just before is not known any more, and a table may not know of it yet: listings wait a little. */
void listing_rest(struct kopano *kopano);

/* It is to be listed, or is being listed: what is told of its items meanwhile is kept in mind (told.c). */
bool listing_is_wanted(const struct kopano *kopano, uint32_t folder);

bool listing_is_due(struct kopano *kopano);
int64_t listing_wait_ms(const struct kopano *kopano);     /* until it may be; INT64_MAX: there is none */
int listing_step(struct kopano *kopano, struct err *err); /* then snapshot_read_rows until kopano->paging is NULL */
void listing_count_rows(struct kopano *kopano, size_t n_rows); /* for the limit of rows in a second */
uint32_t listing_page_rows(const struct kopano *kopano);

/* Under way. */
struct listing *listing_add(struct kopano *kopano, uint32_t folder, const struct snapshot_position *position);
void listing_forget(struct kopano *kopano, struct listing *listing);
void listing_free(struct listing *listing);

/* It ends without an end: the batch removes its position. No listing: nothing. */
void listing_remove(struct kopano *kopano, uint32_t folder, struct batch *batch);

/* The open table, of whatever listing, and an export: others need the connection. */
void listing_close_table(struct kopano *kopano);

/* ---- snapshot.c: pages and rows ---- */

int snapshot_begin(struct kopano *kopano, uint32_t folder, struct err *err);
int snapshot_ask(struct kopano *kopano, struct listing *listing, struct err *err);
int snapshot_read_rows(struct kopano *kopano, struct err *err);

/* ---- told.c ---- */

/* What was published of items in the last minute or two, if there is something to be listed: a table can show a row as
 * it was for a moment after the journal has told of its change. At most two generations of TOLD_ITEMS. */
struct told {
	struct arena arenas[2]; /* of this minute, of the one before */
	struct keymap items[2]; /* enum told_of, by identity */
	int64_t since_ms[2];
};

enum told_of { TOLD_NOTHING, TOLD_DELETED, TOLD_READ, TOLD_UNREAD };

void told_note(struct told *told, const struct change *change);
enum told_of told_find(const struct told *told, struct slice parent_key, struct slice source_key);
void told_forget(struct told *told);

/* So much was told in so short a time that too little of it is known: listings wait. 0: they need not. */
int64_t told_wait_ms(const struct told *told);

#endif
