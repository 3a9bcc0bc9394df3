/* Notices become changes of origin NOTIFICATION: named by entry ids, with what the map knows of store and folder,
 * without a call to the server.
 *
 *     tell_notice(&tell, store, &heard, batch)        adds none, one or two changes to the batch
 *
 * What is followed decides: an item that moves from a followed folder to another is MOVED; if only the one it comes to
 * is followed it is CREATED, if only the one it leaves, DELETED. One thread. */
#ifndef TIDINGS_BRIDGE_KOPANO_TELL_H
#define TIDINGS_BRIDGE_KOPANO_TELL_H

#include "bridge/kopano/heard.h"
#include "bridge/kopano/map.h"
#include "core/batch.h"

enum { TELL_RECENT = 64, NOTICE_ROOM = 4096 /* notices that wait for a slow sink */ };

/* Zeroed, with the first members set. */
struct tell {
	const struct map *map;
	const struct server_info *server;
	/* Items of this folder, or the folder, are told of. `parent`: of a folder that the map does not know (folder is
	 * MAP_NONE), where it is; MAP_NONE: not known either. */
	bool (*is_followed)(void *context, uint32_t folder, uint32_t parent);
	void *context;
	unsigned objects; /* enum follow_object */
	bool split;       /* a move is CREATED and DELETED, a copy CREATED */

	uint32_t recent[TELL_RECENT]; /* folders that were found, + 1, by their entry ids */
};

/* The folder of the store with this entry id; MAP_NONE: the map does not know it. */
uint32_t tell_find(struct tell *tell, uint32_t store, struct slice entry_id);

void tell_notice(struct tell *tell, uint32_t store, const struct heard_notice *heard, struct batch *batch);

#endif
