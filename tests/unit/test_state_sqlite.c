/* The state file: what it keeps, what it survives, and what it refuses. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "bridge/state/create.h"
#include "bridge/state/sqlite.h"
#include "tests/support/scratch.h"

static struct err err;

static struct state *open_state(void)
{
	struct state *state = NULL;
	err = (struct err){0};
	if (sqlite_state_open(scratch_path("state.db"), &state, &err))
		print_message("%s\n", err.text);
	assert_non_null(state);
	return state;
}

static void assert_refused(int rc, int exit_code, const char *text)
{
	assert_int_equal(rc, ERR_FATAL);
	assert_int_equal(err.exit_code, exit_code);
	if (!strstr(err.text, text) || !strstr(err.text, scratch_path("")))
		fail_msg("expected \"%s\" and the file's name in \"%s\"", text, err.text);
}

static void assert_not_opened(int exit_code, const char *text)
{
	struct state *state = NULL;
	assert_refused(sqlite_state_open(scratch_path("state.db"), &state, &err), exit_code, text);
	assert_null(state);
}

static int commit(struct state *state, const struct put_list *list)
{
	return state->ops->commit(state, &list, 1, &err);
}

static int put(struct state *state, const char *key, const char *value)
{
	struct arena arena = {0};
	struct put_list list = {0};
	put_list_add(&list, &arena, slice_of_text(key), slice_of_text(value));
	int rc = commit(state, &list);
	put_list_clear(&list);
	arena_free(&arena);
	return rc;
}

static void assert_value(struct state *state, const char *key, const char *value)
{
	struct arena arena = {0};
	struct slice got = {0};
	assert_int_equal(state->ops->get(state, slice_of_text(key), &arena, &got, &err), 0);
	assert_true(slice_equal(got, slice_of_text(value)));
	arena_free(&arena);
}

static void assert_absent(struct state *state, const char *key)
{
	struct arena arena = {0};
	struct slice got = {0};
	assert_int_equal(state->ops->get(state, slice_of_text(key), &arena, &got, &err), ERR_GONE);
	arena_free(&arena);
}

/* ---- what it keeps ---- */

static void what_was_committed_is_there_after_opening_again(void **test)
{
	(void)test;
	struct state *state = open_state();
	assert_absent(state, "position/a");
	assert_int_equal(put(state, "position/a", "1"), 0);
	assert_int_equal(put(state, "position/a", "2"), 0);
	assert_int_equal(put(state, "empty", ""), 0);
	state->ops->close(state);
	state = open_state();
	assert_value(state, "position/a", "2");
	assert_value(state, "empty", "");
	assert_absent(state, "position/");
	state->ops->close(state);
}

static void lists_are_applied_in_order(void **test)
{
	struct arena arena = {0};
	struct put_list first = {0}, second = {0}, none = {0};
	const struct put_list *lists[] = {&first, &none, &second};
	(void)test;
	put_list_add(&first, &arena, slice_of_text("a"), slice_of_text("1"));
	put_list_add(&first, &arena, slice_of_text("a"), slice_of_text("2"));
	put_list_add(&first, &arena, slice_of_text("b"), slice_of_text("1"));
	put_list_remove(&second, &arena, slice_of_text("b"));
	put_list_remove(&second, &arena, slice_of_text("never there"));
	struct state *state = open_state();
	assert_int_equal(state->ops->commit(state, lists, 3, &err), 0);
	assert_value(state, "a", "2");
	assert_absent(state, "b");
	state->ops->close(state);
	put_list_clear(&first);
	put_list_clear(&second);
	arena_free(&arena);
}

