/* A report (core/report.h) as one JSON object, or as a table for people. */
#ifndef TIDINGS_BRIDGE_CONTROL_PRINT_H
#define TIDINGS_BRIDGE_CONTROL_PRINT_H

#include <stdio.h>

#include "core/report.h"

/* One line, with its end. */
void print_json(const struct report *report, FILE *file);

/* Names and values below the name of their group; rows of a list as lines with a column per name. What was written by
 * others must not command a terminal: control characters become "?". */
void print_table(const struct report *report, FILE *file);

#endif
