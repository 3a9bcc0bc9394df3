/* The file sink: the suite, and the rules about records that wait, with a loop that does not serve the sink.
 *
 * The suite skips what a file cannot do: open never waits, a record is never refused by itself once it is taken, and
 * drain is over when the disk has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/file/file.h"
#include "core/router.h"
#include "tests/conformance/sink.h"
#include "tests/support/scratch.h"

enum { PATIENCE_MS = 20000, MOST_SENT = 4096 };

extern const struct sink_driver file_driver;

/* The file has values only, so the end notes which key each was sent with. */
struct end {
	char directory[256];
	struct file_config config;
	struct slice keys[MOST_SENT], values[MOST_SENT];
	size_t n_sent;
	bool held;
} end;

static void *begin(void)
{
	scratch_make(NULL);
	end = (struct end){.config = {.directory = end.directory}};
	strcpy(end.directory, scratch_path("."));
	return &end;
}

static void finish(void *unused)
{
	(void)unused;
	scratch_remove(NULL);
}

static const void *config(void *unused)
{
	(void)unused;
	return &end.config;
}

static int send_noted(struct sink *sink, const struct record *record, struct err *err)
{
	int rc = file_driver.ops->send(sink, record, err);
	if (rc == 0) {
		end.keys[end.n_sent] = record->key;
		end.values[end.n_sent++] = record->value;
	}
	return rc;
}

static bool has_key(struct slice value, struct slice key)
{
	for (size_t i = 0; i < end.n_sent; i++)
		if (slice_equal(end.values[i], value))
			return slice_equal(end.keys[i], key);
	fail_msg("a value in the file that was never sent");
	return false;
}

static bool next_value(FILE *file, struct arena *arena, struct slice *value)
{
	uint8_t length[FILE_LENGTH_BYTES];
	if (fread(length, 1, sizeof length, file) < sizeof length)
		return false;
	size_t size = (size_t)length[0] | (size_t)length[1] << 8 | (size_t)length[2] << 16 | (size_t)length[3] << 24;
	uint8_t *data = arena_alloc(arena, size);
	*value = slice_of(data, size);
	return fread(data, 1, size, file) == size;
}

static size_t arrived(void *unused, struct slice key, struct arena *arena, struct slice **values)
{
	size_t n = 0;
	(void)unused;
	FILE *file = fopen(scratch_path("items.records"), "r");
	*values = arena_alloc(arena, MOST_SENT * sizeof **values);
	while (n < MOST_SENT && next_value(file, arena, &(*values)[n]))
		n += has_key((*values)[n], key);
	fclose(file);
	return n;
}

static void forget(void *unused)
{
	(void)unused;
	for (int i = 0; i < N_TOPICS; i++) {
		char name[64];
		snprintf(name, sizeof name, "%s.records", topic_name(i));
		unlink(scratch_path(name));
	}
}

/* ---- a loop that does not serve ---- */

static int serve_unless_held(struct sink *sink, struct err *err)
{
	return end.held ? 0 : file_driver.ops->service(sink, err);
}

static void hold(void *unused)
{
	(void)unused;
	end.held = true;
}

static void let_go(void *unused)
{
	(void)unused;
	end.held = false;
}

static struct sink_ops ops;

static const struct sink_case file = {
	.name = "file",
	.ops = &ops,
	.patience_ms = PATIENCE_MS,
	.begin = begin,
	.finish = finish,
	.config = config,
	.arrived = arrived,
	.forget = forget,
};

static void check_held(const char *name)
{
	struct sink_case held = file;
	char text[256];
	held.stall = hold;
	held.recover = let_go;
	for (size_t i = 0; i < n_sink_rules; i++)
		if (!strcmp(sink_rules[i].name, name) && sink_rule_check(&sink_rules[i], &held, text) != RULE_KEPT)
			fail_msg("%s: %s", name, text);
}

static void busy_changes_nothing(void **state)
{
	(void)state;
	check_held("busy_changes_nothing");
}

static void close_gives_up_in_silence(void **state)
{
	(void)state;
	check_held("close_gives_up_in_silence");
}

static void only_acknowledged_is_marked(void **state)
{
	(void)state;
	check_held("only_acknowledged_is_marked");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(busy_changes_nothing),
		cmocka_unit_test(close_gives_up_in_silence),
		cmocka_unit_test(only_acknowledged_is_marked),
	};
	ops = *file_driver.ops;
	ops.send = send_noted;
	ops.service = serve_unless_held;
	int n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	return n_failed + sink_suite_run(&file);
}
