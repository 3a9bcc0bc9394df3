/* The daemon between a server and a broker in memory, with a real state file and real signals. */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/clock.h"
#include "bridge/daemon.h"
#include "bridge/state/sqlite.h"
#include "tests/support/capture.h"
#include "tests/support/memory_sink.h"
#include "tests/support/memory_source.h"
#include "tests/support/scratch.h"
#include "tests/support/script_batch.h"

enum { LONG_MS = 10000, STOP_MS = 1500 };

static struct memory_server *server;
static struct memory_broker *broker;

/* ---- a sink whose open can wait for the stop and whose service can be shut or watched ---- */

static atomic_bool open_waits, gate_shut, tells_of_records;
static atomic_int n_waiting_opens, n_shut_services;
static struct sink_ops gated_ops;

static int gated_open(const void *config, const struct sink_events *events, int stop_fd, struct sink **sink,
		      struct err *err)
{
	struct pollfd fd = {.fd = stop_fd, .events = POLLIN};
	n_waiting_opens += open_waits;
	if (open_waits && poll(&fd, 1, LONG_MS) == 1)
		return err_set(err, ERR_STOPPED, "memory: stopped");
	int rc = memory_sink_ops.open(config, events, stop_fd, sink, err);
	(*sink)->ops = &gated_ops;
	return rc;
}

static int gated_service(struct sink *sink, struct err *err)
{
	n_shut_services += gate_shut;
	if (tells_of_records && broker->n_records) {
		tells_of_records = false;
		dprintf(STDERR_FILENO, "records have come\n");
	}
	return gate_shut ? 0 : memory_sink_ops.service(sink, err);
}

static const char *const *topics(const void *config)
{
	static const char *const names[N_TOPICS] = {"items", "folders", "addressbook", "lifecycle", "dead", "notes"};
	(void)config;
	return names;
}

/* ---- one daemon, on a thread of its own ---- */

static const struct source_driver source_driver = {.name = "memory", .ops = &memory_source_ops};
static const struct sink_driver sink_driver = {.name = "memory", .ops = &gated_ops, .topics = topics};

static struct settings settings;
static pthread_t thread;
static int result;
static struct err err;

static void *run(void *arg)
{
	(void)arg;
	result = daemon_run(&settings, &script_encoder, &err);
	return NULL;
}

static void start(void)
{
	err = (struct err){0};
	capture_begin();
	assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
}

/* Waits for its end; what it logged. */
static const char *join(int deadline_ms)
{
	int64_t before_ms = clock_ms();
	assert_int_equal(pthread_join(thread, NULL), 0);
	const char *log = capture_end();
	assert_in_range(clock_ms() - before_ms, 0, deadline_ms);
	assert_int_equal(memory_server_sources(server), 0);
	assert_int_equal(broker->n_opened, broker->n_closed);
	return log;
}

static const char *stop(void)
{
	kill(getpid(), SIGTERM);
	return join(STOP_MS);
}

static int setup(void **state)
{
	sigset_t signals; /* for the daemon alone */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	scratch_make(state);
	server = memory_server_new();
	broker = memory_broker_new();
	gated_ops = memory_sink_ops;
	gated_ops.open = gated_open;
	gated_ops.service = gated_service;
	open_waits = gate_shut = false;
	n_waiting_opens = n_shut_services = 0;
	settings = (struct settings){.source = &source_driver,
				     .source_config = server,
				     .sink = &sink_driver,
				     .sink_config = broker,
				     .state_path = strdup(scratch_path("state.db")),
				     .budget_bytes = 4 << 20};
	return 0;
}

static int teardown(void **state)
{
	free((char *)settings.state_path);
	memory_server_free(server);
	memory_broker_free(broker);
	return scratch_remove(state);
}

/* The highest change that is committed. */
static uint64_t position(void)
{
	struct state *state;
	struct arena arena = {0};
	struct slice value = {0};
	struct err ignored;
	uint64_t number = 0;
	if (sqlite_state_open_readonly(settings.state_path, &state, &ignored))
		return 0;
	if (state->ops->get(state, slice_of_text(MEMORY_POSITION), &arena, &value, &ignored) == 0)
		memcpy(&number, value.data, sizeof number);
	state->ops->close(state);
	arena_free(&arena);
	return number;
}

static void await_position(uint64_t number)
{
	int64_t until_ms = clock_ms() + LONG_MS;
	while (position() < number) {
		assert_true(clock_ms() < until_ms);
		poll(NULL, 0, 5); /* nothing tells of a commit */
	}
}

static void await_number(atomic_int *number, int least)
{
	int64_t until_ms = clock_ms() + LONG_MS;
	while (*number < least) {
		assert_true(clock_ms() < until_ms);
		poll(NULL, 0, 1);
	}
}

/* Of that type. */
static size_t n_published(const char *type)
{
	size_t n = 0;
	for (size_t i = 0; i < broker->n_records; i++)
		n += strcmp(broker->records[i].record.type, type) == 0;
	return n;
}

