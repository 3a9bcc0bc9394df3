/* What a part of a running daemon says of itself: a tree of names and values, which others print as a table or as JSON.
 *
 *     struct report *report = report_new();
 *     report_truth(report, "connected", true);
 *     report_number(report, "unacknowledged", 12);
 *     struct report *row = report_row(report_list(report, "consumers"));
 *     report_text(row, "name", "%s", name);
 *     report_free(report);
 *
 * Names are lower_case with the unit at the end (_bytes, _ms); a point in time is unix seconds, named `since` or
 * ..._at. Text is for people; no secrets. Memory: the root owns everything. One owner at a time. */
#ifndef TIDINGS_CORE_REPORT_H
#define TIDINGS_CORE_REPORT_H

#include "core/arena.h"

enum report_kind { REPORT_GROUP, REPORT_LIST, REPORT_TEXT, REPORT_NUMBER, REPORT_TRUTH };

struct report {
	enum report_kind kind;
	const char *name; /* NULL of the root and of rows */
	const char *text; /* of REPORT_TEXT */
	int64_t number;   /* of REPORT_NUMBER, and 0 or 1 of REPORT_TRUTH */
	struct report *first, *last, *next;
	struct arena *arena; /* the root's */
};

/* An empty group. */
struct report *report_new(void);
void report_free(struct report *root); /* NULL is accepted */

/* Each adds a value to a group; the name must live as long as the report (a literal). */
void report_text(struct report *group, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
void report_number(struct report *group, const char *name, int64_t number);
void report_truth(struct report *group, const char *name, bool truth);

/* A group in a group, a list in a group, and a further group in a list. */
struct report *report_group(struct report *group, const char *name);
struct report *report_list(struct report *group, const char *name);
struct report *report_row(struct report *list);

/* The value with this name, or NULL; `group` may be NULL. */
const struct report *report_find(const struct report *group, const char *name);

#endif
