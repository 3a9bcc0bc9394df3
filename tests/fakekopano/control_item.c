#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fakekopano/control.h"
#include "tests/fakekopano/tags.h"

#define MAX_REPLIES 1000

static void set_text(struct props *p, uint32_t tag, const char *text)
{
	props_set_bytes(p, tag, text, strlen(text));
}

static void set_named(struct command *c, struct props *p, const char *key, uint32_t tag)
{
	const struct json *value = json_get(c->in, key);

	if (value && !props_set_json(p, tag, value))
		command_fail(c, "%s: wrong type", key);
}

static void set_props(struct command *c, struct props *p, const struct json *props)
{
	for (const struct json *one = props ? props->first : NULL; one; one = one->next) {
		uint32_t tag = (uint32_t)strtoul(one->key, NULL, 0);

		if (PROP_TYPE(tag) == PT_STRING8)
			tag++;
		if (!props_set_json(p, tag, one))
			command_fail(c, "%s: wrong type", one->key);
	}
}

static void add_child(struct world *w, struct props *p, uint32_t type, struct props *child)
{
	p->children = array_grow(p->children, p->n_children, &p->cap_children, sizeof(*p->children));
	p->children[p->n_children++] = (struct child){type, world_new_hid(w, OBJECT_NONE, 0), child};
}

static void add_one_off_id(struct props *p, const char *name, const char *type, const char *address)
{
	static const unsigned char head[24] = {0,    0,    0,    0,    0x81, 0x2b, 0x1f, 0xa4, 0xbe, 0xa3, 0x10, 0x19,
					       0x9d, 0x6e, 0x00, 0xdd, 0x01, 0x0f, 0x54, 0x02, 0,    0,    0x00, 0x80};
	const char *parts[] = {name, type, address};
	struct buf b = {0};

	/* One-off ids hold UTF-16; names of tests are ASCII. */
	buf_put(&b, head, sizeof(head));
	for (int i = 0; i < 3; i++) {
		for (const char *at = parts[i]; *at; at++) {
			buf_char(&b, *at);
			buf_char(&b, 0);
		}
		buf_put(&b, "\0", 2);
	}
	props_set_bytes(p, 0x67100102u, b.data, b.len);
	buf_free(&b);
}

static void add_recipient(struct command *c, struct props *p, const struct json *in, uint64_t now)
{
	const char *name = json_text(in, "name", ""), *address = json_text(in, "address", "");
	const char *type = json_text(in, "addrtype", "SMTP");
	struct props *r = props_new();
	uint64_t number;

	props_set_number(r, PR_RECIPIENT_TYPE, (uint64_t)json_int(in, "type", 1));
	props_set_number(r, PR_ROWID, p->n_children);
	set_text(r, PR_DISPLAY_NAME, name);
	set_text(r, PR_ADDRTYPE, type);
	set_text(r, PR_EMAIL_ADDRESS, address);
	props_set_number(r, PR_CREATION_TIME, now);
	props_set_number(r, PR_LAST_MODIFICATION_TIME, now);
	add_one_off_id(r, name, type, address);
	set_props(c, r, json_get(in, "props"));
	add_child(c->w, p, 6, r);
	number = p->children[p->n_children - 1].number;
	props_set_bytes(r, PR_INSTANCE_KEY, &number, sizeof(number));
}

static void add_attachment(struct command *c, struct props *p, const struct json *in, uint64_t now)
{
	const char *data = json_text(in, "data", ""), *name = json_text(in, "name", "attachment");
	struct props *a = props_new();
	size_t n = strlen(data) / 2;
	unsigned char *bytes = malloc(n + 1);
	struct guid key = guid_mix(0xa77ac4, c->w->last_hid);

	if (!bytes)
		abort();
	if (hex_decode(data, strlen(data), bytes) < 0)
		command_fail(c, "attachment data is not hex");
	props_set_number(a, PR_ATTACH_SIZE, 104 + 20 + n + 20 + strlen(name));
	props_set_bytes(a, PR_RECORD_KEY, key.b, GUID_BYTES);
	props_set_number(a, PR_CREATION_TIME, now);
	props_set_number(a, PR_LAST_MODIFICATION_TIME, now);
	props_set_bytes(a, PR_ATTACH_DATA_BIN, bytes, n);
	props_set_number(a, PR_ATTACH_METHOD, 1);
	set_text(a, 0x3707001Fu, name);
	set_props(c, a, json_get(in, "props"));
	add_child(c->w, p, 7, a);
	free(bytes);
}

