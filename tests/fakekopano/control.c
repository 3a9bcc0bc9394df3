#include "tests/fakekopano/control.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/fakekopano/object.h"
#include "tests/fakekopano/tags.h"

#define EPOCH_SECONDS 11644473600

static const struct {
	const char *name;
	control_verb *run;
	bool holds; /* a held folder delays it */
} verbs[] = {
	{"create", verb_create, true},
	{"change", verb_change, true},
	{"read", verb_read, true},
	{"unread", verb_read, true},
	{"move", verb_move, true},
	{"copy", verb_copy, true},
	{"delete", verb_delete, true},
	{"restore", verb_restore, true},
	{"purge", verb_purge, true},
	{"purge-server", verb_purge_server, false},
	{"refuse", verb_refuse, false},
	{"uncache", verb_uncache, false},
	{"folder-create", verb_folder_create, true},
	{"folder-change", verb_folder_change, true},
	{"folder-move", verb_folder_move, true},
	{"folder-copy", verb_folder_copy, true},
	{"folder-delete", verb_folder_delete, true},
	{"folder-restore", verb_folder_restore, true},
	{"user-create", verb_user_create, false},
	{"group-create", verb_user_create, false},
	{"user-change", verb_user_change, false},
	{"group-change", verb_user_change, false},
	{"user-delete", verb_user_delete, false},
	{"group-delete", verb_user_delete, false},
	{"group-add", verb_group_member, false},
	{"group-remove", verb_group_member, false},
	{"store-create", verb_store_create, false},
	{"store-change", verb_store_change, false},
	{"store-detach", verb_store_detach, false},
	{"store-attach", verb_store_detach, false},
	{"store-remove", verb_store_remove, false},
	{"right", verb_right, false},
	{"backlog", verb_backlog, false},
	{"lively", verb_lively, false},
	{"list", verb_list, false},
	{"folders", verb_folders, false},
	{"journal", verb_journal, false},
	{"stats", verb_stats, false},
	{"info", verb_info, false},
	{"fault", verb_fault, false},
	{"clear-faults", verb_clear_faults, false},
	{"expire-sessions", verb_expire_sessions, false},
	{"expire-syncs", verb_expire_syncs, false},
	{"restart", verb_restart, false},
	{"mark", verb_mark, false},
	{"restore-mark", verb_restore_mark, false},
	{"lag", verb_lag, false},
	{"advance", verb_advance, false},
	{"new-guid", verb_new_guid, false},
	{"poll", verb_poll, false},
	{"reload-tables", verb_reload_tables, false},
};

#define N_VERBS (sizeof(verbs) / sizeof(*verbs))

void command_fail(struct command *c, const char *format, ...)
{
	va_list args;

	if (c->error[0])
		return;
	va_start(args, format);
	vsnprintf(c->error, sizeof(c->error), format, args);
	va_end(args);
}

bool command_failed(const struct command *c)
{
	return c->error[0];
}

void reply_uint(struct command *c, const char *name, uint64_t value)
{
	buf_printf(c->out, ",\"%s\":", name);
	buf_uint(c->out, value);
}

void reply_text(struct command *c, const char *name, const char *text)
{
	buf_printf(c->out, ",\"%s\":", name);
	buf_json(c->out, text, strlen(text));
}

void reply_hex(struct command *c, const char *name, const void *bytes, size_t n)
{
	buf_printf(c->out, ",\"%s\":\"", name);
	buf_hex(c->out, bytes, n);
	buf_char(c->out, '"');
}

void reply_item(struct command *c, uint32_t item)
{
	const struct item *i = &c->w->items[item];
	struct value v;

	buf_char(c->out, '{');
	buf_printf(c->out, "\"number\":%u", i->hid);
	item_value(c->w, i, PR_SOURCE_KEY, &v);
	reply_hex(c, "key", v.data, v.len);
	item_entry_id(c->w, i, &v);
	reply_hex(c, "entry_id", v.data, v.len);
	reply_uint(c, "change", i->change);
	buf_char(c->out, '}');
}

