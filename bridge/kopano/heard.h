/* What was heard and not yet taken: which folders rang, and, where somebody wants them, the notices themselves.
 * Bounded, however much comes: more than HEARD_FOLDERS folders are "everything", and of notices beyond `room` only the
 * number is kept. Pure data; whoever shares it between threads has the mutex (bell.h). A zeroed one is empty. */
#ifndef TIDINGS_BRIDGE_KOPANO_HEARD_H
#define TIDINGS_BRIDGE_KOPANO_HEARD_H

#include "bridge/kopano/client_notify.h"
#include "bridge/kopano/keymap.h"

enum { HEARD_FOLDERS = 1024, HEARD_ID_BYTES = 256 /* longer entry ids are none */ };

/* What is to be read. */
struct rung {
	bool any;              /* everything */
	bool hierarchy;        /* what the stores' folders are */
	struct slice *folders; /* entry ids of those whose items were touched */
	size_t n_folders, room;
	struct keymap known; /* of folders */
	struct arena arena;
};

bool rung_is_empty(const struct rung *rung);
void rung_by(struct rung *rung, const struct notice *notice);
void rung_free(struct rung *rung); /* it is empty again */

/* What is to be told. */
struct notices {
	struct heard_notice {
		struct notice notice;
		int64_t at_ns; /* of the day */
	} * list;
	size_t n, room;
	uint64_t n_dropped; /* that came after these */
	bool missed;        /* some may not have come at all, before or between these */
	struct arena arena;
};

bool notices_are_none(const struct notices *notices);
void notices_add(struct notices *notices, const struct notice *notice, int64_t at_ns, size_t room);
void notices_free(struct notices *notices); /* empty again */

#endif
