/* Which streams there are, and whose turn it is.
 *
 *     kind of following    streams                                   made by
 *     FOLLOWING_SERVER     server, folders                           follow_start, the first step of all
 *     FOLLOWING_FOLDERS    hierarchy/<store> of each mapped store    follow_store
 *                          contents/<store>/<folder>                 follow_folder, of each followed folder
 *
 * stores.c, tree.c and walk.c say what becomes followed and what ends; they never see the difference. */
#ifndef TIDINGS_BRIDGE_KOPANO_FOLLOW_H
#define TIDINGS_BRIDGE_KOPANO_FOLLOW_H

#include "core/batch.h"
#include "core/error.h"

struct kopano;
struct stream;

/* The folder (FOLDER_FOLLOWED is set) is followed from now on; the batch, which has its map entry, is handed over after
 * this. `created_id`: it was created by this journal entry, so the journal tells of all that is in it; 0: it is listed.
 */
void follow_folder(struct kopano *kopano, uint32_t folder, uint32_t created_id, struct batch *batch);

/* It is not followed any more: the batch removes its stream and its listing. The pair is the caller's. */
void unfollow_folder(struct kopano *kopano, uint32_t folder, struct batch *batch);

/* Before the folders of a store are read, when its subtree is in the map: in FOLLOWING_FOLDERS its hierarchy is
 * registered and begun, in a batch of its own. ERR_BAD, ERR_GONE: it may not be, or is gone. */
int follow_store(struct kopano *kopano, uint32_t store, struct err *err);
void unfollow_store(struct kopano *kopano, uint32_t store, struct batch *batch);

/* How often hierarchies are read, at most: a long answer of theirs costs the server much. */
int64_t follow_folders_ms(const struct kopano *kopano);

/* Whether the journal tells of all that is in a folder that this entry has created: it is above where following
 * started, and nothing of the folder was left out because it was not known yet. */
bool follow_saw_creation(const struct kopano *kopano, uint32_t change_id, struct slice source_key);

#endif
