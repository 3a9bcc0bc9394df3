#include "bridge/kopano/item.h"

enum { TYPE_MASK = 0xFFFF, TYPE_ERROR = 0x000A, TYPE_UNICODE = 0x001F };
enum { MSGFLAG_READ = 0x1, MSGFLAG_ASSOCIATED = 0x40 };

/* What a cut value has at least, in bytes: strings are cut to 255 characters. */
enum { CUT_BYTES = 255 };

enum column {
	ENTRY_ID,
	SOURCE_KEY,
	PARENT_SOURCE_KEY,
	CHANGE_KEY,
	ITEM_NUMBER,
	MESSAGE_CLASS,
	SUBJECT,
	SENDER_NAME,
	SENDER_ADDRESS,
	SENDER_TYPE,
	REPRESENTING_NAME,
	REPRESENTING_ADDRESS,
	REPRESENTING_TYPE,
	DISPLAY_TO,
	DISPLAY_CC,
	DISPLAY_BCC,
	SUBMITTED,
	DELIVERED,
	CREATED,
	MODIFIED,
	SIZE,
	FLAGS,
	HAS_ATTACHMENTS,
	IMPORTANCE,
	MESSAGE_ID,
	N_COLUMNS,
};

static const uint32_t tags[] = {
	[ENTRY_ID] = PR_ENTRYID,
	[SOURCE_KEY] = PR_SOURCE_KEY,
	[PARENT_SOURCE_KEY] = PR_PARENT_SOURCE_KEY,
	[CHANGE_KEY] = PR_CHANGE_KEY,
	[ITEM_NUMBER] = PR_EC_HIERARCHYID,
	[MESSAGE_CLASS] = PR_MESSAGE_CLASS,
	[SUBJECT] = PR_SUBJECT,
	[SENDER_NAME] = PR_SENDER_NAME,
	[SENDER_ADDRESS] = PR_SENDER_EMAIL_ADDRESS,
	[SENDER_TYPE] = PR_SENDER_ADDRTYPE,
	[REPRESENTING_NAME] = PR_SENT_REPRESENTING_NAME,
	[REPRESENTING_ADDRESS] = PR_SENT_REPRESENTING_EMAIL_ADDRESS,
	[REPRESENTING_TYPE] = PR_SENT_REPRESENTING_ADDRTYPE,
	[DISPLAY_TO] = PR_DISPLAY_TO,
	[DISPLAY_CC] = PR_DISPLAY_CC,
	[DISPLAY_BCC] = PR_DISPLAY_BCC,
	[SUBMITTED] = PR_CLIENT_SUBMIT_TIME,
	[DELIVERED] = PR_MESSAGE_DELIVERY_TIME,
	[CREATED] = PR_CREATION_TIME,
	[MODIFIED] = PR_LAST_MODIFICATION_TIME,
	[SIZE] = PR_MESSAGE_SIZE,
	[FLAGS] = PR_MESSAGE_FLAGS,
	[HAS_ATTACHMENTS] = PR_HASATTACH,
	[IMPORTANCE] = PR_IMPORTANCE,
	[MESSAGE_ID] = PR_INTERNET_MESSAGE_ID,
};

_Static_assert((int)N_COLUMNS == (int)N_ITEM_COLUMNS, "item.h says how many columns there are");

const struct columns item_columns = {.tags = tags, .n = N_COLUMNS};

/* An error cell has neither bytes nor time; its number is a code, not a value. */
static uint64_t number(const struct prop *cell)
{
	return (cell->tag & TYPE_MASK) == TYPE_ERROR ? 0 : cell->number;
}

uint32_t item_number(const struct prop *cells)
{
	return (uint32_t)number(&cells[ITEM_NUMBER]);
}

static enum importance importance_of(const struct prop *cell)
{
	if ((cell->tag & TYPE_MASK) == TYPE_ERROR || cell->number > 2)
		return 0;
	return (enum importance)(cell->number + 1);
}

static struct address address_of(const struct prop *cells, enum column name, enum column address, enum column type)
{
	return (struct address){.name = cells[name].bytes, .address = cells[address].bytes, .type = cells[type].bytes};
}

