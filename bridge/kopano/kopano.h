/* The Kopano source, inside: one session, the streams that are followed, the map of stores and folders, one thread.
 *
 *     source.c     the interface; connects, and takes one step after another
 *     load.c       the state: what it belongs to, where streams and listings stand
 *     follow.c     which streams there are, and whose turn it is                          (follow.h)
 *     stream.c     a stream: registered, asked, refused                                   (stream.h)
 *     maximum.c    has anything changed at all? one question, whatever the server's size
 *     window.c     entries of items are taken and become batches: publish.c, collapse.c,
 *                  read_items.c                                                           (window.h)
 *     folders.c    entries of folders are taken, beside those of items
 *     late.c       looks back for what came later than it may
 *     unknown.c    folders that items were in before anybody had told of them
 *     stores.c, tree.c, walk.c, ending.c    the map, and what is told of it               (tree.h, map.h)
 *     snapshot.c   listings: listing.c, told.c                                            (listing.h)
 *     rights.c     may it be read, is it there
 *     restore.c    the server was set back to an earlier time
 *     share.c      what the changes of a batch have in common                             (share.h)
 *     doorbell.c   what is read at once because the server tells of it: bell.c, heard.c;
 *                  tell.c: and what is published of that                                 (doorbell.h)
 *     status.c     how it stands (standing.h); requests.c: what somebody wants of it
 *
 * next() takes one step at a time: it goes on with what is being read (a page, a walk, entries of folders, entries of
 * items), else begins the next of them, else waits. So all reads of a folder have one owner and come out in the order
 * in which they were asked for, and content never goes back: a page is taken to its end before anything is followed
 * again. With the server's streams an answer about items is taken only after everything that was told of folders when
 * it began: an item's folder is known before the item.
 *
 * Batches are made whole or not at all: when a call fails, what was not yet made is forgotten and read again from the
 * position of the last batch that was made. The map is never ahead of the batches (tree.h). */
#ifndef TIDINGS_BRIDGE_KOPANO_KOPANO_H
#define TIDINGS_BRIDGE_KOPANO_KOPANO_H

#include <pthread.h>

#include "bridge/clock.h"
#include "bridge/driver.h"
#include "bridge/kopano/book.h"
#include "bridge/kopano/client.h"
#include "bridge/kopano/doorbell.h"
#include "bridge/kopano/follow.h"
#include "bridge/kopano/item.h"
#include "bridge/kopano/listing.h"
#include "bridge/kopano/map.h"
#include "bridge/kopano/position.h"
#include "bridge/kopano/share.h"
#include "bridge/kopano/standing.h"
#include "bridge/kopano/stores.h"
#include "bridge/kopano/stream.h"
#include "bridge/kopano/tree.h"
#include "bridge/kopano/walk.h"
#include "bridge/kopano/window.h"
#include "core/source.h"

enum { NO_FOLDER = MAP_NONE };

enum {
	SUSPENDED_POLL_MS = 5000,
	RETRY_POLL_MS = 1000,        /* at the latest, after a read that failed */
	KEEP_MS = 60 * 1000,         /* how often the server is given to keep how far its streams were read; those of */
	KEEP_ALIVE_MS = 3600 * 1000, /* single folders. It forgets sync ids that are not stored for 90 days */
	FOLDERS_AGAIN_MS = 2000,     /* how often entries of folders are read, at most (and once in ten polls) */
	GONE_POLL_MS = 1000,         /* a stream whose folder is not there, while nobody says what became of it */
	GONE_TRIES = 3,
	ITEM_TRIES = 3,         /* of an item that the server refuses */
	ITEM_TRIES_PASSING = 6, /* of one that is locked, or at which the connection breaks: some 6 s */
	EXPORT_SCATTERED = 256, /* items that are read by one call, at most, if they are of more folders than */
	EXPORT_FOLDERS = 16,    /* these; of fewer all that are at hand: a call costs as much as 500 of its items */
	START_MARGIN = 10000,   /* ids below the maximum at the start: what of them is visible then is not news */
	LISTING_REST_MS = 2000, /* how long a table may not know of what the journal has told */
	BACKLOG_IDS = 50000,    /* a longer one is read after it has settled */
};

