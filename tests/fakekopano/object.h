/*
 * The properties of stores, folders, items and users, stored and computed, as the reading calls show them.
 *
 * Getters fill *v and return true, or return false when the object has no such property. *v may point into the world
 * and lives as long as the caller holds the lock.
 */
#ifndef FAKEKOPANO_OBJECT_H
#define FAKEKOPANO_OBJECT_H

#include "tests/fakekopano/world.h"

bool item_value(const struct world *w, const struct item *i, uint32_t tag, struct value *v);
/* Only what is stored: no computed properties. Used by loadProp. */
bool item_stored_value(const struct world *w, const struct item *i, uint32_t tag, struct value *v);
bool folder_value(const struct world *w, const struct folder *f, uint32_t tag, struct value *v);
bool store_value(const struct world *w, const struct store *s, uint32_t tag, struct value *v);

/* What items and folders have in common: where they are. parent 0 is the store itself. */
bool placed_value(const struct world *w, uint32_t store, uint32_t parent, uint32_t tag, struct value *v);

/* The tags of an object in the order in which loadObject lists them. */
void item_tags(const struct world *w, const struct item *i, struct vec *tags);
void folder_tags(const struct world *w, const struct folder *f, struct vec *tags);
void store_tags(const struct world *w, const struct store *s, struct vec *tags);

/* A table or stream has read these columns, whole or cut: the server's memory holds more of the item now. */
void item_was_read(struct item *i, const struct vec *columns, bool whole);

/* Entry ids. out is a value with scratch. */
void item_entry_id(const struct world *w, const struct item *i, struct value *v);
void folder_entry_id(const struct world *w, const struct folder *f, struct value *v);
void store_entry_id(const struct world *w, const struct store *s, struct value *v);
void user_entry_id(const struct world *w, uint32_t user, struct value *v);
const char *store_name(const struct world *w, const struct store *s, char *text, size_t size);

#endif
