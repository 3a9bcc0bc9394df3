/* The calls of a Kopano server that Tidings uses, as C functions. Facts: the server's SOAP interface, urn:zarafa.
 *
 *     client_open -> calls ... -> client_close            client_stop_now, at any time, from any thread
 *
 * A client is one session with five connections: one for calls that are answered whole, one for the reading of changes
 * of items, one for that of folders, one for the reading of rows, and one for long polls (client_notify.h); each is
 * made when it is first needed. A reading is an answer that is taken bit by bit. One of each kind may be open at a
 * time, and calls are possible in the middle of all: entries are read, and between them the items that they name.
 * Nothing is ever retried here, but for a request on a connection that the server had closed while it was idle. Answers
 * are parsed as they arrive; memory is bounded by the longest element (ELEMENT_LIMIT_BYTES).
 *
 * Every call returns 0, or an error class, and then client_er() tells the server's own code:
 *     ERR_GONE     NOT_FOUND, OBJECT_DELETED
 *     ERR_BAD      the server refuses this call: any other code that is not passing; an element longer than
 *                  ELEMENT_LIMIT_BYTES
 *     ERR_AGAIN    transport, time-out, truncated or hostile answer, a busy server, session gone: after those that
 *                  leave the connection or session useless client_alive() is false, and the client must be closed and
 *                  opened again
 *     ERR_FATAL    logon refused, certificate, URL (only from client_open)
 *     ERR_STOPPED  client_stop_now was called
 * NO_ACCESS is ERR_BAD with client_er() == KOPANO_NO_ACCESS.
 *
 * Results are copied into the arena that the caller gives. Text is valid UTF-8 (bad bytes become U+FFFD). Not
 * thread-safe but for client_stop_now. */
#ifndef TIDINGS_BRIDGE_KOPANO_CLIENT_H
#define TIDINGS_BRIDGE_KOPANO_CLIENT_H

#include "core/arena.h"
#include "core/change.h"
#include "core/error.h"

enum { ELEMENT_LIMIT_BYTES = 64 << 20 };
enum { KOPANO_END = -1 }; /* a reading has come to its end */

enum kopano_er {
	KOPANO_NOT_FOUND = 0x80000002,
	KOPANO_NO_ACCESS = 0x80000003,
	KOPANO_COLLISION = 0x80000008,
	KOPANO_LOGON_FAILED = 0x80000009,
	KOPANO_END_OF_SESSION = 0x80000010,
	KOPANO_INVALID_PARAMETER = 0x80000014,
	KOPANO_UNABLE_TO_COMPLETE = 0x80000028, /* of a store: it is on another server */
};

enum sync_type { SYNC_CONTENTS = 1, SYNC_HIERARCHY = 2, SYNC_ADDRESSBOOK = 3 };
enum change_flag { SYNC_READ_STATE = 0x8, SYNC_ASSOCIATED = 0x10, SYNC_NORMAL = 0x20, SYNC_CATCHUP = 0x400 };
enum { MUST_NOT_BE_SOFT_DELETED = 0x80000000 }; /* flag of client_load_object */

/* A stop may be asked for before the client exists: the flag outlives it and is shared by all clients of a source. */
struct client_stop;
struct client_stop *client_stop_new(void); /* NULL: no file descriptor is left. The others accept NULL. */
void client_stop_free(struct client_stop *stop);
void client_stop_now(struct client_stop *stop);
bool client_stop_asked(const struct client_stop *stop);

/* Where and as whom to log on. Borrowed while the client lives. */
struct login {
	const char *url;                            /* http://, https://, file:///socket, or a socket's path */
	const char *user, *password;                /* password "": by socket or certificate */
	const char *impersonate;                    /* "" or a user to act as */
	const char *ca_file, *cert_file, *key_file; /* NULL: the system's CAs, no client certificate */
	bool verify;                                /* the server's certificate and name */
	int call_timeout_ms;                        /* for one whole answer; 0: 60,000 */
	int read_timeout_ms;                        /* for any next byte; 0: 60,000 */
	int poll_timeout_ms;                        /* for a long poll (client_notify.h); 0: 70,000 */
	struct client_stop *stop;                   /* makes every call return ERR_STOPPED; NULL: never */
};

struct client;

int client_open(const struct login *login, struct client **client, struct err *err); /* *client: NULL but for success */
void client_close(struct client *client);                                            /* NULL is accepted */
bool client_alive(const struct client *client);
uint32_t client_er(const struct client *client);                /* of the last call; 0: it did not get that far */
const uint8_t *client_server_guid(const struct client *client); /* GUID_SIZE bytes */
const char *client_server_version(const struct client *client); /* "11.0.2" */

/* One property value; which member is set follows from the type in the tag's low 16 bits; of other types than these
 * only the tag. */
struct prop {
	uint32_t tag;       /* PT_ERROR (0x000A) in the low bits: absent, number = error code */
	uint64_t number;    /* PT_I2, PT_LONG, PT_I8, PT_BOOLEAN, PT_ERROR; negative: two's complement */
	int64_t time_ns;    /* PT_SYSTIME, since 1970; 0 before 1678 and after 2262: "no date" */
	struct slice bytes; /* PT_UNICODE, PT_BINARY, PT_CLSID */
};

struct props {
	struct prop *props;
	size_t n;
};

/* The value with this property id (high 16 bits of the tag), or NULL if absent or an error cell. */
const struct prop *props_find(const struct props *props, uint32_t tag);

struct kopano_store {
	uint8_t guid[GUID_SIZE];
	struct slice entry_id, root_entry_id;
};

