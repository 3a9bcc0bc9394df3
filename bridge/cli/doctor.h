/* `tidings check --connect`: source, sink and state examined, a line each, as a table or as JSON lines on standard
 * output. Threads: one. Errors are lines. */
#ifndef TIDINGS_BRIDGE_CLI_DOCTOR_H
#define TIDINGS_BRIDGE_CLI_DOCTOR_H

#include <stdbool.h>

#include "bridge/settings.h"

/* Returns the exit code: that of the worst line. */
int doctor_examine(const struct settings *settings, bool json);

#endif
