/* Pairs of texts, each different pair kept once and named by a number: the name and class that thousands of mailboxes
 * share. Nothing is ever taken out. A zeroed struct texts is empty. Not thread-safe. */
#ifndef TIDINGS_BRIDGE_KOPANO_TEXTS_H
#define TIDINGS_BRIDGE_KOPANO_TEXTS_H

#include "bridge/kopano/index.h"

struct texts {
	uint8_t *bytes;
	size_t n_bytes, room;
	struct index index;
};

uint32_t texts_put(struct texts *texts, struct slice first, struct slice second);

/* Borrowed until the next texts_put. */
struct slice texts_first(const struct texts *texts, uint32_t number);
struct slice texts_second(const struct texts *texts, uint32_t number);

void texts_free(struct texts *texts);

#endif
