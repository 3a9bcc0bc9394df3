/* How a driver presents itself. Each driver folder exports one symbol, one of these; only bridge/main.c names them. */
#ifndef TIDINGS_BRIDGE_DRIVER_H
#define TIDINGS_BRIDGE_DRIVER_H

#include "bridge/conf.h"
#include "core/sink.h"
#include "core/source.h"

/* What is followed: the keys `follow` and `snapshot`, the same for every source. */
enum follow_mode { FOLLOW_FOLDERS };

struct follow {
	enum follow_mode mode;
	const struct conf_node *stores; /* login names, or "public" */
	const struct conf_node
		*folders; /* paths below the IPM subtree, as Folder.path of change.proto; also "\*" for a star */
	bool associated;  /* also associated items */
	bool snapshot;    /* list what is there at the start */
	bool once;        /* one round: what is there now, and soon a position that is beyond it and nothing else */
};

/* What an entry of the state says, for people, in the arena. It may read other entries of `state`. NULL: the entry is
 * not of this driver, or not of this version. */
typedef const char *describe_fn(struct state *state, struct slice key, struct slice value, struct arena *arena);

struct source_driver {
	const char *name; /* its key under `source` */
	const struct source_ops *ops;
	/* Reads the driver's node; *config (for ops->open) borrows from the tree and from `follow`. */
	int (*configure)(const struct conf_node *node, const struct follow *follow, void **config, struct err *err);
	void (*free_config)(void *config); /* NULL is accepted */
	/* What is dangerous in it although it was wanted, for each start to say; NULL: nothing. The pointer may be
	 * NULL. */
	const char *(*caution)(const void *config);
	describe_fn *describe;
};

struct sink_driver {
	const char *name; /* its key under `sink` */
	const struct sink_ops *ops;
	int (*configure)(const struct conf_node *node, void **config, struct err *err);
	void (*free_config)(void *config);
	const char *const *(*topics)(const void *config); /* N_TOPICS names */
	/* Whether an acknowledgement says no more than that a record was sent. NULL: never. */
	bool (*best_effort)(const void *config);
	describe_fn *describe;
};

#endif
