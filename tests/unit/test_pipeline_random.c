/* Random journals, sinks that do everything that a sink may do, and crashes at random moments: at the end everything
 * was delivered, in order, and nothing was ever committed early.
 *
 * TIDINGS_SEED=n runs one seed; TIDINGS_ROUNDS=n so many from 1. A failure names its seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/script_rig.h"

enum { N_STREAMS = 3, N_ENTRIES = 60, N_ITEMS = 4, WILD_STEPS = 1000, CALM_STEPS = 1000, ROUNDS = 200 };
enum { LIMIT_BYTES = 100, TOO_LARGE_BYTES = 150, MAX_QUEUED = 4096 };

struct entry {
	enum change_kind kind;
	unsigned item;
	bool is_row, is_filtered, is_large;
	bool has_appeared, is_acknowledged;
};

struct step {
	unsigned stream, position;
};

struct world {
	struct rig *rig;
	uint64_t seed, random;
	unsigned n_wild_steps;                          /* then the sink is calm, and nothing crashes any more */
	struct entry entries[N_STREAMS][N_ENTRIES + 1]; /* by change id, from 1 */
	unsigned fed[N_STREAMS], committed[N_STREAMS];

	/* The batches given since the last rewind; the first n_done are committed. */
	struct step queued[MAX_QUEUED];
	size_t n_queued, n_done;

	size_t n_checked; /* records of the broker */
	unsigned newest[N_STREAMS][N_ITEMS], newest_content[N_STREAMS][N_ITEMS];
};

static void check(const struct world *world, bool holds, const char *promise)
{
	if (!holds)
		fail_msg("TIDINGS_SEED=%llu: not so: %s", (unsigned long long)world->seed, promise);
}

/* ---- chance ---- */

static unsigned draw(struct world *world, unsigned n)
{
	world->random ^= world->random << 13;
	world->random ^= world->random >> 7;
	world->random ^= world->random << 17;
	return (unsigned)((world->random >> 11) % n);
}

static bool one_in(struct world *world, unsigned n)
{
	return draw(world, n) == 0;
}

static void write_journal(struct world *world)
{
	static const enum change_kind kinds[] = {CHANGE_CREATED, CHANGE_UPDATED, CHANGE_DELETED, CHANGE_READ_STATE};
	for (unsigned stream = 0; stream < N_STREAMS; stream++)
		for (unsigned id = 1; id <= N_ENTRIES; id++) {
			struct entry *entry = &world->entries[stream][id];
			entry->kind = kinds[draw(world, 4)];
			entry->item = draw(world, N_ITEMS);
			entry->is_row = entry->kind == CHANGE_CREATED && one_in(world, 2);
			entry->is_large = entry->kind <= CHANGE_UPDATED && one_in(world, 6);
			entry->is_filtered = one_in(world, 3);
		}
}

/* ---- the source ---- */

static void add_entry(struct world *world, struct batch *batch, unsigned stream, unsigned id)
{
	const struct entry *entry = &world->entries[stream][id];
	char folder[] = {(char)('a' + stream), '\0'}, item[] = {(char)('0' + entry->item), '\0'};
	struct change *change = script_item(batch, entry->kind, folder, item, id);
	if (entry->is_row)
		change->origin = ORIGIN_SNAPSHOT;
	if (entry->is_large)
		script_grow(batch, change, TOO_LARGE_BYTES);
}

static struct batch *read_on(struct world *world, unsigned stream)
{
	unsigned first = world->fed[stream] + 1, last = world->fed[stream] + 1 + draw(world, 6);
	if (last > N_ENTRIES)
		last = N_ENTRIES;
	char name[] = {(char)('a' + stream), '\0'};
	struct batch *batch = script_batch(name, last);
	for (unsigned id = first; id <= last; id++)
		if (!world->entries[stream][id].is_filtered)
			add_entry(world, batch, stream, id);
	world->fed[stream] = last;
	assert_true(world->n_queued < MAX_QUEUED);
	world->queued[world->n_queued++] = (struct step){stream, last};
	return batch;
}

static bool has_more(const struct world *world, unsigned stream)
{
	return world->fed[stream] < N_ENTRIES;
}

static int feed(struct world *world)
{
	unsigned stream = draw(world, N_STREAMS);
	if (!has_more(world, stream) || !pipeline_ready(world->rig->pipeline))
		return 0;
	return rig_try_take(world->rig, read_on(world, stream));
}

