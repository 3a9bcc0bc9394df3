/* Counts the effects of the daemon, so that a test can end the process at each of them.
 *
 * In builds with -DTIDINGS_STEPS, TIDINGS_DIE_AT=n ends the process at once (as kill -9 would) before effect number n,
 * and TIDINGS_STEP_LOG=file lists "n effect". In other builds it is nothing. Thread-safe. */
#ifndef TIDINGS_CORE_STEP_H
#define TIDINGS_CORE_STEP_H

#ifdef TIDINGS_STEPS
void step(const char *effect);
#else
static inline void step(const char *effect)
{
	(void)effect;
}
#endif

#endif
