/* What a record costs, stage by stage: allocations, and under callgrind instructions.
 *
 *     bench_stages BOOTSTRAP PREFIX RECORDS
 *
 * The engine into Kafka on one thread; each stage goes through a function of its own here, stage_<name>, which
 * callgrind can find. Only the last WINDOW records are counted, so that it shows what has come to be after RECORDS;
 * callgrind needs --instr-atstart=no. A JSON line per stage. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bridge/kopano/answer.h"
#include "bridge/kopano/item.h"
#include "bridge/kopano/soap.h"
#include "bridge/state/sqlite.h"
#include "core/pipeline.h"
#include "core/router.h"
#include "proto/encode.h"
#include "tests/support/bench_kafka.h"
#include "tests/support/scratch.h"

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_START_INSTRUMENTATION
#define CALLGRIND_STOP_INSTRUMENTATION
#endif

enum { WINDOW = 10 * BATCH_CHANGES, BUDGET_BYTES = 16 << 20, WAIT_MS = 1000, ROWS = 1000 };

/* ---- allocations of this thread, wherever they are made ---- */

static _Thread_local size_t n_allocations;

#ifndef __SANITIZE_ADDRESS__
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
	n_allocations++;
	return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	n_allocations++;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	n_allocations++;
	return __libc_realloc(p, n);
}
#endif

/* ---- stages ---- */

enum stage { PARSE, ROUTE, ENCODE, SEND, ACKNOWLEDGE, COMMIT, PIPELINE, N_STAGES };

static const char *const names[] = {"parse", "route", "encode", "send", "acknowledge", "commit", "pipeline"};

static struct {
	size_t n_calls, n_allocations;
} stages[N_STAGES];

static void count(enum stage stage, size_t n_before)
{
	stages[stage].n_calls++;
	stages[stage].n_allocations += n_allocations - n_before;
}

static const struct sink_ops *kafka_ops;
static const struct state_ops *sqlite_ops;

static struct slice stage_encode(const struct change *change, struct arena *arena, uint8_t id[EVENT_ID_SIZE])
{
	size_t n_before = n_allocations;
	struct slice value = protobuf_encoder.change(change, arena, id);
	count(ENCODE, n_before);
	return value;
}

static int stage_send(struct sink *sink, const struct record *record, struct err *err)
{
	size_t n_before = n_allocations;
	int rc = kafka_ops->send(sink, record, err);
	count(SEND, n_before);
	return rc;
}

static int stage_acknowledge(struct sink *sink, struct err *err)
{
	size_t n_before = n_allocations;
	int rc = kafka_ops->service(sink, err);
	count(ACKNOWLEDGE, n_before);
	return rc;
}

static int stage_commit(struct state *state, const struct put_list *const *lists, size_t n_lists, struct err *err)
{
	size_t n_before = n_allocations;
	int rc = sqlite_ops->commit(state, lists, n_lists, err);
	count(COMMIT, n_before);
	return rc;
}

/* The pipeline routes for itself: this is the same again, and its cost is taken from the pipeline's. */
static __attribute__((noinline)) void stage_route(const struct batch *batch)
{
	struct arena arena = {0};
	struct route route;
	size_t n_before = n_allocations;
	for (size_t i = 0; i < batch->n_changes; i++)
		route_change(&batch->changes[i], &arena, &route);
	count(ROUTE, n_before);
	arena_free(&arena);
}

/* With what the other stages do in it. */
static __attribute__((noinline)) void stage_pipeline(struct pipeline *pipeline, struct batch *batch)
{
	struct err err;
	size_t n_before = n_allocations;
	if ((batch && pipeline_take(pipeline, batch, &err)) || pipeline_turn(pipeline, &err))
		bench_die(&err);
	count(PIPELINE, n_before);
}

/* ---- parse: a page of a contents table ---- */

struct document {
	char *bytes;
	size_t size, at;
};

static void put_cell(FILE *out, uint32_t tag)
{
	static const char *const forms[] = {[PT_LONG] = "<ul>1</ul>",
					    [PT_BOOLEAN] = "<b>false</b>",
					    [PT_SYSTIME] = "<hilo><hi>31292086</hi><lo>2436380544</lo></hilo>",
					    [PT_BINARY] = "<bin>IWF0/WSySJunlkgRddS19NRVAAAAAA==</bin>"};
	uint32_t type = tag & 0xffff;
	const char *form = type < sizeof forms / sizeof *forms ? forms[type] : NULL;
	fprintf(out, "<item><ulPropTag>%u</ulPropTag>%s</item>", tag,
		form ? form : "<lpszA>the minutes &amp; more</lpszA>");
}

static struct document make_page(void)
{
	struct document page = {0};
	FILE *out = open_memstream(&page.bytes, &page.size);
	fprintf(out, "<?xml version=\"1.0\"?>\n<E:Envelope><E:Body><ns:tableMultiResponse><er>0</er><sRowSet>");
	for (int row = 0; row < ROWS; row++) {
		fprintf(out, "<item>");
		for (size_t i = 0; i < item_columns.n; i++)
			put_cell(out, item_columns.tags[i]);
		fprintf(out, "</item>");
	}
	fprintf(out, "</sRowSet></ns:tableMultiResponse></E:Body></E:Envelope>\r\n");
	fclose(out);
	return page;
}

static ssize_t read_page(void *context, uint8_t *buffer, size_t size, struct err *err)
{
	struct document *page = context;
	size_t n = page->size - page->at < size ? page->size - page->at : size;
	(void)err;
	memcpy(buffer, page->bytes + page->at, n);
	page->at += n;
	return (ssize_t)n;
}