static void restart(struct world *world)
{
	rig_rewind(world->rig);
	for (unsigned stream = 0; stream < N_STREAMS; stream++)
		world->fed[stream] = world->committed[stream];
	world->n_queued = world->n_done = 0;
	memset(world->newest, 0, sizeof world->newest);
	memset(world->newest_content, 0, sizeof world->newest_content);
}

/* ---- the oracle ---- */

struct sighting {
	unsigned stream, item, id;
	bool is_letter, is_keys, is_read_state;
};

static struct sighting read_record(struct slice value)
{
	char text[512], kind[16], folder, item;
	snprintf(text, sizeof text, "%.*s", (int)value.size, (const char *)value.data);
	struct sighting seen = {.is_letter = strncmp(text, "LETTER ", 7) == 0, .is_keys = strstr(text, " keys")};
	const char *of = seen.is_letter ? strstr(text, " of ") + 4 : text;
	assert_int_equal(sscanf(of, "%15s %c/%c %u", kind, &folder, &item, &seen.id), 4);
	seen.stream = (unsigned)(folder - 'a');
	seen.item = (unsigned)(item - '0');
	seen.is_read_state = strcmp(kind, "READ_STATE") == 0;
	return seen;
}

static void raise_to(unsigned *newest, unsigned id)
{
	if (id > *newest)
		*newest = id;
}

/* Within one run the records of an item ascend; keys alone may come behind a read state, which says nothing of content.
 */
static void check_ascending(struct world *world, const struct sighting *seen)
{
	unsigned *newest = &world->newest[seen->stream][seen->item];
	unsigned *newest_content = &world->newest_content[seen->stream][seen->item];
	if (seen->is_letter)
		return;
	if (seen->is_keys)
		check(world, seen->id >= *newest_content, "no keys alone over later content");
	else
		check(world, seen->id > *newest, "the records of an item ascend");
	raise_to(newest, seen->id);
	if (!seen->is_read_state)
		raise_to(newest_content, seen->id);
}

static void check_nothing_skipped(struct world *world, const struct sighting *seen)
{
	struct entry *entries = world->entries[seen->stream];
	for (unsigned id = 1; id < seen->id; id++)
		check(world, entries[id].item != seen->item || entries[id].is_filtered || entries[id].has_appeared,
		      "no record of an item appears before an earlier one");
	entries[seen->id].has_appeared = true;
}

static void check_records(struct world *world)
{
	const struct memory_broker *broker = world->rig->broker;
	for (; world->n_checked < broker->n_records; world->n_checked++) {
		struct sighting seen = read_record(broker->records[world->n_checked].record.value);
		check_ascending(world, &seen);
		check_nothing_skipped(world, &seen);
	}
	check(world, broker->n_changed == 0, "key and value live until the answer");
}

static void note_acknowledged(struct world *world)
{
	const struct memory_broker *broker = world->rig->broker;
	for (size_t i = 0; i < broker->n_records; i++) {
		if (broker->records[i].fate != FATE_ACKNOWLEDGED)
			continue;
		struct sighting seen = read_record(broker->records[i].record.value);
		world->entries[seen.stream][seen.id].is_acknowledged = true;
	}
}

static void check_position(struct world *world, unsigned stream, unsigned position)
{
	const struct step *next = &world->queued[world->n_done++];
	check(world, world->n_done <= world->n_queued && next->stream == stream && next->position == position,
	      "batches are committed in the order in which they were queued");
	for (unsigned id = world->committed[stream] + 1; id <= position; id++) {
		const struct entry *entry = &world->entries[stream][id];
		check(world, entry->is_filtered || entry->is_acknowledged, "nothing is committed early");
	}
	world->committed[stream] = position;
}

static void check_commit(void *context, const struct memory_commit *commit)
{
	struct world *world = context;
	note_acknowledged(world);
	for (size_t i = 0; i < commit->puts.n; i++) {
		struct slice key = commit->puts.puts[i].key, value = commit->puts.puts[i].value;
		char text[16] = "";
		if (memcmp(key.data, "position/", 9) != 0)
			continue;
		memcpy(text, value.data, value.size);
		check_position(world, (unsigned)(key.data[9] - 'a'), (unsigned)atoi(text));
	}
}

/* ---- a round ---- */