uint64_t unix_time(int64_t seconds)
{
	return (uint64_t)(seconds + EPOCH_SECONDS) * 10000000u;
}

uint64_t command_time(struct command *c)
{
	return json_get(c->in, "time") ? unix_time(json_int(c->in, "time", 0)) : time_now_whole();
}

uint32_t command_user(struct command *c, const char *key)
{
	const char *name = json_text(c->in, key, "");
	const struct user *user = world_user_named(c->w, name);

	if (!user)
		command_fail(c, "no user %s", name);
	return user ? user->id : 0;
}

static uint32_t store_by_guid(struct command *c, const char *text)
{
	unsigned char guid[GUID_BYTES];

	if (strlen(text) != 2 * GUID_BYTES || hex_decode(text, 2 * GUID_BYTES, guid) < 0)
		return 0;
	for (uint32_t i = 1; i < c->w->n_stores; i++)
		if (memcmp(c->w->stores[i].guid.b, guid, GUID_BYTES) == 0)
			return i;
	return 0;
}

static uint32_t store_named(struct command *c, const char *name, size_t n)
{
	char owner[128];
	const struct user *user;
	uint32_t store;

	snprintf(owner, sizeof(owner), "%.*s", (int)n, name);
	store = store_by_guid(c, owner);
	if (store)
		return store;
	if (strcmp(owner, "public") == 0)
		return world_public_store(c->w);
	user = world_user_named(c->w, owner);
	store = user ? world_store_of(c->w, user->id) : 0;
	for (uint32_t i = 1; user && !store && i < c->w->n_stores; i++)
		if (c->w->stores[i].owner == user->id && !c->w->stores[i].removed)
			store = i;
	if (!store)
		command_fail(c, "no store of %s", owner);
	return store;
}

uint32_t command_store(struct command *c, const char *key)
{
	const char *name = json_text(c->in, key, "");

	return store_named(c, name, strlen(name));
}

static uint32_t folder_by_hex(struct command *c, const char *text)
{
	unsigned char key[SOURCE_KEY_BYTES];

	if (strlen(text) != 2 * SOURCE_KEY_BYTES || hex_decode(text, strlen(text), key) < 0)
		return 0;
	return world_by_source_key(c->w, OBJECT_FOLDER, (struct bytes){key, sizeof(key)});
}

static uint32_t walk(struct command *c, uint32_t store, const char *path)
{
	uint32_t folder = c->w->stores[store].special[SPECIAL_SUBTREE];

	if (strncmp(path, "~root", 5) == 0) {
		folder = c->w->stores[store].special[SPECIAL_ROOT];
		path += path[5] == '/' ? 6 : 5;
	}
	while (*path && folder) {
		size_t n = strcspn(path, "/");
		char name[256];

		snprintf(name, sizeof(name), "%.*s", (int)n, path);
		folder = world_child_named(c->w, folder, name);
		path += n + (path[n] == '/');
	}
	return folder;
}

uint32_t command_folder_or(struct command *c, const char *key, uint32_t otherwise)
{
	return json_get(c->in, key) ? command_folder(c, key) : otherwise;
}

uint32_t command_folder(struct command *c, const char *key)
{
	const char *path = json_text(c->in, key, ""), *slash = strchr(path, '/');
	uint32_t folder = folder_by_hex(c, path), store;

	if (folder)
		return folder;
	if (!slash) {
		command_fail(c, "%s: no folder %s", key, path);
		return 0;
	}
	store = store_named(c, path, (size_t)(slash - path));
	folder = store ? walk(c, store, slash + 1) : 0;
	if (!folder)
		command_fail(c, "%s: no folder %s", key, path);
	return folder;
}

static uint32_t item_named(struct command *c, const struct json *name)
{
	unsigned char key[SOURCE_KEY_BYTES];

	if (name->type == JSON_STRING && name->text_len == 2 * SOURCE_KEY_BYTES &&
	    hex_decode(name->text, name->text_len, key) > 0)
		return world_by_source_key(c->w, OBJECT_ITEM, (struct bytes){key, sizeof(key)});
	return world_by_hid(c->w, OBJECT_ITEM, (uint32_t)json_number(name, 0));
}

