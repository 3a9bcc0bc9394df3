#include <stdio.h>
#include <string.h>

#include "tests/fakekopano/object.h"
#include "tests/fakekopano/rights.h"
#include "tests/fakekopano/tags.h"

#define FOLDER_ACCESS 63u

static const struct {
	uint32_t tag;
	enum special_folder special;
} store_links[] = {
	{PR_IPM_SUBTREE_ENTRYID, SPECIAL_SUBTREE},
	{PR_IPM_OUTBOX_ENTRYID, SPECIAL_OUTBOX},
	{PR_IPM_WASTEBASKET_ENTRYID, SPECIAL_WASTEBASKET},
	{PR_IPM_SENTMAIL_ENTRYID, SPECIAL_SENTMAIL},
	{PR_VIEWS_ENTRYID, SPECIAL_VIEWS},
	{PR_COMMON_VIEWS_ENTRYID, SPECIAL_COMMON_VIEWS},
	{PR_FINDER_ENTRYID, SPECIAL_FINDER},
	{PR_SCHEDULE_FOLDER_ENTRYID, SPECIAL_SCHEDULE},
	{PR_IPM_FAVORITES_ENTRYID, SPECIAL_SHORTCUT},
	{PR_NON_IPM_SUBTREE_ENTRYID, SPECIAL_NON_IPM},
	{PR_FREE_BUSY_ENTRYID, SPECIAL_FREE_BUSY},
	{PR_FREE_BUSY_SITE_ENTRYID, SPECIAL_FREE_BUSY_SITE},
};

#define N_STORE_LINKS (sizeof(store_links) / sizeof(*store_links))

static bool link_value(const struct world *w, const struct store *s, enum special_folder special, uint32_t tag,
		       struct value *v)
{
	v->tag = tag;
	if (!s->special[special])
		return false;
	folder_entry_id(w, &w->folders[s->special[special]], v);
	return true;
}

static void count_children(const struct world *w, const struct folder *f, uint32_t *alive, uint32_t *deleted)
{
	*alive = *deleted = 0;
	for (uint32_t i = 0; i < f->children.n; i++)
		++*(w->folders[f->children.at[i]].soft_deleted ? deleted : alive);
}

static bool folder_count(const struct world *w, const struct folder *f, uint32_t tag, struct value *v)
{
	uint32_t alive, deleted;

	switch (tag) {
	case PR_CONTENT_COUNT:
		return value_number(v, tag, f->n_normal), true;
	case PR_CONTENT_UNREAD:
		return value_number(v, tag, f->n_unread), true;
	case PR_ASSOC_CONTENT_COUNT:
		return value_number(v, tag, f->n_associated), true;
	case PR_DELETED_MSG_COUNT:
		return value_number(v, tag, f->n_deleted), true;
	case PR_DELETED_ASSOC_MSG_COUNT:
		return value_number(v, tag, f->n_deleted_associated), true;
	case PR_SUBFOLDERS:
	case PR_FOLDER_CHILD_COUNT:
	case PR_DELETED_FOLDER_COUNT:
		count_children(w, f, &alive, &deleted);
		alive = tag == PR_SUBFOLDERS ? alive > 0 : alive;
		return value_number(v, tag, tag == PR_DELETED_FOLDER_COUNT ? deleted : alive), true;
	default:
		return false;
	}
}

static bool folder_text(const struct folder *f, uint32_t tag, struct value *v)
{
	const char *text = tag == PR_DISPLAY_NAME ? f->name : tag == PR_COMMENT ? f->comment : f->class;

	if (!text)
		return false;
	value_text(v, tag, text);
	return true;
}

