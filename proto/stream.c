#include "proto/stream.h"

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 }; /* wire types */
enum { U32, U64, SLICE };
enum { IN_ONEOF = 2 /* Records in ToConsumer */, RECORDS_FIELD = 3 /* records in Records */, MOST_VARINT_BYTES = 10 };

/* ---- which fields a message has, and where they are kept ---- */

struct member {
	uint8_t number, type;
	size_t offset;
};

#define MEMBER(number, type, name)                                                                                     \
	{                                                                                                              \
		number, type, offsetof(struct stream_message, name)                                                    \
	}
#define OF_RECORD(number, name)                                                                                        \
	{                                                                                                              \
		number, SLICE, offsetof(struct stream_record, name)                                                    \
	}

static const struct member hello[] = {
	MEMBER(1, U32, protocol), MEMBER(2, SLICE, consumer), MEMBER(3, SLICE, run),
	MEMBER(4, U64, sequence), MEMBER(5, U32, credit),     {0},
};
static const struct member acknowledge[] = {MEMBER(1, SLICE, run), MEMBER(2, U64, sequence), {0}};
static const struct member credit[] = {MEMBER(1, U32, credit), {0}};
static const struct member welcome[] = {
	MEMBER(1, SLICE, run), MEMBER(2, U64, sequence), MEMBER(3, U32, heartbeat_ms), {0}};
static const struct member records[] = {MEMBER(1, SLICE, run), MEMBER(2, U64, sequence), {0}};
static const struct member refusal[] = {MEMBER(1, U32, reason), MEMBER(2, SLICE, text), {0}};
static const struct member nothing[] = {{0}};
static const struct member record_members[] = {OF_RECORD(1, topic), OF_RECORD(2, key),   OF_RECORD(3, id),
					       OF_RECORD(4, type),  OF_RECORD(5, value), {0}};

struct shape {
	enum stream_kind kind;
	uint8_t number; /* in the oneof */
	const struct member *members;
};

static const struct shape to_bridge[] = {
	{STREAM_HELLO, 1, hello},   {STREAM_ACKNOWLEDGE, 2, acknowledge},
	{STREAM_CREDIT, 3, credit}, {STREAM_HEARTBEAT, 4, nothing},
	{STREAM_BYE, 5, nothing},   {0},
};
static const struct shape to_consumer[] = {
	{STREAM_WELCOME, 1, welcome},   {STREAM_RECORDS, IN_ONEOF, records},
	{STREAM_HEARTBEAT, 3, nothing}, {STREAM_REFUSAL, 4, refusal},
	{STREAM_BYE, 5, nothing},       {0},
};

/* ---- reading ---- */

struct field {
	uint32_t number;
	uint8_t type;
	uint64_t value;
	struct slice bytes;
};

static inline bool take(struct slice *in, size_t n, struct slice *taken)
{
	if (n > in->size)
		return false;
	*taken = slice_of(in->data, n);
	*in = slice_of(in->data + n, in->size - n);
	return true;
}

/* Where it ends; NULL: it does not. */
static const uint8_t *read_long_varint(const uint8_t *at, const uint8_t *end, uint64_t *value)
{
	*value = 0;
	for (int i = 0; at < end && i < MOST_VARINT_BYTES; i++) {
		uint8_t byte = *at++;
		*value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80))
			return at;
	}
	return NULL;
}

/* Nearly all tags and most lengths have one byte. */
static inline bool read_varint(struct slice *in, uint64_t *value)
{
	if (in->size == 0)
		return false;
	const uint8_t *at = in->data, *end = in->data + in->size;
	uint64_t number = *at;
	at = number < 0x80 ? at + 1 : read_long_varint(at, end, &number);
	if (!at)
		return false;
	*value = number;
	*in = slice_of(at, (size_t)(end - at));
	return true;
}

static inline bool read_content(struct slice *in, struct field *field)
{
	uint64_t size;
	switch (field->type) {
	case BYTES:
		return read_varint(in, &size) && take(in, size, &field->bytes);
	case VARINT:
		return read_varint(in, &field->value);
	case FIXED64:
		return take(in, 8, &field->bytes);
	case FIXED32:
		return take(in, 4, &field->bytes);
	default:
		return false;
	}
}

/* false: at the end, or at what is no field, and then something is left. */
static inline bool read_field(struct slice *in, struct field *field)
{
	struct slice rest = *in;
	uint64_t tag;
	*field = (struct field){0};
	if (!read_varint(&rest, &tag) || tag >> 3 == 0 || tag >> 3 > INT32_MAX)
		return false;
	field->number = (uint32_t)(tag >> 3);
	field->type = tag & 7;
	if (!read_content(&rest, field))
		return false;
	*in = rest;
	return true;
}

static void keep(const struct member *members, const struct field *field, void *base)
{
	const struct member *member = members;
	while (member->number && member->number != field->number)
		member++;
	void *at = (uint8_t *)base + member->offset;
	if (!member->number || field->type != (member->type == SLICE ? BYTES : VARINT))
		return;
	if (member->type == SLICE)
		*(struct slice *)at = field->bytes;
	else if (member->type == U64)
		*(uint64_t *)at = field->value;
	else
		*(uint32_t *)at = (uint32_t)field->value;
}

