#include <string.h>

#include "tests/fakekopano/control.h"
#include "tests/fakekopano/method.h"
#include "tests/fakekopano/object.h"
#include "tests/fakekopano/tags.h"

static void reply_bool(struct command *c, const char *name, bool value)
{
	buf_printf(c->out, ",\"%s\":%s", name, value ? "true" : "false");
}

static void reply_value(struct command *c, const char *name, const struct value *v)
{
	uint32_t type = PROP_TYPE(v->tag);

	if (type == PT_UNICODE || type == PT_STRING8) {
		buf_printf(c->out, ",\"%s\":", name);
		buf_json(c->out, v->data ? v->data : "", v->len);
	} else if (type_is_bytes(type)) {
		reply_hex(c, name, v->data, v->len);
	} else if (type == PT_BOOLEAN) {
		reply_bool(c, name, v->number);
	} else {
		reply_uint(c, name, v->number);
	}
}

static const struct {
	const char *name;
	uint32_t tag;
} item_members[] =
	{
		{"key", PR_SOURCE_KEY},        {"entry_id", PR_ENTRYID},      {"subject", PR_SUBJECT},
		{"class", PR_MESSAGE_CLASS},   {"flags", PR_MESSAGE_FLAGS},   {"size", PR_MESSAGE_SIZE},
		{"associated", PR_ASSOCIATED}, {"created", PR_CREATION_TIME}, {"modified", PR_LAST_MODIFICATION_TIME},
},
  folder_members[] = {
	  {"key", PR_SOURCE_KEY},           {"entry_id", PR_ENTRYID},
	  {"parent", PR_PARENT_SOURCE_KEY}, {"class", PR_CONTAINER_CLASS},
	  {"type", PR_FOLDER_TYPE},         {"count", PR_CONTENT_COUNT},
	  {"unread", PR_CONTENT_UNREAD},    {"associated", PR_ASSOC_CONTENT_COUNT},
};

static void list_item(struct command *c, const struct item *i)
{
	const struct json *tags = json_get(c->in, "tags");
	struct value v;

	buf_printf(c->out, "{\"number\":%u", i->hid);
	for (size_t k = 0; k < sizeof(item_members) / sizeof(*item_members); k++)
		if (item_value(c->w, i, item_members[k].tag, &v))
			reply_value(c, item_members[k].name, &v);
	reply_bool(c, "read", i->flags & MSGFLAG_READ);
	reply_bool(c, "deleted", i->state & ITEM_SOFT_DELETED);
	reply_uint(c, "change", i->change);
	for (const struct json *tag = tags ? tags->first : NULL; tag; tag = tag->next) {
		char name[16] = "";

		memcpy(name, tag->text ? tag->text : "", tag->text_len < sizeof(name) ? tag->text_len : 0);
		if (item_value(c->w, i, (uint32_t)json_number(tag, 0), &v))
			reply_value(c, name, &v);
	}
	buf_char(c->out, '}');
}

void verb_list(struct command *c)
{
	uint32_t folder = command_folder(c, "folder");
	const struct vec *items = &c->w->folders[folder].items;
	bool deleted = json_bool(c->in, "deleted", false), first = true;

	buf_str(c->out, ",\"items\":[");
	for (uint32_t i = 0; i < items->n; i++) {
		const struct item *item = &c->w->items[world_by_hid(c->w, OBJECT_ITEM, items->at[i])];

		if (!deleted && item->state & ITEM_SOFT_DELETED)
			continue;
		buf_str(c->out, first ? "" : ",");
		list_item(c, item);
		first = false;
	}
	buf_char(c->out, ']');
}

static void list_folder(struct command *c, const struct folder *f)
{
	const struct store *s = &c->w->stores[f->store];
	const struct user *owner = world_user(c->w, s->owner);
	struct value v;

	buf_printf(c->out, "{\"number\":%u", f->hid);
	for (size_t k = 0; k < sizeof(folder_members) / sizeof(*folder_members); k++)
		if (folder_value(c->w, f, folder_members[k].tag, &v))
			reply_value(c, folder_members[k].name, &v);
	reply_text(c, "name", f->name ? f->name : "");
	reply_bool(c, "deleted", f->soft_deleted);
	reply_text(c, "owner", owner ? owner->name : "");
	reply_hex(c, "store", s->guid.b, GUID_BYTES);
	reply_uint(c, "change", f->change);
	reply_uint(c, "last_change", folder_last_change(f));
	buf_char(c->out, '}');
}