bool folder_value(const struct world *w, const struct folder *f, uint32_t tag, struct value *v)
{
	const struct prop *other;
	v->tag = tag;
	switch (tag) {
	case PR_DISPLAY_NAME:
	case PR_COMMENT:
	case PR_CONTAINER_CLASS:
		return folder_text(f, tag, v);
	case PR_ENTRYID:
	case PR_RECORD_KEY:
		return folder_entry_id(w, f, v), true;
	case PR_PARENT_ENTRYID:
		return folder_entry_id(w, f->parent ? &w->folders[f->parent] : f, v), true;
	case PR_SOURCE_KEY:
		source_key_make((unsigned char *)v->scratch, &w->guid, f->key);
		return value_bytes(v, tag, v->scratch, SOURCE_KEY_BYTES), !w->stores[f->store].old_ids;
	case PR_CHANGE_KEY:
	case PR_PREDECESSOR_CHANGE_LIST:
		change_key_make((unsigned char *)v->scratch, &w->guid, f->change);
		return value_bytes(v, tag, v->scratch, CHANGE_KEY_BYTES), f->change;
	case PR_CREATION_TIME:
		return value_number(v, tag, f->created), true;
	case PR_LAST_MODIFICATION_TIME:
		return value_number(v, tag, f->modified), true;
	case PR_LOCAL_COMMIT_TIME_MAX:
		return value_number(v, tag, f->committed), f->committed;
	case PR_DELETED_ON:
		return value_number(v, tag, f->deleted_on), f->soft_deleted;
	case PR_ATTR_HIDDEN:
		return value_number(v, tag, 1), f->hidden;
	case PR_FOLDER_TYPE:
		return value_number(v, tag, f->type), true;
	case PR_EC_HIERARCHYID:
	case PR_ROWID:
		return value_number(v, tag, f->hid), true;
	case PR_INSTANCE_KEY:
		return value_own(v, tag, &(uint32_t[2]){f->hid, 0}, 8), true;
	case PR_OBJECT_TYPE:
		return value_number(v, tag, 3), true;
	case PR_RIGHTS:
		return value_number(v, tag, RIGHTS_OWNER), true;
	case PR_ACCESS:
		return value_number(v, tag, FOLDER_ACCESS), true;
	default:
		break;
	}
	other = props_find(f->props, tag);
	if (other)
		return prop_value(other, v), true;
	return folder_count(w, f, tag, v) || placed_value(w, f->store, f->parent, tag, v);
}

/* A root folder has no name, no counters and no place in a journal. */
static const uint32_t root_stored[] = {PR_CREATION_TIME, PR_LAST_MODIFICATION_TIME, PR_FOLDER_TYPE};
static const uint32_t old_root_stored[] = {PR_DISPLAY_NAME};
static const uint32_t root_computed[] = {PR_SOURCE_KEY, PR_RECORD_KEY, PR_PARENT_ENTRYID,
					 PR_RIGHTS,     PR_ACCESS,     PR_ACCESS_LEVEL};
static const uint32_t folder_stored[] = {PR_DISPLAY_NAME,
					 PR_COMMENT,
					 PR_CREATION_TIME,
					 PR_LAST_MODIFICATION_TIME,
					 PR_FOLDER_TYPE,
					 PR_CONTENT_COUNT,
					 PR_CONTENT_UNREAD,
					 PR_SUBFOLDERS,
					 PR_CONTAINER_CLASS,
					 PR_ASSOC_CONTENT_COUNT,
					 PR_CHANGE_KEY,
					 PR_PREDECESSOR_CHANGE_LIST,
					 PR_FOLDER_CHILD_COUNT,
					 PR_DELETED_MSG_COUNT,
					 PR_DELETED_FOLDER_COUNT,
					 PR_DELETED_ASSOC_MSG_COUNT,
					 PR_LOCAL_COMMIT_TIME_MAX,
					 PR_ATTR_HIDDEN,
					 PR_DELETED_ON};
static const uint32_t folder_computed[] = {
	PR_PARENT_SOURCE_KEY, PR_SOURCE_KEY, PR_RECORD_KEY, PR_PARENT_ENTRYID, PR_RIGHTS, PR_ACCESS, PR_ACCESS_LEVEL};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void add_present(const struct world *w, const struct folder *f, const uint32_t *stored, size_t n,
			struct vec *tags)
{
	struct value v;

