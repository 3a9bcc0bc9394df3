/* The map of stores and folders: finding, moving, walking, paths, and its entries in the state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge/clock.h"
#include "bridge/kopano/map_state.h"
#include "tests/support/memory_state.h"

static const uint8_t server_guid[GUID_SIZE] = "the server's id";
static struct map map;
static struct arena arena;

static int start(void **state)
{
	(void)state;
	map_start(&map, server_guid);
	return 0;
}

static int end(void **state)
{
	(void)state;
	map_free(&map);
	arena_free(&arena);
	return 0;
}

/* ---- a server's keys and ids ---- */

static struct slice key_of(uint32_t number)
{
	uint8_t *key = arena_zero(&arena, GUID_SIZE + 6);
	memcpy(key, server_guid, GUID_SIZE);
	memcpy(key + GUID_SIZE, &number, sizeof number);
	return slice_of(key, GUID_SIZE + 6);
}

static void write_guid(uint32_t store, uint8_t *guid)
{
	memset(guid, 0x51, GUID_SIZE);
	memcpy(guid, &store, sizeof store);
}

static struct slice id_of(uint32_t store, uint8_t type, uint32_t number)
{
	uint8_t *id = arena_zero(&arena, 48);
	write_guid(store, id + 4);
	id[20] = 1;
	id[24] = type;
	memcpy(id + 28, &number, sizeof number);
	return slice_of(id, 48);
}

static uint32_t put_store(uint32_t number, const char *owner)
{
	unsigned changed;
	struct store_row row = {.entry_id = id_of(number, 1, number),
				.owner = slice_of_text(owner),
				.display_name = slice_of_text("Inbox - Somebody"),
				.type = STORE_PRIVATE};
	write_guid(number, row.guid);
	return map_put_store(&map, &row, &changed);
}

static struct folder_row row_of(uint32_t store, uint32_t number, uint32_t parent, const char *name)
{
	return (struct folder_row){.source_key = key_of(number),
				   .parent_source_key = parent ? key_of(parent) : slice_of(NULL, 0),
				   .entry_id = id_of(store, 3, number),
				   .name = slice_of_text(name),
				   .container_class = slice_of_text("IPF.Note"),
				   .type = FOLDER_GENERIC};
}

/* Store 1: 1 root, 2 subtree, 3 Inbox, 4 a/b, 5 c\d; root and subtree are known, all but those given are there. */
static unsigned changes; /* of the last put */
static uint32_t user1;   /* store 1 */

static uint32_t put(uint32_t number, uint32_t parent, const char *name)
{
	struct folder_row row = row_of(1, number, parent, name);
	return map_put(&map, user1, &row, &changes);
}

static void make_tree(void)
{
	user1 = put_store(1, "user1");
	map_set_tree(&map, user1, key_of(1), key_of(2));
	put(5, 4, "c\\d");
	put(4, 3, "a/b");
	put(3, 2, "Inbox");
	put(2, 1, "IPM_SUBTREE");
	put(1, 0, "");
}

static uint32_t number(uint32_t n)
{
	return map_find(&map, key_of(n));
}

static const char *path(uint32_t n)
{
	struct slice slice = map_path(&map, number(n), &arena);
	return arena_text(&arena, "%.*s", (int)slice.size, (const char *)slice.data);
}

/* ---- tests ---- */

static void children_may_come_before_parents(void **state)
{
	(void)state;
	user1 = put_store(1, "user1");
	map_set_tree(&map, user1, key_of(1), key_of(2));
	put(5, 4, "c\\d");
	assert_int_equal(map.n_folders, 1);
	assert_int_equal(number(4), MAP_NONE);
	assert_string_equal(path(5), "");
	put(4, 3, "a/b");
	put(3, 2, "Inbox");
	assert_string_equal(path(5), "Inbox/a\\/b/c\\\\d");
	assert_int_equal(map.n_folders, 3);
}

static void paths_begin_below_the_subtree(void **state)
{
	(void)state;
	make_tree();
	put(6, 1, "Shortcut");
	assert_string_equal(path(3), "Inbox");
	assert_string_equal(path(4), "Inbox/a\\/b");
	assert_string_equal(path(2), "");
	assert_string_equal(path(6), "");
	assert_false(map_is_visible(&map, number(2)));
	assert_true(map_is_visible(&map, number(3)));
}

static void what_changed_is_told(void **state)
{
	(void)state;
	make_tree();
	put(3, 2, "Inbox");
	assert_int_equal(changes, 0);
	put(3, 2, "Eingang");
	assert_int_equal(changes, CHANGED_NAME);
	put(5, 3, "c\\d");
	assert_int_equal(changes, CHANGED_PARENT);
	assert_string_equal(path(5), "Eingang/c\\\\d");
	struct folder_row row = row_of(1, 3, 2, "Eingang");
	row.container_class = slice_of(NULL, 0);
	row.hidden = true;
	assert_int_equal(map_put(&map, 0, &row, &changes), number(3));
	assert_int_equal(changes, CHANGED_CLASS | CHANGED_HIDDEN);
	put(9, 2, "new");
	assert_int_equal(changes, CHANGED_NEW);
}

