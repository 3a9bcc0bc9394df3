#include "tests/support/bench_engine.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bridge/clock.h"
#include "bridge/feeder.h"
#include "bridge/outage.h"
#include "bridge/state/sqlite.h"
#include "core/parcel.h"
#include "core/pipeline.h"
#include "proto/encode.h"
#include "tests/support/scratch.h"

enum { BUDGET_BYTES = 32 << 20, POLL_MS = 1000, LATEST_MS = 30000, AHEAD_US = 200, SERVE_MS = 10 };

static struct bench_run the_run;

void bench_die(const struct err *err)
{
	fprintf(stderr, "%s\n", err->text);
	exit(1);
}

static double cpu_seconds(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

struct bench_clock bench_begin(void)
{
	return (struct bench_clock){clock_ms(), cpu_seconds()};
}

void bench_report(const char *what, int round, size_t n, const struct bench_clock *clock)
{
	double seconds = (double)(clock_ms() - clock->began_ms) / 1000;
	printf("{\"bench\":\"%s\",\"round\":%d,\"records\":%zu,\"seconds\":%.3f,\"records_per_s\":%.0f,\"cpu_us_per_"
	       "record\":%.2f}\n",
	       what, round, n, seconds, (double)n / seconds, (cpu_seconds() - clock->cpu_seconds) * 1e6 / (double)n);
	fflush(stdout);
}

/* ---- what is sent ---- */

#define TEXT(member, string) member = {(const uint8_t *)(string), sizeof(string) - 1}

static const struct server_info server = {.guid = "server-guid-0123", .epoch = 1};
static const struct store_info store = {.guid = "store-guid-01234", TEXT(.owner, "user1")};

static const struct item mail = {
	TEXT(.message_class, "IPM.Note"),
	TEXT(.sender.name, "User One"),
	TEXT(.sender.address, "user1@example.com"),
	TEXT(.sender.type, "SMTP"),
	TEXT(.display_to, "User Two; User Three"),
	.delivered_at_ns = 1700000000000000000,
	.modified_at_ns = 1700000000000000000,
	.size_bytes = 4711,
	.message_flags = 1,
};

static struct folder_info folders[BENCH_FOLDERS];

static __attribute__((constructor)) void make_folders(void)
{
	static char keys[BENCH_FOLDERS][32];
	for (int i = 0; i < BENCH_FOLDERS; i++) {
		snprintf(keys[i], sizeof keys[i], "server-guid-0123folder%02d", i);
		folders[i] = (struct folder_info){
			.source_key = slice_of_text(keys[i]), TEXT(.path, "Inbox"), TEXT(.container_class, "IPF.Note")};
	}
}

/* What it costs to make a change is none of the engine's, so it is little. */
static struct slice make_subject(struct arena *arena, size_t n)
{
	static const char text[] = "A mail about something, number 0000000";
	uint8_t *subject = arena_alloc(arena, sizeof text);
	memcpy(subject, text, sizeof text);
	for (uint8_t *digit = subject + sizeof text - 2; *digit == '0'; n /= 10)
		*digit-- = (uint8_t)('0' + n % 10);
	return slice_of(subject, sizeof text - 1);
}

static const struct item *make_item(struct arena *arena, size_t n)
{
	struct item *item = arena_alloc(arena, sizeof *item);
	*item = mail;
	item->subject = make_subject(arena, n);
	return item;
}

static void fill_change(struct batch *batch, struct change *change, size_t n)
{
	static const uint8_t zeros[22];
	uint8_t key[22] = "server-guid-0123";
	memcpy(key + 16, &n, 6);
	change->kind = CHANGE_UPDATED;
	change->origin = ORIGIN_ICS;
	change->object_type = OBJECT_ITEM;
	change->server = &server;
	change->store = &store;
	change->folder = &folders[n % BENCH_FOLDERS];
	change->source_key = arena_copy(&batch->arena, slice_of(key, sizeof key));
	change->parent_source_key = change->folder->source_key;
	change->entry_id = slice_of(zeros, sizeof zeros);
	change->change_id = n + 1;
	change->item_number = (uint32_t)n;
	change->observed_at_ns = 1700000000123456789 + (int64_t)n;
	change->item = make_item(&batch->arena, n);
}

struct batch *bench_batch(size_t first, size_t n)
{
	struct batch *batch = batch_new("contents/bench");
	for (size_t i = 0; i < n; i++)
		fill_change(batch, batch_change(batch), first + i);
	batch_put(batch, slice_of_text("position/contents/bench"), slice_of(&first, sizeof first));
	batch->n_entries = n;
	return batch;
}

/* ---- changes that happen one after another ---- */

int64_t bench_now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t bench_due_ns(double per_second, int64_t began_ns, size_t nth)
{
	return began_ns + (int64_t)((double)nth * 1e9 / per_second);
}

static void sleep_until(int64_t ns)
{
	struct timespec at = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
	while (clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &at, NULL))
		;
}

