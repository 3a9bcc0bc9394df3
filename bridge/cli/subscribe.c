#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bridge/cli/cli.h"
#include "bridge/outage.h"
#include "bridge/settings.h"
#include "proto/json.h"

enum { OPTION_STORE = 256, OPTION_FOLDER, OPTION_OBJECTS, OPTION_EVENTS, OPTION_FOLDERS };

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"count", required_argument, NULL, 'n'},
	{"store", required_argument, NULL, OPTION_STORE},
	{"folder", required_argument, NULL, OPTION_FOLDER},
	{"object-types", required_argument, NULL, OPTION_OBJECTS},
	{"event-types", required_argument, NULL, OPTION_EVENTS},
	{"folder-types", required_argument, NULL, OPTION_FOLDERS},
	{NULL, 0, NULL, 0},
};

struct subscribe {
	const char *file;
	struct follow_notices wanted;
	uint64_t count; /* lines to be printed; 0: no limit */

	const struct encoder *encoder;
	struct settings settings;
	const struct source_ops *ops;
	struct outage outage;
	uint64_t n_printed;
	bool began;

	pthread_t stopper;
	int stop_fd;
	pthread_mutex_t mutex; /* of source */
	struct source *source;
};

/* ---- options ---- */

struct word {
	const char *name;
	unsigned bit;
};

static const struct word objects[] = {{"item", FOLLOW_ITEM}, {"folder", FOLLOW_FOLDER}, {NULL, 0}};

static const struct word events[] = {{"created", 1U << CHANGE_CREATED},
				     {"updated", 1U << CHANGE_UPDATED},
				     {"deleted", 1U << CHANGE_DELETED},
				     {NULL, 0}};

static const struct word folders[] = {{"mail", 1U << KIND_MAIL},         {"contacts", 1U << KIND_CONTACTS},
				      {"calendar", 1U << KIND_CALENDAR}, {"tasks", 1U << KIND_TASKS},
				      {"notes", 1U << KIND_NOTES},       {NULL, 0}};

static unsigned bit_of(const struct word *words, const char *text, size_t n_characters)
{
	for (; words->name; words++)
		if (strlen(words->name) == n_characters && memcmp(words->name, text, n_characters) == 0)
			return words->bit;
	return 0;
}

/* Names with commas between them. */
static int take_words(const char *option, const struct word *words, const char *text, unsigned *bits)
{
	*bits = 0;
	for (const char *at = text;; at++) {
		size_t n_characters = strcspn(at, ",");
		unsigned bit = bit_of(words, at, n_characters);
		if (!bit) {
			char known[128] = "";
			for (size_t n = 0; words->name; words++)
				n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", n ? ", " : "", words->name);
			return cli_usage(&command_subscribe, "--%s `%.60s`: expected one or more of %s, with commas",
					 option, text, known);
		}
		*bits |= bit;
		at += n_characters;
		if (!*at)
			return 0;
	}
}

static int take_count(const char *text, uint64_t *count)
{
	size_t n_digits = strspn(text, "0123456789");
	*count = strtoull(text, NULL, 10);
	if (n_digits == 0 || text[n_digits] || n_digits > 18 || *count == 0)
		return cli_usage(&command_subscribe, "--count `%.60s`: expected a number from 1", text);
	return 0;
}

static int take_option(int option, struct subscribe *subscribe)
{
	struct follow_notices *wanted = &subscribe->wanted;
	switch (option) {
	case 'c':
		subscribe->file = optarg;
		return 0;
	case 'n':
		return take_count(optarg, &subscribe->count);
	case OPTION_STORE:
		wanted->store = optarg;
		return 0;
	case OPTION_FOLDER:
		wanted->folder = optarg;
		return 0;
	case OPTION_OBJECTS:
		return take_words("object-types", objects, optarg, &wanted->objects);
	case OPTION_EVENTS:
		return take_words("event-types", events, optarg, &wanted->kinds);
	default:
		return take_words("folder-types", folders, optarg, &wanted->folders);
	}
}

