/*
 * From the bytes of a request to the bytes of its answer: envelope, dispatch, locking, faults, multipart.
 */
#ifndef FAKEKOPANO_SOAP_H
#define FAKEKOPANO_SOAP_H

#include "tests/fakekopano/server.h"

#define NO_LIMIT UINT64_MAX

struct answer {
	unsigned status;
	struct buf body;
	char content_type[256];
	bool chunked;
	bool none;      /* close the connection without an answer */
	uint64_t limit; /* close it after that many bytes of the body */
	uint64_t drip;  /* bytes per 100 ms, 0 for no limit */
};

struct peer {
	const char *name;
	bool by_socket;
};

/* text is changed. The caller frees answer->body. */
void soap_answer(struct server *s, const struct peer *peer, char *text, size_t len, struct answer *answer);

#endif
