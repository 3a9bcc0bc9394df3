/* Walks: what is to be told of many stores' or folders' records, batch by batch.
 *
 * A walk has a list of folders that may end and one of folders that may be told. Whoever begins it has made its calls:
 *
 *     tour = tour_new(origin)  ->  tour_end_below, tour_tell_below, ...  ->  walk_begin(kopano, tour)
 *
 * and walk_step then looks at each folder anew when its turn comes: one that the configuration does not choose any more
 * (or all, if `mark` says that they are deleted) ends, children first; then one that is chosen is told, parents first.
 * The last batch carries what makes the whole true in the state: until then a restart begins it again. */
#ifndef TIDINGS_BRIDGE_KOPANO_WALK_H
#define TIDINGS_BRIDGE_KOPANO_WALK_H

#include "bridge/kopano/facts.h"
#include "core/batch.h"

struct kopano;
struct stream;
struct tour;

/* Folders, by their numbers in the map. */
struct folder_numbers {
	uint32_t *folders;
	size_t n, room;
};

typedef void tour_fn(struct kopano *kopano, struct tour *tour, struct batch *batch);

struct tour {
	struct folder_numbers ends, tells;
	size_t next_end, next_tell;
	struct folder_list details; /* what the map does not have of folders that are told */
	uint32_t store;

	bool all;                  /* folders that were followed before are told as well */
	enum change_origin origin; /* of the records: journal or listing */
	uint32_t change_id;        /* of the journal entry */
	uint32_t created_id;       /* the first of `tells` was created by this journal entry; 0: not */
	uint8_t snapshot_id[SNAPSHOT_ID_SIZE];

	uint16_t mark;               /* FOLDER_ENDED_SOFT, FOLDER_ENDED_HARD: all of `ends` are deleted; 0: not */
	enum deletion_type deletion; /* of their records; 0: not known */
	bool forget;                 /* ... and leave the state, with their store */
	bool known_ends;             /* `ends` were chosen as they will be: all of them end */
	const char *why;             /* they end */
	uint32_t kept_for_last;      /* the folder whose entry goes with the last batch; MAP_NONE: none */

	bool has_row; /* when all have ended, the map takes what the folder kept_for_last is now: */
	struct folder_row row;

	struct store_facts facts; /* of the store, where a record of it is told */
	tour_fn *first, *last;    /* add to the first batch of what is told, to the last batch; NULL: nothing */
	struct stream *stream;    /* whose entry with this id it is; NULL: none */
	uint32_t taken_id;
	struct arena arena;
};

/* One walk that must be done before anything else is read, and one that only tells what was found. */
struct walk {
	struct tour *now, *beside;
};

struct tour *tour_new(enum change_origin origin);
void tour_free(struct tour *tour); /* NULL is accepted */

/* The folder and all below it may end; may be told. */
void tour_end_below(struct kopano *kopano, struct tour *tour, uint32_t top);
void tour_tell_below(struct kopano *kopano, struct tour *tour, uint32_t top);
void tour_tell(struct tour *tour, uint32_t folder);
void tour_end(struct tour *tour, uint32_t folder); /* children first */

/* Leaves those that do end as it stands: true if there are any. */
bool tour_keep_ends(struct kopano *kopano, struct tour *tour);

/* All of the store. */
void tour_end_store(struct kopano *kopano, struct tour *tour, uint32_t store);
void tour_tell_store(struct kopano *kopano, struct tour *tour, uint32_t store);

/* Adds as much of it to the batch as has room. true: that was all, and the last things are in it. No calls. */
bool tour_go_on(struct kopano *kopano, struct tour *tour, struct batch *batch);

/* It is taken over. `now`: before anything else is read. */
void walk_begin(struct kopano *kopano, struct tour *tour, bool now);
void walk_free(struct walk *walk);

/* ---- ending.c ---- */

/* As the map and the configuration are now. */
bool end_is_due(const struct kopano *kopano, const struct tour *tour, uint32_t folder);

/* The folder's end in one batch, if it is due: what consumers are told, what goes from the state, what the map says
 * then. */
void end_folder(struct kopano *kopano, struct tour *tour, uint32_t folder, struct batch *batch);

/* Folders that are deleted for good leave the map, now that everything up to `settled` was told of their items. At most
 * some hundred at once; no number of them may be in use. */
void ending_purge(struct kopano *kopano, uint32_t settled, struct batch *batch);

/* ---- records.c: a record of a folder or store, as the map and the details have it ---- */

struct change *record_folder(struct kopano *kopano, const struct tour *tour, uint32_t folder, enum change_kind kind,
			     struct batch *batch);
struct change *record_store(struct kopano *kopano, const struct tour *tour, uint32_t store, enum change_kind kind,
			    struct batch *batch);
void record_lifecycle_of_store(struct kopano *kopano, uint32_t store, enum lifecycle_type type, const char *text,
			       struct batch *batch);

#endif
