/* Engine to Kafka, beside a bare librdkafka producer with the same settings, keys, headers and payload.
 *
 *     bench_kafka BOOTSTRAP [RECORDS [ROUNDS]]
 *
 * The engine is all that the daemon does after a source: queue between threads, route, encode, send, acknowledgements,
 * commits to an SQLite file. The bare producer sends one payload that was encoded before. Rounds alternate; each line
 * has its round. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bridge/clock.h"
#include "bridge/feeder.h"
#include "bridge/kafka/kafka.h"
#include "bridge/state/sqlite.h"
#include "core/hex.h"
#include "core/pipeline.h"
#include "proto/encode.h"

extern const struct sink_driver kafka_driver;

enum { N_FOLDERS = 50, BUDGET_BYTES = 32 << 20, POLL_MS = 1000 };

static size_t n_records = 200000;

static void die(const struct err *err)
{
	fprintf(stderr, "bench_kafka: %s\n", err->text);
	exit(1);
}

static double cpu_seconds(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void report(const char *what, int round, int64_t began_ms, double cpu)
{
	double seconds = (double)(clock_ms() - began_ms) / 1000;
	printf("{\"bench\":\"%s\",\"round\":%d,\"records\":%zu,\"seconds\":%.3f,\"records_per_s\":%.0f,\"cpu_us_per_"
	       "record\":%.2f}\n",
	       what, round, n_records, seconds, (double)n_records / seconds,
	       (cpu_seconds() - cpu) * 1e6 / (double)n_records);
	fflush(stdout);
}

/* ---- what is sent ---- */

static const struct server_info server = {.guid = "server-guid-0123", .epoch = 1};

static void fill_change(struct batch *batch, struct change *change, size_t n, struct store_info *store,
			struct folder_info *folders)
{
	static const uint8_t zeros[22];
	uint8_t key[22] = "server-guid-0123";
	memcpy(key + 16, &n, 6);
	struct item *item = arena_zero(&batch->arena, sizeof *item);
	item->message_class = slice_of_text("IPM.Note");
	item->subject = slice_of_text(arena_text(&batch->arena, "A mail about something, number %zu", n));
	item->sender =
		(struct address){slice_of_text("User One"), slice_of_text("user1@example.com"), slice_of_text("SMTP")};
	item->display_to = slice_of_text("User Two; User Three");
	item->delivered_at_ns = item->modified_at_ns = 1700000000000000000;
	item->size_bytes = 4711;
	item->message_flags = 1;
	change->kind = CHANGE_UPDATED;
	change->origin = ORIGIN_ICS;
	change->object_type = OBJECT_ITEM;
	change->server = &server;
	change->store = store;
	change->folder = &folders[n % N_FOLDERS];
	change->source_key = arena_copy(&batch->arena, slice_of(key, sizeof key));
	change->parent_source_key = change->folder->source_key;
	change->entry_id = arena_copy(&batch->arena, slice_of(zeros, sizeof zeros));
	change->change_id = n + 1;
	change->item_number = (uint32_t)n;
	change->observed_at_ns = 1700000000123456789 + (int64_t)n;
	change->item = item;
}

static struct folder_info *make_folders(struct batch *batch)
{
	struct folder_info *folders = arena_zero(&batch->arena, N_FOLDERS * sizeof *folders);
	for (int i = 0; i < N_FOLDERS; i++) {
		folders[i].source_key = slice_of_text(arena_text(&batch->arena, "server-guid-0123folder%02d", i));
		folders[i].path = slice_of_text("Inbox");
		folders[i].container_class = slice_of_text("IPF.Note");
	}
	return folders;
}

static struct batch *make_batch(size_t first, size_t n)
{
	struct batch *batch = batch_new("contents/bench");
	struct store_info *store = arena_zero(&batch->arena, sizeof *store);
	memcpy(store->guid, "store-guid-01234", GUID_SIZE);
	store->owner = slice_of_text("user1");
	struct folder_info *folders = make_folders(batch);
	for (size_t i = 0; i < n; i++)
		fill_change(batch, batch_change(batch), first + i, store, folders);
	batch_put(batch, slice_of_text("position/contents/bench"), slice_of(&first, sizeof first));
	batch->n_entries = n;
	return batch;
}

