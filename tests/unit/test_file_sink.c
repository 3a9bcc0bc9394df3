/* The file sink where it is about bytes and disks: torn ends, other files, a full disk, what fsync is for. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/file/file.h"
#include "tests/support/memory_state.h"
#include "tests/support/scratch.h"

enum { VALUE_BYTES = 20, RECORD_BYTES = FILE_LENGTH_BYTES + VALUE_BYTES, MOST = 64, TEXT_BYTES = 4096 };

extern const struct sink_driver file_driver;

static struct {
	char directory[256];
	struct file_config config;
	struct sink *sink;
	struct memory_state *state;
	struct err err;
	size_t n_acknowledged, n_sent;
	char values[MOST][VALUE_BYTES + 1];
} rig;

/* ---- what the disk says: fdatasync, as the sink's calls reach it ---- */

static struct {
	int fails_with;    /* errno */
	off_t items_bytes; /* as of the last sync */
} disk;

static off_t size_of(const char *name)
{
	struct stat st;
	return stat(scratch_path(name), &st) ? -1 : st.st_size;
}

int fdatasync(int fd)
{
	if (disk.fails_with) {
		errno = disk.fails_with;
		return -1;
	}
	disk.items_bytes = size_of("items.records");
	return (int)syscall(SYS_fdatasync, fd);
}

/* ---- the sink ---- */

static void on_acknowledged(void *context, void *token)
{
	(void)context, (void)token;
	rig.n_acknowledged++;
	assert_int_equal(disk.items_bytes, size_of("items.records"));
}

static void on_failed(void *context, void *token, const struct err *err)
{
	(void)context, (void)token;
	fail_msg("a record failed: %s", err->text);
}

static int try_open(struct sink **sink)
{
	static const struct sink_events events = {NULL, on_acknowledged, on_failed, NULL, NULL};
	int rc = file_driver.ops->open(&rig.config, &events, -1, sink, &rig.err);
	return rc ? rc : file_driver.ops->seek(*sink, &rig.state->state, &rig.err);
}

static void close_sink(void)
{
	file_driver.ops->close(rig.sink);
	rig.sink = NULL;
}

static int reopen(void)
{
	close_sink();
	return try_open(&rig.sink);
}

static void assert_ok(int rc)
{
	if (rc)
		fail_msg("%s", rig.err.text);
}

static void assert_refused(int rc, int exit_code, const char *words)
{
	assert_int_equal(rc, ERR_FATAL);
	assert_int_equal(rig.err.exit_code, exit_code);
	if (!strstr(rig.err.text, words))
		fail_msg("\"%s\" does not say \"%s\"", rig.err.text, words);
}

/* Values are "value 00000000000000", ... */
static void send_some(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *value = rig.values[rig.n_sent];
		snprintf(value, VALUE_BYTES + 1, "value %014zu", rig.n_sent++);
		struct record record = {.topic = TOPIC_ITEMS, .value = slice_of(value, VALUE_BYTES)};
		assert_ok(file_driver.ops->send(rig.sink, &record, &rig.err));
	}
}

static int service(void)
{
	return file_driver.ops->service(rig.sink, &rig.err);
}

static void write_some(size_t n)
{
	send_some(n);
	assert_ok(service());
}

static size_t commit_marks(void)
{
	struct arena arena = {0};
	struct put_list list = {0};
	const struct put_list *const lists[] = {&list};
	file_driver.ops->marks(rig.sink, &list, &arena);
	assert_ok(rig.state->state.ops->commit(&rig.state->state, lists, 1, &rig.err));
	size_t n = list.n;
	put_list_clear(&list);
	arena_free(&arena);
	return n;
}

static void forget_state(void)
{
	memory_state_free(rig.state);
	rig.state = memory_state_new();
}

/* The numbers of the values in the file: "0 1 2". */
static const char *in_file(void)
{
	static char text[TEXT_BYTES];
	uint8_t record[RECORD_BYTES + 1] = {0};
	size_t n = 0;
	FILE *file = fopen(scratch_path("items.records"), "r");
	for (text[0] = '\0'; fread(record, 1, RECORD_BYTES, file) == RECORD_BYTES;) {
		assert_memory_equal(record, "\x14\0\0\0value ", 10);
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%d", n ? " " : "", atoi((char *)record + 18));
	}
	fclose(file);
	assert_int_equal(size_of("items.records") % RECORD_BYTES, 0);
	return text;
}

