/* The whole configuration, with drivers of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/settings.h"
#include "tests/support/scratch.h"

static int n_configs; /* alive */

static int configure_source(const struct conf_node *node, const struct follow *follow, void **config, struct err *err)
{
	static const char *const keys[] = {"url", NULL};
	(void)follow;
	if (conf_keys(node, keys, err))
		return ERR_FATAL;
	*config = malloc(1);
	n_configs++;
	return 0;
}

static int configure_sink(const struct conf_node *node, void **config, struct err *err)
{
	return configure_source(node, NULL, config, err);
}

static void free_config(void *config)
{
	n_configs -= config != NULL;
	free(config);
}

static const struct source_driver groupware = {
	.name = "groupware", .configure = configure_source, .free_config = free_config};
static const struct sink_driver queue = {.name = "queue", .configure = configure_sink, .free_config = free_config};
static const struct sink_driver paper = {.name = "paper", .configure = configure_sink, .free_config = free_config};
static const struct source_driver *const sources[] = {&groupware, NULL};
static const struct sink_driver *const sinks[] = {&queue, &paper, NULL};

static struct settings settings;
static struct err err;

static int load(const char *text)
{
	err = (struct err){0};
	return settings_load(scratch_write_text("c.yaml", text), sources, sinks, &settings, &err);
}

#define SOURCE   "source: {groupware: {url: x}}\n"
#define FOLLOW   "follow: {mode: folders, stores: [user1, public], folders: [Inbox, Projects/A]}\n"
#define SNAPSHOT "snapshot: all\n"
#define SINK     "sink: {paper: {}}\n"
#define STATE    "state: {path: /var/lib/tidings/state.db}\n"
#define GOOD     SOURCE FOLLOW SNAPSHOT SINK STATE

static void all_of_it_is_read(void **state)
{
	(void)state;
	assert_int_equal(load(GOOD), 0);
	assert_ptr_equal(settings.source, &groupware);
	assert_ptr_equal(settings.sink, &paper);
	assert_non_null(settings.source_config);
	assert_non_null(settings.sink_config);
	assert_int_equal(settings.follow.mode, FOLLOW_FOLDERS);
	assert_int_equal(settings.follow.stores->n_children, 2);
	assert_string_equal(settings.follow.folders->children[1].text, "Projects/A");
	assert_true(settings.follow.snapshot);
	assert_string_equal(settings.state_path, "/var/lib/tidings/state.db");
	settings_free(&settings);
	assert_int_equal(n_configs, 0);
}

static void what_is_absent_has_its_default(void **state)
{
	(void)state;
	assert_int_equal(load(GOOD), 0);
	assert_false(settings.follow.associated);
	assert_int_equal(settings.budget_bytes, 8 << 20);
	assert_int_equal(settings.log_level, LOG_LEVEL_INFO);
	settings_free(&settings);
}

static void what_is_written_counts(void **state)
{
	(void)state;
	assert_int_equal(load(SOURCE
			      "follow: {mode: folders, stores: [a], folders: ['a\\/b\\*\\\\'], associated: true}\n"
			      "snapshot: none\nnotifications: off\n" SINK STATE
			      "memory: {budget: 4 MiB}\nlog: {level: debug}\n"),
			 0);
	assert_true(settings.follow.associated);
	assert_false(settings.follow.snapshot);
	assert_int_equal(settings.budget_bytes, 4 << 20);
	assert_int_equal(settings.log_level, LOG_LEVEL_DEBUG);
	settings_free(&settings);
}

static const char *const follow_folders = "follow: {mode: folders, stores: [a], folders: ['%s']}\n";

