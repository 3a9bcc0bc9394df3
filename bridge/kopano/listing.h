/* Snapshots: listings of one folder each, read page by page while its changes are followed (snapshot.c). A listing is
 * here from the batch that begins it to the one that ends it, over restarts. One thread. */
#ifndef TIDINGS_BRIDGE_KOPANO_LISTING_H
#define TIDINGS_BRIDGE_KOPANO_LISTING_H

#include "bridge/kopano/keymap.h"
#include "bridge/kopano/position.h"
#include "core/batch.h"

struct kopano;
struct stream;

enum { PAGE_ROWS = 1000, TOLD_KEPT_MS = 60000, TOLD_ITEMS = 32768 };

struct listing {
	uint32_t folder;       /* its place in the map */
	struct stream *stream; /* that follows it */
	const char *name, *key;
	struct snapshot_position position;
};

/* Wanted of this folder, and not under way. */
bool snapshot_wanted(const struct kopano *kopano, uint32_t folder);
void snapshot_forgo(struct kopano *kopano, uint32_t folder); /* it is not wanted any more */

/* A listing begins: adds BEGIN and its first position to the batch. */
void snapshot_begin(struct kopano *kopano, struct stream *stream, uint32_t folder, struct batch *batch);

/* One that the state has. */
void listing_add(struct kopano *kopano, struct stream *stream, uint32_t folder,
		 const struct snapshot_position *position);

/* It ends without an end: the batch removes its position. No listing: nothing. */
void listing_remove(struct kopano *kopano, uint32_t folder, struct batch *batch);

struct listing *listing_find(const struct kopano *kopano, uint32_t folder);

/* The one that is to be read next; NULL: none can go on. */
struct listing *listing_next(const struct kopano *kopano);

/* Asks for the next page; then snapshot_read_rows until kopano->paging is NULL. */
int snapshot_ask(struct kopano *kopano, struct listing *listing, struct err *err);
int snapshot_read_rows(struct kopano *kopano, struct err *err);

/* ---- told.c ---- */

/* What was published of items in the last minute or two, if there is something to be listed: a table can show a row as
 * it was for a moment after the journal has told of its change. At most two generations of TOLD_ITEMS. */
struct told {
	struct arena arenas[2]; /* of this minute, of the one before */
	struct keymap items[2]; /* enum told_of, by identity */
	int64_t since_ms;
};

enum told_of { TOLD_NOTHING, TOLD_DELETED, TOLD_READ, TOLD_UNREAD };

void told_note(struct told *told, const struct change *change);
enum told_of told_find(const struct told *told, struct slice parent_key, struct slice source_key);
void told_forget(struct told *told);

#endif
