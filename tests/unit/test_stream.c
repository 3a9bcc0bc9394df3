/* The messages of the ZeroMQ sink, against protobuf's own idea of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/stream.h"
#include "tidings/v1/stream.pb-c.h"

#define RUN "0123456789abcdef"

static struct arena arena;

static int clear(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static void assert_text(struct slice slice, const char *text)
{
	assert_int_equal(slice.size, strlen(text));
	assert_memory_equal(slice.data, text, slice.size);
}

static Tidings__V1__ToBridge *to_bridge(const struct stream_message *message)
{
	struct slice bytes = stream_write_to_bridge(message, &arena);
	Tidings__V1__ToBridge *read = tidings__v1__to_bridge__unpack(NULL, bytes.size, bytes.data);
	assert_non_null(read);
	return read;
}

static void hello_is_what_protobuf_reads(void **state)
{
	(void)state;
	const struct stream_message hello = {.kind = STREAM_HELLO,
					     .protocol = 1,
					     .consumer = slice_of_text("archive"),
					     .run = slice_of(RUN, RUN_SIZE),
					     .sequence = 1ull << 40,
					     .credit = 300};
	Tidings__V1__ToBridge *read = to_bridge(&hello);
	assert_int_equal(read->message_case, TIDINGS__V1__TO_BRIDGE__MESSAGE_HELLO);
	assert_int_equal(read->hello->protocol, 1);
	assert_string_equal(read->hello->consumer, "archive");
	assert_int_equal(read->hello->run.len, RUN_SIZE);
	assert_int_equal(read->hello->sequence, 1ull << 40);
	assert_int_equal(read->hello->credit, 300);
	tidings__v1__to_bridge__free_unpacked(read, NULL);
}

static void every_kind_to_the_bridge_has_its_number(void **state)
{
	static const int cases[][2] = {
		{STREAM_HELLO, TIDINGS__V1__TO_BRIDGE__MESSAGE_HELLO},
		{STREAM_ACKNOWLEDGE, TIDINGS__V1__TO_BRIDGE__MESSAGE_ACKNOWLEDGE},
		{STREAM_CREDIT, TIDINGS__V1__TO_BRIDGE__MESSAGE_CREDIT},
		{STREAM_HEARTBEAT, TIDINGS__V1__TO_BRIDGE__MESSAGE_HEARTBEAT},
		{STREAM_BYE, TIDINGS__V1__TO_BRIDGE__MESSAGE_BYE},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct stream_message message = {.kind = (enum stream_kind)cases[i][0], .credit = 7};
		Tidings__V1__ToBridge *read = to_bridge(&message);
		assert_int_equal(read->message_case, cases[i][1]);
		struct slice bytes = stream_write_to_bridge(&message, &arena);
		struct stream_message back;
		assert_true(stream_read_to_bridge(bytes, &back));
		assert_int_equal(back.kind, cases[i][0]);
		tidings__v1__to_bridge__free_unpacked(read, NULL);
	}
}

static void answers_are_what_protobuf_reads(void **state)
{
	(void)state;
	const struct stream_message refusal = {
		.kind = STREAM_REFUSAL, .reason = REFUSAL_NAME_IN_USE, .text = slice_of_text("no")};
	struct slice bytes = stream_write_to_consumer(&refusal, &arena);
	Tidings__V1__ToConsumer *read = tidings__v1__to_consumer__unpack(NULL, bytes.size, bytes.data);
	assert_int_equal(read->refusal->reason, TIDINGS__V1__REFUSAL_REASON__REFUSAL_REASON_NAME_IN_USE);
	assert_string_equal(read->refusal->text, "no");
	tidings__v1__to_consumer__free_unpacked(read, NULL);
	const struct stream_message welcome = {
		.kind = STREAM_WELCOME, .run = slice_of(RUN, RUN_SIZE), .sequence = 5, .heartbeat_ms = 1000};
	bytes = stream_write_to_consumer(&welcome, &arena);
	read = tidings__v1__to_consumer__unpack(NULL, bytes.size, bytes.data);
	assert_int_equal(read->welcome->sequence, 5);
	assert_int_equal(read->welcome->heartbeat_ms, 1000);
	tidings__v1__to_consumer__free_unpacked(read, NULL);
}

static struct slice write_records(size_t n)
{
	static uint8_t bytes[4096];
	const struct stream_record record = {slice_of_text("items"), slice_of_text("store/folder"),
					     slice_of("0123456789abcdef", 16), slice_of_text("tidings.v1.ItemCreated"),
					     slice_of_text("value")};
	size_t size = stream_record_bytes(&record);
	size_t at = stream_write_head((const uint8_t *)RUN, 300, n * size, bytes);
	for (size_t i = 0; i < n; i++, at += size)
		stream_write_record(&record, bytes + at);
	return slice_of(bytes, at);
}

static void records_are_what_protobuf_reads(void **state)
{
	(void)state;
	struct slice bytes = write_records(3);
	Tidings__V1__ToConsumer *read = tidings__v1__to_consumer__unpack(NULL, bytes.size, bytes.data);
	assert_non_null(read);
	assert_int_equal(read->records->n_records, 3);
	assert_int_equal(read->records->sequence, 300);
	assert_memory_equal(read->records->run.data, RUN, RUN_SIZE);
	assert_string_equal(read->records->records[2]->topic, "items");
	assert_string_equal(read->records->records[2]->key, "store/folder");
	assert_string_equal(read->records->records[2]->type, "tidings.v1.ItemCreated");
	assert_int_equal(read->records->records[2]->value.len, 5);
	tidings__v1__to_consumer__free_unpacked(read, NULL);
}

static void records_are_read_one_by_one(void **state)
{
	(void)state;
	struct stream_message message;
	struct stream_record record;
	assert_true(stream_read_to_consumer(write_records(2), &message));
	assert_int_equal(message.kind, STREAM_RECORDS);
	assert_int_equal(message.sequence, 300);
	for (int i = 0; i < 2; i++) {
		assert_true(stream_next_record(&message.records, &record));
		assert_text(record.topic, "items");
		assert_text(record.value, "value");
	}
	assert_false(stream_next_record(&message.records, &record));
}

static void unknown_fields_are_skipped(void **state)
{
	static const uint8_t credit[] = {0x9a, 0x06, 2, 'x', 'y', 0x1a,
					 4,    0x78, 9, 8,   5}; /* 99: "xy"; credit {15: 9, 1: 5} */
	struct stream_message message;
	(void)state;
	assert_true(stream_read_to_bridge(slice_of(credit, sizeof credit), &message));
	assert_int_equal(message.kind, STREAM_CREDIT);
	assert_int_equal(message.credit, 5);
}

