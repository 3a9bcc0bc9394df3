#include "bridge/kopano/watch.h"

#include <pthread.h>
#include <stdlib.h>

#include "bridge/kopano/bell.h"
#include "bridge/kopano/facts.h"
#include "bridge/kopano/kopano.h"
#include "bridge/kopano/tell.h"

struct watch {
	struct source base;
	const struct kopano_config *config;
	const struct follow_notices *wanted;
	struct login login; /* with our stop */
	struct client_stop *stop;
	struct arena arena;

	struct server_info server;
	struct map map;
	uint32_t store, folder; /* folder: MAP_NONE for the whole store */
	struct store_tree tree;
	struct slice top_entry_id; /* whose folders are listed */
	struct tell tell;

	struct bell *bell;
	struct notices notices; /* being told */
	size_t next;
	bool is_stale; /* the map does not know all folders of these */

	pthread_mutex_t mutex; /* for waiting */
	pthread_cond_t changed;
	bool rang;
};

/* ---- the map ---- */

static void put_folder(struct watch *watch, const struct folder_row *row)
{
	unsigned changed;
	map_put(&watch->map, watch->store, row, &changed);
}

/* The one above all others is not in the list, and may be one that cannot be read. */
static int put_top(struct watch *watch, struct client *client, struct err *err)
{
	struct folder_facts top;
	struct arena arena = {0};
	int rc = facts_load_folder(client, watch->top_entry_id, &arena, &top, err);
	if (rc == 0 && top.row.source_key.size)
		put_folder(watch, &top.row);
	arena_free(&arena);
	return rc == ERR_GONE || rc == ERR_BAD ? 0 : rc;
}

/* Twice: a folder may come before the one that it was moved into. */
static void put_all(struct watch *watch, const struct folder_list *list)
{
	map_set_tree(&watch->map, watch->store, facts_key_of(list, watch->tree.root_entry_id),
		     facts_key_of(list, watch->tree.subtree_entry_id));
	for (int turn = 0; turn < 2; turn++)
		for (size_t i = list->n; i > 0; i--)
			put_folder(watch, &list->facts[i - 1].row);
}

static int read_folders(struct watch *watch, struct client *client, struct err *err)
{
	struct folder_list list = {0};
	int rc = facts_list_folders(client, watch->top_entry_id, &list, err);
	if (rc == 0)
		put_all(watch, &list);
	facts_free_folders(&list);
	return rc ? rc : put_top(watch, client, err);
}

/* Whoever may not see the root sees the rest all the same. */
static int read_tree(struct watch *watch, struct client *client, const struct store_row *row, struct err *err)
{
	int rc = facts_load_tree(client, row, &watch->arena, &watch->tree, err);
	if (rc)
		return rc;
	watch->top_entry_id = watch->tree.root_entry_id;
	rc = read_folders(watch, client, err);
	if (rc != ERR_BAD && rc != ERR_GONE)
		return rc;
	watch->top_entry_id = watch->tree.subtree_entry_id;
	return read_folders(watch, client, err);
}

static int no_such(struct err *err, const char *what, const char *name, int rc)
{
	if (rc != ERR_GONE && rc != ERR_BAD)
		return rc;
	return err_usage(err, "there is no %s \"%.60s\", or %s may not read it: correct the name", what, name,
			 "this account");
}

static int find_store(struct watch *watch, struct client *client, struct err *err)
{
	const char *name = watch->wanted->store;
	bool is_public = strcmp(name, "public") == 0;
	struct kopano_store found;
	unsigned changed;
	int rc = client_find_store(client, name, &watch->arena, &found, err);
	if (rc)
		return no_such(err, "store", name, rc);
	struct store_row row = {.entry_id = found.entry_id,
				.owner = slice_of_text(is_public ? NULL : name),
				.type = is_public ? STORE_PUBLIC : STORE_PRIVATE};
	memcpy(row.guid, found.guid, GUID_SIZE);
	watch->store = map_put_store(&watch->map, &row, &changed);
	return no_such(err, "store", name, read_tree(watch, client, &row, err));
}

static int find_folder(struct watch *watch, struct err *err)
{
	const char *path = watch->wanted->folder;
	const struct map *map = &watch->map;
	struct arena arena = {0};
	watch->folder = path ? map_next_of_store(map, watch->store, MAP_NONE) : MAP_NONE;
	while (watch->folder != MAP_NONE && !slice_equal(map_path(map, watch->folder, &arena), slice_of_text(path)))
		watch->folder = map_next_of_store(map, watch->store, watch->folder);
	arena_free(&arena);
	return path && watch->folder == MAP_NONE ? no_such(err, "folder", path, ERR_GONE) : 0;
}

