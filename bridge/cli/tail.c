#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bridge/cli/tail.h"
#include "bridge/settings.h"
#include "core/router.h"

/* How long to wait for the next record before a look at the signals, and after how many records who waits is told. */
enum { WAIT_MS = 100, TELL_AFTER = 64 };

struct tail {
	struct tail_options options;
	struct settings settings;
	const struct reader_ops *ops;
	struct reader *reader;
	struct tail_names *names;
	struct tail_table table;
	FILE *save;
	uint64_t n_printed, n_strange;
	uint64_t n_told, n_untold; /* read, and `done` knows that, or not yet */
};

/* ---- Ctrl-C ---- */

static int stop_fd = -1;

static void stop(int number)
{
	static const uint64_t one = 1;
	int before = errno;
	(void)number;
	ssize_t n = write(stop_fd, &one, sizeof one);
	(void)n;
	errno = before;
}

/* No SA_RESTART: a write that waits for a slow reader must end too. A second signal ends it at once. */
static int catch_signals(struct err *err)
{
	struct sigaction action = {.sa_handler = stop, .sa_flags = SA_RESETHAND};
	stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (stop_fd < 0)
		return err_fatal(err, "cannot make an eventfd: %s; is the limit of open files too low?",
				 strerror(errno));
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return 0;
}

static bool is_stopped(void)
{
	struct pollfd fd = {.fd = stop_fd, .events = POLLIN};
	return poll(&fd, 1, 0) > 0;
}

/* ---- output ---- */

/* What nobody takes must not be waited for again at the end. */
static int failed_output(const struct tail *tail, struct err *err)
{
	if (is_stopped()) {
		__fpurge(stdout);
		clearerr(stdout);
		return err_set(err, ERR_STOPPED, "stopped by a signal");
	}
	return err_fatal(err, "cannot write to %s: %s",
			 tail->save && ferror(tail->save) ? tail->options.save : "standard output", strerror(errno));
}

static int flush(const struct tail *tail, struct err *err)
{
	if (fflush(stdout) || (tail->save && fflush(tail->save)))
		return failed_output(tail, err);
	return 0;
}

/* What was printed is out of our hands before anybody is told that it has arrived. */
static int tell(struct tail *tail, struct err *err)
{
	int rc = flush(tail, err);
	if (rc)
		return rc;
	tail->n_told += tail->n_untold;
	tail->n_untold = 0;
	return tail->ops->done ? tail->ops->done(tail->reader, err) : 0;
}

static void print_json(enum message_type type, const struct delivered *delivered, FILE *out)
{
	json_print(type, delivered->value, out);
	putc('\n', out);
}

static int print(struct tail *tail, const struct summary *summary, const struct delivered *delivered, struct err *err)
{
	if (tail->save)
		print_json(summary->type, delivered, tail->save);
	if (tail->options.table)
		tail_table_row(&tail->table, summary);
	else
		print_json(summary->type, delivered, stdout);
	tail->n_printed++;
	return ferror(stdout) || (tail->save && ferror(tail->save)) ? failed_output(tail, err) : 0;
}

/* ---- a record ---- */

static enum message_type type_of(enum topic topic)
{
	if (topic == TOPIC_DEADLETTER)
		return MESSAGE_DEAD_LETTER;
	return topic == TOPIC_LIFECYCLE ? MESSAGE_LIFECYCLE_EVENT : MESSAGE_CHANGE_EVENT;
}

static int take(struct tail *tail, const struct delivered *delivered, struct err *err)
{
	struct arena arena = {0};
	struct summary summary;
	int rc = 0;
	tail->n_untold++;
	if (summary_read(type_of(delivered->topic), delivered->value, &arena, &summary)) {
		if (tail->n_strange++ == 0)
			log_warning("the topic %s holds something that is no record of Tidings; it is left out",
				    tail->settings.sink->topics(tail->settings.sink_config)[delivered->topic]);
	} else {
		tail_names_apply(tail->names, &summary, &arena);
		if (tail_passes(&tail->options, &summary, delivered))
			rc = print(tail, &summary, delivered, err);
	}
	arena_free(&arena);
	return rc;
}

/* Before it waits, everybody is told how far it is. */
static int next(struct tail *tail, struct delivered *delivered, struct err *err)
{
	int rc = tail->ops->next(tail->reader, 0, delivered, err);
	if (rc == READER_NONE && (rc = tell(tail, err)) == 0)
		rc = tail->ops->next(tail->reader, WAIT_MS, delivered, err);
	return rc;
}

static bool is_enough(const struct tail *tail)
{
	return is_stopped() || (tail->options.count && tail->n_printed == tail->options.count);
}

