/* How the source stands, for other threads: noted by the source's thread now and then, under the source's mutex, and
 * read by others under the same. Nothing of it points to what the source's thread changes. */
#ifndef TIDINGS_BRIDGE_KOPANO_STANDING_H
#define TIDINGS_BRIDGE_KOPANO_STANDING_H

#include "core/arena.h"
#include "core/error.h"

enum { NOTE_STANDING_MS = 500, STANDING_STREAMS = 64 };

struct standing_stream {
	const char *name;
	uint32_t settled, lag;
	bool suspended;
};

struct standing_listing {
	const char *name, *text;
	uint64_t n_done, n_total;
};

struct standing {
	struct arena arena;
	bool is_noted; /* logged on, and the stores are known */
	int64_t noted_at_ms;
	char server_version[32];
	uint32_t maximum, epoch;

	struct standing_stream *streams;
	size_t n_streams, n_all_streams; /* the first STANDING_STREAMS of them */
	struct standing_listing *listings;
	size_t n_listings;
	struct slice *owners; /* of the stores that are followed */
	size_t n_owners;
	uint32_t n_stores, n_folders;
	size_t map_bytes;

	uint64_t n_filtered, n_late, n_unannounced, n_unknown, n_reconnects;
	int64_t outage_since; /* unix seconds; 0: there is none */
	char outage[512];
};

/* Whether a store of this owner ("public") is followed; *rc ERR_AGAIN: that is not known yet. */
bool standing_knows(const struct standing *standing, const char *owner, int *rc, struct err *err);

#endif
