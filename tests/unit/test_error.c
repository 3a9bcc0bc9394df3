#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "core/error.h"

static void the_class_is_returned_and_kept(void **state)
{
	(void)state;
	struct err err;
	assert_int_equal(err_set(&err, ERR_BAD, "%d bytes", 7), ERR_BAD);
	assert_int_equal(err.class, ERR_BAD);
	assert_string_equal(err.text, "7 bytes");
}

static void a_fatal_error_says_whether_a_restart_helps(void **state)
{
	(void)state;
	struct err err;
	assert_int_equal(err_fatal(&err, "disk"), ERR_FATAL);
	assert_int_equal(err.exit_code, EXIT_RUNTIME);
	assert_int_equal(err_usage(&err, "key"), ERR_FATAL);
	assert_int_equal(err.exit_code, EXIT_USAGE);
}

static void long_text_is_cut(void **state)
{
	(void)state;
	struct err err;
	err_set(&err, ERR_AGAIN, "%01000d", 1);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static void control_characters_are_not_passed_on(void **state)
{
	(void)state;
	struct err err;
	err_set(&err, ERR_BAD, "no \"%s\" here", "a\nb\r\033[2J\177\xC3\xA4");
	assert_string_equal(err.text, "no \"a?b??[2J?\xC3\xA4\" here");
	err_prefix(&err, "%s", "line\t1");
	assert_string_equal(err.text, "line?1: no \"a?b??[2J?\xC3\xA4\" here");
}

static void a_prefix_keeps_the_class_and_goes_before_the_text(void **state)
{
	(void)state;
	struct err err;
	err_usage(&err, "no such key");
	assert_int_equal(err_prefix(&err, "line %d", 3), ERR_FATAL);
	assert_int_equal(err.exit_code, EXIT_USAGE);
	assert_string_equal(err.text, "line 3: no such key");
}

static void a_prefix_of_any_length_stays_within_the_buffer(void **state)
{
	(void)state;
	for (int n = 490; n < 600; n++) {
		struct err err;
		err_set(&err, ERR_AGAIN, "%0500d", 1);
		err_prefix(&err, "%0*d", n, 2);
		assert_true(strlen(err.text) < sizeof err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_class_is_returned_and_kept),
		cmocka_unit_test(a_fatal_error_says_whether_a_restart_helps),
		cmocka_unit_test(long_text_is_cut),
		cmocka_unit_test(control_characters_are_not_passed_on),
		cmocka_unit_test(a_prefix_keeps_the_class_and_goes_before_the_text),
		cmocka_unit_test(a_prefix_of_any_length_stays_within_the_buffer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
