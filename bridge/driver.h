/* How a driver presents itself. Each driver folder exports one symbol, one of these; only bridge/main.c names them. */
#ifndef TIDINGS_BRIDGE_DRIVER_H
#define TIDINGS_BRIDGE_DRIVER_H

#include "bridge/conf.h"
#include "bridge/examine.h"
#include "core/sink.h"
#include "core/source.h"

/* What is followed: the keys `follow` and `snapshot`, the same for every source. */
enum follow_mode { FOLLOW_FOLDERS, FOLLOW_STORES, FOLLOW_SERVER }; /* the numbers are stored */

enum follow_object { /* bits: what records are published of */
		     FOLLOW_ITEM = 1 << 0,
		     FOLLOW_FOLDER = 1 << 1,
		     FOLLOW_STORE = 1 << 2,
		     FOLLOW_USER = 1 << 3,
		     FOLLOW_GROUP = 1 << 4,
};

/* One round: what is there now, and soon a position that is beyond it and nothing else. */
enum follow_once { ONCE_NOT, ONCE_FOLDER, ONCE_SERVER, ONCE_HIERARCHY, ONCE_ADDRESSBOOK, ONCE_NOTIFICATIONS };

/* What is made of what the server tells at once: nothing, a reason to ask, records too. */
enum notifications { NOTIFICATIONS_OFF, NOTIFICATIONS_WAKE, NOTIFICATIONS_PUBLISH };

/* What notifications somebody wants, of one store or one folder (ONCE_NOTIFICATIONS). Bits by the numbers. */
enum folder_kind { KIND_MAIL, KIND_CONTACTS, KIND_CALENDAR, KIND_TASKS, KIND_NOTES };

struct follow_notices {
	const char *store, *folder; /* login name, or "public"; path, or NULL: all that is in the store */
	unsigned objects;           /* FOLLOW_ITEM, FOLLOW_FOLDER */
	unsigned kinds;             /* 1 << CHANGE_CREATED, CHANGE_UPDATED, CHANGE_DELETED */
	unsigned folders;           /* 1 << enum folder_kind: of items in such folders, and of the folders; 0: all */
};

struct follow {
	enum follow_mode mode;
	const struct conf_node *stores;  /* login names, or "public"; NULL: all (FOLLOW_SERVER) */
	const struct conf_node *folders; /* patterns (pattern.h); NULL: all, but never in FOLLOW_FOLDERS */
	const struct conf_node *classes; /* container classes; NULL: all */
	unsigned objects;                /* enum follow_object */
	bool hidden;                     /* also what users do not see: hidden folders, the server's own store */
	bool associated;                 /* also associated items */
	bool snapshot;                   /* list what is there at the start */
	int64_t items_per_second;        /* of listings, at most; 0: no limit */
	enum follow_once once;
	enum notifications notifications;
	struct follow_notices notices; /* of ONCE_NOTIFICATIONS */
};

/* What an entry of the state says, for people, in the arena. It may read other entries of `state`. NULL: the entry is
 * not of this driver, or not of this version. */
typedef const char *describe_fn(struct state *state, struct slice key, struct slice value, struct arena *arena);

struct source_driver {
	const char *name; /* its key under `source` */
	const struct source_ops *ops;
	/* Optional. Gives what follow.notices asks for, of origin NOTIFICATION, as the server tells it: without
	 * positions, best effort; a move is CREATED and DELETED. A batch with LIFECYCLE_MISSED says that it is told
	 * from here on, and what came before was not: the first when it begins, further ones after each outage. */
	const struct source_ops *notices;
	/* Reads the driver's node; *config (for ops->open) borrows from the tree and from `follow`. */
	int (*configure)(const struct conf_node *node, const struct follow *follow, void **config, struct err *err);
	void (*free_config)(void *config); /* NULL is accepted */
	/* What is dangerous in it although it was wanted, for each start to say; NULL: nothing. The pointer may be
	 * NULL. */
	const char *(*caution)(const void *config);
	void (*examine)(const void *config, struct examination *examination); /* NULL: it cannot be */
	describe_fn *describe;
	/* Optional. What has to change besides position/<stream> and taken/<stream>/..., which are removed, so that the
	 * stream begins anew: adds puts. Returns 0 or ERR_FATAL. */
	int (*reset)(struct state *state, const char *stream, struct put_list *puts, struct arena *arena,
		     struct err *err);
	/* Optional. The epoch of the records that were made with this state; 0: none yet, or it cannot tell. */
	uint32_t (*epoch)(struct state *state);
	/* The position of what was followed (follow.once), in the form in which STATE_GIVEN is taken: that of the
	 * server's own tools. In the arena. 0, or ERR_FATAL: it was not read to its end. */
	int (*once_state)(struct state *state, struct arena *arena, struct slice *bytes, struct err *err);
};

/* ---- what a sink has delivered, read back: `tail` ---- */

enum { FROM_BEGINNING = -2, FROM_END = -1 };

struct reader_options {
	bool topics[N_TOPICS]; /* which of them; those that are not there yet are left out */
	bool topics_given;     /* somebody named them: one that is not there is an error */
	bool from_given;
	int64_t from_ms;                  /* milliseconds since 1970, or FROM_... */
	bool follow;                      /* go on at the end */
	bool live;                        /* listen without being waited for */
	const char *consumer;             /* by which name; NULL: the configured one */
	void (*notice)(const char *text); /* an outage that is waited for, and the like */
};

/* A record that was read back. Borrowed until the reader is called again. */
struct delivered {
	enum topic topic;
	struct slice key, value;
	int64_t published_ms; /* 0: not known */
};

enum { READER_NONE = -1 /* nothing came in time */, READER_END = -2 /* this was all */ };

struct reader {
	const struct reader_ops *ops;
};

/* Calls come from one thread. A reader changes nothing, but for `done`. */
struct reader_ops {
	/* *reader is set, also on failure if there is something to close. `stop_fd` becomes readable when the program
	 * must stop. Options that make no sense here are refused. Returns 0, ERR_FATAL or ERR_STOPPED. */
	int (*open)(const void *config, const struct reader_options *options, int stop_fd, struct reader **reader,
		    struct err *err);
	/* Waits that long at the most. Returns 0, READER_NONE, READER_END or ERR_FATAL. */
	int (*next)(struct reader *reader, int wait_ms, struct delivered *delivered, struct err *err);
	/* All that was read has arrived where it was to go: tells it to whoever waits for that. May be NULL. Returns 0
	 * or ERR_FATAL. */
	int (*done)(struct reader *reader, struct err *err);
	void (*close)(struct reader *reader); /* NULL and half-opened are accepted */
};

struct sink_driver {
	const char *name; /* its key under `sink` */
	const struct sink_ops *ops;
	const struct reader_ops *reader; /* NULL: what was delivered cannot be read back */
	int (*configure)(const struct conf_node *node, void **config, struct err *err);
	void (*free_config)(void *config);
	const char *const *(*topics)(const void *config); /* N_TOPICS names */
	/* Whether an acknowledgement says no more than that a record was sent. NULL: never. */
	bool (*best_effort)(const void *config);
	void (*examine)(const void *config, struct examination *examination); /* NULL: opening it is all */
	describe_fn *describe;
};

#endif
