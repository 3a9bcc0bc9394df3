/* The source, examined (bridge/examine.h): name, port, TLS, logon, rights, stores and folders. Errors are lines. */
#ifndef TIDINGS_BRIDGE_KOPANO_EXAMINE_H
#define TIDINGS_BRIDGE_KOPANO_EXAMINE_H

#include "bridge/examine.h"

void kopano_examine(const void *config, struct examination *examination);

#endif
