#include "tests/fakekopano/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/fakekopano/control.h"
#include "tests/fakekopano/soap.h"

#define BUSY_TIMEOUT_S 60 /* the real server's send time-out */
#define BLOCK_BYTES    65536
#define DRIP_PAUSE_US  100000
#define MAX_LISTENERS  3
#define BACKLOG        128

struct connection {
	int fd;
	bool by_socket;
	bool control; /* its last request was for the control channel */
	char peer[32];
	struct connection *next;
};

struct request {
	struct buf body;
	bool control;
};

/* An answer on its way: MHD asks for it piece by piece. */
struct sending {
	struct buf body;
	uint64_t limit;
	uint64_t drip;
};

static struct {
	struct server *server;
	struct MHD_Daemon *listeners[MAX_LISTENERS];
	int n_listeners;
	unsigned idle_timeout_s;
	pthread_mutex_t mutex;
	struct connection *connections;
} http = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void name_peer(struct connection *c)
{
	struct ucred credentials;
	socklen_t size = sizeof(credentials);

	snprintf(c->peer, sizeof(c->peer), "tcp");
	if (c->by_socket && getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0)
		snprintf(c->peer, sizeof(c->peer), "unix:%d", (int)credentials.pid);
}

static struct connection *connection_opened(int fd, bool by_socket)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	c->fd = fd;
	c->by_socket = by_socket;
	name_peer(c);
	pthread_mutex_lock(&http.mutex);
	c->next = http.connections;
	http.connections = c;
	pthread_mutex_unlock(&http.mutex);
	return c;
}

static void connection_closed(struct connection *c)
{
	struct connection **at = &http.connections;

	pthread_mutex_lock(&http.mutex);
	while (*at && *at != c)
		at = &(*at)->next;
	if (*at)
		*at = c->next;
	pthread_mutex_unlock(&http.mutex);
	free(c);
}

/* As a dying server does it. The connection that carries the order stays. */
static void close_connections(struct server *s)
{
	(void)s;
	pthread_mutex_lock(&http.mutex);
	for (struct connection *c = http.connections; c; c = c->next)
		if (!c->control)
			shutdown(c->fd, SHUT_RDWR);
	pthread_mutex_unlock(&http.mutex);
}

static void on_connection(void *listener, struct MHD_Connection *mhd, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	bool by_socket = *(bool *)listener;

	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		*context = connection_opened(
			MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd, by_socket);
	else
		connection_closed(*context);
}

static void set_timeout(struct MHD_Connection *mhd, unsigned seconds)
{
	MHD_set_connection_option(mhd, MHD_CONNECTION_OPTION_TIMEOUT, seconds);
}

static void on_completed(void *unused, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code)
{
	struct request *request = *context;
	struct connection *c = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

	(void)unused;
	(void)code;
	if (request) {
		buf_free(&request->body);
		free(request);
	}
	set_timeout(mhd, c->by_socket ? 0 : http.idle_timeout_s);
}

static ssize_t on_read(void *context, uint64_t at, char *out, size_t max)
{
	struct sending *s = context;
	uint64_t end = s->body.len < s->limit ? s->body.len : s->limit;
	uint64_t n = end > at ? end - at : 0;

	if (n == 0)
		return s->limit < s->body.len ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
	if (n > max)
		n = max;
	if (s->drip) {
		usleep(DRIP_PAUSE_US);
		if (n > s->drip)
			n = s->drip;
	}
	memcpy(out, s->body.data + at, n);
	return (ssize_t)n;
}

static void on_sent(void *context)
{
	struct sending *s = context;

	buf_free(&s->body);
	free(s);
}

static enum MHD_Result send_answer(struct MHD_Connection *mhd, struct answer *a)
{
	struct sending *s = calloc(1, sizeof(*s));
	uint64_t size = a->chunked ? MHD_SIZE_UNKNOWN : a->body.len;
	struct MHD_Response *response;
	enum MHD_Result result;

