#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/batch.h"
#include "proto/encode.h"

static int setup(void **state)
{
	char stream[] = "contents/s/f";
	struct batch *batch = batch_new(stream);
	stream[0] = 'x';
	*state = batch;
	return 0;
}

static int teardown(void **state)
{
	batch_free(*state);
	return 0;
}

static struct slice filled(struct batch *batch, size_t n)
{
	return slice_of(memset(arena_alloc(&batch->arena, n), 'x', n), n);
}

static void the_name_of_the_stream_is_its_own(void **state)
{
	struct batch *batch = *state;
	assert_string_equal(batch->stream, "contents/s/f");
	batch_free(NULL);
}

static void changes_keep_their_order_and_content_as_it_grows(void **state)
{
	struct batch *batch = *state;
	for (uint64_t i = 0; i < BATCH_CHANGES; i++)
		batch_change(batch)->change_id = i;
	assert_int_equal(batch->n_changes, BATCH_CHANGES);
	for (uint64_t i = 0; i < BATCH_CHANGES; i++)
		assert_int_equal(batch->changes[i].change_id, i);
}

static void a_new_change_is_cleared(void **state)
{
	struct batch *batch = *state;
	static const struct change cleared;
	for (int i = 0; i < 20; i++) {
		struct change *change = batch_change(batch);
		assert_memory_equal(change, &cleared, sizeof cleared);
		memset(change, 0xFF, sizeof *change);
	}
}

static void a_lifecycle_event_names_the_stream(void **state)
{
	struct batch *batch = *state;
	batch_lifecycle(batch, LIFECYCLE_SUSPENDED);
	struct lifecycle *event = batch_lifecycle(batch, LIFECYCLE_RESUMED);
	assert_int_equal(batch->n_lifecycle, 2);
	assert_int_equal(batch->lifecycle[0].type, LIFECYCLE_SUSPENDED);
	assert_string_equal(event->stream, "contents/s/f");
}

static void puts_are_copied_and_stay_in_order(void **state)
{
	struct batch *batch = *state;
	char key[] = "k", value[] = "v";
	batch_put(batch, slice_of_text(key), slice_of_text(value));
	key[0] = value[0] = 'x';
	batch_remove(batch, slice_of_text(key));
	for (int i = 0; i < 100; i++)
		batch_put(batch, slice_of_text("n"), slice_of(&i, sizeof i));
	const struct state_put *puts = batch->puts.puts;
	assert_int_equal(batch->puts.n, 102);
	assert_true(slice_equal(puts[0].key, slice_of_text("k")) && slice_equal(puts[0].value, slice_of_text("v")));
	assert_false(puts[0].remove);
	assert_true(slice_equal(puts[1].key, slice_of_text("x")) && puts[1].remove);
	assert_int_equal(*(const int *)puts[101].value.data, 99);
}

/* What the batch holds once every change of it is encoded must have been charged when it was taken. */
static void assert_charge_covers_records(struct batch *batch)
{
	size_t n_charged = batch_bytes(batch);
	uint8_t id[EVENT_ID_SIZE];
	for (size_t i = 0; i < batch->n_changes; i++)
		protobuf_encoder.change(&batch->changes[i], &batch->arena, id);
	assert_true(sizeof *batch + batch->arena.n_bytes + batch->room_changes * sizeof *batch->changes <= n_charged);
}

static void fill(struct batch *batch, const struct folder_info *folder, size_t subject_bytes)
{
	static const struct server_info server = {.epoch = 1};
	static const struct store_info store = {.type = STORE_PRIVATE};
	for (int i = 0; i < BATCH_CHANGES; i++) {
		struct item *item = arena_zero(&batch->arena, sizeof *item);
		item->subject = filled(batch, subject_bytes);
		struct change *change = batch_change(batch);
		change->kind = CHANGE_UPDATED;
		change->origin = ORIGIN_ICS;
		change->object_type = OBJECT_ITEM;
		change->server = &server;
		change->store = &store;
		change->folder = folder;
		change->item = item;
	}
}

static void the_charge_covers_small_records(void **state)
{
	fill(*state, NULL, 20);
	assert_charge_covers_records(*state);
}

static void the_charge_covers_records_of_any_size(void **state)
{
	for (size_t n = 1000; n < 50000; n = n * 5 / 4) {
		teardown(state);
		setup(state);
		fill(*state, NULL, n);
		assert_charge_covers_records(*state);
	}
}

static void the_charge_covers_a_long_path_that_every_record_repeats(void **state)
{
	struct batch *batch = *state;
	struct folder_info folder = {.path = filled(batch, 20000)};
	fill(batch, &folder, 20);
	assert_charge_covers_records(batch);
}

static void the_charge_grows_with_everything_that_a_batch_holds(void **state)
{
	struct batch *batch = *state;
	size_t n_before = batch_bytes(batch);
	batch_change(batch);
	assert_true(batch_bytes(batch) > n_before);
	n_before = batch_bytes(batch);
	batch_lifecycle(batch, LIFECYCLE_STARTED);
	assert_true(batch_bytes(batch) > n_before);
	n_before = batch_bytes(batch);
	batch_put(batch, slice_of_text("k"), slice_of_text("v"));
	assert_true(batch_bytes(batch) > n_before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void only_the_puts_are_kept(void **state)
{
	struct batch *batch = batch_new("contents/a");
	(void)state;
	for (int i = 0; i < 300; i++)
		batch_change(batch)->source_key = arena_copy(&batch->arena, slice_of_text("a key that takes room"));
	batch_lifecycle(batch, LIFECYCLE_STARTED);
	batch_put(batch, slice_of_text("folder/x"), slice_of_text("value"));
	batch_remove(batch, slice_of_text("folder/x"));
	size_t n_before = batch_bytes(batch);
	batch_keep_puts(batch);
	assert_string_equal(batch->stream, "contents/a");
	assert_int_equal(batch->n_changes + batch->n_lifecycle, 0);
	assert_int_equal(batch->puts.n, 2);
	assert_true(slice_equal(batch->puts.puts[0].key, slice_of_text("folder/x")));
	assert_true(slice_equal(batch->puts.puts[0].value, slice_of_text("value")));
	assert_true(slice_equal(batch->puts.puts[1].key, slice_of_text("folder/x")));
	assert_true(batch->puts.puts[1].remove && !batch->puts.puts[0].remove);
	assert_true(batch_bytes(batch) < n_before / 10);
	batch_free(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_the_puts_are_kept),
		TEST(the_name_of_the_stream_is_its_own),
		TEST(changes_keep_their_order_and_content_as_it_grows),
		TEST(a_new_change_is_cleared),
		TEST(a_lifecycle_event_names_the_stream),
		TEST(puts_are_copied_and_stay_in_order),
		TEST(the_charge_covers_small_records),
		TEST(the_charge_covers_records_of_any_size),
		TEST(the_charge_covers_a_long_path_that_every_record_repeats),
		TEST(the_charge_grows_with_everything_that_a_batch_holds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