static void display_names(struct props *p, const struct json *recipients)
{
	static const uint32_t tags[] = {0, PR_DISPLAY_TO, PR_DISPLAY_CC, PR_DISPLAY_BCC};

	for (int type = 1; type <= 3; type++) {
		struct buf b = {0};

		for (const struct json *one = recipients->first; one; one = one->next) {
			if (json_int(one, "type", 1) != type)
				continue;
			buf_str(&b, b.len ? "; " : "");
			buf_str(&b, json_text(one, "name", ""));
		}
		props_set_bytes(p, tags[type], b.data, b.len);
		buf_free(&b);
	}
}

static void set_children(struct command *c, struct props *p, uint64_t now)
{
	const struct json *recipients = json_get(c->in, "recipients"), *attachments = json_get(c->in, "attachments");

	if (recipients || attachments) {
		for (uint32_t i = 0; i < p->n_children; i++)
			props_unref(p->children[i].props);
		p->n_children = 0;
	}
	if (recipients)
		display_names(p, recipients);
	for (const struct json *one = recipients ? recipients->first : NULL; one; one = one->next)
		add_recipient(c, p, one, now);
	for (const struct json *one = attachments ? attachments->first : NULL; one; one = one->next)
		add_attachment(c, p, one, now);
}

/* Everything that a create or change says about content. */
static void set_content(struct command *c, struct props *p, uint64_t now)
{
	set_named(c, p, "class", PR_MESSAGE_CLASS);
	set_named(c, p, "subject", PR_SUBJECT);
	set_named(c, p, "body", PR_BODY);
	set_props(c, p, json_get(c->in, "props"));
	set_children(c, p, now);
}

static void number_subject(struct props *p, const char *subject, const char *mark, int64_t number)
{
	char text[1024];

	snprintf(text, sizeof(text), "%.*s%lld%s", (int)(mark - subject), subject, (long long)number, mark + 2);
	set_text(p, PR_SUBJECT, text);
}

static void open_list(struct command *c, const char *name)
{
	buf_printf(c->out, ",\"%s\":[", name);
}

static void reply_items(struct command *c, const struct vec *items)
{
	reply_uint(c, "n", items->n);
	if (json_bool(c->in, "quiet", items->n > MAX_REPLIES))
		return;
	open_list(c, "items");
	for (uint32_t i = 0; i < items->n; i++) {
		buf_str(c->out, i ? "," : "");
		reply_item(c, items->at[i]);
	}
	buf_char(c->out, ']');
}

static struct new_item read_new_item(struct command *c)
{
	struct new_item n = {.props = props_new(), .time = command_time(c)};

	set_text(n.props, PR_MESSAGE_CLASS, "IPM.Note");
	set_text(n.props, PR_SUBJECT_PREFIX, "");
	set_content(c, n.props, n.time);
	n.flags = (uint16_t)json_int(c->in, "flags", json_bool(c->in, "read", false) ? MSGFLAG_READ : 0);
	n.state = json_bool(c->in, "associated", false) ? ITEM_ASSOCIATED : 0;
	if (json_bool(c->in, "cached", false)) {
		n.cached = CACHED_VALUES;
		n.state |= ITEM_FRESH;
	}
	n.size = (uint32_t)json_int(c->in, "size", 0);
	n.saves = (uint32_t)json_int(c->in, "saves", 0);
	return n;
}

void verb_create(struct command *c)
{
	uint32_t folder = command_folder(c, "folder");
	const char *subject = json_text(c->in, "subject", ""), *mark = strstr(subject, "%d");
	int64_t count = json_int(c->in, "n", 1), from = json_int(c->in, "from", 1);
	struct new_item n = read_new_item(c);
	struct vec items = {0};

	for (int64_t i = 0; i < count && !command_failed(c); i++) {
		if (mark) {
			n.props = props_own(n.props);
			number_subject(n.props, subject, mark, from + i);
		}
		vec_push(&items, item_create(&c->change, folder, &n));
	}
	props_unref(n.props);
	reply_items(c, &items);
	vec_free(&items);
}

