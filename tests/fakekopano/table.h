/*
 * Tables: an ordered list of rows with a cursor that is a row, not a number.
 *
 * A table follows what happens in its folder: rows come, go and move, and the cursor stays at its row. When ten rows
 * or more are touched at once the table is read anew and the cursor goes back to the first row, as in the real server.
 * The caller holds the session's mutex, or the server's lock alone.
 */
#ifndef FAKEKOPANO_TABLE_H
#define FAKEKOPANO_TABLE_H

#include "tests/fakekopano/buf.h"
#include "tests/fakekopano/change.h"
#include "tests/fakekopano/restriction.h"
#include "tests/fakekopano/world.h"

#define TABLE_DEPTH       0x1u
#define TABLE_SOFTDELETED 0x2u
#define TABLE_ASSOCIATED  0x40u
#define TABLE_UNCUT       0x40000000u

enum table_kind { TABLE_CONTENTS, TABLE_HIERARCHY, TABLE_MAILBOXES, TABLE_USER_STORES };

struct sort_key {
	uint32_t tag;
	bool descending;
};

struct table {
	uint32_t id;
	enum table_kind kind;
	uint32_t flags;
	uint32_t user;
	uint32_t folder_key;
	bool readable; /* decided when it was opened, kept whatever happens to the right */
	struct vec columns;
	struct sort_key *sort;
	uint32_t n_sort;
	struct restriction *restriction;
	struct vec rows; /* hids; of system tables: places of stores */
	uint32_t cursor;
};

struct table *table_new(const struct world *w, enum table_kind kind, uint32_t user, uint32_t folder, uint32_t flags);
void table_free(struct table *t);
/* Read the rows anew; the cursor goes to the first. */
void table_load(struct table *t, const struct world *w);
/* The same if the table shows this folder; folder_key 0 is any. */
void table_reload(struct table *t, const struct world *w, uint32_t folder_key);
void table_follow(struct table *t, const struct change *c);
/* Takes over the keys. */
void table_set_sort(struct table *t, const struct world *w, struct sort_key *keys, uint32_t n);
void table_set_restriction(struct table *t, const struct world *w, struct restriction *r);
/* Write a row set of at most n rows from the cursor on, which advances unless peek. Returns the number of rows. */
uint32_t table_rows_xml(struct table *t, struct world *w, struct buf *out, uint32_t n, bool peek);
/* Returns by how many rows the cursor moved. */
int32_t table_seek(struct table *t, uint32_t bookmark, int32_t n);

#endif
