#include "core/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct root {
	struct report report; /* first */
	struct arena arena;
};

struct report *report_new(void)
{
	struct root *root = xcalloc(1, sizeof *root);
	root->report.arena = &root->arena;
	return &root->report;
}

void report_free(struct report *report)
{
	struct root *root = (struct root *)report;
	if (!root)
		return;
	arena_free(&root->arena);
	free(root);
}

static struct report *add(struct report *to, enum report_kind kind, const char *name)
{
	struct report *value = arena_zero(to->arena, sizeof *value);
	*value = (struct report){.kind = kind, .name = name, .arena = to->arena};
	*(to->last ? &to->last->next : &to->first) = value;
	return to->last = value;
}

void report_text(struct report *group, const char *name, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	size_t size = (size_t)vsnprintf(NULL, 0, format, args) + 1;
	char *text = arena_alloc(group->arena, size);
	vsnprintf(text, size, format, again);
	va_end(again);
	va_end(args);
	add(group, REPORT_TEXT, name)->text = text;
}

void report_number(struct report *group, const char *name, int64_t number)
{
	add(group, REPORT_NUMBER, name)->number = number;
}

void report_truth(struct report *group, const char *name, bool truth)
{
	add(group, REPORT_TRUTH, name)->number = truth;
}

struct report *report_group(struct report *group, const char *name)
{
	return add(group, REPORT_GROUP, name);
}

struct report *report_list(struct report *group, const char *name)
{
	return add(group, REPORT_LIST, name);
}

struct report *report_row(struct report *list)
{
	return add(list, REPORT_GROUP, NULL);
}

const struct report *report_find(const struct report *group, const char *name)
{
	for (const struct report *value = group ? group->first : NULL; value; value = value->next)
		if (value->name && strcmp(value->name, name) == 0)
			return value;
	return NULL;
}
