#include "bridge/kopano/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>

#include "bridge/clock.h"
#include "bridge/kopano/http_url.h"
#include "bridge/kopano/stop.h"
#include "core/step.h"

enum {
	CONNECT_LIMIT_MS = 15000,
	IDLE_LIMIT_S = 4, /* the server closes after 5 */
	CURL_BUFFER_BYTES = 128 << 10,
	REST_LIMIT_BYTES = 4096, /* of an answer, worth reading to keep the connection */
	REST_LIMIT_MS = 500,
	NO_FD = -1,
};

struct http {
	CURL *easy;
	CURLM *multi;
	struct curl_slist *headers;
	const struct login *login;
	const struct client_stop *stop;
	char reason[CURL_ERROR_SIZE];

	uint8_t *bytes; /* taken from the socket, not yet read: [at, end) */
	size_t at, end;
	int64_t last_byte_ms;

	struct slice unsent; /* of a body that is sent once */
	struct patience patience;
	int64_t deadline_ms; /* of the whole request; 0: none */
	bool busy;           /* a request is under way */
	bool paused;         /* no room: libcurl leaves the socket alone */
	bool has_head;       /* of the answer: status and headers */
	bool ended;          /* `result` is the request's */
	CURLcode result;
};

static size_t take_header(char *line, size_t one, size_t size, void *context)
{
	struct http *http = context;
	long status = 0;

	(void)line, (void)one;
	http->last_byte_ms = clock_ms();
	curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 && size <= 2)
		http->has_head = true;
	return size;
}

static size_t take_bytes(char *data, size_t one, size_t size, void *context)
{
	struct http *http = context;

	(void)one;
	if (size > HTTP_BUFFER_BYTES - http->end) {
		http->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	memcpy(http->bytes + http->end, data, size);
	http->end += size;
	http->last_byte_ms = clock_ms();
	return size;
}

static void set_request(struct http *http)
{
	CURL *easy = http->easy;

	http->headers = curl_slist_append(NULL, "Content-Type: text/xml; charset=utf-8");
	http->headers = curl_slist_append(http->headers, "Expect:"); /* saves a round trip */
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, http->headers);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "tidings/" TIDINGS_VERSION);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, http);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_bytes);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, http);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, http->reason);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)CURL_BUFFER_BYTES);
}

static void set_connection(struct http *http, const struct http_place *place)
{
	CURL *easy = http->easy;

	curl_easy_setopt(easy, CURLOPT_URL, place->url);
	curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, place->socket);
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "*"); /* whatever the environment says */
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_LIMIT_S);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_LIMIT_MS);
#if LIBCURL_VERSION_NUM >= 0x075700
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a stop does not wait for a slow name server */
#endif
}

static void set_tls(struct http *http)
{
	const struct login *login = http->login;
	CURL *easy = http->easy;

	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, login->verify ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, login->verify ? 2L : 0L);
	if (login->ca_file) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, login->ca_file);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* that one, not the system's besides */
	}
	if (login->cert_file) {
		curl_easy_setopt(easy, CURLOPT_SSLCERT, login->cert_file);
		curl_easy_setopt(easy, CURLOPT_SSLKEY, login->key_file ? login->key_file : login->cert_file);
	}
}

static void start_curl(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		abort();
}

int http_open(const struct login *login, struct http **out, struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http_place place;
	int rc = http_place_of(login->url, &place, err);

	if (rc)
		return rc;
	pthread_once(&once, start_curl);
	struct http *http = xcalloc(1, sizeof *http);
	*http = (struct http){
		.login = login, .stop = login->stop, .easy = curl_easy_init(), .multi = curl_multi_init()};
	if (!http->easy || !http->multi) {
		http_close(http);
		return err_set(err, ERR_AGAIN, "no connection can be made; is the limit of open files too low?");
	}
	http->bytes = xmalloc(HTTP_BUFFER_BYTES);
	curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, 1L);
	set_request(http);
	set_connection(http, &place);
	set_tls(http);
	*out = http;
	return 0;
}

void http_close(struct http *http)
{
	if (!http)
		return;
	http_drop(http);
	curl_easy_cleanup(http->easy); /* both accept NULL */
	curl_multi_cleanup(http->multi);
	curl_slist_free_all(http->headers);
	free(http->bytes);
	free(http);
}

void http_ignore_stop(struct http *http)
{
	http->stop = NULL;
}

