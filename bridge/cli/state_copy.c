#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/cli/state.h"
#include "bridge/state/create.h"
#include "bridge/state/sqlite.h"
#include "core/hex.h"

/* The file: {"tidings_state":1}, the version of the format, then for each entry {"key":"<hex>","value":"<hex>"}. */

static bool is_standard(const char *path)
{
	return strcmp(path, "-") == 0;
}

/* ---- export ---- */

static int print_entry(void *context, struct slice key, struct slice value)
{
	struct arena arena = {0};
	fprintf(context, "{\"key\":\"%s\",\"value\":\"%s\"}\n", hex_text(&arena, key), hex_text(&arena, value));
	arena_free(&arena);
	return ferror(context) ? ERR_FATAL : 0;
}

static int cannot_write(const char *path, struct err *err)
{
	return err_fatal(err, "cannot write %s: %s", is_standard(path) ? "to standard output" : path, strerror(errno));
}

/* One walk sees the state as it was when the walk began. */
static int print_all(struct state *state, FILE *file, const char *path, struct err *err)
{
	fprintf(file, "{\"tidings_state\":%d}\n", STATE_FORMAT);
	int rc = state->ops->each(state, slice_of_text(""), print_entry, file, err);
	return ferror(file) || fflush(file) ? cannot_write(path, err) : rc;
}

/* Names of people and folders are in it. */
static FILE *open_private(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return fd < 0 ? NULL : fdopen(fd, "w");
}

static int print_to(struct state *state, const char *path, struct err *err)
{
	if (is_standard(path))
		return print_all(state, stdout, path, err);
	FILE *file = open_private(path);
	if (!file)
		return err_usage(err, "cannot write %s: %s", path, strerror(errno));
	int rc = print_all(state, file, path, err);
	if (rc == 0 && fsync(fileno(file)) && errno != EINVAL) /* a pipe cannot */
		rc = cannot_write(path, err);
	if (fclose(file) && rc == 0)
		rc = cannot_write(path, err);
	return rc;
}

int state_export(const struct program *program, const struct settings *settings, const struct cli_options *options,
		 struct err *err)
{
	struct state *state;
	(void)program;
	int rc = sqlite_state_open_readonly(settings->state_path, &state, err);
	if (rc)
		return rc;
	rc = print_to(state, options->arguments[1], err);
	state->ops->close(state);
	return rc;
}

/* ---- import ---- */

struct import {
	const char *path;
	int n_lines;
	struct put_list list;
	struct arena arena;
};

static int bad_line(const struct import *import, struct err *err)
{
	return err_usage(err, "%s:%d: this is no line of `tidings state export`", import->path, import->n_lines);
}

/* Takes the text, with spaces before it. */
static bool take(const char **at, const char *text)
{
	*at += strspn(*at, " \t");
	size_t n = strlen(text);
	if (strncmp(*at, text, n) != 0)
		return false;
	*at += n;
	return true;
}

/* "name": "hex" */
static bool take_hex(const char **at, const char *name, struct arena *arena, struct slice *bytes)
{
	if (!take(at, name) || !take(at, ":") || !take(at, "\""))
		return false;
	size_t n = strspn(*at, "0123456789abcdefABCDEF");
	if (!hex_read(*at, n, arena, bytes))
		return false;
	*at += n;
	return take(at, "\"");
}

static bool is_end(const char *at)
{
	return at[strspn(at, " \t\r\n")] == '\0';
}

static int read_entry(struct import *import, const char *line, struct err *err)
{
	struct slice key, value;
	if (!take(&line, "{") || !take_hex(&line, "\"key\"", &import->arena, &key) || !take(&line, ",") ||
	    !take_hex(&line, "\"value\"", &import->arena, &value) || !take(&line, "}") || !is_end(line) || !key.size)
		return bad_line(import, err);
	put_list_add(&import->list, &import->arena, key, value);
	return 0;
}

static int read_head(const struct import *import, const char *line, struct err *err)
{
	char *end = NULL;
	if (!take(&line, "{") || !take(&line, "\"tidings_state\"") || !take(&line, ":"))
		return bad_line(import, err);
	long version = strtol(line, &end, 10);
	line = end;
	if (!take(&line, "}") || !is_end(line))
		return bad_line(import, err);
	if (version == STATE_FORMAT)
		return 0;
	return err_usage(err, "%s is a state of version %ld, and this program knows version %d", import->path, version,
			 STATE_FORMAT);
}

static int read_lines(struct import *import, FILE *file, struct err *err)
{
	char *line = NULL;
	size_t room = 0;
	int rc = 0;
	while (rc == 0 && getline(&line, &room, file) > 0)
		rc = import->n_lines++ ? read_entry(import, line, err)
				       : (import->n_lines = 1, read_head(import, line, err));
	if (rc == 0 && ferror(file))
		rc = err_fatal(err, "cannot read %s: %s", import->path, strerror(errno));
	if (rc == 0 && !import->n_lines)
		rc = err_usage(err, "%s is empty", import->path);
	free(line);
	return rc;
}

static int read_file(struct import *import, struct err *err)
{
	FILE *file = is_standard(import->path) ? stdin : fopen(import->path, "re");
	if (!file)
		return err_usage(err, "cannot read %s: %s", import->path, strerror(errno));
	int rc = read_lines(import, file, err);
	if (file != stdin)
		fclose(file);
	return rc;
}

static int replace(struct state *state, const struct import *import, bool may_replace, struct err *err)
{
	struct arena arena = {0};
	struct put_list removals = {0};
	const struct put_list *lists[] = {&removals, &import->list};
	int rc = state_remove_all(state, "", &removals, &arena, err);
	if (rc == 0 && removals.n && !may_replace)
		rc = err_usage(err,
			       "the state is not empty: say --replace to put the file in the place of what it holds");
	if (rc == 0)
		rc = state->ops->commit(state, lists, 2, err);
	put_list_clear(&removals);
	arena_free(&arena);
	return rc;
}

int state_import(const struct program *program, const struct settings *settings, const struct cli_options *options,
		 struct err *err)
{
	struct import import = {.path = options->arguments[1]};
	struct state *state;
	(void)program;
	int rc = read_file(&import, err);
	if (rc == 0 && (rc = sqlite_state_open(settings->state_path, &state, err)) == 0) {
		rc = replace(state, &import, options->replace, err);
		state->ops->close(state);
	}
	put_list_clear(&import.list);
	arena_free(&import.arena);
	return rc;
}
