#include "bridge/kopano/soap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_CAPACITY_BYTES = 4096, FAULT_LIMIT_BYTES = 80 };

static uint8_t *room(struct soap *soap, size_t n)
{
	if (soap->capacity - soap->size < n) {
		size_t capacity = 2 * soap->capacity + n + FIRST_CAPACITY_BYTES;
		uint8_t *data = xmalloc(capacity);
		if (soap->size)
			memcpy(data, soap->data, soap->size);
		size_t size = soap->size;
		soap_free(soap); /* no copy of a secret stays behind, as realloc would leave it */
		soap->data = data;
		soap->size = size;
		soap->capacity = capacity;
	}
	return soap->data + soap->size;
}

static void put(struct soap *soap, const void *bytes, size_t n)
{
	if (n == 0)
		return;
	memcpy(room(soap, n), bytes, n);
	soap->size += n;
}

static void put_string(struct soap *soap, const char *text)
{
	put(soap, text, strlen(text));
}

__attribute__((format(printf, 2, 3))) static void put_format(struct soap *soap, const char *format, ...)
{
	char text[128];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	put_string(soap, text);
}

void soap_begin(struct soap *soap, const char *call)
{
	soap->size = 0;
	soap->call = call;
	put_string(soap, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			 "<SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\""
			 " xmlns:SOAP-ENC=\"http://schemas.xmlsoap.org/soap/encoding/\""
			 " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""
			 " xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:ns=\"urn:zarafa\">"
			 "<SOAP-ENV:Body SOAP-ENV:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\">");
	put_format(soap, "<ns:%s>", call);
}

struct slice soap_end(struct soap *soap)
{
	put_format(soap, "</ns:%s></SOAP-ENV:Body></SOAP-ENV:Envelope>\n", soap->call);
	return slice_of(soap->data, soap->size);
}

void soap_open(struct soap *soap, const char *name)
{
	put_format(soap, "<%s>", name);
}

void soap_close(struct soap *soap, const char *name)
{
	put_format(soap, "</%s>", name);
}

void soap_number(struct soap *soap, const char *name, uint64_t number)
{
	put_format(soap, "<%s>%llu</%s>", name, (unsigned long long)number, name);
}

static void put_escaped(struct soap *soap, uint8_t c)
{
	if (c == '&')
		put_string(soap, "&amp;");
	else if (c == '<')
		put_string(soap, "&lt;");
	else if (c == '>')
		put_string(soap, "&gt;");
	else if (c < ' ' && c != '\t' && c != '\n')
		put_format(soap, "&#x%X;", c);
	else
		put(soap, &c, 1);
}

void soap_text(struct soap *soap, const char *name, struct slice text)
{
	soap_open(soap, name);
	for (size_t i = 0; i < text.size; i++)
		put_escaped(soap, text.data[i]);
	soap_close(soap, name);
}

static void put_group(const uint8_t *bytes, size_t n, uint8_t *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = (uint32_t)bytes[0] << 16 | (n > 1 ? bytes[1] : 0) << 8 | (n > 2 ? bytes[2] : 0);

	out[0] = (uint8_t)digits[bits >> 18];
	out[1] = (uint8_t)digits[bits >> 12 & 63];
	out[2] = n > 1 ? (uint8_t)digits[bits >> 6 & 63] : '=';
	out[3] = n > 2 ? (uint8_t)digits[bits & 63] : '=';
}

void soap_binary(struct soap *soap, const char *name, struct slice bytes)
{
	soap_open(soap, name);
	uint8_t *out = room(soap, (bytes.size + 2) / 3 * 4);
	for (size_t i = 0; i < bytes.size; i += 3, out += 4)
		put_group(bytes.data + i, bytes.size - i, out);
	soap->size = (size_t)(out - soap->data);
	soap_close(soap, name);
}

void soap_tags(struct soap *soap, const char *name, const uint32_t *tags, size_t n)
{
	put_format(soap, "<%s SOAP-ENC:arrayType=\"xsd:unsignedInt[%zu]\">", name, n);
	for (size_t i = 0; i < n; i++)
		soap_number(soap, "item", tags[i]);
	soap_close(soap, name);
}

void soap_wipe(struct soap *soap)
{
	if (soap->data)
		explicit_bzero(soap->data, soap->capacity);
	soap->size = 0;
}

void soap_free(struct soap *soap)
{
	soap_wipe(soap);
	free(soap->data);
	*soap = (struct soap){.call = soap->call};
}

/* One line of printable text, cut. */
static void copy_line(struct slice text, char line[FAULT_LIMIT_BYTES + 1])
{
	size_t n = text.size < FAULT_LIMIT_BYTES ? text.size : FAULT_LIMIT_BYTES;

	for (size_t i = 0; i < n; i++)
		line[i] = text.data[i] >= ' ' && text.data[i] < 0x7f ? (char)text.data[i] : '?';
	line[n] = '\0';
}

static void refuse_as_fault(struct scan *scan)
{
	char code[FAULT_LIMIT_BYTES + 1] = "", text[FAULT_LIMIT_BYTES + 1] = "";
	int level = scan->depth;

	while (scan_child(scan, level)) {
		if (scan_is(scan, "faultcode"))
			copy_line(scan_raw(scan), code);
		else if (scan_is(scan, "faultstring"))
			copy_line(scan_raw(scan), text);
	}
	/* A fault of the client's is one of this request, which will not get better. */
	enum err_class class = strstr(code, "Client") ? ERR_BAD : ERR_AGAIN;
	scan_refuse(scan, class, "the server refuses the call as a whole: %s", text[0] ? text : code);
}

static bool enter(struct scan *scan, const char *name)
{
	if (scan_child_named(scan, scan->depth, name))
		return true;
	scan_refuse(scan, ERR_AGAIN, "the answer is not SOAP: it has no %s", name);
	return false;
}

bool soap_enter(struct scan *scan)
{
	if (!enter(scan, "Envelope") || !enter(scan, "Body"))
		return false;
	if (!scan_child(scan, scan->depth)) {
		scan_refuse(scan, ERR_AGAIN, "the answer is empty");
		return false;
	}
	if (!scan_is(scan, "Fault"))
		return true;
	refuse_as_fault(scan);
	return false;
}

void soap_leave(struct scan *scan)
{
	while (scan_child(scan, 0))
		;
}
