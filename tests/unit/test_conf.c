/* The configuration's tree, its readers, and what they say about mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/conf.h"
#include "tests/support/scratch.h"

static struct conf_node *root;
static struct err err;

static int parse(const char *text)
{
	err = (struct err){0};
	root = NULL;
	return conf_parse("c.yaml", text, strlen(text), &root, &err);
}

static void assert_error(int rc, const char *text)
{
	assert_string_equal(err.text, text);
	assert_int_equal(rc, ERR_FATAL);
	assert_int_equal(err.exit_code, EXIT_USAGE);
}

static void a_tree_knows_where_its_nodes_stand(void **state)
{
	(void)state;
	assert_int_equal(parse("# comment\nsink:\n  kafka: {librdkafka: {acks: \"all\"}}\nlist: [a, b c]\n"), 0);
	const struct conf_node *acks =
		conf_get(conf_get(conf_get(conf_get(root, "sink"), "kafka"), "librdkafka"), "acks");
	assert_string_equal(acks->text, "all");
	assert_string_equal(acks->path, "sink.kafka.librdkafka.acks");
	assert_true(acks->quoted);
	assert_int_equal(acks->line, 3);
	assert_int_equal(acks->column, 24);
	const struct conf_node *list = conf_get(root, "list");
	assert_int_equal(list->kind, CONF_LIST);
	assert_int_equal(list->n_children, 2);
	assert_string_equal(list->children[1].text, "b c");
	assert_false(list->children[1].quoted);
	assert_int_equal(list->children[1].column, 11);
	assert_null(conf_get(root, "nothing"));
	assert_null(conf_get(NULL, "nothing"));
	conf_free(root);
}

static void maps_may_grow(void **state)
{
	char text[16000] = "", *end = text;
	(void)state;
	for (int i = 0; i < 1000; i++)
		end += sprintf(end, "key%d: %d\n", i, i);
	assert_int_equal(parse(text), 0);
	assert_int_equal(root->n_children, 1000);
	assert_string_equal(conf_get(root, "key999")->text, "999");
	conf_free(root);
	strcpy(end, "key1000: 0\n");
	assert_error(parse(text), "c.yaml:1001:1: too many keys in one map");
}

static void mistakes_of_form_are_named_with_their_place(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"", "c.yaml:1:1: the configuration is empty"},
		{"# nothing\n", "c.yaml:2:1: the configuration is empty"},
		{"- a\n", "c.yaml:1:1: the configuration must be a map, as in `source: ...`"},
		{"text", "c.yaml:1:1: the configuration must be a map, as in `source: ...`"},
		{"a: 1\nb: 2\na: 3\n", "c.yaml:3:1: key `a` is given twice, first in line 1"},
		{"a: {b: 1, b: 2}\n", "c.yaml:1:11: key `b` is given twice, first in line 1"},
		{"a: &x 1\n",
		 "c.yaml:1:4: anchors and aliases (& and *) are not accepted; put a text that begins so in "
		 "quotes"},
		{"a: [*x]\n",
		 "c.yaml:1:5: anchors and aliases (& and *) are not accepted; put a text that begins so in "
		 "quotes"},
		{"a: &x {b: 1}\n", "c.yaml:1:4: anchors and aliases (& and *) are not accepted; put a text that begins "
				   "so in quotes"},
		{"a: !!int 1\n", "c.yaml:1:4: tags (!) are not accepted; put a text that begins so in quotes"},
		{"a: !x [1]\n", "c.yaml:1:4: tags (!) are not accepted; put a text that begins so in quotes"},
		{"a: 1\n---\nb: 2\n", "c.yaml:2:1: a second document begins here; a configuration is only one"},
		{"a: [1\n",
		 "c.yaml:2:1: not valid YAML: did not find expected ',' or ']' while parsing a flow sequence"},
		{"a: 1\n b: 2\n", "c.yaml:2:3: not valid YAML: mapping values are not allowed in this context"},
		{"a:\n\t- b\n",
		 "c.yaml:2:1: not valid YAML: found character that cannot start any token while scanning "
		 "for the next token"},
		{"{[a]: 1}\n", "c.yaml:1:2: a key must be a text"},
		{"a: 1\nb: \xff\n", "c.yaml:2:4: not valid YAML: invalid leading UTF-8 octet"},
		{"a: \"x\\0y\"\n", "c.yaml:1:4: a NUL character is not accepted in a text"},
		{"a: [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]\n", "c.yaml:1:19: nested too deeply"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_error(parse(cases[i].text), cases[i].error);
}

static void an_unknown_key_names_the_nearest_known_one(void **state)
{
	static const char *const keys[] = {"mode", "stores", "folders", "associated", NULL};
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"folers: 1", "c.yaml:1:1: unknown key `folers`; did you mean `folders`?"},
		{"mode: 1\nFolders: 1", "c.yaml:2:1: unknown key `Folders`; did you mean `folders`?"},
		{"fodlers: 1", "c.yaml:1:1: unknown key `fodlers`; did you mean `folders`?"},
		{"mdoe: 1", "c.yaml:1:1: unknown key `mdoe`; did you mean `mode`?"},
		{"x: 1", "c.yaml:1:1: unknown key `x`; known here: mode, stores, folders, associated"},
		{"\"\": 1", "c.yaml:1:1: unknown key ``; known here: mode, stores, folders, associated"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(parse(cases[i].text), 0);
		assert_error(conf_keys(root, keys, &err), cases[i].error);
		conf_free(root);
	}
	assert_int_equal(parse("mode: 1\nfolders: [a]"), 0);
	assert_int_equal(conf_keys(root, keys, &err), 0);
	assert_error(conf_keys(conf_get(root, "mode"), keys, &err),
		     "c.yaml:1:1: `mode` must be a map of keys, as in `mode: ...`");
	conf_free(root);
}

static void absent_keys_leave_the_default(void **state)
{
	static const char *const names[] = {"x", NULL};
	const char *text = "default";
	bool flag = true;
	int64_t number = 7, n_bytes = 8;
	int choice = 9;
	const struct conf_node *list = NULL;
	(void)state;
	assert_int_equal(parse("other: 1"), 0);
	assert_int_equal(conf_text(root, "a", &text, &err), 0);
	assert_int_equal(conf_bool(root, "a", &flag, &err), 0);
	assert_int_equal(conf_integer(root, "a", 0, 1, &number, &err), 0);
	assert_int_equal(conf_bytes(root, "a", 0, 1, &n_bytes, &err), 0);
	assert_int_equal(conf_choice(root, "a", names, &choice, &err), 0);
	assert_int_equal(conf_list(root, "a", &list, &err), 0);
	assert_string_equal(text, "default");
	assert_true(flag && number == 7 && n_bytes == 8 && choice == 9 && !list);
	assert_error(conf_missing(root, "a", &err), "c.yaml:1:1: key `a` is missing");
	conf_free(root);
}

static void texts_and_lists(void **state)
{
	const char *text = NULL;
	const struct conf_node *list = NULL;
	(void)state;
	assert_int_equal(parse("t: x y\ne:\nq: \"\"\nl: [a, {b: c}]\nm: {k: v}\n"), 0);
	assert_int_equal(conf_text(root, "t", &text, &err), 0);
	assert_string_equal(text, "x y");
	assert_error(conf_text(root, "e", &text, &err), "c.yaml:2:1: `e` has no value");
	assert_error(conf_text(root, "q", &text, &err), "c.yaml:3:1: `q` has no value");
	assert_error(conf_text(root, "l", &text, &err), "c.yaml:4:1: `l` must be a single value, not a list");
	assert_error(conf_text(root, "m", &text, &err), "c.yaml:5:1: `m` must be a single value, not a map");
	assert_error(conf_list(root, "t", &list, &err),
		     "c.yaml:1:1: `t` must be a list, as in `t: [...]`, not a single value");
	assert_error(conf_list(root, "l", &list, &err), "c.yaml:4:8: `l` must be a single value, not a map");
	assert_error(conf_missing(conf_get(root, "m"), "x", &err), "c.yaml:5:1: key `m.x` is missing");
	assert_null(list);
	conf_free(root);
}

static void booleans_and_choices(void **state)
{
	static const char *const names[] = {"all", "none", NULL};
	bool flag = false;
	int choice = -1;
	(void)state;
	assert_int_equal(parse("t: true\nf: false\ny: yes\na: none\nb: al\n"), 0);
	assert_int_equal(conf_bool(root, "t", &flag, &err), 0);
	assert_true(flag);
	assert_int_equal(conf_bool(root, "f", &flag, &err), 0);
	assert_false(flag);
	assert_error(conf_bool(root, "y", &flag, &err), "c.yaml:3:1: `y` cannot be `yes`; known here: false, true");
	assert_int_equal(conf_choice(root, "a", names, &choice, &err), 0);
	assert_int_equal(choice, 1);
	assert_error(conf_choice(root, "b", names, &choice, &err),
		     "c.yaml:5:1: `b` cannot be `al`; did you mean `all`?");
	conf_free(root);
}

static void whole_numbers_have_bounds(void **state)
{
	static const char *const bad[] = {"0",      "101", "1.5", "0x10", "ten", "5 s", "99999999999999999999",
					  "\" 5\"", "+5"};
	int64_t number = 0;
	char text[128], error[256];
	(void)state;
	assert_int_equal(parse("a: 100"), 0);
	assert_int_equal(conf_integer(root, "a", 1, 100, &number, &err), 0);
	assert_int_equal(number, 100);
	conf_free(root);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		snprintf(text, sizeof text, "a: %s", bad[i]);
		assert_int_equal(parse(text), 0);
		snprintf(error, sizeof error, "c.yaml:1:1: `a` must be a whole number from 1 to 100, not `%s`",
			 conf_get(root, "a")->text);
		assert_error(conf_integer(root, "a", 1, 100, &number, &err), error);
		conf_free(root);
	}
}

static void sizes_have_units(void **state)
{
	static const struct {
		const char *text;
		int64_t n_bytes; /* -1: refused */
	} cases[] = {
		{"1000", 1000},
		{"1 KiB", 1024},
		{"32MiB", 32 << 20},
		{"2 GiB", INT64_C(2) << 30},
		{"32 MB", -1},
		{"32 mib", -1},
		{"9223372036854775807 KiB", -1},
		{"-1", -1},
		{"3 GiB", -1},
		{"1.5 MiB", -1},
		{"MiB", -1},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[128], error[256];
		int64_t n_bytes = -1;
		snprintf(text, sizeof text, "a: %s", cases[i].text);
		snprintf(error, sizeof error,
			 "c.yaml:1:1: `a` must be a size from 1000 bytes to 2 GiB, as in `32 MiB`, not `%s`",
			 cases[i].text);
		assert_int_equal(parse(text), 0);
		int rc = conf_bytes(root, "a", 1000, INT64_C(2) << 30, &n_bytes, &err);
		assert_int_equal(n_bytes, cases[i].n_bytes);
		if (n_bytes < 0)
			assert_error(rc, error);
		conf_free(root);
	}
}

