/* Each call of the client against what a real server answered: what it asks, and what it makes of the answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/client_rig.h"

#define T71   "71-contents-table-tcp-user1/"
#define T72   "72-export-missing-items-tcp-user1/"
#define T73   "73-control-characters-and-long-values-tcp-user1/"
#define T54   "54-raw-errors/"
#define LOGON "01-logon-tcp-password/0001-logon.res.xml"

static void logon_tells_who_the_server_is(void **state)
{
	(void)state;
	RIG_OPEN({.status = 200});

	assert_true(client_alive(rig.client));
	assert_string_equal(client_server_version(rig.client), "11.0.2");
	rig_assert_hex(slice_of(client_server_guid(rig.client), GUID_SIZE), RIG_SERVER_GUID);
	rig_assert_asked("<ns:logon><szUsername>user1</szUsername><szPassword>p&lt;&amp;&gt;&#x1;ss</szPassword>"
			 "<szImpersonateUser></szImpersonateUser><szVersion>11.0.2</szVersion>"
			 "<ulCapabilities>25424</ulCapabilities><ulFlags>0</ulFlags><sLicenseReq></"
			 "sLicenseReq><ullSessionGroup>");
	assert_null(strstr(script_http_request(rig.server, 0), "<ullSessionGroup>0<"));
	client_close(rig.client);
	rig.client = NULL;
	rig_assert_asked("<ns:logoff><ulSessionId>3630333025447400189</ulSessionId></ns:logoff>");
}

static void a_refused_logon_is_a_matter_of_the_settings(void **state)
{
	(void)state;
	RIG_SCRIPT({.recorded = "03-logon-wrong-password/0001-logon.res.xml"});

	assert_int_equal(opened, ERR_FATAL);
	assert_int_equal(rig.err.exit_code, EXIT_USAGE);
	assert_non_null(strstr(rig.err.text, "logon refused for user user1 at http://127.0.0.1:"));
	assert_null(strstr(rig.err.text, "p<&>"));
	assert_null(rig.client);
}

static void other_refusals_of_the_logon(void **state)
{
	(void)state;
	RIG_SCRIPT({.body = "<ns:logonResponse><er>2147483697</er><ulSessionId>0</ulSessionId></ns:logonResponse>"});
	assert_int_equal(opened, ERR_FATAL);
	assert_int_equal(rig.err.exit_code, EXIT_USAGE);
	assert_non_null(strstr(rig.err.text, "0x80000031"));
}

static void a_busy_server_is_asked_to_log_on_again(void **state)
{
	(void)state;
	RIG_SCRIPT({.body = "<ns:logonResponse><er>2147483655</er><ulSessionId>0</ulSessionId></ns:logonResponse>"});
	assert_int_equal(opened, ERR_AGAIN);
	assert_non_null(strstr(rig.err.text, "database error"));
}

static void a_logon_without_session_is_no_logon(void **state)
{
	(void)state;
	RIG_SCRIPT({.body = "<ns:logonResponse><er>0</er></ns:logonResponse>"});
	assert_int_equal(opened, ERR_AGAIN);
	assert_non_null(strstr(rig.err.text, "no session"));
	assert_null(rig.client);
}

static void the_store_of_a_user(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = "04-open-store-hierarchy-tcp-user1/0014-resolveUserStore.res.xml"},
		 {.recorded = "01-logon-tcp-password/0002-getStore.res.xml"});
	struct kopano_store store;

	assert_int_equal(client_find_store(rig.client, "user1", &rig.arena, &store, &rig.err), 0);
	assert_non_null(strstr(script_http_request(rig.server, 1), "<szUserName>user1</szUserName>"));
	rig_assert_asked("<lpsEntryId>AAAAAAKLjsf+n0U6haNWPl3Z1mUBAAAAAQAAAKgotiJrzElxoWRdyTmoJawAAAAA</lpsEntryId>");
	rig_assert_hex(slice_of(store.guid, GUID_SIZE), "028b8ec7fe9f453a85a3563e5dd9d665");
	assert_int_equal(store.entry_id.size, 48);
	assert_int_equal(store.entry_id.data[24], 1);
	assert_int_equal(store.root_entry_id.size, 48);
	assert_int_equal(store.root_entry_id.data[24], 3);
}

static void the_public_store(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = "01-logon-tcp-password/0004-getPublicStore.res.xml"},
		 {.body = "<ns:getStoreResponse><er>2147483650</er><sStoreId></sStoreId></ns:getStoreResponse>"},
		 {.body = "<ns:getStoreResponse><er>0</er><sStoreId></sStoreId></ns:getStoreResponse>"});
	struct kopano_store store;

	assert_int_equal(client_find_store(rig.client, "public", &rig.arena, &store, &rig.err), 0);
	rig_assert_asked("<ns:getPublicStore><ulSessionId>3630333025447400189</ulSessionId><ulFlags>0</ulFlags>");
	rig_assert_hex(slice_of(store.guid, GUID_SIZE), "89f6bd165e2e436e9d8730988abe7355");
	rig_assert_refused(client_find_store(rig.client, "public", &rig.arena, &store, &rig.err), ERR_GONE,
			   KOPANO_NOT_FOUND, "not found");
	rig_assert_refused(client_find_store(rig.client, "public", &rig.arena, &store, &rig.err), ERR_AGAIN, 0,
			   "has no store");
}

static void a_store_by_its_entry_id(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = "01-logon-tcp-password/0002-getStore.res.xml"},
		 {.recorded = T54 "0001-getStore.res.xml"});
	struct kopano_store store;

	assert_int_equal(client_load_store(rig.client, slice_of_text("id"), &rig.arena, &store, &rig.err), 0);
	rig_assert_asked("<lpsEntryId>aWQ=</lpsEntryId></ns:getStore>");
	rig_assert_hex(slice_of(store.guid, GUID_SIZE), "028b8ec7fe9f453a85a3563e5dd9d665");
	rig_assert_refused(client_load_store(rig.client, slice_of_text("id"), &rig.arena, &store, &rig.err), ERR_AGAIN,
			   KOPANO_END_OF_SESSION, "getStore");
}

static void a_sync_id_is_registered_and_stored(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = "10-folder-sync-tcp-00-state/0003-setSyncStatus.res.xml"},
		 {.body = "<ns:setSyncStatusResponse><ulSyncId>0</ulSyncId><er>2147483656</er></"
			  "ns:setSyncStatusResponse>"});
	uint32_t sync_id = 0;

	assert_int_equal(client_set_sync(rig.client, slice_of("ab", 2), SYNC_HIERARCHY, 7, &sync_id, &rig.err), 0);
	assert_int_equal(sync_id, 64);
	rig_assert_asked("<sSourceKeyFolder>YWI=</sSourceKeyFolder><ulSyncId>0</ulSyncId><ulChangeId>7</ulChangeId>"
			 "<ulChangeType>2</ulChangeType><ulFlags>0</ulFlags></ns:setSyncStatus>");
	rig_assert_refused(client_set_sync(rig.client, slice_of(NULL, 0), SYNC_CONTENTS, 8, &sync_id, &rig.err),
			   ERR_BAD, KOPANO_COLLISION, "setSyncStatus at http://127.0.0.1:");
	rig_assert_asked("<ulSyncId>64</ulSyncId>");
	assert_int_equal(sync_id, 64);
}

static void entries_come_one_by_one(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = "10-folder-sync-tcp-03-create/0001-getChanges.res.xml"},
		 {.recorded = "10-folder-sync-tcp-05-read/0001-getChanges.res.xml"});
	struct journal_entry entry;
	uint32_t max = 0;

	assert_int_equal(client_changes(rig.client, 64, 10685, SYNC_CONTENTS, SYNC_NORMAL | SYNC_READ_STATE, &rig.err),
			 0);
	rig_assert_asked("<sSourceKeyFolder></sSourceKeyFolder><ulSyncId>64</ulSyncId><ulChangeId>10685</ulChangeId>"
			 "<ulChangeType>1</ulChangeType><ulFlags>40</ulFlags></ns:getChanges>");
	assert_int_equal(client_next_entry(rig.client, SYNC_CONTENTS, &entry, &max, &rig.err), 0);
	assert_int_equal(entry.change_id, 10686);
	assert_int_equal(entry.type, ENTRY_MESSAGE | ENTRY_NEW);
	rig_assert_hex(entry.source_key, RIG_SERVER_GUID "082800000000");
	rig_assert_hex(entry.parent_source_key, RIG_SERVER_GUID "032800000000");
	assert_int_equal(client_next_entry(rig.client, SYNC_CONTENTS, &entry, &max, &rig.err), 0);
	assert_int_equal(entry.change_id, 10688);
	assert_int_equal(entry.type, ENTRY_MESSAGE | ENTRY_CHANGE);
	assert_int_equal(client_next_entry(rig.client, SYNC_CONTENTS, &entry, &max, &rig.err), KOPANO_END);
	assert_int_equal(max, 10688);
	rig_assert_refused(client_next_entry(rig.client, SYNC_CONTENTS, &entry, &max, &rig.err), ERR_AGAIN, 0,
			   "no answer");

	assert_int_equal(client_changes(rig.client, 64, 10689, SYNC_CONTENTS, SYNC_NORMAL, &rig.err), 0);
	assert_int_equal(client_next_entry(rig.client, SYNC_CONTENTS, &entry, &max, &rig.err), 0);
	assert_int_equal(entry.type & ENTRY_ACTION_MASK, ENTRY_FLAG);
	assert_int_equal(entry.flags, 0);
	assert_int_equal(client_next_entry(rig.client, SYNC_CONTENTS, &entry, &max, &rig.err), KOPANO_END);
	assert_int_equal(script_http_n_connections(rig.server), 2);
}

static void calls_are_possible_between_entries(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = "10-folder-sync-tcp-01-initial/0002-getChanges.res.xml"},
		 {.recorded = T73 "0006-loadProp.res.xml"}, {.recorded = T71 "0004-tableMulti.res.xml"},
		 {.recorded = T54 "0005-checkExistObject.res.xml"});
	static const uint32_t tags[] = {0x67110003};
	const struct table_request request = {.columns = {tags, 1}, .n_rows = 4};
	struct journal_entry entry;
	struct prop prop;
	uint32_t max, n = 0;

	assert_int_equal(client_changes(rig.client, 64, 0, SYNC_CONTENTS, SYNC_NORMAL, &rig.err), 0);
	assert_int_equal(client_next_entry(rig.client, SYNC_CONTENTS, &entry, &max, &rig.err), 0);
	assert_int_equal(client_load_prop(rig.client, slice_of("id", 2), 0x1000001F, &rig.arena, &prop, &rig.err), 0);
	assert_int_equal(client_open_table(rig.client, &request, &rig.err), 0);
	for (int rc; (rc = client_next_row(rig.client, &rig.arena, &prop, &rig.err)) == 0; n++)
		;
	assert_int_equal(n, 4);
	for (n = 1; client_next_entry(rig.client, SYNC_CONTENTS, &entry, &max, &rig.err) == 0; n++)
		;
	assert_int_equal(n, 3);
	assert_int_equal(max, 10684);
}

static void an_answer_without_entries(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = "10-folder-sync-tcp-02-nochange/0001-getChanges.res.xml"},
		 {.recorded = "10-folder-sync-tcp-10-bad-syncid/0001-getChanges.res.xml"},
		 {.body = "<ns:icsChangeResponse><er>2147483651</er></ns:icsChangeResponse>"},
		 {.body = "<ns:icsChangeResponse><sChangesArray><item/></sChangesArray></ns:icsChangeResponse>"});
	struct journal_entry entry;
	uint32_t max = 0;

	assert_int_equal(client_changes(rig.client, 64, 10684, SYNC_CONTENTS, 0, &rig.err), 0);
	assert_int_equal(client_next_entry(rig.client, SYNC_CONTENTS, &entry, &max, &rig.err), KOPANO_END);
	assert_int_equal(max, 10684);
	assert_int_equal(client_changes(rig.client, 65, 1, SYNC_CONTENTS, 0, &rig.err), 0);
	rig_assert_refused(client_next_entry(rig.client, SYNC_CONTENTS, &entry, &max, &rig.err), ERR_GONE,
			   KOPANO_NOT_FOUND, "getChanges");
	rig_assert_refused(client_changes(rig.client, 65, 1, SYNC_CONTENTS, 0, &rig.err), ERR_BAD, KOPANO_NO_ACCESS,
			   "no access");
	assert_int_equal(client_changes(rig.client, 65, 1, SYNC_CONTENTS, 0, &rig.err), 0);
	assert_int_equal(client_next_entry(rig.client, SYNC_CONTENTS, &entry, &max, &rig.err), 0);
	assert_int_equal(entry.source_key.size, 0);
	rig_assert_refused(client_next_entry(rig.client, SYNC_CONTENTS, &entry, &max, &rig.err), ERR_AGAIN, 0,
			   "no status");
}

static void the_address_book_has_no_sync_id(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = "40-gab-sync-01-initial/0001-getChanges.res.xml"});
	struct journal_entry entry;
	uint32_t max = 0;

	assert_int_equal(client_changes(rig.client, 0, 0, SYNC_ADDRESSBOOK, 0, &rig.err), 0);
	rig_assert_asked(
		"<sSourceKeyFolder>AAAAAKwhqVBA0+5Isxn7p1MwRCUAAAAABAAAAAEAAAAAAAAA</sSourceKeyFolder><ulSyncId>0<");
	assert_int_equal(client_next_entry(rig.client, SYNC_CONTENTS, &entry, &max, &rig.err), 0);
	assert_int_equal(entry.type, ENTRY_ADDRESSBOOK | ENTRY_NEW);
	assert_int_equal(entry.source_key.size, 60);
	assert_int_equal(client_next_entry(rig.client, SYNC_CONTENTS, &entry, &max, &rig.err), 0);
	assert_int_equal(client_next_entry(rig.client, SYNC_CONTENTS, &entry, &max, &rig.err), KOPANO_END);
	assert_int_equal(max, 22);
}

static void an_object_has_its_values(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = T73 "0004-loadObject.res.xml"});
	struct object object;

	assert_int_equal(client_load_object(rig.client, slice_of("id", 2), MUST_NOT_BE_SOFT_DELETED, &rig.arena,
					    &object, &rig.err),
			 0);
	rig_assert_asked("<sEntryId>aWQ=</sEntryId><ulFlags>2147483648</ulFlags></ns:loadObject>");
	assert_int_equal(object.props.n, 20);
	assert_int_equal(object.n_missing, 0);
	assert_int_equal(object.server_id, 24370);
	rig_assert_text(props_find(&object.props, 0x0037001F)->bytes, "a\x01"
								      "b & <c>\x1f\x0b\r\n\ttab");
	assert_int_equal(props_find(&object.props, 0x0E070003)->number, 9);
	assert_int_equal(props_find(&object.props, 0x0E1B000B)->number, 0);
	assert_true(props_find(&object.props, 0x30070040)->time_ns == INT64_C(1795381739000000000));
	rig_assert_hex(props_find(&object.props, 0x65E00102)->bytes, RIG_SERVER_GUID "4b6000000000");
	assert_int_equal(props_find(&object.props, 0x003D001F)->bytes.size, 0);
	assert_null(props_find(&object.props, 0x1000001F));
}

static void long_values_are_missing_or_not(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = T73 "0005-loadObject.res.xml"}, {.recorded = T73 "0009-loadObject.res.xml"},
		 {.recorded = T73 "0006-loadProp.res.xml"});
	struct object object;
	struct prop prop;

	assert_int_equal(client_load_object(rig.client, slice_of("id", 2), 0, &rig.arena, &object, &rig.err), 0);
	assert_int_equal(object.n_missing, 2);
	assert_int_equal(object.missing[0], 0x0037001F);
	assert_int_equal(object.missing[1], 0x1000001F);
	assert_int_equal(client_load_object(rig.client, slice_of("id", 2), 0, &rig.arena, &object, &rig.err), 0);
	assert_int_equal(object.n_missing, 0);
	assert_int_equal(props_find(&object.props, 0x0037001F)->bytes.size, 100000);
	assert_int_equal(client_load_prop(rig.client, slice_of("id", 2), 0x1000001F, &rig.arena, &prop, &rig.err), 0);
	rig_assert_asked("<ulObjId>0</ulObjId><ulPropTag>268435487</ulPropTag></ns:loadProp>");
	assert_int_equal(prop.tag, 0x1000001F);
	assert_int_equal(prop.bytes.size, 33004);
}

static void objects_within_objects_are_not_mixed_in(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = "12-folder-sync-tcp-content/0041-loadObject.res.xml"});
	struct object object;

	assert_int_equal(client_load_object(rig.client, slice_of("id", 2), 0, &rig.arena, &object, &rig.err), 0);
	assert_non_null(props_find(&object.props, 0x001A001F));
	assert_null(props_find(&object.props, 0x0E210003)); /* of an attachment */
	for (size_t i = 0; i < object.n_missing; i++)
		assert_int_not_equal(object.missing[i], 0x37010102);
}

