/* The scanner's tokens, its walk over children, and every way in which it refuses a document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge/kopano/scan.h"

enum { LIMIT_BYTES = 1 << 20 };

struct document {
	struct slice bytes;
	size_t at, chunk;
};

static struct document document;
static struct scan scan;
static struct arena arena;

static ssize_t read_chunk(void *context, uint8_t *buffer, size_t size, struct err *err)
{
	struct document *from = context;
	size_t n = from->bytes.size - from->at;

	(void)err;
	n = n < from->chunk ? n : from->chunk;
	n = n < size ? n : size;
	if (n)
		memcpy(buffer, from->bytes.data + from->at, n);
	from->at += n;
	return (ssize_t)n;
}

static void feed(struct slice bytes, size_t chunk)
{
	document = (struct document){.bytes = bytes, .chunk = chunk};
	scan_reset(&scan);
}

static void feed_text(const char *text)
{
	feed(slice_of_text(text), 3);
}

static int setup(void **state)
{
	(void)state;
	scan_open(&scan, LIMIT_BYTES, read_chunk, &document);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scan_close(&scan);
	arena_free(&arena);
	return 0;
}

static void print_token(FILE *out, enum scan_token token)
{
	if (token == SCAN_START)
		fprintf(out, "<%.*s ", (int)scan.name.size, (const char *)scan.name.data);
	else if (token == SCAN_TEXT)
		fprintf(out, "%.*s ", (int)scan.text.size, (const char *)scan.text.data);
	else
		fprintf(out, token == SCAN_END ? "> " : "!");
}

/* The tokens as one string: <name text > ..., ! where it is refused. */
static const char *tokens_of(const char *text)
{
	char *all = NULL;
	size_t size;
	FILE *out = open_memstream(&all, &size);

	feed_text(text);
	for (enum scan_token token = SCAN_START; token != SCAN_FAILED && (token = scan_next(&scan)) != SCAN_DONE;)
		print_token(out, token);
	fclose(out);
	const char *kept = arena_text(&arena, "%s", all);
	free(all);
	return kept;
}

static void assert_refused(const char *text, const char *reason)
{
	const char *all = tokens_of(text);

	assert_int_equal(all[strlen(all) - 1], '!');
	assert_true(scan_failed(&scan));
	assert_int_equal(scan.err.class, ERR_AGAIN);
	if (!strstr(scan.err.text, reason))
		fail_msg("\"%s\" is refused because: %s", text, scan.err.text);
	assert_int_equal(scan_next(&scan), SCAN_FAILED);
	assert_false(scan_child(&scan, 0));
}

static void elements_and_text_are_tokens(void **state)
{
	(void)state;
	assert_string_equal(tokens_of("<a>x</a>"), "<a x > ");
	assert_string_equal(tokens_of("<?xml version=\"1.0\"?>\r\n<a><b>1</b><c/></a>\r\n"), "<a <b 1 > <c > > ");
	assert_string_equal(tokens_of("<a> <b></b>\n</a>"), "<a   <b > \n > ");
}

static void names_lose_their_prefix(void **state)
{
	(void)state;
	assert_string_equal(tokens_of("<E:a><ns:b:c>x</ns:b:c ></E:a\n>"), "<a <c x > > ");
}

static void attributes_are_skipped(void **state)
{
	(void)state;
	assert_string_equal(tokens_of("<a x=\"1\" y='>' z=\"/>\"><b t='&quot;\"'/><c\n/></a>"), "<a <b > <c > > ");
}

static void nothing_is_read_after_the_root(void **state)
{
	(void)state;
	feed(slice_of_text("<a></a><<<"), 7);
	assert_int_equal(scan_next(&scan), SCAN_START);
	assert_int_equal(scan_next(&scan), SCAN_END);
	assert_int_equal(scan_next(&scan), SCAN_DONE);
	assert_int_equal(scan_next(&scan), SCAN_DONE);
	assert_int_equal(document.at, 7);
}

static void what_is_no_soap_is_refused(void **state)
{
	(void)state;
	assert_refused("<!DOCTYPE a [<!ENTITY b \"c\">]><a/>", "document type");
	assert_refused("<a><![CDATA[x]]></a>", "CDATA");
	assert_refused("<a><!-- x --></a>", "comment");
	assert_refused("<a><?php x?></a>", "processing instruction");
	assert_refused("<?php x?><a/>", "processing instruction");
	assert_refused("<?xml version='1.0'?><?xml version='1.0'?><a/>", "processing instruction");
	assert_refused("HTTP/1.0 and so on", "does not begin");
	assert_refused("\xef\xbb\xbf<a/>", "does not begin");
}

