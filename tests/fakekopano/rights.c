#include "tests/fakekopano/rights.h"

#include "tests/fakekopano/tags.h"

#define RIGHTS_PUBLIC (RIGHT_READ | RIGHT_VISIBLE | 0x2u)

bool is_system_admin(const struct world *w, uint32_t user)
{
	const struct user *u = world_user(w, user);

	return u && u->level >= 2;
}

bool owns_store(const struct world *w, uint32_t user, uint32_t store)
{
	const struct user *u = world_user(w, user);

	return u && (u->level > 0 || w->stores[store].owner == user);
}

bool is_member(const struct world *w, uint32_t group, uint32_t user)
{
	const struct user *g = world_user(w, group), *u = world_user(w, user);

	if (group == USER_EVERYONE)
		return u && (u->type == AB_USER || user == USER_EVERYONE);
	for (uint32_t i = 0; g && i < g->members.n; i++)
		if (g->members.at[i] == user)
			return true;
	return false;
}

static bool concerns(const struct world *w, const struct acl_entry *entry, uint32_t user)
{
	return entry->user == user || entry->user == USER_EVERYONE || is_member(w, entry->user, user);
}

uint32_t rights_on(const struct world *w, uint32_t user, uint32_t folder)
{
	const struct store *s = &w->stores[w->folders[folder].store];

	if (owns_store(w, user, w->folders[folder].store))
		return RIGHTS_OWNER;
	for (; folder; folder = w->folders[folder].parent) {
		const struct folder *f = &w->folders[folder];
		uint32_t rights = 0;
		bool found = false;

		for (uint32_t i = 0; i < f->n_acl; i++) {
			if (concerns(w, &f->acl[i], user)) {
				rights |= f->acl[i].rights;
				found = true;
			}
		}
		if (found)
			return rights;
	}
	return s->type == STORE_PUBLIC ? RIGHTS_PUBLIC : 0;
}

bool may_read(const struct world *w, uint32_t user, uint32_t folder)
{
	return rights_on(w, user, folder) & RIGHT_READ;
}

bool may_see(const struct world *w, uint32_t user, uint32_t folder)
{
	return !w->folders[folder].parent || rights_on(w, user, folder) & RIGHT_VISIBLE;
}

static uint32_t entry_of(const struct folder *f, uint32_t user)
{
	uint32_t i = 0;

	while (i < f->n_acl && f->acl[i].user != user)
		i++;
	return i;
}

void rights_set(struct world *w, uint32_t user, uint32_t folder, uint32_t rights)
{
	struct folder *f = &w->folders[folder];
	uint32_t i = entry_of(f, user);

	if (i == f->n_acl) {
		f->acl = array_grow(f->acl, f->n_acl, &f->cap_acl, sizeof(*f->acl));
		f->n_acl++;
	}
	f->acl[i] = (struct acl_entry){user, rights};
}

void rights_remove(struct world *w, uint32_t user, uint32_t folder)
{
	struct folder *f = &w->folders[folder];
	uint32_t i = entry_of(f, user);

	if (i < f->n_acl)
		f->acl[i] = f->acl[--f->n_acl];
}
