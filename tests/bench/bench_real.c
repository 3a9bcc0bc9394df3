/* What a real Kopano server gives to a bare reader: the same calls, columns and sizes as the source uses, and every
 * cell read, but nothing made of it. The measure of tests/real/bench.py. A JSON line per round.
 *
 *     bench_real table|export URL USER PASSWORD_FILE FOLDER_ENTRY_ID ROUNDS
 *
 * USER SYSTEM with PASSWORD_FILE "-": none. The entry id is in hex. export reads the keys of all items first,
 * uncounted. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bridge/kopano/item.h"
#include "core/hex.h"

enum { ROWS = 1000, CELLS = N_ITEM_COLUMNS };

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void fail(const struct err *err)
{
	fprintf(stderr, "bench_real: %s\n", err->text);
	exit(1);
}

static char *password_of(const char *file)
{
	char *line = NULL;
	size_t room = 0;
	FILE *in = strcmp(file, "-") ? fopen(file, "r") : NULL;
	if (in && getline(&line, &room, in) > 0)
		line[strcspn(line, "\n")] = '\0';
	if (in)
		fclose(in);
	return line ? line : strdup("");
}

typedef void row_fn(void *context, const struct prop *cells);

/* The way that the snapshot takes: one table, page after page, to its end. */
static size_t read_table(struct client *client, struct slice folder, const struct columns *columns, row_fn *row,
			 void *context)
{
	struct table_request request = {.kind = TABLE_CONTENTS,
					.folder_entry_id = folder,
					.flags = TABLE_UNCUT,
					.columns = *columns,
					.n_rows = ROWS};
	struct prop cells[CELLS];
	struct arena arena = {0};
	struct err err;
	size_t n = 0, n_before;
	int rc = client_open_table(client, &request, &err);
	do {
		n_before = n;
		for (; rc == 0 && (rc = client_next_row(client, &arena, cells, &err)) == 0; n++) {
			row(context, cells);
			if (n % 256 == 0)
				arena_free(&arena);
		}
		if (rc == KOPANO_END && n > n_before)
			rc = client_next_page(client, ROWS, &err);
	} while (rc == 0);
	arena_free(&arena);
	client_close_table(client);
	if (rc != KOPANO_END)
		fail(&err);
	return n;
}

static void look(void *context, const struct prop *cells)
{
	*(uint64_t *)context += item_number(cells);
}

static size_t bench_table(struct client *client, struct slice folder)
{
	uint64_t sum = 0;
	return read_table(client, folder, &item_columns, look, &sum);
}

struct keys {
	struct arena arena;
	struct item_key *keys;
	size_t n, room;
};

static void note_key(void *context, const struct prop *cells)
{
	struct keys *keys = context;
	if (keys->n == keys->room) {
		keys->room = keys->room ? 2 * keys->room : ROWS;
		keys->keys = xrealloc(keys->keys, keys->room * sizeof *keys->keys);
	}
	keys->keys[keys->n++] =
		(struct item_key){arena_copy(&keys->arena, cells[0].bytes), arena_copy(&keys->arena, cells[1].bytes)};
}

static void read_keys(struct client *client, struct slice folder, struct keys *keys)
{
	static const uint32_t tags[] = {PR_PARENT_SOURCE_KEY, PR_SOURCE_KEY};
	read_table(client, folder, &(struct columns){tags, 2}, note_key, keys);
}

static size_t export_batch(struct client *client, const struct item_key *keys, size_t n)
{
	struct prop cells[CELLS];
	struct arena arena = {0};
	struct err err;
	uint32_t index;
	size_t n_read = 0;
	int rc = client_export(client, keys, n, &item_columns, &err);
	for (; rc == 0 && (rc = client_next_export(client, &arena, &index, cells, &err)) == 0; n_read++)
		arena_free(&arena);
	if (rc != KOPANO_END)
		fail(&err);
	return n_read;
}

/* The way that following takes, a window at a time. */
static size_t bench_export(struct client *client, const struct keys *keys)
{
	size_t n = 0;
	for (size_t at = 0; at < keys->n; at += ROWS)
		n += export_batch(client, keys->keys + at, keys->n - at < ROWS ? keys->n - at : ROWS);
	return n;
}

static void run(struct client *client, struct slice folder, bool is_table, int n_rounds)
{
	struct keys keys = {0};
	if (!is_table)
		read_keys(client, folder, &keys);
	for (int i = 0; i < n_rounds; i++) {
		double began = now_s();
		size_t n = is_table ? bench_table(client, folder) : bench_export(client, &keys);
		double seconds = now_s() - began;
		printf("{\"bench\": \"bare %s\", \"items\": %zu, \"seconds\": %.4f, \"items_per_s\": %.0f}\n",
		       is_table ? "table" : "export", n, seconds, (double)n / seconds);
	}
	free(keys.keys);
	arena_free(&keys.arena);
}

int main(int argc, char **argv)
{
	struct arena arena = {0};
	struct client *client;
	struct slice folder;
	struct err err;
	if (argc != 7 || !hex_read(argv[5], strlen(argv[5]), &arena, &folder)) {
		fprintf(stderr, "usage: bench_real table|export URL USER PASSWORD_FILE FOLDER_ENTRY_ID ROUNDS\n");
		return 2;
	}
	char *password = password_of(argv[4]);
	struct login login = {.url = argv[2], .user = argv[3], .password = password, .impersonate = "", .verify = true};
	if (client_open(&login, &client, &err))
		fail(&err);
	run(client, folder, !strcmp(argv[1], "table"), atoi(argv[6]));
	client_close(client);
	arena_free(&arena);
	free(password);
	return 0;
}
