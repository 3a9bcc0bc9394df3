#include "bridge/vitals.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/hex.h"

struct vitals {
	struct outage *source_outage, *sink_outage;
	int64_t since;

	pthread_mutex_t mutex; /* of all that follows */
	const struct settings *settings;
	struct sink *sink;
	struct feeder *feeder;
	struct pipeline_counts past, counts; /* of sessions that ended, of this one */
	struct pipeline_load load;
	int64_t busy_since; /* 0: it is not */
};

struct vitals *vitals_new(const struct settings *settings, struct outage *source, struct outage *sink)
{
	struct vitals *vitals = xcalloc(1, sizeof *vitals);
	vitals->settings = settings;
	vitals->source_outage = source;
	vitals->sink_outage = sink;
	vitals->since = time(NULL);
	pthread_mutex_init(&vitals->mutex, NULL);
	return vitals;
}

void vitals_free(struct vitals *vitals)
{
	pthread_mutex_destroy(&vitals->mutex);
	free(vitals);
}

/* ---- from the loop ---- */

static struct pipeline_counts sum_of(const struct pipeline_counts *a, const struct pipeline_counts *b)
{
	return (struct pipeline_counts){
		.n_entries = a->n_entries + b->n_entries,
		.n_published = a->n_published + b->n_published,
		.n_acknowledged = a->n_acknowledged + b->n_acknowledged,
		.n_dead_letters = a->n_dead_letters + b->n_dead_letters,
		.n_gone = a->n_gone + b->n_gone,
		.n_late = a->n_late + b->n_late,
		.n_filtered = a->n_filtered + b->n_filtered,
		.n_batches_committed = a->n_batches_committed + b->n_batches_committed,
		.n_commits = a->n_commits + b->n_commits,
		.n_reconnects = a->n_reconnects + b->n_reconnects,
	};
}

void vitals_configured(struct vitals *vitals, const struct settings *settings)
{
	pthread_mutex_lock(&vitals->mutex);
	vitals->settings = settings;
	pthread_mutex_unlock(&vitals->mutex);
}

void vitals_session(struct vitals *vitals, struct sink *sink, struct feeder *feeder)
{
	pthread_mutex_lock(&vitals->mutex);
	vitals->sink = sink;
	vitals->feeder = feeder;
	if (!sink) {
		vitals->past = sum_of(&vitals->past, &vitals->counts);
		vitals->counts = (struct pipeline_counts){0};
		vitals->load = (struct pipeline_load){0};
		vitals->busy_since = 0;
	}
	pthread_mutex_unlock(&vitals->mutex);
}

void vitals_turn(struct vitals *vitals, const struct pipeline_counts *counts, struct pipeline_load load)
{
	pthread_mutex_lock(&vitals->mutex);
	vitals->counts = *counts;
	vitals->load = load;
	if (!load.busy)
		vitals->busy_since = 0;
	else if (!vitals->busy_since)
		vitals->busy_since = time(NULL);
	pthread_mutex_unlock(&vitals->mutex);
}

/* ---- the report; the mutex is held ---- */

static void report_source(struct vitals *vitals, struct report *report)
{
	report_text(report, "name", "%s", vitals->settings->source->name);
	if (vitals->feeder)
		feeder_report(vitals->feeder, report);
	outage_report(vitals->source_outage, 0, report);
}

static void report_sink(struct vitals *vitals, struct report *report)
{
	struct sink *sink = vitals->sink;
	report_text(report, "name", "%s", vitals->settings->sink->name);
	if (sink && sink->ops->status)
		sink->ops->status(sink, report);
	outage_report(vitals->sink_outage, vitals->past.n_reconnects + vitals->counts.n_reconnects, report);
	if (!report_find(report, "unacknowledged"))
		report_number(report, "unacknowledged", (int64_t)vitals->load.n_unanswered);
	report_number(report, "batches", (int64_t)vitals->load.n_batches);
	report_truth(report, "busy", vitals->load.busy);
	if (vitals->busy_since)
		report_number(report, "busy_since", vitals->busy_since);
}

