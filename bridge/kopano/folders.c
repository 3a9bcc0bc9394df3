#include <stdlib.h>

#include "bridge/kopano/item.h"
#include "bridge/kopano/kopano.h"

/* ---- finding ---- */

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
			  struct folder_info *folder, struct err *err)
{
	struct prop cells[N_FOLDER_COLUMNS];
	bool found = false;
	int rc = open_subfolders(client, parent_entry_id, err);
	while (rc == 0 && (rc = client_next_row(client, arena, cells, err)) == 0) {
		if (found || !slice_equal(cells[FOLDER_NAME].bytes, slice_of_text(name)))
			continue;
		found = true;
		folder->entry_id = cells[FOLDER_ENTRY_ID].bytes;
		folder->source_key = cells[FOLDER_SOURCE_KEY].bytes;
		folder->container_class = cells[FOLDER_CLASS].bytes;
	}
	client_close_table(client);
	if (rc != KOPANO_END)
		return rc;
	return found ? 0 : err_set(err, ERR_GONE, "no folder \"%s\"", name);
}

/* The name as it stands in a path, with a slash before it if it is not the first. */
static char *add_name(char *end, const char *name, bool is_first)
{
	if (!is_first)
		*end++ = '/';
	for (; *name; name++) {
		if (*name == '/' || *name == '\\')
			*end++ = '\\';
		*end++ = *name;
	}
	return end;
}

/* A path as events spell it, whatever the configuration escapes. */
static struct slice canonical_path(struct arena *arena, const char *path)
{
	char *written = arena_alloc(arena, 2 * strlen(path) + 1), *end = written;
	for (const char *rest = path; rest;) {
		char name[MAX_NAME_BYTES];
		bool is_first = rest == path;
		rest = next_name(rest, name, sizeof name);
		end = add_name(end, name, is_first);
	}
	return slice_of(written, (size_t)(end - written));
}

static int find_path(struct client *client, struct slice subtree, const char *path, struct arena *arena,
		     struct folder_info *folder, struct err *err)
{
	struct slice parent = subtree;
	for (const char *rest = path; rest;) {
		char name[MAX_NAME_BYTES];
		rest = next_name(rest, name, sizeof name);
		int rc = find_subfolder(client, parent, name, arena, folder, err);
		if (rc)
			return rc;
		parent = folder->entry_id;
	}
	folder->path = canonical_path(arena, path);
	return 0;
}

/* The folder under which users see their folders. */
static int find_subtree(struct client *client, const struct kopano_store *store, bool is_public, struct arena *arena,
			struct slice *subtree, struct err *err)
{
	struct object object;
	int rc = client_load_object(client, store->entry_id, 0, arena, &object, err);
	if (rc)
		return rc;
	const struct prop *prop =
		props_find(&object.props, is_public ? PR_IPM_PUBLIC_FOLDERS_ENTRYID : PR_IPM_SUBTREE_ENTRYID);
	if (!prop)
		prop = props_find(&object.props, PR_IPM_SUBTREE_ENTRYID);
	if (!prop)
		return err_set(err, ERR_GONE, "the store has no IPM subtree");
	*subtree = prop->bytes;
	return 0;
}

uint32_t folder_add(struct kopano *kopano, const struct store_info *store, const struct folder_info *info)
{
	if (kopano->n_folders == kopano->room_folders) {
		kopano->room_folders = kopano->room_folders ? kopano->room_folders * 2 : 4;
		kopano->folders = xrealloc(kopano->folders, kopano->room_folders * sizeof *kopano->folders);
	}
	struct folder *folder = &kopano->folders[kopano->n_folders];
	*folder = (struct folder){.store = *store, .info = *info};
	folder->entry_key = folder_entry_key(&kopano->arena, info->source_key);
	stream_add(kopano, STREAM_CONTENTS, kopano->n_folders);
	return kopano->n_folders++;
}

void folder_put_entry(const struct folder *folder, struct batch *batch)
{
	struct folder_entry entry = {.listed = folder->listed, .store = folder->store, .folder = folder->info};
	batch_put(batch, slice_of_text(folder->entry_key), folder_entry_write(&batch->arena, &entry));
}

static const struct folder *find_followed(const struct kopano *kopano, const struct folder_info *info)
{
	for (size_t i = 0; i < kopano->n_folders; i++)
		if (slice_equal(kopano->folders[i].info.source_key, info->source_key))
			return &kopano->folders[i];
	return NULL;
}

