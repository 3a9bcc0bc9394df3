#include <errno.h>
#include <sys/eventfd.h>
#include <zmq.h>

#include "bridge/clock.h"
#include "bridge/zeromq/zeromq.h"

enum { MOST_AT_ONCE = 1000 /* messages; then others get their turn */ };

static int send_frame(void *context, struct slice peer, struct slice frame)
{
	struct zeromq_sink *sink = context;
	if (zmq_send(sink->router, peer.data, peer.size, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0)
		return errno == EAGAIN ? SESSION_FULL : SESSION_GONE;
	return zmq_send(sink->router, frame.data, frame.size, ZMQ_DONTWAIT) < 0 ? SESSION_GONE : 0;
}

static bool has_more(zmq_msg_t *frame)
{
	return zmq_msg_more(frame);
}

static struct slice slice_of_frame(zmq_msg_t *frame)
{
	return slice_of(zmq_msg_data(frame), zmq_msg_size(frame));
}

/* The rest of a message of too many frames. */
static void skip(void *router, zmq_msg_t *frame)
{
	while (has_more(frame) && zmq_msg_recv(frame, router, ZMQ_DONTWAIT) >= 0)
		;
}

/* A message is the routing id, which libzmq adds, and one frame. */
static bool take_one(struct zeromq_sink *sink)
{
	zmq_msg_t peer, frame;
	zmq_msg_init(&peer);
	zmq_msg_init(&frame);
	bool taken = zmq_msg_recv(&peer, sink->router, ZMQ_DONTWAIT) >= 0;
	if (taken && has_more(&peer) && zmq_msg_recv(&frame, sink->router, ZMQ_DONTWAIT) >= 0) {
		if (has_more(&frame))
			session_take_malformed(&sink->session, slice_of_frame(&peer));
		else
			session_take(&sink->session, slice_of_frame(&peer), slice_of_frame(&frame));
		skip(sink->router, &frame);
	}
	zmq_msg_close(&frame);
	zmq_msg_close(&peer);
	return taken;
}

static bool is_ready(void *router)
{
	int events = 0;
	size_t size = sizeof events;
	return zmq_getsockopt(router, ZMQ_EVENTS, &events, &size) == 0 && events & ZMQ_POLLIN;
}

/* Sending too takes from libzmq's fd what it has to tell; so this ends only when there is nothing after sending. */
void zeromq_router_take(struct zeromq_sink *sink)
{
	int n = 0;
	do {
		while (n < MOST_AT_ONCE && take_one(sink))
			n++;
		session_tick(&sink->session);
		session_flush(&sink->session);
	} while (n < MOST_AT_ONCE && is_ready(sink->router));
	if (n == MOST_AT_ONCE)
		eventfd_write(sink->ring_fd, 1);
}

int zeromq_router_open(struct zeromq_sink *sink, struct err *err)
{
	const struct zeromq_config *config = sink->config;
	const struct session_parts parts = {.consumer = config->consumer,
					    .heartbeat_ms = config->heartbeat_ms,
					    .outbox_bytes = config->outbox_bytes,
					    .now_ms = clock_ms,
					    .send = send_frame,
					    .context = sink,
					    .events = &sink->events};
	session_init(&sink->session, &parts, sink->run);
	return zeromq_bind(sink, ZMQ_ROUTER, config->acknowledged, &sink->router, err);
}
