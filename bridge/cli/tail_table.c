#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "bridge/cli/tail.h"
#include "core/hex.h"
#include "proto/utf8.h"

/* The narrow columns have their width, the others share the rest. */
enum { DEFAULT_COLUMNS = 120, LEAST_COLUMNS = 60, WIDE_COLUMNS = 100, WHAT_COLUMNS = 18, SHOWN_KEY_BYTES = 6 };

struct layout {
	int time, what, store, folder, name, from;
};

static struct layout layout_of(const struct tail_table *table)
{
	struct layout layout = {.what = WHAT_COLUMNS};
	layout.time = table->n_columns >= WIDE_COLUMNS ? (int)strlen("2026-01-31 10:00:00") : (int)strlen("10:00:00");
	int rest = table->n_columns - layout.time - layout.what - 5; /* a space between columns */
	layout.store = rest * 12 / 100;
	layout.folder = rest * 24 / 100;
	layout.from = rest * 22 / 100;
	layout.name = rest - layout.store - layout.folder - layout.from;
	return layout;
}

/* ---- a cell ---- */

static wchar_t code_point(const uint8_t *p, size_t n_bytes)
{
	static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	wchar_t code = p[0] & masks[n_bytes];
	for (size_t i = 1; i < n_bytes; i++)
		code = code << 6 | (p[i] & 0x3f);
	return code;
}

/* What would command a terminal, or turn the order of what follows it. */
static bool is_harmful(wchar_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x061c || code == 0x200e || code == 0x200f ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

/* One character of a text: its bytes in the text, and as it is shown. */
struct glyph {
	size_t n_bytes;
	const char *shown;
	size_t n_shown;
	int n_columns;
};

static struct glyph glyph_at(const char *text)
{
	size_t n_bytes = utf8_character(slice_of_text(text));
	wchar_t code = n_bytes ? code_point((const uint8_t *)text, n_bytes) : 0;
	if (n_bytes == 0 || is_harmful(code))
		return (struct glyph){n_bytes ? n_bytes : 1, "?", 1, 1};
	int n_columns = wcwidth(code);
	return (struct glyph){n_bytes, text, n_bytes, n_columns < 0 ? 1 : n_columns};
}

static int columns_of(const char *text)
{
	int n_columns = 0;
	for (struct glyph glyph; *text; text += glyph.n_bytes) {
		glyph = glyph_at(text);
		n_columns += glyph.n_columns;
	}
	return n_columns;
}

/* Cut with "…" where it is too long; filled with spaces where it is short. */
static void put_cell(FILE *out, const char *text, int n_columns)
{
	bool fits = columns_of(text) <= n_columns;
	int left = fits ? n_columns : n_columns - 1;
	for (struct glyph glyph; *text; text += glyph.n_bytes) {
		glyph = glyph_at(text);
		if (glyph.n_columns > left)
			break;
		fwrite(glyph.shown, 1, glyph.n_shown, out);
		left -= glyph.n_columns;
	}
	fprintf(out, "%s%*s", fits ? "" : "…", left, "");
}

/* The last cell that says something has the rest of the line. */
static void put_row(const struct tail_table *table, const char *const cells[6])
{
	struct layout layout = layout_of(table);
	const int widths[] = {layout.time, layout.what, layout.store, layout.folder, layout.name, layout.from};
	int last = 5, left = table->n_columns;
	while (last > 0 && !*cells[last])
		last--;
	for (int i = 0; i < last; i++) {
		put_cell(table->out, cells[i], widths[i]);
		putc(' ', table->out);
		left -= widths[i] + 1;
	}
	put_cell(table->out, cells[last], columns_of(cells[last]) < left ? columns_of(cells[last]) : left);
	putc('\n', table->out);
}

/* ---- the cells of a record ---- */

static const char *time_cell(const struct tail_table *table, int64_t time_ms, struct arena *arena)
{
	char text[64];
	struct tm tm;
	time_t seconds = time_ms / 1000;
	if (time_ms <= 0 || !localtime_r(&seconds, &tm))
		return "";
	strftime(text, sizeof text, table->n_columns >= WIDE_COLUMNS ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S", &tm);
	return arena_text(arena, "%s", text);
}

static const char *verb(const struct summary *summary)
{
	static const struct {
		const char *kind, *verb;
	} verbs[] = {
		{"CREATED", "created"},
		{"UPDATED", "updated"},
		{"MOVED", "moved"},
		{"COPIED", "copied"},
	};
	if (strcmp(summary->kind, "READ_STATE") == 0)
		return summary->read ? "read" : "unread";
	if (strcmp(summary->kind, "DELETED") == 0)
		return summary->hard ? "gone" : "deleted";
	if (strcmp(summary->origin, "SNAPSHOT") == 0 && strcmp(summary->kind, "CREATED") == 0)
		return "listed";
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(summary->kind, verbs[i].kind) == 0)
			return verbs[i].verb;
	return "?";
}

/* "SNAPSHOT_STARTED" is "snapshot started". */
static const char *plain(const char *name, struct arena *arena)
{
	char *text = (char *)arena_text(arena, "%s", name);
	for (char *at = text; *at; at++)
		*at = *at == '_' ? ' ' : (char)(*at >= 'A' && *at <= 'Z' ? *at + ('a' - 'A') : *at);
	return text;
}

static const char *what_cell(const struct summary *summary, struct arena *arena)
{
	if (summary->type == MESSAGE_DEAD_LETTER)
		return "DEAD LETTER";
	if (summary->type == MESSAGE_LIFECYCLE_EVENT)
		return plain(summary->kind, arena);
	if (strcmp(summary->kind, "SNAPSHOT_BEGIN") == 0)
		return "listing begins";
	if (strcmp(summary->kind, "SNAPSHOT_END") == 0)
		return "listing ends";
	return arena_text(arena, "%s %s", plain(summary->object, arena), verb(summary));
}

/* The end of a key tells one from another. */
static const char *or_key(const char *name, struct slice key, struct arena *arena)
{
	size_t n_bytes = key.size < SHOWN_KEY_BYTES ? key.size : SHOWN_KEY_BYTES;
	if (*name || key.size == 0)
		return name;
	return arena_text(arena, "%s%s", n_bytes < key.size ? "…" : "",
			  hex_text(arena, slice_of(key.data + key.size - n_bytes, n_bytes)));
}

static const char *store_cell(const struct summary *summary, struct arena *arena)
{
	return summary->is_public ? "public" : or_key(summary->owner, summary->store, arena);
}

void tail_table_row(const struct tail_table *table, const struct summary *summary)
{
	struct arena arena = {0};
	put_row(table, (const char *const[]){
			       time_cell(table, summary->time_ms, &arena),
			       what_cell(summary, &arena),
			       store_cell(summary, &arena),
			       or_key(summary->path, summary->folder, &arena),
			       or_key(summary->name, summary->key, &arena),
			       summary->from,
		       });
	arena_free(&arena);
}

/* ---- the head ---- */

static int width_of(FILE *out)
{
	struct winsize size;
	const char *columns = getenv("COLUMNS");
	if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return columns && atoi(columns) > 0 ? atoi(columns) : DEFAULT_COLUMNS;
}

void tail_table_head(struct tail_table *table)
{
	static const char *const names[] = {"TIME", "WHAT", "STORE", "FOLDER", "NAME", "FROM"};
	if (table->n_columns == 0)
		table->n_columns = width_of(table->out);
	if (table->n_columns < LEAST_COLUMNS)
		table->n_columns = LEAST_COLUMNS;
	put_row(table, names);
}
