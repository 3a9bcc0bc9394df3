/* Pauses between attempts: they grow, they end somewhere, and two daemons do not have the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/log.h"
#include "bridge/outage.h"

enum { FIRST_MS = 200, LAST_MS = 30000, N_FAILURES = 12, N_DAEMONS = 50 };

static struct err failure = {.class = ERR_AGAIN, .text = "nobody is there"};

static void pauses_grow_with_jitter_to_a_limit(void **state)
{
	(void)state;
	struct outage outage = OUTAGE_OF("peer");
	int full_ms = FIRST_MS;
	for (int i = 0; i < N_FAILURES; i++) {
		int pause_ms = outage_failed(&outage, &failure);
		assert_in_range(pause_ms, full_ms / 2, full_ms);
		full_ms = 2 * full_ms < LAST_MS ? 2 * full_ms : LAST_MS;
	}
	assert_int_equal(full_ms, LAST_MS);
}

static void daemons_do_not_come_back_together(void **state)
{
	(void)state;
	int least_ms = LAST_MS, most_ms = 0;
	for (int i = 0; i < N_DAEMONS; i++) {
		struct outage outage = OUTAGE_OF("peer");
		outage.n_failures = N_FAILURES;
		int pause_ms = outage_failed(&outage, &failure);
		least_ms = pause_ms < least_ms ? pause_ms : least_ms;
		most_ms = pause_ms > most_ms ? pause_ms : most_ms;
	}
	assert_true(most_ms - least_ms > LAST_MS / 8);
}

static void what_works_for_moments_is_not_hammered(void **state)
{
	(void)state;
	struct outage outage = OUTAGE_OF("peer");
	for (int i = 0; i < 6; i++) {
		outage_failed(&outage, &failure);
		outage_over(&outage);
	}
	assert_true(outage_failed(&outage, &failure) >= FIRST_MS * 64 / 2);
}

static void ten_seconds_in_which_it_worked_start_anew(void **state)
{
	(void)state;
	struct outage outage = OUTAGE_OF("peer");
	for (int i = 0; i < N_FAILURES; i++)
		outage_failed(&outage, &failure);
	outage_over(&outage);
	outage.over_at_ms -= 11000;
	assert_true(outage_failed(&outage, &failure) <= FIRST_MS);
}

/* Pauses are longer than that. */
static void time_in_which_it_did_not_work_is_nothing(void **state)
{
	(void)state;
	struct outage outage = OUTAGE_OF("peer");
	for (int i = 0; i < N_FAILURES; i++)
		outage_failed(&outage, &failure);
	outage.over_at_ms -= 60000;
	assert_true(outage_failed(&outage, &failure) >= LAST_MS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pauses_grow_with_jitter_to_a_limit),
		cmocka_unit_test(daemons_do_not_come_back_together),
		cmocka_unit_test(what_works_for_moments_is_not_hammered),
		cmocka_unit_test(ten_seconds_in_which_it_worked_start_anew),
		cmocka_unit_test(time_in_which_it_did_not_work_is_nothing),
	};
	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
