/* Where a stream stands, when the order of ids is not the order in which they become visible.
 *
 * An id is given before its writer's transaction commits, so an id can appear after a higher one: between folders
 * always, and in one folder too, because not every writer takes the folder's lock (setting a message's status does
 * not). So a position is a settled id, up to which everything was taken and nothing can appear any more, and the ids
 * taken above it.
 *
 *     from = settle_ask(...)     before each getChanges
 *     settle_is_taken(id)        for each entry; those that are not: settle_take, with the batch that publishes them
 *     settle_advance(up to)      when all entries up to there are taken
 *     settle_note(id)            for the last of them, and for the maximum of the answer when it has come to its end
 *     settle_dropped()           if it has not
 *
 * Ids settle by time: those up to a maximum that was noted T before a read was asked for are all visible to it. Only
 * such a read, which asks from the settled id, moves it; it is made every T. The others ask from the highest id noted a
 * quarter of a second ago. Positions in the state: "position/<stream>" is the settled id, "taken/<stream>/<id>" lists
 * ids above it, as u32 little-endian; each batch adds its own list, and lists below the settled id are removed. */
#ifndef TIDINGS_BRIDGE_KOPANO_SETTLE_H
#define TIDINGS_BRIDGE_KOPANO_SETTLE_H

#include "bridge/kopano/notes.h"
#include "core/batch.h"

enum { QUICK_MS = 250 };

/* A list of the state: its key is that of its lowest id. */
struct settle_list {
	uint32_t lowest, highest;
};

struct settle {
	int64_t settle_ms; /* T */
	uint32_t settled;
	uint32_t *taken; /* above it, ascending */
	size_t n_taken, room_taken;
	struct settle_list *lists;
	size_t n_lists, room_lists;
	struct notes notes;
	uint32_t sure;         /* of the answer being read: what it settles at most; 0: nothing */
	int64_t asked_full_ms; /* when the settled id was last asked from; 0: never */
};

void settle_start(struct settle *settle, uint32_t settled, int64_t settle_ms);
void settle_free(struct settle *settle);

/* A list that was stored. false: it is damaged. */
bool settle_load(struct settle *settle, struct slice ids);

/* The id to ask from: the settled one, or one that is above it. */
uint32_t settle_ask(struct settle *settle, int64_t now_ms);

bool settle_is_taken(const struct settle *settle, uint32_t id);

/* How many ids up to `max` may still have to be taken. */
uint32_t settle_untaken(const struct settle *settle, uint32_t max);

/* The answer was not taken to its end. The next read asks from the settled id again: what was left out may be below
 * what was noted, and would come T later, after newer changes of the same items. */
void settle_dropped(struct settle *settle);

/* Takes n ids, ascending, and puts their list into the batch that publishes them; `key` is "taken/<stream>/". */
void settle_take(struct settle *settle, const uint32_t *ids, size_t n, struct batch *batch, const char *key);

/* Everything up to `up_to` is taken: moves the settled id as far as the answer allows; lists that are settled are
 * removed by the batch. false: it did not move. */
bool settle_advance(struct settle *settle, uint32_t up_to, struct batch *batch, const char *key);

/* Whether settle_advance would move it. */
bool settle_can_advance(const struct settle *settle, uint32_t up_to);

/* The stream ends: the batch removes its lists. */
void settle_forget(struct settle *settle, struct batch *batch, const char *key);

/* This id was given before now: the server says so, or shows it. */
void settle_note(struct settle *settle, int64_t now_ms, uint32_t max);

#endif
