/* The encoder against golden files, and the rules of event ids. How to write the files anew: tests/unit/golden.h. */
#include "proto/encode.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/event_id.h"
#include "tests/unit/golden.h"
#include "tidings/v1/change.pb-c.h"
#include "tidings/v1/dead_letter.pb-c.h"

#define TEXT(string)  slice_of(string, sizeof(string) - 1)
#define STAMP(second) ((1763841000 + (int64_t)(second)) * 1000000000)

enum { ID_HEADER = 2 }; /* bytes before the id, the first field */

static const struct server_info server = {
	.guid = {0x21, 0x61, 0x74, 0xff, 0x65, 0x92, 0x4a, 0x26, 0xee, 0x96, 0x47, 0x81, 0x75, 0xd4, 0xb5, 0xf4},
	.epoch = 1,
};

static const struct store_info store = {
	.guid = {0x5a, 0x0b, 0x6b, 0xd0, 0x33, 0x1c, 0x4f, 0x8e, 0x9f, 0x02, 0x11, 0x6d, 0x5e, 0x2c, 0x90, 0x77},
	.entry_id = {(const uint8_t *)"store-entry-id", 14},
	.owner = {(const uint8_t *)"user1", 5},
	.type = STORE_PRIVATE,
};

static const struct folder_info inbox = {
	.source_key = {(const uint8_t *)"folder-source-key-0001", 22},
	.entry_id = {(const uint8_t *)"folder-entry-id", 15},
	.path = {(const uint8_t *)"Inbox", 5},
	.container_class = {(const uint8_t *)"IPF.Note", 8},
};

static const struct item mail = {
	.message_class = {(const uint8_t *)"IPM.Note", 8},
	.subject = {(const uint8_t *)"Gr\xc3\xbc\xc3\x9f"
				     "e\x01 \"\\ \t \xc2\x9b \xf0\x9f\x93\xac",
		    21},
	.sender = {{(const uint8_t *)"Anna", 4},
		   {(const uint8_t *)"anna@example.com", 16},
		   {(const uint8_t *)"SMTP", 4}},
	.sent_representing = {.address = {(const uint8_t *)"user1", 5}, .type = {(const uint8_t *)"ZARAFA", 6}},
	.display_to = {(const uint8_t *)"User One; User Two", 18},
	.display_cc = {(const uint8_t *)"User Three", 10},
	.display_bcc = {(const uint8_t *)"User Four", 9},
	.submitted_at_ns = 1763840000000000000,
	.delivered_at_ns = 1763840001500000000,
	.created_at_ns = 1763840001500250000,
	.modified_at_ns = 1763840002123456700,
	.size_bytes = 5000000000,
	.message_flags = 0x11,
	.has_attachments = true,
	.importance = IMPORTANCE_NORMAL,
	.internet_message_id = {(const uint8_t *)"<1@example.com>", 15},
};

static const struct folder_properties inbox_properties = {
	.name = {(const uint8_t *)"In/Out", 6},
	.path = {(const uint8_t *)"Inbox/In\\/Out", 13},
	.container_class = {(const uint8_t *)"IPF.Appointment", 15},
	.comment = {(const uint8_t *)"a comment", 9},
	.type = FOLDER_GENERIC,
	.created_at_ns = -1500000000, /* 1969-12-31T23:59:58.5Z */
	.modified_at_ns = 1763840002123000000,
};

static const struct user anna = {
	.login_name = {(const uint8_t *)"user1", 5},
	.full_name = {(const uint8_t *)"User One", 8},
	.email_address = {(const uint8_t *)"user1@example.com", 17},
	.user_class = TIDINGS__V1__USER_CLASS__USER_CLASS_ROOM,
	.admin_level = TIDINGS__V1__ADMIN_LEVEL__ADMIN_LEVEL_ADMINISTRATOR,
	.hidden = true,
};

static struct slice members[] = {{(const uint8_t *)"ab-entry-1", 10}, {(const uint8_t *)"ab-entry-2", 10}};

static const struct group staff = {
	.name = {(const uint8_t *)"staff", 5},
	.full_name = {(const uint8_t *)"Staff", 5},
	.email_address = {(const uint8_t *)"staff@example.com", 17},
	.members = members,
	.n_members = 2,
};

static const struct store_properties mailbox = {
	.display_name = {(const uint8_t *)"Inbox - User One", 16},
	.owner_name = {(const uint8_t *)"User One", 8},
	.detached = true,
	.size_bytes = 123456,
	.modified_at_ns = 1763840002000000000,
};

