/* The calls about users and groups against what a real server answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "bridge/kopano/client_book.h"
#include "tests/support/client_rig.h"

#define T42 "42-groups-tcp-tmpboss/"
#define T40 "40-gab-sync-03-user-created/"
#define TMPA                                                                                                           \
	"00000000ac21a95040d3ee48b319fba75330442501000000060000000e0000007430307049575a345144"                         \
	"6d4d504c6348314f2b3151413d3d00000000"

static struct slice some_entry_id(void)
{
	return slice_of("entry id", 8);
}

static void a_user(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = T42 "0009-getUser.res.xml"});
	struct kopano_user user;

	assert_int_equal(client_user(rig.client, some_entry_id(), &rig.arena, &user, &rig.err), 0);
	rig_assert_asked("<ns:getUser><ulSessionId>" RIG_SESSION
			 "</ulSessionId><ulUserId>0</ulUserId><sUserId>ZW50cnkgaWQ=</sUserId></ns:getUser>");
	rig_assert_text(user.login_name, "tmpa");
	rig_assert_text(user.full_name, "Tmp A");
	rig_assert_text(user.email_address, "tmpa@example.com");
	assert_int_equal(user.entry_id.size, 60);
	assert_int_equal(user.entry_id.data[24], 6);
	assert_int_equal(user.class, CLASS_USER);
	assert_int_equal(user.admin_level, ADMIN_NONE);
	assert_false(user.hidden);
}

static void a_user_with_all_its_flags(void **state)
{
	(void)state;
	RIG_OPEN({.body = "<ns:getUserResponse><lpsUser><ulUserId>9</ulUserId><lpszUsername>room&amp;1</lpszUsername>"
			  "<ulIsAdmin>2</ulIsAdmin><ulIsABHidden>1</ulIsABHidden><ulObjClass>65539</ulObjClass>"
			  "<lpsPropmap><item><ulPropId>1</ulPropId><lpszValue>sUserId</lpszValue></item></lpsPropmap>"
			  "<sUserId>YWI=</sUserId></lpsUser><er>0</er></ns:getUserResponse>"});
	struct kopano_user user;

	assert_int_equal(client_user(rig.client, slice_of(NULL, 0), &rig.arena, &user, &rig.err), 0);
	rig_assert_asked("<ulUserId>0</ulUserId><sUserId></sUserId></ns:getUser>");
	rig_assert_text(user.login_name, "room&1");
	rig_assert_text(user.full_name, "");
	rig_assert_text(user.entry_id, "ab");
	assert_int_equal(user.class, CLASS_ROOM);
	assert_int_equal(user.admin_level, ADMIN_SYSTEM);
	assert_true(user.hidden);
}

static void nobody(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = T42 "0031-getUser.res.xml"}, {.recorded = T42 "0017-getUser.res.xml"},
		 {.body = "<ns:getUserResponse><er>0</er></ns:getUserResponse>"});
	struct kopano_user user;

	for (int i = 0; i < 2; i++) /* deleted; a group */
		rig_assert_refused(client_user(rig.client, some_entry_id(), &rig.arena, &user, &rig.err), ERR_GONE,
				   KOPANO_NOT_FOUND, "not found");
	rig_assert_refused(client_user(rig.client, some_entry_id(), &rig.arena, &user, &rig.err), ERR_AGAIN, 0,
			   "has no user");
}

static void a_group(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = T42 "0007-getGroup.res.xml"}, {.recorded = T42 "0034-getGroup.res.xml"},
		 {.body = "<ns:getGroupResponse><er>0</er></ns:getGroupResponse>"});
	struct kopano_group group;

	assert_int_equal(client_group(rig.client, some_entry_id(), &rig.arena, &group, &rig.err), 0);
	rig_assert_asked("<ulGroupId>0</ulGroupId><sGroupId>ZW50cnkgaWQ=</sGroupId></ns:getGroup>");
	rig_assert_text(group.name, "tmpg");
	rig_assert_text(group.full_name, "tmpg");
	rig_assert_text(group.email_address, "tmpg@example.com");
	assert_int_equal(group.entry_id.data[24], 8);
	assert_false(group.hidden);
	rig_assert_refused(client_group(rig.client, some_entry_id(), &rig.arena, &group, &rig.err), ERR_GONE,
			   KOPANO_NOT_FOUND, "not found");
	rig_assert_refused(client_group(rig.client, some_entry_id(), &rig.arena, &group, &rig.err), ERR_AGAIN, 0,
			   "has no group");
}

