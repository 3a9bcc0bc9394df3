/* What of a small server is followed, by different configurations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bridge/kopano/choose.h"
#include "tests/support/memory_state.h"

static const uint8_t server_guid[GUID_SIZE] = "the server's id";
static struct map map;
static struct arena arena;
static struct conf_node *tree;
static struct follow follow;

/* ---- a server: user1 with a small tree, user2, the public store, SYSTEM's, and one that nobody has ---- */

static struct slice key(const char *name)
{
	return slice_of_text(arena_text(&arena, "key of %s", name));
}

static uint32_t add_store(const char *owner, enum store_type type, bool detached, bool system)
{
	unsigned changed;
	struct store_row row = {.entry_id = key(owner),
				.owner = type == STORE_PUBLIC ? slice_of(NULL, 0) : slice_of_text(owner),
				.type = type,
				.detached = detached,
				.system = system};
	memcpy(row.guid, arena_text(&arena, "%-16s", owner), GUID_SIZE);
	return map_put_store(&map, &row, &changed);
}

static uint32_t add_folder(uint32_t store, const char *name, const char *parent, const char *class)
{
	unsigned changed;
	struct folder_row row = {.source_key = key(name),
				 .parent_source_key = parent ? key(parent) : slice_of(NULL, 0),
				 .entry_id = key(name),
				 .name = slice_of_text(name),
				 .container_class = slice_of_text(class),
				 .type = FOLDER_GENERIC};
	return map_put(&map, store, &row, &changed);
}

static int start(void **state)
{
	(void)state;
	map_start(&map, server_guid);
	uint32_t user1 = add_store("user1", STORE_PRIVATE, false, false);
	map_set_tree(&map, user1, key("root"), key("subtree"));
	add_folder(user1, "root", NULL, "");
	add_folder(user1, "subtree", "root", "");
	add_folder(user1, "Shortcut", "root", "IPF.Note");
	add_folder(user1, "Inbox", "subtree", "");
	add_folder(user1, "a", "Inbox", "IPF.Note.OutlookHomepage");
	add_folder(user1, "Calendar", "subtree", "IPF.Appointment");
	add_folder(user1, "Quick", "subtree", "IPF.Configuration");
	map_folder(&map, map_find(&map, key("Quick")))->flags |= FOLDER_HIDDEN;
	add_folder(user1, "below Quick", "Quick", "IPF.Configuration");
	uint32_t search = add_folder(user1, "found", "subtree", "");
	map_folder(&map, search)->type = FOLDER_SEARCH;
	add_store("user2", STORE_PRIVATE, false, false);
	add_store("everyone", STORE_PUBLIC, false, false);
	add_store("SYSTEM", STORE_PRIVATE, false, true);
	add_store("nobody", STORE_PRIVATE, true, false);
	return 0;
}

static int end(void **state)
{
	(void)state;
	map_free(&map);
	arena_free(&arena);
	return 0;
}

static void configure(const char *text, enum follow_mode mode)
{
	struct err err;
	assert_int_equal(conf_parse("c.yaml", text, strlen(text), &tree, &err), 0);
	follow = (struct follow){.mode = mode,
				 .stores = conf_get(tree, "stores"),
				 .folders = conf_get(tree, "folders"),
				 .classes = conf_get(tree, "classes"),
				 .hidden = conf_get(tree, "hidden") != NULL};
}

/* The names of what is followed, in the order in which they were added. */
static const char *folders(const char *text, enum follow_mode mode)
{
	const char *names = "";
	configure(text, mode);
	for (uint32_t f = 0; f < map.folders_used; f++)
		if (choose_folder(&follow, &map, f)) {
			struct slice name = map_name(&map, f, &arena);
			names = arena_text(&arena, "%s%s%.*s", names, *names ? " " : "", (int)name.size,
					   (const char *)name.data);
		}
	conf_free(tree);
	return names;
}

static const char *stores(const char *text, enum follow_mode mode)
{
	const char *names = "";
	configure(text, mode);
	for (uint32_t s = map_next_store(&map, MAP_NONE); s != MAP_NONE; s = map_next_store(&map, s))
		if (choose_store(&follow, &map, s)) {
			struct slice id = map_store_entry_id(&map, s, &arena);
			names = arena_text(&arena, "%s%s%.*s", names, *names ? " " : "", (int)id.size - 7,
					   (const char *)id.data + 7);
		}
	conf_free(tree);
	return names;
}

/* ---- tests ---- */

static void the_server_is_all_stores_that_somebody_has(void **state)
{
	(void)state;
	assert_string_equal(stores("x: 1", FOLLOW_SERVER), "user1 user2 everyone");
	assert_string_equal(stores("hidden: true", FOLLOW_SERVER), "user1 user2 everyone SYSTEM");
	assert_string_equal(stores("stores: [USER1, public, nobody, third]", FOLLOW_STORES), "user1 everyone");
}

static void users_see_the_folders_that_are_followed(void **state)
{
	(void)state;
	assert_string_equal(folders("x: 1", FOLLOW_SERVER), "Inbox a Calendar");
	assert_string_equal(folders("hidden: true", FOLLOW_SERVER),
			    "root subtree Shortcut Inbox a Calendar Quick below Quick");
	assert_string_equal(folders("stores: [user2]", FOLLOW_STORES), "");
}