static int read_all(struct watch *watch, struct client *client, struct err *err)
{
	watch->server.epoch = 1;
	memcpy(watch->server.guid, client_server_guid(client), GUID_SIZE);
	map_start(&watch->map, watch->server.guid);
	int rc = find_store(watch, client, err);
	return rc ? rc : find_folder(watch, err);
}

/* Something was told of folders: what are they now? */
static int read_again(struct watch *watch, struct err *err)
{
	struct client *client;
	int rc = client_open(&watch->login, &client, err);
	if (rc)
		return rc;
	rc = passing(read_folders(watch, client, err), err);
	client_close(client);
	watch->is_stale = rc != 0;
	return rc;
}

/* ---- what is told ---- */

static bool is_followed(void *context, uint32_t folder, uint32_t parent)
{
	const struct watch *watch = context;
	(void)parent;
	return watch->folder == MAP_NONE || folder == watch->folder;
}

/* Of the container class; without one it is mail. */
static unsigned kind_of(const struct watch *watch, uint32_t folder, struct arena *arena)
{
	static const char *const classes[] = {[KIND_CONTACTS] = "IPF.Contact",
					      [KIND_CALENDAR] = "IPF.Appointment",
					      [KIND_TASKS] = "IPF.Task",
					      [KIND_NOTES] = "IPF.StickyNote"};
	struct slice class = map_class(&watch->map, folder, arena);
	for (unsigned kind = KIND_CONTACTS; kind <= KIND_NOTES; kind++)
		if (slice_equal(class, slice_of_text(classes[kind])))
			return kind;
	return !class.size || slice_equal(class, slice_of_text("IPF.Note")) ? KIND_MAIL : KIND_NOTES + 1;
}

static bool is_wanted(struct watch *watch, const struct change *change, struct arena *arena)
{
	const struct follow_notices *wanted = watch->wanted;
	struct slice key = change->object_type == OBJECT_FOLDER ? change->source_key : change->parent_source_key;
	uint32_t folder = key.size ? map_find(&watch->map, key) : MAP_NONE;
	if (!(wanted->kinds & 1U << change->kind))
		return false;
	return !wanted->folders || (folder != MAP_NONE && (wanted->folders & 1U << kind_of(watch, folder, arena)));
}

static void leave_out_unwanted(struct watch *watch, struct batch *batch, size_t from)
{
	size_t n = from;
	for (size_t i = from; i < batch->n_changes; i++)
		if (is_wanted(watch, &batch->changes[i], &batch->arena))
			batch->changes[n++] = batch->changes[i];
	batch->n_changes = n;
}

static void add_missed(struct watch *watch, struct batch *batch)
{
	struct lifecycle *event = batch_lifecycle(batch, LIFECYCLE_MISSED);
	struct server_info *server = arena_alloc(&batch->arena, sizeof *server);
	*server = watch->server;
	event->server = server;
	event->store = map_store_info(&watch->map, watch->store, &batch->arena);
	event->time_ns = now_ns();
	event->text = watch->notices.n_dropped ? "notifications were dropped because they were not taken fast enough"
					       : "notifications are told from here on; what came before was not";
}

/* The next of those that were taken; NULL: nothing of them is wanted. */
static struct batch *next_batch(struct watch *watch)
{
	struct notices *notices = &watch->notices;
	struct batch *batch = batch_new("notifications");
	bool missed = watch->next == 0 && notices->missed;
	while (watch->next < notices->n && batch->n_changes + 2 <= BATCH_CHANGES) {
		size_t from = batch->n_changes;
		tell_notice(&watch->tell, watch->store, &notices->list[watch->next++], batch);
		leave_out_unwanted(watch, batch, from);
	}
	bool over = watch->next == notices->n;
	if (missed || (over && notices->n_dropped))
		add_missed(watch, batch);
	if (over) {
		notices_free(notices);
		watch->next = 0;
	}
	if (batch->n_changes || batch->n_lifecycle)
		return batch;
	batch_free(batch);
	return NULL;
}

static bool is_about_folders(struct watch *watch, const struct notice *notice)
{
	return notice->object == NOTICE_FOLDER ||
	       tell_find(&watch->tell, watch->store, notice->parent_entry_id) == MAP_NONE;
}

