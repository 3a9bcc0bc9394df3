/* Time for deadlines and pauses. */
#ifndef TIDINGS_BRIDGE_CLOCK_H
#define TIDINGS_BRIDGE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds that never go back. */
static inline int64_t clock_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
