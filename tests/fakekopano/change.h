/*
 * Everything that changes a mailbox: each operation writes its journal entries in the order of the real server and
 * notes which rows it touched, so that open tables can follow.
 *
 * A struct change is one operation as the server sees it: what it touches is touched "at once".
 */
#ifndef FAKEKOPANO_CHANGE_H
#define FAKEKOPANO_CHANGE_H

#include "tests/fakekopano/event.h"

struct touch {
	uint32_t folder_key; /* the folder whose tables may show the row */
	uint32_t hid;
	enum object_type type;
};

struct change {
	struct world *w;
	struct touch *touches;
	uint32_t n, cap;
	struct event *events; /* that are sent when the operation is over */
	uint32_t n_events, cap_events;
	bool quiet;          /* items of a folder that is told of as a whole */
	struct vec counters; /* keys of folders whose counters are told of then */
};

void change_end(struct change *c);

/* What every change is made of: an entry of a folder's journal, whose id is returned, and a note for open tables. */
uint32_t change_record(struct change *c, uint32_t parent, uint32_t key, uint32_t kind, uint8_t flags, bool associated);
void change_touch(struct change *c, uint32_t folder, enum object_type type, uint32_t hid);

struct new_item {
	struct props *props; /* a reference is taken */
	uint16_t flags;
	uint8_t state;
	uint8_t cached;
	uint32_t size;  /* 0: computed */
	bool copy;      /* its event is not that of a new item */
	uint32_t saves; /* CHANGE entries after the NEW one */
	uint64_t time;  /* 0: now */
};

/* Returns the item's place. */
uint32_t item_create(struct change *c, uint32_t folder, const struct new_item *n);
/* The item's content was changed by the caller. size 0: computed. */
void item_save(struct change *c, uint32_t item, uint32_t size, uint64_t time);
/* Returns false when nothing changed. */
bool item_set_read(struct change *c, uint32_t item, bool read);
void item_move(struct change *c, uint32_t item, uint32_t folder);
uint32_t item_copy(struct change *c, uint32_t item, uint32_t folder);
void item_delete(struct change *c, uint32_t item, bool hard);
void item_restore(struct change *c, uint32_t item);
uint32_t item_size(const struct item *i);
/* The entry of an item that is deleted with its folder; the item stays as it is. */
void item_record_delete(struct change *c, uint32_t item);

uint32_t folder_create(struct change *c, uint32_t store, uint32_t parent, const char *name, const char *class);
/* type 1 generic, 2 search. */
uint32_t folder_create_typed(struct change *c, uint32_t store, uint32_t parent, const char *name, const char *class,
			     uint32_t type);
void folder_save(struct change *c, uint32_t folder, uint64_t time);
/* The target must not be below the folder. */
void folder_move(struct change *c, uint32_t folder, uint32_t parent);
void folder_delete(struct change *c, uint32_t folder, bool hard);
/* With all that is in it; the parent may be in another store. Returns the copy. */
uint32_t folder_copy(struct change *c, uint32_t folder, uint32_t parent);
void folder_restore(struct change *c, uint32_t folder);
/* Write the entry that gives an untouched folder a highest id. */
void folder_place_holder(struct world *w, uint32_t folder);
/* Highest id of any entry with this parent, 0 for none. */
uint32_t folder_last_change(const struct folder *f);

#endif
