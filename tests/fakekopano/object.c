#include "tests/fakekopano/object.h"

#include <stdio.h>
#include <string.h>

#include "tests/fakekopano/tags.h"

static void entry_id(const struct world *w, const struct store *s, enum entry_type type, uint32_t key, uint32_t hid,
		     struct value *v)
{
	unsigned char *out = (unsigned char *)v->scratch;
	size_t n = ENTRY_ID_BYTES;

	if (s->old_ids)
		n = old_entry_id_make(out, &s->guid, type, hid);
	else
		entry_id_make(out, &w->guid, &s->guid, type, key);
	value_bytes(v, v->tag, v->scratch, n);
}

void item_entry_id(const struct world *w, const struct item *i, struct value *v)
{
	entry_id(w, &w->stores[w->folders[i->folder].store], ENTRY_MESSAGE, i->key, i->hid, v);
}

void folder_entry_id(const struct world *w, const struct folder *f, struct value *v)
{
	entry_id(w, &w->stores[f->store], ENTRY_FOLDER, f->key, f->hid, v);
}

void store_entry_id(const struct world *w, const struct store *s, struct value *v)
{
	entry_id(w, s, ENTRY_STORE, s->key, s->hid, v);
}

void user_entry_id(const struct world *w, uint32_t user, struct value *v)
{
	unsigned char *out = (unsigned char *)v->scratch;
	size_t n;

	/* Not by world_user(): the address book journal also names users that are gone. */
	if (user <= USER_SYSTEM || user >= w->n_users)
		n = ab_id_make(out, 0, user == USER_EVERYONE ? AB_GROUP : AB_USER, user, NULL);
	else
		n = ab_id_make(out, 1, w->users[user].type, user, w->users[user].external);
	value_bytes(v, v->tag, v->scratch, n);
}

static void source_key(const struct world *w, uint32_t key, struct value *v)
{
	source_key_make((unsigned char *)v->scratch, &w->guid, key);
	value_bytes(v, v->tag, v->scratch, SOURCE_KEY_BYTES);
}

static void change_key(const struct world *w, uint32_t change, struct value *v)
{
	change_key_make((unsigned char *)v->scratch, &w->guid, change);
	value_bytes(v, v->tag, v->scratch, CHANGE_KEY_BYTES);
}

bool placed_value(const struct world *w, uint32_t store, uint32_t parent, uint32_t tag, struct value *v)
{
	v->tag = tag;
	switch (tag) {
	case PR_PARENT_SOURCE_KEY:
		source_key(w, parent ? w->folders[parent].key : w->stores[store].key, v);
		return true;
	case PR_PARENT_ENTRYID:
		if (parent)
			folder_entry_id(w, &w->folders[parent], v);
		else
			store_entry_id(w, &w->stores[store], v);
		return true;
	case PR_EC_PARENT_HIERARCHYID:
		value_number(v, tag, parent ? w->folders[parent].hid : w->stores[store].hid);
		return true;
	case PR_STORE_ENTRYID:
		store_entry_id(w, &w->stores[store], v);
		return true;
	case PR_STORE_RECORD_KEY:
		value_own(v, tag, w->stores[store].guid.b, GUID_BYTES);
		return true;
	case PR_MAPPING_SIGNATURE:
		value_own(v, tag, w->guid.b, GUID_BYTES);
		return true;
	case PR_ACCESS_LEVEL:
		value_number(v, tag, 1);
		return true;
	default:
		return false;
	}
}

static void numbered_subject(const struct item *i, struct value *v)
{
	const struct prop *p = props_find(i->props, PR_SUBJECT);
	int n = snprintf(v->scratch, sizeof(v->scratch), "%.40s %u", p ? p->data : "", i->hid);

	value_bytes(v, PR_SUBJECT, v->scratch, (size_t)n);
}

static bool normalized_subject(const struct item *i, struct value *v)
{
	const struct prop *prefix = props_find(i->props, PR_SUBJECT_PREFIX);

	if (i->state & ITEM_NUMBERED)
		numbered_subject(i, v);
	else if (props_find(i->props, PR_SUBJECT))
		prop_value(props_find(i->props, PR_SUBJECT), v);
	else
		return false;
	if (prefix && prefix->len <= v->len && memcmp(v->data, prefix->data, prefix->len) == 0)
		value_bytes(v, PR_NORMALIZED_SUBJECT, v->data + prefix->len, v->len - prefix->len);
	v->tag = PR_NORMALIZED_SUBJECT;
	return true;
}

static uint32_t message_flags(const struct item *i)
{
	uint32_t flags = i->flags;

	for (uint32_t k = 0; i->props && k < i->props->n_children; k++)
		if (i->props->children[k].type == 7)
			flags |= MSGFLAG_HASATTACH;
	if (i->state & ITEM_ASSOCIATED)
		flags |= MSGFLAG_ASSOCIATED;

	return flags;
}

