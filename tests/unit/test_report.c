#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/report.h"

static void values_are_found_by_name_in_the_order_in_which_they_came(void **state)
{
	(void)state;
	struct report *report = report_new();
	report_number(report, "lag", INT64_MIN);
	report_truth(report, "connected", true);
	report_text(report, "outage", "%s: %d", "refused", 7);
	assert_int_equal(report_find(report, "lag")->number, INT64_MIN);
	assert_int_equal(report_find(report, "connected")->kind, REPORT_TRUTH);
	assert_string_equal(report_find(report, "outage")->text, "refused: 7");
	assert_string_equal(report->first->next->name, "connected");
	assert_null(report_find(report, "since"));
	assert_null(report_find(NULL, "lag"));
	report_free(report);
}

static void lists_have_rows(void **state)
{
	(void)state;
	struct report *report = report_new(), *list = report_list(report_group(report, "sink"), "consumers");
	report_number(report_row(list), "n", 1);
	report_number(report_row(list), "n", 2);
	const struct report *found = report_find(report_find(report, "sink"), "consumers");
	assert_int_equal(found->kind, REPORT_LIST);
	assert_int_equal(report_find(found->first, "n")->number, 1);
	assert_int_equal(report_find(found->last, "n")->number, 2);
	assert_null(found->last->name);
	report_free(report);
}

static void a_text_may_be_long(void **state)
{
	(void)state;
	struct report *report = report_new();
	report_text(report, "long", "%*s", 100000, "");
	assert_int_equal(strlen(report_find(report, "long")->text), 100000);
	report_free(report);
	report_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_found_by_name_in_the_order_in_which_they_came),
		cmocka_unit_test(lists_have_rows),
		cmocka_unit_test(a_text_may_be_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