	for (size_t i = 0; i < n; i++)
		if (folder_value(w, f, stored[i], &v))
			vec_insert_sorted(tags, stored[i]);
}

void folder_tags(const struct world *w, const struct folder *f, struct vec *tags)
{
	const uint32_t *computed = f->parent ? folder_computed : root_computed;
	size_t n_computed = f->parent ? COUNT(folder_computed) : COUNT(root_computed);
	struct value v;

	if (f->parent)
		add_present(w, f, folder_stored, COUNT(folder_stored), tags);
	else if (w->stores[f->store].old_ids)
		add_present(w, f, old_root_stored, COUNT(old_root_stored), tags);
	else
		add_present(w, f, root_stored, COUNT(root_stored), tags);
	for (uint32_t i = 0; f->props && i < f->props->n; i++)
		vec_insert_sorted(tags, f->props->at[i].tag);
	for (size_t i = 0; i < n_computed; i++)
		if (folder_value(w, f, computed[i], &v))
			vec_push(tags, computed[i]);
}

const char *store_name(const struct world *w, const struct store *s, char *text, size_t size)
{
	const struct user *owner = world_user(w, s->owner);

	if (s->type == STORE_PUBLIC)
		snprintf(text, size, "Public Folders");
	else if (owner)
		snprintf(text, size, "Inbox - %s", owner->full_name);
	else
		snprintf(text, size, "Inbox for a removed user");
	return text;
}

static bool owner_value(const struct world *w, const struct store *s, uint32_t tag, struct value *v)
{
	const struct user *owner = world_user(w, s->owner);

	switch (tag) {
	case PR_USER_NAME:
	case PR_EC_MAILBOX_OWNER_ACCOUNT:
		return value_text(v, tag, owner ? owner->name : ""), owner;
	case PR_MAILBOX_OWNER_NAME:
		return value_text(v, tag, owner ? owner->full_name : ""), owner;
	case PR_USER_ENTRYID:
	case PR_MAILBOX_OWNER_ENTRYID:
		return user_entry_id(w, s->owner, v), owner;
	default:
		return false;
	}
}

bool store_value(const struct world *w, const struct store *s, uint32_t tag, struct value *v)
{
	char text[64];

	v->tag = tag;
	switch (tag) {
	case PR_MESSAGE_SIZE_EXTENDED:
		return value_number(v, tag, s->bytes), true;
	case PR_CREATION_TIME:
		return value_number(v, tag, s->created), true;
	case PR_LAST_MODIFICATION_TIME:
		return value_number(v, tag, s->modified), true;
	case PR_LAST_LOGON_TIME:
		return value_number(v, tag, s->logged_on), s->logged_on;
	case PR_LAST_LOGOFF_TIME:
		return value_number(v, tag, s->logged_off), s->logged_off;
	case PR_VALID_FOLDER_MASK:
		return value_number(v, tag, 255), true;
	case PR_QUOTA_WARNING:
	case PR_QUOTA_SEND:
	case PR_QUOTA_RECEIVE:
		return value_number(v, tag, 0), true;
	case PR_DISPLAY_NAME:
		store_name(w, s, text, sizeof(text));
		return value_own(v, tag, text, strlen(text)), true;
	case PR_MAPPING_SIGNATURE:
		return value_own(v, tag, w->guid.b, GUID_BYTES), true;
	case PR_STORE_RECORD_KEY:
	case PR_EC_STOREGUID:
		return value_own(v, tag, s->guid.b, GUID_BYTES), true;
	case PR_SORT_LOCALE_ID:
		return value_number(v, tag, 1033), true;
	case PR_ENTRYID:
	case PR_STORE_ENTRYID:
	case PR_RECORD_KEY:
		return store_entry_id(w, s, v), true;
	case PR_ACCESS_LEVEL:
	case PR_OBJECT_TYPE:
		return value_number(v, tag, 1), true;
	case PR_EC_HIERARCHYID:
		return value_number(v, tag, s->hid), true;
	case PR_EC_STORETYPE:
		return value_number(v, tag, s->type), true;
	case PR_EC_DELETED_STORE:
		return value_number(v, tag, s->detached), true;
	case PR_IPM_PUBLIC_FOLDERS_ENTRYID:
		return s->type == STORE_PUBLIC && link_value(w, s, SPECIAL_SUBTREE, tag, v);
	default:
		break;
	}
	for (size_t i = 0; i < N_STORE_LINKS; i++)
		if (store_links[i].tag == tag)
			return link_value(w, s, store_links[i].special, tag, v);
	return owner_value(w, s, tag, v);
}