/* By OpenSSL's words; where they are others, the general advice is still right. */
static const char *certificate_advice(const char *reason)
{
	static const struct {
		const char *words, *advice;
	} known[] = {
		{"expired", "renew it at the server"},
		{"not yet valid", "look at the clocks of this machine and of the one that made it"},
		{"subject name", "name the server in the URL as its certificate does"},
		{"does not match", "name the server in the URL as its certificate does"},
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strstr(reason, known[i].words))
			return known[i].advice;
	return "name the file of the CA that signed it, or of the certificate itself, as tls.ca_file";
}

static int certificate_failure(struct http *http, const char *reason, struct err *err)
{
	if (http->result == CURLE_SSL_CERTPROBLEM || http->result == CURLE_SSL_CACERT_BADFILE)
		return err_usage(err,
				 "the files of the certificate, its key or the CA are of no use (%s): check ca_file, "
				 "cert_file and key_file",
				 reason);
	return err_usage(err, "the certificate of the server is not trusted (%s): %s", reason,
			 certificate_advice(reason));
}

static int failure(struct http *http, struct err *err)
{
	const char *reason = http->reason[0] ? http->reason : curl_easy_strerror(http->result);

	switch (http->result) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
		return certificate_failure(http, reason, err);
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return err_usage(err, "the URL of the server cannot be used (%s): correct it", reason);
	case CURLE_OK:
		return err_set(err, ERR_AGAIN, "the answer ends too early");
	case CURLE_SEND_FAIL_REWIND: /* libcurl would send it again, but may not */
		return err_set(err, ERR_AGAIN, "the connection was closed before an answer");
	default:
		return err_set(err, ERR_AGAIN, "no connection, or it broke (%s): is the server up and the URL right?",
			       reason);
	}
}

static void collect_result(struct http *http)
{
	int n_left;

	for (CURLMsg *message; (message = curl_multi_info_read(http->multi, &n_left));)
		if (message->msg == CURLMSG_DONE) {
			http->ended = true;
			http->result = message->data.result;
		}
}

/* Waits for something to happen, for at most `left_ms`. True: `wake_fd` is readable. */
static bool turn(struct http *http, int wake_fd, int64_t left_ms)
{
	struct curl_waitfd fds[2];
	unsigned n = 0;

	if (client_stop_fd(http->stop) >= 0)
		fds[n++] = (struct curl_waitfd){.fd = client_stop_fd(http->stop), .events = CURL_WAIT_POLLIN};
	if (wake_fd >= 0)
		fds[n++] = (struct curl_waitfd){.fd = wake_fd, .events = CURL_WAIT_POLLIN};
	curl_multi_poll(http->multi, fds, n, (int)left_ms, NULL);
	return wake_fd >= 0 && fds[n - 1].revents;
}

static int64_t wait_end_ms(const struct http *http)
{
	int64_t end = clock_ms() + http->patience.byte_ms;

	return http->deadline_ms && http->deadline_ms < end ? http->deadline_ms : end;
}

static int timed_out(const struct http *http, struct err *err)
{
	if (http->deadline_ms && clock_ms() >= http->deadline_ms)
		return err_set(err, ERR_AGAIN, "the answer was not complete after %d ms: is the server overloaded?",
			       http->patience.whole_ms);
	return err_set(err, ERR_AGAIN, "nothing came for %d ms: is the server overloaded?", http->patience.byte_ms);
}

/* Until the head of the answer is in, or bytes are, or `wake_fd` is readable (-1: none). 0 also at the good end of the
 * answer. */
static int wait_for(struct http *http, bool bytes, int wake_fd, struct err *err)
{
	int64_t end_ms = wait_end_ms(http);

	for (;;) {
		int n_running;
		if (client_stop_asked(http->stop))
			return err_set(err, ERR_STOPPED, "stopped");
		curl_multi_perform(http->multi, &n_running);
		collect_result(http);
		if (bytes ? http->end > http->at : http->has_head)
			return 0;
		if (http->ended)
			return http->result || !http->has_head ? failure(http, err) : 0;
		int64_t left_ms = end_ms - clock_ms();
		if (left_ms <= 0)
			return timed_out(http, err);
		if (turn(http, wake_fd, left_ms))
			return HTTP_WOKEN;
	}
}

static void begin(struct http *http, struct patience patience)
{
	http_drop(http);
	http->at = http->end = 0;
	http->paused = http->has_head = http->ended = false;
	http->reason[0] = '\0';
	http->patience = patience;
	http->last_byte_ms = clock_ms();
	http->deadline_ms = patience.whole_ms ? http->last_byte_ms + patience.whole_ms : 0;
}

