/* An open sink under observation: what was sent through it, and how each record was answered.
 *
 *     sink_rig_open(rig); sink_rig_send(rig, key, n_bytes); sink_rig_settle(rig); rig->sent[0].n_acknowledged
 *
 * The first breach that is noticed stays in `violation`; after it everything goes on, so that the end can be closed. */
#ifndef TIDINGS_TESTS_CONFORMANCE_SINK_RIG_H
#define TIDINGS_TESTS_CONFORMANCE_SINK_RIG_H

#include "tests/conformance/sink.h"

enum { RIG_RECORDS = 4096 };

struct sent {
	struct slice key, value;
	int returned; /* by send */
	size_t n_acknowledged, n_failed;
	struct err err; /* of the failure */
};

struct memory_state;

struct sink_rig {
	const struct sink_case *sink_case;
	void *end;
	struct sink *sink; /* NULL: closed */
	int stop_fd;
	struct memory_state *state;
	struct sent *sent;
	size_t n_sent, n_unanswered;
	bool sending, closing;
	struct arena arena;
	char violation[256];
};

struct sink_rig *sink_rig_new(const struct sink_case *sink_case);
void sink_rig_free(struct sink_rig *rig);

/* Notes a breach unless `kept`; returns `kept`. */
bool sink_rig_expect(struct sink_rig *rig, bool kept, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Opens with the case's config and seeks in the rig's state; false, and a breach, if it does not succeed. */
bool sink_rig_open(struct sink_rig *rig);
void sink_rig_close(struct sink_rig *rig);

/* Sends a value of n bytes that is unlike all others; returns the record with what send said. */
struct sent *sink_rig_send(struct sink_rig *rig, const char *key, size_t n_bytes);

/* Sends n small records to one key, each until it is taken. */
void sink_rig_send_many(struct sink_rig *rig, const char *key, size_t n);

/* Polls and serves until all is answered, or the case's patience is at its end; then looks for answers that come twice.
 */
void sink_rig_settle(struct sink_rig *rig);

/* Serves once. */
void sink_rig_service(struct sink_rig *rig);

/* Waits until the fd is readable. */
bool sink_rig_readable(struct sink_rig *rig, int ms);

/* Notes a breach unless each accepted record was acknowledged exactly once, and no other. */
void sink_rig_expect_acknowledged(struct sink_rig *rig);

/* Commits the sink's marks to the rig's state; how many there were. */
size_t sink_rig_mark(struct sink_rig *rig);

#endif
