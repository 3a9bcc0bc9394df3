/* The source's thread and its queue: bounded, in order, stopped in time, one line per outage. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/clock.h"
#include "bridge/feeder.h"
#include "tests/support/capture.h"
#include "tests/support/memory_source.h"

enum { LONG_MS = 10000, STOP_MS = 1000 };

static int no_entry(struct state *state, struct slice key, struct arena *arena, struct slice *value, struct err *err)
{
	(void)state, (void)key, (void)arena, (void)value;
	return err_set(err, ERR_GONE, "empty");
}

static const struct state_ops empty_ops = {.get = no_entry};
static struct state empty_state = {&empty_ops};

static struct memory_server *server;
static struct feeder *feeder;
static struct outage outage;
static struct err err;

static int setup(void **state)
{
	(void)state;
	server = memory_server_new();
	capture_begin();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(memory_server_sources(server), 0);
	memory_server_free(server);
	return 0;
}

static void start(size_t budget_bytes)
{
	outage = OUTAGE_OF("source");
	struct feeder_parts parts = {&memory_source_ops, server, &empty_state, budget_bytes, &outage};
	assert_int_equal(feeder_start(&parts, &feeder, &err), 0);
}

/* Stops it in time; what was logged. */
static const char *stop(void)
{
	int64_t before_ms = clock_ms();
	feeder_stop(feeder);
	const char *log = capture_end();
	assert_in_range(clock_ms() - before_ms, 0, STOP_MS);
	return log;
}

static bool readable(int timeout_ms)
{
	struct pollfd fd = {.fd = feeder_fd(feeder), .events = POLLIN};
	return poll(&fd, 1, timeout_ms) == 1;
}

/* Waits for the next batch. */
static struct batch *take(void)
{
	struct batch *batch;
	while (!(batch = feeder_take(feeder))) {
		assert_true(readable(LONG_MS));
		assert_int_equal(feeder_check(feeder, &err), 0);
	}
	return batch;
}

/* The fd may still ring for a batch that was already taken. */
static void assert_nothing_comes(int timeout_ms)
{
	while (readable(timeout_ms)) {
		assert_int_equal(feeder_check(feeder, &err), 0);
		assert_null(feeder_take(feeder));
	}
}

static int await_end(void)
{
	int rc;
	while ((rc = feeder_check(feeder, &err)) == 0)
		assert_true(readable(LONG_MS));
	return rc;
}

static void batches_come_in_the_sources_order(void **state)
{
	uint64_t id = 0;
	(void)state;
	memory_server_add(server, 1000);
	start(32 << 20);
	while (id < 1000) {
		struct batch *batch = take();
		for (size_t i = 0; i < batch->n_changes; i++)
			assert_int_equal(batch->changes[i].change_id, ++id);
		feeder_release(feeder, batch_bytes(batch));
		batch_free(batch);
	}
	assert_string_equal(stop(), "");
}

static void the_fd_says_that_there_is_something(void **state)
{
	(void)state;
	start(32 << 20);
	memory_server_await(server, PHASE_NEXT, 1);
	assert_false(readable(0));
	memory_server_add(server, 1);
	assert_true(readable(LONG_MS));
	assert_int_equal(feeder_check(feeder, &err), 0);
	assert_false(readable(0));
	batch_free(feeder_take(feeder));
	assert_null(feeder_take(feeder));
	stop();
}

static void the_budget_bounds_what_is_held(void **state)
{
	enum { BUDGET = 1 << 20, N_TAKEN = 200 };
	size_t charges[N_TAKEN], held = 0, n_held = 0, most = 0;
	(void)state;
	memory_server_shape(server, 10, 100 << 10);
	memory_server_add(server, 10 * N_TAKEN);
	start(BUDGET);
	for (size_t n_released = 0; n_released < N_TAKEN;) {
		struct batch *batch = feeder_take(feeder);
		if (batch) {
			held += charges[n_released + n_held++] = batch_bytes(batch);
			most = held > most ? held : most;
			batch_free(batch);
		} else if (n_held && !readable(n_released < 4 ? 100 : 0)) { /* it waits for room */
			held -= charges[n_released];
			feeder_release(feeder, charges[n_released++]);
			n_held--;
		} else {
			assert_true(n_held || readable(LONG_MS));
			assert_int_equal(feeder_check(feeder, &err), 0);
		}
	}
	assert_in_range(most, BUDGET / 2, BUDGET);
	stop();
}