static __attribute__((noinline)) size_t stage_parse(struct scan *scan)
{
	struct prop cells[N_ITEM_COLUMNS];
	struct arena arena = {0};
	size_t n = 0, n_before = n_allocations;
	int level = scan->depth;
	for (; scan_child_named(scan, level, "item"); n++) {
		scan_renew_limit(scan);
		answer_row(scan, &arena, &item_columns, cells);
		if (n % BATCH_CHANGES == 0)
			arena_free(&arena);
	}
	arena_free(&arena);
	count(PARSE, n_before);
	return n;
}

static size_t parse(void)
{
	struct document page = make_page();
	struct scan scan;
	scan_open(&scan, ELEMENT_LIMIT_BYTES, read_page, &page);
	soap_enter(&scan);
	scan_child_named(&scan, scan.depth, "sRowSet");
	CALLGRIND_START_INSTRUMENTATION;
	size_t n = stage_parse(&scan);
	CALLGRIND_STOP_INSTRUMENTATION;
	scan_close(&scan);
	free(page.bytes);
	return n;
}

/* ---- the others ---- */

struct rig {
	struct pipeline *pipeline;
	struct sink *sink;
	struct state *state;
	struct sink_ops sink_ops;
	struct state_ops state_ops;
	struct encoder encoder;
};

static void put_stages_between(struct rig *rig)
{
	kafka_ops = rig->sink->ops;
	rig->sink_ops = *kafka_ops;
	rig->sink_ops.send = stage_send;
	rig->sink_ops.service = stage_acknowledge;
	rig->sink->ops = &rig->sink_ops;
	sqlite_ops = rig->state->ops;
	rig->state_ops = *sqlite_ops;
	rig->state_ops.commit = stage_commit;
	rig->state->ops = &rig->state_ops;
	rig->encoder = protobuf_encoder;
	rig->encoder.change = stage_encode;
}

static void open_rig(struct rig *rig, const struct kafka_config *config, const char *state_path)
{
	struct err err;
	rig->pipeline = pipeline_new();
	struct sink_events events = pipeline_events(rig->pipeline);
	if (sqlite_state_open(state_path, &rig->state, &err) ||
	    kafka_driver.ops->open(config, &events, -1, &rig->sink, &err) ||
	    kafka_driver.ops->seek(rig->sink, rig->state, &err))
		bench_die(&err);
	put_stages_between(rig);
	const struct pipeline_parts parts = {.sink = rig->sink,
					     .state = rig->state,
					     .encoder = &rig->encoder,
					     .topics = config->topics,
					     .budget_bytes = BUDGET_BYTES,
					     .now_ms = clock_ms};
	pipeline_start(rig->pipeline, &parts);
}

static void close_rig(struct rig *rig)
{
	rig->sink->ops->close(rig->sink);
	pipeline_free(rig->pipeline);
	rig->state->ops->close(rig->state);
}

static void turn(struct rig *rig, struct batch *batch)
{
	int timeout_ms = pipeline_timeout_ms(rig->pipeline);
	struct pollfd fd = {.fd = kafka_ops->fd(rig->sink), .events = POLLIN};
	if (!batch)
		poll(&fd, 1, timeout_ms < 0 ? WAIT_MS : timeout_ms);
	stage_pipeline(rig->pipeline, batch);
}

static void begin_counting(struct rig *rig)
{
	while (pipeline_load(rig->pipeline).n_batches)
		turn(rig, NULL);
	for (int stage = ROUTE; stage < N_STAGES; stage++)
		stages[stage].n_calls = stages[stage].n_allocations = 0;
	CALLGRIND_START_INSTRUMENTATION;
}

static void send_all(struct rig *rig, size_t n_records)
{
	for (size_t n = 0; n < n_records; n += BATCH_CHANGES) {
		struct batch *batch = bench_batch(n, BATCH_CHANGES);
		if (n_records - n <= WINDOW && n_records - n > WINDOW - BATCH_CHANGES)
			begin_counting(rig);
		if (n_records - n <= WINDOW)
			stage_route(batch);
		turn(rig, batch);
		while (!pipeline_ready(rig->pipeline))
			turn(rig, NULL);
	}
	while (pipeline_load(rig->pipeline).n_batches)
		turn(rig, NULL);
	CALLGRIND_STOP_INSTRUMENTATION;
}

static void print(size_t n_records, size_t n_rows)
{
	for (int i = 0; i < N_STAGES; i++) {
		size_t n = i == PARSE ? n_rows : WINDOW;
		printf("{\"bench\":\"stage %s\",\"after_records\":%zu,\"counted\":%zu,\"calls\":%zu,\"allocations_per_"
		       "record\":%.3f}\n",
		       names[i], n_records, n, stages[i].n_calls, (double)stages[i].n_allocations / (double)n);
	}
}

int main(int argc, char **argv)
{
	struct rig rig;
	if (argc != 4) {
		fprintf(stderr, "usage: bench_stages BOOTSTRAP PREFIX RECORDS\n");
		return 2;
	}
	size_t n_records = strtoul(argv[3], NULL, 10) / BATCH_CHANGES * BATCH_CHANGES;
	if (n_records < WINDOW)
		n_records = WINDOW;
	scratch_make(NULL);
	struct kafka_config *config = bench_kafka_config(argv[1], argv[2], -1);
	size_t n_rows = parse();
	open_rig(&rig, config, scratch_path("state.db"));
	send_all(&rig, n_records);
	close_rig(&rig);
	scratch_remove(NULL);
	kafka_driver.free_config(config);
	print(n_records, n_rows);
	return 0;
}