static void folders_are_patterns(void **state)
{
	static const struct {
		const char *folder, *error;
	} cases[] = {
		{"/Inbox", "a name before a slash is empty"},
		{"Inbox/", "the name after the last slash is empty"},
		{"a\\b", "after \\ only /, * or \\ may follow"},
		{"a**", "** stands for whole names: write it alone between slashes, as in `Projects/**/Old`"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char follow[128], text[512], error[512];
		snprintf(follow, sizeof follow, follow_folders, cases[i].folder);
		snprintf(text, sizeof text, SOURCE "%s" SNAPSHOT SINK STATE, follow);
		snprintf(error, sizeof error, "%s:2:48: `%s`: %s", scratch_path("c.yaml"), cases[i].folder,
			 cases[i].error);
		assert_int_equal(load(text), ERR_FATAL);
		assert_string_equal(err.text, error);
		settings_free(&settings);
	}
	static const char *const good[] = {"a\\/b", "\\*", "Projects/*", "**", "a/**/b*"};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		char follow[128], text[512];
		snprintf(follow, sizeof follow, follow_folders, good[i]);
		snprintf(text, sizeof text, SOURCE "%s" SNAPSHOT SINK STATE, follow);
		assert_int_equal(load(text), 0);
		settings_free(&settings);
	}
}

static void each_mode_has_its_objects(void **state)
{
	static const struct {
		const char *follow;
		enum follow_mode mode;
		unsigned objects;
	} cases[] = {
		{"follow: {mode: folders, stores: [a], folders: [b]}\n", FOLLOW_FOLDERS, FOLLOW_ITEM | FOLLOW_FOLDER},
		{"follow: {mode: stores, stores: [a]}\n", FOLLOW_STORES, FOLLOW_ITEM | FOLLOW_FOLDER | FOLLOW_STORE},
		{"follow: {mode: server}\n", FOLLOW_SERVER, 31},
		{"follow: {mode: server, objects: [users, items]}\n", FOLLOW_SERVER, FOLLOW_ITEM | FOLLOW_USER},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[512];
		snprintf(text, sizeof text, SOURCE "%s" SNAPSHOT SINK STATE, cases[i].follow);
		assert_int_equal(load(text), 0);
		assert_int_equal(settings.follow.mode, cases[i].mode);
		assert_int_equal(settings.follow.objects, cases[i].objects);
		settings_free(&settings);
	}
}

static void a_whole_server_can_be_narrowed(void **state)
{
	(void)state;
	assert_int_equal(load(SOURCE "follow: {mode: server, folders: [Inbox/**], classes: [IPF.Note], hidden: true}\n"
				     "snapshot: {mode: all, items_per_second: 1000}\n" SINK STATE),
			 0);
	assert_null(settings.follow.stores);
	assert_int_equal(settings.follow.folders->n_children, 1);
	assert_string_equal(settings.follow.classes->children[0].text, "IPF.Note");
	assert_true(settings.follow.hidden);
	assert_true(settings.follow.snapshot);
	assert_int_equal(settings.follow.items_per_second, 1000);
	settings_free(&settings);
}

