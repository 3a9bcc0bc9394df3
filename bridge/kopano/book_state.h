/* What the stream `addressbook` keeps in the state, as bytes. All integers are little-endian; every entry begins with a
 * version u8.
 *
 *     position/addressbook       struct book_position
 *     taken/addressbook/<id>     change ids above its change id that were published (settle.h)
 *     book/<entry id>            struct book_entry: a user or group that consumers know of; the entry id in hex
 *
 * Reading returns false for bytes that this version does not understand. */
#ifndef TIDINGS_BRIDGE_KOPANO_BOOK_STATE_H
#define TIDINGS_BRIDGE_KOPANO_BOOK_STATE_H

#include "core/arena.h"
#include "core/change.h"

#define BOOK_STREAM   "addressbook"
#define BOOK_POSITION "position/" BOOK_STREAM
#define BOOK_TAKEN    "taken/" BOOK_STREAM "/"
#define BOOK_ENTRY    "book/"

enum book_listing {
	BOOK_FOLLOWING,   /* none is under way */
	BOOK_LISTING_NEW, /* those are announced that are not known yet */
	BOOK_LISTING_ALL, /* all are announced */
	N_BOOK_LISTINGS
};

struct book_position {
	uint32_t epoch;      /* of the server: in another one all is listed again */
	uint32_t change_id;  /* settled; 0: the journal was empty, and everything is listed again at each poll */
	uint32_t objects;    /* enum follow_object of what was announced */
	uint32_t listing_no; /* counts the listings of all */
	enum book_listing listing;
	uint8_t snapshot_id[SNAPSHOT_ID_SIZE]; /* of the last listing */
};

struct book_entry {
	uint32_t listing_no; /* when it was announced last */
};

struct slice book_position_write(struct arena *arena, const struct book_position *position);
bool book_position_read(struct slice bytes, struct book_position *position);

struct slice book_entry_write(struct arena *arena, const struct book_entry *entry);
bool book_entry_read(struct slice bytes, struct book_entry *entry);

/* "book/<entry id>", NUL-terminated. */
const char *book_entry_key(struct arena *arena, struct slice entry_id);

/* python-kopano's state of the address book (server.sync_gab): change id u32, n u32, and n change ids u32 above it that
 * were processed; `processed`: those as they are, borrowed. */
struct slice book_given_write(struct arena *arena, uint32_t change_id, struct slice processed);
bool book_given_read(struct slice bytes, uint32_t *change_id, struct slice *processed);

#endif
