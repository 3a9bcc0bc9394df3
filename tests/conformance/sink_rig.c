#include "tests/conformance/sink_rig.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bridge/clock.h"
#include "tests/support/memory_state.h"

struct sink_rig *sink_rig_new(const struct sink_case *sink_case)
{
	struct sink_rig *rig = xcalloc(1, sizeof *rig);
	rig->sink_case = sink_case;
	rig->end = sink_case->begin();
	rig->stop_fd = eventfd(0, EFD_NONBLOCK);
	rig->state = memory_state_new();
	rig->sent = xcalloc(RIG_RECORDS, sizeof *rig->sent);
	return rig;
}

void sink_rig_free(struct sink_rig *rig)
{
	sink_rig_close(rig);
	rig->sink_case->finish(rig->end);
	memory_state_free(rig->state);
	arena_free(&rig->arena);
	close(rig->stop_fd);
	free(rig->sent);
	free(rig);
}

bool sink_rig_expect(struct sink_rig *rig, bool kept, const char *format, ...)
{
	va_list args;
	if (kept || rig->violation[0])
		return kept;
	va_start(args, format);
	vsnprintf(rig->violation, sizeof rig->violation, format, args);
	va_end(args);
	return false;
}

/* The record with this token, if it may be answered now. */
static struct sent *answered(struct sink_rig *rig, void *token)
{
	uintptr_t first = (uintptr_t)rig->sent, place = (uintptr_t)token - first;
	bool known =
		(uintptr_t)token >= first && place % sizeof *rig->sent == 0 && place / sizeof *rig->sent < rig->n_sent;
	sink_rig_expect(rig, !rig->sending, "an answer from inside send");
	sink_rig_expect(rig, !rig->closing, "an answer from inside close");
	if (!sink_rig_expect(rig, known, "an answer with a token that was never sent"))
		return NULL;
	struct sent *sent = token;
	sink_rig_expect(rig, rig->sending || sent->returned == 0, "an answer to a record that was refused");
	if (sink_rig_expect(rig, sent->n_acknowledged + sent->n_failed == 0, "a second answer to one record"))
		rig->n_unanswered--;
	return sent;
}

static void on_acknowledged(void *context, void *token)
{
	struct sent *sent = answered(context, token);
	if (sent)
		sent->n_acknowledged++;
}

static void on_failed(void *context, void *token, const struct err *err)
{
	struct sent *sent = answered(context, token);
	if (!sent)
		return;
	sent->n_failed++;
	sent->err = *err;
}

bool sink_rig_open(struct sink_rig *rig)
{
	const struct sink_ops *ops = rig->sink_case->ops;
	const struct sink_events events = {rig, on_acknowledged, on_failed, NULL, NULL};
	struct err err;
	int class = ops->open(rig->sink_case->config(rig->end), &events, rig->stop_fd, &rig->sink, &err);
	if (!sink_rig_expect(rig, class == 0, "open: %s", class ? err.text : ""))
		return false;
	class = ops->seek(rig->sink, &rig->state->state, &err);
	return sink_rig_expect(rig, class == 0, "seek: %s", class ? err.text : "");
}

/* What a closed sink did not answer never is. */
void sink_rig_close(struct sink_rig *rig)
{
	rig->closing = true;
	if (rig->sink)
		rig->sink_case->ops->close(rig->sink);
	rig->closing = false;
	rig->sink = NULL;
	rig->n_unanswered = 0;
}

/* A compressed batch would hide its size, so the bytes are noise. */
static struct slice noise(struct sink_rig *rig, size_t n)
{
	uint64_t *words = arena_alloc(&rig->arena, n + sizeof *words), x = rig->n_sent * 2654435761u + 1;
	for (size_t i = 0; i < n / sizeof *words + 1; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		words[i] = x;
	}
	return slice_of(words, n);
}

static int send_to(struct sink_rig *rig, struct sent *sent)
{
	static const struct server_info server = {.guid = "0123456789abcde", .epoch = 1};
	const struct record record = {.topic = TOPIC_ITEMS,
				      .key = sent->key,
				      .value = sent->value,
				      .id = "event",
				      .type = "tidings.v1.ItemCreated",
				      .subject = slice_of_text("subject"),
				      .server = &server,
				      .time_ns = 1700000000123456789,
				      .token = sent};
	struct err err = {0};
	rig->sending = true;
	int returned = rig->sink_case->ops->send(rig->sink, &record, &err);
	rig->sending = false;
	sink_rig_expect(rig, returned == 0 || returned == SINK_BUSY || err.text[0], "a refusal without a reason");
	return returned;
}

struct sent *sink_rig_send(struct sink_rig *rig, const char *key, size_t n_bytes)
{
	struct sent *sent = &rig->sent[rig->n_sent++];
	sent->key = arena_copy(&rig->arena, slice_of_text(key));
	sent->value = noise(rig, n_bytes);
	sent->returned = send_to(rig, sent);
	rig->n_unanswered += sent->returned == 0;
	return sent;
}

void sink_rig_send_many(struct sink_rig *rig, const char *key, size_t n)
{
	int64_t end_ms = clock_ms() + rig->sink_case->patience_ms;
	for (size_t n_left = n; n_left > 0 && rig->n_sent < RIG_RECORDS;) {
		if (sink_rig_send(rig, key, 100)->returned == 0) {
			n_left--;
			continue;
		}
		sink_rig_readable(rig, 100);
		sink_rig_service(rig);
		if (!sink_rig_expect(rig, clock_ms() < end_ms, "a sink that is well does not take records"))
			return;
	}
}

bool sink_rig_readable(struct sink_rig *rig, int ms)
{
	struct pollfd ready = {.fd = rig->sink_case->ops->fd(rig->sink), .events = POLLIN};
	return poll(&ready, 1, ms) > 0;
}

void sink_rig_service(struct sink_rig *rig)
{
	struct err err = {0};
	int class = rig->sink_case->ops->service(rig->sink, &err);
	sink_rig_expect(rig, class != ERR_BAD, "service returns ERR_BAD, which is for one record");
}

void sink_rig_settle(struct sink_rig *rig)
{
	int64_t end_ms = clock_ms() + rig->sink_case->patience_ms, left_ms;
	sink_rig_service(rig);
	while (rig->n_unanswered > 0 && (left_ms = end_ms - clock_ms()) > 0) {
		sink_rig_readable(rig, (int)left_ms);
		sink_rig_service(rig);
	}
	sink_rig_expect(rig, rig->n_unanswered == 0, "%zu records were never answered", rig->n_unanswered);
	sink_rig_readable(rig, 20);
	sink_rig_service(rig);
}

void sink_rig_expect_acknowledged(struct sink_rig *rig)
{
	for (size_t i = 0; i < rig->n_sent; i++) {
		const struct sent *sent = &rig->sent[i];
		sink_rig_expect(rig, sent->n_failed == 0, "record %zu failed: %s", i, sent->err.text);
		sink_rig_expect(rig, sent->n_acknowledged == (sent->returned == 0), "record %zu: %zu acknowledgements",
				i, sent->n_acknowledged);
	}
}

size_t sink_rig_mark(struct sink_rig *rig)
{
	struct arena arena = {0};
	struct put_list list = {0};
	const struct put_list *const lists[] = {&list};
	struct err err;
	rig->sink_case->ops->marks(rig->sink, &list, &arena);
	size_t n = list.n;
	rig->state->state.ops->commit(&rig->state->state, lists, 1, &err);
	put_list_clear(&list);
	arena_free(&arena);
	return n;
}