static void append(const void *bytes, size_t n)
{
	FILE *file = fopen(scratch_path("items.records"), "a");
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	fclose(file);
}

static void cut_to(off_t size)
{
	assert_int_equal(truncate(scratch_path("items.records"), size), 0);
}

/* ---- the end of a file ---- */

static void a_torn_record_is_cut_at_every_byte(void **state)
{
	(void)state;
	for (off_t torn = 0; torn < RECORD_BYTES; torn++) {
		rig.n_sent = rig.n_acknowledged = 0;
		write_some(3);
		close_sink();
		cut_to(2 * RECORD_BYTES + torn);
		assert_ok(try_open(&rig.sink));
		assert_int_equal(size_of("items.records"), 2 * RECORD_BYTES);
		write_some(1);
		assert_string_equal(in_file(), "0 1 3");
		close_sink();
		cut_to(0);
		assert_ok(try_open(&rig.sink));
	}
}

static void whole_records_after_the_mark_are_kept(void **state)
{
	(void)state;
	write_some(2);
	commit_marks();
	write_some(2);
	append("\x14\0\0\0val", 7);
	assert_ok(reopen());
	assert_string_equal(in_file(), "0 1 2 3");
}

static void a_length_beyond_the_file_is_cut(void **state)
{
	(void)state;
	write_some(2);
	append("\xff\xff\xff\xffvalue 99999999999999", RECORD_BYTES);
	assert_ok(reopen());
	assert_string_equal(in_file(), "0 1");
}

static void zeros_that_a_power_failure_leaves_are_cut(void **state)
{
	(void)state;
	write_some(2);
	cut_to(2 * RECORD_BYTES + 4096);
	assert_ok(reopen());
	assert_string_equal(in_file(), "0 1");
}

static void what_is_longer_than_a_record_is_not_taken_for_a_torn_one(void **state)
{
	(void)state;
	write_some(2);
	append("\xff\xff\xff\xff", 4);
	off_t size = 2 * RECORD_BYTES + FILE_LENGTH_BYTES + FILE_VALUE_BYTES;
	cut_to(size);
	assert_refused(reopen(), EXIT_USAGE, "items.records is no file of records from byte 48 on");
	assert_int_equal(size_of("items.records"), size);
}

static void a_file_shorter_than_the_mark_is_refused(void **state)
{
	(void)state;
	write_some(3);
	commit_marks();
	cut_to(3 * RECORD_BYTES - 1);
	assert_refused(reopen(), EXIT_USAGE, "has 71 bytes, and the state says that 72 were written");
	assert_non_null(strstr(rig.err.text, "tidings state reset"));
	assert_int_equal(size_of("items.records"), 3 * RECORD_BYTES - 1);
}

static void a_new_state_goes_on_with_the_file(void **state)
{
	(void)state;
	write_some(2);
	commit_marks();
	forget_state();
	assert_ok(reopen());
	write_some(1);
	assert_string_equal(in_file(), "0 1 2");
}

/* ---- the disk ---- */

/* Marks, acknowledgements and the file stay as they were. */
static void assert_nothing_counts(size_t n_acknowledged)
{
	assert_int_equal(rig.n_acknowledged, n_acknowledged);
	assert_int_equal(commit_marks(), 0);
	assert_refused(service(), EXIT_RUNTIME, "an earlier write");
	assert_refused(file_driver.ops->drain(rig.sink, 1000, &rig.err), EXIT_RUNTIME, "an earlier write");
	assert_int_equal(rig.n_acknowledged, n_acknowledged);
}

