#include "bridge/kopano/facts.h"

#include <stdlib.h>

#include "bridge/kopano/answer.h"
#include "bridge/kopano/item.h"

enum { PAGE = 1000, TYPE_MASK = 0xffff, MAX_KEY = 255 };

static bool is_there(const struct prop *cell)
{
	return (cell->tag & TYPE_MASK) != PT_ERROR;
}

static uint64_t number(const struct prop *cell)
{
	return is_there(cell) ? cell->number : 0;
}

/* ---- a folder ---- */

enum folder_column {
	FOLDER_ENTRY_ID,
	FOLDER_SOURCE_KEY,
	FOLDER_PARENT_KEY,
	FOLDER_PARENT_ID,
	FOLDER_NAME,
	FOLDER_CLASS,
	FOLDER_KIND,
	FOLDER_IS_HIDDEN,
	FOLDER_COMMENT,
	FOLDER_CREATED,
	FOLDER_MODIFIED,
	FOLDER_CHANGE_KEY,
	N_FOLDER_COLUMNS
};

static const uint32_t folder_tags[N_FOLDER_COLUMNS] = {
	[FOLDER_ENTRY_ID] = PR_ENTRYID,
	[FOLDER_SOURCE_KEY] = PR_SOURCE_KEY,
	[FOLDER_PARENT_KEY] = PR_PARENT_SOURCE_KEY,
	[FOLDER_PARENT_ID] = PR_PARENT_ENTRYID,
	[FOLDER_NAME] = PR_DISPLAY_NAME,
	[FOLDER_CLASS] = PR_CONTAINER_CLASS,
	[FOLDER_KIND] = PR_FOLDER_TYPE,
	[FOLDER_IS_HIDDEN] = PR_ATTR_HIDDEN,
	[FOLDER_COMMENT] = PR_COMMENT,
	[FOLDER_CREATED] = PR_CREATION_TIME,
	[FOLDER_MODIFIED] = PR_LAST_MODIFICATION_TIME,
	[FOLDER_CHANGE_KEY] = PR_CHANGE_KEY,
};

static enum folder_type folder_type(const struct prop *cell)
{
	return is_there(cell) && cell->number <= 2 ? (enum folder_type)(cell->number + 1) : FOLDER_GENERIC;
}

static struct folder_facts folder_of(const struct prop *cells)
{
	return (struct folder_facts){
		.row = {.source_key = cells[FOLDER_SOURCE_KEY].bytes,
			.parent_source_key = cells[FOLDER_PARENT_KEY].bytes,
			.entry_id = cells[FOLDER_ENTRY_ID].bytes,
			.name = cells[FOLDER_NAME].bytes,
			.container_class = cells[FOLDER_CLASS].bytes,
			.type = folder_type(&cells[FOLDER_KIND]),
			.hidden = number(&cells[FOLDER_IS_HIDDEN]) != 0},
		.comment = cells[FOLDER_COMMENT].bytes,
		.change_key = cells[FOLDER_CHANGE_KEY].bytes,
		.parent_entry_id = cells[FOLDER_PARENT_ID].bytes,
		.created_at_ns = cells[FOLDER_CREATED].time_ns,
		.modified_at_ns = cells[FOLDER_MODIFIED].time_ns,
	};
}

/* What has no key can be neither followed nor found again. */
static bool is_usable(const struct folder_facts *facts)
{
	size_t n = facts->row.source_key.size;
	return n > 0 && n <= MAX_KEY && facts->row.parent_source_key.size <= MAX_KEY && facts->row.entry_id.size > 0 &&
	       facts->row.entry_id.size <= MAX_KEY;
}

static bool is_missing(const struct object *object, uint32_t tag)
{
	for (size_t i = 0; i < object->n_missing; i++)
		if (object->missing[i] >> 16 == tag >> 16)
			return true;
	return false;
}

/* A value of the object; long ones are asked for singly. */
static int load_cell(struct client *client, struct slice entry_id, const struct object *object, uint32_t tag,
		     struct arena *arena, struct prop *cell, struct err *err)
{
	const struct prop *prop = props_find(&object->props, tag);
	*cell = prop ? *prop : (struct prop){.tag = (tag & ~(uint32_t)TYPE_MASK) | PT_ERROR};
	if (prop || !is_missing(object, tag))
		return 0;
	return client_load_prop(client, entry_id, tag, arena, cell, err);
}

int facts_load_folder(struct client *client, struct slice entry_id, struct arena *arena, struct folder_facts *facts,
		      struct err *err)
{
	struct object object;
	struct prop cells[N_FOLDER_COLUMNS];
	int rc = client_load_object(client, entry_id, MUST_NOT_BE_SOFT_DELETED, arena, &object, err);
	for (size_t i = 0; rc == 0 && i < N_FOLDER_COLUMNS; i++)
		rc = load_cell(client, entry_id, &object, folder_tags[i], arena, &cells[i], err);
	if (rc)
		return rc;
	cells[FOLDER_ENTRY_ID].bytes = entry_id;
	*facts = folder_of(cells);
	return is_usable(facts) ? 0 : err_set(err, ERR_BAD, "loadObject: a folder without a usable source key");
}

