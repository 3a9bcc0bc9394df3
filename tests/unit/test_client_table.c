/* Tables and exports against what a real server answered: what is asked, and what becomes of the answer. */
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

static void a_table_is_read_page_by_page(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = T71 "0004-tableMulti.res.xml"}, {.recorded = T71 "0005-tableQueryRows.res.xml"},
		 {.recorded = T71 "0014-tableQueryRows.res.xml"}, {.recorded = T71 "0015-tableClose.res.xml"});
	/* not in the order of the answer, one that it has not, one twice */
	static const uint32_t tags[] = {0x65E00102, 0x0037001F, 0x67110003, 0x3001001F, 0x67110003};
	const struct table_request request = {.kind = TABLE_CONTENTS,
					      .folder_entry_id = slice_of_text("folder"),
					      .flags = TABLE_UNCUT | TABLE_ASSOCIATED,
					      .columns = {tags, 5},
					      .below_item_number = 24362,
					      .n_rows = 4};
	struct prop cells[5];

	assert_int_equal(client_open_table(rig.client, &request, &rig.err), 0);
	rig_assert_asked("<lpOpen><sEntryId>Zm9sZGVy</sEntryId><ulTableType>1</ulTableType><ulType>5</ulType>"
			 "<ulFlags>3221225536</ulFlags></lpOpen>"
			 "<lpSetColumns SOAP-ENC:arrayType=\"xsd:unsignedInt[5]\"><item>1709179138</item>");
	rig_assert_asked("<item><ulPropTag>1729167363</ulPropTag><ulOrder>1</ulOrder></item>");
	rig_assert_asked(
		"<lpRestrict><ulType>4</ulType><lpProp><ulType>0</ulType><ulPropTag>1729167363</ulPropTag><lpProp>"
		"<ulPropTag>1729167363</ulPropTag><ul>24362</ul></lpProp></lpProp></lpRestrict>"
		"<lpQueryRows><ulCount>4</ulCount><ulFlags>0</ulFlags></lpQueryRows>");
	assert_int_equal(client_next_row(rig.client, &rig.arena, cells, &rig.err), 0);
	rig_assert_hex(cells[0].bytes, RIG_SERVER_GUID "426000000000");
	rig_assert_text(cells[1].bytes, "t23");
	assert_int_equal(cells[2].number, 24361);
	assert_int_equal(cells[3].tag, 0x3001000A);
	assert_int_equal(cells[3].number, KOPANO_NOT_FOUND);
	assert_int_equal(cells[4].tag, 0x6711000A);
	for (uint32_t number = 24360; number > 24357; number--) {
		assert_int_equal(client_next_row(rig.client, &rig.arena, cells, &rig.err), 0);
		assert_int_equal(cells[2].number, number);
	}
	assert_int_equal(client_next_row(rig.client, &rig.arena, cells, &rig.err), KOPANO_END);

	assert_int_equal(client_next_page(rig.client, 3, &rig.err), 0);
	rig_assert_asked("<ulTableId>2</ulTableId><ulRowCount>3</ulRowCount><ulFlags>0</ulFlags></ns:tableQueryRows>");
	assert_int_equal(client_next_row(rig.client, &rig.arena, cells, &rig.err), 0);
	while (client_next_row(rig.client, &rig.arena, cells, &rig.err) == 0)
		;
	assert_int_equal(client_next_page(rig.client, 3, &rig.err), 0);
	assert_int_equal(client_next_row(rig.client, &rig.arena, cells, &rig.err), KOPANO_END);
	client_close_table(rig.client);
	rig_assert_asked("<ns:tableClose><ulSessionId>3630333025447400189</ulSessionId><ulTableId>2</ulTableId></"
			 "ns:tableClose>");
	size_t n = script_http_n_requests(rig.server);
	client_close_table(rig.client);
	assert_int_equal(script_http_n_requests(rig.server), n);
}

static void other_tables(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = T71 "0003-tableMulti.res.xml"}, {.recorded = T71 "0010-tableClose.res.xml"},
		 {.recorded = T71 "0018-tableMulti.res.xml"});
	static const uint32_t tags[] = {0x3001001F};
	struct prop cell;
	int n = 0;

	assert_int_equal(client_open_table(rig.client,
					   &(struct table_request){.kind = TABLE_HIERARCHY,
								   .folder_entry_id = slice_of_text("root"),
								   .flags = TABLE_DEPTH,
								   .columns = {tags, 1},
								   .source_key = slice_of_text("key"),
								   .n_rows = 1000},
					   &rig.err),
			 0);
	rig_assert_asked("<ulTableType>1</ulTableType><ulType>3</ulType><ulFlags>2147483649</ulFlags>");
	rig_assert_asked("<ulType>4</ulType><ulPropTag>1709179138</ulPropTag><lpProp><ulPropTag>1709179138</ulPropTag>"
			 "<bin>a2V5</bin></lpProp>");
	for (; client_next_row(rig.client, &rig.arena, &cell, &rig.err) == 0; n++)
		assert_int_equal(cell.tag, 0x3001001F);
	assert_int_equal(n, 40);
	assert_int_equal(
		client_open_table(rig.client,
				  &(struct table_request){.kind = TABLE_MAILBOX, .columns = {tags, 1}, .n_rows = 9},
				  &rig.err),
		0);
	rig_assert_asked(
		"<sEntryId></sEntryId><ulTableType>10</ulTableType><ulType>0</ulType><ulFlags>2147483648</ulFlags>");
}

