/* A damaged state is refused: when it is opened, or before anything is stored; whoever looks at it hears it at once. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/state/sqlite.h"
#include "tests/support/scratch.h"

static struct err err;

static int put(struct state *state, const char *key)
{
	struct arena arena = {0};
	struct put_list list = {0};
	const struct put_list *lists[] = {&list};
	put_list_add(&list, &arena, slice_of_text(key), slice_of_text("1"));
	int rc = state->ops->commit(state, lists, 1, &err);
	put_list_clear(&list);
	arena_free(&arena);
	return rc;
}

static void assert_damage_is_said(int rc)
{
	assert_int_equal(rc, ERR_FATAL);
	assert_int_equal(err.exit_code, EXIT_USAGE);
	if (!strstr(err.text, "put back a copy") || !strstr(err.text, scratch_path("state.db")))
		fail_msg("\"%s\" does not say what to do with which file", err.text);
}

static void assert_damaged(void)
{
	struct state *state = NULL;
	int rc = sqlite_state_open(scratch_path("state.db"), &state, &err);
	if (rc) {
		assert_damage_is_said(rc);
	} else {
		assert_damage_is_said(put(state, "a"));
		assert_damage_is_said(put(state, "a"));
		state->ops->close(state);
	}
	assert_damage_is_said(sqlite_state_open_readonly(scratch_path("state.db"), &state, &err));
}

static void fill(int n)
{
	struct arena arena = {0};
	struct put_list list = {0};
	const struct put_list *lists[] = {&list};
	struct state *state = NULL;
	assert_int_equal(sqlite_state_open(scratch_path("state.db"), &state, &err), 0);
	for (int i = 0; i < n; i++)
		put_list_add(&list, &arena, slice_of_text(arena_text(&arena, "key%06d", i)),
			     slice_of_text("some value of some length"));
	assert_int_equal(state->ops->commit(state, lists, 1, &err), 0);
	state->ops->close(state);
	put_list_clear(&list);
	arena_free(&arena);
}

static void a_file_cut_short_is_refused(void **test)
{
	static const off_t kept[] = {1, 50, 100, 4095, 4096, 4097, 8192, -4096};
	struct stat st;
	(void)test;
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
		unlink(scratch_path("state.db"));
		fill(2000);
		assert_int_equal(stat(scratch_path("state.db"), &st), 0);
		off_t size = kept[i] < 0 ? st.st_size + kept[i] : kept[i];
		assert_int_equal(truncate(scratch_path("state.db"), size), 0);
		assert_damaged();
	}
}

static void a_file_with_an_overwritten_page_is_refused(void **test)
{
	char junk[4096];
	(void)test;
	memset(junk, 0xee, sizeof junk);
	for (long page = 1; page < 5; page++) {
		unlink(scratch_path("state.db"));
		fill(2000);
		FILE *file = fopen(scratch_path("state.db"), "r+");
		assert_int_equal(fseek(file, page * 4096, SEEK_SET), 0);
		assert_int_equal(fwrite(junk, sizeof junk, 1, file), 1);
		fclose(file);
		assert_damaged();
	}
}

static void a_check_that_is_under_way_is_waited_for(void **test)
{
	struct state *state = NULL;
	(void)test;
	fill(2000);
	assert_int_equal(sqlite_state_open(scratch_path("state.db"), &state, &err), 0);
	state->ops->close(state); /* at once */
	assert_int_equal(sqlite_state_open(scratch_path("state.db"), &state, &err), 0);
	assert_int_equal(put(state, "a"), 0);
	state->ops->close(state);
}

/* As the daemon does: it opens its state, and then blocks signals to read them. */
static int open_and_block(void)
{
	struct state *state = NULL;
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	if (sqlite_state_open(scratch_path("state.db"), &state, &err))
		return 1;
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	kill(getpid(), SIGTERM);
	state->ops->close(state);
	return 0;
}

static void a_signal_that_is_blocked_after_opening_ends_nothing(void **test)
{
	(void)test;
	fill(20000);
	for (int i = 0; i < 10; i++) {
		int status = 0;
		pid_t child = fork();
		if (child == 0)
			_exit(open_and_block());
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
}

#define STATE_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(a_file_cut_short_is_refused),
		STATE_TEST(a_file_with_an_overwritten_page_is_refused),
		STATE_TEST(a_check_that_is_under_way_is_waited_for),
		STATE_TEST(a_signal_that_is_blocked_after_opening_ends_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
