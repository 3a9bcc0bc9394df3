/* The envelope around every call: requests are written into one growing buffer, answers are opened up to the element of
 * the call. Facts: SOAP 1.1, RPC style, namespace urn:zarafa; children of a call must be unqualified.
 *
 *     soap_begin -> soap_number | soap_text | soap_binary | soap_open ... soap_close -> soap_end -> (send) ...
 *     soap_enter -> scan_child ... -> soap_leave
 *
 * Memory: the buffer, kept for the next request, wiped by soap_wipe because it holds session id and password. */
#ifndef TIDINGS_BRIDGE_KOPANO_SOAP_H
#define TIDINGS_BRIDGE_KOPANO_SOAP_H

#include "bridge/kopano/scan.h"

struct soap {
	uint8_t *data;
	size_t size, capacity;
	const char *call;
};

/* Begins a request. `call`, a literal, lives as long as the request. */
void soap_begin(struct soap *soap, const char *call);
void soap_number(struct soap *soap, const char *name, uint64_t number);
void soap_text(struct soap *soap, const char *name, struct slice text);
void soap_binary(struct soap *soap, const char *name, struct slice bytes);
void soap_open(struct soap *soap, const char *name);
void soap_close(struct soap *soap, const char *name);
/* <name SOAP-ENC:arrayType="xsd:unsignedInt[n]"> with its items. */
void soap_tags(struct soap *soap, const char *name, const uint32_t *tags, size_t n);
/* The whole request; borrowed until the next soap_begin. */
struct slice soap_end(struct soap *soap);

/* Overwrites the content; soap_free also gives the memory back. */
void soap_wipe(struct soap *soap);
void soap_free(struct soap *soap);

/* Goes into the element of the call's answer. false: it is a fault (scan->err says which), or no SOAP at all. */
bool soap_enter(struct scan *scan);

/* Goes on from there to the end of the envelope, so that a truncated answer is not taken for a whole one. */
void soap_leave(struct scan *scan);

#endif
