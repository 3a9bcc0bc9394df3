/* The encoder writes the bytes itself (proto/wire.h). That they are what protobuf-c would write, and that every field
 * of the .proto files is among them, is shown by the golden files, with which test_encode.c compares the encoder. */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/golden.h"
#include "tidings/v1/change.pb-c.h"
#include "tidings/v1/dead_letter.pb-c.h"
#include "tidings/v1/lifecycle.pb-c.h"

enum { MAX_FIELDS = 200 };

struct seen {
	const ProtobufCFieldDescriptor *fields[MAX_FIELDS];
	size_t n;
};

static void see(struct seen *seen, const ProtobufCFieldDescriptor *field)
{
	for (size_t i = 0; i < seen->n; i++)
		if (seen->fields[i] == field)
			return;
	assert_in_range(seen->n, 0, MAX_FIELDS - 1);
	seen->fields[seen->n++] = field;
}

static bool is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const char *member = (const char *)message + field->offset;
	const char *quantifier = (const char *)message + field->quantifier_offset;
	static const char zeros[16];
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		return *(const uint32_t *)(const void *)quantifier == field->id;
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return *(const size_t *)(const void *)quantifier > 0;
	if (field->type == PROTOBUF_C_TYPE_STRING)
		return **(char *const *)(const void *)member != '\0';
	size_t size = field->type == PROTOBUF_C_TYPE_UINT64 || field->type == PROTOBUF_C_TYPE_INT64 ? 8 : 4;
	return memcmp(member, zeros, field->type == PROTOBUF_C_TYPE_MESSAGE ? sizeof(void *) : size) != 0;
}

static void see_all(struct seen *seen, const ProtobufCMessage *message)
{
	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
		if (!is_set(message, field))
			continue;
		see(seen, field);
		if (field->type == PROTOBUF_C_TYPE_MESSAGE)
			see_all(seen,
				*(ProtobufCMessage *const *)(const void *)((const char *)message + field->offset));
	}
}

static const ProtobufCMessageDescriptor *message_of(const char *path)
{
	if (strstr(path, "/dead_letter"))
		return &tidings__v1__dead_letter__descriptor;
	return strstr(path, "/lifecycle") ? &tidings__v1__lifecycle_event__descriptor
					  : &tidings__v1__change_event__descriptor;
}

static void check_golden(struct seen *seen, const char *path)
{
	uint8_t bytes[4096], packed[4096];
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	size_t size = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	ProtobufCMessage *message = protobuf_c_message_unpack(message_of(path), NULL, size, bytes);
	assert_non_null(message);
	assert_int_equal(protobuf_c_message_pack(message, packed), size);
	assert_memory_equal(packed, bytes, size);
	see_all(seen, message);
	protobuf_c_message_free_unpacked(message, NULL);
}

static void check_all_seen(const struct seen *seen, const ProtobufCMessageDescriptor *message)
{
	for (unsigned i = 0; i < message->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->fields[i];
		size_t at = 0;
		while (at < seen->n && seen->fields[at] != field)
			at++;
		if (at == seen->n)
			fail_msg("no golden file has %s.%s", message->name, field->name);
		if (field->type == PROTOBUF_C_TYPE_MESSAGE)
			check_all_seen(seen, field->descriptor);
	}
}

static void test_they_are_what_protobuf_c_writes(void **state)
{
	struct seen seen = {0};
	glob_t paths;
	(void)state;
	assert_int_equal(glob(GOLDEN_DIR "/*.bin", 0, NULL, &paths), 0);
	for (size_t i = 0; i < paths.gl_pathc; i++)
		check_golden(&seen, paths.gl_pathv[i]);
	globfree(&paths);
	check_all_seen(&seen, &tidings__v1__change_event__descriptor);
	check_all_seen(&seen, &tidings__v1__dead_letter__descriptor);
	check_all_seen(&seen, &tidings__v1__lifecycle_event__descriptor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_they_are_what_protobuf_c_writes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