/* The store of a user by login name; "public": the public store. ERR_GONE: no such user or store. */
int client_find_store(struct client *client, const char *owner, struct arena *arena, struct kopano_store *store,
		      struct err *err);

/* The store with this entry id. ERR_GONE: there is no such store, or no user has it. */
int client_load_store(struct client *client, struct slice entry_id, struct arena *arena, struct kopano_store *store,
		      struct err *err);

struct object {
	struct props props; /* stored values of less than 32 KiB, and bigger ones that the server had at hand */
	uint32_t *missing;  /* tags that exist but whose values were left out: client_load_prop */
	size_t n_missing;
	uint32_t server_id; /* of a message: its PR_EC_HIERARCHYID */
};

/* flags: 0 or MUST_NOT_BE_SOFT_DELETED (then a soft-deleted object is ERR_GONE). */
int client_load_object(struct client *client, struct slice entry_id, uint32_t flags, struct arena *arena,
		       struct object *object, struct err *err);
int client_load_prop(struct client *client, struct slice entry_id, uint32_t tag, struct arena *arena, struct prop *prop,
		     struct err *err);

/* The entry id of an item (or of a folder: item_key empty) from its source keys. */
int client_entry_id(struct client *client, struct slice store_entry_id, struct slice folder_key, struct slice item_key,
		    struct arena *arena, struct slice *entry_id, struct err *err);

/* setSyncStatus: *sync_id 0 registers a new one for the folder (empty key: the server); else stores change_id there. */
int client_set_sync(struct client *client, struct slice folder_key, enum sync_type type, uint32_t change_id,
		    uint32_t *sync_id, struct err *err);

/* getSyncStates: what was last stored with each of these sync ids; 0 of one that is not known (any more). */
int client_sync_states(struct client *client, const uint32_t *sync_ids, size_t n, uint32_t *change_ids,
		       struct err *err);

/* getChanges, as a reading: one of SYNC_HIERARCHY and one of the other types may be open at a time. The answer to an
 * abandoned reading is thrown away with its connection. */
struct journal_entry {
	uint32_t change_id;
	struct slice source_key, parent_source_key; /* valid until the next entry of any reading */
	uint32_t type;                              /* object bit | action, CHANGE_ACTION_MASK */
	uint32_t flags;                             /* of a read flag entry: 1 read, 0 unread */
};
enum { ENTRY_MESSAGE = 0x1000, ENTRY_FOLDER = 0x2000, ENTRY_ADDRESSBOOK = 0x4000, ENTRY_ACTION_MASK = 0xF };
enum entry_action { ENTRY_NEW = 1, ENTRY_CHANGE, ENTRY_FLAG, ENTRY_SOFT_DELETE, ENTRY_HARD_DELETE };

int client_changes(struct client *client, uint32_t sync_id, uint32_t change_id, enum sync_type type, uint32_t flags,
		   struct err *err);
/* 0: *entry; KOPANO_END: *max_change_id is set, the reading is over; else an error, and it is over. */
int client_next_entry(struct client *client, enum sync_type type, struct journal_entry *entry, uint32_t *max_change_id,
		      struct err *err);

/* Tables, as readings of rows. `cells` has one place per column; cells are in the order of the columns that were asked
 * for whatever the server answered (a missing one is PT_ERROR). Bytes are copied into the arena. */
struct columns {
	const uint32_t *tags;
	size_t n;
};

enum table_kind { TABLE_CONTENTS, TABLE_HIERARCHY, TABLE_MAILBOX };
enum table_flag { TABLE_DEPTH = 1, TABLE_SOFT_DELETED = 2, TABLE_ASSOCIATED = 0x40, TABLE_UNCUT = 0x40000000 };

struct table_request {
	enum table_kind kind;
	struct slice folder_entry_id; /* empty for TABLE_MAILBOX */
	uint32_t flags;
	struct columns columns;
	uint32_t below_item_number; /* only rows with a lower PR_EC_HIERARCHYID; 0: all */
	struct slice source_key;    /* only the row with this source key; empty: all */
	uint32_t n_rows;            /* of the first page */
};

/* Opens a table and begins to read its first page: sorted by PR_EC_HIERARCHYID, descending. */
int client_open_table(struct client *client, const struct table_request *request, struct err *err);
/* Begins to read the next page of the open table; only after the one before has come to its end. */
int client_next_page(struct client *client, uint32_t n_rows, struct err *err);
/* How many rows the open table has. */
int client_count_rows(struct client *client, uint32_t *n_rows, struct err *err);
/* 0: a row; KOPANO_END: the page is over; else an error, and it is over. */
int client_next_row(struct client *client, struct arena *arena, struct prop *cells, struct err *err);
/* Closes the open table, if there is one; also after errors. Never fails: a session's tables die with it. */
void client_close_table(struct client *client);

/* exportMessageChangesAsStream, as a reading of rows: cut values (255 characters, 511 bytes) and only the items that
 * exist and may be read. The streams themselves are not read: the connection is closed after the rows. */
struct item_key {
	struct slice parent_source_key, source_key;
};
int client_export(struct client *client, const struct item_key *keys, size_t n_keys, const struct columns *columns,
		  struct err *err);
/* 0: *index of the key and its cells; KOPANO_END; else an error. */
int client_next_export(struct client *client, struct arena *arena, uint32_t *index, struct prop *cells,
		       struct err *err);

/* Gives up the open reading of changes, if there is one: its connection is closed, the session lives. */
void client_abandon_changes(struct client *client, enum sync_type type);
/* Milliseconds since a byte of the open reading of changes of items was last taken: the server gives up after 60 s. 0:
 * none is open. */
int client_changes_age_ms(const struct client *client);

#endif
