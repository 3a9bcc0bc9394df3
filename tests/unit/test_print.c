/* A report as JSON and as a table, and the line that tells of progress. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge/control/print.h"
#include "bridge/progress.h"

static struct report *report;
static char *text;

static int setup(void **state)
{
	(void)state;
	report = report_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	report_free(report);
	free(text);
	text = NULL;
	return 0;
}

static const char *printed(void (*print)(const struct report *report, FILE *file))
{
	size_t size;
	FILE *file = open_memstream(&text, &size);
	print(report, file);
	fclose(file);
	return text;
}

static void json_has_every_kind(void **state)
{
	(void)state;
	struct report *list = report_list(report, "streams");
	report_text(report_row(list), "text", "a \"quoted\"\n\x1b");
	report_number(report_row(list), "lag", -3);
	report_truth(report_group(report, "sink"), "busy", false);
	report_list(report, "none");
	assert_string_equal(printed(print_json),
			    "{\"streams\":[{\"text\":\"a \\\"quoted\\\"\\n\\u001b\"},{\"lag\":-3}],"
			    "\"sink\":{\"busy\":false},\"none\":[]}\n");
}

static void a_table_is_for_people(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	struct report *sink = report_group(report, "sink");
	report_text(sink, "name", "kafka");
	report_truth(sink, "connected", true);
	report_number(sink, "busy_since", 86400);
	report_number(sink, "held_bytes", 1536);
	report_number(sink, "queue_bytes", 7);
	assert_string_equal(printed(print_table), "tidings\n\nsink\n"
						  "  name               kafka\n"
						  "  connected          yes\n"
						  "  busy since         1970-01-02 00:00:00\n"
						  "  held               1.5 KiB\n"
						  "  queue              7 bytes\n");
}

static void a_list_has_columns_and_no_spaces_at_the_end(void **state)
{
	(void)state;
	struct report *list = report_list(report, "streams"), *row = report_row(list);
	report_text(row, "stream", "contents");
	report_number(row, "lag", 12);
	row = report_row(list);
	report_text(row, "stream", "x");
	report_list(report, "snapshots");
	assert_string_equal(printed(print_table), "tidings\n\nstreams\n  stream    lag\n  contents  12\n  x\n"
						  "\nsnapshots\n  none\n");
}

static void a_text_commands_no_terminal(void **state)
{
	(void)state;
	report_text(report, "name",
		    "\x1b[2J\xc2\x9b"
		    "m");
	assert_string_equal(printed(print_table), "tidings\n  name               ?[2J?m\n");
}

static void progress_is_silent_when_nothing_is_to_be_done(void **state)
{
	(void)state;
	report_number(report_group(report, "sink"), "unacknowledged", 0);
	assert_string_equal(progress_text(report, 0), "");
}

static void progress_tells_what_is_to_be_done(void **state)
{
	(void)state;
	struct report *source = report_group(report, "source"), *list = report_list(source, "snapshots");
	for (int i = 1; i <= 2; i++) {
		struct report *row = report_row(list);
		report_number(row, "done", i);
		report_number(row, "total", 10);
	}
	report_number(source, "lag", 7);
	report_truth(report_group(report, "sink"), "busy", true);
	assert_string_equal(progress_text(report, 99),
			    "snapshot: 3 of 20 items; 7 entries to go; 99 records/s; the sink is busy");
}

#define PRINT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PRINT_TEST(json_has_every_kind),
		PRINT_TEST(a_table_is_for_people),
		PRINT_TEST(a_list_has_columns_and_no_spaces_at_the_end),
		PRINT_TEST(a_text_commands_no_terminal),
		PRINT_TEST(progress_is_silent_when_nothing_is_to_be_done),
		PRINT_TEST(progress_tells_what_is_to_be_done),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
