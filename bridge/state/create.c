#include "bridge/state/create.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/step.h"

/* No journal: a file that was not finished is thrown away. */
static const char schema[] = "PRAGMA journal_mode = OFF; PRAGMA synchronous = FULL; BEGIN;"
			     "PRAGMA application_id = %d; PRAGMA user_version = %d;"
			     "CREATE TABLE entry (key BLOB NOT NULL PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
			     "COMMIT";

/* An empty file with the right mode: SQLite would use the umask's. */
static int make_file(const char *file, struct err *err)
{
	unlink(file);
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOSPC || errno == EDQUOT || errno == EIO))
		return err_fatal(err, "cannot make %s: %s", file, strerror(errno));
	if (fd < 0)
		return err_usage(err, "cannot make %s: %s; the directory must exist and be writable for this user",
				 file, strerror(errno));
	close(fd);
	return 0;
}

static int write_schema(const char *file, struct err *err)
{
	char sql[sizeof schema + 32];
	sqlite3 *db;
	snprintf(sql, sizeof sql, schema, STATE_APPLICATION_ID, STATE_FORMAT);
	int said = sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE, NULL);
	if (said == SQLITE_OK)
		said = sqlite3_exec(db, sql, NULL, NULL, NULL);
	int rc = said == SQLITE_OK ? 0 : err_fatal(err, "cannot write %s: %s", file, sqlite3_errmsg(db));
	sqlite3_close(db);
	return rc;
}

/* A name is durable when its directory is. */
static int sync_directory(const char *path, struct err *err)
{
	char copy[PATH_MAX];
	snprintf(copy, sizeof copy, "%s", path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int failed = fd < 0 || fsync(fd) < 0;
	int rc = failed ? err_fatal(err, "cannot sync the directory of %s: %s", path, strerror(errno)) : 0;
	if (fd >= 0)
		close(fd);
	return rc;
}

/* What is left of a file that was removed must not be taken for the new one's. */
static void remove_leftovers(const char *path)
{
	static const char *const suffixes[] = {"-wal", "-shm", "-journal"};
	char file[PATH_MAX];
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
		if (snprintf(file, sizeof file, "%s%s", path, suffixes[i]) < (int)sizeof file)
			unlink(file);
}

int state_create(const char *path, struct err *err)
{
	char file[PATH_MAX];
	if (snprintf(file, sizeof file, "%s.new", path) >= (int)sizeof file)
		return err_usage(err, "the path of the state is too long: %.200s...", path);
	int rc;
	if ((rc = make_file(file, err)) || (rc = write_schema(file, err)))
		return rc;
	step("state written");
	remove_leftovers(path);
	step("state named");
	if (rename(file, path) < 0)
		return err_fatal(err, "cannot rename %s to %s: %s", file, path, strerror(errno));
	return sync_directory(path, err);
}
