/* Restrictions of tables, as the client sends them. */
#ifndef FAKEKOPANO_RESTRICTION_H
#define FAKEKOPANO_RESTRICTION_H

#include "tests/fakekopano/call.h"
#include "tests/fakekopano/value.h"

struct restriction;

typedef bool row_getter(void *row, uint32_t tag, struct value *v);

/* Parse what the node holds. Returns NULL and sets *er, or a fault in the call, when it is malformed. */
struct restriction *restriction_parse(struct call *c, const struct xml_node *node, uint32_t *er);
void restriction_free(struct restriction *r);
bool restriction_holds(const struct restriction *r, row_getter *get, void *row);

#endif