static void the_members_of_a_group(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = T42 "0008-getUserListOfGroup.res.xml"},
		 {.recorded = T42 "0030-getUserListOfGroup.res.xml"},
		 {.recorded = T42 "0035-getUserListOfGroup.res.xml"});
	struct kopano_members members;

	assert_int_equal(client_members(rig.client, some_entry_id(), &rig.arena, &members, &rig.err), 0);
	rig_assert_asked("<ulGroupId>0</ulGroupId><sGroupId>ZW50cnkgaWQ=</sGroupId></ns:getUserListOfGroup>");
	assert_int_equal(members.n, 2);
	rig_assert_hex(members.entry_ids[0], TMPA);
	assert_int_equal(members.entry_ids[1].size, 60);
	assert_int_equal(client_members(rig.client, some_entry_id(), &rig.arena, &members, &rig.err), 0);
	assert_int_equal(members.n, 0);
	rig_assert_refused(client_members(rig.client, some_entry_id(), &rig.arena, &members, &rig.err), ERR_GONE,
			   KOPANO_NOT_FOUND, "not found");
}

static void many_members(void **state)
{
	static char body[64 * 1024];
	int n = snprintf(body, sizeof body, "<ns:userListResponse><sUserArray>");

	(void)state;
	for (int i = 0; i < 500; i++)
		n += snprintf(body + n, sizeof body - n, "<item><sUserId>YWI=</sUserId></item>");
	snprintf(body + n, sizeof body - n, "</sUserArray><er>0</er></ns:userListResponse>");
	RIG_OPEN({.body = body});
	struct kopano_members members;

	assert_int_equal(client_members(rig.client, some_entry_id(), &rig.arena, &members, &rig.err), 0);
	assert_int_equal(members.n, 500);
	for (size_t i = 0; i < members.n; i++)
		rig_assert_text(members.entry_ids[i], "ab");
}

static void the_server_compares_its_list_with_the_directory(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = T42 "0027-getUserListOfGroup.res.xml"}, {.recorded = T42 "0006-getGroupList.res.xml"},
		 {.recorded = T42 "0041-getGroupList.res.xml"});

	assert_int_equal(client_compare_directory(rig.client, &rig.err), 0);
	assert_non_null(strstr(script_http_request(rig.server, 1), "<ns:getUserList>"));
	rig_assert_asked("<ulCompanyId>0</ulCompanyId><sCompanyId></sCompanyId></ns:getGroupList>");
	rig_assert_refused(client_compare_directory(rig.client, &rig.err), ERR_AGAIN, KOPANO_END_OF_SESSION,
			   "session has ended");
}

/* Nothing new is an empty list without a maximum: the position is kept. */
static void the_journal_of_the_address_book(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = T42 "0037-getChanges.res.xml"},
		 {.recorded = "40-gab-sync-02-nochange/0001-getChanges.res.xml"});
	struct journal_entry entry;
	uint32_t max = 0;

	assert_int_equal(client_changes(rig.client, 0, 35, SYNC_ADDRESSBOOK, 0, &rig.err), 0);
	rig_assert_asked("<sSourceKeyFolder>AAAAAKwhqVBA0+5Isxn7p1MwRCUAAAAABAAAAAEAAAAAAAAA</sSourceKeyFolder>"
			 "<ulSyncId>0</ulSyncId><ulChangeId>35</ulChangeId><ulChangeType>3</ulChangeType>"
			 "<ulFlags>0</ulFlags></ns:getChanges>");
	static const struct {
		uint32_t change_id, type;
		uint8_t kind;
	} expected[] = {{36, 0x4001, 8}, {40, 0x4002, 8}, {41, 0x4005, 6}, {42, 0x4005, 8}};
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
		assert_int_equal(client_next_entry(rig.client, SYNC_ADDRESSBOOK, &entry, &max, &rig.err), 0);
		assert_int_equal(entry.change_id, expected[i].change_id);
		assert_int_equal(entry.type, expected[i].type);
		assert_int_equal(entry.source_key.data[24], expected[i].kind);
	}
	assert_int_equal(client_next_entry(rig.client, SYNC_ADDRESSBOOK, &entry, &max, &rig.err), KOPANO_END);
	assert_int_equal(max, 42);
	assert_int_equal(client_changes(rig.client, 0, 42, SYNC_ADDRESSBOOK, 0, &rig.err), 0);
	assert_int_equal(client_next_entry(rig.client, SYNC_ADDRESSBOOK, &entry, &max, &rig.err), KOPANO_END);
	assert_int_equal(max, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_user, client_rig_teardown),
		cmocka_unit_test_teardown(a_user_with_all_its_flags, client_rig_teardown),
		cmocka_unit_test_teardown(nobody, client_rig_teardown),
		cmocka_unit_test_teardown(a_group, client_rig_teardown),
		cmocka_unit_test_teardown(the_members_of_a_group, client_rig_teardown),
		cmocka_unit_test_teardown(many_members, client_rig_teardown),
		cmocka_unit_test_teardown(the_server_compares_its_list_with_the_directory, client_rig_teardown),
		cmocka_unit_test_teardown(the_journal_of_the_address_book, client_rig_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