void verb_change(struct command *c)
{
	uint32_t folder = command_folder(c, "folder"), size = (uint32_t)json_int(c->in, "size", 0);
	struct vec items = {0};

	command_items(c, folder, false, &items);
	for (uint32_t i = 0; i < items.n && !command_failed(c); i++) {
		struct item *item = &c->w->items[items.at[i]];

		item->props = props_own(item->props);
		item->state &= (uint8_t)~ITEM_NUMBERED;
		set_content(c, item->props, command_time(c));
		if (json_bool(c->in, "cached", false)) {
			item->cached |= CACHED_VALUES;
			item->state |= ITEM_FRESH;
		}
		for (int64_t k = 0; k < json_int(c->in, "saves", 1); k++)
			item_save(&c->change, items.at[i], size, command_time(c));
	}
	reply_items(c, &items);
	vec_free(&items);
}

void verb_read(struct command *c)
{
	bool read = strcmp(json_text(c->in, "do", ""), "read") == 0;
	struct vec items = {0};

	command_items(c, command_folder(c, "folder"), false, &items);
	for (uint32_t i = 0; i < items.n && !command_failed(c); i++)
		item_set_read(&c->change, items.at[i], read);
	reply_items(c, &items);
	vec_free(&items);
}

void verb_move(struct command *c)
{
	uint32_t folder = command_folder(c, "folder"), to = command_folder(c, "to");
	struct vec items = {0};

	command_items(c, folder, false, &items);
	for (uint32_t i = 0; i < items.n && !command_failed(c); i++)
		item_move(&c->change, items.at[i], to);
	reply_items(c, &items);
	vec_free(&items);
}

void verb_copy(struct command *c)
{
	uint32_t folder = command_folder(c, "folder"), to = command_folder(c, "to");
	struct vec items = {0};

	command_items(c, folder, false, &items);
	for (uint32_t i = 0; i < items.n && !command_failed(c); i++)
		items.at[i] = item_copy(&c->change, items.at[i], to);
	reply_items(c, &items);
	vec_free(&items);
}

static void delete_items(struct command *c, bool deleted, bool hard)
{
	struct vec items = {0};

	command_items(c, command_folder(c, "folder"), deleted, &items);
	for (uint32_t i = 0; i < items.n && !command_failed(c); i++)
		item_delete(&c->change, items.at[i], hard);
	reply_uint(c, "n", items.n);
	vec_free(&items);
}

void verb_delete(struct command *c)
{
	delete_items(c, false, json_bool(c->in, "hard", false));
}

void verb_purge(struct command *c)
{
	delete_items(c, true, true);
}

void verb_restore(struct command *c)
{
	struct vec items = {0};

	command_items(c, command_folder(c, "folder"), true, &items);
	for (uint32_t i = 0; i < items.n && !command_failed(c); i++)
		item_restore(&c->change, items.at[i]);
	reply_items(c, &items);
	vec_free(&items);
}

static uint32_t error_argument(struct command *c)
{
	const char *name = json_text(c->in, "error", "");

	if (strcmp(name, "NOT_FOUND") == 0)
		return KCERR_NOT_FOUND;
	if (strcmp(name, "NO_ACCESS") == 0)
		return KCERR_NO_ACCESS;
	return (uint32_t)json_int(c->in, "error", 0);
}

void verb_refuse(struct command *c)
{
	struct vec items = {0};

	command_items(c, command_folder(c, "folder"), false, &items);
	for (uint32_t i = 0; i < items.n && !command_failed(c); i++)
		c->w->items[items.at[i]].refused = error_argument(c);
	reply_uint(c, "n", items.n);
	vec_free(&items);
}

void verb_uncache(struct command *c)
{
	for (uint32_t i = 1; i < c->w->n_items; i++) {
		c->w->items[i].cached = 0;
		c->w->items[i].state &= (uint8_t)~ITEM_FRESH;
	}
}
