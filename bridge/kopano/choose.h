/* Is this store, this folder followed? From the configuration and the map, without a call to the server.
 *
 * A store is followed if no user has lost it and the configuration names its owner (FOLLOW_SERVER: all but the server's
 * own, unless `hidden`). A folder is, if its store is, it is not a search folder and has not ended, and
 *     - users see it: it is below the IPM subtree, and neither it nor one above it is hidden; or `hidden`
 *     - its class is one of `classes`, or begins with one of them and a dot; an empty class is IPF.Note
 *     - its path matches a pattern of `folders`, or did so once: a plain path binds (FOLDER_BOUND) the folder that was
 *       first found there, by its key, as long as the configuration has that path. */
#ifndef TIDINGS_BRIDGE_KOPANO_CHOOSE_H
#define TIDINGS_BRIDGE_KOPANO_CHOOSE_H

#include "bridge/driver.h"
#include "bridge/kopano/map.h"
#include "core/batch.h"

bool choose_store(const struct follow *follow, const struct map *map, uint32_t store);
bool choose_store_row(const struct follow *follow, const struct store_row *row);
bool choose_folder(const struct follow *follow, const struct map *map, uint32_t folder);

/* Nothing is known of a folder but its parent: may it have been followed? */
bool choose_below(const struct follow *follow, const struct map *map, uint32_t parent);

/* The folder is followed by a plain path: it is bound to it, in the map and, by the batch, in the state
 * (named/<folder>: the path). Nothing happens to one that is not, or is bound already. */
void choose_bind(const struct follow *follow, struct map *map, uint32_t folder, struct batch *batch);
void choose_unbind(struct map *map, uint32_t folder, struct batch *batch); /* it has ended */

/* Binds the folders of a loaded map whose paths the configuration still has. */
int choose_load(const struct follow *follow, struct map *map, struct state *state, struct err *err);

/* It is the store that the configuration calls so. */
bool choose_names(const char *name, const struct map *map, uint32_t store);

/* The first plain path of the configuration that no folder of the store has; NULL: there is none, or it may be that of
 * a bound folder which was moved. */
const char *choose_missing(const struct follow *follow, const struct map *map, uint32_t store);

#endif
