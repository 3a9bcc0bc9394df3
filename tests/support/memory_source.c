#include "tests/support/memory_source.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/clock.h"

enum { DEAF_MS = 1200, MAX_LARGE = 2 * BATCH_CHANGES, AWAIT_S = 10 };

struct failure {
	enum err_class class;
	size_t n_times;
};

struct memory_server {
	pthread_mutex_t mutex; /* of everything here and in its sources */
	pthread_cond_t changed;
	uint64_t n_changes;
	size_t n_per_batch, further_bytes;
	struct failure failures[N_PHASES];
	bool hangs[N_PHASES];
	size_t n_entered[N_PHASES], n_given, n_sources, n_requests;
	enum memory_breach breach;
};

struct memory_source {
	struct source source; /* first */
	struct memory_server *server;
	struct state *state; /* of BREACH_READS_LATE */
	uint64_t position;   /* highest change given */
	bool sought, stopped;
	bool away;     /* the last next failed */
	bool idle;     /* said so, and nothing came since */
	char lent[32]; /* of BREACH_BORROWS */
};

/* ---- the server ---- */

struct memory_server *memory_server_new(void)
{
	struct memory_server *server = xcalloc(1, sizeof *server);
	server->n_per_batch = 10;
	pthread_mutex_init(&server->mutex, NULL);
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&server->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	return server;
}

void memory_server_free(struct memory_server *server)
{
	if (!server)
		return;
	if (server->n_sources)
		abort();
	pthread_cond_destroy(&server->changed);
	pthread_mutex_destroy(&server->mutex);
	free(server);
}

static void lock(struct memory_server *server)
{
	pthread_mutex_lock(&server->mutex);
}

static void unlock(struct memory_server *server)
{
	pthread_cond_broadcast(&server->changed);
	pthread_mutex_unlock(&server->mutex);
}

void memory_server_add(struct memory_server *server, size_t n)
{
	lock(server);
	server->n_changes += n;
	unlock(server);
}

void memory_server_fail(struct memory_server *server, enum memory_phase phase, enum err_class class, size_t n_times)
{
	lock(server);
	server->failures[phase] = (struct failure){class, n_times};
	unlock(server);
}

void memory_server_hang(struct memory_server *server, enum memory_phase phase, bool hang)
{
	lock(server);
	server->hangs[phase] = hang;
	unlock(server);
}

void memory_server_breach(struct memory_server *server, enum memory_breach breach)
{
	lock(server);
	server->breach = breach;
	unlock(server);
}

void memory_server_shape(struct memory_server *server, size_t n_per_batch, size_t further_bytes)
{
	lock(server);
	server->n_per_batch = n_per_batch;
	server->further_bytes = further_bytes;
	unlock(server);
}

static size_t read_locked(struct memory_server *server, const size_t *number)
{
	lock(server);
	size_t value = *number;
	unlock(server);
	return value;
}

size_t memory_server_given(struct memory_server *server)
{
	return read_locked(server, &server->n_given);
}

size_t memory_server_entered(struct memory_server *server, enum memory_phase phase)
{
	return read_locked(server, &server->n_entered[phase]);
}

size_t memory_server_requests(struct memory_server *server)
{
	return read_locked(server, &server->n_requests);
}

void memory_server_await(struct memory_server *server, enum memory_phase phase, size_t n_times)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += AWAIT_S;
	lock(server);
	while (server->n_entered[phase] < n_times)
		if (pthread_cond_timedwait(&server->changed, &server->mutex, &at) == ETIMEDOUT)
			abort();
	unlock(server);
}

size_t memory_server_sources(struct memory_server *server)
{
	return read_locked(server, &server->n_sources);
}

/* ---- the source; the server's mutex is held ---- */

static void wait_ms(struct memory_server *server, int ms)
{
	int64_t until_ms = clock_ms() + ms;
	struct timespec at = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
	while (clock_ms() < until_ms)
		pthread_cond_timedwait(&server->changed, &server->mutex, &at);
}

static int stopped(struct err *err)
{
	return err_set(err, ERR_STOPPED, "memory: stopped");
}

static int fail_if_asked(struct memory_server *server, enum memory_phase phase, struct err *err)
{
	static const char *const names[] = {"open", "seek", "next"};
	struct failure *failure = &server->failures[phase];
	if (failure->n_times == 0)
		return 0;
	failure->n_times--;
	if (failure->class == ERR_FATAL)
		return err_usage(err, "memory: %s was refused for good", names[phase]);
	return err_set(err, failure->class, "memory: %s was refused", names[phase]);
}

