/* The parts of `tidings tail`, each in a file: its options, what they let pass, names that records taught, the table.
 *
 * Threads: one. */
#ifndef TIDINGS_BRIDGE_CLI_TAIL_H
#define TIDINGS_BRIDGE_CLI_TAIL_H

#include <stdio.h>

#include "bridge/cli/cli.h"
#include "proto/summary.h"

/* ---- tail_options.c: the command line ---- */

struct tail_options {
	const char *config_file;
	struct reader_options reader;
	bool table;
	const char *save; /* a file that gets the JSON lines too; NULL: none */
	uint64_t count;   /* 0: all */
	/* What is looked for; NULL: anything. */
	const char *key, *store, *folder, *kind, *object;
};

/* Returns 0, or EXIT_USAGE after saying what is wrong. */
int tail_options(int argc, char **argv, struct tail_options *options);

/* "beginning", "end", "10m", "10m ago", "2026-01-31T10:00:00Z" (also with "+01:00"): milliseconds since 1970, or
 * FROM_... `now_ms` is what "ago" counts from. false: it is none of these. */
bool tail_time(const char *text, int64_t now_ms, int64_t *from_ms);

/* ---- tail_names.c: what earlier records said ---- */

/* Remembers names by key; a bounded number, newer ones drive out older ones. */
struct tail_names;

struct tail_names *tail_names_new(void);
void tail_names_free(struct tail_names *names); /* NULL is accepted */

/* Learns from the record, and fills in what it lacks: the owner of its store, the path of its folder, its own name. */
void tail_names_apply(struct tail_names *names, struct summary *summary, struct arena *arena);

/* ---- tail_filter.c ---- */

/* `key` is the record's; empty where the sink keeps none: then it is made from the summary. */
bool tail_passes(const struct tail_options *options, const struct summary *summary, const struct delivered *delivered);

/* ---- tail_table.c ---- */

/* As wide as the terminal; `n_columns` 0: as wide as it is, or COLUMNS says. */
struct tail_table {
	FILE *out;
	int n_columns;
};

void tail_table_head(struct tail_table *table);
void tail_table_row(const struct tail_table *table, const struct summary *summary);

#endif
