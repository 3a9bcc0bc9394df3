/* How fast answers of a Kopano server are read, without server or socket: a page of a contents table, bare and into
 * rows, and the entries of a journal. By CPU time, as JSON lines. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bridge/kopano/answer.h"
#include "bridge/kopano/soap.h"

enum { N_ROWS = 1000, N_ENTRIES = 10000, ROUNDS = 200 };

static const uint32_t tags[] = {0x0FFF0102, 0x65E00102, 0x65E10102, 0x65E20102, 0x67110003, 0x0037001F, 0x001A001F,
				0x00390040, 0x0042001F, 0x0064001F, 0x0065001F, 0x0C1A001F, 0x0C1E001F, 0x0C1F001F,
				0x0E04001F, 0x0E060040, 0x0E070003, 0x0E080003, 0x0E1B000B, 0x1035001F};
static const struct columns columns = {tags, sizeof tags / sizeof *tags};

struct document {
	char *bytes;
	size_t size, at;
};

static double cpu_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void put_cell(FILE *out, uint32_t tag, int row)
{
	fprintf(out, "<item><ulPropTag>%u</ulPropTag>", tag);
	switch (tag & 0xffff) {
	case PT_LONG:
		fprintf(out, "<ul>%d</ul>", 1000000 - row);
		break;
	case PT_BOOLEAN:
		fprintf(out, "<b>false</b>");
		break;
	case PT_SYSTIME:
		fprintf(out, "<hilo><hi>31292086</hi><lo>%u</lo></hilo>", 2436380544u + (unsigned)row);
		break;
	case PT_BINARY:
		fprintf(out, tag >> 16 == 0x0FFF
				     ? "<bin>AAAAAAKLjsf+n0U6haNWPl3Z1mUBAAAABQAAAIhX2rwOBkSwrKyLM6QKnZkAAAAA</bin>"
				     : "<bin>IWF0/WSySJunlkgRddS19NRVAAAAAA==</bin>");
		break;
	default:
		fprintf(out, "<lpszA>the minutes &amp; more of %d</lpszA>", row);
	}
	fprintf(out, "</item>");
}

static void put_row(FILE *out, int row)
{
	fprintf(out, "<item SOAP-ENC:arrayType=\"propVal[%zu]\">", columns.n);
	for (size_t i = 0; i < columns.n; i++)
		put_cell(out, tags[i], row);
	fprintf(out, "</item>");
}

static void put_entry(FILE *out, int entry)
{
	fprintf(out,
		"<item><ulChangeId>%d</ulChangeId><sSourceKey>IWF0/WSySJunlkgRddS19MAAAAAAAA==</"
		"sSourceKey><sParentSourceKey>"
		"IWF0/WSySJunlkgRddS19LsAAAAAAA==</sParentSourceKey><ulChangeType>4097</ulChangeType><ulFlags>0</"
		"ulFlags></item>",
		entry);
}

static struct document make(const char *answer, const char *array, int n, void (*put)(FILE *, int))
{
	struct document document = {0};
	FILE *out = open_memstream(&document.bytes, &document.size);

	fprintf(out, "<?xml version=\"1.0\"?>\n<E:Envelope><E:Body><ns:%s><er>0</er><%s>", answer, array);
	for (int i = 0; i < n; i++)
		put(out, i);
	fprintf(out, "</%s></ns:%s></E:Body></E:Envelope>\r\n", array, answer);
	fclose(out);
	return document;
}

static ssize_t read_document(void *context, uint8_t *buffer, size_t size, struct err *err)
{
	struct document *document = context;
	size_t n = document->size - document->at < size ? document->size - document->at : size;

	(void)err;
	memcpy(buffer, document->bytes + document->at, n);
	document->at += n;
	return (ssize_t)n;
}

static int go_to_array(struct scan *scan, struct document *document, const char *array)
{
	document->at = 0;
	scan_reset(scan);
	soap_enter(scan);
	scan_child_named(scan, scan->depth, array);
	return scan->depth;
}

static void check(const struct scan *scan, bool enough)
{
	if (!scan_failed(scan) && enough)
		return;
	fprintf(stderr, "the benchmark's own document cannot be read: %s\n", scan->err.text);
	exit(1);
}

static void bench_tokens(struct scan *scan, struct document *page)
{
	double start = cpu_s();
	size_t n = 0;

	for (int i = 0; i < ROUNDS; i++) {
		page->at = 0;
		scan_reset(scan);
		while (scan_next(scan) != SCAN_DONE && !scan_failed(scan))
			n++;
	}
	double s = cpu_s() - start;
	check(scan, n > 0);
	printf("{\"bench\":\"scanner\",\"mb_per_s\":%.0f,\"ns_per_token\":%.2f}\n",
	       (double)page->size * ROUNDS / s / 1e6, s * 1e9 / (double)n);
}

static void bench_rows(struct scan *scan, struct document *page)
{
	struct prop cells[sizeof tags / sizeof *tags];
	double start = cpu_s();
	int n = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct arena arena = {0};
		int level = go_to_array(scan, page, "sRowSet");
		for (; scan_child_named(scan, level, "item"); n++) {
			scan_renew_limit(scan);
			answer_row(scan, &arena, &columns, cells);
		}
		arena_free(&arena);
	}
	double s = cpu_s() - start;
	check(scan, n == N_ROWS * ROUNDS && cells[4].number == 1000000 - (N_ROWS - 1));
	printf("{\"bench\":\"table rows\",\"rows_per_s\":%.0f,\"mb_per_s\":%.0f}\n", n / s,
	       (double)page->size * ROUNDS / s / 1e6);
}

static void bench_entries(struct scan *scan, struct document *journal)
{
	struct entry_keys keys = {0};
	struct journal_entry entry = {0};
	double start = cpu_s();
	int n = 0;

	for (int i = 0; i < ROUNDS; i++) {
		int level = go_to_array(scan, journal, "sChangesArray");
		for (; scan_child_named(scan, level, "item"); n++) {
			scan_renew_limit(scan);
			answer_entry(scan, &keys, &entry);
		}
	}
	double s = cpu_s() - start;
	check(scan, n == N_ENTRIES * ROUNDS && entry.change_id == N_ENTRIES - 1);
	printf("{\"bench\":\"journal entries\",\"entries_per_s\":%.0f}\n", n / s);
	free(keys.source_key.data);
	free(keys.parent_source_key.data);
}

int main(void)
{
	struct document page = make("tableMultiResponse", "sRowSet", N_ROWS, put_row);
	struct document journal = make("icsChangeResponse", "sChangesArray", N_ENTRIES, put_entry);
	struct scan scan;

	scan_open(&scan, ELEMENT_LIMIT_BYTES, read_document, &page);
	bench_tokens(&scan, &page);
	bench_rows(&scan, &page);
	scan_close(&scan);
	scan_open(&scan, ELEMENT_LIMIT_BYTES, read_document, &journal);
	bench_entries(&scan, &journal);
	scan_close(&scan);
	free(page.bytes);
	free(journal.bytes);
	return 0;
}
