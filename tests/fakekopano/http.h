/*
 * The HTTP side: listeners on TCP, TLS and a unix socket, one thread per connection.
 *
 * POST to /control is the control channel; every other POST is SOAP, whatever its path says.
 */
#ifndef FAKEKOPANO_HTTP_H
#define FAKEKOPANO_HTTP_H

#include "tests/fakekopano/server.h"

struct http_options {
	uint16_t port; /* 0: any free one */
	const char *socket;
	const char *tls_cert, *tls_key; /* file names, or NULL */
	uint16_t tls_port;
	unsigned idle_timeout_s; /* of a TCP connection between two requests */
};

struct http {
	uint16_t port, tls_port; /* that are really used */
};

/* Start listening. Returns false after a message on stderr. */
bool http_start(struct http *h, struct server *s, const struct http_options *o);
void http_stop(void);

#endif
