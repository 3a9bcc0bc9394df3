#include <stdlib.h>
#include <zmq.h>

#include "bridge/zeromq/zeromq.h"
#include "core/arena.h"

enum { SUBSCRIPTION_BYTES = 4096, SEQUENCE_BYTES = 8, HELD_RECORD_BYTES = 512, GUID_DIGITS = 2 * GUID_SIZE };

/* ---- topics ---- */

static bool is_about(const struct record *record, const char *object)
{
	static const char prefix[] = "tidings.v1.";
	return strncmp(record->type, prefix, sizeof prefix - 1) == 0 &&
	       strncmp(record->type + sizeof prefix - 1, object, strlen(object)) == 0;
}

static const char *object_of(const struct record *record)
{
	switch (record->topic) {
	case TOPIC_FOLDERS:
		return is_about(record, "Store") ? "store" : "folder";
	case TOPIC_ADDRESSBOOK:
		return is_about(record, "Group") ? "group" : "user";
	case TOPIC_LIFECYCLE:
		return "lifecycle";
	case TOPIC_DEADLETTER:
		return "deadletter";
	case TOPIC_NOTIFICATIONS:
		return "notification";
	default:
		return "item";
	}
}

/* A key with a slash is store and folder already; one without is a store's GUID, or of the address book. */
size_t zeromq_topic(const struct record *record, char *topic)
{
	bool has_slash = record->key.size && memchr(record->key.data, '/', record->key.size);
	char *end = topic;
	if (has_slash || (record->key.size == GUID_DIGITS && record->topic != TOPIC_ADDRESSBOOK)) {
		memcpy(end, record->key.data, record->key.size);
		end += record->key.size;
	}
	end = stpcpy(end, has_slash ? "/" : "//");
	return (size_t)(stpcpy(end, object_of(record)) - topic);
}

/* ---- the socket ---- */

static void write_u64(uint8_t *to, uint64_t value)
{
	for (int i = SEQUENCE_BYTES - 1; i >= 0; i--, value >>= 8)
		to[i] = (uint8_t)value;
}

/* A value that libzmq holds as long as a subscriber has not got it: one for all of them. */
struct held {
	struct zeromq_sink *sink;
	size_t charged_bytes;
	uint8_t value[];
};

/* From a thread of libzmq. */
static void let_go(void *value, void *hint)
{
	struct held *held = hint;
	(void)value;
	atomic_fetch_sub(&held->sink->held_bytes, held->charged_bytes);
	free(held);
}

static void send_value(struct zeromq_sink *sink, struct slice value, size_t charged_bytes)
{
	struct held *held = xmalloc(sizeof *held + value.size);
	zmq_msg_t frame;
	*held = (struct held){.sink = sink, .charged_bytes = charged_bytes};
	memcpy(held->value, value.data, value.size);
	atomic_fetch_add(&sink->held_bytes, charged_bytes);
	zmq_msg_init_data(&frame, held->value, value.size, let_go, held);
	if (zmq_msg_send(&frame, sink->live, ZMQ_DONTWAIT) < 0)
		zmq_msg_close(&frame);
}

static bool has_room(struct zeromq_sink *sink, size_t n_bytes)
{
	size_t held_bytes = atomic_load(&sink->held_bytes);
	return held_bytes == 0 || held_bytes + n_bytes <= sink->config->memory_bytes;
}

/* A subscriber that does not keep up misses records: libzmq drops them for it, and the sequences show it. What those
 * who are slow hold is bounded by dropping records for all. */
void zeromq_live_publish(struct zeromq_sink *sink, const struct record *record)
{
	char *topic = xmalloc(record->key.size + LIVE_TOPIC_ROOM);
	uint8_t place[RUN_SIZE + SEQUENCE_BYTES];
	size_t size = zeromq_topic(record, topic);
	memcpy(place, sink->run, RUN_SIZE);
	write_u64(place + RUN_SIZE, ++*counts_of(&sink->counts, slice_of(topic, size)));
	size_t charged_bytes = size + record->value.size + HELD_RECORD_BYTES;
	if (has_room(sink, charged_bytes)) {
		zmq_send(sink->live, topic, size, ZMQ_DONTWAIT | ZMQ_SNDMORE);
		zmq_send(sink->live, place, sizeof place, ZMQ_DONTWAIT | ZMQ_SNDMORE);
		send_value(sink, record->value, charged_bytes);
	}
	free(topic);
}

void zeromq_live_take(struct zeromq_sink *sink)
{
	int events;
	size_t size = sizeof events;
	zmq_getsockopt(sink->live, ZMQ_EVENTS, &events, &size); /* libzmq does the rest */
}
