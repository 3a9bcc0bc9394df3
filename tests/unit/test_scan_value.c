/* Values in elements: numbers, booleans, text with references and bad bytes, base64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge/kopano/scan.h"

static struct slice left;
static struct scan scan;
static struct arena arena;

static ssize_t read_one(void *context, uint8_t *buffer, size_t size, struct err *err)
{
	(void)context, (void)size, (void)err;
	if (left.size == 0)
		return 0;
	*buffer = *left.data++;
	left.size--;
	return 1;
}

static int setup(void **state)
{
	(void)state;
	scan_open(&scan, 1 << 20, read_one, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scan_close(&scan);
	arena_free(&arena);
	return 0;
}

/* Goes into <v>content</v>. */
static void enter_bytes(struct slice content)
{
	size_t size = content.size + 7;
	uint8_t *all = arena_alloc(&arena, size);

	memcpy(all, "<v>", 3);
	if (content.size)
		memcpy(all + 3, content.data, content.size);
	memcpy(all + 3 + content.size, "</v>", 4);
	left = slice_of(all, size);
	scan_reset(&scan);
	assert_int_equal(scan_next(&scan), SCAN_START);
}

static void enter(const char *content)
{
	enter_bytes(slice_of_text(content));
}

static void assert_read_to_the_end(void)
{
	assert_false(scan_child(&scan, 1));
	assert_int_equal(scan_next(&scan), SCAN_DONE);
}

static void assert_refused(const char *reason)
{
	assert_true(scan_failed(&scan));
	assert_int_equal(scan.err.class, ERR_AGAIN);
	if (!strstr(scan.err.text, reason))
		fail_msg("refused because: %s", scan.err.text);
}

static void numbers_have_32_or_64_bits(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint32_t number;
	} good[] = {{"0", 0},           {"4294967295", UINT32_MAX},  {"2147483650", 0x80000002},
		    {"-1", UINT32_MAX}, {"-2147483648", 0x80000000}, {"007", 7}};

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		enter(good[i].text);
		assert_int_equal(scan_u32(&scan), good[i].number);
		assert_read_to_the_end();
	}
	enter("18446744073709551615");
	assert_true(scan_u64(&scan) == UINT64_MAX);
	enter("-9223372036854775808");
	assert_true(scan_u64(&scan) == (uint64_t)INT64_MIN);
	assert_read_to_the_end();
}

static void what_is_no_number_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"",
					  "4294967296",
					  "-2147483649",
					  "x",
					  "1x",
					  " 1",
					  "0x10",
					  "1.0",
					  "+1",
					  "-",
					  "--1",
					  "&#49;",
					  "99999999999999999999999999"};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		enter(bad[i]);
		scan_u32(&scan);
		assert_refused("v is not a number");
	}
	enter("18446744073709551616");
	scan_u64(&scan);
	assert_refused("v is not a number");
	enter("-9223372036854775809");
	scan_u64(&scan);
	assert_refused("v is not a number");
	enter("<deep>1</deep>");
	scan_u32(&scan);
	assert_refused("not a number");
}

static void booleans_are_words_or_digits(void **state)
{
	(void)state;
	enter("true");
	assert_true(scan_bool(&scan));
	enter("1");
	assert_true(scan_bool(&scan));
	enter("false");
	assert_false(scan_bool(&scan));
	enter("0");
	assert_false(scan_bool(&scan));
	assert_read_to_the_end();
	enter("TRUE");
	scan_bool(&scan);
	assert_refused("v is not true or false");
	enter("");
	scan_bool(&scan);
	assert_refused("v is not true or false");
}

static void assert_text(const char *content, const char *expected)
{
	enter(content);
	struct slice text = scan_text(&scan, &arena);
	if (!slice_equal(text, slice_of_text(expected)))
		fail_msg("\"%s\" is read as \"%.*s\"", content, (int)text.size, (const char *)text.data);
	assert_read_to_the_end();
}

static void references_become_characters(void **state)
{
	(void)state;
	assert_text("", "");
	assert_text("plain", "plain");
	assert_text("&amp;", "&");
	assert_text("a &lt;b&gt; &quot;c&quot; &apos;d&apos; &amp;amp; e", "a <b> \"c\" 'd' &amp; e");
	assert_text("a&#x1;b&#x1F;&#xB;&#xD;\n\tc&#10;", "a\x01"
							 "b\x1f\x0b\r\n\tc\n");
	assert_text("&#xe4;&#8364;&#x1F600;", "ä€\xf0\x9f\x98\x80");
	assert_text("&#000065;&#x0000042;", "AB");
}

