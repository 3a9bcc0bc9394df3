#include <stdlib.h>
#include <zmq.h>

#include "bridge/zeromq/zeromq.h"
#include "core/arena.h"

enum { SEQUENCE_BYTES = 8, HELD_RECORD_BYTES = 512, GUID_DIGITS = 2 * GUID_SIZE, TOPIC_BYTES = 256 /* of most */ };

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

static void send_value(struct zeromq_sink *sink, struct slice value, size_t charged_bytes)
{
	zmq_msg_t frame;
	held_frame(&sink->held, value, charged_bytes, &frame);
	if (zmq_msg_send(&frame, sink->live, ZMQ_DONTWAIT) < 0)
		zmq_msg_close(&frame);
}

/* A subscriber that does not keep up misses records: libzmq drops them for it, and the sequences show it. What those
 * who are slow hold is bounded by dropping records for all. */
void zeromq_live_publish(struct zeromq_sink *sink, const struct record *record)
{
	uint8_t place[RUN_SIZE + SEQUENCE_BYTES];
	char room[TOPIC_BYTES], *topic = room;
	if (record->key.size + LIVE_TOPIC_ROOM > sizeof room)
		topic = xmalloc(record->key.size + LIVE_TOPIC_ROOM);
	size_t size = zeromq_topic(record, topic);
	memcpy(place, sink->run, RUN_SIZE);
	write_u64(place + RUN_SIZE, ++*counts_of(&sink->counts, slice_of(topic, size)));
	size_t charged_bytes = size + HELD_RECORD_BYTES;
	if (held_has_room(&sink->held, charged_bytes + record->value.size)) {
		zmq_send(sink->live, topic, size, ZMQ_DONTWAIT | ZMQ_SNDMORE);
		zmq_send(sink->live, place, sizeof place, ZMQ_DONTWAIT | ZMQ_SNDMORE);
		send_value(sink, record->value, charged_bytes);
	}
	if (topic != room)
		free(topic);
}

void zeromq_live_take(struct zeromq_sink *sink)
{
	int events;
	size_t size = sizeof events;
	zmq_getsockopt(sink->live, ZMQ_EVENTS, &events, &size); /* libzmq does the rest */
}