static void assert_no_message(const char *bytes, size_t size)
{
	struct stream_message message;
	assert_false(stream_read_to_bridge(slice_of(bytes, size), &message));
}

static void what_is_no_message_is_not_read(void **state)
{
	(void)state;
	assert_no_message("", 0);
	assert_no_message("\x0a", 1);                                          /* cut after the tag */
	assert_no_message("\x0a\x05\x08", 3);                                  /* shorter than it says */
	assert_no_message("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11); /* a length of 2^64 - 1 */
	assert_no_message("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11); /* a number without an end */
	assert_no_message("\x12\x05\x0a\x03"
			  "abc",
			  7);                   /* a run of three bytes */
	assert_no_message("\x0b\x0c", 2);       /* a group */
	assert_no_message("\x02\x00", 2);       /* field 0 */
	assert_no_message("\x9a\x06\x02xy", 5); /* an unknown field alone */
	assert_no_message("\x22\x00\x0a", 3);   /* something after a heartbeat */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(hello_is_what_protobuf_reads, clear),
		cmocka_unit_test_teardown(every_kind_to_the_bridge_has_its_number, clear),
		cmocka_unit_test_teardown(answers_are_what_protobuf_reads, clear),
		cmocka_unit_test(records_are_what_protobuf_reads),
		cmocka_unit_test(records_are_read_one_by_one),
		cmocka_unit_test(unknown_fields_are_skipped),
		cmocka_unit_test(what_is_no_message_is_not_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
