/* The source of notifications alone: one subscription, of a store or a folder, told as it comes (`tidings subscribe`).
 *
 * It rings like any other (bell.h). What folders are called is read at the start into a map of that one store, and
 * again when something is told of a folder; each time in a session of its own. Rules: core/source.h, bridge/driver.h.
 */
#ifndef TIDINGS_BRIDGE_KOPANO_WATCH_H
#define TIDINGS_BRIDGE_KOPANO_WATCH_H

#include "core/source.h"

extern const struct source_ops kopano_notices_ops;

#endif