static void what_is_not_well_formed_is_refused(void **state)
{
	(void)state;
	assert_refused("<a></b>", "end tag");
	assert_refused("<a></aa>", "end tag");
	assert_refused("<aa></a></aa>", "end tag");
	assert_refused("<a></a x>", "end tag");
	assert_refused("</a>", "end tag");
	assert_refused("<a><b></a></b>", "end tag");
	assert_refused("<>x</>", "name");
	assert_refused("<a:>x</a:>", "name");
	assert_refused("< a/>", "name");
	assert_refused("<a\"b/>", "name");
	assert_refused("<a <b/>", "no end");
}

static void an_answer_that_ends_too_early_is_refused(void **state)
{
	(void)state;
	static const char text[] = "<?xml version=\"1.0\"?>\n<E:a x=\"y\"><b>1&amp;2</b><c/> <d>3</d ></E:a>";

	for (size_t n = 0; n < sizeof text - 1; n++) {
		feed(slice_of(text, n), 5);
		for (enum scan_token token; (token = scan_next(&scan)) != SCAN_FAILED;)
			assert_int_not_equal(token, SCAN_DONE);
		assert_non_null(strstr(scan.err.text, "ends too early"));
		assert_int_equal(scan.err.class, ERR_AGAIN);
	}
}

static char *repeat(const char *text, size_t n)
{
	size_t size = strlen(text);
	char *all = xmalloc(n * size + 1);

	for (size_t i = 0; i < n; i++)
		memcpy(all + i * size, text, size);
	all[n * size] = '\0';
	return all;
}

static void nesting_has_a_limit(void **state)
{
	(void)state;
	char *deep = repeat("<a>", 100000);

	assert_refused(deep, "too deeply");
	assert_int_equal(scan.depth, SCAN_DEPTH_LIMIT);
	deep[3 * SCAN_DEPTH_LIMIT] = '\0';
	assert_refused(deep, "ends too early");
	free(deep);
}

static void tags_have_a_limit(void **state)
{
	(void)state;
	char *name = repeat("n", SCAN_NAME_LIMIT_BYTES + 1);

	assert_refused(arena_text(&arena, "<%s/>", name), "name");
	assert_string_equal(tokens_of(arena_text(&arena, "<a><%s></%s></a>", name + 1, name + 1)),
			    arena_text(&arena, "<a <%s > > ", name + 1));
	free(name);
	char *attributes = repeat("x='y' ", SCAN_TAG_LIMIT_BYTES);
	assert_refused(arena_text(&arena, "<a %s/>", attributes), "a tag has no end");
	free(attributes);
	char *spaces = repeat(" ", SCAN_TAG_LIMIT_BYTES);
	assert_refused(arena_text(&arena, "<a></a%s>", spaces), "end tag");
	free(spaces);
	char *endless = repeat("n", LIMIT_BYTES);
	assert_refused(arena_text(&arena, "<%s", endless), "name");
	free(endless);
}

static void an_element_has_a_limit(void **state)
{
	(void)state;
	char *text = repeat("x", 2 * LIMIT_BYTES);

	text[0] = '<', text[2] = '>';
	feed(slice_of(text, 2 * LIMIT_BYTES), 4096);
	assert_int_equal(scan_next(&scan), SCAN_START);
	assert_int_equal(scan_next(&scan), SCAN_FAILED);
	assert_int_equal(scan.err.class, ERR_BAD);
	assert_non_null(strstr(scan.err.text, "bigger than 1024 KiB"));
	assert_in_range(document.at, LIMIT_BYTES, LIMIT_BYTES + 4096);
	free(text);
}

static void the_limit_begins_anew_with_each_element(void **state)
{
	(void)state;
	char *items = repeat("<item>some text</item>", LIMIT_BYTES / 8);
	const char *all = arena_text(&arena, "<a>%s</a>", items);

	feed(slice_of_text(all), 4096);
	assert_int_equal(scan_next(&scan), SCAN_START);
	int n = 0;
	for (; scan_child(&scan, 1); n++)
		scan_renew_limit(&scan);
	assert_false(scan_failed(&scan));
	assert_int_equal(n, LIMIT_BYTES / 8);
	assert_int_equal(scan.capacity, SCAN_BUFFER_BYTES);

	feed(slice_of_text(all), 4096);
	assert_int_equal(scan_next(&scan), SCAN_START);
	while (scan_child(&scan, 1))
		;
	assert_true(scan_failed(&scan));
	assert_int_equal(scan.err.class, ERR_BAD);
	free(items);
}