static int read_all(struct tail *tail, struct err *err)
{
	struct delivered delivered;
	int rc = 0;
	while (rc == 0 && !is_enough(tail)) {
		rc = next(tail, &delivered, err);
		if (rc == 0)
			rc = take(tail, &delivered, err);
		if (rc == 0 && tail->n_untold >= TELL_AFTER)
			rc = tell(tail, err);
		if (rc == READER_NONE)
			rc = 0;
	}
	return rc == 0 || rc == READER_END ? tell(tail, err) : rc;
}

/* ---- the command ---- */

static void say(const char *text)
{
	log_info("%s", text);
}

static int open_save(struct tail *tail, struct err *err)
{
	if (!tail->options.save)
		return 0;
	tail->save = fopen(tail->options.save, "ae");
	return tail->save ? 0 : err_usage(err, "cannot open %s: %s", tail->options.save, strerror(errno));
}

static int open_reader(struct tail *tail, struct err *err)
{
	const struct sink_driver *sink = tail->settings.sink;
	if (!sink->reader)
		return err_usage(err, "what the sink `%s` has delivered cannot be read back", sink->name);
	tail->ops = sink->reader;
	tail->options.reader.notice = say;
	return tail->ops->open(tail->settings.sink_config, &tail->options.reader, stop_fd, &tail->reader, err);
}

static int tail_with(struct tail *tail, const struct program *program, struct err *err)
{
	int rc = settings_load_sink(tail->options.config_file, program->sinks, &tail->settings, err);
	if (rc == 0)
		rc = catch_signals(err);
	if (rc == 0)
		rc = open_save(tail, err);
	if (rc == 0)
		rc = open_reader(tail, err);
	if (rc == 0 && tail->options.table)
		tail_table_head(&tail->table);
	return rc ? rc : read_all(tail, err);
}

static void end(struct tail *tail)
{
	if (tail->reader && tail->ops->done)
		log_info("%llu records acknowledged", (unsigned long long)tail->n_told);
	if (tail->reader)
		tail->ops->close(tail->reader);
	if (tail->save)
		fclose(tail->save);
	tail_names_free(tail->names);
	settings_free(&tail->settings);
}

static int run(const struct program *program, int argc, char **argv)
{
	struct tail tail = {.table.out = stdout};
	struct err err;
	if (tail_options(argc, argv, &tail.options))
		return EXIT_USAGE;
	setlocale(LC_CTYPE, "C.UTF-8"); /* the width of characters */
	tail.names = tail_names_new();
	int rc = tail_with(&tail, program, &err);
	end(&tail);
	if (rc == 0 || rc == ERR_STOPPED)
		return 0;
	log_error("%s", err.text);
	return rc == ERR_FATAL ? err.exit_code : EXIT_RUNTIME;
}

const struct command command_tail = {
	.name = "tail",
	.arguments = "-c FILE [options]",
	.summary = "what was delivered, read back: JSON lines or a table",
	.text = "Reads the records from where the sink of FILE puts them; only `sink` of FILE counts.\n"
		"\n"
		"  -c FILE          the configuration\n"
		"  -f, --follow     go on with what comes, until Ctrl-C; without it, tail ends at the records that\n"
		"                   were there when it started\n"
		"  -n, --count N    end after N printed records\n"
		"  --from WHERE     beginning, end, a while ago (30s, 10m, 2h, 1d) or a time such as\n"
		"                   2026-01-31T09:30:00+01:00; without it the beginning, with --follow the end\n"
		"  --topic NAME     items, folders, addressbook, lifecycle, deadletter or notifications; several\n"
		"                   with commas; without it all that there are\n"
		"  --format FORMAT  json (as is): one object per line; table: for people\n"
		"  --save FILE      adds the JSON lines to FILE as well\n"
		"\n"
		"Only records that fit all of these are printed:\n"
		"\n"
		"  --store NAME     of this login name's store, or public; or its GUID in hex\n"
		"  --folder PATH    of the folder with this path, or source key in hex: itself and what is in it\n"
		"  --key KEY        with this key\n"
		"  --kind KIND      created, updated, deleted, read-state, snapshot-begin, ..., suspended, ...\n"
		"  --object TYPE    item, folder, user, group or store\n"
		"\n"
		"Records of one folder come in order, those of different folders as they are found. Where a record\n"
		"lacks a name (a dead letter has keys only) one from an earlier record is taken, if there was any.\n"
		"In Kafka nothing is changed: no consumer group is joined and no offset committed.\n"
		"\n"
		"From a ZeroMQ sink, tail is the consumer itself: it acknowledges what it has printed, and also what\n"
		"its filters left out, so the bridge goes on. It always follows, and --from is not for it.\n"
		"\n"
		"  --as NAME        by this name instead of the configured one\n"
		"  --live           listen at the live endpoint, without being waited for\n"
		"\n"
		"Exit codes: 0 done or stopped by Ctrl-C, 1 failed (try again), 2 usage, configuration, credentials,\n"
		"no such topic.\n",
	.run = run,
};
