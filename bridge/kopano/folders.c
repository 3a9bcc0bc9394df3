#include <stdlib.h>

#include "bridge/kopano/item.h"
#include "bridge/kopano/kopano.h"
#include "core/hex.h"
#include "core/step.h"

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

static const char *stream_of(const char *key)
{
	return key + strlen("position/");
}

static void name_streams(struct arena *arena, struct followed *followed)
{
	struct slice folder_key = followed->folder.source_key;
	followed->contents_key = stream_key(arena, POSITION_CONTENTS, &followed->store, folder_key);
	followed->taken_key = arena_text(arena, "%s/", stream_key(arena, POSITION_TAKEN, &followed->store, folder_key));
	followed->snapshot_key = stream_key(arena, POSITION_SNAPSHOT, &followed->store, folder_key);
	followed->entry_key = folder_entry_key(arena, folder_key);
	followed->contents_stream = stream_of(followed->contents_key);
	followed->snapshot_stream = stream_of(followed->snapshot_key);
}

struct followed *folder_add(struct kopano *kopano, const struct store_info *store, const struct folder_info *folder)
{
	if (kopano->n_followed == kopano->room_followed) {
		kopano->room_followed = kopano->room_followed ? kopano->room_followed * 2 : 4;
		kopano->followed = xrealloc(kopano->followed, kopano->room_followed * sizeof *kopano->followed);
	}
	struct followed *followed = &kopano->followed[kopano->n_followed++];
	*followed = (struct followed){.store = *store, .folder = *folder};
	name_streams(&kopano->arena, followed);
	return followed;
}

static const struct followed *find_followed(const struct kopano *kopano, const struct folder_info *folder)
{
	for (size_t i = 0; i < kopano->n_followed; i++)
		if (slice_equal(kopano->followed[i].folder.source_key, folder->source_key))
			return &kopano->followed[i];
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
	const struct followed *same = find_followed(kopano, &folder);
	if (same && slice_equal(same->folder.path, folder.path))
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
	if (rc == 0 && kopano->n_followed == 0)
		return err_usage(err, "follow: all of these folders are gone; name others");
	return rc;
}

/* ---- rights ---- */

int folder_maximum(struct kopano *kopano, const struct followed *followed, uint32_t *change_id, struct err *err)
{
	struct journal_entry entry;
	/* From the highest id that there can be: an empty list, and the folder's own maximum (kopano-protocol 4.4). */
	int rc = client_changes(kopano->client, followed->sync_id, UINT32_MAX, SYNC_CONTENTS,
				SYNC_NORMAL | SYNC_ASSOCIATED | SYNC_READ_STATE, err);
	while (rc == 0)
		rc = client_next_entry(kopano->client, &entry, change_id, err);
	return rc == KOPANO_END ? 0 : rc;
}

bool no_access(const struct kopano *kopano, int rc)
{
	return rc == ERR_BAD && client_er(kopano->client) == KOPANO_NO_ACCESS;
}

static int prove_alive(struct kopano *kopano, const struct followed *followed, struct err *err)
{
	struct arena arena = {0};
	struct object object;
	int rc = client_load_object(kopano->client, followed->folder.entry_id, MUST_NOT_BE_SOFT_DELETED, &arena,
				    &object, err);
	arena_free(&arena);
	return rc;
}

int folder_prove(struct kopano *kopano, struct followed *followed, bool *proven, struct err *err)
{
	uint32_t maximum;
	int alive = prove_alive(kopano, followed, err);
	int rc = alive ? alive : folder_maximum(kopano, followed, &maximum, err);
	*proven = rc == 0;
	if (no_access(kopano, rc))
		return folder_suspend(kopano, followed), 0;
	if (alive == ERR_GONE)
		return folder_end(kopano, followed, "it was deleted"), 0;
	if (rc == ERR_GONE)
		return followed->poll_at_ms = 0, 0;
	return rc;
}

bool folder_right_lost(struct kopano *kopano, struct followed *followed, struct err *err)
{
	uint32_t sync_id = followed->sync_id;
	int rc = client_set_sync(kopano->client, followed->folder.source_key, SYNC_CONTENTS, followed->settle.settled,
				 &sync_id, err);
	return no_access(kopano, rc);
}

static void announce(struct kopano *kopano, struct followed *followed, enum lifecycle_type type, const char *text)
{
	struct batch *batch = batch_new(followed->contents_stream);
	add_lifecycle(kopano, followed, batch, type, text);
	hand_over(kopano, batch);
}

bool folder_is_listing(const struct followed *followed)
{
	return followed->listing && followed->started && !followed->suspended && !followed->ended;
}

void folder_suspend(struct kopano *kopano, struct followed *followed)
{
	followed->poll_at_ms = clock_ms() + (int64_t)STEP_LIMIT(SUSPENDED_POLL_MS);
	round_note(followed, 0); /* there is no more to be had */
	if (followed->suspended)
		return;
	followed->suspended = true;
	announce(kopano, followed, LIFECYCLE_SUSPENDED, "the right to read this folder is gone; its position is kept");
}

void folder_resume(struct kopano *kopano, struct followed *followed)
{
	followed->suspended = false;
	announce(kopano, followed, LIFECYCLE_RESUMED, "the right to read this folder is back");
}

/* ---- the end ---- */

static void add_bracket(struct kopano *kopano, const struct followed *followed, struct batch *batch,
			enum change_kind kind, const uint8_t *id)
{
	struct change *change = new_change(kopano, followed, batch);
	change->kind = kind;
	change->origin = ORIGIN_SNAPSHOT;
	memcpy(change->snapshot_id, id, SNAPSHOT_ID_SIZE);
}

void folder_end(struct kopano *kopano, struct followed *followed, const char *why)
{
	struct batch *batch = batch_new(followed->contents_stream);
	uint8_t id[SNAPSHOT_ID_SIZE];
	random_bytes(id, sizeof id);
	add_bracket(kopano, followed, batch, CHANGE_SNAPSHOT_BEGIN, id);
	add_bracket(kopano, followed, batch, CHANGE_SNAPSHOT_END, id);
	add_lifecycle(kopano, followed, batch, LIFECYCLE_FOLDER_ENDED, why);
	batch_remove(batch, slice_of_text(followed->contents_key));
	batch_remove(batch, slice_of_text(followed->snapshot_key));
	settle_forget(&followed->settle, batch, followed->taken_key);
	followed->listed = ENTRY_ENDED;
	put_entry(followed, batch);
	followed->ended = true;
	hand_over(kopano, batch);
}