/* ---- a source that has it at hand ---- */

struct bench_source {
	struct source source;
	size_t n_given;
	bool stopped;
};

static int source_open(const void *config, struct source **source, struct err *err)
{
	(void)config, (void)err;
	struct bench_source *bench = xcalloc(1, sizeof *bench);
	*source = &bench->source;
	return 0;
}

static int source_seek(struct source *source, struct state *state, struct err *err)
{
	(void)source, (void)state, (void)err;
	return 0;
}

static int source_next(struct source *source, struct batch **batch, struct err *err)
{
	struct bench_source *bench = (struct bench_source *)source;
	size_t n = n_records - bench->n_given < BATCH_CHANGES ? n_records - bench->n_given : BATCH_CHANGES;
	if (n == 0)
		return err_set(err, ERR_STOPPED, "all given");
	*batch = make_batch(bench->n_given, n);
	bench->n_given += n;
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

static const struct source_ops bench_source_ops = {"bench",     source_open, source_seek,
						   source_next, source_stop, source_close};

/* ---- the engine ---- */

struct engine {
	struct pipeline *pipeline;
	struct sink *sink;
	struct state *state;
	struct feeder *feeder;
};

static void on_committed(void *context, size_t n_batches, size_t n_bytes)
{
	(void)n_batches;
	feeder_release(((struct engine *)context)->feeder, n_bytes);
}

static void start_engine(struct engine *engine, void *config, const char *state_path)
{
	struct err err;
	engine->pipeline = pipeline_new();
	struct sink_events events = pipeline_events(engine->pipeline);
	if (sqlite_state_open(state_path, &engine->state, &err) ||
	    kafka_driver.ops->open(config, &events, -1, &engine->sink, &err) ||
	    kafka_driver.ops->seek(engine->sink, engine->state, &err))
		die(&err);
	struct pipeline_parts parts = {.sink = engine->sink,
				       .state = engine->state,
				       .encoder = &protobuf_encoder,
				       .topics = kafka_driver.topics(config),
				       .budget_bytes = BUDGET_BYTES,
				       .now_ms = clock_ms,
				       .committed = on_committed,
				       .context = engine};
	pipeline_start(engine->pipeline, &parts);
	struct feeder_parts feeder = {&bench_source_ops, NULL, engine->state, BUDGET_BYTES};
	if (feeder_start(&feeder, &engine->feeder, &err))
		die(&err);
}

static void turn_engine(struct engine *engine)
{
	struct err err;
	struct batch *batch;
	if (pipeline_turn(engine->pipeline, &err))
		die(&err);
	feeder_check(engine->feeder, &err);
	while (pipeline_ready(engine->pipeline) && (batch = feeder_take(engine->feeder)))
		if (pipeline_take(engine->pipeline, batch, &err))
			die(&err);
	struct pollfd fds[] = {{.fd = feeder_fd(engine->feeder), .events = POLLIN},
			       {.fd = engine->sink->ops->fd(engine->sink), .events = POLLIN}};
	int timeout = pipeline_timeout_ms(engine->pipeline);
	poll(fds, 2, timeout < 0 ? POLL_MS : timeout);
}

static void run_engine(void *config, int round)
{
	struct engine engine = {0};
	char path[] = "/tmp/tidings-bench-XXXXXX";
	if (!mkdtemp(path))
		abort();
	char state_path[64];
	snprintf(state_path, sizeof state_path, "%s/state.db", path);
	start_engine(&engine, config, state_path);
	double cpu = cpu_seconds();
	int64_t began_ms = clock_ms();
	while (pipeline_counts(engine.pipeline)->n_acknowledged < n_records)
		turn_engine(&engine);
	struct err err;
	if (pipeline_finish(engine.pipeline, 10000, &err))
		die(&err);
	report("engine to Kafka", round, began_ms, cpu);
	feeder_stop(engine.feeder);
	pipeline_free(engine.pipeline);
	engine.sink->ops->close(engine.sink);
	engine.state->ops->close(engine.state);
}

/* ---- the bare producer ---- */

static size_t n_delivered;

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *context)
{
	(void)client, (void)context;
	if (!message->err)
		n_delivered++;
}