static void keys_and_values_are_any_bytes(void **test)
{
	static const uint8_t bytes[] = {0, 0xff, '\'', 0, '"', 1};
	struct slice key = slice_of(bytes, sizeof bytes), got = {0};
	struct arena arena = {0};
	struct put_list list = {0};
	(void)test;
	struct state *state = open_state();
	put_list_add(&list, &arena, key, key);
	assert_int_equal(commit(state, &list), 0);
	assert_int_equal(state->ops->get(state, key, &arena, &got, &err), 0);
	assert_true(slice_equal(key, got));
	assert_int_equal(state->ops->get(state, slice_of(bytes, 1), &arena, &got, &err), ERR_GONE);
	state->ops->close(state);
	put_list_clear(&list);
	arena_free(&arena);
}

struct walk {
	char seen[256];
	struct state *state;
	int end_at, n;
};

static int note(void *context, struct slice key, struct slice value)
{
	struct walk *walk = context;
	size_t n = strlen(walk->seen);
	snprintf(walk->seen + n, sizeof walk->seen - n, "%.*s=%.*s ", (int)key.size, (const char *)key.data,
		 (int)value.size, (const char *)value.data);
	return ++walk->n == walk->end_at ? 77 : 0;
}

static int note_all_of_b(void *context, struct slice key, struct slice value)
{
	struct walk *walk = context;
	note(context, key, value);
	return walk->state->ops->each(walk->state, slice_of_text("b"), note, context, &err);
}

static void a_walk_is_in_order_and_keeps_to_its_prefix(void **test)
{
	static const char *const keys[] = {"b/2", "a", "b/1", "b", "c", "b0"};
	(void)test;
	struct state *state = open_state();
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(put(state, keys[i], "x"), 0);
	struct walk walk = {.state = state};
	assert_int_equal(state->ops->each(state, slice_of_text("b/"), note, &walk, &err), 0);
	assert_string_equal(walk.seen, "b/1=x b/2=x ");
	walk = (struct walk){.state = state};
	assert_int_equal(state->ops->each(state, slice_of_text(""), note, &walk, &err), 0);
	assert_string_equal(walk.seen, "a=x b=x b/1=x b/2=x b0=x c=x ");
	walk = (struct walk){.state = state, .end_at = 2};
	assert_int_equal(state->ops->each(state, slice_of_text("b"), note, &walk, &err), 77);
	assert_string_equal(walk.seen, "b=x b/1=x ");
	walk = (struct walk){.state = state};
	assert_int_equal(state->ops->each(state, slice_of_text("b/1"), note_all_of_b, &walk, &err), 0);
	assert_string_equal(walk.seen, "b/1=x b=x b/1=x b/2=x b0=x ");
	state->ops->close(state);
}