static size_t n_items(void)
{
	return broker->n_records - n_published("tidings.v1.Lifecycle");
}

/* Fails unless the broker has acknowledged every change from first to last; repeats are accepted. */
static void assert_delivered(uint64_t first, uint64_t last)
{
	for (uint64_t id = first; id <= last; id++) {
		char subject[32];
		bool found = false;
		snprintf(subject, sizeof subject, "item-%llu", (unsigned long long)id);
		for (size_t i = 0; i < broker->n_records && !found; i++)
			found = broker->records[i].fate == FATE_ACKNOWLEDGED &&
				slice_equal(broker->records[i].record.subject, slice_of_text(subject));
		if (!found)
			fail_msg("change %llu was not delivered", (unsigned long long)id);
	}
}

/* ---- the tests ---- */

static void everything_is_delivered_and_committed(void **state)
{
	(void)state;
	memory_server_add(server, 995);
	start();
	await_position(995);
	memory_server_add(server, 5);
	await_position(1000);
	const char *log = stop();
	assert_int_equal(result, 0);
	assert_int_equal(n_items(), 1000);
	assert_int_equal(n_published("tidings.v1.Lifecycle"), 2); /* the start and the stop */
	assert_delivered(1, 1000);
	assert_non_null(strstr(log, "from memory to memory, state "));
	assert_non_null(strstr(log, "SIGTERM: stopping; a second signal stops at once"));
	assert_non_null(
		strstr(log, "stopped: 1002 records published, 1002 acknowledged, 0 dead letters, 0 items gone"));
	assert_int_equal(capture_count(log, "\n"), 3);
}

static void the_next_run_goes_on_where_this_one_ended(void **state)
{
	(void)state;
	memory_server_add(server, 100);
	start();
	await_position(100);
	stop();
	memory_server_add(server, 20);
	start();
	await_position(120);
	stop();
	assert_int_equal(n_items(), 120);
	assert_delivered(1, 120);
}

static void a_stop_at_any_moment_loses_nothing(void **state)
{
	(void)state;
	memory_server_add(server, 5000);
	for (size_t i = 1; i <= 8; i++) {
		start();
		memory_server_await(server, PHASE_NEXT, i * i * 6);
		stop();
		assert_int_equal(result, 0);
		assert_delivered(1, position());
		assert_int_equal(n_items(), position()); /* drained: nothing has to be repeated */
	}
}

static void a_slow_sink_stops_the_source(void **state)
{
	(void)state;
	memory_server_shape(server, 10, 256 << 10);
	memory_server_add(server, 1000);
	gate_shut = true;
	start();
	memory_server_await(server, PHASE_NEXT, 5);
	await_number(&n_shut_services, n_shut_services + 2000);
	assert_in_range(memory_server_given(server), 5, 9); /* twice 256 KiB each, within 4 MiB; one waits */
	assert_int_equal(position(), 0);
	gate_shut = false;
	await_position(1000);
	stop();
	assert_delivered(1, 1000);
}

static void a_record_that_was_given_up_rewinds(void **state)
{
	(void)state;
	memory_server_add(server, 1000);
	memory_broker_fail(broker, 500, ERR_AGAIN);
	start();
	await_position(1000);
	const char *log = stop();
	assert_int_equal(result, 0);
	assert_int_equal(broker->n_opened, 2);
	assert_delivered(1, 1000);
	assert_int_equal(capture_count(log, "; retrying"), 1);
	assert_int_equal(capture_count(log, "sink: back after"), 1);
}

static void a_broker_that_is_away_at_the_start_is_waited_for(void **state)
{
	(void)state;
	memory_server_add(server, 10);
	broker->refuse_open = ERR_AGAIN;
	broker->refuse_seek = ERR_AGAIN;
	start();
	await_position(10);
	const char *log = stop();
	assert_int_equal(broker->n_opened, 3);
	assert_int_equal(capture_count(log, "sink: memory: open was refused; retrying"), 1);
	assert_int_equal(capture_count(log, "seek"), 0);
	assert_int_equal(capture_count(log, "sink: back after"), 1);
}

static void a_server_that_is_away_is_waited_for(void **state)
{
	(void)state;
	memory_server_add(server, 10);
	memory_server_fail(server, PHASE_SEEK, ERR_AGAIN, 2);
	start();
	await_position(10);
	const char *log = stop();
	assert_int_equal(capture_count(log, "source: memory: seek was refused; retrying"), 1);
	assert_int_equal(capture_count(log, "source: back after"), 1);
}

static void signals_count_while_the_sink_opens(void **state)
{
	(void)state;
	open_waits = true;
	start();
	await_number(&n_waiting_opens, 1);
	stop();
	assert_int_equal(result, 0);
}

