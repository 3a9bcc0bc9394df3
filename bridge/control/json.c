#include <inttypes.h>

#include "bridge/control/print.h"
#include "proto/json.h"

static void print(const struct report *value, FILE *file);

static void print_children(const struct report *parent, FILE *file)
{
	for (const struct report *child = parent->first; child; child = child->next) {
		if (child != parent->first)
			putc(',', file);
		if (child->name)
			fprintf(file, "\"%s\":", child->name);
		print(child, file);
	}
}

static void print(const struct report *value, FILE *file)
{
	bool is_list = value->kind == REPORT_LIST;
	switch (value->kind) {
	case REPORT_TEXT:
		json_print_text(slice_of_text(value->text), file);
		return;
	case REPORT_NUMBER:
		fprintf(file, "%" PRId64, value->number);
		return;
	case REPORT_TRUTH:
		fputs(value->number ? "true" : "false", file);
		return;
	default:
		putc(is_list ? '[' : '{', file);
		print_children(value, file);
		putc(is_list ? ']' : '}', file);
	}
}

void print_json(const struct report *report, FILE *file)
{
	print(report, file);
	putc('\n', file);
}
