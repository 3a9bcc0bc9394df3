#include "tests/support/script_http.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/arena.h"

enum { CONNECTIONS_LIMIT = 64, REQUESTS_LIMIT = 256, REQUEST_LIMIT_BYTES = 1 << 20 };

static const char recordings[] = "tests/data/transcripts/kopano";

struct connection {
	struct script_http *server;
	pthread_t thread;
	int fd;
};

struct script_http {
	struct http_step *steps;
	size_t n_steps;
	int fd;
	char url[64];
	pthread_t thread;

	pthread_mutex_t lock; /* of the rest */
	struct connection connections[CONNECTIONS_LIMIT];
	size_t n_connections;
	char *requests[REQUESTS_LIMIT];
	size_t n_requests;
};

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}

struct text {
	char *bytes;
	size_t size;
};

static struct text load(const char *name)
{
	struct text text = {0};
	char path[512];

	snprintf(path, sizeof path, "%s/%s", recordings, name);
	FILE *file = fopen(path, "rb");
	must(file, path);
	fseek(file, 0, SEEK_END);
	text.size = (size_t)ftell(file);
	rewind(file);
	text.bytes = xmalloc(text.size);
	must(fread(text.bytes, 1, text.size, file) == text.size, path);
	fclose(file);
	return text;
}

static struct text body_of(const struct http_step *step)
{
	struct text text = {0};

	if (step->recorded)
		return load(step->recorded);
	FILE *out = open_memstream(&text.bytes, &text.size);
	if (step->body)
		fprintf(out, "<E:Envelope><E:Body>%s</E:Body></E:Envelope>\r\n", step->body);
	fclose(out);
	return text;
}

static void put_chunked(FILE *out, struct text body, size_t chunk)
{
	for (size_t at = 0; at < body.size; at += chunk) {
		size_t n = body.size - at < chunk ? body.size - at : chunk;
		fprintf(out, "%zx\r\n", n);
		fwrite(body.bytes + at, 1, n, out);
		fprintf(out, "\r\n");
	}
	fprintf(out, "0\r\n\r\n");
}

static struct text answer_of(const struct http_step *step)
{
	struct text answer = {0}, body = body_of(step);
	FILE *out = open_memstream(&answer.bytes, &answer.size);
	bool multipart = body.size > 2 && memcmp(body.bytes, "--", 2) == 0;

	fprintf(out,
		"HTTP/1.1 %d Said So\r\nServer: script\r\nConnection: keep-alive\r\nContent-Type: %s; "
		"charset=utf-8\r\n",
		step->status ? step->status : 200, multipart ? "multipart/related" : "text/xml");
	if (step->chunk_bytes) {
		fprintf(out, "Transfer-Encoding: chunked\r\n\r\n");
		put_chunked(out, body, step->chunk_bytes);
	} else {
		fprintf(out, "Content-Length: %zu\r\n\r\n", body.size);
		fwrite(body.bytes, 1, body.size, out);
	}
	fclose(out);
	free(body.bytes);
	return answer;
}

/* False when the client is gone. */
static bool send_all(int fd, const char *bytes, size_t size)
{
	for (ssize_t n; size; bytes += n, size -= (size_t)n)
		if ((n = send(fd, bytes, size, MSG_NOSIGNAL)) <= 0)
			return false;
	return true;
}

/* True when the client closed within the time; -1: however long it takes. */
static bool client_closes(int fd, int ms)
{
	struct pollfd client = {.fd = fd, .events = POLLIN};

	return poll(&client, 1, ms) > 0;
}

static bool send_slowly(int fd, const struct http_step *step, struct text answer)
{
	size_t piece = step->pause_ms ? step->chunk_bytes : answer.size;

	for (size_t at = 0; at < answer.size; at += piece) {
		size_t n = answer.size - at < piece ? answer.size - at : piece;
		if (!send_all(fd, answer.bytes + at, n) || (step->pause_ms && client_closes(fd, step->pause_ms)))
			return false;
	}
	return true;
}

/* False: the connection is to be closed. */
static bool answer(int fd, const struct http_step *step)
{
	if (step->no_answer)
		return false;
	if (step->hang)
		return !client_closes(fd, -1);
	if (step->raw.size)
		return send_all(fd, (const char *)step->raw.data, step->raw.size) && !step->then_close;
	struct text text = answer_of(step);
	text.size -= step->cut_bytes < text.size ? step->cut_bytes : text.size;
	bool sent = send_slowly(fd, step, text);
	free(text.bytes);
	return sent && !step->cut_bytes && !step->then_close;
}