size_t bench_wait_due(double per_second, int64_t began_ns, size_t n_before, size_t n_records)
{
	sleep_until(bench_due_ns(per_second, began_ns, n_before));
	size_t n = (size_t)((double)(bench_now_ns() - began_ns) * per_second / 1e9) + 1;
	return n > n_records ? n_records : n;
}

/* ---- a source that has them at hand ---- */

struct bench_source {
	struct source source;
	size_t n_given;
	int64_t began_ns;
	bool stopped;
};

static int source_open(const void *config, struct source **source, struct err *err)
{
	(void)config, (void)err;
	struct bench_source *bench = xcalloc(1, sizeof *bench);
	bench->began_ns = bench_now_ns();
	*source = &bench->source;
	return 0;
}

static int source_seek(struct source *source, struct state *state, struct err *err)
{
	(void)source, (void)state, (void)err;
	return 0;
}

static size_t n_at_hand(const struct bench_source *bench)
{
	size_t n_happened = the_run.n_records;
	if (the_run.per_second > 0)
		n_happened = bench_wait_due(the_run.per_second, bench->began_ns, bench->n_given, the_run.n_records);
	return n_happened - bench->n_given;
}

static void wait_for_receiver(const struct bench_source *bench)
{
	while (the_run.most_ahead && bench->n_given > the_run.n_received() + the_run.most_ahead)
		usleep(AHEAD_US);
}

static void set_times(const struct bench_source *bench, struct batch *batch)
{
	for (size_t i = 0; i < batch->n_changes && the_run.per_second > 0; i++)
		batch->changes[i].observed_at_ns =
			bench_due_ns(the_run.per_second, bench->began_ns, bench->n_given + i);
}

static int source_next(struct source *source, struct batch **batch, struct err *err)
{
	struct bench_source *bench = (struct bench_source *)source;
	if (bench->n_given == the_run.n_records)
		return err_set(err, ERR_STOPPED, "all given");
	wait_for_receiver(bench);
	size_t n = n_at_hand(bench);
	*batch = bench_batch(bench->n_given, n < BATCH_CHANGES ? n : BATCH_CHANGES);
	set_times(bench, *batch);
	bench->n_given += (*batch)->n_changes;
	return 0;
}

static void source_stop(struct source *source)
{
	((struct bench_source *)source)->stopped = true;
}

static void source_close(struct source *source)
{
	free(source);
}

static const struct source_ops bench_source_ops = {.name = "bench",
						   .open = source_open,
						   .seek = source_seek,
						   .next = source_next,
						   .stop = source_stop,
						   .close = source_close};

/* ---- the engine ---- */

static size_t budget_bytes(void)
{
	return the_run.budget_bytes ? the_run.budget_bytes : BUDGET_BYTES;
}

struct engine {
	const struct sink_driver *driver;
	struct pipeline *pipeline;
	struct sink *sink;
	struct state *state;
	struct feeder *feeder;
	struct outage outage;
	struct sink_events events; /* of the pipeline */
};

static void on_acknowledged(void *context, void *token)
{
	const struct engine *engine = context;
	const struct parcel *parcel = token;
	if (the_run.acknowledged)
		the_run.acknowledged(parcel->change);
	engine->events.acknowledged(engine->events.context, token);
}

static void on_failed(void *context, void *token, const struct err *err)
{
	const struct engine *engine = context;
	engine->events.failed(engine->events.context, token, err);
}

static void on_released(void *context, size_t n_bytes)
{
	feeder_release(((struct engine *)context)->feeder, n_bytes);
}

