/* Counts the effects of the daemon, so that a test can end the process at each of them, and lowers its limits, so that
 * a test crosses them with little data.
 *
 * In builds with -DTIDINGS_STEPS the environment says what is to happen; in other builds nothing of this exists:
 *
 *     TIDINGS_DIE_AT=n       the process ends at once (as kill -9 would) before effect number n
 *     TIDINGS_STEP_LOG=file  gets a line "n effect" for each
 *     TIDINGS_LOSE_AT=n      the n-th record is given up by circumstances: the daemon must rewind
 *     TIDINGS_PAGE_ROWS=n    and so on: the value of the limit with that name
 *
 * Thread-safe. */
#ifndef TIDINGS_CORE_STEP_H
#define TIDINGS_CORE_STEP_H

#include <stdbool.h>
#include <stddef.h>

#ifdef TIDINGS_STEPS

void step(const char *effect);
bool step_loses(void); /* asked once for each record that is sent */
size_t step_limit(const char *variable, size_t usual);
#define STEP_LIMIT(name) step_limit("TIDINGS_" #name, name)

#else

static inline void step(const char *effect)
{
	(void)effect;
}

static inline bool step_loses(void)
{
	return false;
}

#define STEP_LIMIT(name) (name)

#endif

#endif