static void a_batch_beyond_the_budget_passes_alone(void **state)
{
	(void)state;
	memory_server_shape(server, 1, 2 << 20);
	memory_server_add(server, 3);
	start(1 << 20);
	for (int i = 0; i < 3; i++) {
		struct batch *batch = take();
		size_t n_bytes = batch_bytes(batch);
		assert_true(n_bytes > 2 << 20);
		assert_null(feeder_take(feeder));
		assert_nothing_comes(i ? 0 : 100);
		batch_free(batch);
		feeder_release(feeder, n_bytes);
	}
	stop();
}

static void an_outage_is_said_once_and_its_end(void **state)
{
	(void)state;
	memory_server_fail(server, PHASE_OPEN, ERR_AGAIN, 1);
	memory_server_fail(server, PHASE_SEEK, ERR_AGAIN, 2);
	memory_server_add(server, 10);
	start(32 << 20);
	batch_free(take());
	assert_int_equal(memory_server_entered(server, PHASE_OPEN), 4);
	memory_server_await(server, PHASE_NEXT, 2);
	memory_server_fail(server, PHASE_NEXT, ERR_AGAIN, 1); /* the call after this one */
	memory_server_add(server, 10);
	batch_free(take());
	memory_server_await(server, PHASE_NEXT, 5); /* the fourth says that it is back */
	const char *log = stop();
	assert_int_equal(capture_count(log, "source: memory: open was refused; retrying"), 1);
	assert_int_equal(capture_count(log, "source: memory: next was refused; retrying"), 1);
	assert_int_equal(capture_count(log, "seek was refused"), 0);
	assert_int_equal(capture_count(log, "source: back after"), 2);
}

static void after_a_failed_next_nothing_is_missing(void **state)
{
	(void)state;
	memory_server_fail(server, PHASE_NEXT, ERR_AGAIN, 3);
	memory_server_add(server, 5);
	start(32 << 20);
	struct batch *batch = take();
	assert_int_equal(batch->changes[0].change_id, 1);
	assert_int_equal(memory_server_entered(server, PHASE_OPEN), 1); /* the same source */
	batch_free(batch);
	const char *log = stop();
	assert_int_equal(capture_count(log, "retrying"), 1);
	assert_int_equal(capture_count(log, "source: back after"), 1);
}

static void a_fatal_error_is_handed_to_the_loop(void **state)
{
	(void)state;
	for (enum memory_phase phase = 0; phase < N_PHASES; phase++) {
		memory_server_fail(server, phase, ERR_FATAL, 1);
		start(32 << 20);
		assert_int_equal(await_end(), ERR_FATAL);
		assert_int_equal(err.exit_code, EXIT_USAGE);
		assert_non_null(strstr(err.text, "source: memory: "));
		assert_int_equal(feeder_check(feeder, &err), ERR_FATAL); /* it stays so */
		assert_int_equal(memory_server_sources(server), 0);
		feeder_stop(feeder);
	}
	assert_string_equal(capture_end(), "");
}

static void it_stops_wherever_it_is(void **state)
{
	(void)state;
	for (enum memory_phase phase = PHASE_SEEK; phase < N_PHASES; phase++) {
		memory_server_hang(server, phase, true);
		size_t before = memory_server_entered(server, phase);
		start(32 << 20);
		memory_server_await(server, phase, before + 1);
		stop();
		capture_begin();
		memory_server_hang(server, phase, false);
	}
	for (int i = 0; i < 50; i++) { /* while it is somewhere between start and next */
		start(32 << 20);
		stop();
		capture_begin();
	}
	capture_end();
}

