/* A new, empty state file: written beside its name, made durable, then given its name. */
#ifndef TIDINGS_BRIDGE_STATE_CREATE_H
#define TIDINGS_BRIDGE_STATE_CREATE_H

#include "core/error.h"

enum {
	STATE_APPLICATION_ID = 0x54696469, /* "Tidi" */
	STATE_FORMAT = 1,                  /* raised by every change of the schema or of what the daemon stores in it */
};

/* Makes the file, mode 0600. The caller holds the lock of `path`. Returns 0 or ERR_FATAL. */
int state_create(const char *path, struct err *err);

#endif