/* For this user there is no such thing; what the server refuses for other reasons is tried again. */
static bool is_missing(const struct kopano *kopano, int rc)
{
	uint32_t er = client_er(kopano->client);
	return rc == ERR_GONE || (rc == ERR_BAD && (er == KOPANO_NO_ACCESS || er == KOPANO_UNABLE_TO_COMPLETE));
}

/* What the state knows under this path: it goes on by its keys, whatever has become of the path. One that has ended
 * may have had the path before. */
static const struct folder_entry *find_known(const struct kopano *kopano, struct slice owner, struct slice path)
{
	const struct folder_entry *found = NULL;
	for (size_t i = 0; i < kopano->n_known; i++) {
		const struct folder_entry *entry = &kopano->known[i];
		if (!slice_equal(entry->store.owner, owner) || !slice_equal(entry->folder.path, path))
			continue;
		if (!(entry->listed & ENTRY_ENDED))
			return entry;
		found = entry;
	}
	return found;
}

/* A path that leads nowhere: 0 if the state knows the folder. */
static int add_known(struct kopano *kopano, const char *owner, const char *path, struct err *err)
{
	bool is_public = strcmp(owner, "public") == 0;
	const struct folder_entry *entry = find_known(kopano, is_public ? slice_of(NULL, 0) : slice_of_text(owner),
						      canonical_path(&kopano->arena, path));
	if (!entry)
		return err_usage(err, "follow.folders: no folder \"%s\" in the store of \"%s\", or no right to see it",
				 path, owner);
	/* It may have been renamed to another name of the configuration. */
	if (!(entry->listed & ENTRY_ENDED) && !find_followed(kopano, &entry->folder))
		folder_add(kopano, &entry->store, &entry->folder);
	return 0;
}

static int add_folder(struct kopano *kopano, const struct store_info *store, struct slice subtree, const char *owner,
		      const char *path, struct err *err)
{
	struct folder_info folder = {0};
	int rc = find_path(kopano->client, subtree, path, &kopano->arena, &folder, err);
	if (is_missing(kopano, rc))
		return add_known(kopano, owner, path, err);
	if (rc)
		return rc;
	const struct folder *same = find_followed(kopano, &folder);
	if (same && slice_equal(same->info.path, folder.path))
		return err_usage(err, "follow: the folder \"%s\" of \"%s\" is named twice", path, owner);
	if (!same)
		folder_add(kopano, store, &folder);
	return 0;
}

static int find_store(struct kopano *kopano, const char *owner, struct store_info *store, struct slice *subtree,
		      struct err *err)
{
	struct kopano_store found;
	bool is_public = strcmp(owner, "public") == 0;
	int rc = client_find_store(kopano->client, owner, &kopano->arena, &found, err);
	if (rc == 0)
		rc = find_subtree(kopano->client, &found, is_public, &kopano->arena, subtree, err);
	if (rc)
		return rc;
	*store = (struct store_info){.entry_id = found.entry_id,
				     .owner = is_public ? slice_of(NULL, 0) : slice_of_text(owner),
				     .type = is_public ? STORE_PUBLIC : STORE_PRIVATE};
	memcpy(store->guid, found.guid, GUID_SIZE);
	return 0;
}

static bool knows_store(const struct kopano *kopano, const char *owner)
{
	struct slice name = strcmp(owner, "public") == 0 ? slice_of(NULL, 0) : slice_of_text(owner);
	for (size_t i = 0; i < kopano->n_known; i++)
		if (slice_equal(kopano->known[i].store.owner, name))
			return true;
	return false;
}

static int find_folders_of(struct kopano *kopano, const char *owner, struct err *err)
{
	struct store_info store;
	struct slice subtree = {0};
	int rc = find_store(kopano, owner, &store, &subtree, err);
	bool missing = is_missing(kopano, rc);
	if (missing && !knows_store(kopano, owner))
		return err_usage(err, "follow.stores: no store of \"%s\" on %s, or no right to open it", owner,
				 kopano->config->login.url);
	const struct conf_node *folders = kopano->config->follow->folders;
	for (size_t i = 0; (rc == 0 || missing) && i < folders->n_children; i++) {
		const char *path = folders->children[i].text;
		rc = missing ? add_known(kopano, owner, path, err)
			     : add_folder(kopano, &store, subtree, owner, path, err);
		missing = missing && rc == 0;
	}
	return rc;
}

int folders_find(struct kopano *kopano, struct err *err)
{
	const struct conf_node *stores = kopano->config->follow->stores;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < stores->n_children; i++)
		rc = find_folders_of(kopano, stores->children[i].text, err);
	if (rc == 0 && kopano->n_folders == 0)
		return err_usage(err, "follow: all of these folders are gone; name others");
	return rc;
}
