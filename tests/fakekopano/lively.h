/*
 * A lively mailbox: mails that arrive, are read, moved and deleted, folders and users that come and go, at a given rate
 * and always the same for the same seed. For demonstrations and long tests.
 */
#ifndef FAKEKOPANO_LIVELY_H
#define FAKEKOPANO_LIVELY_H

#include <stdint.h>

struct server;

struct lively {
	double per_second; /* 0: nothing happens */
	uint64_t until_ms; /* 0: for ever */
	double next_ms;
	uint64_t random;
	uint32_t n;    /* what has happened so far */
	uint32_t last; /* how much shall happen, 0 is no limit */
	char user[64];
};

/* seconds 0 is for ever. The lock is held alone, or nobody else is there yet. */
void lively_start(struct lively *l, const char *user, double per_second, uint64_t seconds, uint64_t seed);
/* Do what is due. Returns in how many ms something is due again, or -1. */
int64_t lively_tick(struct server *s);

#endif
