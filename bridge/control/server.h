/* HTTP on a unix socket: what a running daemon answers. `curl --unix-socket PATH http://localhost/status` works.
 *
 *     GET  /status                              how it stands, one JSON object
 *     GET  /status/table                        the same for people
 *     POST /snapshot?store=NAME[&folder=PATH]…  lists a store or some of its folders again; 202: it will be done
 *
 * Errors are one line of text: 400 (no such store), 404, 405, 503 (not now). The socket has mode 0600: whoever may use
 * it is the daemon's user, or root. One that a dead daemon has left is replaced.
 *
 * Threads: one of its own, on which the answers are made (bridge/vitals.h); start it with signals blocked. */
#ifndef TIDINGS_BRIDGE_CONTROL_SERVER_H
#define TIDINGS_BRIDGE_CONTROL_SERVER_H

#include "bridge/vitals.h"

struct control;

/* Listens at `path`. `state_path`: where positions are read. Returns 0, or ERR_FATAL: somebody else listens there, or
 * it cannot be made. */
int control_start(const char *path, const char *state_path, struct vitals *vitals, struct control **control,
		  struct err *err);

/* Removes the socket. NULL is accepted. */
void control_stop(struct control *control);

#endif
