/* Who may see and read what: owner, administrator, or an entry on the folder or the nearest one above that has one. */
#ifndef FAKEKOPANO_RIGHTS_H
#define FAKEKOPANO_RIGHTS_H

#include "tests/fakekopano/world.h"

/* An administrator keeps his level as long as he does not log on again. */
bool is_system_admin(const struct world *w, uint32_t user);
/* Everyone has every user in it, and itself. */
bool is_member(const struct world *w, uint32_t group, uint32_t user);
bool owns_store(const struct world *w, uint32_t user, uint32_t store);
uint32_t rights_on(const struct world *w, uint32_t user, uint32_t folder);
bool may_read(const struct world *w, uint32_t user, uint32_t folder);
/* The root folder is visible to everybody. */
bool may_see(const struct world *w, uint32_t user, uint32_t folder);
/* An entry without rights denies what a folder above allows; without an entry that one decides. */
void rights_set(struct world *w, uint32_t user, uint32_t folder, uint32_t rights);
void rights_remove(struct world *w, uint32_t user, uint32_t folder);

#endif
