#include <stdlib.h>

#include "bridge/kopano/session.h"

enum { TABLE_TYPE_STORE = 1, TABLE_TYPE_MAILBOX = 10, ROWS_FOLDERS = 3, ROWS_ITEMS = 5 };
enum { UNICODE = 0x80000000 };
enum { RESTRICT_PROPERTY = 4, RELATION_LESS = 0, RELATION_EQUAL = 4, DESCENDING = 1 };
enum { TAG_SOURCE_KEY = 0x65E00102, TAG_ITEM_NUMBER = 0x67110003 };

static void keep_columns(struct client *client, const struct columns *columns)
{
	client->tags = xrealloc(client->tags, columns->n * sizeof *columns->tags);
	if (columns->n)
		memcpy(client->tags, columns->tags, columns->n * sizeof *columns->tags);
	client->columns = (struct columns){client->tags, columns->n};
}

static void write_open(struct soap *soap, const struct table_request *request)
{
	bool mailbox = request->kind == TABLE_MAILBOX;

	soap_open(soap, "lpOpen");
	soap_binary(soap, "sEntryId", request->folder_entry_id);
	soap_number(soap, "ulTableType", mailbox ? TABLE_TYPE_MAILBOX : TABLE_TYPE_STORE);
	soap_number(soap, "ulType", mailbox ? 0 : request->kind == TABLE_HIERARCHY ? ROWS_FOLDERS : ROWS_ITEMS);
	soap_number(soap, "ulFlags", request->flags | UNICODE);
	soap_close(soap, "lpOpen");
}

/* Descending item numbers are the server's order anyway, but a reader that goes on below a number relies on it. */
static void write_order(struct soap *soap)
{
	soap_open(soap, "lpSort");
	soap_open(soap, "sSortOrder");
	soap_open(soap, "item");
	soap_number(soap, "ulPropTag", TAG_ITEM_NUMBER);
	soap_number(soap, "ulOrder", DESCENDING);
	soap_close(soap, "item");
	soap_close(soap, "sSortOrder");
	soap_number(soap, "ulCategories", 0);
	soap_number(soap, "ulExpanded", 0);
	soap_close(soap, "lpSort");
}

static void write_value(struct soap *soap, const struct table_request *request)
{
	bool by_key = request->source_key.size > 0;

	soap_open(soap, "lpProp");
	soap_number(soap, "ulPropTag", by_key ? TAG_SOURCE_KEY : TAG_ITEM_NUMBER);
	if (by_key)
		soap_binary(soap, "bin", request->source_key);
	else
		soap_number(soap, "ul", request->below_item_number);
	soap_close(soap, "lpProp");
}

static void write_restriction(struct soap *soap, const struct table_request *request)
{
	bool by_key = request->source_key.size > 0;

	if (!by_key && !request->below_item_number)
		return;
	soap_open(soap, "lpRestrict");
	soap_number(soap, "ulType", RESTRICT_PROPERTY);
	soap_open(soap, "lpProp");
	soap_number(soap, "ulType", by_key ? RELATION_EQUAL : RELATION_LESS);
	soap_number(soap, "ulPropTag", by_key ? TAG_SOURCE_KEY : TAG_ITEM_NUMBER);
	write_value(soap, request);
	soap_close(soap, "lpProp");
	soap_close(soap, "lpRestrict");
}

static void write_rows(struct soap *soap, uint32_t n_rows)
{
	soap_open(soap, "lpQueryRows");
	soap_number(soap, "ulCount", n_rows);
	soap_number(soap, "ulFlags", 0);
	soap_close(soap, "lpQueryRows");
}

int client_open_table(struct client *client, const struct table_request *request, struct err *err)
{
	client_close_table(client);
	keep_columns(client, &request->columns);
	struct soap *soap = session_begin(client, &client->rows.channel, "tableMulti");

	soap_open(soap, "sRequest");
	soap_number(soap, "ulTableId", 0);
	soap_number(soap, "ulFlags", 0);
	write_open(soap, request);
	soap_tags(soap, "lpSetColumns", client->columns.tags, client->columns.n);
	if (request->kind == TABLE_CONTENTS)
		write_order(soap);
	write_restriction(soap, request);
	write_rows(soap, request->n_rows);
	soap_close(soap, "sRequest");
	int rc = reading_begin(client, &client->rows, "sRowSet", err);
	client->table = client->rows.table;
	return rc;
}

int client_next_page(struct client *client, uint32_t n_rows, struct err *err)
{
	reading_abandon(&client->rows);
	struct soap *soap = session_begin(client, &client->rows.channel, "tableQueryRows");

	soap_number(soap, "ulTableId", client->table);
	soap_number(soap, "ulRowCount", n_rows);
	soap_number(soap, "ulFlags", 0);
	return reading_begin(client, &client->rows, "sRowSet", err);
}

int client_next_row(struct client *client, struct arena *arena, struct prop *cells, struct err *err)
{
	int rc = reading_next(client, &client->rows, err);

	if (rc)
		return rc;
	answer_row(&client->rows.channel.scan, arena, &client->columns, cells);
	return reading_item_status(client, &client->rows, err);
}

void client_close_table(struct client *client)
{
	uint32_t er = client->er;
	struct err unused;

	reading_abandon(&client->rows);
	if (client->table && client->alive) {
		soap_number(session_begin(client, &client->calls, "tableClose"), "ulTableId", client->table);
		session_call(client, NULL, NULL, NULL, &unused);
		client->er = er; /* of the call that led here */
	}
	client->table = 0;
}

static void write_keys(struct soap *soap, const struct item_key *keys, size_t n_keys)
{
	soap_open(soap, "param-1"); /* so the server's interface calls it */
	for (size_t i = 0; i < n_keys; i++) {
		soap_open(soap, "item");
		soap_binary(soap, "sParentKey", keys[i].parent_source_key);
		soap_binary(soap, "sObjectKey", keys[i].source_key);
		soap_close(soap, "item");
	}
	soap_close(soap, "param-1");
}

int client_export(struct client *client, const struct item_key *keys, size_t n_keys, const struct columns *columns,
		  struct err *err)
{
	reading_abandon(&client->rows);
	keep_columns(client, columns);
	struct soap *soap = session_begin(client, &client->rows.channel, "exportMessageChangesAsStream");

	soap_number(soap, "ulFlags", 0);
	soap_tags(soap, "sPropTags", client->columns.tags, client->columns.n);
	write_keys(soap, keys, n_keys);
	soap_number(soap, "ulPropTag", TAG_SOURCE_KEY);
	int rc = reading_begin(client, &client->rows, "sMsgStreams", err);
	client->rows.n_keys = n_keys;
	return rc;
}

int client_next_export(struct client *client, struct arena *arena, uint32_t *index, struct prop *cells, struct err *err)
{
	struct scan *scan = &client->rows.channel.scan;
	int rc = reading_next(client, &client->rows, err);

	if (rc)
		return rc;
	answer_export(scan, arena, &client->columns, index, cells);
	if (*index >= client->rows.n_keys)
		scan_refuse(scan, ERR_AGAIN, "the answer has an item that was not asked for");
	return reading_item_status(client, &client->rows, err);
}

static void answer_count(struct scan *scan, struct arena *arena, void *count)
{
	(void)arena;
	if (scan_is(scan, "ulCount"))
		*(uint32_t *)count = scan_u32(scan);
}

int client_count_rows(struct client *client, uint32_t *n_rows, struct err *err)
{
	struct soap *soap = session_begin(client, &client->calls, "tableGetRowCount");

	soap_number(soap, "ulTableId", client->table);
	return session_call(client, answer_count, NULL, n_rows, err);
}
