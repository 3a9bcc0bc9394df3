#include "bridge/settings.h"

#include <string.h>
#include <sys/un.h>

#include "bridge/pattern.h"

enum { MAX_DRIVERS = 16, MIB = 1 << 20, MAX_SOCKET_PATH = sizeof((struct sockaddr_un *)0)->sun_path };

/* The section `key` of the root; it must be there and have only `keys`. */
static int section(const struct conf_node *root, const char *key, const char *const *keys,
		   const struct conf_node **node, struct err *err)
{
	*node = conf_get(root, key);
	return *node ? conf_keys(*node, keys, err) : conf_missing(root, key, err);
}

/* The node of a section's only driver, whose name is one of `names`. NULL: err says why. */
static const struct conf_node *one_driver(const struct conf_node *root, const char *key, const char *const *names,
					  struct err *err)
{
	const struct conf_node *map;
	if (section(root, key, names, &map, err))
		return NULL;
	if (map->n_children == 1)
		return &map->children[0];
	conf_error(map, err, "`%s` must name exactly one, as in `%s: {%s: ...}`, not %zu", key, key, names[0],
		   map->n_children);
	return NULL;
}

static int read_source(struct settings *settings, const struct source_driver *const *sources, struct err *err)
{
	const char *names[MAX_DRIVERS + 1] = {0};
	for (size_t i = 0; i < MAX_DRIVERS && sources[i]; i++)
		names[i] = sources[i]->name;
	const struct conf_node *node = one_driver(settings->tree, "source", names, err);
	for (size_t i = 0; node && i < MAX_DRIVERS && sources[i]; i++)
		if (strcmp(names[i], node->key) == 0) {
			settings->source = sources[i];
			return settings->source->configure(node, &settings->follow, &settings->source_config, err);
		}
	return err->class;
}

static int read_sink(struct settings *settings, const struct sink_driver *const *sinks, struct err *err)
{
	const char *names[MAX_DRIVERS + 1] = {0};
	for (size_t i = 0; i < MAX_DRIVERS && sinks[i]; i++)
		names[i] = sinks[i]->name;
	const struct conf_node *node = one_driver(settings->tree, "sink", names, err);
	for (size_t i = 0; node && i < MAX_DRIVERS && sinks[i]; i++)
		if (strcmp(names[i], node->key) == 0) {
			settings->sink = sinks[i];
			return settings->sink->configure(node, &settings->sink_config, err);
		}
	return err->class;
}

static int read_mode(const struct conf_node *map, struct follow *follow, struct err *err)
{
	static const char *const modes[] = {"folders", "stores", "server", NULL};
	int mode = -1;
	if (conf_choice(map, "mode", modes, &mode, err))
		return ERR_FATAL;
	if (mode < 0)
		return conf_missing(map, "mode", err);
	follow->mode = (enum follow_mode)mode;
	return 0;
}

/* A list, if there is one, with something in it, and nothing twice. */
static int names_list(const struct conf_node *map, const char *key, const struct conf_node **list, struct err *err)
{
	if (conf_list(map, key, list, err))
		return ERR_FATAL;
	if (*list && (*list)->n_children == 0)
		return conf_error(*list, err, "`%s` is an empty list: nothing would be followed", (*list)->path);
	for (size_t i = 0; *list && i < (*list)->n_children; i++) {
		const struct conf_node *node = &(*list)->children[i];
		for (size_t j = 0; j < i; j++)
			if (strcmp((*list)->children[j].text, node->text) == 0)
				return conf_error(node, err, "`%.60s` is given twice", node->text);
	}
	return 0;
}

static int read_stores(const struct conf_node *map, struct follow *follow, struct err *err)
{
	int rc = names_list(map, "stores", &follow->stores, err);
	if (rc)
		return rc;
	if (follow->mode == FOLLOW_SERVER && follow->stores)
		return conf_error(follow->stores, err,
				  "`follow.stores` is not for `mode: server`, which follows all of them; write `mode: "
				  "stores`, or leave it out");
	return follow->mode == FOLLOW_SERVER || follow->stores ? 0 : conf_missing(map, "stores", err);
}

static int read_folders(const struct conf_node *map, struct follow *follow, struct err *err)
{
	int rc = names_list(map, "folders", &follow->folders, err);
	if (rc)
		return rc;
	if (!follow->folders)
		return follow->mode == FOLLOW_FOLDERS ? conf_missing(map, "folders", err) : 0;
	for (size_t i = 0; i < follow->folders->n_children; i++) {
		const struct conf_node *node = &follow->folders->children[i];
		const char *mistake = pattern_mistake(node->text);
		if (mistake)
			return conf_error(node, err, "`%.60s`: %s", node->text, mistake);
	}
	return 0;
}

