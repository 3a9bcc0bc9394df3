#include <string.h>

#include "tests/fakekopano/control.h"
#include "tests/fakekopano/object.h"
#include "tests/fakekopano/rights.h"
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
	folder = folder_create_typed(&c->change, c->w->folders[parent].store, parent, name,
				     json_text(c->in, "class", NULL), (uint32_t)json_int(c->in, "type", 1));
	c->w->folders[folder].hidden = json_bool(c->in, "hidden", false);
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
	f->hidden = json_bool(c->in, "hidden", f->hidden);
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
	if (command_failed(c))
		return;
	if (c->w->folders[folder].store == c->w->folders[to].store) {
		folder_move(&c->change, folder, to);
	} else {
		uint32_t source = folder;

		folder = folder_copy(&c->change, source, to);
		folder_delete(&c->change, source, false);
	}
	reply_folder(c, folder);
}

void verb_folder_copy(struct command *c)
{
	uint32_t folder = command_folder(c, "folder"), to = command_folder(c, "to");

	if (!command_failed(c) && (world_is_below(c->w, to, folder) || !c->w->folders[folder].parent))
		command_fail(c, "the folder cannot go there");
	if (!command_failed(c))
		reply_folder(c, folder_copy(&c->change, folder, to));
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

static bool is_purged(const struct folder *f)
{
	return f->hid && f->soft_deleted && f->parent;
}

void verb_purge_server(struct command *c)
{
	uint32_t n = 0;

	for (uint32_t i = 1; i < c->w->n_folders; i++) {
		if (!is_purged(&c->w->folders[i]))
			continue;
		folder_delete(&c->change, i, true);
		n++;
	}
	reply_uint(c, "folders", n);
	n = 0;
	for (uint32_t i = 1; i < c->w->n_items; i++) {
		if (!c->w->items[i].hid || !(c->w->items[i].state & ITEM_SOFT_DELETED))
			continue;
		item_delete(&c->change, i, true);
		n++;
	}
	reply_uint(c, "items", n);
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