static int take_options(int argc, char **argv, struct subscribe *subscribe)
{
	int option;
	subscribe->wanted = (struct follow_notices){.objects = FOLLOW_ITEM | FOLLOW_FOLDER, .kinds = UINT_MAX};
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":c:n:", long_options, NULL)) != -1) {
		if (option == ':')
			return cli_usage(&command_subscribe, "option `%.60s` needs a value", argv[optind - 1]);
		if (option == '?')
			return cli_usage(&command_subscribe, "unknown option `%.60s`", argv[optind - 1]);
		if (take_option(option, subscribe))
			return EXIT_USAGE;
	}
	if (optind < argc)
		return cli_usage(&command_subscribe, "unexpected argument `%.60s`", argv[optind]);
	if (!subscribe->file)
		return cli_usage(&command_subscribe, "which configuration? Write -c FILE");
	if (!subscribe->wanted.store)
		return cli_usage(&command_subscribe, "which store? Write --store and a login name, or public");
	return 0;
}

/* ---- Ctrl-C ---- */

static void set_source(struct subscribe *subscribe, struct source *source)
{
	pthread_mutex_lock(&subscribe->mutex);
	subscribe->source = source;
	pthread_mutex_unlock(&subscribe->mutex);
}

/* Signals are blocked in all threads but this one; after the first they are what they usually are. */
static void *wait_for_signal(void *context)
{
	struct subscribe *subscribe = context;
	sigset_t signals;
	int number;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigwait(&signals, &number);
	pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
	eventfd_write(subscribe->stop_fd, 1);
	pthread_mutex_lock(&subscribe->mutex);
	if (subscribe->source)
		subscribe->ops->stop(subscribe->source);
	pthread_mutex_unlock(&subscribe->mutex);
	pause();
	return NULL;
}

static int catch_signals(struct subscribe *subscribe, struct err *err)
{
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	subscribe->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (subscribe->stop_fd < 0 || pthread_create(&subscribe->stopper, NULL, wait_for_signal, subscribe))
		return err_fatal(err, "no file descriptor or no thread is left; raise the limits");
	return 0;
}

/* ERR_STOPPED: a signal has come. */
static int rest(struct subscribe *subscribe, int ms, struct err *err)
{
	struct pollfd fd = {.fd = subscribe->stop_fd, .events = POLLIN};
	return poll(&fd, 1, ms) > 0 ? err_set(err, ERR_STOPPED, "stopped by a signal") : 0;
}

/* ---- what is told ---- */

static void print_change(struct subscribe *subscribe, const struct change *change, struct arena *arena)
{
	uint8_t id[EVENT_ID_SIZE];
	if (subscribe->count && subscribe->n_printed == subscribe->count)
		return;
	json_print(MESSAGE_CHANGE_EVENT, subscribe->encoder->change(change, arena, id), stdout);
	putchar('\n');
	subscribe->n_printed++;
}

static void say(struct subscribe *subscribe, const struct lifecycle *event)
{
	if (subscribe->began)
		log_warning("some events may be missing here: %s", event->text);
	else
		log_info("subscribed");
	subscribe->began = true;
}

/* SOURCE_IDLE: enough was printed. */
static int print_batch(struct subscribe *subscribe, struct batch *batch, struct err *err)
{
	for (size_t i = 0; i < batch->n_changes; i++)
		print_change(subscribe, &batch->changes[i], &batch->arena);
	if (fflush(stdout) != 0)
		return err_fatal(err, "cannot write to standard output: %s", strerror(errno));
	for (size_t i = 0; i < batch->n_lifecycle; i++)
		say(subscribe, &batch->lifecycle[i]);
	return subscribe->count && subscribe->n_printed == subscribe->count ? SOURCE_IDLE : 0;
}

static int open_once(struct subscribe *subscribe, struct err *err)
{
	struct source *source = NULL;
	int rc = subscribe->ops->open(subscribe->settings.source_config, &source, err);
	set_source(subscribe, source);
	if (rc == 0)
		rc = rest(subscribe, 0, err); /* a signal that came before had nothing to stop */
	return rc ? rc : subscribe->ops->seek(source, NULL, err);
}

static void close_source(struct subscribe *subscribe)
{
	struct source *source = subscribe->source;
	set_source(subscribe, NULL);
	subscribe->ops->close(source);
}