static const struct item *item_of(const struct prop *cells, struct arena *arena)
{
	struct item *item = arena_alloc(arena, sizeof *item);
	*item = (struct item){
		.message_class = cells[MESSAGE_CLASS].bytes,
		.subject = cells[SUBJECT].bytes,
		.sender = address_of(cells, SENDER_NAME, SENDER_ADDRESS, SENDER_TYPE),
		.sent_representing = address_of(cells, REPRESENTING_NAME, REPRESENTING_ADDRESS, REPRESENTING_TYPE),
		.display_to = cells[DISPLAY_TO].bytes,
		.display_cc = cells[DISPLAY_CC].bytes,
		.display_bcc = cells[DISPLAY_BCC].bytes,
		.submitted_at_ns = cells[SUBMITTED].time_ns,
		.delivered_at_ns = cells[DELIVERED].time_ns,
		.created_at_ns = cells[CREATED].time_ns,
		.modified_at_ns = cells[MODIFIED].time_ns,
		.size_bytes = number(&cells[SIZE]),
		.message_flags = (uint32_t)number(&cells[FLAGS]),
		.has_attachments = number(&cells[HAS_ATTACHMENTS]) != 0,
		.importance = importance_of(&cells[IMPORTANCE]),
		.internet_message_id = cells[MESSAGE_ID].bytes,
	};
	return item;
}

void item_from_cells(const struct prop *cells, struct arena *arena, struct change *change)
{
	change->entry_id = cells[ENTRY_ID].bytes;
	change->source_key = cells[SOURCE_KEY].bytes;
	change->parent_source_key = cells[PARENT_SOURCE_KEY].bytes;
	change->change_key = cells[CHANGE_KEY].bytes;
	change->item_number = item_number(cells);
	change->item = item_of(cells, arena);
	change->associated = change->item->message_flags & MSGFLAG_ASSOCIATED;
}

bool item_is_read(const struct change *change)
{
	return change->item->message_flags & MSGFLAG_READ;
}

void item_set_read(struct change *change, bool read)
{
	struct item *item = (struct item *)change->item;
	item->message_flags = (item->message_flags & ~(uint32_t)MSGFLAG_READ) | (read ? MSGFLAG_READ : 0);
}

struct slice item_key(const struct prop *cells)
{
	return cells[SOURCE_KEY].bytes;
}

struct slice item_parent(const struct prop *cells)
{
	return cells[PARENT_SOURCE_KEY].bytes;
}

bool item_may_be_cut(const struct prop *cells)
{
	for (size_t i = 0; i < N_COLUMNS; i++)
		if ((tags[i] & TYPE_MASK) == TYPE_UNICODE && cells[i].bytes.size >= CUT_BYTES)
			return true;
	return false;
}

static bool is_missing(const struct object *object, uint32_t tag)
{
	for (size_t i = 0; i < object->n_missing; i++)
		if (object->missing[i] >> 16 == tag >> 16)
			return true;
	return false;
}

/* One column of a loaded object; a value that was left out for its length is asked for. */
static int read_column(struct client *client, struct slice entry_id, const struct object *object, uint32_t tag,
		       struct arena *arena, struct prop *cell, struct err *err)
{
	const struct prop *prop = props_find(&object->props, tag);
	if (prop) {
		*cell = *prop;
		return 0;
	}
	*cell = (struct prop){.tag = (tag & ~(uint32_t)TYPE_MASK) | TYPE_ERROR};
	if (!is_missing(object, tag))
		return 0;
	struct prop whole;
	int rc = client_load_prop(client, entry_id, tag, arena, &whole, err);
	if (rc == 0)
		*cell = whole;
	/* Gone since: the value, not the item. */
	return rc == ERR_GONE ? 0 : rc;
}

int item_read(struct client *client, struct slice store_entry_id, const struct item_key *key, struct arena *arena,
	      struct prop *cells, struct err *err)
{
	struct slice entry_id;
	struct object object;
	int rc =
		client_entry_id(client, store_entry_id, key->parent_source_key, key->source_key, arena, &entry_id, err);
	if (rc == 0)
		rc = client_load_object(client, entry_id, MUST_NOT_BE_SOFT_DELETED, arena, &object, err);
	for (size_t i = 0; rc == 0 && i < N_COLUMNS; i++)
		rc = read_column(client, entry_id, &object, tags[i], arena, &cells[i], err);
	if (rc)
		return rc;
	cells[ENTRY_ID] = (struct prop){.tag = PR_ENTRYID, .bytes = entry_id};
	cells[ITEM_NUMBER] = (struct prop){.tag = PR_EC_HIERARCHYID, .number = object.server_id};
	return 0;
}

uint32_t change_key_id(struct slice change_key, const uint8_t server_guid[GUID_SIZE])
{
	if (change_key.size != GUID_SIZE + 4 || memcmp(change_key.data, server_guid, GUID_SIZE) != 0)
		return 0;
	const uint8_t *id = change_key.data + GUID_SIZE;
	return id[0] | (uint32_t)id[1] << 8 | (uint32_t)id[2] << 16 | (uint32_t)id[3] << 24;
}

void cells_copy(struct prop *to, const struct prop *from, struct arena *arena)
{
	for (size_t i = 0; i < N_COLUMNS; i++) {
		to[i] = from[i];
		to[i].bytes = arena_copy(arena, from[i].bytes);
	}
}
