#include "tests/fakekopano/value.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/fakekopano/tags.h"

#define CUT_CHARACTERS 255
#define CUT_BYTES      511

bool type_is_bytes(uint32_t type)
{
	return type == PT_STRING8 || type == PT_UNICODE || type == PT_BINARY || type == PT_CLSID || (type & MV_FLAG);
}

static bool is_text(uint32_t type)
{
	return type == PT_STRING8 || type == PT_UNICODE;
}

void value_number(struct value *v, uint32_t tag, uint64_t number)
{
	v->tag = tag;
	v->number = number;
	v->data = NULL;
	v->len = 0;
}

void value_bytes(struct value *v, uint32_t tag, const void *data, size_t len)
{
	v->tag = tag;
	v->number = 0;
	v->data = data;
	v->len = (uint32_t)len;
}

void value_text(struct value *v, uint32_t tag, const char *text)
{
	value_bytes(v, tag, text, strlen(text));
}

void value_own(struct value *v, uint32_t tag, const void *data, size_t len)
{
	memcpy(v->scratch, data, len);
	value_bytes(v, tag, v->scratch, len);
}

void value_cut(struct value *v)
{
	uint32_t type = PROP_TYPE(v->tag), characters = 0, at = 0;

	if (type == PT_BINARY && v->len > CUT_BYTES)
		v->len = CUT_BYTES;
	if (!is_text(type) || v->len <= CUT_CHARACTERS)
		return;
	while (at < v->len && characters < CUT_CHARACTERS) {
		at++;
		while (at < v->len && ((unsigned char)v->data[at] & 0xc0) == 0x80)
			at++;
		characters++;
	}
	v->len = at;
}

static void element(struct buf *b, const char *name, const char *text, size_t n)
{
	buf_char(b, '<');
	buf_str(b, name);
	if (n == 0 && text) {
		buf_str(b, "/>");
		return;
	}
	buf_char(b, '>');
	buf_xml(b, text, n);
	buf_str(b, "</");
	buf_str(b, name);
	buf_char(b, '>');
}

static void binary(struct buf *b, const char *name, const char *data, size_t n)
{
	buf_char(b, '<');
	buf_str(b, name);
	buf_char(b, '>');
	buf_base64(b, data, n);
	buf_str(b, "</");
	buf_str(b, name);
	buf_char(b, '>');
}

static void hilo(struct buf *b, uint64_t number)
{
	buf_str(b, "<hi>");
	buf_int(b, (int32_t)(number >> 32));
	buf_str(b, "</hi><lo>");
	buf_uint(b, number & UINT32_MAX);
	buf_str(b, "</lo>");
}

static double as_double(uint64_t number)
{
	double d;

	memcpy(&d, &number, sizeof(d));
	return d;
}

static void number_xml(struct buf *b, uint32_t type, uint64_t number)
{
	switch (type) {
	case PT_I2:
		buf_int(b, (int16_t)number);
		break;
	case PT_BOOLEAN:
		buf_str(b, number ? "true" : "false");
		break;
	case PT_I8:
		buf_int(b, (int64_t)number);
		break;
	case PT_SYSTIME:
	case PT_CURRENCY:
		hilo(b, number);
		break;
	case PT_R4:
		buf_printf(b, "%.9G", as_double(number));
		break;
	case PT_DOUBLE:
	case PT_APPTIME:
		buf_printf(b, "%.17lG", as_double(number));
		break;
	default:
		buf_uint(b, (uint32_t)number);
	}
}

static const struct {
	uint32_t type;
	const char *name;    /* of the value element */
	const char *mv_name; /* of the multi-valued one */
	const char *mv_type; /* in its arrayType */
} forms[] = {
	{PT_I2, "i", "mvi", "xsd:short"},
	{PT_LONG, "ul", "mvl", "xsd:unsignedInt"},
	{PT_R4, "flt", "mvflt", "xsd:float"},
	{PT_DOUBLE, "dbl", "mvdbl", "xsd:double"},
	{PT_APPTIME, "dbl", "mvdbl", "xsd:double"},
	{PT_CURRENCY, "hilo", "mvhilo", "hiloLong"},
	{PT_SYSTIME, "hilo", "mvhilo", "hiloLong"},
	{PT_ERROR, "ul", "mvl", "xsd:unsignedInt"},
	{PT_BOOLEAN, "b", "mvi", "xsd:short"},
	{PT_I8, "li", "mvli", "xsd:long"},
	{PT_STRING8, "lpszA", "mvszA", "xsd:string"},
	{PT_UNICODE, "lpszA", "mvszA", "xsd:string"},
	{PT_CLSID, "bin", "mvbin", "xsd:base64Binary"},
	{PT_BINARY, "bin", "mvbin", "xsd:base64Binary"},
};

#define N_FORMS (sizeof(forms) / sizeof(*forms))

static size_t form_of(uint32_t type)
{
	size_t i = 0;

	while (i < N_FORMS - 1 && forms[i].type != (type & ~(uint32_t)MV_FLAG))
		i++;
	return i;
}

