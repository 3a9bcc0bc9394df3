#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include "bridge/clock.h"
#include "bridge/zeromq/zeromq.h"

enum { IN_USE_MS = 1000, IN_USE_STEP_MS = 50, LINGER_MS = 500, PEER_HEARTBEAT_MS = 1000, PEER_DEAD_MS = 5000 };
enum { MOST_INPUT_BYTES = 4096 /* of one frame from outside */, ROUTER_QUEUE = 1000 };

static void set(void *socket, int option, int value)
{
	zmq_setsockopt(socket, option, &value, sizeof value);
}

/* Connections that died without a word are closed by libzmq's own heartbeats. What libzmq queues for the consumer is
 * bounded by the outbox, if it does not say hello again and again; for who only asks and never reads, by its queue. */
static void set_options(const struct zeromq_sink *sink, int type, const char *address, void *socket)
{
	int64_t most_bytes = MOST_INPUT_BYTES;
	zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most_bytes, sizeof most_bytes);
	set(socket, ZMQ_LINGER, LINGER_MS);
	set(socket, ZMQ_HEARTBEAT_IVL, PEER_HEARTBEAT_MS);
	set(socket, ZMQ_HEARTBEAT_TIMEOUT, PEER_DEAD_MS);
	set(socket, ZMQ_HEARTBEAT_TTL, PEER_DEAD_MS);
	set(socket, ZMQ_IPV6, strstr(address, "://[") != NULL);
	set(socket, ZMQ_SNDHWM, type == ZMQ_PUB ? sink->config->queue : ROUTER_QUEUE);
	if (type == ZMQ_ROUTER)
		set(socket, ZMQ_ROUTER_MANDATORY, 1);
}

static bool may_pass(int code)
{
	return code == EADDRINUSE || code == EADDRNOTAVAIL || code == ENODEV;
}

static int pause_ms(const struct zeromq_sink *sink, int ms, struct err *err)
{
	struct pollfd stop = {.fd = sink->stop_fd, .events = POLLIN};
	return poll(&stop, 1, ms) > 0 ? err_set(err, ERR_STOPPED, "ZeroMQ: stopped") : 0;
}

/* libzmq takes an ipc path over from whoever listens there. */
static bool is_listening(const char *address)
{
	static const char ipc[] = "ipc://";
	struct sockaddr_un path = {.sun_family = AF_UNIX};
	if (strncmp(address, ipc, sizeof ipc - 1) != 0 || address[sizeof ipc - 1] == '@')
		return false;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	snprintf(path.sun_path, sizeof path.sun_path, "%s", address + sizeof ipc - 1);
	bool is_there = fd >= 0 && (connect(fd, (struct sockaddr *)&path, sizeof path) == 0 || errno == EAGAIN);
	if (fd >= 0)
		close(fd);
	return is_there;
}

/* 0, or an errno. */
static int try_bind(void *socket, const char *address)
{
	if (is_listening(address))
		return EADDRINUSE;
	return zmq_bind(socket, address) ? errno : 0;
}

static int cannot_bind(const char *address, int code, struct err *err)
{
	if (may_pass(code))
		return err_set(err, ERR_AGAIN,
			       "ZeroMQ: cannot bind to %s: %s; is another instance running, and is the address one of "
			       "this machine?",
			       address, zmq_strerror(code));
	return err_usage(err, "ZeroMQ: cannot bind to %s: %s; correct `bind` in the configuration", address,
			 zmq_strerror(code));
}

int zeromq_bind(struct zeromq_sink *sink, int type, const char *address, void **socket, struct err *err)
{
	int64_t end_ms = clock_ms() + IN_USE_MS;
	*socket = zmq_socket(sink->context, type);
	if (!*socket)
		return err_fatal(err, "ZeroMQ: cannot make a socket: %s; is the limit of open files too low?",
				 zmq_strerror(errno));
	set_options(sink, type, address, *socket);
	for (int code; (code = try_bind(*socket, address));) {
		if (!may_pass(code) || clock_ms() >= end_ms)
			return cannot_bind(address, code, err);
		int class = pause_ms(sink, IN_USE_STEP_MS, err);
		if (class)
			return class;
	}
	return 0;
}
