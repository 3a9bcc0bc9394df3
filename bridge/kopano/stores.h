/* Where the inventory, or the discovery that goes on for ever, stands (stores.c). */
#ifndef TIDINGS_BRIDGE_KOPANO_STORES_H
#define TIDINGS_BRIDGE_KOPANO_STORES_H

#include "bridge/kopano/facts.h"
#include "bridge/kopano/map_state.h"

struct stores {
	bool mapped;     /* the first inventory is over */
	bool was_empty;  /* the state knew no store: what the configuration names must be there */
	bool reconsider; /* the configuration may be another one than the state's */
	bool reading;    /* MAILBOX was read, and is being dealt with: */
	struct store_list list;
	size_t next;           /* row; then, of the map: */
	uint32_t gone;         /* stores up to this one were looked for */
	int64_t due_at_ms;     /* when it is read next */
	int64_t not_before_ms; /* however much that is wanted */

	bool may_announce; /* there may be stores that are to be told */
	struct inventory inventory;
};

void stores_free(struct stores *stores);

/* ---- inventory.c: the folders of one store ---- */

struct kopano;
struct batch;

/* Maps the store: its folders, and which of them are followed. What goes wrong inside it leaves it as it is. */
int inventory_map(struct kopano *kopano, const struct store_facts *facts, struct err *err);

/* Looks for folders that came into view without an entry of the journal: by a right that was given. */
int inventory_look(struct kopano *kopano, uint32_t store, const struct store_facts *facts, struct err *err);

/* A row of a table: adds a folder that was not there or had ended, and its entry. `change`: also what the map knows
 * otherwise. true: it was added. */
bool inventory_add(struct kopano *kopano, uint32_t store, const struct folder_row *row, bool change,
		   struct batch *batch);

/* Begins the walk that tells of what was added; the list is taken over. */
void inventory_tell(struct kopano *kopano, uint32_t store, struct folder_list *list);

#endif
