/* The scanner and what is made of its tokens, on any bytes. The first byte chooses the kind of answer (low half) and
 * the size of the pieces in which the others arrive (high half). tests/fuzz/corpus makes a start from recorded answers.
 */
#include <stdlib.h>

#include "bridge/kopano/answer.h"
#include "bridge/kopano/soap.h"
#include "proto/utf8.h"

enum { LIMIT_BYTES = 1 << 20, ARENA_FACTOR = 64 };

static const uint32_t tags[] = {0x67110003, 0x0037001F, 0x65E00102, 0x30080040, 0x0E1B000B, 0x0E080014, 0x00170002};
static const struct columns columns = {tags, sizeof tags / sizeof *tags};

struct document {
	struct slice left;
	size_t piece;
};

static struct arena arena;

static void must(bool good)
{
	if (!good)
		abort();
}

static ssize_t read_piece(void *context, uint8_t *buffer, size_t size, struct err *err)
{
	struct document *document = context;
	size_t n = document->left.size < document->piece ? document->left.size : document->piece;

	(void)err;
	n = n < size ? n : size;
	if (n)
		memcpy(buffer, document->left.data, n);
	document->left = slice_of(document->left.data + n, document->left.size - n);
	return (ssize_t)n;
}

static uint64_t hash_bytes(uint64_t hash, struct slice bytes)
{
	for (size_t i = 0; i < bytes.size; i++)
		hash = (hash ^ bytes.data[i]) * 0x100000001b3;
	return hash * 31 + bytes.size;
}

static uint64_t hash_tokens(struct slice bytes, size_t piece)
{
	struct document document = {bytes, piece};
	struct scan scan;
	uint64_t hash = 0;
	enum scan_token token;

	scan_open(&scan, LIMIT_BYTES, read_piece, &document);
	do {
		token = scan_next(&scan);
		hash = hash * 31 + token;
		if (token == SCAN_START)
			hash = hash_bytes(hash, scan.name);
		else if (token == SCAN_TEXT)
			hash = hash_bytes(hash, scan.text);
		must(scan.depth >= 0 && scan.depth <= SCAN_DEPTH_LIMIT);
	} while (token != SCAN_DONE && token != SCAN_FAILED);
	must(token == SCAN_FAILED || scan.depth == 0);
	scan_close(&scan);
	return hash;
}

static void check_text(struct slice text)
{
	must(text.size == 0 || utf8_is_good(text));
}

static void check_prop(const struct prop *prop)
{
	if ((prop->tag & 0xffff) == PT_UNICODE || (prop->tag & 0xffff) == PT_STRING8)
		check_text(prop->bytes);
}

static void check_cells(const struct prop *cells)
{
	for (size_t i = 0; i < columns.n; i++) {
		check_prop(&cells[i]);
		must(cells[i].tag == tags[i] || cells[i].tag == ((tags[i] & 0xffff0000) | PT_ERROR));
	}
}

static void check_object(const struct object *object)
{
	for (size_t i = 0; i < object->props.n; i++)
		check_prop(&object->props.props[i]);
	for (size_t i = 0; i < object->n_missing; i++)
		must(props_find(&object->props, object->missing[i]) == NULL);
}

static void read_entries(struct scan *scan)
{
	struct entry_keys keys = {0};
	struct journal_entry entry;
	int level = scan->depth;

	while (scan_child_named(scan, level, "item")) {
		answer_entry(scan, &keys, &entry);
		must(entry.source_key.size <= keys.source_key.capacity);
	}
	free(keys.source_key.data);
	free(keys.parent_source_key.data);
}

static void read_rows(struct scan *scan, bool exported)
{
	struct prop cells[sizeof tags / sizeof *tags];
	uint32_t index;
	int level = scan->depth;

	while (scan_child_named(scan, level, "item")) {
		if (exported)
			answer_export(scan, &arena, &columns, &index, cells);
		else
			answer_row(scan, &arena, &columns, cells);
		if (!scan_failed(scan))
			check_cells(cells);
	}
}

static void read_whole(struct scan *scan, int kind)
{
	struct logon_answer logon = {0};
	struct store_answer store = {0};
	struct prop_answer prop = {0};
	struct object object = {0};
	struct slice entry_id = {0};
	uint32_t sync_id;
	struct {
		answer_child_fn *child;
		void *answer;
	} const kinds[] = {{answer_logon, &logon},       {answer_store, &store}, {answer_sync, &sync_id},
			   {answer_entry_id, &entry_id}, {answer_prop, &prop},   {answer_object, &object}};

	answer_read(scan, &arena, kinds[kind].child, kinds[kind].answer);
	soap_leave(scan);
	check_text(logon.version);
	check_text(store.server_path);
	check_prop(&prop.prop);
	check_object(&object);
}

static void read_answer(struct scan *scan, int kind)
{
	static const char *const arrays[] = {"sChangesArray", "sRowSet", "sMsgStreams"};
	enum { N_WHOLE = 6 };

	if (!soap_enter(scan))
		return;
	if (kind < N_WHOLE)
		read_whole(scan, kind);
	else if (!scan_child_named(scan, scan->depth, arrays[kind - N_WHOLE]))
		return;
	else if (kind == N_WHOLE)
		read_entries(scan);
	else
		read_rows(scan, kind > N_WHOLE + 1);
	if (!scan_failed(scan))
		soap_leave(scan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct slice bytes = slice_of(data + 1, size - 1);
	size_t piece = (size_t)1 << (data[0] >> 4);
	int kind = (data[0] & 15) % 10;
	if (kind == 9) {
		must(hash_tokens(bytes, piece) == hash_tokens(bytes, size));
		return 0;
	}
	struct document document = {bytes, piece};
	struct scan scan;
	scan_open(&scan, LIMIT_BYTES, read_piece, &document);
	if (bytes.data[0] != '-' || scan_skip_mime_head(&scan))
		read_answer(&scan, kind);
	must(arena.n_bytes <= ARENA_FACTOR * size + (1 << 16));
	scan_close(&scan);
	arena_free(&arena);
	return 0;
}