void verb_folders(struct command *c)
{
	uint32_t store = json_get(c->in, "store") ? command_store(c, "store") : 0;
	bool first = true;

	buf_str(c->out, ",\"folders\":[");
	for (uint32_t i = 1; i < c->w->n_folders; i++) {
		const struct folder *f = &c->w->folders[i];

		if (!f->hid || (store && f->store != store))
			continue;
		buf_str(c->out, first ? "" : ",");
		list_folder(c, f);
		first = false;
	}
	buf_char(c->out, ']');
}

static void list_entry(struct command *c, uint32_t id, const struct journal_entry *e)
{
	unsigned char key[SOURCE_KEY_BYTES];

	buf_printf(c->out, "{\"id\":%u,\"kind\":%u,\"flags\":%u", id, e->kind, e->flags);
	source_key_make(key, &c->w->guid, e->key);
	reply_hex(c, "key", key, sizeof(key));
	source_key_make(key, &c->w->guid, e->parent);
	reply_hex(c, "parent", key, sizeof(key));
	reply_bool(c, "associated", e->associated);
	buf_char(c->out, '}');
}

void verb_journal(struct command *c)
{
	uint32_t folder = json_get(c->in, "folder") ? command_folder(c, "folder") : 0;
	const struct journal *j = &c->w->journal;
	bool first = true;

	reply_uint(c, "max", j->max);
	reply_uint(c, "last_given", j->last);
	buf_str(c->out, ",\"entries\":[");
	for (uint32_t id = (uint32_t)json_int(c->in, "after", 0) + 1; id <= j->max; id++) {
		const struct journal_entry *e = journal_get(j, id);

		if (!e || (folder && e->parent != c->w->folders[folder].key))
			continue;
		buf_str(c->out, first ? "" : ",");
		list_entry(c, id, e);
		first = false;
	}
	buf_char(c->out, ']');
}

void verb_stats(struct command *c)
{
	struct server *s = c->s;
	struct notifier_counts counts = notifier_count(&s->notifier);
	uint32_t n_tables = 0;
	bool first = true;

	buf_str(c->out, ",\"calls\":{");
	for (int i = 0; methods[i].name; i++) {
		if (!s->calls[i])
			continue;
		buf_printf(c->out, "%s\"%s\":%llu", first ? "" : ",", methods[i].name, (unsigned long long)s->calls[i]);
		first = false;
	}
	buf_char(c->out, '}');
	for (uint32_t i = 0; i < s->n_sessions; i++)
		n_tables += s->sessions[i]->n_tables;
	reply_uint(c, "rows", s->n_rows);
	reply_uint(c, "entries", s->n_entries);
	reply_uint(c, "streams", s->n_streams);
	reply_uint(c, "sessions", s->n_sessions);
	reply_uint(c, "tables", n_tables);
	reply_uint(c, "lively", s->lively.n);
	reply_uint(c, "subscriptions", counts.subscriptions);
	reply_uint(c, "polls", counts.polls);
	reply_uint(c, "queued", counts.queued);
	if (json_bool(c->in, "reset", false)) {
		memset(s->calls, 0, sizeof(s->calls));
		s->n_rows = s->n_entries = s->n_streams = 0;
	}
}

void verb_info(struct command *c)
{
	reply_hex(c, "guid", c->w->guid.b, GUID_BYTES);
	reply_uint(c, "max_change", c->w->journal.max);
	reply_uint(c, "max_ab_change", c->w->ab_journal.max);
	reply_uint(c, "stores", c->w->n_stores - 1);
	reply_uint(c, "folders", c->w->n_folders - 1 - c->w->free_folders.n);
	reply_uint(c, "items", c->w->n_items - 1 - c->w->free_items.n);
}
