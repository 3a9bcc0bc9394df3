/*
 * Misbehaviour that a test has ordered.
 *
 * A fault waits for answers of one method, or of any, and takes effect a given number of times.
 */
#ifndef FAKEKOPANO_FAULT_H
#define FAKEKOPANO_FAULT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum fault_kind {
	FAULT_NONE,
	FAULT_DROP,     /* close the connection after n bytes of the answer's body */
	FAULT_SLOW,     /* wait n ms before answering */
	FAULT_NEVER,    /* hold the request until faults are cleared */
	FAULT_DRIP,     /* send n bytes per 100 ms */
	FAULT_TRUNCATE, /* end the body after n bytes as if it were whole */
	FAULT_GARBAGE,  /* n bytes that are no XML */
	FAULT_OVERSIZE, /* an element of n bytes in the middle */
	FAULT_HTTP,     /* status n, empty body */
	FAULT_ERROR     /* the call fails with code n */
};

struct fault {
	enum fault_kind kind;
	char method[48]; /* empty: any */
	uint64_t n;
	uint64_t times;
	uint64_t after; /* answers that are left alone first */
};

struct faults {
	pthread_mutex_t mutex;
	struct fault *at;
	uint32_t count, cap;
	uint64_t cleared; /* how often; a waiting request looks at it */
};

void faults_init(struct faults *f);
void faults_add(struct faults *f, const struct fault *fault);
void faults_clear(struct faults *f);
/* Take every fault that this answer gets; at most max of them. Returns how many. */
uint32_t faults_take(struct faults *f, const char *method, struct fault *taken, uint32_t max);
enum fault_kind fault_kind_named(const char *name);
/* Wait as the fault says. */
void fault_wait(struct faults *f, const struct fault *fault);

#endif