static void meddle(struct world *world)
{
	static const enum err_class classes[] = {ERR_AGAIN, ERR_BAD, ERR_BAD, ERR_BAD, ERR_FATAL};
	struct memory_broker *broker = world->rig->broker;
	switch (draw(world, 12)) {
	case 0:
		broker->stalled = !broker->stalled;
		break;
	case 1:
		broker->order = broker->order == MEMORY_OLDEST_FIRST ? MEMORY_NEWEST_FIRST : MEMORY_OLDEST_FIRST;
		break;
	case 2:
		broker->room = draw(world, 5);
		break;
	case 3:
		broker->n_busy = draw(world, 4);
		break;
	case 4:
		broker->n_per_service = draw(world, 4);
		break;
	case 5:
		memory_broker_fail(broker, draw(world, 8), classes[draw(world, 5)]);
		break;
	case 6:
		broker->refuse_send = one_in(world, 4) ? ERR_AGAIN : ERR_BAD;
		break;
	case 7:
		broker->refuse_service = one_in(world, 8) ? ERR_AGAIN : 0;
		break;
	case 8:
		world->rig->state->n_failing = one_in(world, 8);
		break;
	default:
		memory_broker_answer(broker, draw(world, 5));
	}
}

static void calm_down(struct memory_broker *broker)
{
	broker->room = broker->n_busy = broker->n_per_service = 0;
	broker->refuse_send = broker->refuse_service = 0;
	memory_broker_recover(broker);
}

static int advance(struct world *world)
{
	struct rig *rig = world->rig;
	rig_now_ms += draw(world, COMMIT_INTERVAL_MS);
	return one_in(world, 2) ? feed(world) : pipeline_turn(rig->pipeline, &rig->err);
}

/* Non-zero when it is to start again: it failed, was stopped or crashed. */
static int advance_wildly(struct world *world)
{
	meddle(world);
	int rc = advance(world);
	if (one_in(world, 60))
		rc = rig_finish(world->rig) || rc || one_in(world, 2);
	return rc || one_in(world, 100);
}

static int advance_calmly(struct world *world)
{
	calm_down(world->rig->broker);
	return advance(world);
}

static bool is_done(const struct world *world)
{
	for (unsigned stream = 0; stream < N_STREAMS; stream++)
		if (world->committed[stream] < N_ENTRIES)
			return false;
	return true;
}

static void play(struct world *world)
{
	for (unsigned n_steps = 0; !is_done(world); n_steps++) {
		check(world, n_steps < world->n_wild_steps + CALM_STEPS, "a calm sink gets everything");
		int rc = n_steps < world->n_wild_steps ? advance_wildly(world) : advance_calmly(world);
		check_records(world);
		if (rc)
			restart(world);
	}
}

static void check_delivered(struct world *world)
{
	note_acknowledged(world);
	for (unsigned stream = 0; stream < N_STREAMS; stream++)
		for (unsigned id = 1; id <= N_ENTRIES; id++) {
			const struct entry *entry = &world->entries[stream][id];
			check(world, entry->is_filtered || entry->is_acknowledged, "everything is delivered");
		}
}

static void run_seed(uint64_t seed)
{
	struct world *world = xcalloc(1, sizeof *world);
	world->seed = seed;
	world->random = seed * 0x9E3779B97F4A7C15;
	world->rig = rig_new();
	world->rig->broker->limit_bytes = LIMIT_BYTES;
	world->rig->state->before_commit = check_commit;
	world->rig->state->context = world;
	world->n_wild_steps = draw(world, WILD_STEPS);
	write_journal(world);
	play(world);
	check_delivered(world);
	rig_free(world->rig);
	free(world);
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	return text ? strtoull(text, NULL, 10) : otherwise;
}

static void everything_is_delivered_in_order_and_nothing_is_committed_early(void **state)
{
	(void)state;
	uint64_t first = number_of("TIDINGS_SEED", 1);
	uint64_t n_rounds = number_of("TIDINGS_ROUNDS", getenv("TIDINGS_SEED") ? 1 : ROUNDS);
	print_message("seeds %llu to %llu\n", (unsigned long long)first, (unsigned long long)(first + n_rounds - 1));
	for (uint64_t seed = first; seed < first + n_rounds; seed++)
		run_seed(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_delivered_in_order_and_nothing_is_committed_early),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