struct bare {
	rd_kafka_t *client;
	rd_kafka_topic_t *topic;
	struct slice value;
	struct slice keys[N_FOLDERS];
};

static rd_kafka_headers_t *make_headers(void)
{
	static const char *const headers[][2] = {{"ce_id", "0123456789abcdef0123456789abcdef"},
						 {"ce_source", "/kopano/0123456789abcdef0123456789abcdef"},
						 {"ce_type", "tidings.v1.ItemUpdated"},
						 {"ce_specversion", "1.0"},
						 {"ce_time", "2026-01-01T00:00:00.123456789Z"},
						 {"ce_subject", "0123456789abcdef0123456789abcdef0123456789ab"},
						 {"content-type", "application/protobuf"}};
	rd_kafka_headers_t *list = rd_kafka_headers_new(7);
	for (int i = 0; i < 7; i++)
		rd_kafka_header_add(list, headers[i][0], -1, headers[i][1], -1);
	return list;
}

static void produce(struct bare *bare, size_t n)
{
	struct slice key = bare->keys[n % N_FOLDERS];
	rd_kafka_headers_t *headers = make_headers();
	while (rd_kafka_producev(bare->client, RD_KAFKA_V_RKT(bare->topic), RD_KAFKA_V_MSGFLAGS(0),
				 RD_KAFKA_V_KEY(key.data, key.size),
				 RD_KAFKA_V_VALUE((void *)bare->value.data, bare->value.size),
				 RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END))
		rd_kafka_poll(bare->client, 10);
	if (n % 256 == 0)
		rd_kafka_poll(bare->client, 0);
}

static void run_bare(const struct kafka_config *config, int round)
{
	char text[256];
	struct batch *batch = make_batch(0, BATCH_CHANGES);
	struct bare bare = {0};
	uint8_t id[EVENT_ID_SIZE];
	rd_kafka_conf_t *conf = rd_kafka_conf_dup(config->base);
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	bare.client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
	bare.topic = rd_kafka_topic_new(bare.client, config->topics[TOPIC_ITEMS], NULL);
	bare.value = protobuf_encoder.change(&batch->changes[0], &batch->arena, id);
	for (size_t i = 0; i < N_FOLDERS; i++)
		bare.keys[i] = slice_of_text(arena_text(&batch->arena, "%s/%s",
							hex_text(&batch->arena, slice_of("store-guid-01234", 16)),
							hex_text(&batch->arena, batch->changes[i].parent_source_key)));
	n_delivered = 0;
	double cpu = cpu_seconds();
	int64_t began_ms = clock_ms();
	for (size_t i = 0; i < n_records; i++)
		produce(&bare, i);
	while (n_delivered < n_records)
		rd_kafka_poll(bare.client, 100);
	report("bare librdkafka producer", round, began_ms, cpu);
	rd_kafka_topic_destroy(bare.topic);
	rd_kafka_destroy(bare.client);
	batch_free(batch);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: bench_kafka BOOTSTRAP [RECORDS [ROUNDS]]\n");
		return 2;
	}
	n_records = argc > 2 ? strtoul(argv[2], NULL, 10) : n_records;
	int n_rounds = argc > 3 ? atoi(argv[3]) : 3;
	char text[1024];
	int n = snprintf(text, sizeof text,
			 "topics: {items: b%d.items, folders: b%d.folders, addressbook: b%d.ab, lifecycle: b%d.life, "
			 "deadletter: "
			 "b%d.dead, notifications: b%d.note}\nlibrdkafka: {bootstrap.servers: \"%s\"}\n",
			 getpid(), getpid(), getpid(), getpid(), getpid(), getpid(), argv[1]);
	struct conf_node *root;
	struct err err;
	void *config;
	if (conf_parse("bench", text, (size_t)n, &root, &err) || kafka_driver.configure(root, &config, &err))
		die(&err);
	for (int round = 1; round <= n_rounds; round++) {
		run_engine(config, round);
		run_bare(config, round);
	}
	kafka_driver.free_config(config);
	conf_free(root);
	return 0;
}