static void report_counters(const struct vitals *vitals, struct report *report)
{
	struct pipeline_counts counts = sum_of(&vitals->past, &vitals->counts);
	report_number(report, "entries", (int64_t)counts.n_entries);
	report_number(report, "published", (int64_t)counts.n_published);
	report_number(report, "acknowledged", (int64_t)counts.n_acknowledged);
	report_number(report, "dead_letters", (int64_t)counts.n_dead_letters);
	report_number(report, "gone", (int64_t)counts.n_gone);
	report_number(report, "late", (int64_t)counts.n_late);
	report_number(report, "filtered", (int64_t)counts.n_filtered);
	report_number(report, "batches_committed", (int64_t)counts.n_batches_committed);
	report_number(report, "commits", (int64_t)counts.n_commits);
}

/* The most that this process ever had; -1: the system does not tell. */
static int64_t peak_bytes(void)
{
	char line[256];
	long long kib = -1;
	FILE *file = fopen("/proc/self/status", "re");
	while (file && kib < 0 && fgets(line, sizeof line, file))
		if (sscanf(line, "VmHWM: %lld kB", &kib) != 1)
			kib = -1;
	if (file)
		fclose(file);
	return kib < 0 ? -1 : kib * 1024;
}

static void report_memory(struct vitals *vitals, struct report *report)
{
	report_number(report, "budget_bytes", (int64_t)vitals->settings->budget_bytes);
	report_number(report, "held_bytes", vitals->feeder ? (int64_t)feeder_held_bytes(vitals->feeder) : 0);
	report_number(report, "peak_bytes", peak_bytes());
}

/* ---- for anybody ---- */

struct pipeline_counts vitals_counts(struct vitals *vitals)
{
	pthread_mutex_lock(&vitals->mutex);
	struct pipeline_counts counts = sum_of(&vitals->past, &vitals->counts);
	pthread_mutex_unlock(&vitals->mutex);
	return counts;
}

struct report *vitals_report(struct vitals *vitals)
{
	struct report *report = report_new();
	report_text(report, "version", "%s", TIDINGS_VERSION);
	report_number(report, "process", getpid());
	report_number(report, "since", vitals->since);
	pthread_mutex_lock(&vitals->mutex);
	report_source(vitals, report_group(report, "source"));
	report_sink(vitals, report_group(report, "sink"));
	report_counters(vitals, report_group(report, "counters"));
	report_memory(vitals, report_group(report, "memory"));
	pthread_mutex_unlock(&vitals->mutex);
	return report;
}

static const char position_prefix[] = "position/";

struct listing {
	struct state *state;
	describe_fn *describe; /* NULL: the source describes nothing */
	struct report *streams;
};

static int add_stream(void *context, struct slice key, struct slice value)
{
	struct listing *listing = context;
	struct report *row = report_row(listing->streams);
	struct arena *arena = row->arena;
	size_t n = sizeof position_prefix - 1;
	const char *text = listing->describe ? listing->describe(listing->state, key, value, arena) : NULL;
	report_text(row, "stream", "%.*s", (int)(key.size - n), (const char *)key.data + n);
	report_text(row, "position", "%s", hex_text(arena, value));
	report_text(row, "text", "%s", text ? text : "");
	return 0;
}

int vitals_report_all(struct vitals *vitals, struct state *state, struct report **report, struct err *err)
{
	*report = vitals_report(vitals);
	pthread_mutex_lock(&vitals->mutex);
	struct listing listing = {.state = state, .describe = vitals->settings->source->describe};
	pthread_mutex_unlock(&vitals->mutex);
	listing.streams = report_list(*report, "streams");
	return state->ops->each(state, slice_of_text(position_prefix), add_stream, &listing, err);
}

int vitals_request(struct vitals *vitals, const struct source_request *request, struct err *err)
{
	pthread_mutex_lock(&vitals->mutex);
	int rc = vitals->feeder
			 ? feeder_request(vitals->feeder, request, err)
			 : err_set(err, ERR_AGAIN, "the daemon is waiting for its sink; ask again when it is back");
	pthread_mutex_unlock(&vitals->mutex);
	return rc;
}