static const struct move was_in_inbox = {
	.old_entry_id = {(const uint8_t *)"old-entry-id", 12},
	.old_parent_entry_id = {(const uint8_t *)"folder-entry-id", 15},
	.old_folder = &inbox,
};

/* Of an item in the inbox, as the journal gives it; the cases alter it. */
static struct change item_change(enum change_kind kind)
{
	return (struct change){
		.kind = kind,
		.origin = ORIGIN_ICS,
		.object_type = OBJECT_ITEM,
		.server = &server,
		.store = &store,
		.folder = &inbox,
		.source_key = TEXT("item-source-key-000001"),
		.parent_source_key = inbox.source_key,
		.change_id = 4711,
		.observed_at_ns = STAMP(0),
	};
}

static struct change upsert(enum change_kind kind)
{
	struct change change = item_change(kind);

	change.entry_id = TEXT("item-entry-id");
	change.change_key = TEXT("change-key");
	change.item_number = 815;
	change.item = &mail;
	return change;
}

static struct change in_snapshot(struct change change)
{
	change.origin = ORIGIN_SNAPSHOT;
	memcpy(change.snapshot_id, "snapshot-id-0001", SNAPSHOT_ID_SIZE);
	return change;
}

static struct change bracket(enum change_kind kind)
{
	struct change change = in_snapshot(item_change(kind));

	change.source_key = slice_of(NULL, 0);
	change.change_id = 0;
	return change;
}

static struct change deleted(enum deletion_type type)
{
	struct change change = item_change(CHANGE_DELETED);

	change.deletion = type;
	return change;
}

static struct change read_state(bool read)
{
	struct change change = item_change(CHANGE_READ_STATE);

	change.read = read;
	return change;
}

static struct change whole_read_state(void)
{
	struct change change = upsert(CHANGE_READ_STATE);

	change.read = true;
	return change;
}

static struct change keys_alone(void)
{
	struct change change = in_snapshot(upsert(CHANGE_CREATED));

	change.item = NULL;
	return change;
}

static struct change hidden_item(void)
{
	static const struct item view = {
		.message_class = {(const uint8_t *)"IPM.Microsoft.FolderDesign.NamedView", 36}};
	struct change change = upsert(CHANGE_UPDATED);

	change.associated = true;
	change.item = &view;
	return change;
}

static struct change notification(enum change_kind kind)
{
	struct change change = upsert(kind);

	change.origin = ORIGIN_NOTIFICATION;
	change.source_key = change.change_key = slice_of(NULL, 0);
	change.change_id = 0;
	change.item = NULL;
	change.move = kind == CHANGE_MOVED || kind == CHANGE_COPIED ? &was_in_inbox : NULL;
	return change;
}

static struct change of_folder(enum change_kind kind)
{
	struct change change = item_change(kind);

	change.object_type = OBJECT_FOLDER;
	change.source_key = TEXT("folder-source-key-0002");
	if (kind == CHANGE_DELETED) {
		change.deletion = DELETION_HARD;
		return change;
	}
	change.entry_id = TEXT("folder-entry-id-2");
	change.folder_properties = &inbox_properties;
	return change;
}

static struct change of_address_book(enum change_kind kind, enum object_type type)
{
	struct change change = {
		.kind = kind,
		.origin = ORIGIN_ICS,
		.object_type = type,
		.server = &server,
		.source_key = TEXT("ab-entry-1"),
		.entry_id = TEXT("ab-entry-1"),
		.change_id = 12,
		.observed_at_ns = STAMP(1),
		.user = type == OBJECT_USER && kind != CHANGE_DELETED ? &anna : NULL,
		.group = type == OBJECT_GROUP && kind != CHANGE_DELETED ? &staff : NULL,
		.deletion = kind == CHANGE_DELETED ? DELETION_HARD : 0,
	};
	return change;
}

static struct change of_store(void)
{
	struct change change = {
		.kind = CHANGE_CREATED,
		.object_type = OBJECT_STORE,
		.server = &server,
		.store = &store,
		.source_key = slice_of(store.guid, GUID_SIZE),
		.entry_id = store.entry_id,
		.observed_at_ns = STAMP(2),
		.store_properties = &mailbox,
	};
	return in_snapshot(change);
}

/* Random ids would differ each time. */
static struct slice with_fixed_id(struct arena *arena, struct slice record)
{
	struct slice copy = arena_copy(arena, record);

	assert_memory_equal(copy.data, "\x0a\x10", ID_HEADER);
	memset((uint8_t *)copy.data + ID_HEADER, 0x1d, EVENT_ID_SIZE);
	return copy;
}

