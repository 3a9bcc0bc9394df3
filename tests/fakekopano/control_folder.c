#include <string.h>

#include "tests/fakekopano/control.h"
#include "tests/fakekopano/object.h"
#include "tests/fakekopano/rights.h"
#include "tests/fakekopano/store.h"
#include "tests/fakekopano/tags.h"

static void reply_folder(struct command *c, uint32_t folder)
{
	const struct folder *f = &c->w->folders[folder];
	struct value v;

	reply_uint(c, "number", f->hid);
	folder_value(c->w, f, PR_SOURCE_KEY, &v);
	reply_hex(c, "key", v.data, v.len);
	folder_entry_id(c->w, f, &v);
	reply_hex(c, "entry_id", v.data, v.len);
	reply_uint(c, "change", f->change);
}

void verb_folder_create(struct command *c)
{
	uint32_t parent = command_folder(c, "parent"), folder;
	const char *name = json_text(c->in, "name", NULL);

	if (!name)
		command_fail(c, "a folder needs a name");
	if (command_failed(c))
		return;
	folder = folder_create(&c->change, c->w->folders[parent].store, parent, name, json_text(c->in, "class", NULL));
	c->w->folders[folder].type = (uint8_t)json_int(c->in, "type", 1);
	c->w->folders[folder].created = c->w->folders[folder].modified = command_time(c);
	if (json_get(c->in, "comment"))
		c->w->folders[folder].comment = intern(json_text(c->in, "comment", ""));
	for (int64_t i = json_int(c->in, "saves", 0); i > 0; i--)
		folder_save(&c->change, folder, command_time(c));
	reply_folder(c, folder);
}

void verb_folder_change(struct command *c)
{
	uint32_t folder = command_folder(c, "folder");
	struct folder *f = &c->w->folders[folder];

	if (!command_failed(c) && !f->parent)
		command_fail(c, "a root folder stays as it is");
	if (command_failed(c))
		return;
	f->name = intern(json_text(c->in, "name", f->name));
	f->comment = intern(json_text(c->in, "comment", f->comment));
	if (json_get(c->in, "class"))
		f->class = intern(json_text(c->in, "class", ""));
	folder_save(&c->change, folder, command_time(c));
	reply_folder(c, folder);
}

void verb_folder_move(struct command *c)
{
	uint32_t folder = command_folder(c, "folder"), to = command_folder(c, "to");

	if (!command_failed(c) && (world_is_below(c->w, to, folder) || !c->w->folders[folder].parent))
		command_fail(c, "the folder cannot go there");
	if (!command_failed(c) && c->w->folders[folder].store != c->w->folders[to].store)
		command_fail(c, "a folder cannot leave its store");
	if (command_failed(c))
		return;
	folder_move(&c->change, folder, to);
	reply_folder(c, folder);
}

void verb_folder_delete(struct command *c)
{
	uint32_t folder = command_folder(c, "folder");

	if (!command_failed(c) && !c->w->folders[folder].parent)
		command_fail(c, "a root folder stays");
	if (!command_failed(c))
		folder_delete(&c->change, folder, json_bool(c->in, "hard", false));
}

void verb_folder_restore(struct command *c)
{
	uint32_t folder = command_folder(c, "folder");

	if (!command_failed(c))
		folder_restore(&c->change, folder);
}

static void set_members(struct command *c, uint32_t group)
{
	const struct json *members = json_get(c->in, "members");

	if (!members)
		return;
	c->w->users[group].members.n = 0;
	for (const struct json *one = members->first; one; one = one->next) {
		const struct user *user = world_user_named(c->w, one->text ? one->text : "");

		if (user)
			vec_push(&c->w->users[group].members, user->id);
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

void verb_user_change(struct command *c)
{
	uint32_t id = command_user(c, "user");
	struct user *u = world_user(c->w, id);

	if (!u)
		return;
	replace(&u->full_name, json_text(c->in, "full_name", NULL));
	replace(&u->mail, json_text(c->in, "mail", NULL));
	replace(&u->password, json_text(c->in, "password", NULL));
	u->admin = (uint32_t)json_int(c->in, "admin", u->admin);
	set_members(c, id);
	user_changed(c->w, id);
}

void verb_user_delete(struct command *c)
{
	uint32_t user = command_user(c, "user"), store;

	if (user <= USER_SYSTEM)
		command_fail(c, "this user stays");
	if (command_failed(c))
		return;
	store = world_store_of(c->w, user);
	if (store)
		c->w->stores[store].detached = true;
	user_delete(c->w, user);
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

static void date_folders(struct world *w, uint32_t store)
{
	for (uint32_t i = 1; i < w->n_folders; i++)
		if (w->folders[i].hid && w->folders[i].store == store)
			w->folders[i].created = w->folders[i].modified = w->stores[store].created;
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

	if (!command_failed(c))
		c->w->stores[store].detached = strcmp(json_text(c->in, "do", ""), "store-detach") == 0;
}

void verb_store_remove(struct command *c)
{
	uint32_t store = command_store(c, "store");

	if (!command_failed(c))
		store_remove(&c->change, store);
}

static uint32_t rights_argument(struct command *c)
{
	const char *text = json_text(c->in, "rights", NULL);
	uint32_t rights = 0;

	if (!text)
		return (uint32_t)json_int(c->in, "rights", 0);
	if (strstr(text, "owner"))
		return RIGHTS_OWNER;
	if (strstr(text, "read"))
		rights |= RIGHT_READ;
	if (strstr(text, "visible"))
		rights |= RIGHT_VISIBLE;
	return rights;
}

void verb_right(struct command *c)
{
	uint32_t folder = command_folder(c, "folder"), user = command_user(c, "user");
	bool inherits = strcmp(json_text(c->in, "rights", ""), "inherit") == 0;

	if (command_failed(c))
		return;
	if (inherits)
		rights_remove(c->w, user, folder);
	else
		rights_set(c->w, user, folder, rights_argument(c));
}
