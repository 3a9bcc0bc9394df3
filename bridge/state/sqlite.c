#include "bridge/state/sqlite.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bridge/state/create.h"
#include "bridge/state/lock.h"

enum { BUSY_TIMEOUT_MS = 5000 }; /* for somebody who looks at the file with other tools */

/* In KiB: the system keeps the file's pages as well. */
#define SMALL_CACHE "PRAGMA cache_size = -512"

struct sqlite_state {
	struct state state; /* first */
	char *path;
	int lock_fd; /* -1: read-only */
	sqlite3 *db;
	sqlite3_stmt *get, *put, *remove;

	/* Whether the whole file is in order: looked at beside everything else, and known when somebody commits. */
	pthread_t checker;
	bool checking;
	int check_rc; /* of the checker, and then of all commits */
	struct err check_err;
};

static struct sqlite_state *self(struct state *state)
{
	return (struct sqlite_state *)state;
}

/* What the last call of SQLite said, as an error of ours. */
static int fail(const struct sqlite_state *sqlite, const char *verb, struct err *err)
{
	const char *message = sqlite3_errmsg(sqlite->db), *path = sqlite->path;
	int number = sqlite3_system_errno(sqlite->db);
	switch (sqlite3_errcode(sqlite->db)) { /* the primary code: extended ones are not asked for */
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return err_usage(err, "the state %s is damaged (%s): put back a copy of it, or remove it to start anew",
				 path, message);
	case SQLITE_CANTOPEN:
		if (number == EMFILE || number == ENFILE)
			return err_fatal(err, "cannot %s the state %s: %s; raise the limit of open files", verb, path,
					 strerror(number));
		/* fall through */
	case SQLITE_PERM:
	case SQLITE_READONLY:
		return err_usage(err, "cannot %s the state %s: %s%s%s; this user must own it and its directory", verb,
				 path, message, number ? ": " : "", number ? strerror(number) : "");
	default:
		return err_fatal(err, "cannot %s the state %s: %s%s%s", verb, path, message, number ? ": " : "",
				 number ? strerror(number) : "");
	}
}

