#include "proto/json.h"

#include "google/protobuf/timestamp.pb-c.h"
#include "proto/enum_name.h"
#include "proto/utf8.h"
#include "tidings/v1/change.pb-c.h"
#include "tidings/v1/dead_letter.pb-c.h"
#include "tidings/v1/lifecycle.pb-c.h"

#include <ctype.h>
#include <inttypes.h>
#include <time.h>

static const ProtobufCMessageDescriptor *const messages[] = {
	[MESSAGE_CHANGE_EVENT] = &tidings__v1__change_event__descriptor,
	[MESSAGE_LIFECYCLE_EVENT] = &tidings__v1__lifecycle_event__descriptor,
	[MESSAGE_DEAD_LETTER] = &tidings__v1__dead_letter__descriptor,
};

static void print_message(const ProtobufCMessage *message, FILE *out);

static void print_hex(const ProtobufCBinaryData *bytes, FILE *out)
{
	static const char digits[] = "0123456789abcdef";

	putc('"', out);
	for (size_t i = 0; i < bytes->len; i++) {
		putc(digits[bytes->data[i] >> 4], out);
		putc(digits[bytes->data[i] & 15], out);
	}
	putc('"', out);
}

/* A letter of JSON's short escapes, or 0. */
static char short_escape(uint8_t c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *at = c ? strchr(from, c) : NULL;

	return at ? to[at - from] : 0;
}

static void print_ascii(uint8_t c, FILE *out)
{
	char letter = short_escape(c);

	if (letter)
		fprintf(out, "\\%c", letter);
	else if (c < 0x20 || c == 0x7f)
		fprintf(out, "\\u%04x", c);
	else
		putc(c, out);
}

static void print_character(const uint8_t *p, size_t size, FILE *out)
{
	if (size == 1)
		print_ascii(p[0], out);
	else if (p[0] == 0xc2 && p[1] < 0xa0) /* C1 control characters, U+0080 to U+009F */
		fprintf(out, "\\u%04x", p[1]);
	else
		fwrite(p, 1, size, out);
}

void json_print_text(struct slice text, FILE *out)
{
	putc('"', out);
	while (text.size) {
		size_t size = utf8_character(text);
		if (size)
			print_character(text.data, size, out);
		else
			fputs("\xef\xbf\xbd", out);
		size += size == 0;
		text = slice_of(text.data + size, text.size - size);
	}
	putc('"', out);
}

static void print_enum(const ProtobufCEnumDescriptor *type, int value, FILE *out)
{
	const char *name = enum_name(type, value);

	if (name)
		fprintf(out, "\"%s\"", name);
	else
		fprintf(out, "%d", value);
}

static void print_fraction(int32_t nanos, FILE *out)
{
	if (nanos % 1000)
		fprintf(out, ".%09" PRId32, nanos);
	else if (nanos % 1000000)
		fprintf(out, ".%06" PRId32, nanos / 1000);
	else if (nanos)
		fprintf(out, ".%03" PRId32, nanos / 1000000);
}

static bool is_a_time(const Google__Protobuf__Timestamp *stamp)
{
	const int64_t year_1 = -62135596800, year_10000 = 253402300800;

	return stamp->seconds >= year_1 && stamp->seconds < year_10000 && stamp->nanos >= 0 &&
	       stamp->nanos < 1000000000;
}

static void print_timestamp(const Google__Protobuf__Timestamp *stamp, FILE *out)
{
	time_t seconds = stamp->seconds;
	struct tm tm;

	if (!is_a_time(stamp) || !gmtime_r(&seconds, &tm)) {
		fputs("null", out);
		return;
	}
	fprintf(out, "\"%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		tm.tm_min, tm.tm_sec);
	print_fraction(stamp->nanos, out);
	fputs("Z\"", out);
}

static void print_submessage(const ProtobufCMessage *message, FILE *out)
{
	if (message->descriptor == &google__protobuf__timestamp__descriptor)
		print_timestamp((const Google__Protobuf__Timestamp *)message, out);
	else
		print_message(message, out);
}

/* The types that the .proto files use; a test sees to it that each field of them is printed. */
static void print_value(const ProtobufCFieldDescriptor *field, const void *member, FILE *out)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		json_print_text(slice_of_text(*(char *const *)member), out);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		print_hex(member, out);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		print_submessage(*(ProtobufCMessage *const *)member, out);
		break;
	case PROTOBUF_C_TYPE_ENUM:
		print_enum(field->descriptor, *(const int *)member, out);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		fputs(*(const protobuf_c_boolean *)member ? "true" : "false", out);
		break;
	case PROTOBUF_C_TYPE_UINT32:
		fprintf(out, "%" PRIu32, *(const uint32_t *)member);
		break;
	case PROTOBUF_C_TYPE_UINT64:
		fprintf(out, "%" PRIu64, *(const uint64_t *)member);
		break;
	default:
		fputs("null", out);
	}
}

static bool is_default(const ProtobufCFieldDescriptor *field, const void *member)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		return **(char *const *)member == '\0';
	case PROTOBUF_C_TYPE_BYTES:
		return ((const ProtobufCBinaryData *)member)->len == 0;
	case PROTOBUF_C_TYPE_MESSAGE:
		return *(ProtobufCMessage *const *)member == NULL;
	case PROTOBUF_C_TYPE_UINT64:
		return *(const uint64_t *)member == 0;
	default:
		return *(const uint32_t *)member == 0;
	}
}

static bool is_printed(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const char *base = (const char *)message;

	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return *(const size_t *)(base + field->quantifier_offset) > 0;
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		return *(const uint32_t *)(base + field->quantifier_offset) == field->id;
	return field->type == PROTOBUF_C_TYPE_BOOL || !is_default(field, base + field->offset);
}

static void print_name(const char *snake, FILE *out)
{
	putc('"', out);
	for (; *snake; snake++) {
		if (*snake == '_' && snake[1])
			putc(toupper((unsigned char)*++snake), out);
		else
			putc(*snake, out);
	}
	fputs("\":", out);
}

/* All repeated fields are bytes. */
static void print_repeated(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, FILE *out)
{
	const char *base = (const char *)message;
	size_t n = *(const size_t *)(base + field->quantifier_offset);
	const ProtobufCBinaryData *elements = *(ProtobufCBinaryData *const *)(base + field->offset);

	putc('[', out);
	for (size_t i = 0; i < n; i++) {
		if (i)
			putc(',', out);
		print_value(field, &elements[i], out);
	}
	putc(']', out);
}

static void print_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, FILE *out)
{
	print_name(field->name, out);
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		print_repeated(message, field, out);
	else
		print_value(field, (const char *)message + field->offset, out);
}

static void print_message(const ProtobufCMessage *message, FILE *out)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;
	const char *separator = "";

	putc('{', out);
	for (unsigned i = 0; i < type->n_fields; i++) {
		if (!is_printed(message, &type->fields[i]))
			continue;
		fputs(separator, out);
		print_field(message, &type->fields[i], out);
		separator = ",";
	}
	putc('}', out);
}

int json_print(enum message_type type, struct slice value, FILE *out)
{
	ProtobufCMessage *message = protobuf_c_message_unpack(messages[type], NULL, value.size, value.data);

	if (!message)
		return -1;
	print_message(message, out);
	protobuf_c_message_free_unpacked(message, NULL);
	return 0;
}
