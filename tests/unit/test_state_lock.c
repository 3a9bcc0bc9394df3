/* One process at a time, and none that is dead. */
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/state/lock.h"
#include "tests/support/scratch.h"

static struct err err;

static void the_lock_of_a_dead_process_is_free(void **state)
{
	int said[2], fd = -1;
	char text[64], byte;
	(void)state;
	assert_int_equal(pipe(said), 0);
	pid_t child = fork();
	if (child == 0) {
		lock_take(scratch_path("state.db"), &fd, &err);
		(void)!write(said[1], "", 1);
		pause();
	}
	assert_int_equal(read(said[0], &byte, 1), 1);
	assert_int_equal(lock_take(scratch_path("state.db"), &fd, &err), ERR_FATAL);
	assert_int_equal(err.exit_code, EXIT_USAGE);
	snprintf(text, sizeof text, "is in use by process %ld;", (long)child);
	assert_non_null(strstr(err.text, text));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(lock_take(scratch_path("state.db"), &fd, &err), 0);
	lock_release(fd);
	close(said[0]);
	close(said[1]);
}

static void a_holder_without_a_number_is_another_process(void **state)
{
	int fd = -1, second = -1;
	(void)state;
	assert_int_equal(lock_take(scratch_path("state.db"), &fd, &err), 0);
	assert_int_equal(truncate(scratch_path("state.db.lock"), 0), 0);
	assert_int_equal(lock_take(scratch_path("state.db"), &second, &err), ERR_FATAL);
	assert_non_null(strstr(err.text, "is in use by another process;"));
	assert_int_equal(second, -1);
	lock_release(second);
	lock_release(fd);
}

/* In a child, as somebody else than root. */
static int take_the_lock_of_another(void)
{
	int fd = -1;
	if (chmod(scratch_path(""), 0755) || chmod(scratch_path("state.db.lock"), 0) || (!getuid() && setuid(65534)))
		return 1;
	int rc = lock_take(scratch_path("state.db"), &fd, &err);
	return rc != ERR_FATAL || err.exit_code != EXIT_USAGE ||
	       !strstr(err.text, "Permission denied; this user must own it");
}

static void a_lock_of_another_user_is_not_taken_for_a_directory_that_is_missing(void **state)
{
	int fd = -1, status;
	(void)state;
	assert_int_equal(lock_take(scratch_path("state.db"), &fd, &err), 0);
	lock_release(fd);
	pid_t child = fork();
	if (child == 0)
		_exit(take_the_lock_of_another());
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
	char path[PATH_MAX + 10];
	int fd = -1;
	(void)state;
	memset(path, 'a', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	assert_int_equal(lock_take(path, &fd, &err), ERR_FATAL);
	assert_int_equal(err.exit_code, EXIT_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_lock_of_a_dead_process_is_free, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(a_holder_without_a_number_is_another_process, scratch_make,
						scratch_remove),
		cmocka_unit_test_setup_teardown(a_lock_of_another_user_is_not_taken_for_a_directory_that_is_missing,
						scratch_make, scratch_remove),
		cmocka_unit_test(a_path_that_is_too_long_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
