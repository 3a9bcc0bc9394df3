/* Words for messages about a configuration: the nearest known name, a list of names. Pure; nothing is allocated. */
#ifndef TIDINGS_BRIDGE_CONF_WORD_H
#define TIDINGS_BRIDGE_CONF_WORD_H

#include <stddef.h>

/* The name (of a NULL-terminated array) that `word` is probably a misspelling of, or NULL. */
const char *conf_word_nearest(const char *word, const char *const *names);

/* Writes "; did you mean `x`?" or else "; known here: a, b, c" into `hint`, cut to its size. */
void conf_word_hint(const char *word, const char *const *names, char *hint, size_t size);

#endif