static void a_long_text_is_one_token(void **state)
{
	(void)state;
	char *text = repeat("0123456789", LIMIT_BYTES / 20);

	for (size_t chunk = 1000; chunk < LIMIT_BYTES; chunk *= 10) {
		feed(slice_of_text(arena_text(&arena, "<a><b>x</b><b>%s</b></a>", text)), chunk);
		assert_int_equal(scan_next(&scan), SCAN_START);
		assert_true(scan_child(&scan, 1));
		assert_true(scan_child(&scan, 1));
		assert_true(slice_equal(scan_raw(&scan), slice_of_text(text)));
		assert_false(scan_child(&scan, 1));
		assert_int_equal(scan_next(&scan), SCAN_DONE);
	}
	free(text);
}

static void what_is_not_read_is_skipped(void **state)
{
	(void)state;
	feed_text("<a>mixed<b><c><d>1</d></c>2</b><e/><f>3<g>4</g></f><h>5</h></a>");
	assert_int_equal(scan_next(&scan), SCAN_START);
	assert_true(scan_child(&scan, 1));
	assert_true(scan_is(&scan, "b"));
	assert_true(scan_child(&scan, 1));
	assert_true(scan_is(&scan, "e"));
	assert_int_equal(scan_raw(&scan).size, 0);
	assert_true(scan_child(&scan, 1));
	assert_true(scan_is(&scan, "f"));
	assert_true(slice_equal(scan_raw(&scan), slice_of_text("3")));
	assert_true(scan_child_named(&scan, 1, "h"));
	assert_int_equal(scan_u32(&scan), 5);
	assert_false(scan_child(&scan, 1));
	assert_false(scan_failed(&scan));
	assert_int_equal(scan_next(&scan), SCAN_DONE);
}

static void children_of_children_are_not_children(void **state)
{
	(void)state;
	feed_text("<a><b><x>1</x></b><x>2</x></a>");
	assert_int_equal(scan_next(&scan), SCAN_START);
	assert_true(scan_child_named(&scan, 1, "x"));
	assert_int_equal(scan_u32(&scan), 2);
	assert_false(scan_child_named(&scan, 1, "x"));
}

static ssize_t broken_connection(void *context, uint8_t *buffer, size_t size, struct err *err)
{
	(void)context, (void)buffer, (void)size;
	err_set(err, ERR_STOPPED, "stopped");
	return -1;
}

static void an_error_of_the_connection_is_passed_on(void **state)
{
	(void)state;
	struct scan broken;

	scan_open(&broken, LIMIT_BYTES, broken_connection, NULL);
	assert_int_equal(scan_next(&broken), SCAN_FAILED);
	scan_refuse(&broken, ERR_BAD, "a later reason");
	assert_int_equal(broken.err.class, ERR_STOPPED);
	assert_string_equal(broken.err.text, "stopped");
	scan_close(&broken);
}

static void errors_tell_the_place(void **state)
{
	(void)state;
	char *items = repeat("<b>1</b>", 20000);

	assert_refused(arena_text(&arena, "<a>%s</x>", items), "at byte 160003 of the answer");
	free(items);
}

static void the_head_of_a_mime_part_is_skipped(void **state)
{
	(void)state;
	const char *text = "\r\n--==x\r\nContent-Type: application/xop+xml\r\nContent-ID: <a>\r\n\r\n<a/>";

	for (size_t chunk = 1; chunk < 80; chunk += 13) {
		feed(slice_of_text(text), chunk);
		assert_true(scan_skip_mime_head(&scan));
		assert_int_equal(scan_next(&scan), SCAN_START);
		assert_int_equal(scan_next(&scan), SCAN_END);
	}
	feed_text("--==x\r\nContent-Type: text/xml\r\n");
	assert_false(scan_skip_mime_head(&scan));
	char *endless = repeat("X: y\r\n", SCAN_TAG_LIMIT_BYTES);
	feed_text(endless);
	assert_false(scan_skip_mime_head(&scan));
	assert_non_null(strstr(scan.err.text, "no end of the header lines"));
	free(endless);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_and_text_are_tokens),
		cmocka_unit_test(names_lose_their_prefix),
		cmocka_unit_test(attributes_are_skipped),
		cmocka_unit_test(nothing_is_read_after_the_root),
		cmocka_unit_test(what_is_no_soap_is_refused),
		cmocka_unit_test(what_is_not_well_formed_is_refused),
		cmocka_unit_test(an_answer_that_ends_too_early_is_refused),
		cmocka_unit_test(nesting_has_a_limit),
		cmocka_unit_test(tags_have_a_limit),
		cmocka_unit_test(an_element_has_a_limit),
		cmocka_unit_test(the_limit_begins_anew_with_each_element),
		cmocka_unit_test(a_long_text_is_one_token),
		cmocka_unit_test(what_is_not_read_is_skipped),
		cmocka_unit_test(children_of_children_are_not_children),
		cmocka_unit_test(an_error_of_the_connection_is_passed_on),
		cmocka_unit_test(errors_tell_the_place),
		cmocka_unit_test(the_head_of_a_mime_part_is_skipped),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
