/* A unix socket that is listened on by one process at a time. */
#ifndef TIDINGS_BRIDGE_CONTROL_LISTEN_H
#define TIDINGS_BRIDGE_CONTROL_LISTEN_H

#include "core/error.h"

/* Makes it, mode 0600, in the place of one that nobody listens on any more. Returns 0 and *fd, or ERR_FATAL. */
int listen_at(const char *path, int *fd, struct err *err);

#endif
