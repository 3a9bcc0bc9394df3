/* The one thing that other threads may do to a client: ask it to stop. An eventfd that stays readable once it was
 * asked, so every wait of every client that shares it ends, whenever it began. */
#ifndef TIDINGS_BRIDGE_KOPANO_STOP_H
#define TIDINGS_BRIDGE_KOPANO_STOP_H

#include "bridge/kopano/client.h"

/* Readable after the stop was asked for; nobody reads it. -1 for NULL. */
int client_stop_fd(const struct client_stop *stop);

#endif
