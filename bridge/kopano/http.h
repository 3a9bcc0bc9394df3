/* One connection to a server on which one request at a time is posted and its answer is read piece by piece.
 *
 *     http_open -> { http_post -> http_read ... -> http_done | http_drop } -> http_close
 *                    http_send -> http_await ...
 *
 * It is kept alive between requests as long as the server keeps it (idle ones are closed after 5 s); a request on one
 * that turns out closed before any byte of the answer goes out once more on a new one. Nothing else is retried, no
 * redirect is followed, no proxy is asked. At most HTTP_BUFFER_BYTES are taken from the socket ahead of the reader: the
 * rest stays there. Time counts only while somebody waits in a call: a reader may be as slow as the server bears.
 *
 * Errors: ERR_AGAIN for anything of the transport, ERR_FATAL for URL and certificates, ERR_STOPPED. The texts name no
 * server; the caller puts it before them. After an error the request is over and its connection closed. One thread. */
#ifndef TIDINGS_BRIDGE_KOPANO_HTTP_H
#define TIDINGS_BRIDGE_KOPANO_HTTP_H

#include <sys/types.h>

#include "bridge/kopano/client.h"

enum { HTTP_BUFFER_BYTES = 256 << 10 };

struct http;

/* Connects to nothing yet. The login is borrowed until http_close. */
int http_open(const struct login *login, struct http **http, struct err *err);
void http_close(struct http *http); /* NULL is accepted */

/* From now on waits are not ended by the login's stop: for the farewell. */
void http_ignore_stop(struct http *http);

/* How long to wait, in milliseconds. */
struct patience {
	int whole_ms; /* for the request and its answer; 0: no limit */
	int byte_ms;  /* in one wait for the next byte */
};

/* Sends the body, which is borrowed until the request is over, and waits for the head of the answer. */
int http_post(struct http *http, struct slice body, struct patience patience, struct err *err);

/* For an answer that is long in coming: sends the body and waits for nothing. It is never sent twice, whatever becomes
 * of the connection. */
void http_send(struct http *http, struct slice body, struct patience patience);

/* Waits for the head of that answer, or until `wake_fd` (-1: none) is readable: HTTP_WOKEN, to be called again.
 * `whole_ms` counts from http_send to the head; what comes then may take as long as it comes. */
enum { HTTP_WOKEN = -1 };
int http_await(struct http *http, int wake_fd, struct err *err);

/* Of the answer. */
long http_status(const struct http *http);
bool http_is_multipart(const struct http *http);
bool http_is_web_page(const struct http *http);

/* The next bytes of the answer: their number, 0 at its end, -1 with *err filled. */
ssize_t http_read(struct http *http, uint8_t *buffer, size_t size, struct err *err);

/* Ends the request. The connection is kept if no more than a little of the answer was left. */
void http_done(struct http *http);
/* Ends the request by closing its connection. */
void http_drop(struct http *http);

/* Milliseconds since the last byte was taken from the socket; 0 if all of the answer was. */
int http_age_ms(const struct http *http);

#endif
