#ifndef TIDINGS_STEPS
#define TIDINGS_STEPS
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/step.c"
#include "tests/support/scratch.h"

enum { N_EFFECTS = 5 };

/* How a process ends that takes every effect. */
static int status_with(const char *die_at)
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		setenv("TIDINGS_STEP_LOG", scratch_path("steps"), 1);
		if (die_at)
			setenv("TIDINGS_DIE_AT", die_at, 1);
		for (int i = 0; i < N_EFFECTS; i++)
			step("effect");
		_exit(0);
	}
	waitpid(child, &status, 0);
	return status;
}

static void assert_logged(long n)
{
	FILE *file = fopen(scratch_path("steps"), "r");
	long number, n_read = 0;
	while (fscanf(file, "%ld effect", &number) == 1)
		assert_int_equal(number, ++n_read);
	fclose(file);
	assert_int_equal(n_read, n);
}

static void every_effect_is_numbered_and_named(void **state)
{
	(void)state;
	assert_int_equal(status_with(NULL), 0);
	assert_logged(N_EFFECTS);
}

static void the_process_ends_before_the_effect_that_was_asked_for(void **state)
{
	(void)state;
	int status = status_with("3");
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_logged(3);
}

static void a_number_beyond_the_last_effect_ends_nothing(void **state)
{
	(void)state;
	assert_int_equal(status_with("6"), 0);
	assert_logged(N_EFFECTS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_effect_is_numbered_and_named),
		TEST(the_process_ends_before_the_effect_that_was_asked_for),
		TEST(a_number_beyond_the_last_effect_ends_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