static void check_change(const char *name, struct change change)
{
	struct arena arena = {0};
	uint8_t id[EVENT_ID_SIZE];
	struct slice record = protobuf_encoder.change(&change, &arena, id);

	assert_memory_equal(record.data + ID_HEADER, id, EVENT_ID_SIZE);
	if (change.origin == ORIGIN_NOTIFICATION)
		record = with_fixed_id(&arena, record);
	assert_true(golden_same(&arena, name, "bin", record));
	arena_free(&arena);
}

static void test_items(void **state)
{
	(void)state;
	check_change("item_created", upsert(CHANGE_CREATED));
	check_change("item_updated", upsert(CHANGE_UPDATED));
	check_change("item_updated_associated", hidden_item());
	check_change("item_deleted_soft", deleted(DELETION_SOFT));
	check_change("item_deleted_hard", deleted(DELETION_HARD));
	check_change("item_read", read_state(true));
	check_change("item_unread", read_state(false));
	check_change("item_read_whole", whole_read_state());
}

static void test_snapshots(void **state)
{
	(void)state;
	check_change("snapshot_begin", bracket(CHANGE_SNAPSHOT_BEGIN));
	check_change("snapshot_item", in_snapshot(upsert(CHANGE_CREATED)));
	check_change("snapshot_item_keys_alone", keys_alone());
	check_change("snapshot_end", bracket(CHANGE_SNAPSHOT_END));
	check_change("snapshot_store", of_store());
}

static void test_notifications(void **state)
{
	(void)state;
	check_change("notification_created", notification(CHANGE_CREATED));
	check_change("notification_deleted", notification(CHANGE_DELETED));
	check_change("notification_moved", notification(CHANGE_MOVED));
	check_change("notification_copied", notification(CHANGE_COPIED));
}

static void test_other_objects(void **state)
{
	(void)state;
	check_change("folder_created", of_folder(CHANGE_CREATED));
	check_change("folder_updated", of_folder(CHANGE_UPDATED));
	check_change("folder_deleted", of_folder(CHANGE_DELETED));
	check_change("user_created", of_address_book(CHANGE_CREATED, OBJECT_USER));
	check_change("user_deleted", of_address_book(CHANGE_DELETED, OBJECT_USER));
	check_change("group_updated", of_address_book(CHANGE_UPDATED, OBJECT_GROUP));
}

static void test_hidden_group(void **state)
{
	struct group hidden = staff;
	struct change change = of_address_book(CHANGE_UPDATED, OBJECT_GROUP);
	(void)state;
	hidden.hidden = true;
	change.group = &hidden;
	check_change("group_hidden", change);
}

static void check_dead_letter(const char *name, struct change change, struct dead_letter letter)
{
	struct arena arena = {0};
	uint8_t id[EVENT_ID_SIZE], original[EVENT_ID_SIZE];

	letter.time_ns = STAMP(3);
	protobuf_encoder.change(&change, &arena, original);
	struct slice record = protobuf_encoder.dead_letter(&change, &letter, &arena, id);
	assert_memory_equal(id, original, EVENT_ID_SIZE);
	assert_memory_equal(record.data + ID_HEADER, id, EVENT_ID_SIZE);
	assert_true(golden_same(&arena, name, "bin", record));
	arena_free(&arena);
}

static void test_dead_letters(void **state)
{
	struct change unknown = item_change(CHANGE_UPDATED);

	(void)state;
	unknown.store = NULL;
	unknown.folder = NULL;
	check_dead_letter("dead_letter_too_large", upsert(CHANGE_UPDATED),
			  (struct dead_letter){.cause = CAUSE_TOO_LARGE,
					       .text = "2000000 bytes, the topic takes 1000000",
					       .topic = "tidings.items",
					       .key = TEXT("00/11"),
					       .value_size_bytes = 2000000});
	check_dead_letter("dead_letter_refused", deleted(DELETION_SOFT),
			  (struct dead_letter){.cause = CAUSE_REFUSED,
					       .text = "Broker: Invalid record",
					       .topic = "tidings.items",
					       .key = TEXT("00/11"),
					       .value = TEXT("\x0a\x01x"),
					       .value_size_bytes = 3});
	check_dead_letter("dead_letter_unreadable", in_snapshot(upsert(CHANGE_CREATED)),
			  (struct dead_letter){.cause = CAUSE_UNREADABLE, .text = "loadObject: CALL_FAILED"});
	check_dead_letter("dead_letter_unknown_folder", unknown, (struct dead_letter){.cause = CAUSE_UNKNOWN_FOLDER});
}

