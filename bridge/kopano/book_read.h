/* A user or group of the server as a change. */
#ifndef TIDINGS_BRIDGE_KOPANO_BOOK_READ_H
#define TIDINGS_BRIDGE_KOPANO_BOOK_READ_H

#include "bridge/kopano/client.h"

/* What an address-book entry id names: MAPI's object types, which it holds. */
enum book_type { BOOK_USER = 6, BOOK_GROUP = 8 };

uint32_t book_type(struct slice entry_id); /* 0: it is no entry id */

/* Reads it into the arena: the change's object type and its user or group. Errors: client.h. */
int book_read(struct client *client, struct slice entry_id, struct arena *arena, struct change *change,
	      struct err *err);

#endif