static void open_engine(struct engine *engine, void *config, const char *state_path)
{
	struct err err;
	engine->pipeline = pipeline_new();
	engine->events = pipeline_events(engine->pipeline);
	struct sink_events events = {.context = engine, .acknowledged = on_acknowledged, .failed = on_failed};
	if (sqlite_state_open(state_path, &engine->state, &err) ||
	    engine->driver->ops->open(config, &events, -1, &engine->sink, &err) ||
	    engine->driver->ops->seek(engine->sink, engine->state, &err))
		bench_die(&err);
	struct pipeline_parts parts = {.sink = engine->sink,
				       .state = engine->state,
				       .encoder = &protobuf_encoder,
				       .topics = engine->driver->topics(config),
				       .budget_bytes = budget_bytes(),
				       .now_ms = clock_ms,
				       .released = on_released,
				       .context = engine};
	pipeline_start(engine->pipeline, &parts);
}

static void serve_until(struct engine *engine, int64_t end_ms)
{
	struct err err;
	while (clock_ms() < end_ms) {
		struct pollfd fd = {.fd = engine->sink->ops->fd(engine->sink), .events = POLLIN};
		poll(&fd, 1, SERVE_MS);
		if (engine->sink->ops->service(engine->sink, &err))
			bench_die(&err);
	}
}

static void settle(struct engine *engine)
{
	int64_t latest_ms = clock_ms() + LATEST_MS;
	while (the_run.is_ready && !the_run.is_ready() && clock_ms() < latest_ms)
		serve_until(engine, clock_ms() + SERVE_MS);
	serve_until(engine, clock_ms() + the_run.settle_ms);
}

static void start_source(struct engine *engine)
{
	struct err err;
	struct feeder_parts feeder = {.ops = &bench_source_ops,
				      .state = engine->state,
				      .budget_bytes = budget_bytes(),
				      .outage = &engine->outage};
	if (feeder_start(&feeder, &engine->feeder, &err))
		bench_die(&err);
}

static void turn_engine(struct engine *engine)
{
	struct err err;
	struct batch *batch;
	if (pipeline_turn(engine->pipeline, &err))
		bench_die(&err);
	feeder_check(engine->feeder, &err);
	while (pipeline_ready(engine->pipeline) && (batch = feeder_take(engine->feeder)))
		if (pipeline_take(engine->pipeline, batch, &err))
			bench_die(&err);
}

static void wait_engine(struct engine *engine)
{
	struct pollfd fds[] = {{.fd = feeder_fd(engine->feeder), .events = POLLIN},
			       {.fd = engine->sink->ops->fd(engine->sink), .events = POLLIN}};
	int timeout = pipeline_timeout_ms(engine->pipeline);
	bool waits_for_others = pipeline_counts(engine->pipeline)->n_acknowledged >= the_run.n_records;
	poll(fds, 2, waits_for_others ? 1 : timeout < 0 ? POLL_MS : timeout);
}

static bool is_over(const struct engine *engine)
{
	return pipeline_counts(engine->pipeline)->n_acknowledged >= the_run.n_records &&
	       (!the_run.is_over || the_run.is_over());
}

/* A receiver that was not there in time never gets all of it. */
static void run_until_over(struct engine *engine)
{
	int64_t moved_ms = clock_ms();
	uint64_t n_before = 0;
	for (turn_engine(engine); !is_over(engine); turn_engine(engine)) {
		wait_engine(engine);
		uint64_t n = pipeline_counts(engine->pipeline)->n_acknowledged;
		moved_ms = n == n_before ? moved_ms : clock_ms();
		n_before = n;
		if (clock_ms() - moved_ms > LATEST_MS) {
			fprintf(stderr, "nothing more came within %d s\n", LATEST_MS / 1000);
			exit(1);
		}
	}
}

static void close_engine(struct engine *engine)
{
	feeder_stop(engine->feeder);
	engine->sink->ops->close(engine->sink);
	pipeline_free(engine->pipeline);
	engine->state->ops->close(engine->state);
}

void bench_engine(const struct bench_run *run, const char *what, int round)
{
	struct engine engine = {.driver = run->driver, .outage = {.peer = "source"}};
	struct err err;
	scratch_make(NULL);
	the_run = *run;
	open_engine(&engine, run->config, scratch_path("state.db"));
	settle(&engine);
	struct bench_clock clock = bench_begin();
	start_source(&engine);
	run_until_over(&engine);
	if (pipeline_finish(engine.pipeline, 10000, &err))
		bench_die(&err);
	if (what)
		bench_report(what, round, run->n_records, &clock);
	close_engine(&engine);
	scratch_remove(NULL);
}
