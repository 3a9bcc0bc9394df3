/* Records as JSON, for people and scripts: proto3's mapping, except
 *
 *     bytes are lower-case hex; enum values lose their prefix ("CREATED"); 64-bit integers are numbers;
 *     a bool is always there, so that "read":false is seen; anything else at its default is left out, as in proto3.
 *
 * One object without line breaks. Control characters are escaped, C1 and DEL too, so a subject cannot command a
 * terminal. Memory: what it allocates it frees. Thread-safe, each FILE by one thread. */
#ifndef TIDINGS_PROTO_JSON_H
#define TIDINGS_PROTO_JSON_H

#include <stdio.h>

#include "core/slice.h"

enum message_type { MESSAGE_CHANGE_EVENT, MESSAGE_LIFECYCLE_EVENT, MESSAGE_DEAD_LETTER };

/* Prints the serialised message, without a newline. Returns 0, or -1 if the bytes are no such message: nothing was
 * printed then. Errors of the FILE are for the caller to ask of it. */
int json_print(enum message_type type, struct slice value, FILE *out);

/* Prints a text as a JSON string, with its quotes and what is escaped as above; bad UTF-8 becomes U+FFFD. */
void json_print_text(struct slice text, FILE *out);

#endif
