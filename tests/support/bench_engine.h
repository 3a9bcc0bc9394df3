/* What the benchmarks of the sinks share: mails that a source has at hand, and all that the daemon does after a source:
 * queue between threads, route, encode, send, acknowledgements, commits to an SQLite file.
 *
 *     bench_engine(&(struct bench_run){.driver = &kafka_driver, .config = config, .n_records = n}, "to Kafka", 1)
 *
 * Threads: one, besides the source's. Errors end the program. */
#ifndef TIDINGS_TESTS_SUPPORT_BENCH_ENGINE_H
#define TIDINGS_TESTS_SUPPORT_BENCH_ENGINE_H

#include "bridge/driver.h"
#include "core/batch.h"

enum { BENCH_FOLDERS = 50 };

struct bench_clock {
	int64_t began_ms;
	double cpu_seconds;
};

void bench_die(const struct err *err);
struct bench_clock bench_begin(void);

/* Prints a JSON line: records, seconds, records per second, CPU time. */
void bench_report(const char *what, int round, size_t n_records, const struct bench_clock *clock);

/* n mails in BENCH_FOLDERS folders, from this one on. */
struct batch *bench_batch(size_t first, size_t n);

/* The clock of a change's observed_at. */
int64_t bench_now_ns(void);

/* How many of n_records have happened by now, where the first did at began_ns; waits for one if there is none beyond
 * n_before. */
size_t bench_wait_due(double per_second, int64_t began_ns, size_t n_before, size_t n_records);

/* When the n-th of them happens. */
int64_t bench_due_ns(double per_second, int64_t began_ns, size_t nth);

struct bench_run {
	const struct sink_driver *driver;
	void *config;
	size_t n_records;
	size_t budget_bytes;    /* memory.budget; 0: 32 MiB */
	bool (*is_ready)(void); /* until then the sink is served and nothing is sent; may be NULL */
	int settle_ms;          /* and so long after that */
	bool (*is_over)(void);  /* beside that all is acknowledged; may be NULL */

	/* The source waits while it is so many records ahead of what was received; 0: it does not. */
	size_t most_ahead;
	size_t (*n_received)(void);

	double per_second; /* the changes happen so often, and are seen at once; 0: all are there already */
	void (*acknowledged)(const struct change *change); /* may be NULL */
};

/* Sends the records through the sink, and prints a line about `what` (NULL: none). */
void bench_engine(const struct bench_run *run, const char *what, int round);

#endif