static void absent_and_special_cells(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = T73 "0002-tableMulti.res.xml"});
	static const uint32_t tags[] = {0x67110003, 0x0037001F, 0x0E1D001F, 0x1000001F};
	struct prop cells[4];

	assert_int_equal(
		client_open_table(rig.client, &(struct table_request){.columns = {tags, 4}, .n_rows = 2}, &rig.err), 0);
	assert_int_equal(client_next_row(rig.client, &rig.arena, cells, &rig.err), 0);
	assert_int_equal(cells[1].bytes.size, 255);
	assert_int_equal(cells[3].bytes.size, 255);
	assert_int_equal(client_next_row(rig.client, &rig.arena, cells, &rig.err), 0);
	rig_assert_text(cells[1].bytes, "a\x01"
					"b & <c>\x1f\x0b\r\n\ttab");
	assert_int_equal(cells[3].tag, 0x1000000A);
	assert_int_equal(cells[3].number, KOPANO_NOT_FOUND);
	assert_int_equal(client_next_row(rig.client, &rig.arena, cells, &rig.err), KOPANO_END);
}

static void a_table_that_is_gone(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = T71 "0022-tableQueryRows.res.xml"});
	rig_assert_refused(client_next_page(rig.client, 10, &rig.err), ERR_GONE, KOPANO_NOT_FOUND, "tableQueryRows");
	assert_true(client_alive(rig.client));
}

static void an_export_names_the_items_that_are_there(void **state)
{
	(void)state;
	RIG_OPEN({.recorded = T72 "0003-exportMessageChangesAsStream.res.xml"},
		 {.recorded = T72 "0004-exportMessageChangesAsStream.res.xml"},
		 {.recorded = T72 "0003-exportMessageChangesAsStream.res.xml"});
	static const uint32_t tags[] = {0x67110003, 0x0037001F, 0x65E00102};
	const struct columns columns = {tags, 3};
	const struct item_key keys[6] = {{slice_of_text("p"), slice_of_text("k")}};
	static const uint32_t indexes[] = {0, 4, 5}, numbers[] = {21702, 21710, 21703};
	struct prop cells[3];
	uint32_t index;

	assert_int_equal(client_export(rig.client, keys, 6, &columns, &rig.err), 0);
	rig_assert_asked("<sPropTags SOAP-ENC:arrayType=\"xsd:unsignedInt[3]\">");
	rig_assert_asked("<param-1><item><sParentKey>cA==</sParentKey><sObjectKey>aw==</sObjectKey></item><item>");
	rig_assert_asked("</param-1><ulPropTag>1709179138</ulPropTag></ns:exportMessageChangesAsStream>");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(client_next_export(rig.client, &rig.arena, &index, cells, &rig.err), 0);
		assert_int_equal(index, indexes[i]);
		assert_int_equal(cells[0].number, numbers[i]);
	}
	assert_int_equal(client_next_export(rig.client, &rig.arena, &index, cells, &rig.err), KOPANO_END);
	assert_int_equal(client_export(rig.client, keys, 1, &columns, &rig.err), 0);
	assert_int_equal(client_next_export(rig.client, &rig.arena, &index, cells, &rig.err), KOPANO_END);

	assert_int_equal(client_export(rig.client, keys, 4, &columns, &rig.err), 0);
	assert_int_equal(client_next_export(rig.client, &rig.arena, &index, cells, &rig.err), 0);
	rig_assert_refused(client_next_export(rig.client, &rig.arena, &index, cells, &rig.err), ERR_AGAIN, 0,
			   "not asked for");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_table_is_read_page_by_page, client_rig_teardown),
		cmocka_unit_test_teardown(other_tables, client_rig_teardown),
		cmocka_unit_test_teardown(absent_and_special_cells, client_rig_teardown),
		cmocka_unit_test_teardown(a_table_that_is_gone, client_rig_teardown),
		cmocka_unit_test_teardown(an_export_names_the_items_that_are_there, client_rig_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
