/* Stores and folders from what a real server answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "bridge/kopano/facts.h"
#include "tests/support/client_rig.h"

/* ---- recorded: two rows of MAILBOX, the public store, two of its folders ---- */

#define CELL(tag, value) "<item><ulPropTag>" tag "</ulPropTag>" value "</item>"
#define ABSENT(tag)      CELL(tag, "<ul>2147483650</ul>")
#define TIME             "<hilo><hi>31292123</hi><lo>1772590592</lo></hilo>"
#define ROWS(table, rows)                                                                                              \
	"<ns:tableMultiResponse><er>0</er><ulTableId>" table "</ulTableId>"                                            \
	"<sRowSet SOAP-ENC:arrayType=\"propVal[][2]\">" rows "</sRowSet></ns:tableMultiResponse>"

#define ADMIN_ROW                                                                                                      \
	"<item>" CELL("268370178", "<bin>AAAAAFAE3SYb5EynvW832ZfSPLoBAAAAAQAQAIRXX6DwkEfzshFn7rj6GqEAAAAA</bin>")      \
		CELL("268042498", "<bin>UATdJhvkTKe9bzfZl9I8ug==</bin>") CELL("805371935",                             \
									      "<lpszA>Inbox - Admin One</lpszA>")      \
			CELL("1713045762", "<bin>AAAAAKwhqVBA0+"                                                       \
					   "5Isxn7p1MwRCUBAAAABgAAAAUAAABsRFRISzk2TVJobW5rWWRyYUl3WHhBPT0AAAAA</bin>") \
				CELL("1713111071", "<lpszA>Admin One</lpszA>")                                         \
					CELL("1736507423", "<lpszA>admin1</lpszA>") CELL("1729363971", "<ul>0</ul>")   \
						CELL("1740832779", "<b>false</b>") CELL("235405332", "<li>808</li>")   \
							CELL("805830720", TIME) "</item>"
#define PUBLIC_ROW(detached)                                                                                           \
	"<item>" CELL("268370178", "<bin>AAAAAITu/tmbcUfklQjnWbZPb70BAAAAAQAQAMDHoLmFdU8kipHv95TpC4IAAAAA</bin>")      \
		CELL("268042498", "<bin>hO7+2ZtxR+SVCOdZtk9vvQ==</bin>") CELL("805371935",                             \
									      "<lpszA>Public Folders</lpszA>")         \
			CELL("1713045762", "<bin>AAAAAKwhqVBA0+5Isxn7p1MwRCUAAAAACAAAAAEAAAAAAAAA</bin>")              \
				CELL("1713111071", "<lpszA>Everyone</lpszA>")                                          \
					CELL("1736507423", "<lpszA>Everyone</lpszA>") CELL("1729363971", "<ul>1</ul>") \
						CELL("1740832779", "<b>" detached "</b>") ABSENT("235405322")          \
							CELL("805830720", TIME) "</item>"
#define SYSTEM_ROW                                                                                                     \
	"<item>" CELL("268370178", "<bin>AAAAAIli/+/7e01jm8WWfEu1gjQAAAAAAQAQAAEAAAAAAAAA</bin>") CELL(                \
		"268042498", "<bin>iWL/7/t7TWObxZZ8S7WCNA==</bin>") CELL("805371935", "<lpszA>Inbox - SYSTEM</lpszA>") \
		CELL("1713045762", "<bin>AAAAAKwhqVBA0+5Isxn7p1MwRCUAAAAABgAAAAIAAAAAAAAA</bin>")                      \
			CELL("1713111071", "<lpszA>SYSTEM</lpszA>") CELL("1736507423", "<lpszA>SYSTEM</lpszA>")        \
				CELL("1729363971", "<ul>0</ul>") CELL("1740832779", "<b>false</b>")                    \
					ABSENT("235405322") ABSENT("805830602") "</item>"
#define ZARAFA_ROW                                                                                                     \
	"<item>" CELL("268370178", "<bin>AAAAAITu/tmbcUfklQjnWbZPb70BAAAAAwAAAPGkPvQRcUw2imF/j3XTX1MAAAAA</bin>")      \
		CELL("1709179138", "<bin>OfF9VrG0SbCeOFNBiu/tpQYAAAAAAA==</bin>")                                      \
			CELL("1709244674", "<bin>OfF9VrG0SbCeOFNBiu/tpQUAAAAAAA==</bin>")                              \
				CELL("235471106",                                                                      \
				     "<bin>AAAAAITu/tmbcUfklQjnWbZPb70BAAAAAwAAAMMkekAojU7Fs+s/y1dBgd4AAAAA</bin>")    \
					CELL("805371935", "<lpszA>Zarafa 1</lpszA>") ABSENT("907214858")               \
						CELL("906035203", "<ul>1</ul>") CELL("284426251", "<b>true</b>")       \
							CELL("805568543", "<lpszA>a comment</lpszA>")                  \
								CELL("805765184", TIME) CELL("805830720", TIME)        \
									ABSENT("1709309962") "</item>"
#define NO_ROWS "<ns:tableMultiResponse><er>0</er><ulTableId>1</ulTableId><sRowSet></sRowSet></ns:tableMultiResponse>"
#define CLOSED  "<ns:tableCloseResponse><result>0</result></ns:tableCloseResponse>"

/* ---- tests ---- */

