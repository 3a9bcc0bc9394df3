/* The map in the state, and as large as a large server's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bridge/clock.h"
#include "bridge/kopano/map_state.h"
#include "tests/support/map_rig.h"
#include "tests/support/memory_state.h"

/* ---- the state ---- */

static struct memory_state *saved;

static void save(void)
{
	struct batch *batch = batch_new("test");
	const struct put_list *lists[] = {&batch->puts};
	struct err err;
	for (uint32_t s = map_next_store(&map, MAP_NONE); s != MAP_NONE; s = map_next_store(&map, s)) {
		map_put_store_entry(&map, s, batch);
		for (uint32_t f = map_next_of_store(&map, s, MAP_NONE); f != MAP_NONE;
		     f = map_next_of_store(&map, s, f))
			map_put_folder_entry(&map, f, batch);
	}
	saved = memory_state_new();
	assert_int_equal(saved->state.ops->commit(&saved->state, lists, 1, &err), 0);
	batch_free(batch);
}

static void reload(void)
{
	struct err err;
	map_free(&map);
	map_start(&map, server_guid);
	assert_int_equal(map_load(&map, &saved->state, &err), 0);
}

static void the_map_comes_back_from_the_state(void **state)
{
	(void)state;
	make_tree();
	map_folder(&map, number(4))->flags |= FOLDER_FOLLOWED | FOLDER_BOUND;
	map_folder(&map, number(4))->listed = 3;
	map_folder(&map, number(5))->flags |= FOLDER_ENDED_HARD;
	map_folder(&map, number(5))->ended_max = 77;
	map_store(&map, 0)->flags |= STORE_FOLLOWED;
	save();
	reload();
	assert_int_equal(map.n_folders, 5);
	assert_string_equal(path(5), "Inbox/a\\/b/c\\\\d");
	assert_int_equal(map_folder(&map, number(4))->flags, FOLDER_SEEN | FOLDER_FOLLOWED);
	assert_int_equal(map_folder(&map, number(4))->listed, 3);
	assert_int_equal(map_folder(&map, number(5))->ended_max, 77);
	assert_int_equal(map_store(&map, 0)->flags, STORE_FOLLOWED);
	assert_int_equal(map_store(&map, 0)->root, number(1));
	assert_true(slice_equal(map_store_owner(&map, 0, &arena), slice_of_text("user1")));
	memory_state_free(saved);
}

static int load_entry(const char *key, struct slice value, struct err *err)
{
	struct memory_state *state = memory_state_new();
	struct batch *batch = batch_new("test");
	const struct put_list *lists[] = {&batch->puts};
	batch_put(batch, slice_of_text(key), value);
	state->state.ops->commit(&state->state, lists, 1, err);
	int rc = map_load(&map, &state->state, err);
	batch_free(batch);
	memory_state_free(state);
	return rc;
}

static void an_entry_of_another_version_is_refused(void **state)
{
	(void)state;
	struct err err = {0};
	assert_int_equal(load_entry("folder/ab", slice_of_text("\1old"), &err), ERR_FATAL);
	assert_int_equal(err.exit_code, EXIT_USAGE);
	assert_non_null(strstr(err.text, "\"folder/ab\" is not of this version"));
	assert_int_equal(load_entry("store/ab", slice_of_text("\1"), &err), ERR_FATAL);
	assert_int_equal(load_entry("folder/xy", slice_of_text("\2"), &err), ERR_FATAL);
}

static void an_entry_that_was_cut_is_refused(void **state)
{
	(void)state;
	struct err err;
	make_tree();
	save();
	for (size_t i = 0; i < saved->entries.n; i++) {
		const struct state_put *entry = &saved->entries.puts[i];
		const char *key = arena_text(&arena, "%.*s", (int)entry->key.size, (const char *)entry->key.data);
		for (size_t n = 0; n < entry->value.size; n++)
			assert_int_equal(load_entry(key, slice_of(entry->value.data, n), &err), ERR_FATAL);
	}
	memory_state_free(saved);
}

static void entries_are_told_to_people(void **state)
{
	(void)state;
	make_tree();
	map_folder(&map, number(3))->flags |= FOLDER_FOLLOWED;
	save();
	for (size_t i = 0; i < saved->entries.n; i++) {
		const struct state_put *entry = &saved->entries.puts[i];
		const char *text = map_describe(&saved->state, entry->key, entry->value, &arena);
		assert_non_null(text);
		if (strstr(text, "\"Inbox\""))
			assert_non_null(strstr(text, "class \"IPF.Note\", store "));
	}
	memory_state_free(saved);
}