/* Stored, but kept in the item and not in its property set. */
static bool item_own_value(const struct world *w, const struct item *i, uint32_t tag, struct value *v)
{
	struct guid search_key;

	v->tag = tag;
	switch (tag) {
	case PR_MESSAGE_FLAGS:
		return value_number(v, tag, message_flags(i)), true;
	case PR_MESSAGE_SIZE:
		return value_number(v, tag, i->size), true;
	case PR_HASATTACH:
		return value_number(v, tag, !!(message_flags(i) & MSGFLAG_HASATTACH)), true;
	case PR_CREATION_TIME:
		return value_number(v, tag, i->created), true;
	case PR_LAST_MODIFICATION_TIME:
		return value_number(v, tag, i->modified), true;
	case PR_DELETED_ON:
		return value_number(v, tag, i->deleted_on), i->state & ITEM_SOFT_DELETED;
	case PR_SEARCH_KEY:
		search_key = guid_mix(0x5ea4c4, i->hid);
		return value_own(v, tag, search_key.b, GUID_BYTES), true;
	case PR_LAST_MODIFIER_NAME:
		return value_text(v, tag, "SYSTEM"), true;
	case PR_LAST_MODIFIER_ENTRYID:
		return user_entry_id(w, USER_SYSTEM, v), true;
	case PR_CHANGE_KEY:
	case PR_PREDECESSOR_CHANGE_LIST:
		return change_key(w, i->change, v), true;
	case PR_EC_IMAP_ID:
		return value_number(v, tag, i->imap_id), true;
	case PR_SOURCE_KEY:
		return source_key(w, i->key, v), true;
	default:
		return false;
	}
}

bool item_stored_value(const struct world *w, const struct item *i, uint32_t tag, struct value *v)
{
	const struct prop *p;

	if (PROP_ID(tag) == PROP_ID(PR_SUBJECT) && i->state & ITEM_NUMBERED)
		return numbered_subject(i, v), true;
	if (item_own_value(w, i, tag, v))
		return true;
	p = props_find(i->props, tag);
	if (!p || (PROP_TYPE(p->tag) != PROP_TYPE(tag) && PROP_TYPE(tag) != PT_STRING8 && PROP_TYPE(tag) != 0))
		return false;
	prop_value(p, v);
	return true;
}

bool item_value(const struct world *w, const struct item *i, uint32_t tag, struct value *v)
{
	if (item_stored_value(w, i, tag, v))
		return true;
	v->tag = tag;
	switch (tag) {
	case PR_ENTRYID:
	case PR_RECORD_KEY:
		return item_entry_id(w, i, v), true;
	case PR_EC_HIERARCHYID:
	case PR_ROWID:
		return value_number(v, tag, i->hid), true;
	case PR_INSTANCE_KEY:
		value_own(v, tag, &(uint32_t[2]){i->hid, 0}, 8);
		return true;
	case PR_OBJECT_TYPE:
		return value_number(v, tag, 5), true;
	case PR_ASSOCIATED:
		return value_number(v, tag, !!(i->state & ITEM_ASSOCIATED)), true;
	case PR_ACCESS:
		return value_number(v, tag, 7), true;
	case PR_NORMALIZED_SUBJECT:
		return normalized_subject(i, v);
	default:
		return placed_value(w, w->folders[i->folder].store, i->folder, tag, v);
	}
}

void item_was_read(struct item *i, const struct vec *columns, bool whole)
{
	uint8_t cached = whole ? CACHED_VALUES : 0;

	for (uint32_t k = 0; k < columns->n; k++) {
		if (columns->at[k] == PR_EC_PARENT_HIERARCHYID)
			cached |= CACHED_PARENT;
		if (columns->at[k] == PR_ASSOCIATED)
			cached |= CACHED_ASSOCIATED;
	}
	if (cached & ~__atomic_load_n(&i->cached, __ATOMIC_RELAXED))
		__atomic_or_fetch(&i->cached, cached, __ATOMIC_RELAXED);
}

void item_tags(const struct world *w, const struct item *i, struct vec *tags)
{
	static const uint32_t own[] = {PR_MESSAGE_FLAGS,
				       PR_MESSAGE_SIZE,
				       PR_HASATTACH,
				       PR_CREATION_TIME,
				       PR_LAST_MODIFICATION_TIME,
				       PR_SEARCH_KEY,
				       PR_LAST_MODIFIER_NAME,
				       PR_LAST_MODIFIER_ENTRYID,
				       PR_CHANGE_KEY,
				       PR_PREDECESSOR_CHANGE_LIST,
				       PR_EC_IMAP_ID};
	static const uint32_t computed[] = {PR_PARENT_SOURCE_KEY, PR_SOURCE_KEY, PR_RECORD_KEY,
					    PR_PARENT_ENTRYID,    PR_ACCESS,     PR_ACCESS_LEVEL};

	(void)w;
	for (uint32_t k = 0; i->props && k < i->props->n; k++)
		vec_insert_sorted(tags, i->props->at[k].tag);
	for (size_t k = 0; k < sizeof(own) / sizeof(*own); k++)
		vec_insert_sorted(tags, own[k]);
	if (i->state & ITEM_SOFT_DELETED)
		vec_insert_sorted(tags, PR_DELETED_ON);
	if (i->state & ITEM_FRESH && i->cached & CACHED_PARENT)
		vec_insert_sorted(tags, PR_EC_PARENT_HIERARCHYID);
	if (i->state & ITEM_FRESH && i->cached & CACHED_ASSOCIATED)
		vec_insert_sorted(tags, PR_ASSOCIATED);
	for (size_t k = 0; k < sizeof(computed) / sizeof(*computed); k++)
		vec_push(tags, computed[k]);
}