static void add_named(struct command *c, const struct json *name, struct vec *items)
{
	uint32_t item = item_named(c, name);

	if (item)
		vec_push(items, item);
	else
		command_fail(c, "no item %.*s", (int)name->text_len, name->text ? name->text : "");
}

static bool has_subject(struct command *c, const struct item *i, const char *subject)
{
	struct value v;

	return !subject ||
	       (item_value(c->w, i, PR_SUBJECT, &v) && v.len == strlen(subject) && memcmp(v.data, subject, v.len) == 0);
}

void command_items(struct command *c, uint32_t folder, bool deleted, struct vec *items)
{
	const struct json *list = json_get(c->in, "items"), *one = json_get(c->in, "item");
	const char *subject = json_text(json_get(c->in, "where"), "subject", NULL);
	uint64_t first = (uint64_t)json_int(c->in, "first", INT64_MAX), last = (uint64_t)json_int(c->in, "last", 0);
	const struct vec *all = &c->w->folders[folder].items;
	bool any = subject || first != INT64_MAX || last || json_bool(c->in, "all", false);

	if (one)
		add_named(c, one, items);
	for (const struct json *name = list ? list->first : NULL; name; name = name->next)
		add_named(c, name, items);
	if (list || one)
		return;
	if (!any)
		command_fail(c, "which items? item, items, where, first, last or all");
	for (uint32_t i = 0; any && i < all->n; i++) {
		uint32_t place = world_by_hid(c->w, OBJECT_ITEM, all->at[last ? all->n - 1 - i : i]);
		const struct item *item = &c->w->items[place];

		if (!!(item->state & ITEM_SOFT_DELETED) == deleted && has_subject(c, item, subject) &&
		    items->n < (last ? last : first))
			vec_push(items, place);
	}
}

static size_t verb_named(const char *name)
{
	size_t i = 0;

	while (i < N_VERBS && strcmp(verbs[i].name, name) != 0)
		i++;
	return i;
}

void command_finish(struct command *c, struct buf *out, struct buf *members)
{
	if (command_failed(c)) {
		buf_str(out, "{\"error\":");
		buf_json(out, c->error, strlen(c->error));
		buf_str(out, "}\n");
		return;
	}
	buf_str(out, "{\"ok\":true");
	buf_put(out, members->data, members->len);
	buf_str(out, "}\n");
}

/* Carry out one line. The lock is held alone. original keeps the text that parsing destroys. */
void control_run_line(struct server *s, char *line, const char *original, struct buf *out, struct vec *reserved)
{
	struct json *in = json_parse(line, strlen(line));
	struct buf members = {0};
	struct command c = {.s = s, .w = s->w, .in = in, .out = &members, .change = {.w = s->w}};
	const char *name = json_text(in, "do", "");
	size_t verb = verb_named(name);

	if (!in) {
		command_fail(&c, "not a JSON object");
	} else if (verb == N_VERBS) {
		command_fail(&c, "unknown verb %s", name);
	} else if (!reserved && verbs[verb].holds && command_is_late(&c)) {
		command_hold(&c, original);
	} else {
		s->w->reserved = reserved;
		verbs[verb].run(&c);
		s->w->reserved = NULL;
		server_follow(s, &c.change);
	}
	command_finish(&c, out, &members);
	json_free(in);
	buf_free(&members);
}

void control_run(struct server *s, char *text, size_t len, struct buf *out)
{
	char *end = text + len;

	*end = '\0';
	while (text < end) {
		char *newline = strchr(text, '\n'), *line = text, *original;

		if (newline)
			*newline = '\0';
		text = newline ? newline + 1 : end;
		if (strspn(line, " \t\r") == strlen(line))
			continue;
		original = strdup(line);
		pthread_rwlock_wrlock(&s->lock);
		if (!control_hold_or_release(s, original, out))
			control_run_line(s, line, original, out, NULL);
		pthread_rwlock_unlock(&s->lock);
		free(original);
	}
}
