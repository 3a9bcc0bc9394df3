/* What the server's answers hold, read from the scanner into the structs of client.h. Pure: bytes in, values out.
 *
 *     soap_enter -> answer_read(child function of the call) -> er            answers that are read whole
 *     soap_enter -> ... answer_entry | answer_row | answer_export ...        items of an array, one at a time
 *
 * Children are looked up by name; unknown ones are skipped; counts that the server claims are never used. Values come
 * into the arena that is given. Errors are the scanner's (scan_failed). */
#ifndef TIDINGS_BRIDGE_KOPANO_ANSWER_H
#define TIDINGS_BRIDGE_KOPANO_ANSWER_H

#include "bridge/kopano/client.h"
#include "bridge/kopano/scan.h"

enum prop_type {
	PT_I2 = 0x0002,
	PT_LONG = 0x0003,
	PT_ERROR = 0x000A,
	PT_BOOLEAN = 0x000B,
	PT_OBJECT = 0x000D,
	PT_I8 = 0x0014,
	PT_STRING8 = 0x001E,
	PT_UNICODE = 0x001F,
	PT_SYSTIME = 0x0040,
	PT_CLSID = 0x0048,
	PT_BINARY = 0x0102,
};

/* Takes the child that has just started, or leaves it. */
typedef void answer_child_fn(struct scan *scan, struct arena *arena, void *answer);

/* Reads the rest of the answer's element: its status is returned, all other children go to `child` (NULL: to nobody).
 * An answer without a status fails. */
uint32_t answer_read(struct scan *scan, struct arena *arena, answer_child_fn *child, void *answer);

struct logon_answer {
	uint64_t session;
	struct slice version, guid;
};

struct store_answer {
	struct slice guid, entry_id, root_entry_id, server_path;
};

struct prop_answer {
	struct prop prop;
	bool found;
};

answer_child_fn answer_logon;    /* struct logon_answer */
answer_child_fn answer_store;    /* struct store_answer: getStore, getPublicStore, resolveUserStore */
answer_child_fn answer_sync;     /* uint32_t: the sync id */
answer_child_fn answer_entry_id; /* struct slice */
answer_child_fn answer_prop;     /* struct prop_answer: loadProp */
answer_child_fn answer_object;   /* struct object: loadObject */

/* The item that has just started. */
struct entry_keys {
	struct scan_bytes source_key, parent_source_key; /* memory of the keys of an entry */
};
void answer_entry(struct scan *scan, struct entry_keys *keys, struct journal_entry *entry);
void answer_row(struct scan *scan, struct arena *arena, const struct columns *columns, struct prop *cells);
void answer_export(struct scan *scan, struct arena *arena, const struct columns *columns, uint32_t *index,
		   struct prop *cells);

#endif