static void a_moved_folder_takes_what_is_below_with_it(void **state)
{
	(void)state;
	make_tree();
	put(7, 2, "Archive");
	put(4, 7, "a");
	assert_string_equal(path(5), "Archive/a/c\\\\d");
	assert_true(map_is_below(&map, number(5), number(7)));
	assert_false(map_is_below(&map, number(5), number(3)));
}

static void a_folder_is_never_put_below_itself(void **state)
{
	(void)state;
	make_tree();
	assert_int_equal(put(3, 5, "Inbox"), MAP_NONE);
	assert_int_equal(put(3, 3, "Inbox"), MAP_NONE);
	assert_string_equal(path(5), "Inbox/a\\/b/c\\\\d");
	/* Once its parent is where it is, it can go there. */
	put(5, 2, "c");
	assert_int_not_equal(put(3, 5, "Inbox"), MAP_NONE);
	assert_string_equal(path(4), "c/Inbox/a\\/b");
}

static void walks_go_down_and_up(void **state)
{
	(void)state;
	make_tree();
	put(6, 3, "z");
	uint32_t top = number(3), n = 0, last = MAP_NONE;
	for (uint32_t f = top; f != MAP_NONE; f = map_next(&map, top, f)) {
		assert_true(f == top || last == MAP_NONE || map_is_below(&map, f, top));
		assert_true(f == top ? n == 0 : true);
		last = f;
		n++;
	}
	assert_int_equal(n, 4);
	bool seen[16] = {0};
	n = 0;
	for (uint32_t f = map_deepest(&map, top); f != MAP_NONE; f = map_next_up(&map, top, f)) {
		for (uint32_t g = map_next(&map, f, f); g != MAP_NONE; g = map_next(&map, f, g))
			assert_true(seen[g]); /* children first */
		seen[f] = true;
		last = f;
		n++;
	}
	assert_int_equal(n, 4);
	assert_int_equal(last, top);
	n = 0;
	for (uint32_t f = map_next_of_store(&map, 0, MAP_NONE); f != MAP_NONE; f = map_next_of_store(&map, 0, f))
		n++;
	assert_int_equal(n, map.n_folders);
}

static void odd_keys_and_ids_are_kept_whole(void **state)
{
	(void)state;
	make_tree();
	struct folder_row row = row_of(1, 3, 2, "odd");
	row.source_key = slice_of_text("imported");
	row.entry_id = slice_of_text("version 0");
	uint32_t odd = map_put(&map, 0, &row, &changes);
	assert_int_equal(map_find(&map, slice_of_text("imported")), odd);
	assert_true(slice_equal(map_source_key(&map, odd, &arena), row.source_key));
	assert_true(slice_equal(map_entry_id(&map, odd, &arena), row.entry_id));
	assert_true(slice_equal(map_entry_id(&map, number(3), &arena), id_of(1, 3, 3)));
	assert_true(slice_equal(map_source_key(&map, number(3), &arena), key_of(3)));
	assert_int_equal(map_find(&map, slice_of_text("unknown")), MAP_NONE);
	map_put(&map, 0, &row, &changes);
	assert_int_equal(changes, 0);
}

static void a_folder_of_another_store_keeps_its_entry_id(void **state)
{
	(void)state;
	make_tree();
	uint32_t other = put_store(2, "user2");
	map_set_tree(&map, other, key_of(101), key_of(102));
	struct folder_row row = row_of(1, 4, 102, "a");
	map_put(&map, other, &row, &changes);
	assert_int_equal(changes & CHANGED_PARENT, CHANGED_PARENT);
	assert_int_equal(map_folder(&map, number(5))->store, other);
	assert_true(slice_equal(map_entry_id(&map, number(5), &arena), id_of(1, 3, 5)));
	assert_string_equal(path(5), "a/c\\\\d");
}

static void the_flag_of_a_foreign_home_is_taken_off(void **state)
{
	(void)state;
	struct store_row row = {.entry_id = id_of(1, 1, 1), .type = STORE_PUBLIC};
	write_guid(1, row.guid);
	((uint8_t *)row.entry_id.data)[26] = 16;
	uint32_t store = map_put_store(&map, &row, &changes);
	assert_int_equal(changes, CHANGED_NEW);
	assert_true(slice_equal(map_store_entry_id(&map, store, &arena), id_of(1, 1, 1)));
	row.detached = true;
	map_put_store(&map, &row, &changes);
	assert_int_equal(changes, CHANGED_DETACHED);
}

