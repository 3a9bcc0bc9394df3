#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bridge/cli/tail.h"
#include "core/router.h"

/* Options without a letter. */
enum {
	OPTION_FROM = 256,
	OPTION_TOPIC,
	OPTION_KEY,
	OPTION_STORE,
	OPTION_FOLDER,
	OPTION_KIND,
	OPTION_OBJECT,
	OPTION_FORMAT,
	OPTION_SAVE,
	OPTION_AS,
	OPTION_LIVE,
};

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"follow", no_argument, NULL, 'f'},
	{"count", required_argument, NULL, 'n'},
	{"from", required_argument, NULL, OPTION_FROM},
	{"topic", required_argument, NULL, OPTION_TOPIC},
	{"key", required_argument, NULL, OPTION_KEY},
	{"store", required_argument, NULL, OPTION_STORE},
	{"folder", required_argument, NULL, OPTION_FOLDER},
	{"kind", required_argument, NULL, OPTION_KIND},
	{"object", required_argument, NULL, OPTION_OBJECT},
	{"format", required_argument, NULL, OPTION_FORMAT},
	{"save", required_argument, NULL, OPTION_SAVE},
	{"as", required_argument, NULL, OPTION_AS},
	{"live", no_argument, NULL, OPTION_LIVE},
	{NULL, 0, NULL, 0},
};

/* ---- values ---- */

static int take_count(const char *text, struct tail_options *options)
{
	size_t n_digits = strspn(text, "0123456789");
	options->count = strtoull(text, NULL, 10);
	if (n_digits == 0 || text[n_digits] || n_digits > 18 || options->count == 0)
		return cli_usage(&command_tail, "--count `%.60s`: expected a number from 1", text);
	return 0;
}

static int take_from(const char *text, struct tail_options *options)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	options->reader.from_given = true;
	if (tail_time(text, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, &options->reader.from_ms))
		return 0;
	return cli_usage(
		&command_tail,
		"--from `%.60s`: expected beginning, end, a while ago such as 10m (s, m, h, d), or a time such as "
		"2026-01-31T09:30:00Z",
		text);
}

static int find_topic(const char *text, size_t n_characters)
{
	for (int i = 0; i < N_TOPICS; i++)
		if (strlen(topic_name(i)) == n_characters && memcmp(topic_name(i), text, n_characters) == 0)
			return i;
	return -1;
}

/* "items", "items,folders"; may be given again. */
static int take_topics(const char *text, struct tail_options *options)
{
	options->reader.topics_given = true;
	for (const char *at = text;; at++) {
		size_t n_characters = strcspn(at, ",");
		int topic = find_topic(at, n_characters);
		if (topic < 0)
			return cli_usage(
				&command_tail,
				"--topic `%.60s`: expected items, folders, addressbook, lifecycle, deadletter or "
				"notifications",
				text);
		options->reader.topics[topic] = true;
		at += n_characters;
		if (!*at)
			return 0;
	}
}

static int take_kind(const char *text, struct tail_options *options)
{
	options->kind = summary_find_kind(text);
	if (options->kind)
		return 0;
	return cli_usage(
		&command_tail,
		"--kind `%.60s`: expected created, updated, deleted, read-state, snapshot-begin, snapshot-end, moved, "
		"copied, or a lifecycle event such as suspended",
		text);
}

static int take_object(const char *text, struct tail_options *options)
{
	options->object = summary_find_object(text);
	if (options->object)
		return 0;
	return cli_usage(&command_tail, "--object `%.60s`: expected item, folder, user, group or store", text);
}

static int take_format(const char *text, struct tail_options *options)
{
	options->table = strcmp(text, "table") == 0;
	if (options->table || strcmp(text, "json") == 0)
		return 0;
	return cli_usage(&command_tail, "--format `%.60s`: expected json or table", text);
}

/* ---- options ---- */

static int take_checked(int option, struct tail_options *options)
{
	switch (option) {
	case 'n':
		return take_count(optarg, options);
	case OPTION_FROM:
		return take_from(optarg, options);
	case OPTION_TOPIC:
		return take_topics(optarg, options);
	case OPTION_KIND:
		return take_kind(optarg, options);
	case OPTION_OBJECT:
		return take_object(optarg, options);
	default:
		return take_format(optarg, options);
	}
}

static int take_option(int option, struct tail_options *options)
{
	if (option == 'f')
		options->reader.follow = true;
	else if (option == OPTION_LIVE)
		options->reader.live = true;
	else if (option == 'c')
		options->config_file = optarg;
	else if (option == OPTION_KEY)
		options->key = optarg;
	else if (option == OPTION_STORE)
		options->store = optarg;
	else if (option == OPTION_FOLDER)
		options->folder = optarg;
	else if (option == OPTION_SAVE)
		options->save = optarg;
	else if (option == OPTION_AS)
		options->reader.consumer = optarg;
	else
		return take_checked(option, options);
	return 0;
}

static bool takes_value(int option)
{
	for (const struct option *known = long_options; known->name; known++)
		if (known->val == option)
			return known->has_arg == required_argument;
	return false;
}

/* What getopt_long did not take: optopt is 0 for a long option that it does not know. */
static int refuse(char **argv)
{
	const char *word = argv[optind - 1];
	if (takes_value(optopt))
		return cli_usage(&command_tail, "option `%.60s` needs a value", word);
	if (optopt >= OPTION_FROM || optopt == 'f')
		return cli_usage(&command_tail, "option `%.60s` takes no value", word);
	if (optopt)
		return cli_usage(&command_tail, "unknown option `-%c`", optopt);
	return cli_usage(&command_tail, "unknown option `%.60s`", word);
}

/* Who reads on wants what is new; who does not, what is there. */
static int complete(struct tail_options *options)
{
	if (!options->config_file)
		return cli_usage(&command_tail, "which configuration? Write -c FILE");
	if (!options->reader.from_given)
		options->reader.from_ms = options->reader.follow ? FROM_END : FROM_BEGINNING;
	for (int i = 0; !options->reader.topics_given && i < N_TOPICS; i++)
		options->reader.topics[i] = true;
	return 0;
}

int tail_options(int argc, char **argv, struct tail_options *options)
{
	int option;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "c:fn:", long_options, NULL)) != -1)
		if (option == '?' ? refuse(argv) : take_option(option, options))
			return EXIT_USAGE;
	if (optind < argc)
		return cli_usage(&command_tail, "unexpected argument `%.60s`", argv[optind]);
	return complete(options);
}