static size_t content_length(const char *head)
{
	const char *found = strcasestr(head, "\r\nContent-Length:");

	return found ? strtoul(found + 17, NULL, 10) : 0;
}

/* The body of the next request, or NULL when the client closed. The client sends one at a time. */
static char *read_request(int fd)
{
	char *all = xmalloc(REQUEST_LIMIT_BYTES + 1), *body;
	size_t size = 0;

	for (;;) {
		ssize_t n = recv(fd, all + size, REQUEST_LIMIT_BYTES - size, 0);
		if (n <= 0)
			break;
		size += (size_t)n;
		all[size] = '\0';
		body = strstr(all, "\r\n\r\n");
		if (body && size - (size_t)(body + 4 - all) >= content_length(all))
			return memmove(all, body + 4, strlen(body + 4) + 1);
	}
	free(all);
	return NULL;
}

static const struct http_step *take_step(struct script_http *server, char *request)
{
	static const struct http_step no_step = {.status = 404};

	pthread_mutex_lock(&server->lock);
	must(server->n_requests < REQUESTS_LIMIT, "requests of a script");
	size_t i = server->n_requests++;
	server->requests[i] = request;
	pthread_mutex_unlock(&server->lock);
	return i < server->n_steps ? &server->steps[i] : &no_step;
}

static void *serve(void *context)
{
	struct connection *connection = context;

	for (char *request; (request = read_request(connection->fd));)
		if (!answer(connection->fd, take_step(connection->server, request)))
			break;
	shutdown(connection->fd, SHUT_RDWR);
	return NULL;
}

static void *accept_all(void *context)
{
	struct script_http *server = context;

	for (int fd; (fd = accept(server->fd, NULL, NULL)) >= 0;) {
		pthread_mutex_lock(&server->lock);
		must(server->n_connections < CONNECTIONS_LIMIT, "connections to a script");
		struct connection *connection = &server->connections[server->n_connections++];
		*connection = (struct connection){.server = server, .fd = fd};
		must(pthread_create(&connection->thread, NULL, serve, connection) == 0, "thread");
		pthread_mutex_unlock(&server->lock);
	}
	return NULL;
}

struct script_http *script_http_start(const struct http_step *steps, size_t n_steps)
{
	struct script_http *server = xcalloc(1, sizeof *server);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof address;

	server->steps = memcpy(xmalloc(n_steps * sizeof *steps), steps, n_steps * sizeof *steps);
	server->n_steps = n_steps;
	pthread_mutex_init(&server->lock, NULL);
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(server->fd >= 0 && bind(server->fd, (struct sockaddr *)&address, size) == 0 && listen(server->fd, 16) == 0,
	     "listen");
	must(getsockname(server->fd, (struct sockaddr *)&address, &size) == 0, "getsockname");
	snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
	must(pthread_create(&server->thread, NULL, accept_all, server) == 0, "thread");
	return server;
}

const char *script_http_url(const struct script_http *server)
{
	return server->url;
}

size_t script_http_n_requests(struct script_http *server)
{
	pthread_mutex_lock(&server->lock);
	size_t n = server->n_requests;
	pthread_mutex_unlock(&server->lock);
	return n;
}

size_t script_http_n_connections(struct script_http *server)
{
	pthread_mutex_lock(&server->lock);
	size_t n = server->n_connections;
	pthread_mutex_unlock(&server->lock);
	return n;
}

const char *script_http_request(struct script_http *server, size_t i)
{
	pthread_mutex_lock(&server->lock);
	const char *request = i < server->n_requests ? server->requests[i] : "";
	pthread_mutex_unlock(&server->lock);
	return request;
}

void script_http_stop(struct script_http *server)
{
	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->fd);
	for (size_t i = 0; i < server->n_connections; i++) {
		shutdown(server->connections[i].fd, SHUT_RDWR);
		pthread_join(server->connections[i].thread, NULL);
		close(server->connections[i].fd);
	}
	for (size_t i = 0; i < server->n_requests; i++)
		free(server->requests[i]);
	pthread_mutex_destroy(&server->lock);
	free(server->steps);
	free(server);
}
