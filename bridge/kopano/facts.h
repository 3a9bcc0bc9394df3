/* Stores and folders as the server gives them, whichever call read them: a row of a table, or an object that was
 * loaded. Bytes live in the arena that is given. Calls and errors as in client.h. */
#ifndef TIDINGS_BRIDGE_KOPANO_FACTS_H
#define TIDINGS_BRIDGE_KOPANO_FACTS_H

#include "bridge/kopano/client.h"
#include "bridge/kopano/keymap.h"
#include "bridge/kopano/map.h"

struct folder_facts {
	struct folder_row row;
	struct slice comment, change_key, parent_entry_id;
	int64_t created_at_ns, modified_at_ns;
};

struct store_facts {
	struct store_row row;
	struct slice owner_name; /* full */
	uint64_t size_bytes;
	int64_t modified_at_ns;
};

/* One folder. ERR_GONE: it is not there, or soft-deleted. */
int facts_load_folder(struct client *client, struct slice entry_id, struct arena *arena, struct folder_facts *facts,
		      struct err *err);

/* All folders below one, in the server's order: newest first, so that children may come before parents. */
struct folder_list {
	struct arena arena;
	struct folder_facts *facts;
	size_t n, room;
	struct keymap by_key; /* of facts */
};

int facts_list_folders(struct client *client, struct slice top_entry_id, struct folder_list *list, struct err *err);
void facts_keep(struct folder_list *list, const struct folder_facts *facts);                    /* bytes are borrowed */
const struct folder_facts *facts_find(const struct folder_list *list, struct slice source_key); /* NULL: none */
void facts_free_folders(struct folder_list *list); /* a zeroed one is accepted */

/* All stores of the server, however much of them this account may see. */
struct store_list {
	struct arena arena;
	struct store_facts *facts;
	size_t n, room;
	struct index by_guid;
	bool whole; /* false: the table was changed under the reading; what is not in the list may be there */
};

int facts_list_stores(struct client *client, struct store_list *list, struct err *err);
const struct store_facts *facts_find_store(const struct store_list *list, const uint8_t *guid);
void facts_free_stores(struct store_list *list);

/* Where the folders of a store are. */
struct store_tree {
	struct slice root_entry_id, subtree_entry_id;
};

int facts_load_tree(struct client *client, const struct store_row *row, struct arena *arena, struct store_tree *tree,
		    struct err *err);

/* The source key of a folder that is in the list, or the parent of one; empty: neither. */
struct slice facts_key_of(const struct folder_list *list, struct slice entry_id);

#endif
