/* The rules of event ids: which changes are the same, and which are not. */
#include "proto/event_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define TEXT(string) slice_of(string, sizeof(string) - 1)

static const struct server_info server = {
	.guid = {0x21, 0x61, 0x74, 0xff, 0x65, 0x92, 0x4a, 0x26, 0xee, 0x96, 0x47, 0x81, 0x75, 0xd4, 0xb5, 0xf4},
	.epoch = 1,
};

/* What the golden file item_created says. */
static struct change change_of(enum change_kind kind)
{
	return (struct change){
		.kind = kind,
		.origin = ORIGIN_ICS,
		.object_type = OBJECT_ITEM,
		.server = &server,
		.source_key = TEXT("item-source-key-000001"),
		.parent_source_key = TEXT("folder-source-key-0001"),
		.change_id = 4711,
	};
}

static struct change in_snapshot(struct change change)
{
	change.origin = ORIGIN_SNAPSHOT;
	memcpy(change.snapshot_id, "snapshot-id-0001", SNAPSHOT_ID_SIZE);
	return change;
}

static struct change bracket(enum change_kind kind)
{
	struct change change = in_snapshot(change_of(kind));

	change.source_key = slice_of(NULL, 0);
	return change;
}

static bool same_id(struct change a, struct change b)
{
	uint8_t id_a[EVENT_ID_SIZE], id_b[EVENT_ID_SIZE];

	event_id(&a, id_a);
	event_id(&b, id_b);
	return memcmp(id_a, id_b, EVENT_ID_SIZE) == 0;
}

/* The worked example of proto/README.md. */
static void test_id_is_the_documented_one(void **state)
{
	static const uint8_t expected[EVENT_ID_SIZE] = {0xc9, 0xe5, 0x7a, 0xc3, 0xee, 0xd0, 0x6c, 0x47,
							0x68, 0x0e, 0x79, 0x45, 0x95, 0x22, 0xf8, 0x63};
	struct change change = change_of(CHANGE_CREATED);
	uint8_t id[EVENT_ID_SIZE];

	(void)state;
	event_id(&change, id);
	assert_memory_equal(id, expected, EVENT_ID_SIZE);
}

/* Computed from proto/README.md by another program. */
static void test_id_of_a_long_key(void **state)
{
	static const uint8_t expected[EVENT_ID_SIZE] = {0xef, 0x77, 0x0a, 0x66, 0x23, 0xb8, 0x1d, 0x69,
							0x22, 0x7c, 0x2c, 0x32, 0x03, 0x6f, 0x9f, 0x70};
	struct change change = change_of(CHANGE_CREATED);
	uint8_t id[EVENT_ID_SIZE], key[1000];

	(void)state;
	memset(key, 'k', sizeof key);
	change.source_key = slice_of(key, sizeof key);
	event_id(&change, id);
	assert_memory_equal(id, expected, EVENT_ID_SIZE);
}

static void test_id_stands_for_the_change_alone(void **state)
{
	static const struct item newer = {.subject = {(const uint8_t *)"newer", 5}};
	struct change created = change_of(CHANGE_CREATED), updated = change_of(CHANGE_UPDATED);
	struct change soft = change_of(CHANGE_DELETED), hard = soft;

	(void)state;
	updated.item = &newer;
	updated.observed_at_ns = 1;
	assert_true(same_id(created, updated));
	soft.deletion = DELETION_SOFT, hard.deletion = DELETION_HARD;
	assert_true(same_id(soft, hard));
}

static void test_id_differs_by_each_field(void **state)
{
	const struct change base = change_of(CHANGE_CREATED);
	struct server_info restored = server, other_server = server;
	struct change change;

	(void)state;
	restored.epoch = 2;
	other_server.guid[15] ^= 1;
	change = base, change.server = &restored;
	assert_false(same_id(base, change));
	change = base, change.server = &other_server;
	assert_false(same_id(base, change));
	change = base, change.change_id++;
	assert_false(same_id(base, change));
	change = base, change.source_key.size--;
	assert_false(same_id(base, change));
	change = base, change.parent_source_key.size--;
	assert_false(same_id(base, change));
	assert_false(same_id(base, change_of(CHANGE_DELETED)));
	assert_false(same_id(base, change_of(CHANGE_READ_STATE)));
	assert_false(same_id(change_of(CHANGE_DELETED), change_of(CHANGE_READ_STATE)));
}

static void test_fields_do_not_run_into_each_other(void **state)
{
	struct change a = change_of(CHANGE_CREATED), b = a;

	(void)state;
	a.parent_source_key = TEXT("ab"), a.source_key = TEXT("c");
	b.parent_source_key = TEXT("a"), b.source_key = TEXT("bc");
	assert_false(same_id(a, b));
}

static void test_ids_in_snapshots(void **state)
{
	struct change row = in_snapshot(change_of(CHANGE_CREATED)), later = row, other = row;

	(void)state;
	later.change_id++;
	assert_true(same_id(row, later));
	other.snapshot_id[0] ^= 1;
	assert_false(same_id(row, other));
	assert_false(same_id(row, change_of(CHANGE_CREATED)));
	assert_false(same_id(bracket(CHANGE_SNAPSHOT_BEGIN), bracket(CHANGE_SNAPSHOT_END)));

	struct change begin = bracket(CHANGE_SNAPSHOT_BEGIN), elsewhere = begin;
	elsewhere.parent_source_key = TEXT("another folder");
	assert_false(same_id(begin, elsewhere));
}

static void test_what_has_no_identity_gets_random_ids(void **state)
{
	struct change notified = change_of(CHANGE_CREATED), found = notified;

	(void)state;
	notified.origin = ORIGIN_NOTIFICATION;
	assert_false(same_id(notified, notified));
	found.change_id = 0;
	assert_false(same_id(found, found));
	assert_true(same_id(in_snapshot(found), in_snapshot(found)));
}

static void test_random_ids_do_not_repeat(void **state)
{
	enum { N = 100 };
	uint8_t ids[N][EVENT_ID_SIZE];

	(void)state;
	for (int i = 0; i < N; i++) {
		event_id_random(ids[i]);
		for (int j = 0; j < i; j++)
			assert_memory_not_equal(ids[i], ids[j], EVENT_ID_SIZE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_id_is_the_documented_one),
		cmocka_unit_test(test_id_of_a_long_key),
		cmocka_unit_test(test_id_stands_for_the_change_alone),
		cmocka_unit_test(test_id_differs_by_each_field),
		cmocka_unit_test(test_fields_do_not_run_into_each_other),
		cmocka_unit_test(test_ids_in_snapshots),
		cmocka_unit_test(test_what_has_no_identity_gets_random_ids),
		cmocka_unit_test(test_random_ids_do_not_repeat),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
