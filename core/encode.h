/* How the pipeline gets bytes, without knowing the format. The one encoder is in proto/ (proto/encode.h). */
#ifndef TIDINGS_CORE_ENCODE_H
#define TIDINGS_CORE_ENCODE_H

#include "core/change.h"

struct arena;

struct dead_letter {
	enum cause cause;
	const char *text;
	const char *topic; /* where the original was meant to go; "" if nowhere */
	struct slice key;
	struct slice value;        /* of the original; empty if it does not fit or could not be read */
	uint64_t value_size_bytes; /* of the original; 0 if it could not be read */
	int64_t time_ns;
};

/* Each writes the message into the arena and returns it; `id` is set to its event id. None can fail: the source has
 * checked its text. */
struct encoder {
	struct slice (*change)(const struct change *change, struct arena *arena, uint8_t id[EVENT_ID_SIZE]);
	struct slice (*dead_letter)(const struct change *change, const struct dead_letter *letter, struct arena *arena,
				    uint8_t id[EVENT_ID_SIZE]);
	struct slice (*lifecycle)(const struct lifecycle *event, struct arena *arena, uint8_t id[EVENT_ID_SIZE]);
};

#endif