static void removed_folders_and_stores_are_gone(void **state)
{
	(void)state;
	make_tree();
	map_remove(&map, number(4)); /* 5 stays, without a parent */
	assert_int_equal(number(4), MAP_NONE);
	assert_string_equal(path(5), "");
	map_remove(&map, number(5));
	assert_int_equal(map.n_folders, 3);
	map_remove_store(&map, user1);
	assert_int_equal(map.n_folders, 0);
	assert_int_equal(map_next_store(&map, MAP_NONE), MAP_NONE);
	make_tree();
	assert_string_equal(path(5), "Inbox/a\\/b/c\\\\d");
}

/* Against a list that is searched from the start. */
static void any_order_of_puts_and_removals_is_the_same_tree(void **state)
{
	enum { N = 200, STEPS = 20000 };
	static uint32_t parents[N];
	(void)state;
	memset(parents, 0, sizeof parents);
	user1 = put_store(1, "user1");
	map_set_tree(&map, user1, key_of(1), key_of(2));
	srand(7);
	for (int i = 0; i < STEPS; i++) {
		uint32_t n = 3 + (uint32_t)rand() % (N - 3), parent = 2 + (uint32_t)rand() % (N - 2);
		arena_free(&arena);
		if (rand() % 3 == 0) {
			if (number(n) != MAP_NONE)
				map_remove(&map, number(n));
			parents[n] = 0;
			continue;
		}
		bool cycle = false;
		for (uint32_t at = parent; at > 2 && !cycle; at = parents[at])
			cycle = at == n;
		assert_int_equal(put(n, parent, "f") == MAP_NONE, cycle);
		if (!cycle)
			parents[n] = parent;
	}
	uint32_t n_known = 0;
	for (uint32_t n = 3; n < N; n++) {
		assert_int_equal(number(n) != MAP_NONE, parents[n] != 0);
		n_known += parents[n] != 0;
		if (!parents[n])
			continue;
		uint32_t at = n;
		while (at > 2 && parents[at])
			at = parents[at];
		assert_int_equal(map_is_visible(&map, number(n)), at == 2);
		assert_true(slice_equal(map_source_key(&map, map_folder(&map, number(n))->parent, &arena),
					key_of(parents[n])));
	}
	assert_int_equal(map.n_folders, n_known);
}

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
	map_folder(&map, number(4))->flags |= FOLDER_FOLLOWED | FOLDER_ANNOUNCED | FOLDER_FOUND;
	map_folder(&map, number(4))->listed = 3;
	map_folder(&map, number(5))->flags |= FOLDER_ENDED_HARD;
	map_folder(&map, number(5))->ended_max = 77;
	map_store(&map, 0)->flags |= STORE_FOLLOWED;
	save();
	reload();
	assert_int_equal(map.n_folders, 5);
	assert_string_equal(path(5), "Inbox/a\\/b/c\\\\d");
	assert_int_equal(map_folder(&map, number(4))->flags, FOLDER_SEEN | FOLDER_FOLLOWED | FOLDER_ANNOUNCED);
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
		cmocka_unit_test_setup_teardown(children_may_come_before_parents, start, end),
		cmocka_unit_test_setup_teardown(paths_begin_below_the_subtree, start, end),
		cmocka_unit_test_setup_teardown(what_changed_is_told, start, end),
		cmocka_unit_test_setup_teardown(a_moved_folder_takes_what_is_below_with_it, start, end),
		cmocka_unit_test_setup_teardown(a_folder_is_never_put_below_itself, start, end),
		cmocka_unit_test_setup_teardown(walks_go_down_and_up, start, end),
		cmocka_unit_test_setup_teardown(odd_keys_and_ids_are_kept_whole, start, end),
		cmocka_unit_test_setup_teardown(a_folder_of_another_store_keeps_its_entry_id, start, end),
		cmocka_unit_test_setup_teardown(the_flag_of_a_foreign_home_is_taken_off, start, end),
		cmocka_unit_test_setup_teardown(removed_folders_and_stores_are_gone, start, end),
		cmocka_unit_test_setup_teardown(any_order_of_puts_and_removals_is_the_same_tree, start, end),
		cmocka_unit_test_setup_teardown(the_map_comes_back_from_the_state, start, end),
		cmocka_unit_test_setup_teardown(an_entry_of_another_version_is_refused, start, end),
		cmocka_unit_test_setup_teardown(an_entry_that_was_cut_is_refused, start, end),
		cmocka_unit_test_setup_teardown(entries_are_told_to_people, start, end),
		cmocka_unit_test_setup_teardown(ten_thousand_mailboxes_take_less_than_30_mib, start, end),
		cmocka_unit_test_setup_teardown(ten_thousand_mailboxes_are_loaded_in_a_moment, start, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