static void start(struct http *http, size_t n_bytes)
{
	curl_easy_setopt(http->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n_bytes);
	curl_multi_add_handle(http->multi, http->easy);
	http->busy = true;
	step("request sent");
}

int http_post(struct http *http, struct slice body, struct patience patience, struct err *err)
{
	begin(http, patience);
	curl_easy_setopt(http->easy, CURLOPT_POSTFIELDS, (const char *)body.data);
	start(http, body.size);
	int rc = wait_for(http, false, NO_FD, err);
	if (rc)
		http_drop(http);
	return rc;
}

/* Without a function that goes back, libcurl cannot send the body again. */
static size_t give_bytes(char *to, size_t one, size_t room, void *context)
{
	struct http *http = context;
	size_t n = one * room < http->unsent.size ? one * room : http->unsent.size;

	if (n)
		memcpy(to, http->unsent.data, n);
	http->unsent = slice_of(http->unsent.data + n, http->unsent.size - n);
	return n;
}

void http_send(struct http *http, struct slice body, struct patience patience)
{
	begin(http, patience);
	http->unsent = body;
	curl_easy_setopt(http->easy, CURLOPT_POSTFIELDS, NULL);
	curl_easy_setopt(http->easy, CURLOPT_READFUNCTION, give_bytes);
	curl_easy_setopt(http->easy, CURLOPT_READDATA, http);
	start(http, body.size);
}

int http_await(struct http *http, int wake_fd, struct err *err)
{
	if (!http->busy)
		return err_set(err, ERR_AGAIN, "nothing was sent that could be answered");
	int rc = wait_for(http, false, wake_fd, err);
	if (rc == 0)
		http->deadline_ms = 0;
	else if (rc != HTTP_WOKEN)
		http_drop(http);
	return rc;
}

long http_status(const struct http *http)
{
	long status = 0;

	curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static bool is_of_type(const struct http *http, const char *prefix)
{
	const char *type = NULL;

	curl_easy_getinfo(http->easy, CURLINFO_CONTENT_TYPE, &type);
	return type && strncasecmp(type, prefix, strlen(prefix)) == 0;
}

bool http_is_multipart(const struct http *http)
{
	return is_of_type(http, "multipart/");
}

bool http_is_web_page(const struct http *http)
{
	return is_of_type(http, "text/html");
}

static void resume(struct http *http)
{
	http->at = http->end = 0;
	if (!http->paused)
		return;
	http->paused = false;
	curl_easy_pause(http->easy, CURLPAUSE_CONT); /* may call take_bytes */
}

ssize_t http_read(struct http *http, uint8_t *buffer, size_t size, struct err *err)
{
	if (!http->busy) {
		err_set(err, ERR_AGAIN, "there is no answer to read");
		return -1;
	}
	if (http->at == http->end) {
		resume(http);
		if (wait_for(http, true, NO_FD, err) != 0) {
			http_drop(http);
			return -1;
		}
	}
	size_t n = http->end - http->at < size ? http->end - http->at : size;
	memcpy(buffer, http->bytes + http->at, n);
	http->at += n;
	return (ssize_t)n;
}

/* True if the whole answer was taken after at most a little more reading. */
static bool read_rest(struct http *http)
{
	uint8_t rest[REST_LIMIT_BYTES];
	size_t n_rest = 0;
	struct err unused;

	http->patience = (struct patience){.whole_ms = REST_LIMIT_MS, .byte_ms = REST_LIMIT_MS};
	http->deadline_ms = clock_ms() + REST_LIMIT_MS;
	while (n_rest < sizeof rest) {
		ssize_t n = http_read(http, rest, sizeof rest - n_rest, &unused);
		if (n <= 0)
			return n == 0;
		n_rest += (size_t)n;
	}
	return false;
}

void http_done(struct http *http)
{
	if (http->busy && !http->ended)
		read_rest(http);
	http_drop(http); /* closes nothing if the answer has ended */
}

void http_drop(struct http *http)
{
	if (!http->busy)
		return;
	curl_multi_remove_handle(http->multi, http->easy);
	http->busy = false;
}

int http_age_ms(const struct http *http)
{
	int64_t age_ms = http->busy && !http->ended ? clock_ms() - http->last_byte_ms : 0;

	return age_ms > INT32_MAX ? INT32_MAX : (int)age_ms;
}
