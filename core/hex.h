/* Bytes as lower-case hexadecimal text, and back. */
#ifndef TIDINGS_CORE_HEX_H
#define TIDINGS_CORE_HEX_H

#include "core/arena.h"

/* Writes 2 * size characters, no NUL; returns the place after them. */
char *hex_write(char *to, struct slice bytes);

/* NUL-terminated. */
const char *hex_text(struct arena *arena, struct slice bytes);

/* Either case. false: an odd number of characters, or one that is no digit. */
bool hex_read(const char *text, size_t n_characters, struct arena *arena, struct slice *bytes);

#endif
