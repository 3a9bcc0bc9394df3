/* Every answer recorded from a real server gives the same tokens however its bytes arrive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <glob.h>

#include "bridge/kopano/scan.h"

static const char recordings[] = "tests/data/transcripts/kopano/*/*.res.xml";

struct document {
	uint8_t *bytes;
	size_t size, at, chunk;
};

static struct document load(const char *path)
{
	struct document document = {0};
	FILE *file = fopen(path, "rb");

	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	document.size = (size_t)ftell(file);
	rewind(file);
	document.bytes = xmalloc(document.size);
	assert_int_equal(fread(document.bytes, 1, document.size, file), document.size);
	fclose(file);
	return document;
}

static ssize_t read_chunk(void *context, uint8_t *buffer, size_t size, struct err *err)
{
	struct document *from = context;
	size_t n = from->size - from->at;

	(void)err;
	n = n < from->chunk ? n : from->chunk;
	n = n < size ? n : size;
	memcpy(buffer, from->bytes + from->at, n);
	from->at += n;
	return (ssize_t)n;
}

static void add(uint64_t *hash, struct slice bytes)
{
	for (size_t i = 0; i < bytes.size; i++)
		*hash = (*hash ^ bytes.data[i]) * 0x100000001b3;
}

static bool is_multipart(const struct document *document)
{
	return document->size > 4 && memmem(document->bytes, 4, "--", 2);
}

/* A number for all tokens of the document. */
static uint64_t fingerprint(struct document *document, size_t chunk, const char *path)
{
	struct scan scan;
	uint64_t hash = 0xcbf29ce484222325;

	document->at = 0;
	document->chunk = chunk;
	scan_open(&scan, 1 << 20, read_chunk, document);
	if (is_multipart(document))
		assert_true(scan_skip_mime_head(&scan));
	for (enum scan_token token; (token = scan_next(&scan)) != SCAN_DONE;) {
		uint8_t kind = (uint8_t)token;
		add(&hash, slice_of(&kind, 1));
		if (token == SCAN_START)
			add(&hash, scan.name);
		else if (token == SCAN_TEXT)
			add(&hash, scan.text);
		else if (token == SCAN_FAILED)
			fail_msg("%s in chunks of %zu: %s", path, chunk, scan.err.text);
	}
	scan_close(&scan);
	return hash;
}

static void tokens_do_not_depend_on_the_chunks(void **state)
{
	(void)state;
	glob_t found;
	size_t n = 0;

	assert_int_equal(glob(recordings, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *path = found.gl_pathv[i];
		struct document document = load(path);
		if (document.size) { /* the server gave some no answer */
			uint64_t whole = fingerprint(&document, document.size, path);
			assert_true(fingerprint(&document, 1, path) == whole);
			assert_true(fingerprint(&document, 7, path) == whole);
			assert_true(fingerprint(&document, 4096, path) == whole);
			n++;
		}
		free(document.bytes);
	}
	globfree(&found);
	assert_in_range(n, 900, 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(tokens_do_not_depend_on_the_chunks)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
