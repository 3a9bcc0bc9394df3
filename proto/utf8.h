/* The last defence of the records' text: a consumer's protobuf library refuses a whole record for one bad byte.
 *
 * "Good" is well-formed UTF-8 without U+0000, which protobuf-c's strings cannot hold. Pure functions, no memory. */
#ifndef TIDINGS_PROTO_UTF8_H
#define TIDINGS_PROTO_UTF8_H

#include "core/slice.h"

enum { UTF8_GROWTH = 3 }; /* bytes that a bad byte becomes */

/* Bytes, 1 to 4, of the good character at the start of the text; 0 if there is none. */
size_t utf8_character(struct slice text);

/* True if all of it is good. Quick when it is ASCII. */
bool utf8_is_good(struct slice text);

/* Copies the text with U+FFFD for each bad byte; `out` has room for UTF8_GROWTH * text.size. Returns the bytes written.
 */
size_t utf8_repair(struct slice text, char *out);

#endif