static bool take_notices(struct watch *watch)
{
	struct rung rung;
	bell_take(watch->bell, &rung);
	watch->is_stale |= rung.any;
	rung_free(&rung);
	if (!bell_take_notices(watch->bell, &watch->notices))
		return false;
	for (size_t i = 0; i < watch->notices.n; i++)
		watch->is_stale |= is_about_folders(watch, &watch->notices.list[i].notice);
	return true;
}

/* ---- the interface ---- */

static void on_ring(void *context)
{
	struct watch *watch = context;
	pthread_mutex_lock(&watch->mutex);
	watch->rang = true;
	pthread_cond_broadcast(&watch->changed);
	pthread_mutex_unlock(&watch->mutex);
}

static void wait_for_ring(struct watch *watch)
{
	pthread_mutex_lock(&watch->mutex);
	while (!watch->rang && !client_stop_asked(watch->stop))
		pthread_cond_wait(&watch->changed, &watch->mutex);
	watch->rang = false;
	pthread_mutex_unlock(&watch->mutex);
}

static int open_source(const void *config, struct source **source, struct err *err)
{
	struct watch *watch = xcalloc(1, sizeof *watch);
	watch->base.ops = &kopano_notices_ops;
	watch->config = config;
	watch->wanted = &watch->config->follow->notices;
	watch->stop = client_stop_new();
	watch->login = watch->config->login;
	watch->login.stop = watch->stop;
	watch->tell = (struct tell){.map = &watch->map,
				    .server = &watch->server,
				    .is_followed = is_followed,
				    .context = watch,
				    .objects = watch->wanted->objects,
				    .split = true};
	pthread_mutex_init(&watch->mutex, NULL);
	pthread_cond_init(&watch->changed, NULL);
	*source = &watch->base;
	return watch->stop ? 0 : err_fatal(err, "no file descriptor is left; raise the limit of open files");
}

static int subscribe(struct watch *watch, struct err *err)
{
	struct bell_parts parts = {
		.login = &watch->config->login, .ring = on_ring, .context = watch, .room = NOTICE_ROOM};
	const struct map *map = &watch->map;
	struct subscription one = {.number = 2, .mask = NOTICE_EVENTS | NOTICE_NO_COUNTERS};
	if (watch->wanted->objects & FOLLOW_ITEM)
		one.mask |= NOTICE_OF_ITEMS;
	if (watch->wanted->objects & FOLLOW_FOLDER)
		one.mask |= NOTICE_OF_FOLDERS;
	one.key = watch->folder == MAP_NONE ? map_store_entry_id(map, watch->store, &watch->arena)
					    : map_entry_id(map, watch->folder, &watch->arena);
	watch->bell = bell_start(&parts, err);
	if (!watch->bell)
		return ERR_AGAIN;
	bell_follow(watch->bell, &one, 1);
	return 0;
}

static int seek(struct source *source, struct state *state, struct err *err)
{
	struct watch *watch = (struct watch *)source;
	struct client *client;
	(void)state;
	int rc = client_open(&watch->login, &client, err);
	if (rc)
		return rc;
	rc = read_all(watch, client, err);
	client_close(client);
	return rc ? rc : subscribe(watch, err);
}

static int next(struct source *source, struct batch **batch, struct err *err)
{
	struct watch *watch = (struct watch *)source;
	for (;;) {
		if (client_stop_asked(watch->stop))
			return err_set(err, ERR_STOPPED, "stopped");
		if (notices_are_none(&watch->notices) && !take_notices(watch)) {
			wait_for_ring(watch);
			continue;
		}
		int rc = watch->is_stale ? read_again(watch, err) : 0;
		if (rc)
			return rc;
		if ((*batch = next_batch(watch)))
			return 0;
	}
}

static void stop(struct source *source)
{
	struct watch *watch = (struct watch *)source;
	pthread_mutex_lock(&watch->mutex);
	client_stop_now(watch->stop);
	pthread_cond_broadcast(&watch->changed);
	pthread_mutex_unlock(&watch->mutex);
}

static void close_source(struct source *source)
{
	struct watch *watch = (struct watch *)source;
	if (!watch)
		return;
	bell_stop(watch->bell);
	notices_free(&watch->notices);
	map_free(&watch->map);
	client_stop_free(watch->stop);
	pthread_cond_destroy(&watch->changed);
	pthread_mutex_destroy(&watch->mutex);
	arena_free(&watch->arena);
	free(watch);
}

const struct source_ops kopano_notices_ops = {
	.name = "kopano",
	.open = open_source,
	.seek = seek,
	.next = next,
	.stop = stop,
	.close = close_source,
};