/* Counts the call, hangs if it shall, fails if it shall. */
static int enter(struct memory_source *memory, enum memory_phase phase, enum memory_breach deaf, struct err *err)
{
	struct memory_server *server = memory->server;
	server->n_entered[phase]++;
	pthread_cond_broadcast(&server->changed);
	while (server->hangs[phase] && !memory->stopped)
		pthread_cond_wait(&server->changed, &server->mutex);
	if (memory->stopped && server->breach == deaf)
		wait_ms(server, DEAF_MS);
	return memory->stopped ? stopped(err) : fail_if_asked(server, phase, err);
}

static int open_source(const void *config, struct source **source, struct err *err)
{
	struct memory_server *server = (struct memory_server *)config;
	struct memory_source *memory = xcalloc(1, sizeof *memory);
	memory->source.ops = &memory_source_ops;
	memory->server = server;
	*source = &memory->source;
	lock(server);
	server->n_sources++;
	server->n_entered[PHASE_OPEN]++;
	if (server->hangs[PHASE_OPEN] && server->breach == BREACH_BLOCKING_OPEN)
		wait_ms(server, DEAF_MS);
	int rc = fail_if_asked(server, PHASE_OPEN, err);
	unlock(server);
	return rc;
}

static int read_position(struct memory_source *memory, struct state *state, struct err *err)
{
	struct arena arena = {0};
	struct slice value = {0};
	int rc = state->ops->get(state, slice_of_text(MEMORY_POSITION), &arena, &value, err);
	if (rc == 0)
		memcpy(&memory->position, value.data, sizeof memory->position);
	arena_free(&arena);
	return rc == ERR_GONE ? 0 : rc;
}

static int seek(struct source *source, struct state *state, struct err *err)
{
	struct memory_source *memory = (struct memory_source *)source;
	struct memory_server *server = memory->server;
	lock(server);
	memory->state = state;
	int rc = enter(memory, PHASE_SEEK, BREACH_DEAF_SEEK, err);
	if (rc == 0)
		rc = read_position(memory, state, err);
	memory->sought = rc == 0;
	if (server->breach == BREACH_REPEATS && memory->position)
		memory->position--;
	if (server->breach == BREACH_SKIPS && memory->position)
		memory->position++;
	unlock(server);
	return rc;
}

static struct server_info server_info = {.epoch = 1};
static struct store_info store_info = {.type = STORE_PRIVATE};

static void put_position(struct memory_source *memory, struct batch *batch)
{
	struct memory_server *server = memory->server;
	uint64_t position = memory->position;
	if (server->breach == BREACH_EARLY_POSITION)
		position += server->n_per_batch;
	if (server->breach != BREACH_NO_POSITION)
		batch_put(batch, slice_of_text(MEMORY_POSITION), slice_of(&position, sizeof position));
}

static void fill_change(struct memory_source *memory, struct batch *batch, const struct folder_info *folder,
			uint64_t id)
{
	struct change *change = batch_change(batch);
	*change = (struct change){.kind = CHANGE_CREATED,
				  .origin = ORIGIN_ICS,
				  .object_type = OBJECT_ITEM,
				  .server = &server_info,
				  .store = &store_info,
				  .folder = folder,
				  .parent_source_key = folder->source_key,
				  .change_id = id,
				  .item_number = (uint32_t)id,
				  .observed_at_ns = 1};
	change->source_key = slice_of_text(arena_text(&batch->arena, "item-%llu", (unsigned long long)id));
	if (memory->server->breach == BREACH_BORROWS) {
		snprintf(memory->lent, sizeof memory->lent, "inbox-%llu", (unsigned long long)id);
		change->parent_source_key = slice_of_text(memory->lent);
	}
}

static struct batch *make_batch(struct memory_source *memory, size_t n)
{
	struct memory_server *server = memory->server;
	struct batch *batch = batch_new("contents/memory/inbox");
	struct folder_info *folder = arena_zero(&batch->arena, sizeof *folder);
	folder->source_key = slice_of_text(arena_text(&batch->arena, "inbox"));
	for (size_t i = 0; i < n; i++)
		fill_change(memory, batch, folder,
			    server->breach == BREACH_DESCENDING ? memory->position + n - i : memory->position + i + 1);
	if (server->breach == BREACH_TWICE)
		fill_change(memory, batch, folder, memory->position + 1);
	arena_alloc(&batch->arena, server->further_bytes);
	memory->position += n;
	batch->n_entries = server->breach == BREACH_NO_ENTRIES ? 0 : n;
	put_position(memory, batch);
	return batch;
}