static int open_source(struct subscribe *subscribe, struct err *err)
{
	int rc;
	while ((rc = open_once(subscribe, err)) == ERR_AGAIN) {
		close_source(subscribe);
		if ((rc = rest(subscribe, outage_failed(&subscribe->outage, err), err)))
			return rc;
	}
	return rc;
}

static int print_all(struct subscribe *subscribe, struct err *err)
{
	struct batch *batch;
	int rc;
	do {
		rc = subscribe->ops->next(subscribe->source, &batch, err);
		if (rc == 0) {
			outage_over(&subscribe->outage);
			rc = print_batch(subscribe, batch, err);
			batch_free(batch);
		} else if (rc == ERR_AGAIN) {
			rc = rest(subscribe, outage_failed(&subscribe->outage, err), err);
		}
	} while (rc == 0);
	return rc;
}

static int subscribe_with(struct subscribe *subscribe, const struct program *program, struct err *err)
{
	struct settings *settings = &subscribe->settings;
	int rc = settings_load_source(subscribe->file, program->sources, ONCE_NOTIFICATIONS, settings, err);
	if (rc)
		return rc;
	subscribe->ops = settings->source->notices;
	if (!subscribe->ops)
		return err_usage(err, "the source %s has no notifications", settings->source->name);
	settings->follow.notices = subscribe->wanted;
	rc = catch_signals(subscribe, err);
	if (rc == 0)
		rc = open_source(subscribe, err);
	if (rc == 0)
		rc = print_all(subscribe, err);
	close_source(subscribe);
	return rc;
}

static int run(const struct program *program, int argc, char **argv)
{
	struct subscribe subscribe = {.encoder = program->encoder,
				      .outage = OUTAGE_OF("source"),
				      .stop_fd = -1,
				      .mutex = PTHREAD_MUTEX_INITIALIZER};
	struct err err;
	if (take_options(argc, argv, &subscribe))
		return EXIT_USAGE;
	int rc = subscribe_with(&subscribe, program, &err);
	if (subscribe.stopper) {
		pthread_cancel(subscribe.stopper);
		pthread_join(subscribe.stopper, NULL);
	}
	settings_free(&subscribe.settings);
	if (rc == 0 || rc == SOURCE_IDLE || rc == ERR_STOPPED)
		return 0;
	log_error("%s", err.text);
	return rc == ERR_FATAL ? err.exit_code : EXIT_RUNTIME;
}

const struct command command_subscribe = {
	.name = "subscribe",
	.arguments = "-c FILE --store NAME [options]",
	.summary = "what happens in a store or a folder, at the moment when it happens",
	.text = "Prints a JSON object for each event that the server notifies, until Ctrl-C. Events name objects by\n"
		"their entry ids and do not have their content. Nothing is stored, and what happens while the server\n"
		"cannot be reached is not told: this is for looking and for waking somebody; `tidings run` misses\n"
		"nothing. Only `source` of FILE counts.\n"
		"\n"
		"  -c FILE               the configuration\n"
		"  --store NAME          a login name, or public\n"
		"  --folder PATH         this folder and the items in it; without it all that is in the store\n"
		"  --object-types LIST   item, folder; without it both\n"
		"  --event-types LIST    created, updated, deleted; without it all\n"
		"  --folder-types LIST   mail, contacts, calendar, tasks, notes: of items in such folders, and of "
		"such\n"
		"                        folders; without it all\n"
		"  -n, --count N         end after N events\n"
		"\n"
		"`kind` is CREATED, UPDATED or DELETED. What is moved is CREATED with a new entry id where it comes "
		"to\n"
		"and DELETED with the old one where it was; of a copy only the new object is told. An item that is\n"
		"created is often told twice, CREATED and UPDATED, as its writer saves it twice. Read flags are\n"
		"UPDATED. Of subfolders a folder tells nothing, its store everything.\n"
		"\n"
		"`subscribed` on standard error says from when on events are told; after an outage the subscription\n"
		"is made again, which is said there too.\n"
		"\n"
		"Exit codes: 0 stopped, or N events were printed; 1 failed (try again), 2 usage, configuration,\n"
		"password, no such store or folder.\n",
	.run = run,
};