/* ---- tables ---- */

typedef void take_row_fn(void *list, const struct prop *cells);

/* Page by page, to one that is not full. Rows live in the arena; without one until they were taken. */
static int read_table(struct client *client, const struct table_request *request, struct arena *arena,
		      take_row_fn *take, void *list, struct err *err)
{
	struct prop cells[N_FOLDER_COLUMNS];
	struct arena passing = {0};
	size_t n_rows = PAGE;
	int rc = client_open_table(client, request, err);
	while (rc == 0 && n_rows == PAGE) {
		for (n_rows = 0; (rc = client_next_row(client, arena ? arena : &passing, cells, err)) == 0; n_rows++) {
			take(list, cells);
			arena_free(&passing);
		}
		if (rc == KOPANO_END)
			rc = n_rows == PAGE ? client_next_page(client, PAGE, err) : 0;
	}
	client_close_table(client);
	arena_free(&passing);
	return rc;
}

void facts_keep(struct folder_list *list, const struct folder_facts *facts)
{
	if (list->n == list->room) {
		list->room = list->room ? list->room * 2 : 64;
		list->facts = xrealloc(list->facts, list->room * sizeof *list->facts);
	}
	keymap_add(&list->by_key, facts->row.source_key, (uint32_t)list->n);
	list->facts[list->n++] = *facts;
}

static void take_folder(void *context, const struct prop *cells)
{
	struct folder_list *list = context;
	struct folder_facts facts = folder_of(cells);
	if (is_usable(&facts) && !keymap_find(&list->by_key, facts.row.source_key))
		facts_keep(list, &facts);
}

int facts_list_folders(struct client *client, struct slice top_entry_id, struct folder_list *list, struct err *err)
{
	struct table_request request = {
		.kind = TABLE_HIERARCHY,
		.folder_entry_id = top_entry_id,
		.flags = TABLE_DEPTH | TABLE_UNCUT,
		.columns = {.tags = folder_tags, .n = N_FOLDER_COLUMNS},
		.n_rows = PAGE,
	};
	return read_table(client, &request, &list->arena, take_folder, list, err);
}

const struct folder_facts *facts_find(const struct folder_list *list, struct slice source_key)
{
	const uint32_t *at = keymap_find(&list->by_key, source_key);
	return at ? &list->facts[*at] : NULL;
}

void facts_free_folders(struct folder_list *list)
{
	keymap_clear(&list->by_key);
	free(list->facts);
	arena_free(&list->arena);
	*list = (struct folder_list){0};
}

/* ---- stores ---- */

enum store_column {
	STORE_ENTRY_ID,
	STORE_GUID,
	STORE_NAME,
	STORE_OWNER_ID,
	STORE_OWNER_NAME,
	STORE_OWNER_ACCOUNT,
	STORE_KIND,
	STORE_IS_DETACHED,
	STORE_SIZE,
	STORE_MODIFIED,
	N_STORE_COLUMNS
};

static const uint32_t store_tags[N_STORE_COLUMNS] = {
	[STORE_ENTRY_ID] = PR_ENTRYID,
	[STORE_GUID] = PR_STORE_RECORD_KEY,
	[STORE_NAME] = PR_DISPLAY_NAME,
	[STORE_OWNER_ID] = PR_MAILBOX_OWNER_ENTRYID,
	[STORE_OWNER_NAME] = PR_MAILBOX_OWNER_NAME,
	[STORE_OWNER_ACCOUNT] = PR_EC_MAILBOX_OWNER_ACCOUNT,
	[STORE_KIND] = PR_EC_STORETYPE,
	[STORE_IS_DETACHED] = PR_EC_DELETED_STORE,
	[STORE_SIZE] = PR_MESSAGE_SIZE_EXTENDED,
	[STORE_MODIFIED] = PR_LAST_MODIFICATION_TIME,
};

_Static_assert((int)N_STORE_COLUMNS <= (int)N_FOLDER_COLUMNS, "read_table has room for the longer row");

/* The user with the internal number 2: flags, provider GUID, version, type, number. */
static bool is_system(struct slice user_id)
{
	static const uint8_t type_and_number[] = {6, 0, 0, 0, 2, 0, 0, 0};
	return user_id.size >= 32 && memcmp(user_id.data + 24, type_and_number, sizeof type_and_number) == 0;
}

static enum store_type store_type(const struct prop *cell)
{
	return is_there(cell) && cell->number <= 2 ? (enum store_type)(cell->number + 1) : STORE_PRIVATE;
}

