/*
 * Property values and sets of them.
 *
 * A struct value is one value on its way to the wire; it borrows its bytes, or keeps up to 64 of them in its own
 * scratch. A struct props is a sorted set of values with a reference count, shared between items that have the same
 * content and copied when one of them changes; its children are recipients and attachments.
 */
#ifndef FAKEKOPANO_VALUE_H
#define FAKEKOPANO_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/fakekopano/buf.h"
#include "tests/fakekopano/ids.h"
#include "tests/fakekopano/json.h"
#include "tests/fakekopano/xml.h"

/*
 * Numbers of every kind are in number (doubles as bits, times as 100 ns since 1601); strings and binaries in data.
 * A multi-valued one has in data its elements: 8 bytes each for numbers, else u32 length and bytes.
 */
struct value {
	uint32_t tag;
	uint32_t len;
	uint64_t number;
	const char *data;
	char scratch[64];
};

struct prop {
	uint32_t tag;
	uint32_t len;
	union {
		uint64_t number;
		char *data;
	};
};

struct child {
	uint32_t type; /* 6 recipient, 7 attachment */
	uint32_t number;
	struct props *props;
};

struct props {
	uint32_t refs;
	uint32_t n, cap;
	uint32_t n_children, cap_children;
	struct prop *at;
	struct child *children;
};

bool type_is_bytes(uint32_t type);

void value_number(struct value *v, uint32_t tag, uint64_t number);
void value_bytes(struct value *v, uint32_t tag, const void *data, size_t len);
void value_text(struct value *v, uint32_t tag, const char *text);
/* Copies at most 64 bytes. */
void value_own(struct value *v, uint32_t tag, const void *data, size_t len);
/* Cut as tables do it: strings to 255 characters, binaries to 511 bytes. */
void value_cut(struct value *v);

/* <ulPropTag> and the value element. */
void value_xml(struct buf *b, const struct value *v);
void value_missing_xml(struct buf *b, uint32_t tag);
/* The form of the message stream. */
void value_stream(struct buf *b, const struct value *v);
/* Less than, equal to or greater than 0; strings compare without case. */
int value_compare(const struct value *a, const struct value *b);

struct props *props_new(void);
struct props *props_ref(struct props *p);
void props_unref(struct props *p);
/* A set that only this owner sees: the same one, or a copy. Children are copied with it and keep their numbers. */
struct props *props_own(struct props *p);
const struct prop *props_find(const struct props *p, uint32_t tag);
void props_set_number(struct props *p, uint32_t tag, uint64_t number);
void props_set_bytes(struct props *p, uint32_t tag, const void *data, size_t len);
/* Set from a control command's value; null removes. Returns false when it does not fit the tag's type. */
bool props_set_json(struct props *p, uint32_t tag, const struct json *json);
void prop_value(const struct prop *p, struct value *v);

#endif