static void it_stops_while_it_waits_for_room(void **state)
{
	(void)state;
	memory_server_shape(server, 10, 1 << 20);
	memory_server_add(server, 100);
	start(4 << 20);
	struct batch *first = take();
	memory_server_await(server, PHASE_NEXT, 2); /* its batch will not fit */
	batch_free(first);
	stop();
}

static void it_stops_in_a_pause(void **state)
{
	(void)state;
	memory_server_fail(server, PHASE_SEEK, ERR_AGAIN, 1000000);
	start(32 << 20);
	memory_server_await(server, PHASE_SEEK, 4); /* the next pause is longer than a second */
	assert_int_equal(capture_count(stop(), "\n"), 1);
}

static bool is_connected(void)
{
	struct report *report = report_new();
	outage_report(&outage, 0, report);
	bool connected = report_find(report, "connected")->number;
	report_free(report);
	return connected;
}

static void await_connection(void)
{
	for (int64_t until_ms = clock_ms() + LONG_MS; !is_connected(); poll(NULL, 0, 5))
		assert_true(clock_ms() < until_ms);
}

static void an_outage_is_over_as_soon_as_the_server_answers(void **state)
{
	(void)state;
	memory_server_fail(server, PHASE_NEXT, ERR_AGAIN, 2);
	start(32 << 20);
	memory_server_await(server, PHASE_NEXT, 4); /* the last one waits for a change that does not come */
	await_connection();
	const char *log = stop();
	assert_int_equal(capture_count(log, "; retrying"), 1);
	assert_int_equal(capture_count(log, "source: back after"), 1);
	assert_int_equal(outage.n_reconnects, 1);
}

static void the_first_connection_is_no_reconnect(void **state)
{
	(void)state;
	memory_server_fail(server, PHASE_SEEK, ERR_AGAIN, 2);
	start(32 << 20);
	memory_server_await(server, PHASE_NEXT, 1);
	await_connection();
	stop();
	assert_int_equal(outage.n_reconnects, 0);
}

static void it_passes_on_what_is_asked_of_the_source(void **state)
{
	struct source_request request = {.what = REQUEST_SNAPSHOT, .store = "memory"};
	struct report *report = report_new();
	(void)state;
	memory_server_hang(server, PHASE_SEEK, true);
	start(32 << 20);
	memory_server_await(server, PHASE_SEEK, 1);
	assert_int_equal(feeder_request(feeder, &request, &err), ERR_AGAIN);
	memory_server_hang(server, PHASE_SEEK, false);
	memory_server_await(server, PHASE_NEXT, 1);
	assert_int_equal(feeder_request(feeder, &request, &err), 0);
	request.store = "other";
	assert_int_equal(feeder_request(feeder, &request, &err), ERR_BAD);
	assert_int_equal(memory_server_requests(server), 1);
	feeder_report(feeder, report);
	assert_int_equal(report_find(report, "connected")->number, 1);
	report_free(report);
	stop();
}

#define FEEDER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FEEDER_TEST(batches_come_in_the_sources_order),
		FEEDER_TEST(the_fd_says_that_there_is_something),
		FEEDER_TEST(the_budget_bounds_what_is_held),
		FEEDER_TEST(a_batch_beyond_the_budget_passes_alone),
		FEEDER_TEST(an_outage_is_said_once_and_its_end),
		FEEDER_TEST(after_a_failed_next_nothing_is_missing),
		FEEDER_TEST(a_fatal_error_is_handed_to_the_loop),
		FEEDER_TEST(it_stops_wherever_it_is),
		FEEDER_TEST(it_stops_while_it_waits_for_room),
		FEEDER_TEST(it_stops_in_a_pause),
		FEEDER_TEST(an_outage_is_over_as_soon_as_the_server_answers),
		FEEDER_TEST(the_first_connection_is_no_reconnect),
		FEEDER_TEST(it_passes_on_what_is_asked_of_the_source),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