static void an_entry_id_is_found_by_keys(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = "20-hierarchy-sync-01-initial/0003-getEntryIDFromSourceKey.res.xml"},
		 {.body = "<ns:getEntryIDFromSourceKeyResponse><er>2147483651</er></"
			  "ns:getEntryIDFromSourceKeyResponse>"},
		 {.body = "<ns:getEntryIDFromSourceKeyResponse><er>0</er></ns:getEntryIDFromSourceKeyResponse>"});
	const struct slice id = slice_of_text("s"), key = slice_of_text("f"), none = slice_of(NULL, 0);
	struct slice entry_id;

	assert_int_equal(client_entry_id(rig.client, id, key, none, &rig.arena, &entry_id, &rig.err), 0);
	rig_assert_asked("<sStoreId>cw==</sStoreId><folderSourceKey>Zg==</folderSourceKey><messageSourceKey></"
			 "messageSourceKey>");
	assert_int_equal(entry_id.size, 48);
	rig_assert_refused(client_entry_id(rig.client, id, key, none, &rig.arena, &entry_id, &rig.err), ERR_BAD,
			   KOPANO_NO_ACCESS, "no access");
	rig_assert_refused(client_entry_id(rig.client, id, key, none, &rig.arena, &entry_id, &rig.err), ERR_AGAIN, 0,
			   "no entry id");
}