/* The next element of a multi-valued value at *at; returns its length. */
static uint32_t mv_next(const struct value *v, uint32_t *at, const char **data)
{
	uint32_t len = 8;

	if (type_is_bytes(PROP_TYPE(v->tag) & ~(uint32_t)MV_FLAG)) {
		memcpy(&len, v->data + *at, 4);
		*at += 4;
	}
	*data = v->data + *at;
	*at += len;
	return len;
}

static uint32_t mv_count(const struct value *v)
{
	uint32_t n = 0;
	const char *data;

	for (uint32_t at = 0; at < v->len; n++)
		mv_next(v, &at, &data);
	return n;
}

static void mv_xml(struct buf *b, const struct value *v, size_t form)
{
	uint32_t type = PROP_TYPE(v->tag) & ~(uint32_t)MV_FLAG, len;
	uint64_t number;
	const char *data;

	buf_printf(b, "<%s SOAP-ENC:arrayType=\"%s[%u]\">", forms[form].mv_name, forms[form].mv_type, mv_count(v));
	for (uint32_t at = 0; at < v->len;) {
		len = mv_next(v, &at, &data);
		if (is_text(type)) {
			element(b, "item", data, len);
		} else if (type_is_bytes(type)) {
			binary(b, "item", data, len);
		} else {
			memcpy(&number, data, sizeof(number));
			buf_str(b, "<item>");
			number_xml(b, type, number);
			buf_str(b, "</item>");
		}
	}
	buf_printf(b, "</%s>", forms[form].mv_name);
}

void value_xml(struct buf *b, const struct value *v)
{
	uint32_t type = PROP_TYPE(v->tag);
	size_t form = form_of(type);

	buf_str(b, "<ulPropTag>");
	buf_uint(b, v->tag);
	buf_str(b, "</ulPropTag>");
	if (type & MV_FLAG) {
		mv_xml(b, v, form);
	} else if (is_text(type)) {
		element(b, "lpszA", v->data ? v->data : "", v->len);
	} else if (type_is_bytes(type)) {
		binary(b, "bin", v->data, v->len);
	} else {
		buf_char(b, '<');
		buf_str(b, forms[form].name);
		buf_char(b, '>');
		number_xml(b, type, v->number);
		buf_str(b, "</");
		buf_str(b, forms[form].name);
		buf_char(b, '>');
	}
}

void value_missing_xml(struct buf *b, uint32_t tag)
{
	struct value v;

	value_number(&v, (tag & 0xFFFF0000u) | PT_ERROR, KCERR_NOT_FOUND);
	value_xml(b, &v);
}

static void number_stream(struct buf *b, uint32_t type, uint64_t number)
{
	float single = (float)as_double(number);

	switch (type) {
	case PT_BOOLEAN:
		buf_char(b, number != 0);
		break;
	case PT_I2:
		buf_char(b, (char)(number >> 8));
		buf_char(b, (char)number);
		break;
	case PT_R4:
		buf_put(b, &single, sizeof(single));
		break;
	case PT_DOUBLE:
	case PT_APPTIME:
		buf_put(b, &number, sizeof(number));
		break;
	case PT_I8:
	case PT_SYSTIME:
	case PT_CURRENCY:
		buf_be32(b, (uint32_t)(number >> 32));
		buf_be32(b, (uint32_t)number);
		break;
	default:
		buf_be32(b, (uint32_t)number);
	}
}

void value_stream(struct buf *b, const struct value *v)
{
	uint32_t type = PROP_TYPE(v->tag), tag = v->tag, len;
	uint64_t number;
	const char *data;

	if ((type & ~(uint32_t)MV_FLAG) == PT_UNICODE)
		tag--;
	buf_be32(b, tag);
	if (type & MV_FLAG) {
		buf_be32(b, mv_count(v));
		for (uint32_t at = 0; at < v->len;) {
			len = mv_next(v, &at, &data);
			if (type_is_bytes(type & ~(uint32_t)MV_FLAG)) {
				buf_be32(b, len);
				buf_put(b, data, len);
			} else {
				memcpy(&number, data, sizeof(number));
				number_stream(b, type & ~(uint32_t)MV_FLAG, number);
			}
		}
	} else if (type_is_bytes(type)) {
		buf_be32(b, v->len);
		buf_put(b, v->data, v->len);
	} else {
		number_stream(b, type, v->number);
	}
}

static int compare_bytes(const struct value *a, const struct value *b)
{
	uint32_t n = a->len < b->len ? a->len : b->len;
	int order = is_text(PROP_TYPE(a->tag)) ? strncasecmp(a->data, b->data, n) : memcmp(a->data, b->data, n);

	return order ? order : (a->len > b->len) - (a->len < b->len);
}

int value_compare(const struct value *a, const struct value *b)
{
	uint32_t type = PROP_TYPE(a->tag);

	if (type_is_bytes(type))
		return compare_bytes(a, b);
	if (type == PT_I8 || type == PT_SYSTIME || type == PT_CURRENCY)
		return ((int64_t)a->number > (int64_t)b->number) - ((int64_t)a->number < (int64_t)b->number);
	if (type == PT_R4 || type == PT_DOUBLE || type == PT_APPTIME)
		return (as_double(a->number) > as_double(b->number)) - (as_double(a->number) < as_double(b->number));
	return (a->number > b->number) - (a->number < b->number);
}