/* ---- size ---- */

enum { N_STORES = 10000, FOLDERS_EACH = 44 };

static void make_big(void)
{
	static const char *const usual[] = {"Inbox", "Outbox", "Drafts", "Calendar", "Contacts", "Journal"};
	for (uint32_t s = 0; s < N_STORES; s++) {
		uint32_t base = s * FOLDERS_EACH + 1, store = put_store(s, arena_text(&arena, "user%u", s));
		map_set_tree(&map, store, key_of(base), key_of(base + 1));
		for (uint32_t i = 0; i < FOLDERS_EACH; i++) {
			bool own = i % 4 == 3; /* a quarter has names that nobody else has */
			const char *name = own ? arena_text(&arena, "Project %u of %u", i, s) : usual[i % 6];
			struct folder_row row = row_of(s, base + i, i ? base + (i == 1 ? 0 : 1) : 0, name);
			map_put(&map, store, &row, &changes);
		}
		arena_free(&arena);
	}
}

static void ten_thousand_mailboxes_take_less_than_30_mib(void **state)
{
	(void)state;
	make_big();
	assert_int_equal(map.n_folders, N_STORES * FOLDERS_EACH);
	print_message("%u folders: %.1f MiB\n", map.n_folders, (double)map_bytes(&map) / (1 << 20));
	assert_true(map_bytes(&map) < 30 << 20);
}

/* A state that holds the entries in the order in which they were put. */
struct replayed {
	struct state state;
	struct put_list puts;
};

static int replay(struct state *state, struct slice prefix, state_entry_fn *entry, void *context, struct err *err)
{
	const struct replayed *replayed = (const struct replayed *)state;
	(void)err;
	for (size_t i = 0; i < replayed->puts.n; i++) {
		const struct state_put *put = &replayed->puts.puts[i];
		if (put->key.size < prefix.size || memcmp(put->key.data, prefix.data, prefix.size) != 0)
			continue;
		int rc = entry(context, put->key, put->value);
		if (rc)
			return rc;
	}
	return 0;
}

static void ten_thousand_mailboxes_are_loaded_in_a_moment(void **state)
{
	static const struct state_ops ops = {.each = replay};
	struct replayed replayed = {.state = {&ops}};
	(void)state;
	make_big();
	for (uint32_t s = map_next_store(&map, MAP_NONE); s != MAP_NONE; s = map_next_store(&map, s)) {
		struct batch *batch = batch_new("test");
		map_put_store_entry(&map, s, batch);
		for (uint32_t f = map_next_of_store(&map, s, MAP_NONE); f != MAP_NONE;
		     f = map_next_of_store(&map, s, f))
			map_put_folder_entry(&map, f, batch);
		for (size_t i = 0; i < batch->puts.n; i++)
			put_list_add(&replayed.puts, &arena, batch->puts.puts[i].key, batch->puts.puts[i].value);
		batch_free(batch);
	}
	struct map loaded;
	struct err err;
	size_t n_bytes = 0;
	for (size_t i = 0; i < replayed.puts.n; i++)
		n_bytes += replayed.puts.puts[i].value.size;
	map_start(&loaded, server_guid);
	int64_t start_ms = clock_ms();
	assert_int_equal(map_load(&loaded, &replayed.state, &err), 0);
	print_message("loaded in %d ms, %zu bytes for each entry\n", (int)(clock_ms() - start_ms),
		      n_bytes / replayed.puts.n);
	assert_int_equal(loaded.n_folders, map.n_folders);
	assert_true(map_bytes(&loaded) < 30 << 20);
	map_free(&loaded);
	put_list_clear(&replayed.puts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_map_comes_back_from_the_state, map_rig_start, map_rig_end),
		cmocka_unit_test_setup_teardown(an_entry_of_another_version_is_refused, map_rig_start, map_rig_end),
		cmocka_unit_test_setup_teardown(an_entry_that_was_cut_is_refused, map_rig_start, map_rig_end),
		cmocka_unit_test_setup_teardown(entries_are_told_to_people, map_rig_start, map_rig_end),
		cmocka_unit_test_setup_teardown(ten_thousand_mailboxes_take_less_than_30_mib, map_rig_start,
						map_rig_end),
		cmocka_unit_test_setup_teardown(ten_thousand_mailboxes_are_loaded_in_a_moment, map_rig_start,
						map_rig_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