	if (!s)
		abort();
	*s = (struct sending){a->body, a->limit, a->drip};
	response = MHD_create_response_from_callback(size, BLOCK_BYTES, on_read, s, on_sent);
	if (!response)
		abort();
	MHD_add_response_header(response, "Server", "gSOAP/2.8");
	MHD_add_response_header(response, "X-Frame-Options", "SAMEORIGIN");
	MHD_add_response_header(response, "Content-Type", a->content_type);
	MHD_set_response_options(response, MHD_RF_SEND_KEEP_ALIVE_HEADER, MHD_RO_END);
	result = MHD_queue_response(mhd, a->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result finish_request(struct MHD_Connection *mhd, struct connection *c, struct request *request)
{
	struct answer a = {.status = 200, .limit = NO_LIMIT};

	set_timeout(mhd, 0);
	c->control = request->control;
	if (request->control) {
		snprintf(a.content_type, sizeof(a.content_type), "application/x-ndjson");
		control_run(http.server, request->body.data, request->body.len, &a.body);
	} else {
		soap_answer(http.server, &(struct peer){c->peer, c->by_socket}, request->body.data, request->body.len,
			    &a);
	}
	set_timeout(mhd, BUSY_TIMEOUT_S);
	if (!a.none)
		return send_answer(mhd, &a);
	buf_free(&a.body);
	return MHD_NO;
}

static enum MHD_Result refuse(struct MHD_Connection *mhd)
{
	struct answer a = {.status = 405, .limit = NO_LIMIT, .content_type = "text/plain"};

	return send_answer(mhd, &a);
}

static enum MHD_Result on_request(void *listener, struct MHD_Connection *mhd, const char *url, const char *method,
				  const char *version, const char *data, size_t *size, void **context)
{
	struct connection *c = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	struct request *request = *context;

	(void)listener;
	(void)version;
	if (!request) {
		request = *context = calloc(1, sizeof(*request));
		if (!request)
			abort();
		request->control = strncmp(url, "/control", 8) == 0;
		return MHD_YES;
	}
	if (*size) {
		buf_put(&request->body, data, *size);
		*size = 0;
		return MHD_YES;
	}
	buf_room(&request->body, 1);
	return strcmp(method, "POST") == 0 ? finish_request(mhd, c, request) : refuse(mhd);
}

static char *read_file(const char *name)
{
	FILE *f = fopen(name, "rb");
	struct buf b = {0};
	size_t n;

	if (!f) {
		fprintf(stderr, "%s: %s\n", name, strerror(errno));
		return NULL;
	}
	while ((n = fread(buf_room(&b, 4096), 1, 4096, f)) > 0)
		b.len += n;
	fclose(f);
	buf_char(&b, '\0');
	return b.data;
}

static bool listen_on(int fd, bool by_socket, const char *cert, const char *key)
{
	static bool is_socket = true, is_network;
	struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(intptr_t)cert},
				       {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(intptr_t)key},
				       {MHD_OPTION_END, 0, NULL}};
	struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
	unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
			 MHD_USE_ERROR_LOG | MHD_USE_SUPPRESS_DATE_NO_CLOCK | (cert ? MHD_USE_TLS : 0);
	struct MHD_Daemon *daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, by_socket ? &is_socket : &is_network, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
		MHD_OPTION_CONNECTION_TIMEOUT, by_socket ? 0u : http.idle_timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)(4 * BLOCK_BYTES), MHD_OPTION_ARRAY, cert ? tls : none, MHD_OPTION_END);

	if (!daemon) {
		fprintf(stderr, "cannot start a listener\n");
		return false;
	}
	http.listeners[http.n_listeners++] = daemon;
	return true;
}

static int tcp_socket(uint16_t *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(*port)};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
		fprintf(stderr, "port %u: %s\n", *port, strerror(errno));
		return -1;
	}
	*port = ntohs(address.sin_port);
	return fd;
}

static int unix_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, BACKLOG) < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	return fd;
}

static bool start_tls(struct http *h, const struct http_options *o)
{
	/* MHD keeps pointers to both texts. */
	char *cert = read_file(o->tls_cert), *key = read_file(o->tls_key);
	int fd;

	h->tls_port = o->tls_port;
	fd = cert && key ? tcp_socket(&h->tls_port) : -1;
	return fd >= 0 && listen_on(fd, false, cert, key);
}

bool http_start(struct http *h, struct server *s, const struct http_options *o)
{
	int fd;

	http.server = s;
	http.idle_timeout_s = o->idle_timeout_s;
	s->close_connections = close_connections;
	*h = (struct http){.port = o->port};
	fd = tcp_socket(&h->port);
	if (fd < 0 || !listen_on(fd, false, NULL, NULL))
		return false;
	if (o->tls_cert && !start_tls(h, o))
		return false;
	if (!o->socket)
		return true;
	fd = unix_socket(o->socket);
	return fd >= 0 && listen_on(fd, true, NULL, NULL);
}

void http_stop(void)
{
	faults_clear(&http.server->faults);
	pthread_rwlock_wrlock(&http.server->lock);
	sessions_end_all(http.server); /* polls end */
	pthread_rwlock_unlock(&http.server->lock);
	close_connections(http.server);
	for (int i = 0; i < http.n_listeners; i++)
		MHD_stop_daemon(http.listeners[i]);
}
