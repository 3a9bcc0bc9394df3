/* Where the inventory, or the discovery that goes on for ever, stands (stores.c). */
#ifndef TIDINGS_BRIDGE_KOPANO_STORES_H
#define TIDINGS_BRIDGE_KOPANO_STORES_H

#include "bridge/kopano/facts.h"
#include "bridge/kopano/map_state.h"

struct stores {
	bool is_first;         /* no inventory was finished yet: what the configuration names must be there */
	bool mapped;           /* one was; following goes on beside whatever is to be done */
	bool reconsider;       /* the configuration may be another one than the state's: */
	uint32_t reconsidered; /* stores up to this one were looked at; MAP_NONE: none yet */
	bool told_missing;     /* what the configuration names and is not there: once in a session */
	bool reading;          /* MAILBOX was read, and is being dealt with */
	bool has_list;         /* what it said is kept until all that is to be announced is: */
	struct store_list list;
	size_t next;           /* row; then, of the map: */
	uint32_t gone;         /* stores up to this one were looked for */
	int64_t due_at_ms;     /* when it is read next */
	int64_t not_before_ms; /* however much that is wanted */
	bool unfinished;       /* a store could not be mapped, which may be for a moment only */
	int n_hurried;         /* readings for its sake */
	bool wanted;           /* something of an unknown store was told: it is looked for before items are read */

	bool may_announce; /* there may be stores that are to be told */
	struct inventory inventory;
};

void stores_free(struct stores *stores);

struct kopano;
struct batch;

bool stores_are_told(const struct kopano *kopano); /* records of stores are wanted */

/* ---- discover.c: what becomes of one store; each makes at most one batch, or begins a walk ---- */

int discover_row(struct kopano *kopano, const struct store_facts *facts, struct err *err);

/* A store of the map: it has vanished if the list does not have it and the server does not know it. */
int discover_missing(struct kopano *kopano, uint32_t store, struct err *err);

/* The configuration may choose otherwise than the state says. */
int discover_changed(struct kopano *kopano, uint32_t store, struct err *err);

/* ---- inventory.c: the folders of one store ---- */

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
