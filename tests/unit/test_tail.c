/* What `tidings tail` shows and lets pass, on the golden records and on records made for it. */
#include "bridge/cli/tail.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/golden.h"

enum { COLUMNS = 80, TIME_COLUMNS = sizeof "2026-01-31 10:00:00" };

static struct summary plain(void)
{
	return (struct summary){.kind = "CREATED",
				.object = "ITEM",
				.origin = "ICS",
				.owner = "user1",
				.path = "Inbox",
				.own_path = "",
				.name = "",
				.from = ""};
}

/* The row without its newline, in the arena. */
static const char *row(struct arena *arena, const struct summary *summary, int n_columns)
{
	char *text;
	size_t n_bytes;
	struct tail_table table = {.out = open_memstream(&text, &n_bytes), .n_columns = n_columns};
	tail_table_row(&table, summary);
	fclose(table.out);
	assert_true(n_bytes > 0 && text[n_bytes - 1] == '\n');
	const char *line = arena_text(arena, "%.*s", (int)n_bytes - 1, text);
	free(text);
	return line;
}

static void golden_summary(struct arena *arena, enum message_type type, const char *name, struct summary *summary)
{
	assert_int_equal(summary_read(type, golden_read(arena, name, "bin"), arena, summary), 0);
	summary->time_ms = 0; /* the table shows local time */
}

static void check_golden_row(enum message_type type, const char *name, const char *expected)
{
	struct arena arena = {0};
	struct summary summary;
	golden_summary(&arena, type, name, &summary);
	assert_string_equal(row(&arena, &summary, 140) + TIME_COLUMNS, expected);
	arena_free(&arena);
}