struct kopano_config {
	struct login login;
	char *secret; /* login.password, owned */
	const struct follow *follow;
	int64_t sweep_ms; /* the poll interval while nothing happens and the server tells when something does */
	int64_t poll_ms, settle_ms, look_back_ms, discover_ms;
	int64_t addressbook_ms; /* the poll interval of users and groups */
	int64_t directory_ms;   /* how often the server is made to look at the directory behind it; 0: never */
};

/* Entries of folders that are being read, beside the window. */
struct folder_window {
	struct stream *stream; /* NULL: none */
	struct arena arena;
	struct entry entries[BATCH_CHANGES];
	size_t n, next;
	uint32_t max; /* the global maximum from before it was asked for */
	bool over;    /* the answer has come to its end */
};

/* Which ids were taken since a time, to know what comes late (late.c). */
struct late {
	uint8_t *taken; /* a bit for each id above `base` */
	uint32_t base, n_ids;
	struct notes settled; /* of the past */
	int64_t due_ms;
};

/* Folders that items named before anybody had told of them (unknown.c). */
struct unknown {
	struct arena arena;
	struct keymap keys;
	bool any; /* there were too many to be remembered */
	struct arena answer_arena;
	struct keymap in_answer; /* looked for, of the answer being read */
};

struct counts {
	uint64_t n_filtered, n_late, n_unannounced, n_unknown;
};

struct kopano {
	struct source base;
	const struct kopano_config *config;
	struct login login; /* of the configuration, with our stop */
	struct arena arena;
	struct client_stop *stop;
	struct client *client; /* NULL: not connected */
	bool log_on_again;     /* with a new session, whatever this one is like */
	bool restore_checked;  /* since the last logon */
	unsigned suspected;    /* enum restore_sign: seen once, looked at again with a new session */

	/* What the state belongs to. */
	struct server_info server; /* epoch 0: not known yet */
	enum following following;
	uint32_t start_max, generation;
	bool resync, has_ends;
	uint32_t first_epoch; /* of a state that does not know one */

	struct map map;
	struct stores stores;
	struct walk walk;

	struct stream **streams;
	size_t n_streams, room_streams;
	struct stream *server_stream, *folders_stream; /* FOLLOWING_SERVER */
	uint32_t purged;                               /* up to which settled id the map was cleaned */
	size_t turn;                                   /* whose turn it is to be looked at first */
	struct notes maxima;                           /* the server's highest change id, as it was said */
	uint32_t maximum;                              /* the last of them; 0: not known */
	int64_t maximum_at_ms;                         /* when it is asked next */
	int64_t moved_at_ms;                           /* when it was last seen to have grown */
	bool looks_back;                               /* what is asked now is for what came late */

	struct stream *reading; /* whose changes of items are being read */
	struct window window;   /* of those */
	struct folder_window folder_window;
	int64_t folders_at_ms; /* when they were last asked for */
	struct late late;
	struct unknown unknown;

	struct listing **listings; /* under way, the oldest first */
	size_t n_listings, room_listings;
	uint32_t listing_cursor;        /* a folder: those before it need no listing */
	bool listings_wanted;           /* there may be one that does */
	bool listings_held;             /* one is put off until its stream has told more */
	int64_t listings_at_ms;         /* none before */
	struct listing *paging;         /* whose page of rows is being read */
	struct listing *table_of;       /* whose table is open */
	uint32_t page_rows, page_asked; /* of the page being read: so far, at most */
	struct told told;
	bool beside_next; /* whose turn it was: what goes on beside following */

