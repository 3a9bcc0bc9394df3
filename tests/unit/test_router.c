#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/arena.h"
#include "core/router.h"

static const struct store_info store = {.guid = {0xAB, [15] = 0x01}};
#define STORE_HEX "ab000000000000000000000000000001"

static struct arena arena;

static int teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static struct change change_of(enum object_type object_type)
{
	return (struct change){
		.kind = CHANGE_UPDATED,
		.origin = ORIGIN_ICS,
		.object_type = object_type,
		.store = &store,
		.source_key = slice_of("\x11\x22", 2),
		.parent_source_key = slice_of("\xfe\x0f", 2),
	};
}

static void assert_route(const struct change *change, enum topic topic, const char *key, const char *type)
{
	struct route route;
	route_change(change, &arena, &route);
	assert_int_equal(route.topic, topic);
	assert_string_equal(arena_text(&arena, "%.*s", (int)route.key.size, (const char *)route.key.data), key);
	assert_string_equal(route.type, type);
}

static void an_item_goes_by_its_folder(void **state)
{
	(void)state;
	struct change change = change_of(OBJECT_ITEM);
	assert_route(&change, TOPIC_ITEMS, STORE_HEX "/fe0f", "tidings.v1.ItemUpdated");
}

static void a_folder_has_the_key_of_its_items(void **state)
{
	(void)state;
	struct change item = change_of(OBJECT_ITEM), folder = change_of(OBJECT_FOLDER);
	folder.source_key = item.parent_source_key;
	assert_route(&folder, TOPIC_FOLDERS, STORE_HEX "/fe0f", "tidings.v1.FolderUpdated");
}

static void a_store_goes_by_its_guid(void **state)
{
	(void)state;
	struct change change = change_of(OBJECT_STORE);
	assert_route(&change, TOPIC_FOLDERS, STORE_HEX, "tidings.v1.StoreUpdated");
}

static void users_and_groups_go_by_their_entry_id(void **state)
{
	(void)state;
	struct change user = change_of(OBJECT_USER), group = change_of(OBJECT_GROUP);
	user.store = group.store = NULL;
	assert_route(&user, TOPIC_ADDRESSBOOK, "1122", "tidings.v1.UserUpdated");
	assert_route(&group, TOPIC_ADDRESSBOOK, "1122", "tidings.v1.GroupUpdated");
}

static void every_notification_goes_to_its_own_topic_by_the_same_key(void **state)
{
	(void)state;
	struct change item = change_of(OBJECT_ITEM), user = change_of(OBJECT_USER);
	item.origin = user.origin = ORIGIN_NOTIFICATION;
	item.kind = CHANGE_MOVED;
	assert_route(&item, TOPIC_NOTIFICATIONS, STORE_HEX "/fe0f", "tidings.v1.ItemMoved");
	assert_route(&user, TOPIC_NOTIFICATIONS, "1122", "tidings.v1.UserUpdated");
}

static void a_snapshots_brackets_go_with_its_items(void **state)
{
	(void)state;
	struct change change = change_of(OBJECT_ITEM);
	change.source_key = slice_of(NULL, 0);
	change.origin = ORIGIN_SNAPSHOT;
	change.kind = CHANGE_SNAPSHOT_BEGIN;
	assert_route(&change, TOPIC_ITEMS, STORE_HEX "/fe0f", "tidings.v1.SnapshotBegin");
	change.kind = CHANGE_SNAPSHOT_END;
	assert_route(&change, TOPIC_ITEMS, STORE_HEX "/fe0f", "tidings.v1.SnapshotEnd");
}

static void every_kind_has_its_type(void **state)
{
	static const char *const types[] = {
		[CHANGE_CREATED] = "tidings.v1.ItemCreated",
		[CHANGE_UPDATED] = "tidings.v1.ItemUpdated",
		[CHANGE_DELETED] = "tidings.v1.ItemDeleted",
		[CHANGE_READ_STATE] = "tidings.v1.ItemReadState",
		[CHANGE_MOVED] = "tidings.v1.ItemMoved",
		[CHANGE_COPIED] = "tidings.v1.ItemCopied",
		[CHANGE_SNAPSHOT_BEGIN] = "tidings.v1.SnapshotBegin",
		[CHANGE_SNAPSHOT_END] = "tidings.v1.SnapshotEnd",
	};
	(void)state;
	struct change change = change_of(OBJECT_ITEM);
	for (change.kind = CHANGE_CREATED; change.kind <= CHANGE_COPIED; change.kind++)
		assert_route(&change, TOPIC_ITEMS, STORE_HEX "/fe0f", types[change.kind]);
}

static void an_unknown_store_leaves_its_part_of_the_key_empty(void **state)
{
	(void)state;
	struct change item = change_of(OBJECT_ITEM), nowhere = change_of(OBJECT_STORE);
	item.store = nowhere.store = NULL;
	assert_route(&item, TOPIC_ITEMS, "/fe0f", "tidings.v1.ItemUpdated");
	assert_route(&nowhere, TOPIC_FOLDERS, "", "tidings.v1.StoreUpdated");
}

static void a_lifecycle_event_goes_by_its_store(void **state)
{
	(void)state;
	struct lifecycle event = {.type = LIFECYCLE_MISSED, .store = &store};
	struct route route;
	route_lifecycle(&event, &arena, &route);
	assert_int_equal(route.topic, TOPIC_LIFECYCLE);
	assert_true(slice_equal(route.key, slice_of_text(STORE_HEX)));
	assert_string_equal(route.type, "tidings.v1.Lifecycle");
	event.store = NULL;
	route_lifecycle(&event, &arena, &route);
	assert_int_equal(route.key.size, 0);
}

static void every_topic_has_the_name_that_the_configuration_uses(void **state)
{
	static const char *const names[N_TOPICS] = {"items",     "folders",    "addressbook",
						    "lifecycle", "deadletter", "notifications"};
	(void)state;
	for (enum topic topic = 0; topic < N_TOPICS; topic++)
		assert_string_equal(topic_name(topic), names[topic]);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_item_goes_by_its_folder),
		TEST(a_folder_has_the_key_of_its_items),
		TEST(a_store_goes_by_its_guid),
		TEST(users_and_groups_go_by_their_entry_id),
		TEST(every_notification_goes_to_its_own_topic_by_the_same_key),
		TEST(a_snapshots_brackets_go_with_its_items),
		TEST(every_kind_has_its_type),
		TEST(an_unknown_store_leaves_its_part_of_the_key_empty),
		TEST(a_lifecycle_event_goes_by_its_store),
		TEST(every_topic_has_the_name_that_the_configuration_uses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