/* Its bytes are copied: rows need ten times as much, and there may be ten thousand. */
static struct store_facts store_of(const struct prop *cells, struct arena *arena)
{
	struct store_facts facts = {
		.row = {.entry_id = arena_copy(arena, cells[STORE_ENTRY_ID].bytes),
			.owner = arena_copy(arena, cells[STORE_OWNER_ACCOUNT].bytes),
			.display_name = arena_copy(arena, cells[STORE_NAME].bytes),
			.type = store_type(&cells[STORE_KIND]),
			.detached = number(&cells[STORE_IS_DETACHED]) != 0,
			.system = is_system(cells[STORE_OWNER_ID].bytes)},
		.owner_name = arena_copy(arena, cells[STORE_OWNER_NAME].bytes),
		.size_bytes = number(&cells[STORE_SIZE]),
		.modified_at_ns = cells[STORE_MODIFIED].time_ns,
	};
	memcpy(facts.row.guid, cells[STORE_GUID].bytes.data, GUID_SIZE);
	if (facts.row.type == STORE_PUBLIC)
		facts.row.owner = slice_of(NULL, 0);
	return facts;
}

static uint32_t hash_guid(const uint8_t *guid)
{
	return index_hash(slice_of(guid, GUID_SIZE));
}

static uint32_t hash_facts(const void *context, uint32_t number)
{
	const struct store_list *list = context;
	return hash_guid(list->facts[number].row.guid);
}

static bool has_guid(const void *context, uint32_t number, const void *guid)
{
	const struct store_list *list = context;
	return memcmp(list->facts[number].row.guid, guid, GUID_SIZE) == 0;
}

const struct store_facts *facts_find_store(const struct store_list *list, const uint8_t *guid)
{
	uint32_t at = index_find(&list->by_guid, hash_guid(guid), guid, has_guid, list);
	return at == INDEX_NONE ? NULL : &list->facts[at];
}

static void add_store(struct store_list *list, const struct store_facts *facts)
{
	if (list->n == list->room) {
		list->room += list->room / 4 + 16;
		list->facts = xrealloc(list->facts, list->room * sizeof *list->facts);
	}
	list->facts[list->n] = *facts;
	index_add(&list->by_guid, hash_guid(facts->row.guid), (uint32_t)list->n++, hash_facts, list);
}

static void take_store(void *context, const struct prop *cells)
{
	struct store_list *list = context;
	if (cells[STORE_GUID].bytes.size != GUID_SIZE || !cells[STORE_ENTRY_ID].bytes.size ||
	    cells[STORE_ENTRY_ID].bytes.size > MAX_KEY)
		return;
	if (facts_find_store(list, cells[STORE_GUID].bytes.data)) {
		list->whole = false; /* the table has gone back to its first row */
		return;
	}
	struct store_facts facts = store_of(cells, &list->arena);
	add_store(list, &facts);
}

int facts_list_stores(struct client *client, struct store_list *list, struct err *err)
{
	struct table_request request = {
		.kind = TABLE_MAILBOX,
		.flags = TABLE_UNCUT,
		.columns = {.tags = store_tags, .n = N_STORE_COLUMNS},
		.n_rows = PAGE,
	};
	list->whole = true;
	return read_table(client, &request, NULL, take_store, list, err);
}

void facts_free_stores(struct store_list *list)
{
	index_free(&list->by_guid);
	free(list->facts);
	arena_free(&list->arena);
	*list = (struct store_list){0};
}

/* The folder under which users see their folders. */
static struct slice subtree_of(const struct object *store, bool is_public)
{
	const struct prop *prop = is_public ? props_find(&store->props, PR_IPM_PUBLIC_FOLDERS_ENTRYID) : NULL;
	if (!prop)
		prop = props_find(&store->props, PR_IPM_SUBTREE_ENTRYID);
	return prop ? prop->bytes : slice_of(NULL, 0);
}

int facts_load_tree(struct client *client, const struct store_row *row, struct arena *arena, struct store_tree *tree,
		    struct err *err)
{
	struct kopano_store store;
	struct object object;
	*tree = (struct store_tree){0};
	int rc = client_load_store(client, row->entry_id, arena, &store, err);
	if (rc == 0)
		rc = client_load_object(client, row->entry_id, 0, arena, &object, err);
	if (rc)
		return rc;
	tree->root_entry_id = store.root_entry_id;
	tree->subtree_entry_id = subtree_of(&object, row->type == STORE_PUBLIC);
	return 0;
}

struct slice facts_key_of(const struct folder_list *list, struct slice entry_id)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct folder_facts *facts = &list->facts[i];
		if (slice_equal(facts->row.entry_id, entry_id))
			return facts->row.source_key;
		if (slice_equal(facts->parent_entry_id, entry_id))
			return facts->row.parent_source_key;
	}
	return slice_of(NULL, 0);
}
