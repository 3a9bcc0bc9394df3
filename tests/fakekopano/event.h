/*
 * What the server tells subscribers of a change: an entry of a folder's journal, or something that happened to an
 * object. change.h makes them in the order of the real server, notify.h delivers them.
 */
#ifndef FAKEKOPANO_EVENT_H
#define FAKEKOPANO_EVENT_H

#include "tests/fakekopano/world.h"

#define EVENT_CREATED  0x4u
#define EVENT_DELETED  0x8u
#define EVENT_MODIFIED 0x10u
#define EVENT_MOVED    0x20u
#define EVENT_COPIED   0x40u
#define EVENT_ICS      0x80000001u

struct event_id {
	uint8_t n; /* 0: absent */
	unsigned char b[ENTRY_ID_BYTES];
};

struct event {
	uint32_t type;
	enum object_type object; /* OBJECT_NONE for EVENT_ICS */
	bool counter;            /* only the counters of the folder are others */
	uint32_t change;         /* of an entry */
	/* Who may be interested: the object, its store, its parents, by their counters. */
	uint32_t key, store_key, parent_key, old_parent_key;
	struct event_id id, parent, old_id, old_parent;
};

/* Told of every event while a change is made; the lock is held alone. */
struct observer {
	void (*notice)(struct observer *o, const struct event *e);
	bool watched; /* there is somebody who wants to know */
};

struct change;

/* Events of an item or folder as it is now, to be sent at once. */
void event_entry(struct change *c, uint32_t folder, uint32_t change);
void event_item(struct change *c, uint32_t type, uint32_t item);
void event_folder(struct change *c, uint32_t type, uint32_t folder);
void event_counters(struct change *c, uint32_t folder);
/*
 * To be sent when the operation is over: what happened to the objects, then the counters of the folders, each once.
 * Take the event before an object is gone.
 */
struct event event_of_item(const struct world *w, uint32_t type, uint32_t item);
struct event event_of_folder(const struct world *w, uint32_t type, uint32_t folder);
/* Add where it came from; the entry ids of before are in old. */
void event_from(struct event *e, const struct event *old);
void event_later(struct change *c, const struct event *e);
void event_counters_later(struct change *c, uint32_t folder);
void event_send(struct change *c, const struct event *e);
/* The operation is over. */
void event_flush(struct change *c);

#endif