static void signals_count_while_the_source_waits(void **state)
{
	(void)state;
	for (enum memory_phase phase = PHASE_SEEK; phase <= PHASE_NEXT; phase++) {
		memory_server_hang(server, phase, true);
		size_t before = memory_server_entered(server, phase);
		start();
		memory_server_await(server, phase, before + 1);
		kill(getpid(), SIGINT);
		assert_non_null(strstr(join(STOP_MS), "SIGINT: stopping"));
		assert_int_equal(result, 0);
		memory_server_hang(server, phase, false);
	}
}

static void signals_count_between_attempts(void **state)
{
	(void)state;
	memory_server_add(server, 1);
	for (size_t nth = 0; nth < 3; nth++) /* pauses grow: the last is of half a second or more */
		memory_broker_fail(broker, nth, ERR_AGAIN);
	start();
	memory_server_await(server, PHASE_NEXT, 5);
	stop();
	assert_int_equal(result, 0);
}

static void a_fatal_error_of_the_source_ends_it_after_a_commit(void **state)
{
	(void)state;
	memory_server_add(server, 100);
	start();
	await_position(100);
	gate_shut = true;
	memory_server_add(server, 10);
	await_number(&n_shut_services, n_shut_services + 10);
	memory_server_fail(server, PHASE_NEXT, ERR_FATAL, 1);
	memory_server_add(server, 10);
	join(STOP_MS);
	assert_int_equal(result, ERR_FATAL);
	assert_int_equal(err.exit_code, EXIT_USAGE);
	assert_string_equal(err.text, "source: memory: next was refused for good");
	assert_in_range(position(), 110, 120);
	assert_delivered(1, position());
}

static void a_fatal_error_of_the_sink_ends_it(void **state)
{
	(void)state;
	memory_server_add(server, 100);
	broker->refuse_service = ERR_FATAL;
	start();
	join(STOP_MS);
	assert_int_equal(result, ERR_FATAL);
	assert_int_equal(err.exit_code, EXIT_USAGE);
	broker->refuse_open = ERR_FATAL;
	start();
	join(STOP_MS);
	assert_int_equal(result, ERR_FATAL);
	assert_string_equal(err.text, "memory: open was refused for good");
}

static void a_state_in_use_ends_it_at_once(void **state)
{
	struct state *held;
	(void)state;
	assert_int_equal(sqlite_state_open(settings.state_path, &held, &err), 0);
	start();
	join(STOP_MS);
	assert_int_equal(result, ERR_FATAL);
	assert_int_equal(err.exit_code, EXIT_USAGE);
	assert_non_null(strstr(err.text, "is in use by process"));
	assert_int_equal(broker->n_opened, 0);
	held->ops->close(held);
}

/* In a child, with default signal handling; the drain would take its whole deadline. */
static void run_with_a_dead_broker(int said)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(said, STDERR_FILENO);
	broker->stalled = true;
	tells_of_records = true;
	_exit(daemon_run(&settings, &script_encoder, &err));
}

static void read_until(int fd, const char *text)
{
	char log[4096] = "";
	size_t n = 0;
	ssize_t got;
	while (!strstr(log, text) && (got = read(fd, log + n, sizeof log - n - 1)) > 0)
		n += (size_t)got;
	assert_non_null(strstr(log, text));
}

static void a_second_signal_ends_it_at_once(void **state)
{
	int said[2], status;
	(void)state;
	memory_server_add(server, 100);
	assert_int_equal(pipe(said), 0);
	pid_t child = fork();
	if (child == 0)
		run_with_a_dead_broker(said[1]);
	read_until(said[0], "records have come");
	int64_t before_ms = clock_ms();
	kill(child, SIGTERM);
	read_until(said[0], "SIGTERM: stopping");
	kill(child, SIGTERM);
	waitpid(child, &status, 0);
	assert_in_range(clock_ms() - before_ms, 0, STOP_MS);
	assert_true(WIFSIGNALED(status));
	close(said[0]);
	close(said[1]);
}

#define DAEMON_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DAEMON_TEST(everything_is_delivered_and_committed),
		DAEMON_TEST(the_next_run_goes_on_where_this_one_ended),
		DAEMON_TEST(a_stop_at_any_moment_loses_nothing),
		DAEMON_TEST(a_slow_sink_stops_the_source),
		DAEMON_TEST(a_record_that_was_given_up_rewinds),
		DAEMON_TEST(a_broker_that_is_away_at_the_start_is_waited_for),
		DAEMON_TEST(a_server_that_is_away_is_waited_for),
		DAEMON_TEST(signals_count_while_the_sink_opens),
		DAEMON_TEST(signals_count_while_the_source_waits),
		DAEMON_TEST(signals_count_between_attempts),
		DAEMON_TEST(a_fatal_error_of_the_source_ends_it_after_a_commit),
		DAEMON_TEST(a_fatal_error_of_the_sink_ends_it),
		DAEMON_TEST(a_state_in_use_ends_it_at_once),
		DAEMON_TEST(a_second_signal_ends_it_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
