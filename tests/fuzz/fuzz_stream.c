/* The acknowledged endpoint of the ZeroMQ sink, on any messages of any peers in any order, and the consumer's reader on
 * any bytes. Whatever comes: what is sent can be read, and records are acknowledged in order, none that was not sent.
 *
 * The input is a run of (peer and act, length, bytes): a record is added, time passes, the connection is lost, or the
 * bytes come as a message of that peer. */
#include <stdlib.h>

#include "bridge/zeromq/session.h"

enum { N_PEERS = 3, HEARTBEAT_MS = 100, OUTBOX_BYTES = 64 << 10 };
enum { ADD, PASS_TIME, LOSE, FLUSH, MALFORMED };

static struct session session;
static int64_t time_ms;
static int lost; /* the peer whose connection is lost; -1: none */
static uintptr_t n_added, n_acknowledged;
static uint64_t highest;

static void must(bool good)
{
	if (!good)
		abort();
}

static int64_t now_ms(void)
{
	return time_ms;
}

static void check_records(const struct stream_message *message)
{
	struct stream_record record;
	struct slice records = message->records;
	uint64_t sequence = message->sequence;
	must(slice_equal(message->run, slice_of(session.run, RUN_SIZE)) && sequence > n_acknowledged);
	for (; stream_next_record(&records, &record); sequence++)
		must(record.value.size == 10 && sequence <= n_added);
	highest = sequence - 1 > highest ? sequence - 1 : highest;
}

static int send_frame(void *context, struct slice peer, struct slice frame)
{
	struct stream_message message;
	(void)context;
	must(peer.size == 1 && stream_read_to_consumer(frame, &message));
	if (peer.data[0] == lost)
		return SESSION_GONE;
	if (message.kind == STREAM_RECORDS)
		check_records(&message);
	return 0;
}

static void on_acknowledged(void *context, void *token)
{
	(void)context;
	must((uintptr_t)token == ++n_acknowledged && n_acknowledged <= highest);
}

static const struct sink_events events = {.acknowledged = on_acknowledged};

static void add(void)
{
	static const uint8_t value[10];
	const struct record record = {.topic = TOPIC_ITEMS,
				      .key = slice_of_text("key"),
				      .value = slice_of(value, sizeof value),
				      .type = "tidings.v1.ItemCreated",
				      .token = (void *)(n_added + 1)};
	n_added += session_add(&session, &record);
}

static void act(int what, uint8_t peer)
{
	switch (what) {
	case ADD:
		add();
		break;
	case PASS_TIME:
		time_ms += HEARTBEAT_MS;
		session_tick(&session);
		break;
	case LOSE:
		lost = lost == peer ? -1 : peer;
		break;
	case FLUSH:
		session_flush(&session);
		break;
	case MALFORMED:
		session_take_malformed(&session, slice_of(&peer, 1));
		break;
	}
}

static void play(const uint8_t *data, size_t size)
{
	while (size >= 2) {
		uint8_t peer = data[0] % N_PEERS;
		size_t n = data[1] < size - 2 ? data[1] : size - 2;
		if (data[0] >= 128)
			act(data[0] / N_PEERS % (MALFORMED + 1), peer);
		else
			session_take(&session, slice_of(&peer, 1), slice_of(data + 2, n));
		must(session.outbox.acknowledged == n_acknowledged && session.sent <= session.highest + 1);
		size_t n_used = data[0] >= 128 ? 1 : 2 + n;
		data += n_used;
		size -= n_used;
	}
}

static void read_as_consumer(struct slice bytes)
{
	struct stream_message message;
	struct stream_record record;
	size_t n = 0;
	if (!stream_read_to_consumer(bytes, &message))
		return;
	must(message.run.size == 0 || message.run.size == RUN_SIZE);
	while (message.kind == STREAM_RECORDS && stream_next_record(&message.records, &record))
		n += record.value.size;
	must(n <= bytes.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t run[RUN_SIZE] = "run-0123456789a";
	static const struct session_parts parts = {.consumer = "a",
						   .heartbeat_ms = HEARTBEAT_MS,
						   .outbox_bytes = OUTBOX_BYTES,
						   .now_ms = now_ms,
						   .send = send_frame,
						   .events = &events};
	time_ms = 0;
	lost = -1;
	n_added = n_acknowledged = 0;
	highest = 0;
	session_init(&session, &parts, run);
	play(data, size);
	session_bye(&session);
	session_free(&session);
	read_as_consumer(slice_of(data, size));
	return 0;
}