static void check_lifecycle(const char *name, struct lifecycle event)
{
	struct arena arena = {0};
	uint8_t id[EVENT_ID_SIZE];

	event.time_ns = STAMP(4);
	struct slice record = protobuf_encoder.lifecycle(&event, &arena, id);
	assert_memory_equal(record.data + ID_HEADER, id, EVENT_ID_SIZE);
	assert_true(golden_same(&arena, name, "bin", with_fixed_id(&arena, record)));
	arena_free(&arena);
}

static void test_lifecycle(void **state)
{
	(void)state;
	for (int type = LIFECYCLE_STARTED; type <= LIFECYCLE_STORE_VANISHED; type++) {
		char name[32];
		snprintf(name, sizeof name, "lifecycle_%02d", type);
		check_lifecycle(name, (struct lifecycle){.type = (enum lifecycle_type)type,
							 .server = &server,
							 .store = &store,
							 .folder = &inbox,
							 .stream = "contents/00/11",
							 .text = "because"});
	}
	check_lifecycle("lifecycle_bare", (struct lifecycle){.type = LIFECYCLE_STARTED});
}

static void check_subject(struct slice subject, const char *expected, size_t expected_size)
{
	struct item item = {.subject = subject};
	struct change change = upsert(CHANGE_CREATED);
	struct arena arena = {0};
	uint8_t id[EVENT_ID_SIZE];

	change.item = &item;
	struct slice record = protobuf_encoder.change(&change, &arena, id);
	Tidings__V1__ChangeEvent *event = tidings__v1__change_event__unpack(NULL, record.size, record.data);
	assert_non_null(event);
	assert_int_equal(strlen(event->item->subject), expected_size);
	assert_memory_equal(event->item->subject, expected, expected_size);
	tidings__v1__change_event__free_unpacked(event, NULL);
	arena_free(&arena);
}

#define CHECK_SUBJECT(subject, expected) check_subject(TEXT(subject), expected, sizeof(expected) - 1)
#define BAD                              "\xef\xbf\xbd"

static void test_bad_text_is_repaired(void **state)
{
	(void)state;
	CHECK_SUBJECT("twelve bytes", "twelve bytes");
	CHECK_SUBJECT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xac"
		      "8 bytes.",
		      "\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xac"
		      "8 bytes.");
	CHECK_SUBJECT("latin-1: \xfc.", "latin-1: " BAD ".");
	CHECK_SUBJECT("cut: \xe2\x82", "cut: " BAD BAD);
	CHECK_SUBJECT("overlong: \xc0\xaf", "overlong: " BAD BAD);
	CHECK_SUBJECT("overlong: \xe0\x80\xaf", "overlong: " BAD BAD BAD);
	CHECK_SUBJECT("overlong: \xf0\x80\x80\xaf", "overlong: " BAD BAD BAD BAD);
	CHECK_SUBJECT("surrogate: \xed\xa0\x80", "surrogate: " BAD BAD BAD);
	CHECK_SUBJECT("too high: \xf4\x90\x80\x80", "too high: " BAD BAD BAD BAD);
	CHECK_SUBJECT("nul: \0, and after it", "nul: " BAD ", and after it");
	CHECK_SUBJECT("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf", "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf");
}

static void test_long_text_is_whole(void **state)
{
	enum { SIZE = 100000 };
	static char long_text[SIZE], repaired[SIZE * 3];

	(void)state;
	memset(long_text, 'x', SIZE);
	check_subject(slice_of(long_text, SIZE), long_text, SIZE);
	memset(long_text, 0xff, SIZE);
	for (int i = 0; i < SIZE; i++)
		memcpy(repaired + i * 3, BAD, 3);
	check_subject(slice_of(long_text, SIZE), repaired, sizeof repaired);
}

static void test_any_length_packs(void **state)
{
	static char subject[16384];

	(void)state;
	memset(subject, 'x', sizeof subject);
	for (size_t size = 0; size <= sizeof subject; size += 13)
		check_subject(slice_of(subject, size), subject, size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_snapshots),
		cmocka_unit_test(test_notifications),
		cmocka_unit_test(test_other_objects),
		cmocka_unit_test(test_hidden_group),
		cmocka_unit_test(test_dead_letters),
		cmocka_unit_test(test_lifecycle),
		cmocka_unit_test(test_bad_text_is_repaired),
		cmocka_unit_test(test_long_text_is_whole),
		cmocka_unit_test(test_any_length_packs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
