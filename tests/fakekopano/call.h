/*
 * One SOAP call: reading its arguments strictly, writing its answer.
 *
 * A malformed argument makes the whole call a SOAP Fault: the getters note it and return 0 or nothing, and a method
 * that changes something asks call_faulted() after reading its arguments.
 */
#ifndef FAKEKOPANO_CALL_H
#define FAKEKOPANO_CALL_H

#include "tests/fakekopano/buf.h"
#include "tests/fakekopano/ids.h"
#include "tests/fakekopano/xml.h"

struct server;
struct session;
struct world;

struct call {
	struct server *server;
	struct world *w;
	struct session *session; /* NULL: er is not 0 */
	uint32_t er;             /* what the call answers, unless it finds an error of its own */
	const struct xml *doc;
	const struct xml_node *in; /* the method element */
	struct buf *out;
	const char *peer;
	bool by_socket;       /* over the unix socket: trusted */
	bool exclusive;       /* the lock is held alone */
	bool needs_exclusive; /* set by a method that must be called again so */
	uint64_t session_id;  /* of a method that waits and so has no session to hold on to */
	bool no_answer;       /* close the connection instead */
	bool ended_session;
	uint32_t capabilities; /* of a session made by this call */
	struct buf *parts;     /* binary parts after the XML */
	uint32_t n_parts, cap_parts;
	char fault[160];
	void **temporary;
	uint32_t n_temporary, cap_temporary;
};

/* Memory that lives as long as the call. */
void *call_alloc(struct call *c, size_t n);
void call_end(struct call *c);
bool call_faulted(const struct call *c);

uint64_t node_uint(struct call *c, const struct xml_node *node, uint64_t max);
int64_t node_int(struct call *c, const struct xml_node *node, int64_t min, int64_t max);
struct bytes node_bytes(struct call *c, const struct xml_node *node);
bool node_bool(struct call *c, const struct xml_node *node);

uint32_t arg_uint(struct call *c, const struct xml_node *in, const char *name);
uint64_t arg_uint64(struct call *c, const struct xml_node *in, const char *name);
struct bytes arg_bytes(struct call *c, const struct xml_node *in, const char *name);
/* NULL when it is absent. */
const char *arg_text(struct call *c, const struct xml_node *in, const char *name);
const struct xml_node *arg_node(struct call *c, const struct xml_node *in, const char *name);
/* The items of an encoded array; *limit is what its arrayType allows. type is what it must name. */
const struct xml_node *array_items(struct call *c, const struct xml_node *array, const char *type, uint32_t *limit);

void put_uint(struct call *c, const char *name, uint64_t value);
void put_int(struct call *c, const char *name, int64_t value);
void put_text(struct call *c, const char *name, const char *text);
void put_bytes(struct call *c, const char *name, const void *bytes, size_t n);
void put_raw(struct call *c, const char *xml);

#endif