	struct doorbell doorbell;
	struct slice given; /* the state that a command was given */
	struct book book;
	struct shares shares;
	struct batch **pending; /* made, to be handed over, oldest first */
	size_t n_pending, room_pending;
	bool has_moved; /* since its standing was noted */
	bool away;      /* a step failed; it is said when the server answers again: */
	bool answered;  /* it has, to what is followed */

	struct counts counts;
	pthread_mutex_t mutex;  /* for waiting, and for what is below */
	pthread_cond_t stopped; /* or something is wanted */
	struct standing standing;
	struct request *requests;
};

/* ---- once.c, given.c: `tidings sync` ---- */

/* Finds the one configured folder, and puts it and the way to it into the map. ERR_FATAL (exit 2): there is none. */
int once_find(struct kopano *kopano, struct err *err);

/* The folder is gone: no state can be given. */
void once_end(struct kopano *kopano, struct stream *stream, const char *why);

/* Takes the position that the state was given, if there is one, for the one folder that is followed. ERR_FATAL: it is
 * no position, or another folder's. */
int given_seek(struct kopano *kopano, struct state *state, struct err *err);

/* The same for a stream that begins later. */
int given_begin(struct kopano *kopano, struct stream *stream, struct err *err);

/* The position of the one stream that is followed, as python-kopano has it; in the arena. */
int given_once_state(struct state *state, struct arena *arena, struct slice *bytes, struct err *err);

/* ---- load.c ---- */

int load_ends(struct kopano *kopano, struct state *state, struct err *err);
void put_ends(struct kopano *kopano, struct batch *batch);

/* Streams and listings, when the map is there. */
int load_streams(struct kopano *kopano, struct state *state, struct err *err);

/* The value of a key; *found: there is one. */
int load_get(struct state *state, const char *key, struct arena *arena, struct slice *bytes, bool *found,
	     struct err *err);
int load_damaged(struct err *err, const char *key);

/* ---- once_server.c: what a command has processed of the server's stream; nothing else keeps it ---- */

void once_processed(const struct kopano *kopano, uint32_t id, struct slice source_key, struct batch *batch);
void once_add_id(struct kopano *kopano, const struct stream *stream, struct ids *ids,
		 const struct journal_entry *entry);
void once_put_start(const struct kopano *kopano, const struct stream *stream, const struct ids *ids,
		    struct batch *batch);

/* ---- follow.c ---- */

/* The first step of all: the streams of the server begin. */
bool follow_is_started(const struct kopano *kopano);
int follow_start(struct kopano *kopano, struct err *err);

/* The next step of following, if one is due: *idle if not. */
int follow_step(struct kopano *kopano, bool *idle, struct err *err);
int64_t follow_wait_ms(const struct kopano *kopano);

/* ---- round.c: from SOURCE_IDLE to the next ---- */

/* An answer has come to its end and knows of ids up to `max`. */
void round_note(struct stream *stream, uint32_t max);

/* The highest id that may be given in this round. */
uint32_t round_limit(const struct kopano *kopano, const struct stream *stream);

/* Everything that was there when the round began has been given and has settled; then the next one begins. */
bool round_is_over(struct kopano *kopano);

/* ---- maximum.c ---- */

/* Asks for the server's highest change id. 0: kopano->maximum. ERR_GONE: nobody can tell it for now. */
int maximum_ask(struct kopano *kopano, struct err *err);

/* The same, on the sync id of this stream, without consequences. */
int maximum_of(struct kopano *kopano, const struct stream *stream, uint32_t *max, struct err *err);

/* ---- folders.c ---- */

/* A stream of folders was asked; then folders_read until none is being read. */
void folders_begin(struct kopano *kopano, struct stream *stream);
int folders_read(struct kopano *kopano, struct err *err);
bool folders_are_read(const struct kopano *kopano); /* right now */
void folders_drop(struct kopano *kopano);

/* ---- late.c ---- */

