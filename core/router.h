/* Where a change goes: its topic and its key (design: proto/README.md, "Keys"). Pure: the same change, the same answer.
 */
#ifndef TIDINGS_CORE_ROUTER_H
#define TIDINGS_CORE_ROUTER_H

#include "core/change.h"
#include "core/sink.h"

struct route {
	enum topic topic;
	struct slice key; /* lower-case hex, in the arena that was given */
	const char *type; /* CloudEvents type, static */
};

void route_change(const struct change *change, struct arena *arena, struct route *route);
void route_lifecycle(const struct lifecycle *event, struct arena *arena, struct route *route);

/* "items", "folders", ...: how the configuration names a topic. */
const char *topic_name(enum topic topic);

#endif