/* A limit is a disk that is full in the middle of a record. */
static void set_room(rlim_t n_bytes)
{
	struct rlimit limit;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = n_bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_is_fatal_and_with_room_nothing_is_lost(void **state)
{
	(void)state;
	write_some(2);
	commit_marks();
	set_room(4 * RECORD_BYTES + 7);
	send_some(5);
	int rc = service();
	set_room(RLIM_INFINITY);
	assert_refused(rc, EXIT_RUNTIME, "items.records: File too large");
	assert_nothing_counts(2);
	assert_ok(reopen());
	assert_string_equal(in_file(), "0 1 2 3");
	rig.n_sent = rig.n_acknowledged = 2; /* what was not committed comes again */
	write_some(5);
	assert_string_equal(in_file(), "0 1 2 3 2 3 4 5 6");
	assert_int_equal(rig.n_acknowledged, 7);
}

static void a_failed_sync_acknowledges_nothing(void **state)
{
	(void)state;
	write_some(2);
	commit_marks();
	disk.fails_with = EIO;
	send_some(3);
	assert_refused(service(), EXIT_RUNTIME, "cannot sync");
	disk.fails_with = 0;
	assert_nothing_counts(2);
}

/* on_acknowledged compares. */
static void a_record_is_acknowledged_when_it_is_on_the_disk(void **state)
{
	(void)state;
	write_some(1);
	write_some(10);
	assert_int_equal(rig.n_acknowledged, 11);
}

/* ---- opening ---- */

static void a_second_instance_is_refused(void **state)
{
	struct sink *second = NULL;
	(void)state;
	assert_refused(try_open(&second), EXIT_USAGE, "in use by another process");
	file_driver.ops->close(second);
}

static void a_directory_that_is_missing_or_closed_is_named(void **state)
{
	(void)state;
	rig.config.directory = "/nowhere";
	assert_refused(reopen(), EXIT_USAGE, "cannot open /nowhere: No such file or directory");
	rig.config.directory = rig.directory;
	close_sink();
	unlink(scratch_path("folders.records"));
	assert_int_equal(mkdir(scratch_path("folders.records"), 0700), 0);
	assert_refused(try_open(&rig.sink), EXIT_USAGE, "folders.records: Is a directory");
}

static void an_empty_value_is_refused(void **state)
{
	struct record record = {.topic = TOPIC_ITEMS};
	(void)state;
	assert_int_equal(file_driver.ops->send(rig.sink, &record, &rig.err), ERR_BAD);
	assert_ok(service());
	assert_int_equal(rig.n_acknowledged, 0);
}

static void the_configuration_names_a_directory(void **state)
{
	struct conf_node *tree;
	void *config = NULL;
	(void)state;
	assert_ok(conf_parse("f", "directory: /var/lib/records\n", 28, &tree, &rig.err));
	assert_ok(file_driver.configure(tree, &config, &rig.err));
	assert_string_equal(((struct file_config *)config)->directory, "/var/lib/records");
	assert_string_equal(file_driver.topics(config)[TOPIC_ITEMS], "items");
	file_driver.free_config(config);
	conf_free(tree);
	assert_ok(conf_parse("f", "{}\n", 3, &tree, &rig.err));
	assert_refused(file_driver.configure(tree, &config, &rig.err), EXIT_USAGE, "`directory` is missing");
	conf_free(tree);
}

static int set_up(void **state)
{
	scratch_make(state);
	memset(&rig, 0, sizeof rig);
	memset(&disk, 0, sizeof disk);
	strcpy(rig.directory, scratch_path("."));
	rig.config.directory = rig.directory;
	rig.state = memory_state_new();
	return try_open(&rig.sink);
}

static int tear_down(void **state)
{
	close_sink();
	memory_state_free(rig.state);
	return scratch_remove(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_torn_record_is_cut_at_every_byte),
		TEST(whole_records_after_the_mark_are_kept),
		TEST(a_length_beyond_the_file_is_cut),
		TEST(zeros_that_a_power_failure_leaves_are_cut),
		TEST(what_is_longer_than_a_record_is_not_taken_for_a_torn_one),
		TEST(a_file_shorter_than_the_mark_is_refused),
		TEST(a_new_state_goes_on_with_the_file),
		TEST(a_full_disk_is_fatal_and_with_room_nothing_is_lost),
		TEST(a_failed_sync_acknowledges_nothing),
		TEST(a_record_is_acknowledged_when_it_is_on_the_disk),
		TEST(a_second_instance_is_refused),
		TEST(a_directory_that_is_missing_or_closed_is_named),
		TEST(an_empty_value_is_refused),
		TEST(the_configuration_names_a_directory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