static size_t most_per_batch(const struct memory_server *server)
{
	return server->breach == BREACH_LARGE_BATCH ? MAX_LARGE : server->n_per_batch;
}

static uint64_t n_waiting(const struct memory_source *memory)
{
	uint64_t n_changes = memory->server->n_changes;
	return n_changes > memory->position ? n_changes - memory->position : 0;
}

static bool becomes_idle(struct memory_source *memory)
{
	enum memory_breach breach = memory->server->breach;
	bool done = breach == BREACH_IDLE_EARLY || n_waiting(memory) == 0;
	if (!done || memory->idle || memory->stopped || breach == BREACH_IDLE_NEVER)
		return false;
	memory->idle = true;
	return true;
}

static int wait_for_changes(struct memory_source *memory, struct err *err)
{
	struct memory_server *server = memory->server;
	size_t enough = server->breach == BREACH_HOARDS ? server->n_per_batch : 1;
	while (n_waiting(memory) < enough && !memory->stopped)
		pthread_cond_wait(&server->changed, &server->mutex);
	if (memory->stopped && server->breach == BREACH_DEAF_NEXT)
		wait_ms(server, DEAF_MS);
	return memory->stopped ? stopped(err) : 0;
}

static void break_before_next(struct memory_source *memory)
{
	struct err ignored;
	if (memory->server->breach == BREACH_FORGETFUL_STOP)
		memory->stopped = false;
	if (memory->server->breach == BREACH_READS_LATE)
		read_position(memory, memory->state, &ignored);
}

static int next_locked(struct memory_source *memory, struct batch **batch, struct err *err)
{
	struct memory_server *server = memory->server;
	break_before_next(memory);
	if (becomes_idle(memory))
		return SOURCE_IDLE;
	int rc = enter(memory, PHASE_NEXT, BREACH_DEAF_NEXT, err);
	if (rc && server->breach == BREACH_SKIPS_ON_AGAIN)
		memory->position += server->n_per_batch;
	if (rc && server->breach == BREACH_BATCH_ON_ERROR)
		*batch = (struct batch *)memory;
	bool was_away = memory->away;
	memory->away = rc == ERR_AGAIN;
	if (rc == 0 && was_away)
		return SOURCE_BACK;
	if (rc || (rc = wait_for_changes(memory, err)))
		return rc;
	uint64_t n = n_waiting(memory);
	*batch = make_batch(memory, n < most_per_batch(server) ? n : most_per_batch(server));
	server->n_given++;
	memory->idle = false;
	return 0;
}

static int next(struct source *source, struct batch **batch, struct err *err)
{
	struct memory_source *memory = (struct memory_source *)source;
	lock(memory->server);
	int rc = next_locked(memory, batch, err);
	unlock(memory->server);
	return rc;
}

static void status(struct source *source, struct report *report)
{
	struct memory_source *memory = (struct memory_source *)source;
	lock(memory->server);
	report_truth(report, "connected", memory->sought && !memory->away);
	report_number(report, "lag", (int64_t)n_waiting(memory));
	unlock(memory->server);
}

static int request(struct source *source, const struct source_request *wanted, struct err *err)
{
	struct memory_source *memory = (struct memory_source *)source;
	int rc = 0;
	lock(memory->server);
	if (!memory->sought)
		rc = err_set(err, ERR_AGAIN, "memory: not logged on");
	else if (strcmp(wanted->store, "memory") != 0)
		rc = err_set(err, ERR_BAD, "memory: there is no store %s", wanted->store);
	else
		memory->server->n_requests++;
	unlock(memory->server);
	return rc;
}

static void stop(struct source *source)
{
	struct memory_source *memory = (struct memory_source *)source;
	lock(memory->server);
	memory->stopped = true;
	unlock(memory->server);
}

static void close_source(struct source *source)
{
	struct memory_source *memory = (struct memory_source *)source;
	if (!memory)
		return;
	lock(memory->server);
	if (memory->server->breach == BREACH_CLOSE_BREAKS && !memory->sought)
		abort();
	memory->server->n_sources--;
	unlock(memory->server);
	free(memory);
}

const struct source_ops memory_source_ops = {
	.name = "memory",
	.open = open_source,
	.seek = seek,
	.next = next,
	.status = status,
	.request = request,
	.stop = stop,
	.close = close_source,
};
