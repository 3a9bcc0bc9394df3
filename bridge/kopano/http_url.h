/* The forms in which a server is named: http://, https://, file:///socket and the bare path of a socket. Pure. */
#ifndef TIDINGS_BRIDGE_KOPANO_HTTP_URL_H
#define TIDINGS_BRIDGE_KOPANO_HTTP_URL_H

#include "core/error.h"

struct http_place {
	const char *url;    /* for libcurl */
	const char *socket; /* path of a unix socket; NULL: TCP */
};

/* Points into `url`. ERR_FATAL: it is none of the forms, or holds a user name (it would come into errors and logs). */
int http_place_of(const char *url, struct http_place *place, struct err *err);

#endif
