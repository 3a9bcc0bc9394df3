/* The configuration read again while the daemon runs. */
#ifndef TIDINGS_BRIDGE_RELOAD_H
#define TIDINGS_BRIDGE_RELOAD_H

#include "bridge/settings.h"

/* Reads the file of `old` again. Returns 0 and *new, to be given to reload_free, or ERR_FATAL: the file is wrong, or it
 * changes what only a restart can. */
int reload(const struct settings *old, struct settings **new, struct err *err);

void reload_free(struct settings *settings); /* NULL is accepted */

#endif
