/* What `tidings check --connect` finds out: a line for each thing that was looked at, in the order in which a start
 * would need it.
 *
 * A driver's `examine` says as much as it can: what fails ends only what depends on it. Nothing is published, created
 * or committed by it. Threads: one. Texts say what is wrong and the mend, in one line, without secrets. */
#ifndef TIDINGS_BRIDGE_EXAMINE_H
#define TIDINGS_BRIDGE_EXAMINE_H

#include "core/error.h"

enum verdict {
	VERDICT_OK,
	VERDICT_WARNING, /* it works, but look at it */
	VERDICT_PASSING, /* it does not work now; a daemon would wait */
	VERDICT_WRONG    /* a person must mend it */
};

struct examination {
	void (*line)(struct examination *examination, enum verdict verdict, const char *subject, const char *text);
};

void examine_say(struct examination *examination, enum verdict verdict, const char *subject, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The verdict follows from the class. */
void examine_error(struct examination *examination, const char *subject, const struct err *err);

#endif
