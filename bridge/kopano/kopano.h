/* The Kopano source, inside: one session, the streams that are followed, one thread.
 *
 *     source.c     the interface: connects, loads the state, takes one step after another
 *     folders.c    which folders are followed; rights and ends of folders
 *     stream.c     streams: registered, asked, refused                                    (stream.h)
 *     follow.c     which stream is next; where following of a folder starts; rounds
 *     window.c     journal entries are taken and become batches: publish.c, collapse.c,
 *                  read_items.c                                                           (window.h)
 *     snapshot.c   listings, told.c                                                       (listing.h)
 *     share.c      what the changes of a batch have in common                             (share.h)
 *
 * next() takes one step at a time: it goes on with what is being read, else follows a stream whose poll is due, else
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
#include "bridge/kopano/book.h"
#include "bridge/kopano/client.h"
#include "bridge/kopano/item.h"
#include "bridge/kopano/listing.h"
#include "bridge/kopano/position.h"
#include "bridge/kopano/share.h"
#include "bridge/kopano/stream.h"
#include "bridge/kopano/window.h"
#include "core/source.h"

enum { NO_FOLDER = UINT32_MAX };

enum {
	SUSPENDED_POLL_MS = 5000,
	RETRY_POLL_MS = 1000,             /* at the latest, after a read that failed */
	KEEP_ALIVE_MS = 24 * 3600 * 1000, /* the server forgets sync ids that are not stored for 90 days */
	ITEM_TRIES = 3,                   /* of an item that the server refuses */
	ITEM_TRIES_PASSING = 6,           /* of one that is locked, or at which the connection breaks: some 6 s */
	EXPORT_TRIES = 3,
	START_MARGIN = 10000, /* ids below the maximum at the start: what of them is visible then is not news */
	BACKLOG_IDS = 50000,  /* a longer one is read after it has settled */
	MAX_PENDING = 16,
};

struct kopano_config {
	struct login login;
	char *secret; /* login.password, owned */
	const struct follow *follow;
	int64_t poll_ms, settle_ms;
	int64_t addressbook_ms; /* the poll interval of users and groups */
	int64_t directory_ms;   /* how often the server is made to look at the directory behind it; 0: never */
};

/* A folder that is or was followed. Its slices live in the source's arena. */
struct folder {
	struct store_info store;
	struct folder_info info;
	const char *entry_key; /* of the state */
	uint8_t listed;        /* bit (1 << listing): complete */
	bool listing;          /* a snapshot is under way */
};

struct kopano {
	struct source base;
	const struct kopano_config *config;
	struct login login; /* of the configuration, with our stop */
	struct arena arena;
	struct client_stop *stop;
	struct client *client;     /* NULL: not connected */
	bool away;                 /* the last step failed; it is said when one succeeds */
	struct server_info server; /* epoch 0: not known yet */
	uint32_t first_epoch;      /* of a state that does not know one */

	struct folder_entry *known; /* the folder map of the state */
	size_t n_known;
	struct folder *folders;
	uint32_t n_folders, room_folders;

	struct stream **streams;
	size_t n_streams, room_streams;
	size_t turn;            /* whose turn it is to be looked at first */
	struct stream *reading; /* whose changes are being read */
	struct window window;   /* of those */

	struct listing **listings; /* under way, the oldest first */
	size_t n_listings, room_listings;
	bool page_next;           /* a listing has its turn before the next poll */
	struct listing *paging;   /* whose page of rows is being read */
	struct listing *table_of; /* whose table is open */
	size_t page_rows;         /* of the page being read, so far */
	struct told told;

	struct book book;
	struct shares shares;
	struct batch *pending[MAX_PENDING]; /* made, to be handed over, oldest first */
	size_t n_pending;

	pthread_mutex_t mutex; /* for waiting only */
	pthread_cond_t stopped;
};

/* ---- folders.c: what is followed ---- */

/* Folders that the state knows are followed by their keys, whatever has become of their paths. */
uint32_t folder_add(struct kopano *kopano, const struct store_info *store, const struct folder_info *info);

/* Finds the configured folders. ERR_FATAL (exit 2) names one that does not exist. */
int folders_find(struct kopano *kopano, struct err *err);

void folder_put_entry(const struct folder *folder, struct batch *batch);

/* ---- rights.c: may it be read, is it there ---- */

/* *proven: the folder may be read and is not deleted. If not, it was suspended or ended, or its sync id has expired,
 * which the next poll, now due, finds out. */
int folder_prove(struct kopano *kopano, struct stream *stream, uint32_t folder, bool *proven, struct err *err);

void folder_suspend(struct kopano *kopano, struct stream *stream);
void folder_resume(struct kopano *kopano, struct stream *stream);

/* Ends a folder for its consumers: an empty snapshot; its positions are removed. */
void folder_end(struct kopano *kopano, struct stream *stream, const char *why);

/* ---- given.c: a position from outside ---- */

/* Takes the position that the state was given, if there is one, for the one folder that is followed. ERR_FATAL: it is
 * no position, or another folder's. */
int given_seek(struct kopano *kopano, struct state *state, struct err *err);

/* The position of the one stream that is followed, as python-kopano has it; in the arena. */
int given_once_state(struct state *state, struct arena *arena, struct slice *bytes, struct err *err);

/* ---- follow.c ---- */

/* What the state belongs to. */
void put_ends(struct kopano *kopano, struct batch *batch);

/* Takes the step of a stream that is due: its start, its end, a snapshot of its folder, or asking for changes. */
int follow_step(struct kopano *kopano, struct stream *stream, struct err *err);
struct stream *follow_due(struct kopano *kopano);    /* NULL: none */
int64_t follow_wait_ms(const struct kopano *kopano); /* until one is */

/* ---- round.c: from SOURCE_IDLE to the next ---- */

/* An answer has come to its end and knows of ids up to `max`. */
void round_note(struct stream *stream, uint32_t max);

/* The highest id that may be given in this round. */
uint32_t round_limit(const struct kopano *kopano, const struct stream *stream);

/* Everything that was there when the round began has been given and has settled; then the next one begins. */
bool round_is_over(struct kopano *kopano);

/* ---- load.c: the stored state ---- */

int load_ends(struct kopano *kopano, struct state *state, struct err *err);
int load_known(struct kopano *kopano, struct state *state, struct err *err);

/* Streams and listings of the followed folders; those that are not followed any more end. */
int load_streams(struct kopano *kopano, struct state *state, struct err *err);

/* The value of a key; *found: there is one. */
int load_get(struct state *state, const char *key, struct arena *arena, struct slice *bytes, bool *found,
	     struct err *err);
int load_damaged(struct err *err, const char *key);

/* ---- source.c ---- */

int64_t now_ns(void); /* of the day */
void random_bytes(uint8_t *to, size_t n);

/* Queues a batch that was made; there is always room for the batches of one step. */
void hand_over(struct kopano *kopano, struct batch *batch);

bool no_access(const struct kopano *kopano, int rc);

/* What a server refuses for reasons of its own is tried again: ERR_BAD and ERR_GONE become ERR_AGAIN. */
int passing(int rc, struct err *err);

extern const struct source_ops kopano_ops;

#endif
