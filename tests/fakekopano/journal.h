/*
 * The journal of changes.
 *
 * One entry per (parent, object, action): a newer one takes the place of the older and gets a new, higher id. Ids are
 * given once and never again; an id without an entry is a gap. Entries lie in one array by id, with a vector of ids
 * per folder kept by the folder, so that everything after an id is found without looking at what came before.
 */
#ifndef FAKEKOPANO_JOURNAL_H
#define FAKEKOPANO_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/fakekopano/vec.h"

enum change_action { CHANGE_NONE, CHANGE_NEW, CHANGE_CHANGE, CHANGE_FLAG, CHANGE_SOFT_DELETE, CHANGE_HARD_DELETE };

#define CHANGE_MESSAGE 0x1000u
#define CHANGE_FOLDER  0x2000u
#define CHANGE_AB      0x4000u
/* Raises the maximum of a folder, is never listed. */
#define CHANGE_PLACEHOLDER 0x8000u

struct journal_entry {
	uint32_t parent; /* counters of the source keys */
	uint32_t key;
	uint16_t kind; /* object bit and action; 0 is a gap */
	uint8_t flags;
	bool associated;
};

struct journal {
	struct journal_entry *entries; /* entries[id]; 0 is not used */
	uint32_t last;                 /* highest id ever given */
	uint32_t max;                  /* highest id that has an entry */
	uint32_t cap;
	uint32_t *slots; /* hash of ids by (parent, key, kind) */
	uint32_t n_slots, n_used;
};

void journal_init(struct journal *j);
void journal_free(struct journal *j);
struct journal journal_clone(const struct journal *j);

/* Take n ids that nobody else gets. Returns the first. */
uint32_t journal_reserve(struct journal *j, uint32_t n);
/* Write an entry under an id that was reserved. Returns the id of the entry that it replaced, or 0. */
uint32_t journal_write(struct journal *j, uint32_t id, struct journal_entry entry);
const struct journal_entry *journal_get(const struct journal *j, uint32_t id);
/* The id of the entry for that object and kind, or 0. */
uint32_t journal_find(const struct journal *j, uint32_t parent, uint32_t key, uint16_t kind);

#endif