void late_start(struct kopano *kopano); /* after the streams were loaded or begun */
void late_free(struct late *late);
void late_taken(struct kopano *kopano, uint32_t id);
bool late_is_taken(const struct kopano *kopano, const struct stream *stream, uint32_t id);
void late_note(struct kopano *kopano); /* something has settled */

/* A look back: when it is due the streams are asked from an id of the past. */
bool late_is_due(const struct kopano *kopano);
uint32_t late_from(const struct kopano *kopano);
void late_looked(struct kopano *kopano);

/* ---- unknown.c ---- */

void unknown_note(struct kopano *kopano, struct slice source_key);      /* something of it was not told */
bool unknown_had(const struct kopano *kopano, struct slice source_key); /* or may have been */

/* It is worth to be looked for: not yet during the answer that is being read. */
bool unknown_is_to_be_found(const struct kopano *kopano, struct slice source_key);
void unknown_looked(struct kopano *kopano, struct slice source_key);
void unknown_next_answer(struct kopano *kopano);
void unknown_free(struct unknown *unknown);

/* The folder for which the hierarchy of a store is registered; MAP_NONE: it is not known. */
uint32_t follow_top(const struct kopano *kopano, uint32_t store);

/* The stream that follows the folder's items; NULL: none. */
struct stream *stream_of_items(const struct kopano *kopano, uint32_t folder);

/* ---- rights.c ---- */

/* *proven: the folder may be read and is not deleted. If not, it was suspended or ended, or its sync id has expired,
 * which the next poll, now due, finds out. */
int folder_prove(struct kopano *kopano, struct stream *stream, uint32_t folder, bool *proven, struct err *err);

/* The right to read a stream is gone: its position is kept. ERR_FATAL: it is one of the server's. */
int right_lost(struct kopano *kopano, struct stream *stream, struct err *err);
void right_back(struct kopano *kopano, struct stream *stream);

/* The folder or store of a stream is gone. */
void stream_gone(struct kopano *kopano, struct stream *stream, const char *why);

/* The account's level decides what is followed by what; later it must still fit. ERR_FATAL: it does not. */
int level_check(struct kopano *kopano, struct err *err);

/* ---- restore.c ---- */

/* After each logon: are the server's notes of our sync ids as we left them? */
int restore_check(struct kopano *kopano, struct err *err);

/* A sign of a restore. The first is looked at again with a new session, the second is believed: everything begins anew.
 * Returns ERR_AGAIN. */
enum restore_sign { SIGN_MAXIMUM = 1, SIGN_KEPT = 2, SIGN_SYNC_ID = 4 };
int restore_suspect(struct kopano *kopano, enum restore_sign sign, struct err *err);
void restore_unsuspect(struct kopano *kopano, enum restore_sign sign);

/* ---- status.c ---- */

void status_failed(struct kopano *kopano, const struct err *err);
void status_back(struct kopano *kopano);
/* Notes it now and then, and always when there is nothing to be done for a while. */
void status_note(struct kopano *kopano, bool now_rests);
void source_status(struct source *source, struct report *report);

/* ---- requests.c ---- */

int requests_seek(struct kopano *kopano, struct state *state, struct err *err);
int source_request(struct source *source, const struct source_request *request, struct err *err);
bool requests_wait(struct kopano *kopano); /* there is one */
void requests_take(struct kopano *kopano);
void requests_free(struct kopano *kopano);

/* ---- source.c ---- */

int64_t now_ns(void); /* of the day */
void random_bytes(uint8_t *to, size_t n);

/* Queues a batch that was made. */
void hand_over(struct kopano *kopano, struct batch *batch);

bool no_access(const struct kopano *kopano, int rc);

/* What a server refuses for reasons of its own is tried again: ERR_BAD and ERR_GONE become ERR_AGAIN. */
int passing(int rc, struct err *err);

extern const struct source_ops kopano_ops;

#endif
