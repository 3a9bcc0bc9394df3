#include "bridge/kopano/kopano.h"
#include "bridge/pattern.h"

/* `tidings sync`: one folder, found by its path, without an inventory. Of the map there is only the way to it. */

static const uint32_t folder_tags[] = {PR_ENTRYID, PR_SOURCE_KEY, PR_DISPLAY_NAME, PR_CONTAINER_CLASS};

enum { MAX_NAME_BYTES = 1024 };
enum { FOLDER_ENTRY_ID, FOLDER_SOURCE_KEY, FOLDER_NAME, FOLDER_CLASS, N_FOLDER_COLUMNS };

/* The next name of a path: up to a slash that is not escaped, unescaped into `name`. Returns what follows, NULL at the
 * end. */
static const char *next_name(const char *path, char *name, size_t room)
{
	size_t n = 0;
	for (; *path && *path != '/'; path++) {
		if (*path == '\\' && path[1])
			path++;
		if (n + 1 < room)
			name[n++] = *path;
	}
	name[n] = '\0';
	return *path ? path + 1 : NULL;
}

static int open_subfolders(struct client *client, struct slice parent_entry_id, struct err *err)
{
	struct table_request request = {
		.kind = TABLE_HIERARCHY,
		.folder_entry_id = parent_entry_id,
		.flags = TABLE_UNCUT,
		.columns = {.tags = folder_tags, .n = N_FOLDER_COLUMNS},
		.n_rows = 10000,
	};
	return client_open_table(client, &request, err);
}

/* The direct subfolder with this name. ERR_GONE: there is none. */
static int find_subfolder(struct client *client, struct slice parent_entry_id, const char *name, struct arena *arena,
			  struct folder_row *row, struct err *err)
{
	struct prop cells[N_FOLDER_COLUMNS];
	bool found = false;
	int rc = open_subfolders(client, parent_entry_id, err);
	while (rc == 0 && (rc = client_next_row(client, arena, cells, err)) == 0) {
		if (found || !slice_equal(cells[FOLDER_NAME].bytes, slice_of_text(name)))
			continue;
		found = true;
		row->entry_id = cells[FOLDER_ENTRY_ID].bytes;
		row->source_key = cells[FOLDER_SOURCE_KEY].bytes;
		row->name = cells[FOLDER_NAME].bytes;
		row->container_class = cells[FOLDER_CLASS].bytes;
	}
	client_close_table(client);
	if (rc != KOPANO_END)
		return rc;
	return found ? 0 : err_set(err, ERR_GONE, "no folder \"%s\"", name);
}

/* Puts each folder of the way into the map; *folder: the last. */
static int find_path(struct kopano *kopano, uint32_t store, const struct folder_row *subtree, const char *path,
		     uint32_t *folder, struct err *err)
{
	struct folder_row parent = *subtree;
	unsigned changed;
	for (const char *rest = path; rest;) {
		char name[MAX_NAME_BYTES];
		rest = next_name(rest, name, sizeof name);
		struct folder_row row = {.parent_source_key = parent.source_key, .type = FOLDER_GENERIC};
		int rc = find_subfolder(kopano->client, parent.entry_id, name, &kopano->arena, &row, err);
		if (rc)
			return rc;
		*folder = map_put(&kopano->map, store, &row, &changed);
		parent = row;
	}
	return 0;
}

/* ---- the store ---- */

/* For this user there is no such thing; what the server refuses for other reasons is tried again. */
static bool is_missing(const struct kopano *kopano, int rc)
{
	uint32_t er = client_er(kopano->client);
	return rc == ERR_GONE || (rc == ERR_BAD && (er == KOPANO_NO_ACCESS || er == KOPANO_UNABLE_TO_COMPLETE));
}

/* The folder under which users see their folders. */
static int find_subtree(struct kopano *kopano, const struct kopano_store *store, bool is_public, struct folder_row *row,
			struct err *err)
{
	struct object object;
	int rc = client_load_object(kopano->client, store->entry_id, 0, &kopano->arena, &object, err);
	if (rc)
		return rc;
	const struct prop *prop =
		props_find(&object.props, is_public ? PR_IPM_PUBLIC_FOLDERS_ENTRYID : PR_IPM_SUBTREE_ENTRYID);
	if (!prop)
		prop = props_find(&object.props, PR_IPM_SUBTREE_ENTRYID);
	if (!prop)
		return err_set(err, ERR_GONE, "the store has no IPM subtree");
	row->entry_id = prop->bytes;
	return 0;
}

static int load_subtree_key(struct kopano *kopano, struct folder_row *row, struct err *err)
{
	struct object object;
	int rc = client_load_object(kopano->client, row->entry_id, 0, &kopano->arena, &object, err);
	if (rc)
		return rc;
	const struct prop *key = props_find(&object.props, PR_SOURCE_KEY);
	if (!key)
		return err_set(err, ERR_GONE, "the IPM subtree has no source key");
	row->source_key = key->bytes;
	return 0;
}

static int find_store(struct kopano *kopano, const char *owner, uint32_t *store, struct folder_row *subtree,
		      struct err *err)
{
	struct kopano_store found;
	bool is_public = strcmp(owner, "public") == 0;
	unsigned changed;
	int rc = client_find_store(kopano->client, owner, &kopano->arena, &found, err);
	if (rc == 0)
		rc = find_subtree(kopano, &found, is_public, subtree, err);
	if (rc == 0)
		rc = load_subtree_key(kopano, subtree, err);
	if (is_missing(kopano, rc))
		return err_usage(err, "follow.stores: no store of \"%s\" on %s, or no right to open it", owner,
				 kopano->config->login.url);
	if (rc)
		return rc;
	struct store_row row = {.entry_id = found.entry_id,
				.owner = is_public ? slice_of(NULL, 0) : slice_of_text(owner),
				.type = is_public ? STORE_PUBLIC : STORE_PRIVATE};
	memcpy(row.guid, found.guid, GUID_SIZE);
	*store = map_put_store(&kopano->map, &row, &changed);
	map_set_tree(&kopano->map, *store, slice_of(NULL, 0), subtree->source_key);
	map_put(&kopano->map, *store, subtree, &changed);
	return 0;
}

int once_find(struct kopano *kopano, struct err *err)
{
	const char *owner = kopano->config->follow->stores->children[0].text;
	const char *path = kopano->config->follow->folders->children[0].text;
	struct folder_row subtree = {.type = FOLDER_GENERIC};
	uint32_t store = MAP_NONE, folder = MAP_NONE;
	map_start(&kopano->map, kopano->server.guid);
	int rc = find_store(kopano, owner, &store, &subtree, err);
	if (rc == 0)
		rc = find_path(kopano, store, &subtree, path, &folder, err);
	if (is_missing(kopano, rc))
		return err_usage(err, "follow.folders: no folder \"%s\" in the store of \"%s\", or no right to see it",
				 path, owner);
	if (rc)
		return rc;
	map_store(&kopano->map, store)->flags |= STORE_FOLLOWED;
	map_folder(&kopano->map, folder)->flags |= FOLDER_FOLLOWED;
	return 0;
}

void once_end(struct kopano *kopano, struct stream *stream, const char *why)
{
	struct batch *batch = share_batch(kopano, stream->name);
	share_lifecycle(kopano, stream->folder, batch, LIFECYCLE_FOLDER_ENDED, why);
	stream_remove(stream, batch);
	listing_remove(kopano, stream->folder, batch);
	hand_over(kopano, batch);
}