static const char *const object_names[] = {"items", "folders", "stores", "users", "groups", NULL};

static int read_object(const struct conf_node *node, unsigned *objects, struct err *err)
{
	for (unsigned i = 0; object_names[i]; i++)
		if (strcmp(node->text, object_names[i]) == 0)
			return *objects |= 1U << i, 0;
	return conf_error(node, err,
			  "`follow.objects` cannot have `%.60s`; known here: items, folders, stores, users, groups",
			  node->text);
}

static int read_objects(const struct conf_node *map, struct follow *follow, struct err *err)
{
	static const unsigned defaults[] = {
		[FOLLOW_FOLDERS] = FOLLOW_ITEM | FOLLOW_FOLDER,
		[FOLLOW_STORES] = FOLLOW_ITEM | FOLLOW_FOLDER | FOLLOW_STORE,
		[FOLLOW_SERVER] = FOLLOW_ITEM | FOLLOW_FOLDER | FOLLOW_STORE | FOLLOW_USER | FOLLOW_GROUP,
	};
	const struct conf_node *list = NULL;
	int rc = names_list(map, "objects", &list, err);
	if (!list)
		follow->objects = defaults[follow->mode];
	for (size_t i = 0; rc == 0 && list && i < list->n_children; i++)
		rc = read_object(&list->children[i], &follow->objects, err);
	return rc;
}

static int read_follow(struct settings *settings, struct err *err)
{
	static const char *const keys[] = {"mode",    "stores", "folders",    "classes",
					   "objects", "hidden", "associated", NULL};
	struct follow *follow = &settings->follow;
	const struct conf_node *map;
	int rc;
	if ((rc = section(settings->tree, "follow", keys, &map, err)) || (rc = read_mode(map, follow, err)) ||
	    (rc = read_stores(map, follow, err)) || (rc = read_folders(map, follow, err)) ||
	    (rc = names_list(map, "classes", &follow->classes, err)) || (rc = read_objects(map, follow, err)) ||
	    (rc = conf_bool(map, "hidden", &follow->hidden, err)))
		return rc;
	return conf_bool(map, "associated", &follow->associated, err);
}

/* `snapshot: all`, or `snapshot: {mode: all, items_per_second: 1000}`. */
static int read_snapshot(struct settings *settings, struct err *err)
{
	static const char *const names[] = {"none", "all", NULL};
	static const char *const keys[] = {"mode", "items_per_second", NULL};
	const struct conf_node *node = conf_get(settings->tree, "snapshot");
	bool is_map = node && node->kind == CONF_MAP;
	int snapshot = -1;
	if (is_map && (conf_keys(node, keys, err) ||
		       conf_integer(node, "items_per_second", 1, 1000000, &settings->follow.items_per_second, err)))
		return ERR_FATAL;
	if (is_map ? conf_choice(node, "mode", names, &snapshot, err)
		   : conf_choice(settings->tree, "snapshot", names, &snapshot, err))
		return ERR_FATAL;
	if (snapshot < 0 && is_map)
		return conf_missing(node, "mode", err);
	if (snapshot < 0)
		return conf_error(settings->tree, err,
				  "key `snapshot` is missing: write `snapshot: all` to list first what is there, or "
				  "`snapshot: none`");
	settings->follow.snapshot = snapshot;
	return 0;
}

static int read_notifications(struct settings *settings, struct err *err)
{
	static const char *const names[] = {"off", "wake", "publish", NULL};
	int notifications = NOTIFICATIONS_WAKE;
	if (conf_choice(settings->tree, "notifications", names, &notifications, err))
		return ERR_FATAL;
	settings->follow.notifications = (enum notifications)notifications;
	return 0;
}

static int read_state(struct settings *settings, struct err *err)
{
	static const char *const keys[] = {"path", NULL};
	const struct conf_node *map;
	int rc;
	if ((rc = section(settings->tree, "state", keys, &map, err)) ||
	    (rc = conf_text(map, "path", &settings->state_path, err)))
		return rc;
	return settings->state_path ? 0 : conf_missing(map, "path", err);
}

static int read_memory(struct settings *settings, struct err *err)
{
	static const char *const keys[] = {"budget", NULL};
	const struct conf_node *map = conf_get(settings->tree, "memory");
	int64_t budget_bytes = 8 * MIB;
	if (map &&
	    (conf_keys(map, keys, err) || conf_bytes(map, "budget", 4 * MIB, INT64_C(1) << 40, &budget_bytes, err)))
		return ERR_FATAL;
	settings->budget_bytes = (size_t)budget_bytes;
	return 0;
}