static const uint32_t private_tags[] = {PR_MESSAGE_SIZE_EXTENDED,
					PR_CREATION_TIME,
					PR_LAST_MODIFICATION_TIME,
					PR_VALID_FOLDER_MASK,
					PR_IPM_SUBTREE_ENTRYID,
					PR_IPM_OUTBOX_ENTRYID,
					PR_IPM_WASTEBASKET_ENTRYID,
					PR_IPM_SENTMAIL_ENTRYID,
					PR_VIEWS_ENTRYID,
					PR_COMMON_VIEWS_ENTRYID,
					PR_FINDER_ENTRYID,
					PR_SCHEDULE_FOLDER_ENTRYID,
					PR_IPM_FAVORITES_ENTRYID,
					PR_LAST_LOGON_TIME,
					PR_LAST_LOGOFF_TIME,
					PR_USER_NAME,
					PR_USER_ENTRYID,
					PR_QUOTA_WARNING,
					PR_QUOTA_SEND,
					PR_QUOTA_RECEIVE,
					PR_MAILBOX_OWNER_NAME,
					PR_MAILBOX_OWNER_ENTRYID,
					PR_DISPLAY_NAME,
					PR_MAPPING_SIGNATURE,
					PR_SORT_LOCALE_ID,
					PR_RECORD_KEY,
					PR_ACCESS_LEVEL};
static const uint32_t public_tags[] = {PR_MESSAGE_SIZE_EXTENDED,
				       PR_CREATION_TIME,
				       PR_LAST_MODIFICATION_TIME,
				       PR_VALID_FOLDER_MASK,
				       PR_IPM_SUBTREE_ENTRYID,
				       PR_FINDER_ENTRYID,
				       PR_NON_IPM_SUBTREE_ENTRYID,
				       PR_FREE_BUSY_ENTRYID,
				       PR_FREE_BUSY_SITE_ENTRYID,
				       PR_USER_NAME,
				       PR_USER_ENTRYID,
				       PR_DISPLAY_NAME,
				       PR_MAPPING_SIGNATURE,
				       PR_SORT_LOCALE_ID,
				       PR_RECORD_KEY,
				       PR_ACCESS_LEVEL};
static const uint32_t old_tags[] = {PR_USER_NAME,      PR_USER_ENTRYID, PR_DISPLAY_NAME, PR_MAPPING_SIGNATURE,
				    PR_SORT_LOCALE_ID, PR_RECORD_KEY,   PR_ACCESS_LEVEL};

void store_tags(const struct world *w, const struct store *s, struct vec *tags)
{
	const uint32_t *all = s->old_ids ? old_tags : s->type == STORE_PUBLIC ? public_tags : private_tags;
	size_t n = s->old_ids ? COUNT(old_tags) : s->type == STORE_PUBLIC ? COUNT(public_tags) : COUNT(private_tags);
	struct value v;

	for (size_t i = 0; i < n; i++)
		if (store_value(w, s, all[i], &v))
			vec_push(tags, all[i]);
}
