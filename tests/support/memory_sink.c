#include "tests/support/memory_sink.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { START_LIMIT_BYTES = 1 << 20, DRAIN_LATE_MS = 1000 };

static const char mark_key[] = "offsets/memory";

struct memory_sink {
	struct sink sink;
	struct memory_broker *broker;
	struct sink_events events;
	int fd, stop_fd;
	size_t n_marked;
};

static struct memory_sink *memory_sink(struct sink *sink)
{
	return (struct memory_sink *)sink;
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int take(enum err_class *class, const char *verb, struct err *err)
{
	enum err_class taken = *class;
	*class = 0;
	if (!taken)
		return 0;
	if (taken == ERR_FATAL)
		return err_usage(err, "memory: %s was refused for good", verb);
	return err_set(err, taken, "memory: %s was refused", verb);
}

struct memory_broker *memory_broker_new(void)
{
	struct memory_broker *broker = xcalloc(1, sizeof *broker);
	broker->limit_bytes = START_LIMIT_BYTES;
	return broker;
}

void memory_broker_free(struct memory_broker *broker)
{
	if (!broker)
		return;
	arena_free(&broker->arena);
	free(broker->records);
	free(broker->faults);
	free(broker);
}

static void ring(struct memory_broker *broker)
{
	if (broker->sink && broker->defect != DEFECT_SILENT_FD)
		eventfd_write(broker->sink->fd, 1);
}

void memory_broker_answer(struct memory_broker *broker, size_t n)
{
	broker->n_allowed += n;
	ring(broker);
}

void memory_broker_recover(struct memory_broker *broker)
{
	broker->stalled = false;
	ring(broker);
}

void memory_broker_fail(struct memory_broker *broker, size_t nth, enum err_class class)
{
	broker->faults = xrealloc(broker->faults, (broker->n_faults + 1) * sizeof *broker->faults);
	broker->faults[broker->n_faults++] = (struct memory_fault){broker->n_records + nth, class};
}

static enum err_class fault_of(const struct memory_broker *broker, size_t nth)
{
	for (size_t i = 0; i < broker->n_faults; i++)
		if (broker->faults[i].nth == nth)
			return broker->faults[i].class;
	return 0;
}

static int wait_to_reach(struct memory_sink *memory, struct err *err)
{
	struct pollfd stop = {.fd = memory->stop_fd, .events = POLLIN};
	if (memory->broker->defect == DEFECT_OPEN_DEAF)
		stop.fd = -1;
	if (poll(&stop, 1, MEMORY_REACH_MS) > 0)
		return err_set(err, ERR_STOPPED, "memory: stopped");
	return err_set(err, ERR_AGAIN, "memory: the broker does not answer");
}

static int memory_open(const void *config, const struct sink_events *events, int stop_fd, struct sink **sink,
		       struct err *err)
{
	struct memory_broker *broker = (struct memory_broker *)config;
	struct memory_sink *memory = xcalloc(1, sizeof *memory);
	*memory = (struct memory_sink){{&memory_sink_ops}, broker, *events, eventfd(0, EFD_NONBLOCK), stop_fd, 0};
	broker->sink = memory;
	broker->n_opened++;
	*sink = &memory->sink;
	return broker->unreachable ? wait_to_reach(memory, err) : take(&broker->refuse_open, "open", err);
}

static uint64_t mark_value(struct slice value)
{
	uint64_t mark = 0;
	if (value.size == sizeof mark)
		memcpy(&mark, value.data, sizeof mark);
	return mark;
}

static int memory_seek(struct sink *sink, struct state *state, struct err *err)
{
	struct memory_sink *memory = memory_sink(sink);
	struct memory_broker *broker = memory->broker;
	struct arena arena = {0};
	struct slice value = {0};
	int class = take(&broker->refuse_seek, "seek", err);
	if (!class && state)
		class = state->ops->get(state, slice_of_text(mark_key), &arena, &value, err);
	if (class == ERR_GONE)
		class = 0;
	if (!class && mark_value(value) > broker->n_acknowledged && broker->defect != DEFECT_BLIND_SEEK)
		class = err_usage(err, "memory: the state is of another broker; tidings state reset begins anew");
	memory->n_marked = broker->n_acknowledged;
	arena_free(&arena);
	return class;
}

static void copy_record(struct memory_broker *broker, const struct record *record, struct memory_record *copy)
{
	struct arena *arena = &broker->arena;
	*copy = (struct memory_record){.record = *record, .lent_key = record->key, .lent_value = record->value};
	copy->record.key = arena_copy(arena, record->key);
	copy->record.value = arena_copy(arena, record->value);
	copy->record.subject = arena_copy(arena, record->subject);
	copy->record.type = arena_text(arena, "%s", record->type ? record->type : "");
	if (record->server)
		copy->record.server =
			(const struct server_info *)arena_copy(arena, slice_of(record->server, sizeof *record->server))
				.data;
	copy->nth_sink = broker->n_opened - 1;
	if (broker->defect == DEFECT_VALUE && copy->record.value.size > 0)
		((uint8_t *)copy->record.value.data)[0] ^= 1;
}

static void swap_payload(struct memory_record *a, struct memory_record *b)
{
	struct slice value = a->record.value;
	a->record.value = b->record.value;
	b->record.value = value;
}

static void accept_record(struct memory_broker *broker, const struct record *record)
{
	if (broker->n_records == broker->room_records) {
		broker->room_records = broker->room_records ? broker->room_records * 2 : 64;
		broker->records = xrealloc(broker->records, broker->room_records * sizeof *broker->records);
	}
	struct memory_record *copy = &broker->records[broker->n_records++];
	copy_record(broker, record, copy);
	if (broker->defect == DEFECT_DISORDER && broker->n_records > 1)
		swap_payload(copy, copy - 1);
	if (!broker->stalled)
		ring(broker);
}

static bool is_full(const struct memory_broker *broker)
{
	size_t n_waiting = 0;
	for (size_t i = broker->first_waiting; broker->room && i < broker->n_records; i++)
		n_waiting += broker->records[i].fate == FATE_WAITING;
	return broker->room && n_waiting >= broker->room;
}

static int say_busy(struct memory_broker *broker, const struct record *record)
{
	if (broker->n_busy > 0)
		broker->n_busy--;
	broker->n_busy_said++;
	if (broker->defect == DEFECT_BUSY_TAKES)
		accept_record(broker, record);
	return SINK_BUSY;
}

static int refuse_size(struct memory_broker *broker, const struct record *record, struct err *err)
{
	if (broker->defect == DEFECT_REFUSED_ANSWERED)
		accept_record(broker, record);
	return err_set(err, ERR_BAD, "memory: a value of %zu bytes, the limit is %zu", record->value.size,
		       broker->limit_bytes);
}

static bool is_too_large(const struct memory_broker *broker, size_t n)
{
	if (broker->defect == DEFECT_OVER_LIMIT)
		return false;
	return broker->defect == DEFECT_UNDER_LIMIT ? n >= broker->limit_bytes : n > broker->limit_bytes;
}

static int memory_send(struct sink *sink, const struct record *record, struct err *err)
{
	struct memory_sink *memory = memory_sink(sink);
	struct memory_broker *broker = memory->broker;
	int class = take(&broker->refuse_send, "send", err);
	if (class)
		return class;
	if (is_too_large(broker, record->value.size))
		return refuse_size(broker, record, err);
	if (broker->n_busy > 0 || is_full(broker))
		return say_busy(broker, record);
	accept_record(broker, record);
	if (broker->defect == DEFECT_ACK_IN_SEND) {
		broker->records[broker->n_records - 1].fate = FATE_ACKNOWLEDGED;
		memory->events.acknowledged(memory->events.context, record->token);
	}
	return 0;
}

static size_t memory_limit(struct sink *sink, enum topic topic, struct slice key)
{
	(void)topic;
	(void)key;
	return memory_sink(sink)->broker->limit_bytes;
}

static int memory_fd(struct sink *sink)
{
	struct memory_sink *memory = memory_sink(sink);
	if (memory->broker->defect == DEFECT_NEW_FD) {
		int fd = dup(memory->fd);
		close(memory->fd);
		memory->fd = fd;
	}
	return memory->fd;
}

static size_t next_waiting(struct memory_broker *broker)
{
	while (broker->first_waiting < broker->n_records && broker->records[broker->first_waiting].fate != FATE_WAITING)
		broker->first_waiting++;
	if (broker->order == MEMORY_OLDEST_FIRST)
		return broker->first_waiting;
	for (size_t i = broker->n_records; i > broker->first_waiting; i--)
		if (broker->records[i - 1].fate == FATE_WAITING)
			return i - 1;
	return broker->n_records;
}

static void answer_failed(struct memory_sink *memory, struct memory_record *record, enum err_class class)
{
	struct err err;
	if (memory->broker->defect == DEFECT_WRONG_CLASS)
		class = class == ERR_BAD ? ERR_AGAIN : ERR_BAD;
	if (class == ERR_FATAL)
		err_usage(&err, "memory: the topic is gone");
	else
		err_set(&err, class, "memory: the record was not taken");
	record->fate = FATE_FAILED;
	memory->broker->n_failed++;
	memory->events.failed(memory->events.context, record->record.token, &err);
}

static void answer_acknowledged(struct memory_sink *memory, struct memory_record *record, size_t nth)
{
	struct memory_broker *broker = memory->broker;
	void *token = record->record.token;
	record->fate = FATE_ACKNOWLEDGED;
	broker->n_acknowledged++;
	if (broker->defect == DEFECT_ACK_NEVER && nth % 2 == 1)
		return;
	if (broker->defect == DEFECT_WRONG_TOKEN)
		token = (char *)token + 1;
	memory->events.acknowledged(memory->events.context, token);
	if (broker->defect == DEFECT_ACK_TWICE)
		memory->events.acknowledged(memory->events.context, token);
}

static void answer(struct memory_sink *memory, size_t nth)
{
	struct memory_record *record = &memory->broker->records[nth];
	enum err_class class = fault_of(memory->broker, nth);
	memory->broker->n_changed += !slice_equal(record->lent_key, record->record.key) ||
				     !slice_equal(record->lent_value, record->record.value);
	if (class)
		answer_failed(memory, record, class);
	else
		answer_acknowledged(memory, record, nth);
}

static bool may_answer(struct memory_broker *broker)
{
	if (!broker->stalled)
		return true;
	if (broker->n_allowed == 0)
		return false;
	broker->n_allowed--;
	return true;
}

static int memory_service(struct sink *sink, struct err *err)
{
	struct memory_sink *memory = memory_sink(sink);
	struct memory_broker *broker = memory->broker;
	size_t n_left = broker->n_per_service ? broker->n_per_service : SIZE_MAX, nth;
	eventfd_t rung;
	eventfd_read(memory->fd, &rung);
	int class = take(&broker->refuse_service, "service", err);
	if (class)
		return class;
	for (; n_left > 0 && (nth = next_waiting(broker)) < broker->n_records && may_answer(broker); n_left--)
		answer(memory, nth);
	if (n_left == 0 && next_waiting(broker) < broker->n_records)
		ring(broker);
	return 0;
}

static int wait_for_answers(struct memory_sink *memory, int64_t deadline_ms, struct err *err)
{
	struct pollfd ready = {.fd = memory->fd, .events = POLLIN};
	int64_t left_ms = deadline_ms - now_ms();
	if (left_ms <= 0)
		return err_set(err, ERR_AGAIN, "memory: not all records were answered in time");
	poll(&ready, 1, (int)left_ms);
	return 0;
}

static int memory_drain(struct sink *sink, int deadline_ms, struct err *err)
{
	struct memory_sink *memory = memory_sink(sink);
	struct memory_broker *broker = memory->broker;
	int64_t deadline = now_ms() + deadline_ms + (broker->defect == DEFECT_DRAIN_LATE ? DRAIN_LATE_MS : 0);
	int class = memory_service(sink, err);
	while (!class && next_waiting(broker) < broker->n_records) {
		if (broker->defect == DEFECT_DRAIN_LIES)
			return 0;
		class = wait_for_answers(memory, deadline, err);
		if (!class)
			class = memory_service(sink, err);
	}
	return class;
}

static void memory_marks(struct sink *sink, struct put_list *list, struct arena *arena)
{
	struct memory_sink *memory = memory_sink(sink);
	struct memory_broker *broker = memory->broker;
	uint64_t mark = broker->defect == DEFECT_EARLY_MARK ? broker->n_records : broker->n_acknowledged;
	if (mark == memory->n_marked)
		return;
	put_list_add(list, arena, slice_of_text(mark_key), slice_of(&mark, sizeof mark));
	memory->n_marked = mark;
}

static void give_up(struct memory_sink *memory)
{
	struct memory_broker *broker = memory->broker;
	for (size_t i = broker->first_waiting; i < broker->n_records; i++) {
		if (broker->records[i].fate != FATE_WAITING)
			continue;
		broker->records[i].fate = FATE_GIVEN_UP;
		if (broker->defect == DEFECT_CLOSE_ANSWERS)
			memory->events.acknowledged(memory->events.context, broker->records[i].record.token);
	}
}

static void memory_close(struct sink *sink)
{
	struct memory_sink *memory = memory_sink(sink);
	if (!memory)
		return;
	give_up(memory);
	close(memory->fd);
	memory->broker->sink = NULL;
	memory->broker->n_allowed = 0;
	memory->broker->n_closed++;
	free(memory);
}

const struct sink_ops memory_sink_ops = {
	.name = "memory",
	.open = memory_open,
	.seek = memory_seek,
	.send = memory_send,
	.limit = memory_limit,
	.fd = memory_fd,
	.service = memory_service,
	.drain = memory_drain,
	.marks = memory_marks,
	.close = memory_close,
};
