/* A directory for one test, removed with everything in it.
 *
 * Memory: static, one at a time. Threads: one. Errors abort: a test cannot go on. */
#ifndef TIDINGS_TESTS_SUPPORT_SCRATCH_H
#define TIDINGS_TESTS_SUPPORT_SCRATCH_H

#include <stddef.h>

/* Makes the directory; to be used as cmocka's setup and teardown. */
int scratch_make(void **state);
int scratch_remove(void **state);

/* "<directory>/name"; valid until the eighth call after this one. */
const char *scratch_path(const char *name);

/* Writes a file there and returns its path. */
const char *scratch_write(const char *name, const void *data, size_t n_bytes);
const char *scratch_write_text(const char *name, const char *text);

#endif
