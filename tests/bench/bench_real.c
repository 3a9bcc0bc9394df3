/* What a Kopano server gives to a bare reader: the same calls, columns and sizes as the source uses, and every cell
 * read, but nothing made of it. The measure of tests/bench and tests/real/bench.py. A JSON line per round.
 *
 *     bench_real table|export URL USER PASSWORD_FILE FOLDER_ENTRY_ID ROUNDS
 *     bench_real journal URL USER PASSWORD_FILE FOLDER_SOURCE_KEY ROUNDS [AFTER]
 *
 * USER SYSTEM with PASSWORD_FILE "-": none. Ids and keys are in hex. export reads the keys of all items first,
 * uncounted; journal reads the entries after a change id (1). */
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

static size_t bench_journal(struct client *client, struct slice folder, uint32_t after)
{
	struct journal_entry entry;
	struct err err;
	uint32_t sync_id = 0, max_change_id;
	size_t n = 0;
	int rc = client_set_sync(client, folder, SYNC_CONTENTS, after, &sync_id, &err);
	if (!rc)
		rc = client_changes(client, sync_id, after, SYNC_CONTENTS, SYNC_NORMAL | SYNC_READ_STATE, &err);
	while (!rc && !(rc = client_next_entry(client, SYNC_CONTENTS, &entry, &max_change_id, &err)))
		n++;
	if (rc != KOPANO_END)
		fail(&err);
	return n;
}

struct reading {
	const char *kind;
	struct slice folder;
	uint32_t after;
	struct keys keys;
};

static size_t read_once(struct client *client, const struct reading *reading)
{
	if (!strcmp(reading->kind, "table"))
		return bench_table(client, reading->folder);
	if (!strcmp(reading->kind, "journal"))
		return bench_journal(client, reading->folder, reading->after);
	return bench_export(client, &reading->keys);
}

static void run(struct client *client, struct reading *reading, int n_rounds)
{
	if (!strcmp(reading->kind, "export"))
		read_keys(client, reading->folder, &reading->keys);
	for (int i = 0; i < n_rounds; i++) {
		double began = now_s();
		size_t n = read_once(client, reading);
		double seconds = now_s() - began;
		printf("{\"bench\": \"bare %s\", \"items\": %zu, \"seconds\": %.4f, \"items_per_s\": %.0f}\n",
		       reading->kind, n, seconds, (double)n / seconds);
	}
	free(reading->keys.keys);
	arena_free(&reading->keys.arena);
}

int main(int argc, char **argv)
{
	struct arena arena = {0};
	struct client *client;
	struct reading reading = {.after = 1};
	struct err err;
	if (argc < 7 || argc > 8 || !hex_read(argv[5], strlen(argv[5]), &arena, &reading.folder)) {
		fprintf(stderr,
			"usage: bench_real table|export|journal URL USER PASSWORD_FILE FOLDER ROUNDS [AFTER]\n");
		return 2;
	}
	char *password = password_of(argv[4]);
	struct login login = {.url = argv[2], .user = argv[3], .password = password, .impersonate = "", .verify = true};
	if (client_open(&login, &client, &err))
		fail(&err);
	reading.kind = argv[1];
	reading.after = argc > 7 ? (uint32_t)strtoul(argv[7], NULL, 10) : reading.after;
	run(client, &reading, atoi(argv[6]));
	client_close(client);
	arena_free(&arena);
	free(password);
	return 0;
}