static void a_dead_session_ends_the_client(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = T54 "0003-getChanges.res.xml"});
	struct journal_entry entry;
	uint32_t max;

	assert_int_equal(client_changes(rig.client, 1, 1, SYNC_CONTENTS, 0, &rig.err), 0);
	rig_assert_refused(client_next_entry(rig.client, SYNC_CONTENTS, &entry, &max, &rig.err), ERR_AGAIN,
			   KOPANO_END_OF_SESSION, "session has ended");
	assert_false(client_alive(rig.client));
	size_t n = script_http_n_requests(rig.server);
	client_close(rig.client);
	rig.client = NULL;
	assert_int_equal(script_http_n_requests(rig.server), n); /* nothing to take leave from */
}

static void a_dead_session_in_each_kind_of_answer(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = T54 "0001-getStore.res.xml"},
		 {.recorded = T54 "0004-exportMessageChangesAsStream.res.xml"});
	static const uint32_t tags[] = {0x0037001F};
	struct kopano_store store;
	struct prop cell;
	uint32_t index;

	rig_assert_refused(client_find_store(rig.client, "public", &rig.arena, &store, &rig.err), ERR_AGAIN,
			   KOPANO_END_OF_SESSION, "ended");
	assert_int_equal(client_export(rig.client, NULL, 0, &(struct columns){tags, 1}, &rig.err), 0);
	rig_assert_refused(client_next_export(rig.client, &rig.arena, &index, &cell, &rig.err), ERR_AGAIN,
			   KOPANO_END_OF_SESSION, "ended");
}

