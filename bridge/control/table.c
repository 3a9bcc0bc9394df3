#include <inttypes.h>
#include <time.h>

#include "bridge/control/print.h"

enum { MAX_COLUMNS = 16, GAP = 2 };

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), n_end = strlen(end);
	return n >= n_end && strcmp(name + n - n_end, end) == 0;
}

/* ---- values ---- */

static const char *bytes_text(struct arena *arena, int64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB"};
	double amount = (double)bytes / 1024;
	size_t unit = 0;
	for (; amount >= 1024 && unit < 2; unit++)
		amount /= 1024;
	return bytes < 1024 ? arena_text(arena, "%" PRId64 " bytes", bytes)
			    : arena_text(arena, "%.1f %s", amount, units[unit]);
}

static const char *time_text(struct arena *arena, int64_t seconds)
{
	time_t at = (time_t)seconds;
	struct tm parts;
	char text[64];
	if (!localtime_r(&at, &parts) || !strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts))
		return "";
	return arena_text(arena, "%s", text);
}

static const char *number_text(const struct report *value, struct arena *arena)
{
	if (ends_with(value->name, "_bytes"))
		return bytes_text(arena, value->number);
	if (ends_with(value->name, "since") || ends_with(value->name, "_at"))
		return time_text(arena, value->number);
	return arena_text(arena, "%" PRId64, value->number);
}

static const char *value_text(const struct report *value, struct arena *arena)
{
	switch (value->kind) {
	case REPORT_TEXT:
		return value->text;
	case REPORT_NUMBER:
		return number_text(value, arena);
	case REPORT_TRUTH:
		return value->number ? "yes" : "no";
	default:
		return "";
	}
}

/* "busy_since" -> "busy since"; the unit is in the value. */
static const char *name_text(const char *name, struct arena *arena)
{
	size_t n = strlen(name);
	if (ends_with(name, "_bytes") || ends_with(name, "_at"))
		n -= ends_with(name, "_at") ? 3 : 6;
	char *text = (char *)arena_text(arena, "%.*s", (int)n, name);
	for (char *at = text; *at; at++)
		*at = *at == '_' ? ' ' : *at;
	return text;
}

static void put_text(const char *text, FILE *file)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		bool is_c1 = *at == 0xC2 && at[1] >= 0x80 && at[1] < 0xA0;
		at += is_c1;
		putc(is_c1 || *at < 0x20 || *at == 0x7F ? '?' : *at, file);
	}
}

/* ---- lists ---- */

struct columns {
	const char *names[MAX_COLUMNS];
	int widths[MAX_COLUMNS];
	int n;
};

static int *width_of(struct columns *columns, const char *name)
{
	for (int i = 0; i < columns->n; i++)
		if (strcmp(columns->names[i], name) == 0)
			return &columns->widths[i];
	if (columns->n == MAX_COLUMNS)
		return &columns->widths[MAX_COLUMNS - 1];
	columns->names[columns->n] = name;
	columns->widths[columns->n] = (int)strlen(name);
	return &columns->widths[columns->n++];
}

static void measure(const struct report *list, struct columns *columns, struct arena *arena)
{
	for (const struct report *row = list->first; row; row = row->next)
		for (const struct report *value = row->first; value; value = value->next) {
			int *width = width_of(columns, value->name), n = (int)strlen(value_text(value, arena));
			*width = n > *width ? n : *width;
		}
}

static void print_cells(const struct columns *columns, const struct report *row, struct arena *arena, FILE *file)
{
	int owed = 0; /* spaces before the next cell: none at the end of a line */
	for (int i = 0; i < columns->n; i++) {
		const struct report *value = row ? report_find(row, columns->names[i]) : NULL;
		const char *text = value ? value_text(value, arena) : row ? "" : name_text(columns->names[i], arena);
		fprintf(file, "%*s", *text ? owed + GAP : 0, "");
		owed = (*text ? 0 : owed + GAP) + columns->widths[i] - (int)strlen(text);
		put_text(text, file);
	}
	putc('\n', file);
}

static void print_list(const struct report *list, struct arena *arena, FILE *file)
{
	struct columns columns = {0};
	measure(list, &columns, arena);
	fprintf(file, "\n%s\n", name_text(list->name, arena));
	if (!list->first) {
		fprintf(file, "  none\n");
		return;
	}
	print_cells(&columns, NULL, arena, file);
	for (const struct report *row = list->first; row; row = row->next)
		print_cells(&columns, row, arena, file);
}

/* ---- groups ---- */

static void print_values(const struct report *group, struct arena *arena, FILE *file)
{
	for (const struct report *value = group->first; value; value = value->next) {
		if (value->kind == REPORT_GROUP || value->kind == REPORT_LIST)
			continue;
		fprintf(file, "  %-18s ", name_text(value->name, arena));
		put_text(value_text(value, arena), file);
		putc('\n', file);
	}
}

/* Groups of groups are printed one after another. */
static void print_group(const struct report *group, struct arena *arena, FILE *file)
{
	fprintf(file, "%s%s\n", group->name ? "\n" : "", group->name ? name_text(group->name, arena) : "tidings");
	print_values(group, arena, file);
	for (const struct report *value = group->first; value; value = value->next)
		if (value->kind == REPORT_GROUP)
			print_group(value, arena, file);
		else if (value->kind == REPORT_LIST)
			print_list(value, arena, file);
}

void print_table(const struct report *report, FILE *file)
{
	struct arena arena = {0};
	print_group(report, &arena, file);
	arena_free(&arena);
}
