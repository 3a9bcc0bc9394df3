/* The messages between the ZeroMQ sink and its consumer: proto/tidings/v1/stream.proto, the rules in proto/zeromq.md.
 *
 * Reading takes bytes from the network: whatever they are, a message or false. What is read borrows from the bytes;
 * what is written lives in the arena. Unknown fields are skipped, as in protobuf. Thread-safe. Errors: none. */
#ifndef TIDINGS_PROTO_STREAM_H
#define TIDINGS_PROTO_STREAM_H

#include "core/arena.h"

enum { STREAM_PROTOCOL = 1, RUN_SIZE = 16 };

enum stream_kind {
	STREAM_HELLO = 1,
	STREAM_ACKNOWLEDGE,
	STREAM_CREDIT,
	STREAM_WELCOME,
	STREAM_RECORDS,
	STREAM_REFUSAL,
	STREAM_HEARTBEAT,
	STREAM_BYE
};

enum refusal_reason {
	REFUSAL_HELLO_FIRST = 1,
	REFUSAL_PROTOCOL,
	REFUSAL_UNKNOWN_NAME,
	REFUSAL_NAME_IN_USE,
	REFUSAL_BAD_ACKNOWLEDGEMENT
};

/* What a field means depends on the kind, as in the .proto. */
struct stream_message {
	enum stream_kind kind;
	uint32_t protocol, credit, heartbeat_ms, reason;
	struct slice consumer, run, text;
	uint64_t sequence;
	struct slice records; /* for stream_next_record */
};

struct stream_record {
	struct slice topic, key, id, type, value;
};

/* false: the bytes are no such message. A run that is there has RUN_SIZE bytes. */
bool stream_read_to_bridge(struct slice bytes, struct stream_message *message);
bool stream_read_to_consumer(struct slice bytes, struct stream_message *message);

/* Takes the next record of a Records message; false: there is none. */
bool stream_next_record(struct slice *records, struct stream_record *record);

/* Any message but Records. */
struct slice stream_write_to_bridge(const struct stream_message *message, struct arena *arena);
struct slice stream_write_to_consumer(const struct stream_message *message, struct arena *arena);

/* Records: what comes before the records; then each of them as stream_write_record made it. */
enum { STREAM_HEAD_MOST = 64 };
size_t stream_write_head(const uint8_t *run, uint64_t sequence, size_t records_bytes, uint8_t head[STREAM_HEAD_MOST]);
size_t stream_record_bytes(const struct stream_record *record);
void stream_write_record(const struct stream_record *record, uint8_t *to); /* stream_record_bytes of it */

#endif
