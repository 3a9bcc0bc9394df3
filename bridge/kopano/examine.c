/* The way to the server, step by step: name, port, TLS and logon, the account's rights, stores and folders. */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bridge/kopano/client_book.h"
#include "bridge/kopano/examine.h"
#include "bridge/kopano/http_url.h"
#include "bridge/kopano/kopano.h"
#include "bridge/state/once.h"

enum { CONNECT_MS = 5000, FIND_MS = 10000, MAX_HOST = 256, MAX_PORT = 8 };

static void part_of(CURLU *url, CURLUPart part, char *text, size_t size)
{
	char *value = NULL;
	text[0] = '\0';
	if (curl_url_get(url, part, &value, CURLU_DEFAULT_PORT) == CURLUE_OK)
		snprintf(text, size, "%s", value);
	curl_free(value);
}

/* An IPv6 address stands in brackets in a URL, and nowhere else. */
static void host_and_port(const char *url, char host[MAX_HOST], char port[MAX_PORT])
{
	CURLU *parsed = curl_url();
	curl_url_set(parsed, CURLUPART_URL, url, 0);
	part_of(parsed, CURLUPART_HOST, host, MAX_HOST);
	part_of(parsed, CURLUPART_PORT, port, MAX_PORT);
	curl_url_cleanup(parsed);
	size_t size = strlen(host);
	if (size > 2 && host[0] == '[') {
		memmove(host, host + 1, size - 2);
		host[size - 2] = '\0';
	}
}

static void name_address(const struct addrinfo *address, char *text, size_t size)
{
	if (getnameinfo(address->ai_addr, address->ai_addrlen, text, (socklen_t)size, NULL, 0, NI_NUMERICHOST))
		snprintf(text, size, "?");
}

static struct addrinfo *resolve(struct examination *examination, const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
	char text[512] = "", address[64];
	int failed = getaddrinfo(host, port, &hints, &found);
	if (failed) {
		examine_say(examination, failed == EAI_AGAIN ? VERDICT_PASSING : VERDICT_WRONG, "resolve",
			    "%s: %s; correct the host in source.kopano.url, or the name service of this machine", host,
			    gai_strerror(failed));
		return NULL;
	}
	for (const struct addrinfo *at = found; at && strlen(text) + sizeof address + 2 < sizeof text;
	     at = at->ai_next) {
		name_address(at, address, sizeof address);
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", *text ? ", " : "", address);
	}
	examine_say(examination, VERDICT_OK, "resolve", "%s is %s", host, text);
	return found;
}

/* 0, or errno. */
static int try_address(const struct addrinfo *address)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), number = 0;
	socklen_t size = sizeof number;
	if (fd < 0)
		return errno;
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	if (connect(fd, address->ai_addr, address->ai_addrlen) < 0 && errno != EINPROGRESS)
		number = errno;
	else if (poll(&ready, 1, CONNECT_MS) <= 0)
		number = ETIMEDOUT;
	else
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size);
	close(fd);
	return number;
}

static bool can_connect(struct examination *examination, const struct addrinfo *addresses, const char *port)
{
	char text[64];
	int number = 0;
	for (const struct addrinfo *at = addresses; at; at = at->ai_next) {
		name_address(at, text, sizeof text);
		if ((number = try_address(at)) == 0) {
			examine_say(examination, VERDICT_OK, "connect", "%s port %s", text, port);
			return true;
		}
	}
	examine_say(
		examination, VERDICT_PASSING, "connect",
		"%s port %s: %s; does the server run, is the port right, and does a firewall let this machine through?",
		text, port, strerror(number));
	return false;
}

static bool reach(struct examination *examination, const struct login *login)
{
	struct http_place place;
	struct err err;
	char host[MAX_HOST], port[MAX_PORT];
	if (http_place_of(login->url, &place, &err)) {
		examine_error(examination, "resolve", &err);
		return false;
	}
	if (place.socket)
		return true; /* the logon tells */
	host_and_port(place.url, host, port);
	struct addrinfo *addresses = resolve(examination, host, port);
	bool reached = addresses && can_connect(examination, addresses, port);
	if (addresses)
		freeaddrinfo(addresses);
	return reached;
}

static bool is_tls(const struct login *login)
{
	return strncasecmp(login->url, "https:", 6) == 0;
}

static struct client *log_on(struct examination *examination, const struct login *login)
{
	struct client *client = NULL;
	struct err err;
	bool failed = client_open(login, &client, &err) != 0;
	bool about_tls = is_tls(login) && failed && strstr(err.text, "certificate");
	if (is_tls(login) && !login->verify)
		examine_say(examination, VERDICT_WARNING, "TLS",
			    "not verified: set tls.ca_file, and remove `verify: false`");
	else if (is_tls(login) && !failed)
		examine_say(examination, VERDICT_OK, "TLS", "the server's certificate is trusted");
	if (failed)
		examine_error(examination, about_tls ? "TLS" : "logon", &err);
	else
		examine_say(examination, VERDICT_OK, "logon", "as %s%s%s, server version %s", login->user,
			    *login->impersonate ? " for " : "", login->impersonate, client_server_version(client));
	return client;
}

static void examine_rights(struct examination *examination, const struct kopano_config *config, struct client *client)
{
	struct arena arena = {0};
	struct kopano_user user;
	struct err err;
	bool whole = config->follow->mode == FOLLOW_SERVER;
	if (client_user(client, (struct slice){0}, &arena, &user, &err))
		examine_error(examination, "rights", &err);
	else if (user.admin_level >= ADMIN_SYSTEM)
		examine_say(examination, VERDICT_OK, "rights", "a system administrator: may follow the whole server");
	else
		examine_say(examination, whole ? VERDICT_WRONG : VERDICT_OK, "rights", "%s",
			    whole ? "only a system administrator is told of the whole server: make the account one "
				    "(kopano-admin "
				    "-u NAME -a 2), or name stores and write `mode: stores`"
				  : "no system administrator: may follow the folders that it has the right to read");
	arena_free(&arena);
}

/* Until every store that is named was found, or is not; of a server with very many stores not to the end. */
static int find_all(struct source *source, struct err *err)
{
	int64_t deadline_ms = clock_ms() + FIND_MS;
	int rc = 0;
	while (rc == 0 && !stores_are_mapped((struct kopano *)source) && clock_ms() < deadline_ms) {
		struct batch *batch = NULL;
		rc = kopano_ops.next(source, &batch, err);
		batch_free(batch);
	}
	return rc == SOURCE_IDLE ? 0 : rc;
}

/* What a start does, on a state that nobody keeps. */
static void examine_folders(struct examination *examination, const struct kopano_config *config)
{
	struct state *state = once_state_new();
	struct source *source = NULL;
	struct err err;
	int rc = kopano_ops.open(config, &source, &err);
	if (rc == 0)
		rc = kopano_ops.seek(source, state, &err);
	if (rc == 0 && config->follow->mode != FOLLOW_SERVER)
		rc = find_all(source, &err);
	if (rc)
		examine_error(examination, "follow", &err);
	else
		examine_say(examination, VERDICT_OK, "follow", "stores and folders are there and can be read");
	kopano_ops.close(source);
	state->ops->close(state);
}

void kopano_examine(const void *context, struct examination *examination)
{
	const struct kopano_config *config = context;
	struct client *client = reach(examination, &config->login) ? log_on(examination, &config->login) : NULL;
	if (!client)
		return;
	examine_rights(examination, config, client);
	client_close(client);
	examine_folders(examination, config);
}