static void the_file_is_for_its_owner_alone(void **test)
{
	static const char *const names[] = {"state.db", "state.db-wal", "state.db-shm", "state.db.lock"};
	struct stat st;
	(void)test;
	mode_t before = umask(0);
	struct state *state = open_state();
	umask(before);
	assert_int_equal(put(state, "a", "1"), 0);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(stat(scratch_path(names[i]), &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	state->ops->close(state);
}

static void what_a_removed_state_left_does_not_come_back(void **test)
{
	(void)test;
	pid_t child = fork();
	if (child == 0) { /* dies without closing: the log keeps what was committed */
		struct state *state = open_state();
		_exit(put(state, "old", "1"));
	}
	waitpid(child, NULL, 0);
	assert_int_equal(access(scratch_path("state.db-wal"), F_OK), 0);
	assert_int_equal(unlink(scratch_path("state.db")), 0);
	scratch_write_text("state.db.new", "not finished");
	struct state *state = open_state();
	assert_absent(state, "old");
	state->ops->close(state);
}

/* ---- what it survives ---- */

enum { N_PAIRED = 50 };

/* Puts the same number under many keys, again and again, and says each one that was committed. */
static void commit_forever(int said)
{
	struct state *state = open_state();
	for (uint32_t number = 1;; number++) {
		struct arena arena = {0};
		struct put_list list = {0};
		for (int i = 0; i < N_PAIRED; i++)
			put_list_add(&list, &arena, slice_of_text(arena_text(&arena, "key%d", i)),
				     slice_of(&number, sizeof number));
		if (commit(state, &list) || write(said, &number, sizeof number) < 0)
			_exit(1);
		put_list_clear(&list);
		arena_free(&arena);
	}
}

static uint32_t number_of(struct state *state, int i)
{
	struct arena arena = {0};
	struct slice value = {0};
	uint32_t number = 0;
	if (state->ops->get(state, slice_of_text(arena_text(&arena, "key%d", i)), &arena, &value, &err) == 0)
		memcpy(&number, value.data, sizeof number);
	arena_free(&arena);
	return number;
}

static void a_killed_process_leaves_one_of_its_commits(void **test)
{
	(void)test;
	for (uint32_t round = 0; round < 15; round++) {
		int said[2];
		uint32_t number = 0;
		assert_int_equal(pipe(said), 0);
		pid_t child = fork();
		if (child == 0)
			commit_forever(said[1]);
		close(said[1]);
		for (uint32_t i = 0; i < 1 + round * 3; i++)
			assert_int_equal(read(said[0], &number, sizeof number), sizeof number);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		while (read(said[0], &number, sizeof number) == sizeof number)
			; /* said, but not yet heard */
		close(said[0]);
		struct state *state = open_state();
		uint32_t kept = number_of(state, 0);
		assert_in_range(kept, number, number + 1);
		for (int i = 1; i < N_PAIRED; i++)
			assert_int_equal(number_of(state, i), kept);
		state->ops->close(state);
	}
}

/* In a child: the limit cannot be raised again. Returns 0, or the line that failed. */
static int fill_the_disk(void)
{
	struct rlimit limit = {.rlim_cur = 300 << 10, .rlim_max = 300 << 10};
	char *value = malloc(60 << 10);
	memset(value, 'x', (60 << 10) - 1);
	value[(60 << 10) - 1] = '\0';
	signal(SIGXFSZ, SIG_IGN);
	struct state *state = open_state();
	if (put(state, "a", "1") || setrlimit(RLIMIT_FSIZE, &limit))
		return __LINE__;
	int rc = 0;
	for (int i = 0; i < 10 && rc == 0; i++)
		rc = put(state, i % 2 ? "even" : "odd", value);
	if (rc != ERR_FATAL || err.exit_code != EXIT_RUNTIME || !strstr(err.text, scratch_path("state.db")))
		return __LINE__;
	if (put(state, "a", value) != ERR_FATAL)
		return __LINE__;
	assert_value(state, "a", "1");
	state->ops->close(state);
	free(value); /* valgrind, which looks at the child too, would end it with its own status */
	return 0;
}

static void a_full_disk_fails_the_commit_and_keeps_what_was(void **test)
{
	int status;
	(void)test;
	pid_t child = fork();
	if (child == 0)
		_exit(fill_the_disk() % 256);
	waitpid(child, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	struct state *state = open_state();
	assert_value(state, "a", "1");
	assert_int_equal(put(state, "a", "2"), 0);
	state->ops->close(state);
}

static int create_on_a_full_disk(void)
{
	struct rlimit limit = {.rlim_cur = 5000, .rlim_max = 5000};
	struct state *state = NULL;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	int rc = sqlite_state_open(scratch_path("state.db"), &state, &err);
	return rc == ERR_FATAL && err.exit_code == EXIT_RUNTIME && access(scratch_path("state.db"), F_OK) ? 0 : 1;
}

static void a_state_that_could_not_be_finished_has_no_name(void **test)
{
	int status;
	(void)test;
	pid_t child = fork();
	if (child == 0)
		_exit(create_on_a_full_disk());
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	struct state *state = open_state();
	state->ops->close(state);
}

/* ---- what it refuses ---- */

static void a_second_instance_is_refused_with_the_first_ones_number(void **test)
{
	char text[64];
	(void)test;
	struct state *state = open_state();
	snprintf(text, sizeof text, "is in use by process %ld", (long)getpid());
	assert_not_opened(EXIT_USAGE, text);
	state->ops->close(state);
	state = open_state();
	state->ops->close(state);
}

static void what_is_no_state_is_refused(void **test)
{
	char junk[8192];
	(void)test;
	memset(junk, 'x', sizeof junk);
	scratch_write("state.db", junk, sizeof junk);
	assert_not_opened(EXIT_USAGE, "is damaged (file is not a database): put back a copy of it, or remove it");
	scratch_write("state.db", "", 0);
	assert_not_opened(EXIT_USAGE, "is no state of Tidings");
	unlink(scratch_path("state.db"));
	assert_int_equal(mkdir(scratch_path("state.db"), 0700), 0);
	assert_not_opened(EXIT_USAGE, "cannot open the state");
}

static void change_file(const char *sql)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(scratch_path("state.db"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void another_programs_file_is_refused(void **test)
{
	(void)test;
	change_file("CREATE TABLE entry (key, value)");
	assert_not_opened(EXIT_USAGE, "is no state of Tidings");
}

static void a_newer_format_is_refused(void **test)
{
	(void)test;
	struct state *state = open_state();
	state->ops->close(state);
	change_file("PRAGMA user_version = 2");
	assert_not_opened(EXIT_USAGE, "has format 2, and this version knows format 1: run the version that wrote it");
}

static void a_missing_directory_is_named(void **test)
{
	struct state *state = NULL;
	(void)test;
	assert_refused(sqlite_state_open(scratch_path("none/state.db"), &state, &err), EXIT_USAGE,
		       "No such file or directory; the directory must exist and be writable for this user");
	scratch_write_text("file", "");
	assert_refused(sqlite_state_open(scratch_path("file/state.db"), &state, &err), EXIT_USAGE, "Not a directory");
}

/* ---- looking at it ---- */

static void a_state_can_be_looked_at_while_it_is_in_use(void **test)
{
	struct state *reader = NULL;
	(void)test;
	struct state *state = open_state();
	assert_int_equal(put(state, "a", "1"), 0);
	assert_int_equal(sqlite_state_open_readonly(scratch_path("state.db"), &reader, &err), 0);
	assert_value(reader, "a", "1");
	assert_int_equal(put(state, "a", "2"), 0);
	assert_value(reader, "a", "2");
	assert_int_equal(put(reader, "a", "3"), ERR_FATAL);
	reader->ops->close(reader);
	state->ops->close(state);
	assert_int_equal(sqlite_state_open_readonly(scratch_path("state.db"), &reader, &err), 0);
	assert_value(reader, "a", "2");
	reader->ops->close(reader);
}

static void looking_makes_nothing(void **test)
{
	struct state *reader = NULL;
	(void)test;
	assert_refused(sqlite_state_open_readonly(scratch_path("state.db"), &reader, &err), EXIT_USAGE,
		       "No such file or directory");
	assert_null(reader);
	assert_int_not_equal(access(scratch_path("state.db"), F_OK), 0);
}

#define STATE_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(what_was_committed_is_there_after_opening_again),
		STATE_TEST(lists_are_applied_in_order),
		STATE_TEST(keys_and_values_are_any_bytes),
		STATE_TEST(a_walk_is_in_order_and_keeps_to_its_prefix),
		STATE_TEST(the_file_is_for_its_owner_alone),
		STATE_TEST(what_a_removed_state_left_does_not_come_back),
		STATE_TEST(a_killed_process_leaves_one_of_its_commits),
		STATE_TEST(a_full_disk_fails_the_commit_and_keeps_what_was),
		STATE_TEST(a_state_that_could_not_be_finished_has_no_name),
		STATE_TEST(a_second_instance_is_refused_with_the_first_ones_number),
		STATE_TEST(what_is_no_state_is_refused),
		STATE_TEST(another_programs_file_is_refused),
		STATE_TEST(a_newer_format_is_refused),
		STATE_TEST(a_missing_directory_is_named),
		STATE_TEST(a_state_can_be_looked_at_while_it_is_in_use),
		STATE_TEST(looking_makes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
