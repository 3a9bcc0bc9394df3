/* An HTTP server inside a test, which answers each request with the next step of a script: whole, cut, slowly, or not
 * at all.
 *
 *     script_http_start -> (requests at script_http_url) ... -> script_http_stop
 *
 * On loopback, a thread per connection; steps are taken in the order in which requests are complete. The requests are
 * kept. A request for which there is no step left is answered by HTTP 404. Failures of its own abort. */
#ifndef TIDINGS_TESTS_SUPPORT_SCRIPT_HTTP_H
#define TIDINGS_TESTS_SUPPORT_SCRIPT_HTTP_H

#include "core/slice.h"

struct http_step {
	const char *recorded; /* file of the body below tests/data/transcripts/kopano; NULL: `body` */
	const char *body;     /* between <Envelope><Body> and their ends, which are added; NULL: none */
	struct slice raw;     /* the whole answer, head included, instead of all that */
	int status;           /* 0: 200 */
	size_t chunk_bytes;   /* of the chunked transfer coding; 0: Content-Length */
	int pause_ms;         /* after each chunk */
	size_t cut_bytes;     /* so many bytes of head and body are left out at the end, then it closes */
	bool no_answer;       /* closes without a byte */
	bool hang;            /* holds the connection without a byte until the client closes it */
	bool then_close;      /* closes after the answer without having said so */
};

struct script_http;

/* The steps are copied, their bytes are borrowed until script_http_stop. */
struct script_http *script_http_start(const struct http_step *steps, size_t n_steps);
const char *script_http_url(const struct script_http *server);
size_t script_http_n_requests(struct script_http *server);
size_t script_http_n_connections(struct script_http *server);
/* The body of a request, NUL-terminated; "" if there was none. Lives until script_http_stop. */
const char *script_http_request(struct script_http *server, size_t i);
void script_http_stop(struct script_http *server);

#endif
