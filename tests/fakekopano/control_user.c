#include <string.h>

#include "tests/fakekopano/control.h"
#include "tests/fakekopano/store.h"

static void set_members(struct command *c, uint32_t group)
{
	const struct json *members = json_get(c->in, "members");

	if (!members)
		return;
	c->w->users[group].members.n = 0;
	for (const struct json *one = members->first; one; one = one->next) {
		const struct user *user = world_user_named(c->w, one->text ? one->text : "");

		if (user)
			vec_insert_sorted(&c->w->users[group].members, user->id);
		else
			command_fail(c, "no user %s", one->text ? one->text : "");
	}
}

void verb_user_create(struct command *c)
{
	bool group = strcmp(json_text(c->in, "do", ""), "group-create") == 0;
	struct new_user n = {.name = json_text(c->in, "name", NULL),
			     .password = json_text(c->in, "password", NULL),
			     .full_name = json_text(c->in, "full_name", NULL),
			     .mail = json_text(c->in, "mail", NULL),
			     .admin = (uint32_t)json_int(c->in, "admin", 0),
			     .type = group ? AB_GROUP : AB_USER};
	uint32_t user;

	if (!n.name || world_user_named(c->w, n.name))
		command_fail(c, "a user needs a new name");
	if (command_failed(c))
		return;
	user = user_create(c->w, &n);
	set_members(c, user);
	reply_uint(c, "id", user);
	if (!group && json_bool(c->in, "store", true))
		store_create(&c->change, user, STORE_PRIVATE);
}

static void replace(char **text, const char *by)
{
	if (!by)
		return;
	free(*text);
	*text = strdup(by);
}

/* "user" or "group", as the verb is named. */
static uint32_t whom(struct command *c)
{
	return command_user(c, strncmp(json_text(c->in, "do", ""), "group", 5) == 0 ? "group" : "user");
}

void verb_user_change(struct command *c)
{
	uint32_t id = whom(c);
	struct user *u = world_user(c->w, id);

	if (!u)
		return;
	replace(&u->name, json_text(c->in, "name", NULL));
	replace(&u->full_name, json_text(c->in, "full_name", NULL));
	replace(&u->mail, json_text(c->in, "mail", NULL));
	replace(&u->password, json_text(c->in, "password", NULL));
	u->admin = (uint32_t)json_int(c->in, "admin", u->admin);
	set_members(c, id);
	user_changed(c->w, id);
}

void verb_user_delete(struct command *c)
{
	uint32_t user = whom(c), store;

	if (user <= USER_SYSTEM)
		command_fail(c, "this user stays");
	if (command_failed(c))
		return;
	store = world_store_of(c->w, user);
	if (store)
		c->w->stores[store].detached = true;
	user_delete(c->w, user);
}

void verb_group_member(struct command *c)
{
	uint32_t group = command_user(c, "group"), user = command_user(c, "user");
	bool add = strcmp(json_text(c->in, "do", ""), "group-add") == 0;
	struct vec *members = &c->w->users[group].members;

	if (command_failed(c))
		return;
	vec_remove_sorted(members, user);
	if (add)
		vec_insert_sorted(members, user);
	user_changed(c->w, group);
}

void verb_store_create(struct command *c)
{
	uint32_t user = command_user(c, "user");

	if (!command_failed(c))
		store_create(&c->change, user, STORE_PRIVATE);
}

static uint64_t named_time(struct command *c, const char *key, uint64_t otherwise)
{
	return json_get(c->in, key) ? unix_time(json_int(c->in, key, 0)) : otherwise;
}

/* The root folder is changed last: it leads to the others. */
static void date_folders(struct world *w, uint32_t store)
{
	const struct store *s = &w->stores[store];

	for (uint32_t i = 1; i < w->n_folders; i++) {
		struct folder *f = &w->folders[i];

		if (!f->hid || f->store != store)
			continue;
		f->created = s->created;
		f->modified = f->parent ? s->created : s->modified;
	}
}

void verb_store_change(struct command *c)
{
	uint32_t store = command_store(c, "store");
	struct store *s = &c->w->stores[store];

	if (command_failed(c))
		return;
	s->created = named_time(c, "created", s->created);
	s->modified = named_time(c, "modified", s->modified);
	date_folders(c->w, store);
}

void verb_store_detach(struct command *c)
{
	uint32_t store = command_store(c, "store");
	bool detach = strcmp(json_text(c->in, "do", ""), "store-detach") == 0;
	uint32_t user = json_get(c->in, "user") ? command_user(c, "user") : c->w->stores[store].owner;

	if (!command_failed(c) && !detach && (!world_user(c->w, user) || world_store_of(c->w, user)))
		command_fail(c, "that user cannot get a store");
	if (command_failed(c))
		return;
	c->w->stores[store].detached = detach;
	if (!detach)
		c->w->stores[store].owner = user;
}

void verb_store_remove(struct command *c)
{
	uint32_t store = command_store(c, "store");

	if (!command_failed(c))
		store_remove(&c->change, store, json_bool(c->in, "purge", false));
}
