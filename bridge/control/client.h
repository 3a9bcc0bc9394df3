/* Asks a running daemon (bridge/control/server.h). One call is one connection; it waits at most CONTROL_ANSWER_MS. */
#ifndef TIDINGS_BRIDGE_CONTROL_CLIENT_H
#define TIDINGS_BRIDGE_CONTROL_CLIENT_H

#include "core/arena.h"
#include "core/error.h"

enum { CONTROL_ANSWER_MS = 30000 };

struct control_answer {
	long code;        /* of HTTP */
	const char *text; /* in the arena */
};

/* `method` "GET" or "POST", `target` "/status". Returns 0 and *answer, whatever its code; ERR_GONE: nobody listens at
 * the socket; ERR_FATAL: no right to ask, or no answer. */
int control_ask(const char *socket, const char *method, const char *target, struct arena *arena,
		struct control_answer *answer, struct err *err);

/* "name=value" for a target, with what is special in the value escaped; in the arena. */
const char *control_argument(const char *name, const char *value, struct arena *arena);

#endif
