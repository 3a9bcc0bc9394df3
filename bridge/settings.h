/* The whole configuration, read and checked: which drivers, what is followed, where the state is.
 *
 *     settings_load(file, sources, sinks, &settings, &err) -> daemon_run(&settings, ...) -> settings_free(&settings)
 *
 * Memory: every text belongs to the tree, and the drivers' configurations borrow from it and from `follow`: a struct
 * settings must not be moved between load and free. Threads: read-only once loaded. Errors: ERR_FATAL, exit code 2,
 * with file, line and column. Secrets are never in a message. */
#ifndef TIDINGS_BRIDGE_SETTINGS_H
#define TIDINGS_BRIDGE_SETTINGS_H

#include "bridge/driver.h"
#include "bridge/log.h"

struct settings {
	const struct source_driver *source;
	void *source_config; /* the driver's own */
	const struct sink_driver *sink;
	void *sink_config;
	struct follow follow;
	const char *state_path;
	size_t budget_bytes; /* of all batches under way */
	enum log_level log_level;
	enum log_format log_format;
	bool verbose;             /* the command line wants every line */
	const char *control_path; /* of the unix socket; NULL: none */
	const char *file;         /* the configuration was read from it; NULL: it was made otherwise */
	const struct source_driver *const *sources; /* the known drivers, NULL-terminated */
	const struct sink_driver *const *sinks;

	struct conf_node *tree;
	struct arena arena;
};

/* Reads `file`; `sources` and `sinks` are the known drivers, NULL-terminated. Returns 0 or ERR_FATAL; *settings is to
 * be freed in either case. */
int settings_load(const char *file, const struct source_driver *const *sources, const struct sink_driver *const *sinks,
		  struct settings *settings, struct err *err);

/* The same of `source` and `follow` alone; the other sections may be missing or wrong. For one round:
 * follow.once is `once`, follow.objects is what that gives; follow.snapshot is false, and the caller may set it. Of the
 * server and the address book `follow` may be missing, and says only whether associated items count. */
int settings_load_source(const char *file, const struct source_driver *const *sources, enum follow_once once,
			 struct settings *settings, struct err *err);

/* The same of `sink` alone: for reading back what was delivered. */
int settings_load_sink(const char *file, const struct sink_driver *const *sinks, struct settings *settings,
		       struct err *err);

/* Frees what settings_load made; a zeroed one is accepted. */
void settings_free(struct settings *settings);

#endif
