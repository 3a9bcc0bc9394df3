/*
 * The running server: the world, the sessions with their tables, the faults that were ordered, the counters.
 *
 * Threads: one per connection. lock guards the world and the list of sessions: readers share it, everything that
 * changes either holds it alone. A session's tables have their own mutex, so that paging runs beside other readers;
 * it is taken after lock. Faults and counters have their own mutexes and may be touched at any time.
 */
#ifndef FAKEKOPANO_SERVER_H
#define FAKEKOPANO_SERVER_H

#include <pthread.h>

#include "tests/fakekopano/change.h"
#include "tests/fakekopano/fault.h"
#include "tests/fakekopano/lively.h"
#include "tests/fakekopano/notify.h"
#include "tests/fakekopano/world.h"

#define CAP_LARGE_SESSION 0x10u
#define CAP_MULTI_SERVER  0x40u
#define CAP_ENHANCED_ICS  0x100u
#define CAP_UNICODE       0x200u

#define MAX_METHODS 64

struct table;

struct session {
	uint64_t id;
	uint64_t group;
	uint32_t user;
	uint32_t capabilities;
	char peer[32];
	uint64_t used_ms;
	pthread_mutex_t mutex;
	struct table **tables;
	uint32_t n_tables, cap_tables;
	uint32_t last_table;
};

struct held_command {
	uint32_t folder_key;
	uint64_t due_ms;     /* 0: only by command */
	struct vec reserved; /* change ids taken when the command was given */
	char *text;
};

struct mark {
	char *name;
	struct world *w;
};

struct server {
	pthread_rwlock_t lock;
	struct world *w;
	struct mark *marks;
	uint32_t n_marks, cap_marks;
	int wake_fd; /* an eventfd: something will be due sooner than was known */
	struct session **sessions;
	uint32_t n_sessions, cap_sessions;
	uint64_t session_timeout_ms;
	struct held_command *held;
	uint32_t n_held, cap_held;
	bool hold_all;           /* operations everywhere are held */
	struct vec held_folders; /* keys of folders whose operations are held */
	uint64_t hold_ms;
	struct faults faults;
	struct notifier notifier;
	struct lively lively;
	uint64_t calls[MAX_METHODS];
	uint64_t n_rows, n_entries, n_streams;
	void (*close_connections)(struct server *s);
};

/* Everything that it holds; no thread may use it any more. */
void server_free(struct server *s);
/* Make the thread that waits for what is due look again. Any thread. */
void server_wake(struct server *s);
/* Forget commands that were not released. */
void server_drop_held(struct server *s);

/* All of these need the lock held alone. */
struct session *session_create(struct server *s, uint32_t user, uint32_t capabilities, uint64_t group,
			       const char *peer);
void session_end(struct server *s, struct session *session);
void sessions_end_all(struct server *s);
void sessions_end_idle(struct server *s);

/* Needs the lock shared. NULL when there is none, or it belongs to another peer. Counts as use. */
struct session *session_find(struct server *s, uint64_t id, const char *peer);

/* Needs the lock shared. Group 0 is none. */
void sessions_touch_group(struct server *s, uint64_t group);

/* Let open tables follow an operation, and end it. Needs the lock held alone. */
void server_follow(struct server *s, struct change *c);
/* Reload every open table, or those of one folder. */
void server_reload_tables(struct server *s, uint32_t folder_key);

#endif