static void a_class_has_those_below_it(void **state)
{
	(void)state;
	assert_string_equal(folders("classes: [ipf.note]", FOLLOW_SERVER), "Inbox a");
	assert_string_equal(folders("classes: [IPF.Note.OutlookHomepage, IPF.Appointment]", FOLLOW_SERVER),
			    "a Calendar");
	assert_string_equal(folders("classes: [IPF.App]", FOLLOW_SERVER), "");
}

static void patterns_choose_paths(void **state)
{
	(void)state;
	assert_string_equal(folders("folders: [Inbox]", FOLLOW_SERVER), "Inbox");
	assert_string_equal(folders("{stores: [user1], folders: [Inbox/**]}", FOLLOW_FOLDERS), "a");
	assert_string_equal(folders("{stores: [user1], folders: [Calendar, '**/a']}", FOLLOW_FOLDERS), "a Calendar");
	assert_string_equal(folders("{stores: [user2], folders: ['**']}", FOLLOW_FOLDERS), "");
}

static void ended_folders_are_not_followed(void **state)
{
	(void)state;
	map_folder(&map, map_find(&map, key("a")))->flags |= FOLDER_ENDED_SOFT;
	assert_string_equal(folders("x: 1", FOLLOW_SERVER), "Inbox Calendar");
}

static struct memory_state *bound(void)
{
	struct memory_state *saved = memory_state_new();
	struct batch *batch = batch_new("test");
	const struct put_list *lists[] = {&batch->puts};
	struct err err;
	configure("{stores: [user1], folders: [Inbox, '*']}", FOLLOW_FOLDERS);
	choose_bind(&follow, &map, map_find(&map, key("Inbox")), batch);
	choose_bind(&follow, &map, map_find(&map, key("Calendar")), batch); /* not plain */
	conf_free(tree);
	assert_int_equal(batch->puts.n, 1);
	saved->state.ops->commit(&saved->state, lists, 1, &err);
	batch_free(batch);
	return saved;
}

static void rename_inbox(void)
{
	unsigned changed;
	struct folder_row row = {.source_key = key("Inbox"),
				 .parent_source_key = key("subtree"),
				 .entry_id = key("Inbox"),
				 .name = slice_of_text("Post"),
				 .type = FOLDER_GENERIC};
	map_put(&map, 0, &row, &changed);
}

static void a_plain_path_binds_its_folder(void **state)
{
	(void)state;
	memory_state_free(bound());
	rename_inbox();
	assert_string_equal(folders("{stores: [user1], folders: [Inbox]}", FOLLOW_FOLDERS), "Post");
	assert_string_equal(folders("{stores: [user2], folders: [Inbox]}", FOLLOW_FOLDERS), "");
}

static void it_is_bound_as_long_as_the_configuration_has_the_path(void **state)
{
	(void)state;
	struct memory_state *saved = bound();
	struct err err;
	rename_inbox();
	map_flag_folder(&map, map_find(&map, key("Inbox")), FOLDER_BOUND, 0);
	configure("{stores: [user1], folders: [Calendar]}", FOLLOW_FOLDERS);
	assert_int_equal(choose_load(&follow, &map, &saved->state, &err), 0);
	conf_free(tree);
	assert_string_equal(folders("{stores: [user1], folders: [Calendar]}", FOLLOW_FOLDERS), "Calendar");
	configure("{stores: [user1], folders: [Calendar, Inbox]}", FOLLOW_FOLDERS);
	assert_int_equal(choose_load(&follow, &map, &saved->state, &err), 0);
	conf_free(tree);
	assert_string_equal(folders("{stores: [user1], folders: [Calendar, Inbox]}", FOLLOW_FOLDERS), "Post Calendar");
	memory_state_free(saved);
}

static void a_path_that_leads_nowhere_is_named(void **state)
{
	(void)state;
	configure("{stores: [user1], folders: [Inbox, Inbox/b, 'x*']}", FOLLOW_FOLDERS);
	assert_string_equal(choose_missing(&follow, &map, 0), "Inbox/b");
	conf_free(tree);
	configure("{stores: [user1], folders: [Inbox, Inbox/a, 'x*']}", FOLLOW_FOLDERS);
	assert_null(choose_missing(&follow, &map, 0));
	conf_free(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_server_is_all_stores_that_somebody_has, start, end),
		cmocka_unit_test_setup_teardown(users_see_the_folders_that_are_followed, start, end),
		cmocka_unit_test_setup_teardown(a_class_has_those_below_it, start, end),
		cmocka_unit_test_setup_teardown(patterns_choose_paths, start, end),
		cmocka_unit_test_setup_teardown(ended_folders_are_not_followed, start, end),
		cmocka_unit_test_setup_teardown(a_plain_path_binds_its_folder, start, end),
		cmocka_unit_test_setup_teardown(it_is_bound_as_long_as_the_configuration_has_the_path, start, end),
		cmocka_unit_test_setup_teardown(a_path_that_leads_nowhere_is_named, start, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
