#include "tests/fakekopano/fault.h"

#include <string.h>
#include <unistd.h>

#include "tests/fakekopano/vec.h"

#define WAIT_STEP_MS 20

static const char *const names[] = {"none",     "drop",    "slow",     "never", "drip",
				    "truncate", "garbage", "oversize", "http",  "error"};

void faults_init(struct faults *f)
{
	*f = (struct faults){0};
	pthread_mutex_init(&f->mutex, NULL);
}

void faults_add(struct faults *f, const struct fault *fault)
{
	pthread_mutex_lock(&f->mutex);
	f->at = array_grow(f->at, f->count, &f->cap, sizeof(*f->at));
	f->at[f->count++] = *fault;
	pthread_mutex_unlock(&f->mutex);
}

void faults_clear(struct faults *f)
{
	pthread_mutex_lock(&f->mutex);
	f->count = 0;
	f->cleared++;
	pthread_mutex_unlock(&f->mutex);
}

static bool takes_effect(struct fault *fault, const char *method)
{
	if (fault->method[0] && strcmp(fault->method, method) != 0)
		return false;
	if (fault->after > 0) {
		fault->after--;
		return false;
	}
	return fault->times > 0;
}

static void drop_used(struct faults *f)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < f->count; i++)
		if (f->at[i].times > 0)
			f->at[kept++] = f->at[i];
	f->count = kept;
}

uint32_t faults_take(struct faults *f, const char *method, struct fault *taken, uint32_t max)
{
	uint32_t n = 0;

	pthread_mutex_lock(&f->mutex);
	for (uint32_t i = 0; i < f->count && n < max; i++) {
		if (!takes_effect(&f->at[i], method))
			continue;
		f->at[i].times--;
		taken[n++] = f->at[i];
	}
	drop_used(f);
	pthread_mutex_unlock(&f->mutex);
	return n;
}

enum fault_kind fault_kind_named(const char *name)
{
	for (size_t i = 1; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i], name) == 0)
			return (enum fault_kind)i;
	return FAULT_NONE;
}

static uint64_t times_cleared(struct faults *f)
{
	uint64_t cleared;

	pthread_mutex_lock(&f->mutex);
	cleared = f->cleared;
	pthread_mutex_unlock(&f->mutex);
	return cleared;
}

void fault_wait(struct faults *f, const struct fault *fault)
{
	uint64_t cleared = times_cleared(f), waited_ms = 0;

	while (times_cleared(f) == cleared && (fault->kind == FAULT_NEVER || waited_ms < fault->n)) {
		usleep(WAIT_STEP_MS * 1000);
		waited_ms += WAIT_STEP_MS;
	}
}