static int run(struct sqlite_state *sqlite, const char *sql, const char *verb, struct err *err)
{
	return sqlite3_exec(sqlite->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(sqlite, verb, err);
}

/* ---- entries ---- */

/* NULL would be SQL's; an empty slice is an empty blob. */
static void bind(sqlite3_stmt *statement, int index, struct slice slice)
{
	sqlite3_bind_blob64(statement, index, slice.size ? (const void *)slice.data : "", slice.size, SQLITE_STATIC);
}

static struct slice column(sqlite3_stmt *statement, int index)
{
	const void *data = sqlite3_column_blob(statement, index);
	return slice_of(data, (size_t)sqlite3_column_bytes(statement, index));
}

static int state_get(struct state *state, struct slice key, struct arena *arena, struct slice *value, struct err *err)
{
	struct sqlite_state *sqlite = self(state);
	bind(sqlite->get, 1, key);
	int rc = 0, said = sqlite3_step(sqlite->get);
	if (said == SQLITE_ROW)
		*value = arena_copy(arena, column(sqlite->get, 0));
	else if (said == SQLITE_DONE)
		rc = err_set(err, ERR_GONE, "the state %s has no such entry", sqlite->path);
	else
		rc = fail(sqlite, "read", err);
	sqlite3_reset(sqlite->get);
	return rc;
}

static bool begins_with(struct slice key, struct slice prefix)
{
	return key.size >= prefix.size && slice_equal(slice_of(key.data, prefix.size), prefix);
}

static int walk(struct sqlite_state *sqlite, sqlite3_stmt *statement, struct slice prefix, state_entry_fn *entry,
		void *context, struct err *err)
{
	int said;
	while ((said = sqlite3_step(statement)) == SQLITE_ROW) {
		struct slice key = column(statement, 0);
		if (!begins_with(key, prefix))
			return 0;
		int rc = entry(context, key, column(statement, 1));
		if (rc)
			return rc;
	}
	return said == SQLITE_DONE ? 0 : fail(sqlite, "read", err);
}

static int state_each(struct state *state, struct slice prefix, state_entry_fn *entry, void *context, struct err *err)
{
	struct sqlite_state *sqlite = self(state);
	sqlite3_stmt *statement; /* its own: `entry` may walk, too */
	if (sqlite3_prepare_v2(sqlite->db, "SELECT key, value FROM entry WHERE key >= ?1 ORDER BY key", -1, &statement,
			       NULL) != SQLITE_OK)
		return fail(sqlite, "read", err);
	bind(statement, 1, prefix);
	int rc = walk(sqlite, statement, prefix, entry, context, err);
	sqlite3_finalize(statement);
	return rc;
}

static int apply_put(struct sqlite_state *sqlite, const struct state_put *put, struct err *err)
{
	sqlite3_stmt *statement = put->remove ? sqlite->remove : sqlite->put;
	bind(statement, 1, put->key);
	if (!put->remove)
		bind(statement, 2, put->value);
	int rc = sqlite3_step(statement) == SQLITE_DONE ? 0 : fail(sqlite, "write", err);
	sqlite3_reset(statement);
	return rc;
}

static int apply(struct sqlite_state *sqlite, const struct put_list *const *lists, size_t n_lists, struct err *err)
{
	int rc = 0;
	for (size_t i = 0; i < n_lists && rc == 0; i++)
		for (size_t j = 0; j < lists[i]->n && rc == 0; j++)
			rc = apply_put(sqlite, &lists[i]->puts[j], err);
	return rc;
}

/* What was read of a damaged file may be wrong: nothing that follows from it is stored. */
static int end_check(struct sqlite_state *sqlite, struct err *err)
{
	if (sqlite->checking)
		pthread_join(sqlite->checker, NULL);
	sqlite->checking = false;
	if (sqlite->check_rc)
		*err = sqlite->check_err;
	return sqlite->check_rc;
}

static int state_commit(struct state *state, const struct put_list *const *lists, size_t n_lists, struct err *err)
{
	struct sqlite_state *sqlite = self(state);
	int rc = end_check(sqlite, err);
	if (rc == 0)
		rc = run(sqlite, "BEGIN IMMEDIATE", "write", err);
	if (rc)
		return rc;
	if ((rc = apply(sqlite, lists, n_lists, err)) == 0)
		rc = run(sqlite, "COMMIT", "write", err);
	if (rc && !sqlite3_get_autocommit(sqlite->db)) /* after some errors SQLite has rolled back by itself */
		sqlite3_exec(sqlite->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

static void state_close(struct state *state)
{
	struct sqlite_state *sqlite = self(state);
	struct err unused;
	end_check(sqlite, &unused);
	sqlite3_finalize(sqlite->get);
	sqlite3_finalize(sqlite->put);
	sqlite3_finalize(sqlite->remove);
	sqlite3_close(sqlite->db);
	lock_release(sqlite->lock_fd);
	free(sqlite->path);
	free(sqlite);
}

static const struct state_ops ops = {
	.get = state_get,
	.each = state_each,
	.commit = state_commit,
	.close = state_close,
};

/* ---- opening ---- */

/* The first value of the first row. */
static int ask(struct sqlite_state *sqlite, const char *sql, char *answer, size_t size, struct err *err)
{
	sqlite3_stmt *statement;
	if (sqlite3_prepare_v2(sqlite->db, sql, -1, &statement, NULL) != SQLITE_OK)
		return fail(sqlite, "read", err);
	int rc = sqlite3_step(statement) == SQLITE_ROW ? 0 : fail(sqlite, "read", err);
	if (rc == 0)
		snprintf(answer, size, "%s", (const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	return rc;
}

static int check_format(struct sqlite_state *sqlite, struct err *err)
{
	char id[32], version[32];
	int rc;
	if ((rc = ask(sqlite, "PRAGMA application_id", id, sizeof id, err)) ||
	    (rc = ask(sqlite, "PRAGMA user_version", version, sizeof version, err)))
		return rc;
	if (strtol(id, NULL, 10) != STATE_APPLICATION_ID)
		return err_usage(err,
				 "%s is no state of Tidings (it is empty, or something else's): name another file, put "
				 "back a copy, or remove it to start anew",
				 sqlite->path);
	if (strtol(version, NULL, 10) != STATE_FORMAT)
		return err_usage(err,
				 "the state %s has format %s, and this version knows format %d: run the version that "
				 "wrote it, or a newer one",
				 sqlite->path, version, STATE_FORMAT);
	return 0;
}

static int check_whole(struct sqlite_state *sqlite, struct err *err)
{
	char answer[128];
	int rc = ask(sqlite, "PRAGMA quick_check(1)", answer, sizeof answer, err);
	if (rc || strcmp(answer, "ok") == 0)
		return rc;
	return err_usage(err, "the state %s is damaged (%s): put back a copy of it, or remove it to start anew",
			 sqlite->path, answer);
}

static int prepare(struct sqlite_state *sqlite, const char *sql, sqlite3_stmt **statement, struct err *err)
{
	int said = sqlite3_prepare_v3(sqlite->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
	return said == SQLITE_OK ? 0 : fail(sqlite, "read", err);
}

static int prepare_all(struct sqlite_state *sqlite, struct err *err)
{
	int rc;
	if ((rc = prepare(sqlite, "SELECT value FROM entry WHERE key = ?1", &sqlite->get, err)) ||
	    (rc = prepare(sqlite, "REPLACE INTO entry (key, value) VALUES (?1, ?2)", &sqlite->put, err)))
		return rc;
	return prepare(sqlite, "DELETE FROM entry WHERE key = ?1", &sqlite->remove, err);
}

static int open_file(struct sqlite_state *sqlite, int flags, struct err *err)
{
	int rc;
	if (sqlite3_open_v2(sqlite->path, &sqlite->db, flags, NULL) != SQLITE_OK)
		return fail(sqlite, "open", err);
	sqlite3_busy_timeout(sqlite->db, BUSY_TIMEOUT_MS);
	if ((rc = check_format(sqlite, err)) || (rc = run(sqlite, SMALL_CACHE, "open", err)))
		return rc;
	rc = flags & SQLITE_OPEN_READWRITE
		     ? run(sqlite, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", "open", err)
		     : check_whole(sqlite, err);
	if (rc)
		return rc;
	return prepare_all(sqlite, err);
}

static struct sqlite_state *new_state(const char *path)
{
	struct sqlite_state *sqlite = xcalloc(1, sizeof *sqlite);
	sqlite->state.ops = &ops;
	sqlite->lock_fd = -1;
	size_t size = strlen(path) + 1;
	sqlite->path = memcpy(xmalloc(size), path, size);
	return sqlite;
}

/* Gives the state to the caller, or closes it. */
static int finish(struct sqlite_state *sqlite, int rc, struct state **state)
{
	if (rc)
		state_close(&sqlite->state);
	else
		*state = &sqlite->state;
	return rc;
}

static void *check(void *context)
{
	struct sqlite_state *sqlite = context;
	struct state *look;
	sqlite->check_rc = sqlite_state_open_readonly(sqlite->path, &look, &sqlite->check_err);
	if (sqlite->check_rc == 0)
		look->ops->close(look);
	return NULL;
}

/* It takes as long as reading a large state does. Signals are for the caller's threads: one that blocks them later
 * would be ended by what this one lets through. */
static void begin_check(struct sqlite_state *sqlite)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	sqlite->checking = pthread_create(&sqlite->checker, NULL, check, sqlite) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!sqlite->checking)
		check(sqlite);
}

int sqlite_state_open(const char *path, struct state **state, struct err *err)
{
	struct sqlite_state *sqlite = new_state(path);
	struct stat st;
	int rc = lock_take(path, &sqlite->lock_fd, err);
	if (rc == 0 && stat(path, &st) < 0 && errno == ENOENT)
		rc = state_create(path, err);
	if (rc == 0)
		rc = open_file(sqlite, SQLITE_OPEN_READWRITE, err);
	if (rc == 0)
		begin_check(sqlite);
	return finish(sqlite, rc, state);
}

int sqlite_state_open_readonly(const char *path, struct state **state, struct err *err)
{
	struct sqlite_state *sqlite = new_state(path);
	return finish(sqlite, open_file(sqlite, SQLITE_OPEN_READONLY, err), state);
}
