/* Items as the server gives them, whichever call read them: one set of columns, one way from cells to a change. */
#ifndef TIDINGS_BRIDGE_KOPANO_ITEM_H
#define TIDINGS_BRIDGE_KOPANO_ITEM_H

#include "bridge/kopano/client.h"
#include "core/batch.h"

/* Property tags: MS-OXPROPS; those with EC are Kopano's. */
enum prop_tag {
	PR_MESSAGE_CLASS = 0x001A001F,
	PR_IMPORTANCE = 0x00170003,
	PR_SUBJECT = 0x0037001F,
	PR_CLIENT_SUBMIT_TIME = 0x00390040,
	PR_SENT_REPRESENTING_NAME = 0x0042001F,
	PR_SENT_REPRESENTING_ADDRTYPE = 0x0064001F,
	PR_SENT_REPRESENTING_EMAIL_ADDRESS = 0x0065001F,
	PR_SENDER_NAME = 0x0C1A001F,
	PR_SENDER_ADDRTYPE = 0x0C1E001F,
	PR_SENDER_EMAIL_ADDRESS = 0x0C1F001F,
	PR_DISPLAY_BCC = 0x0E02001F,
	PR_DISPLAY_CC = 0x0E03001F,
	PR_DISPLAY_TO = 0x0E04001F,
	PR_MESSAGE_DELIVERY_TIME = 0x0E060040,
	PR_MESSAGE_FLAGS = 0x0E070003,
	PR_MESSAGE_SIZE = 0x0E080003,
	PR_HASATTACH = 0x0E1B000B,
	PR_PARENT_ENTRYID = 0x0E090102,
	PR_MESSAGE_SIZE_EXTENDED = 0x0E080014,
	PR_STORE_RECORD_KEY = 0x0FFA0102,
	PR_ENTRYID = 0x0FFF0102,
	PR_INTERNET_MESSAGE_ID = 0x1035001F,
	PR_ATTR_HIDDEN = 0x10F4000B,
	PR_DISPLAY_NAME = 0x3001001F,
	PR_COMMENT = 0x3004001F,
	PR_CREATION_TIME = 0x30070040,
	PR_LAST_MODIFICATION_TIME = 0x30080040,
	PR_IPM_SUBTREE_ENTRYID = 0x35E00102,
	PR_FOLDER_TYPE = 0x36010003,
	PR_CONTAINER_CLASS = 0x3613001F,
	PR_SOURCE_KEY = 0x65E00102,
	PR_PARENT_SOURCE_KEY = 0x65E10102,
	PR_CHANGE_KEY = 0x65E20102,
	PR_IPM_PUBLIC_FOLDERS_ENTRYID = 0x66310102,
	PR_MAILBOX_OWNER_ENTRYID = 0x661B0102,
	PR_MAILBOX_OWNER_NAME = 0x661C001F,
	PR_EC_HIERARCHYID = 0x67110003,
	PR_EC_STORETYPE = 0x67140003,
	PR_EC_MAILBOX_OWNER_ACCOUNT = 0x6781001F,
	PR_EC_DELETED_STORE = 0x67C3000B,
};

extern const struct columns item_columns;

enum { N_ITEM_COLUMNS = 25 };

/* Fills entry id, keys, number, change key, associated and item of *change from N_ITEM_COLUMNS cells whose bytes live
 * in `arena`. */
void item_from_cells(const struct prop *cells, struct arena *arena, struct change *change);

/* The read flag, and setting it, of a change that item_from_cells has filled. */
bool item_is_read(const struct change *change);
void item_set_read(struct change *change, bool read);

/* The PR_EC_HIERARCHYID of a row, 0 if it has none. */
uint32_t item_number(const struct prop *cells);

/* True if a value may have been cut by exportMessageChangesAsStream or a table without TABLE_UNCUT. */
bool item_may_be_cut(const struct prop *cells);

/* Reads one item whole, by its source keys. Returns 0 and N_ITEM_COLUMNS cells; ERR_GONE: it is not there any more, or
 * it is soft-deleted; else as any call (ERR_BAD: client_er() says why). */
int item_read(struct client *client, struct slice store_entry_id, const struct item_key *key, struct arena *arena,
	      struct prop *cells, struct err *err);

/* The journal id in a change key, 0 if it is another server's. */
uint32_t change_key_id(struct slice change_key, const uint8_t server_guid[GUID_SIZE]);

/* The source keys of a row: the item's and its parent's. */
struct slice item_key(const struct prop *cells);
struct slice item_parent(const struct prop *cells);

/* Copies the bytes of cells into another arena. */
void cells_copy(struct prop *to, const struct prop *from, struct arena *arena);

#endif