/* People who ask for the status do not have the daemon's environment: the path depends on the file alone. */
static int read_control(struct settings *settings, struct err *err)
{
	static const char *const keys[] = {"socket", NULL};
	const struct conf_node *map = conf_get(settings->tree, "control");
	const char *path = NULL;
	if (map && (conf_keys(map, keys, err) || conf_text(map, "socket", &path, err)))
		return ERR_FATAL;
	const char *whole = path ? path : arena_text(&settings->arena, "%s.sock", settings->state_path);
	if (strlen(whole) >= MAX_SOCKET_PATH)
		return conf_error(
			map ? map : conf_get(settings->tree, "state"), err,
			"the path of the control socket, %.150s, has more than %d bytes: name a shorter one at "
			"`control: {socket: ...}`",
			whole, MAX_SOCKET_PATH - 1);
	settings->control_path = whole;
	return 0;
}

static int read_log(struct settings *settings, struct err *err)
{
	static const char *const keys[] = {"level", "format", NULL};
	static const char *const names[] = {"error", "warning", "info", "debug", NULL};
	static const char *const formats[] = {"text", "json", NULL};
	static const enum log_level levels[] = {LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG};
	const struct conf_node *map = conf_get(settings->tree, "log");
	int level = 2, format = LOG_FORMAT_TEXT;
	if (map && (conf_keys(map, keys, err) || conf_choice(map, "level", names, &level, err) ||
		    conf_choice(map, "format", formats, &format, err)))
		return ERR_FATAL;
	settings->log_level = levels[level];
	settings->log_format = format;
	return 0;
}

static int load_tree(struct settings *settings, const char *file, struct err *err)
{
	static const char *const keys[] = {"source", "follow", "snapshot", "notifications", "sink",
					   "state",  "memory", "control",  "log",           NULL};
	*settings = (struct settings){0};
	int rc = conf_load(file, &settings->tree, err);
	return rc ? rc : conf_keys(settings->tree, keys, err);
}

static int read_follow_once(struct settings *settings, enum follow_once once, struct err *err)
{
	static const unsigned objects[] = {[ONCE_FOLDER] = FOLLOW_ITEM,
					   [ONCE_SERVER] = FOLLOW_ITEM,
					   [ONCE_HIERARCHY] = FOLLOW_FOLDER,
					   [ONCE_ADDRESSBOOK] = FOLLOW_USER | FOLLOW_GROUP,
					   [ONCE_NOTIFICATIONS] = FOLLOW_ITEM | FOLLOW_FOLDER};
	struct follow *follow = &settings->follow;
	bool of_all = once == ONCE_SERVER || once == ONCE_ADDRESSBOOK || once == ONCE_NOTIFICATIONS;
	int rc = of_all && !conf_get(settings->tree, "follow") ? 0 : read_follow(settings, err);
	if (of_all)
		*follow = (struct follow){.mode = FOLLOW_SERVER, .associated = follow->associated, .hidden = true};
	if (once == ONCE_HIERARCHY) {
		follow->mode = FOLLOW_STORES;
		follow->folders = follow->classes = NULL;
		follow->hidden = false;
	}
	follow->once = once;
	follow->objects = objects[once];
	return rc;
}

int settings_load_source(const char *file, const struct source_driver *const *sources, enum follow_once once,
			 struct settings *settings, struct err *err)
{
	int rc;
	if ((rc = load_tree(settings, file, err)) || (rc = read_follow_once(settings, once, err)))
		return rc;
	return read_source(settings, sources, err);
}

int settings_load_sink(const char *file, const struct sink_driver *const *sinks, struct settings *settings,
		       struct err *err)
{
	int rc = load_tree(settings, file, err);
	return rc ? rc : read_sink(settings, sinks, err);
}

int settings_load(const char *file, const struct source_driver *const *sources, const struct sink_driver *const *sinks,
		  struct settings *settings, struct err *err)
{
	int rc;
	if ((rc = load_tree(settings, file, err)) || (rc = read_follow(settings, err)) ||
	    (rc = read_snapshot(settings, err)) || (rc = read_notifications(settings, err)) ||
	    (rc = read_source(settings, sources, err)) || (rc = read_sink(settings, sinks, err)) ||
	    (rc = read_state(settings, err)) || (rc = read_memory(settings, err)) || (rc = read_control(settings, err)))
		return rc;
	settings->file = file;
	settings->sources = sources;
	settings->sinks = sinks;
	return read_log(settings, err);
}

void settings_free(struct settings *settings)
{
	if (settings->source)
		settings->source->free_config(settings->source_config);
	if (settings->sink)
		settings->sink->free_config(settings->sink_config);
	conf_free(settings->tree);
	arena_free(&settings->arena);
	*settings = (struct settings){0};
}