static void references_to_no_character_are_replaced(void **state)
{
	(void)state;
	assert_text("a&#0;b", "a\xef\xbf\xbd"
			      "b");
	assert_text("&#xD800;&#xDFFF;&#x110000;&#9999999999;", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

static void unknown_references_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"&nbsp;",       "&;",    "&",    "a & b", "&amp",  "&#;",
					  "&#x;",         "&#xg;", "&#a;", "&# ;",  "&AMP;", "&#x00000000000041;",
					  "&lt;&unknown;"};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		enter(bad[i]);
		assert_int_equal(scan_text(&scan, &arena).size, 0);
		assert_refused("v is not text: it has an unknown entity");
	}
}

static void bad_bytes_are_replaced(void **state)
{
	(void)state;
	assert_text("ä€😀", "ä€😀");
	assert_text("a\xff"
		    "b",
		    "a\xef\xbf\xbd"
		    "b");
	assert_text("\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd");
	assert_text("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	assert_text("cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd");
	assert_text("\xc3&#xa9;", "\xef\xbf\xbd\xc2\xa9");
	enter_bytes(slice_of("a\0b", 3));
	assert_true(slice_equal(scan_text(&scan, &arena), slice_of_text("a\xef\xbf\xbd"
									"b")));
}

static void text_outlives_the_document(void **state)
{
	(void)state;
	enter("first");
	struct slice first = scan_text(&scan, &arena);
	enter("other");
	scan_text(&scan, &arena);
	assert_true(slice_equal(first, slice_of_text("first")));
}

static void assert_bytes(const char *content, const void *expected, size_t size)
{
	enter(content);
	struct slice bytes = scan_base64(&scan, &arena);
	assert_int_equal(bytes.size, size);
	assert_true(slice_equal(bytes, slice_of(expected, size)));
	assert_read_to_the_end();
}

static void base64_becomes_bytes(void **state)
{
	(void)state;
	assert_bytes("", "", 0);
	assert_bytes("Zg==", "f", 1);
	assert_bytes("Zm8=", "fo", 2);
	assert_bytes("Zm9v", "foo", 3);
	assert_bytes("Zm9vYmFy", "foobar", 6);
	assert_bytes("Zm9vYg==", "foob", 4);
	assert_bytes("+/+/AP8=", "\xfb\xff\xbf\x00\xff", 5);
	assert_bytes(" Zm9v\r\n YmF\ty\n", "foobar", 6);
	assert_bytes("Zm9vYg=\n=", "foob", 4);
}

static void what_is_no_base64_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"Z",     "Zg",       "Zg=",      "Zg===",    "Z===",  "====",
					  "Zm9v=", "Zg==Zg==", "Zm9vY?==", "Zm9v-_Zm", "Zm9vé", "&#90;g=="};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		enter(bad[i]);
		scan_base64(&scan, &arena);
		assert_refused("v is not base64");
	}
}

static void memory_for_bytes_is_used_again(void **state)
{
	(void)state;
	struct scan_bytes bytes = {0};

	enter("Zm9vYmFy");
	scan_base64_into(&scan, &bytes);
	assert_true(slice_equal(slice_of(bytes.data, bytes.size), slice_of_text("foobar")));
	const uint8_t *data = bytes.data;
	enter("Zg==");
	scan_base64_into(&scan, &bytes);
	assert_true(slice_equal(slice_of(bytes.data, bytes.size), slice_of_text("f")));
	assert_ptr_equal(bytes.data, data);
	enter("");
	scan_base64_into(&scan, &bytes);
	assert_int_equal(bytes.size, 0);
	free(bytes.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_have_32_or_64_bits),
		cmocka_unit_test(what_is_no_number_is_refused),
		cmocka_unit_test(booleans_are_words_or_digits),
		cmocka_unit_test(references_become_characters),
		cmocka_unit_test(references_to_no_character_are_replaced),
		cmocka_unit_test(unknown_references_are_refused),
		cmocka_unit_test(bad_bytes_are_replaced),
		cmocka_unit_test(text_outlives_the_document),
		cmocka_unit_test(base64_becomes_bytes),
		cmocka_unit_test(what_is_no_base64_is_refused),
		cmocka_unit_test(memory_for_bytes_is_used_again),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
