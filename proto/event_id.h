/* Event ids: equal ids mean the same change, over restarts, replays and daemons.
 *
 * An id is the XXH3-128 (big-endian) of fields, each preceded by its length as u32 little-endian:
 *
 *     no snapshot id: server GUID, epoch, parent source key, source key, class, change id
 *     snapshot id:    server GUID, epoch, snapshot id, kind, source key (of BEGIN and END: the folder's)
 *
 * Epoch and change id are u64 little-endian, class and kind one byte. The class is 1 for content, 2 for the read flag,
 * 3 for a delete. What has neither snapshot id nor change id, or comes from a notification, has nothing that would be
 * the same again: its id is random. proto/README.md says this to consumers, with an example.
 *
 * Thread-safe; keeps no memory. */
#ifndef TIDINGS_PROTO_EVENT_ID_H
#define TIDINGS_PROTO_EVENT_ID_H

#include "core/change.h"

void event_id(const struct change *change, uint8_t id[EVENT_ID_SIZE]);

/* Aborts if the kernel gives no random bytes. */
void event_id_random(uint8_t id[EVENT_ID_SIZE]);

#endif