static void a_fault_is_told(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = T54 "0006-nonsense.res.xml", .status = 500},
		 {.body = "<SOAP-ENV:Fault><faultcode>SOAP-ENV:Server</faultcode><faultstring>out\nof "
			  "&amp;</faultstring>"
			  "</SOAP-ENV:Fault>",
		  .status = 500});
	struct object object;

	rig_assert_refused(client_load_object(rig.client, slice_of("id", 2), 0, &rig.arena, &object, &rig.err), ERR_BAD,
			   0, "refuses the call as a whole: Method 'ns:nonsense' not implemented");
	assert_non_null(strstr(rig.err.text, "HTTP status 500"));
	assert_true(client_alive(rig.client));
	rig_assert_refused(client_load_object(rig.client, slice_of("id", 2), 0, &rig.arena, &object, &rig.err),
			   ERR_AGAIN, 0, "out?of");
	assert_false(client_alive(rig.client));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(logon_tells_who_the_server_is, client_rig_teardown),
		cmocka_unit_test_teardown(a_refused_logon_is_a_matter_of_the_settings, client_rig_teardown),
		cmocka_unit_test_teardown(other_refusals_of_the_logon, client_rig_teardown),
		cmocka_unit_test_teardown(a_busy_server_is_asked_to_log_on_again, client_rig_teardown),
		cmocka_unit_test_teardown(a_logon_without_session_is_no_logon, client_rig_teardown),
		cmocka_unit_test_teardown(the_store_of_a_user, client_rig_teardown),
		cmocka_unit_test_teardown(the_public_store, client_rig_teardown),
		cmocka_unit_test_teardown(a_store_by_its_entry_id, client_rig_teardown),
		cmocka_unit_test_teardown(a_sync_id_is_registered_and_stored, client_rig_teardown),
		cmocka_unit_test_teardown(entries_come_one_by_one, client_rig_teardown),
		cmocka_unit_test_teardown(calls_are_possible_between_entries, client_rig_teardown),
		cmocka_unit_test_teardown(an_answer_without_entries, client_rig_teardown),
		cmocka_unit_test_teardown(the_address_book_has_no_sync_id, client_rig_teardown),
		cmocka_unit_test_teardown(an_object_has_its_values, client_rig_teardown),
		cmocka_unit_test_teardown(long_values_are_missing_or_not, client_rig_teardown),
		cmocka_unit_test_teardown(objects_within_objects_are_not_mixed_in, client_rig_teardown),
		cmocka_unit_test_teardown(an_entry_id_is_found_by_keys, client_rig_teardown),
		cmocka_unit_test_teardown(a_dead_session_ends_the_client, client_rig_teardown),
		cmocka_unit_test_teardown(a_dead_session_in_each_kind_of_answer, client_rig_teardown),
		cmocka_unit_test_teardown(a_fault_is_told, client_rig_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