static bool read_members(const struct member *members, struct slice in, void *base)
{
	struct field field;
	while (read_field(&in, &field))
		keep(members, &field, base);
	return in.size == 0;
}

static const struct shape *shape_of(const struct shape *shapes, const struct field *field)
{
	for (const struct shape *shape = shapes; shape->kind; shape++)
		if (shape->number == field->number && field->type == BYTES)
			return shape;
	return NULL;
}

/* Of a oneof the last counts. */
static bool read_message(const struct shape *shapes, struct slice in, struct stream_message *message)
{
	struct field field;
	*message = (struct stream_message){0};
	while (read_field(&in, &field)) {
		const struct shape *shape = shape_of(shapes, &field);
		if (!shape)
			continue;
		*message = (struct stream_message){.kind = shape->kind, .records = field.bytes};
		if (!read_members(shape->members, field.bytes, message))
			return false;
	}
	return in.size == 0 && message->kind && (message->run.size == 0 || message->run.size == RUN_SIZE);
}

bool stream_read_to_bridge(struct slice bytes, struct stream_message *message)
{
	return read_message(to_bridge, bytes, message);
}

bool stream_read_to_consumer(struct slice bytes, struct stream_message *message)
{
	return read_message(to_consumer, bytes, message);
}

bool stream_next_record(struct slice *in, struct stream_record *record)
{
	struct field field;
	*record = (struct stream_record){0};
	while (read_field(in, &field))
		if (field.number == RECORDS_FIELD && field.type == BYTES)
			return read_members(record_members, field.bytes, record);
	return false;
}

/* ---- writing ---- */

static size_t varint_bytes(uint64_t value)
{
	size_t n = 1;
	for (; value >= 0x80; value >>= 7)
		n++;
	return n;
}

static uint8_t *write_varint(uint8_t *to, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*to++ = (uint8_t)(value | 0x80);
	*to++ = (uint8_t)value;
	return to;
}

static uint8_t *write_tag(uint8_t *to, uint8_t number, int type)
{
	*to++ = (uint8_t)(number << 3 | type); /* all numbers are below 16 */
	return to;
}

static uint64_t number_of(const struct member *member, const void *at)
{
	return member->type == U64 ? *(const uint64_t *)at : *(const uint32_t *)at;
}

/* What is empty or 0 is left out. */
static size_t members_bytes(const struct member *members, const void *base)
{
	size_t n = 0;
	for (const struct member *member = members; member->number; member++) {
		const void *at = (const uint8_t *)base + member->offset;
		size_t size = member->type == SLICE ? ((const struct slice *)at)->size : 0;
		if (member->type == SLICE)
			n += size ? 1 + varint_bytes(size) + size : 0;
		else if (number_of(member, at))
			n += 1 + varint_bytes(number_of(member, at));
	}
	return n;
}

static uint8_t *write_members(const struct member *members, const void *base, uint8_t *to)
{
	for (const struct member *member = members; member->number; member++) {
		const void *at = (const uint8_t *)base + member->offset;
		const struct slice *bytes = at;
		if (member->type == SLICE && bytes->size) {
			to = write_varint(write_tag(to, member->number, BYTES), bytes->size);
			to = (uint8_t *)memcpy(to, bytes->data, bytes->size) + bytes->size;
		} else if (member->type != SLICE && number_of(member, at)) {
			to = write_varint(write_tag(to, member->number, VARINT), number_of(member, at));
		}
	}
	return to;
}

static struct slice write_message(const struct shape *shapes, const struct stream_message *message, struct arena *arena)
{
	const struct shape *shape = shapes;
	while (shape->kind != message->kind)
		shape++;
	size_t size = members_bytes(shape->members, message);
	uint8_t *bytes = arena_alloc(arena, 1 + MOST_VARINT_BYTES + size);
	uint8_t *end = write_varint(write_tag(bytes, shape->number, BYTES), size);
	end = write_members(shape->members, message, end);
	return slice_of(bytes, (size_t)(end - bytes));
}

struct slice stream_write_to_bridge(const struct stream_message *message, struct arena *arena)
{
	return write_message(to_bridge, message, arena);
}

struct slice stream_write_to_consumer(const struct stream_message *message, struct arena *arena)
{
	return write_message(to_consumer, message, arena);
}

size_t stream_write_head(const uint8_t *run, uint64_t sequence, size_t n_bytes, uint8_t head[STREAM_HEAD_MOST])
{
	const struct stream_message message = {.run = slice_of(run, RUN_SIZE), .sequence = sequence};
	uint8_t *end = write_tag(head, IN_ONEOF, BYTES);
	end = write_varint(end, members_bytes(records, &message) + n_bytes);
	return (size_t)(write_members(records, &message, end) - head);
}

size_t stream_record_bytes(const struct stream_record *record)
{
	size_t size = members_bytes(record_members, record);
	return 1 + varint_bytes(size) + size;
}

void stream_write_record(const struct stream_record *record, uint8_t *to)
{
	to = write_varint(write_tag(to, RECORDS_FIELD, BYTES), members_bytes(record_members, record));
	write_members(record_members, record, to);
}
