/* What a test writes to standard error, as text.
 *
 * Memory: static. Threads: begin and end from one; others may write in between. Errors abort. */
#ifndef TIDINGS_TESTS_SUPPORT_CAPTURE_H
#define TIDINGS_TESTS_SUPPORT_CAPTURE_H

#include <stddef.h>

void capture_begin(void);

/* Ends it; the text (up to 64 KiB) is valid until the next capture_end. */
const char *capture_end(void);

/* How often `part` is in the text. */
size_t capture_count(const char *text, const char *part);

#endif
