/* Users and stores: creating them with everything that the real server puts into them. */
#ifndef FAKEKOPANO_STORE_H
#define FAKEKOPANO_STORE_H

#include "tests/fakekopano/change.h"

struct new_user {
	const char *name, *password, *full_name, *mail; /* full name and mail may be NULL */
	uint32_t admin;
	uint32_t type; /* AB_USER or AB_GROUP */
};

/* Returns the user's id. Writes to the address book journal. */
uint32_t user_create(struct world *w, const struct new_user *n);
void user_changed(struct world *w, uint32_t user);
void user_delete(struct world *w, uint32_t user);

/* Returns the store's place. */
uint32_t store_create(struct change *c, uint32_t owner, uint32_t type);
/*
 * The store vanishes from the lists without a journal entry; what is in it can be read by its ids until it is purged,
 * which forgets everything.
 */
void store_remove(struct change *c, uint32_t store, bool purge);

/* The world of a new server: SYSTEM, Everyone, user1, user2, admin1, their stores, a public store. */
struct world *world_populated(void);

struct generated {
	uint32_t stores, folders, items; /* folders and items per store */
	uint32_t groups;                 /* of ten of the users each */
};

void world_generate(struct world *w, const struct generated *g);

#endif