static void the_stores_of_a_server(void **state)
{
	(void)state;
	RIG_OPEN({.body = ROWS("1", ADMIN_ROW PUBLIC_ROW("true") SYSTEM_ROW)}, {.body = CLOSED});
	struct store_list list = {0};
	assert_int_equal(facts_list_stores(rig.client, &list, &rig.err), 0);
	assert_int_equal(list.n, 3);
	assert_true(list.whole);
	const struct store_facts *admin = &list.facts[0], *public = &list.facts[1], *system = &list.facts[2];
	rig_assert_text(admin->row.owner, "admin1");
	rig_assert_text(admin->row.display_name, "Inbox - Admin One");
	rig_assert_text(admin->owner_name, "Admin One");
	assert_int_equal(admin->row.type, STORE_PRIVATE);
	assert_int_equal(admin->size_bytes, 808);
	assert_true(admin->modified_at_ns > 0);
	assert_false(admin->row.detached);
	assert_false(admin->row.system);
	assert_int_equal(public->row.type, STORE_PUBLIC);
	assert_int_equal(public->row.owner.size, 0);
	assert_true(public->row.detached);
	assert_int_equal(public->size_bytes, 0);
	assert_true(system->row.system);
	assert_int_equal(system->modified_at_ns, 0);
	assert_ptr_equal(facts_find_store(&list, public->row.guid), public);
	facts_free_stores(&list);
}

static void a_table_that_starts_over_does_not_say_what_is_gone(void **state)
{
	(void)state;
	RIG_OPEN({.body = ROWS("1", ADMIN_ROW PUBLIC_ROW("false") ADMIN_ROW)}, {.body = CLOSED});
	struct store_list list = {0};
	assert_int_equal(facts_list_stores(rig.client, &list, &rig.err), 0);
	assert_int_equal(list.n, 2);
	assert_false(list.whole);
	facts_free_stores(&list);
}

static void the_folders_below_one(void **state)
{
	(void)state;
	RIG_OPEN({.body = ROWS("2", ZARAFA_ROW)}, {.body = CLOSED});
	struct folder_list list = {0};
	assert_int_equal(facts_list_folders(rig.client, slice_of_text("root"), &list, &rig.err), 0);
	assert_non_null(strstr(script_http_request(rig.server, 1),
			       "<ulTableType>1</ulTableType><ulType>3</ulType><ulFlags>3221225473</ulFlags>"));
	assert_int_equal(list.n, 1);
	const struct folder_facts *facts = &list.facts[0];
	rig_assert_text(facts->row.name, "Zarafa 1");
	assert_int_equal(facts->row.container_class.size, 0);
	assert_int_equal(facts->row.type, FOLDER_GENERIC);
	assert_true(facts->row.hidden);
	rig_assert_text(facts->comment, "a comment");
	assert_true(facts->created_at_ns > 0);
	assert_int_equal(facts->change_key.size, 0);
	rig_assert_hex(facts->row.source_key, "39f17d56b1b449b09e3853418aefeda5060000000000");
	assert_ptr_equal(facts_find(&list, facts->row.source_key), facts);
	/* Its parent has no row of its own, but is known by it. */
	assert_true(slice_equal(facts_key_of(&list, facts->parent_entry_id), facts->row.parent_source_key));
	assert_true(slice_equal(facts_key_of(&list, facts->row.entry_id), facts->row.source_key));
	assert_int_equal(facts_key_of(&list, slice_of_text("other")).size, 0);
	facts_free_folders(&list);
}

static void a_row_without_a_key_is_left_out(void **state)
{
	(void)state;
	RIG_OPEN({.body = ROWS("2", "<item>" CELL("268370178", "<bin>AAAA</bin>") "</item>")}, {.body = CLOSED},
		 {.body = NO_ROWS}, {.body = CLOSED});
	struct folder_list folders = {0};
	struct store_list stores = {0};
	assert_int_equal(facts_list_folders(rig.client, slice_of_text("root"), &folders, &rig.err), 0);
	assert_int_equal(folders.n, 0);
	assert_int_equal(facts_list_stores(rig.client, &stores, &rig.err), 0);
	assert_int_equal(stores.n, 0);
	facts_free_folders(&folders);
	facts_free_stores(&stores);
}

static void one_folder_is_loaded_alive(void **state)
{
	(void)state;
	RIG_OPEN({.body = "<ns:loadObjectResponse><er>0</er><sSaveObject><modProps>" CELL("805371935",
											  "<lpszA>Inbox</lpszA>")
			  CELL("1709179138", "<bin>AQ==</bin>") CELL("1709244674", "<bin>Ag==</bin>")
				  CELL("906035203", "<ul>0</ul>") "</modProps>"
								  "</sSaveObject></ns:loadObjectResponse>"},
		 {.body = "<ns:loadObjectResponse><er>2147483650</er></ns:loadObjectResponse>"});
	struct folder_facts facts;
	assert_int_equal(facts_load_folder(rig.client, slice_of_text("id"), &rig.arena, &facts, &rig.err), 0);
	rig_assert_asked("<ulFlags>2147483648</ulFlags>");
	rig_assert_text(facts.row.name, "Inbox");
	rig_assert_hex(facts.row.source_key, "01");
	rig_assert_hex(facts.row.parent_source_key, "02");
	rig_assert_text(facts.row.entry_id, "id");
	assert_int_equal(facts.row.type, FOLDER_ROOT);
	assert_int_equal(facts_load_folder(rig.client, slice_of_text("id"), &rig.arena, &facts, &rig.err), ERR_GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(the_stores_of_a_server, client_rig_teardown),
		cmocka_unit_test_teardown(a_table_that_starts_over_does_not_say_what_is_gone, client_rig_teardown),
		cmocka_unit_test_teardown(the_folders_below_one, client_rig_teardown),
		cmocka_unit_test_teardown(a_row_without_a_key_is_left_out, client_rig_teardown),
		cmocka_unit_test_teardown(one_folder_is_loaded_alive, client_rig_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
