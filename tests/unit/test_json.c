/* The JSON form against golden files, and what must not be printed. How to write the files anew: tests/unit/golden.h.
 */
#include "proto/json.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "google/protobuf/timestamp.pb-c.h"
#include "tests/unit/golden.h"
#include "tidings/v1/change.pb-c.h"
#include "tidings/v1/dead_letter.pb-c.h"
#include "tidings/v1/lifecycle.pb-c.h"

static enum message_type type_of(const char *name)
{
	if (strncmp(name, "lifecycle_", 10) == 0)
		return MESSAGE_LIFECYCLE_EVENT;
	return strncmp(name, "dead_letter_", 12) == 0 ? MESSAGE_DEAD_LETTER : MESSAGE_CHANGE_EVENT;
}

/* The line in the arena; empty if the value is no such message. */
static struct slice print(struct arena *arena, enum message_type type, struct slice value)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	int rc = json_print(type, value, out);
	fflush(out);
	assert_true(rc == 0 || size == 0);
	putc('\n', out);
	fclose(out);
	struct slice line = arena_copy(arena, slice_of(text, rc == 0 ? size : 0));
	free(text);
	return line;
}

static int is_bin(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 4 && strcmp(entry->d_name + length - 4, ".bin") == 0;
}

static void check_golden(struct arena *arena, const char *file)
{
	const char *name = arena_text(arena, "%.*s", (int)strlen(file) - 4, file);
	struct slice line = print(arena, type_of(name), golden_read(arena, name, "bin"));

	assert_true(line.size > 1);
	assert_ptr_equal(memchr(line.data, '\n', line.size), line.data + line.size - 1);
	assert_true(golden_same(arena, name, "json", line));
}

static void test_golden_files(void **state)
{
	struct dirent **files;
	int n = scandir(GOLDEN_DIR, &files, is_bin, alphasort);

	(void)state;
	assert_true(n > 30);
	for (int i = 0; i < n; i++) {
		struct arena arena = {0};
		check_golden(&arena, files[i]->d_name);
		arena_free(&arena);
		free(files[i]);
	}
	free(files);
}

static void check_event(const Tidings__V1__ChangeEvent *event, const char *expected)
{
	struct arena arena = {0};
	uint8_t bytes[512];
	size_t size = tidings__v1__change_event__pack(event, bytes);

	struct slice line = print(&arena, MESSAGE_CHANGE_EVENT, slice_of(bytes, size));
	assert_int_equal(line.size, strlen(expected));
	assert_memory_equal(line.data, expected, line.size);
	arena_free(&arena);
}

static void test_nothing_but_booleans_is_printed_of_an_empty_message(void **state)
{
	Tidings__V1__ChangeEvent event = TIDINGS__V1__CHANGE_EVENT__INIT;

	(void)state;
	check_event(&event, "{\"associated\":false}\n");
}

static void test_an_unknown_enum_value_is_a_number(void **state)
{
	Tidings__V1__ChangeEvent event = TIDINGS__V1__CHANGE_EVENT__INIT;

	(void)state;
	event.kind = (Tidings__V1__Kind)77;
	check_event(&event, "{\"kind\":77,\"associated\":false}\n");
}

static void check_time(int64_t seconds, int32_t nanos, const char *expected)
{
	Tidings__V1__ChangeEvent event = TIDINGS__V1__CHANGE_EVENT__INIT;
	Google__Protobuf__Timestamp stamp = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	struct arena arena = {0};

	stamp.seconds = seconds;
	stamp.nanos = nanos;
	event.observed_at = &stamp;
	check_event(&event, arena_text(&arena, "{\"observedAt\":%s,\"associated\":false}\n", expected));
	arena_free(&arena);
}

static void test_times(void **state)
{
	(void)state;
	check_time(0, 0, "\"1970-01-01T00:00:00Z\"");
	check_time(-1, 500000000, "\"1969-12-31T23:59:59.500Z\"");
	check_time(1763840000, 1000, "\"2025-11-22T19:33:20.000001Z\"");
	check_time(1763840000, 1, "\"2025-11-22T19:33:20.000000001Z\"");
	check_time(-62135596800, 0, "\"0001-01-01T00:00:00Z\"");
	check_time(253402300799, 0, "\"9999-12-31T23:59:59Z\"");
	check_time(-62135596801, 0, "null");
	check_time(253402300800, 0, "null");
	check_time(INT64_MAX, 0, "null");
	check_time(0, -1, "null");
	check_time(0, 1000000000, "null");
}

static void test_text_from_elsewhere_is_made_good(void **state)
{
	Tidings__V1__ChangeEvent event = TIDINGS__V1__CHANGE_EVENT__INIT;
	Tidings__V1__Store store = TIDINGS__V1__STORE__INIT;

	(void)state;
	event.store = &store;
	store.owner = (char *)"\xff\x1b[2J\x7f\xc2\x9b\r\n\b\f/";
	check_event(
		&event,
		"{\"store\":{\"owner\":\"\xef\xbf\xbd\\u001b[2J\\u007f\\u009b\\r\\n\\b\\f/\"},\"associated\":false}\n");
}

static void test_what_does_not_parse_is_refused(void **state)
{
	struct arena arena = {0};
	static const uint8_t cut[] = {0x0a, 0x10, 1, 2}, no_tag[] = {0xff, 0xff, 0xff};

	(void)state;
	assert_int_equal(print(&arena, MESSAGE_CHANGE_EVENT, slice_of(cut, sizeof cut)).size, 0);
	assert_int_equal(print(&arena, MESSAGE_DEAD_LETTER, slice_of(no_tag, sizeof no_tag)).size, 0);
	arena_free(&arena);
}

/* print_value and print_repeated know only the types that the messages use. */
static void check_types(const ProtobufCMessageDescriptor *message)
{
	for (unsigned i = 0; i < message->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->fields[i];
		bool is_stamp = message == &google__protobuf__timestamp__descriptor;
		bool known = field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_BYTES ||
			     field->type == PROTOBUF_C_TYPE_MESSAGE || field->type == PROTOBUF_C_TYPE_ENUM ||
			     field->type == PROTOBUF_C_TYPE_BOOL || field->type == PROTOBUF_C_TYPE_UINT32 ||
			     field->type == PROTOBUF_C_TYPE_UINT64;
		assert_true(is_stamp || known);
		assert_true(field->label != PROTOBUF_C_LABEL_REPEATED || field->type == PROTOBUF_C_TYPE_BYTES);
		if (field->type == PROTOBUF_C_TYPE_MESSAGE)
			check_types(field->descriptor);
	}
}

static void test_every_type_of_field_is_known(void **state)
{
	(void)state;
	check_types(&tidings__v1__change_event__descriptor);
	check_types(&tidings__v1__lifecycle_event__descriptor);
	check_types(&tidings__v1__dead_letter__descriptor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_files),
		cmocka_unit_test(test_nothing_but_booleans_is_printed_of_an_empty_message),
		cmocka_unit_test(test_an_unknown_enum_value_is_a_number),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_text_from_elsewhere_is_made_good),
		cmocka_unit_test(test_what_does_not_parse_is_refused),
		cmocka_unit_test(test_every_type_of_field_is_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