static void files_are_read_with_care(void **state)
{
	char error[512];
	(void)state;
	const char *path = scratch_write_text("c.yaml", "\xef\xbb\xbfname: W\xc3\xb6rld\n");
	assert_int_equal(conf_load(path, &root, &err), 0);
	assert_string_equal(conf_get(root, "name")->text, "W\xc3\xb6rld");
	conf_free(root);

	path = scratch_path("none.yaml");
	snprintf(error, sizeof error, "cannot read the configuration %s: No such file or directory", path);
	assert_error(conf_load(path, &root, &err), error);
	path = scratch_path(".");
	snprintf(error, sizeof error, "cannot read the configuration %s: Is a directory", path);
	assert_error(conf_load(path, &root, &err), error);

	size_t n_bytes = (1 << 20) + 1;
	char *big = malloc(n_bytes);
	memset(big, '#', n_bytes);
	path = scratch_write("big.yaml", big, n_bytes);
	free(big);
	snprintf(error, sizeof error, "the configuration %s is larger than 1048576 bytes", path);
	assert_error(conf_load(path, &root, &err), error);
}

static void a_secret_is_the_first_line_of_its_file(void **state)
{
	static const struct {
		const char *content, *secret;
	} cases[] = {{"s3cret\n", "s3cret"}, {"s3cret", "s3cret"}, {"s3 cret \r\nmore\n", "s3 cret "}};
	char error[512], *secret = NULL;
	(void)state;
	assert_int_equal(parse("k: {password_file: x}"), 0);
	const struct conf_node *node = conf_get(conf_get(root, "k"), "password_file");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *path = scratch_write_text("secret", cases[i].content);
		assert_int_equal(conf_secret_file(node, path, &secret, &err), 0);
		assert_string_equal(secret, cases[i].secret);
		free(secret);
	}
	const char *path = scratch_write_text("secret", "\nsecond\n");
	snprintf(error, sizeof error, "c.yaml:1:5: `k.password_file`: the first line of %s is empty", path);
	assert_error(conf_secret_file(node, path, &secret, &err), error);
	path = scratch_path("none");
	snprintf(error, sizeof error, "c.yaml:1:5: `k.password_file`: cannot read %s: No such file or directory", path);
	assert_error(conf_secret_file(node, path, &secret, &err), error);
	path = scratch_write("secret", "a\0b", 3);
	snprintf(error, sizeof error,
		 "c.yaml:1:5: `k.password_file`: the first line of %s is no secret of up to 4096 characters", path);
	assert_error(conf_secret_file(node, path, &secret, &err), error);
	conf_free(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_knows_where_its_nodes_stand),
		cmocka_unit_test(maps_may_grow),
		cmocka_unit_test(mistakes_of_form_are_named_with_their_place),
		cmocka_unit_test(an_unknown_key_names_the_nearest_known_one),
		cmocka_unit_test(absent_keys_leave_the_default),
		cmocka_unit_test(texts_and_lists),
		cmocka_unit_test(booleans_and_choices),
		cmocka_unit_test(whole_numbers_have_bounds),
		cmocka_unit_test(sizes_have_units),
		cmocka_unit_test_setup_teardown(files_are_read_with_care, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(a_secret_is_the_first_line_of_its_file, scratch_make, scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
