/* One process at a time: a lock on "<path>.lock", which the kernel lets go when its holder dies, however it dies. The
 * file holds the holder's process id, for the one that is refused, and stays. */
#ifndef TIDINGS_BRIDGE_STATE_LOCK_H
#define TIDINGS_BRIDGE_STATE_LOCK_H

#include "core/error.h"

/* Takes the lock of `path` without waiting. Returns 0 and *fd, to be given to lock_release, or ERR_FATAL with exit code
 * 2: another process holds it, or the lock file cannot be made. */
int lock_take(const char *path, int *fd, struct err *err);

void lock_release(int fd); /* -1 is accepted */

#endif
