#include "core/step.h"

#ifdef TIDINGS_STEPS

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Of a variable of the environment; 0: not set. */
static long number_in(const char *variable)
{
	const char *text = getenv(variable);
	return text ? atol(text) : 0;
}

static void log_step(long n, const char *effect)
{
	const char *path = getenv("TIDINGS_STEP_LOG");
	FILE *file = path ? fopen(path, "a") : NULL;
	if (!file)
		return;
	fprintf(file, "%ld %s\n", n, effect);
	fclose(file);
}

void step(const char *effect)
{
	static atomic_long n_steps;
	long n = atomic_fetch_add(&n_steps, 1) + 1;
	log_step(n, effect);
	if (number_in("TIDINGS_DIE_AT") == n)
		kill(getpid(), SIGKILL);
}

bool step_loses(void)
{
	static atomic_long n_records;
	return atomic_fetch_add(&n_records, 1) + 1 == number_in("TIDINGS_LOSE_AT");
}

size_t step_limit(const char *variable, size_t usual)
{
	long limit = number_in(variable);
	return limit > 0 ? (size_t)limit : usual;
}

#else
typedef int step_is_off; /* a translation unit must not be empty */
#endif
