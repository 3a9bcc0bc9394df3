#include "bridge/conf_word.h"

#include <stdio.h>
#include <string.h>
#include <sys/param.h>

enum { MAX_WORD = 64 };

/* Changed, missing, added and swapped neighbouring letters that lead from one word to the other. */
static size_t distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
	size_t d[MAX_WORD + 1][MAX_WORD + 1];
	for (size_t i = 0; i <= n_a; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= n_b; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n_a; i++) {
		for (size_t j = 1; j <= n_b; j++) {
			d[i][j] = MIN(MIN(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = MIN(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[n_a][n_b];
}

const char *conf_word_nearest(const char *word, const char *const *names)
{
	const char *nearest = NULL;
	size_t n_word = strlen(word), least = MAX(n_word / 3, 1) + 1; /* what is further away is no misspelling */
	for (; *names && n_word <= MAX_WORD; names++) {
		size_t n_name = strlen(*names);
		size_t d = n_name <= MAX_WORD ? distance(word, n_word, *names, n_name) : least;
		if (d < least) {
			least = d;
			nearest = *names;
		}
	}
	return nearest;
}

void conf_word_hint(const char *word, const char *const *names, char *hint, size_t size)
{
	const char *nearest = conf_word_nearest(word, names);
	size_t n = 0;
	if (nearest) {
		snprintf(hint, size, "; did you mean `%s`?", nearest);
		return;
	}
	*hint = '\0';
	for (const char *before = "; known here: "; *names && n < size; names++, before = ", ")
		n += (size_t)snprintf(hint + n, size - n, "%s%s", before, *names);
}