static void mistakes_are_named_with_their_place(void **state)
{
	static const struct {
		const char *text, *error; /* after the file's name */
	} cases[] = {
		{FOLLOW SNAPSHOT SINK STATE, ":1:1: key `source` is missing"},
		{SOURCE SNAPSHOT SINK STATE, ":1:1: key `follow` is missing"},
		{SOURCE FOLLOW SINK STATE,
		 ":1:1: key `snapshot` is missing: write `snapshot: all` to list first what is "
		 "there, or `snapshot: none`"},
		{SOURCE FOLLOW SNAPSHOT STATE, ":1:1: key `sink` is missing"},
		{SOURCE FOLLOW SNAPSHOT SINK, ":1:1: key `state` is missing"},
		{GOOD "folow: 1\n", ":6:1: unknown key `folow`; did you mean `follow`?"},
		{"source: x\n" FOLLOW SNAPSHOT SINK STATE,
		 ":1:1: `source` must be a map of keys, as in `groupware: ...`"},
		{"source: {groupwear: {}}\n" FOLLOW SNAPSHOT SINK STATE,
		 ":1:10: unknown key `groupwear`; did you mean `groupware`?"},
		{"source: {}\n" FOLLOW SNAPSHOT SINK STATE,
		 ":1:1: `source` must name exactly one, as in `source: {groupware: ...}`, not 0"},
		{SOURCE FOLLOW SNAPSHOT "sink: {queue: {}, paper: {}}\n" STATE,
		 ":4:1: `sink` must name exactly one, as in `sink: {queue: ...}`, not 2"},
		{SOURCE FOLLOW SNAPSHOT "sink: {queue: {ulr: 1}}\n" STATE,
		 ":4:16: unknown key `ulr`; did you mean `url`?"},
		{SOURCE "follow: {stores: [a], folders: [b]}\n" SNAPSHOT SINK STATE,
		 ":2:1: key `follow.mode` is missing"},
		{SOURCE "follow: {mode: server, stores: [a]}\n" SNAPSHOT SINK STATE,
		 ":2:24: `follow.stores` is not for `mode: server`, which follows all of them; write `mode: stores`, "
		 "or "
		 "leave it out"},
		{SOURCE "follow: {mode: stores}\n" SNAPSHOT SINK STATE, ":2:1: key `follow.stores` is missing"},
		{SOURCE "follow: {mode: server, classes: []}\n" SNAPSHOT SINK STATE,
		 ":2:24: `follow.classes` is an empty list: nothing would be followed"},
		{SOURCE "follow: {mode: server, objects: [item]}\n" SNAPSHOT SINK STATE,
		 ":2:34: `follow.objects` cannot have `item`; known here: items, folders, stores, users, groups"},
		{SOURCE FOLLOW "snapshot: {mode: all, rate: 5}\n" SINK STATE,
		 ":3:23: unknown key `rate`; known here: mode, items_per_second"},
		{SOURCE FOLLOW "snapshot: {items_per_second: 5}\n" SINK STATE, ":3:1: key `snapshot.mode` is missing"},
		{SOURCE FOLLOW "snapshot: {mode: all, items_per_second: 0}\n" SINK STATE,
		 ":3:23: `snapshot.items_per_second` must be a whole number from 1 to 1000000, not `0`"},
		{SOURCE "follow: {mode: folder}\n" SNAPSHOT SINK STATE,
		 ":2:10: `follow.mode` cannot be `folder`; did you mean `folders`?"},
		{SOURCE "follow: {mode: folders, folders: [b]}\n" SNAPSHOT SINK STATE,
		 ":2:1: key `follow.stores` is missing"},
		{SOURCE "follow: {mode: folders, stores: [a]}\n" SNAPSHOT SINK STATE,
		 ":2:1: key `follow.folders` is missing"},
		{SOURCE "follow: {mode: folders, stores: [], folders: [b]}\n" SNAPSHOT SINK STATE,
		 ":2:25: `follow.stores` is an empty list: nothing would be followed"},
		{SOURCE "follow: {mode: folders, stores: [a, b, a], folders: [b]}\n" SNAPSHOT SINK STATE,
		 ":2:40: `a` is given twice"},
		{SOURCE FOLLOW "snapshot: some\n" SINK STATE,
		 ":3:1: `snapshot` cannot be `some`; known here: none, all"},
		{GOOD "notifications: loud\n",
		 ":6:1: `notifications` cannot be `loud`; known here: off, wake, publish"},
		{SOURCE FOLLOW SNAPSHOT SINK "state: {}\n", ":5:1: key `state.path` is missing"},
		{SOURCE FOLLOW SNAPSHOT SINK "state: {path: }\n", ":5:9: `state.path` has no value"},
		{GOOD "memory: {budget: 3 MiB}\n",
		 ":6:10: `memory.budget` must be a size from 4 MiB to 1024 GiB, as in `32 MiB`, not `3 MiB`"},
		{GOOD "memory: {buget: 3 MiB}\n", ":6:10: unknown key `buget`; did you mean `budget`?"},
		{GOOD "log: {level: warn}\n",
		 ":6:7: `log.level` cannot be `warn`; known here: error, warning, info, debug"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(load(cases[i].text), ERR_FATAL);
		assert_int_equal(err.exit_code, EXIT_USAGE);
		assert_string_equal(err.text + strlen(scratch_path("c.yaml")), cases[i].error);
		settings_free(&settings);
		assert_int_equal(n_configs, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_of_it_is_read, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(what_is_absent_has_its_default, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(what_is_written_counts, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(folders_are_patterns, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(each_mode_has_its_objects, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(a_whole_server_can_be_narrowed, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(mistakes_are_named_with_their_place, scratch_make, scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