static void test_rows_of_golden_records(void **state)
{
	static const struct {
		enum message_type type;
		const char *name, *row;
	} records[] = {
		{MESSAGE_DEAD_LETTER, "dead_letter_too_large",
		 "DEAD LETTER        …116d5e2c9… …792d30303031           2000000 bytes, the topic takes 1000000"},
		{MESSAGE_CHANGE_EVENT, "folder_updated",
		 "folder updated     user1       Inbox                   In/Out"},
		{MESSAGE_CHANGE_EVENT, "item_created",
		 "item created       user1       Inbox                   Grüße? \"\\ ? ? 📬                            "
		 "user1"},
		{MESSAGE_CHANGE_EVENT, "item_deleted_hard",
		 "item gone          user1       Inbox                   …303030303031"},
		{MESSAGE_CHANGE_EVENT, "item_deleted_soft",
		 "item deleted       user1       Inbox                   …303030303031"},
		{MESSAGE_CHANGE_EVENT, "item_read",
		 "item read          user1       Inbox                   …303030303031"},
		{MESSAGE_CHANGE_EVENT, "item_unread",
		 "item unread        user1       Inbox                   …303030303031"},
		{MESSAGE_CHANGE_EVENT, "item_updated",
		 "item updated       user1       Inbox                   Grüße? \"\\ ? ? 📬                            "
		 "user1"},
		{MESSAGE_LIFECYCLE_EVENT, "lifecycle_06",
		 "suspended          user1       Inbox                   because"},
		{MESSAGE_LIFECYCLE_EVENT, "lifecycle_bare", "started"},
		{MESSAGE_CHANGE_EVENT, "notification_moved", "item moved         user1       Inbox"},
		{MESSAGE_CHANGE_EVENT, "snapshot_begin", "listing begins     user1       Inbox"},
		{MESSAGE_CHANGE_EVENT, "snapshot_end", "listing ends       user1       Inbox"},
		{MESSAGE_CHANGE_EVENT, "snapshot_item",
		 "item listed        user1       Inbox                   Grüße? \"\\ ? ? 📬                            "
		 "user1"},
		{MESSAGE_CHANGE_EVENT, "snapshot_store",
		 "store listed       user1                               Inbox - User One"},
		{MESSAGE_CHANGE_EVENT, "user_created",
		 "user created                                           User One"},
		{MESSAGE_CHANGE_EVENT, "user_deleted",
		 "user gone                                              …6e7472792d31"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof records / sizeof *records; i++)
		check_golden_row(records[i].type, records[i].name, records[i].row);
}

/* ---- cells ---- */

static void check_name(const char *name, const char *shown)
{
	struct arena arena = {0};
	struct summary summary = plain();
	summary.name = name;
	const char *line = row(&arena, &summary, COLUMNS);
	assert_string_equal(line + strlen("         item created       user1 Inbox       "), shown);
	arena_free(&arena);
}

static void test_no_text_commands_a_terminal(void **state)
{
	(void)state;
	check_name("a\033[2Jb\r\nc\177", "a?[2Jb??c?");
	check_name("csi \xc2\x9b"
		   "1m",
		   "csi ?1m");
	check_name("rlo \xe2\x80\xaetxt.exe", "rlo ?txt.exe");
	check_name("bad \xff\xc3", "bad ??");
}

static void test_what_is_too_long_is_cut_at_a_character(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct summary summary = plain();
	summary.name = "äöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöü";
	summary.from = "Ann";
	assert_string_equal(row(&arena, &summary, COLUMNS),
			    "         item created       user1 Inbox       äöüäöüäöüäöüäöüäöüäöüä… Ann");
	summary.name = "日本語日本語日本語日本語日本語"; /* two columns each */
	assert_string_equal(row(&arena, &summary, COLUMNS),
			    "         item created       user1 Inbox       日本語日本語日本語日本… Ann");
	arena_free(&arena);
}

static void test_without_a_name_the_end_of_the_key(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct summary summary = plain();
	summary.key = slice_of("\1\2\3\4\5\6\7\xff", 8);
	assert_string_equal(row(&arena, &summary, COLUMNS) + 46, "…0304050607ff");
	summary.key = slice_of("\1\2", 2);
	assert_string_equal(row(&arena, &summary, COLUMNS) + 46, "0102");
	arena_free(&arena);
}

/* ---- names ---- */

static void test_a_name_from_an_earlier_record(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct tail_names *names = tail_names_new();
	struct summary created = plain(), deleted = plain(), other = plain();
	created.key = deleted.key = slice_of_text("key");
	created.folder = slice_of_text("folder");
	created.name = "Report";
	tail_names_apply(names, &created, &arena);
	deleted.path = "";
	deleted.folder = created.folder;
	tail_names_apply(names, &deleted, &arena);
	assert_string_equal(deleted.name, "Report");
	assert_string_equal(deleted.path, "Inbox");
	other.key = slice_of_text("kez");
	tail_names_apply(names, &other, &arena);
	assert_string_equal(other.name, "");
	tail_names_free(names);
	arena_free(&arena);
}

static void test_a_dead_letters_text_is_no_name(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct tail_names *names = tail_names_new();
	struct summary letter = plain(), item = plain();
	letter.type = MESSAGE_DEAD_LETTER;
	letter.key = item.key = slice_of_text("key");
	letter.name = "too large";
	tail_names_apply(names, &letter, &arena);
	tail_names_apply(names, &item, &arena);
	assert_string_equal(letter.name, "too large");
	assert_string_equal(item.name, "");
	tail_names_free(names);
	arena_free(&arena);
}

/* ---- times ---- */

static void check_time(const char *text, int64_t expected_ms)
{
	int64_t from_ms = 0;
	assert_true(tail_time(text, INT64_C(1700000000000), &from_ms));
	assert_int_equal(from_ms, expected_ms);
}

static void test_times(void **state)
{
	(void)state;
	check_time("beginning", FROM_BEGINNING);
	check_time("end", FROM_END);
	check_time("30s", INT64_C(1699999970000));
	check_time("10m", INT64_C(1699999400000));
	check_time("2h ago", INT64_C(1699992800000));
	check_time("1d", INT64_C(1699913600000));
	check_time("2024-02-29T12:00:00Z", INT64_C(1709208000000));
	check_time("2024-02-29T12:00:00.1259Z", INT64_C(1709208000125));
	check_time("2024-02-29T13:30:00+01:30", INT64_C(1709208000000));
	check_time("2024-02-29 07:00:00-05:00", INT64_C(1709208000000));
}

static void test_what_is_no_time(void **state)
{
	static const char *const texts[] = {"",
					    "m",
					    "10",
					    "10x",
					    "10mm",
					    "10m before",
					    "-10m",
					    "99999999999d",
					    "999999d",
					    "2024-02-29",
					    "2024-02-29T12:00:00",
					    "2024-02-29T12:00:00z ",
					    "2024-02-29T12:00:00+1",
					    "2024-02-29T12:00:00+01:00x",
					    "2024-13-29T12:00:00Z",
					    "now"};
	int64_t from_ms;
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_false(tail_time(texts[i], INT64_C(1700000000000), &from_ms));
}

/* ---- the filter ---- */

static void check_passes(bool expected, const struct tail_options *options, const char *key)
{
	struct summary summary = plain();
	struct delivered delivered = {.key = slice_of_text(key)};
	summary.store = slice_of("\1\xab", 2);
	summary.folder = slice_of("\2", 1);
	summary.time_ms = 1000;
	assert_int_equal(tail_passes(options, &summary, &delivered), expected);
}

static void test_the_filter(void **state)
{
	(void)state;
	check_passes(true, &(struct tail_options){0}, "");
	check_passes(true, &(struct tail_options){.store = "USER1", .folder = "Inbox", .object = "ITEM"}, "");
	check_passes(true, &(struct tail_options){.store = "01AB", .folder = "02", .kind = "CREATED"}, "");
	check_passes(true, &(struct tail_options){.key = "01ab/02"}, "");
	check_passes(true, &(struct tail_options){.key = "other"}, "other");
	check_passes(false, &(struct tail_options){.key = "01ab/02"}, "other");
	check_passes(false, &(struct tail_options){.store = "user"}, "");
	check_passes(false, &(struct tail_options){.store = "public"}, "");
	check_passes(false, &(struct tail_options){.folder = "inbox"}, "");
	check_passes(false, &(struct tail_options){.kind = "DELETED"}, "");
	check_passes(true, &(struct tail_options){.reader.from_ms = 1000}, "");
	check_passes(false, &(struct tail_options){.reader.from_ms = 1001}, "");
}

static void test_words_for_kinds(void **state)
{
	(void)state;
	assert_string_equal(summary_find_kind("read-state"), "READ_STATE");
	assert_string_equal(summary_find_kind("Snapshot_End"), "SNAPSHOT_END");
	assert_string_equal(summary_find_kind("suspended"), "SUSPENDED");
	assert_string_equal(summary_find_object("folder"), "FOLDER");
	assert_null(summary_find_kind("unspecified"));
	assert_null(summary_find_kind("delete"));
	assert_null(summary_find_object(""));
}

static void test_what_is_no_record(void **state)
{
	struct arena arena = {0};
	struct summary summary;
	(void)state;
	assert_int_equal(summary_read(MESSAGE_CHANGE_EVENT, slice_of_text("\xff\xff\xff"), &arena, &summary), -1);
	arena_free(&arena);
}

int main(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_of_golden_records),
		cmocka_unit_test(test_no_text_commands_a_terminal),
		cmocka_unit_test(test_what_is_too_long_is_cut_at_a_character),
		cmocka_unit_test(test_without_a_name_the_end_of_the_key),
		cmocka_unit_test(test_a_name_from_an_earlier_record),
		cmocka_unit_test(test_a_dead_letters_text_is_no_name),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_what_is_no_time),
		cmocka_unit_test(test_the_filter),
		cmocka_unit_test(test_words_for_kinds),
		cmocka_unit_test(test_what_is_no_record),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
