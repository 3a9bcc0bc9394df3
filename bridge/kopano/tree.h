/* What is known of stores and folders, kept true: by the inventory and by discovery (stores.c), by the journal's
 * entries of folders (tree.c), and told to consumers, batch by batch (walk.c, ending.c).
 *
 * Every step here makes its calls first, and then changes the map and hands over at most ONE batch, with no call in
 * between: so the map in memory is never ahead of what was handed over, whichever call fails. What cannot be told in
 * one batch becomes a walk, which goes on step by step; one walk at a time.
 *
 * Errors: 0; ERR_AGAIN, ERR_STOPPED, ERR_FATAL as of next(). What goes wrong inside one store leaves that store
 * unmapped until the next discovery, and is 0. */
#ifndef TIDINGS_BRIDGE_KOPANO_TREE_H
#define TIDINGS_BRIDGE_KOPANO_TREE_H

#include "bridge/kopano/stores.h"
#include "bridge/kopano/walk.h"
#include "bridge/kopano/window.h"
#include "core/state.h"

/* ---- stores.c ---- */

/* Loads map, bindings, inventory under way. After it nothing is read of the state. */
int stores_seek(struct kopano *kopano, struct state *state, struct err *err);

/* Pass 1 is over: every store is mapped (or could not be) and the streams may be followed. Before that nothing else is
 * done than stores_step and walk_step. */
bool stores_are_mapped(const struct kopano *kopano);

/* Something is to be done now: a page of MAILBOX is to be read, a store to be mapped. The time at which it will be. */
bool stores_due(const struct kopano *kopano);
int64_t stores_due_at_ms(const struct kopano *kopano);

/* The next page of MAILBOX, or the next store. Tables of others are closed when it is called. */
int stores_step(struct kopano *kopano, struct err *err);

/* Stores are to be looked for soon: something of an unknown one was seen. */
void stores_look(struct kopano *kopano);

/* The same, and before any item is read that may be in it: stores_step is then to be called as long as they are wanted.
 */
void stores_look_now(struct kopano *kopano);
bool stores_are_wanted(const struct kopano *kopano);

/* The server was set back: all stores are mapped anew, and what it does not have any more is told (kopano->resync). */
void stores_anew(struct kopano *kopano);

/* ---- tree.c ---- */

/* Applies the first entries of a hierarchy stream's answer: as many as fit into one batch, or up to one that needs a
 * walk; *n_done: how many. Their ids are in the batch (take_ids), those of an entry with a walk in its last batch. */
int tree_apply(struct kopano *kopano, struct stream *stream, const struct entry *entries, size_t n, size_t *n_done,
	       struct err *err);

/* ---- walk.c, ending.c ---- */

bool walk_is_under_way(const struct kopano *kopano);

/* It only announces what was found: following goes on beside it, in turns. Others come first. */
bool walk_is_patient(const struct kopano *kopano);

/* Makes the next batch of it. No calls. */
void walk_step(struct kopano *kopano);

/* A folder cannot be followed any more, with all that is below (NO_FOLDER: nothing): begins the walk that ends it. */
void ending_begin(struct kopano *kopano, uint32_t folder, const char *why);

#endif
