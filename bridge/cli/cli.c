#include "bridge/cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bridge/conf_word.h"

enum { MAX_COMMANDS = 16, MAX_HINT = 256 };

const struct command *const *cli_commands(void)
{
	static const struct command *const commands[] = {&command_run,
							 &command_check,
							 &command_tail,
							 &command_sync,
							 &command_subscribe,
							 &command_state,
							 &command_status,
							 &command_snapshot,
							 &command_version,
							 &command_help,
							 NULL};
	return commands;
}

int cli_usage(const struct command *command, const char *format, ...)
{
	va_list args;
	const char *name = command ? command->name : "";
	fprintf(stderr, "tidings%s%s: ", *name ? " " : "", name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nSee `tidings help%s%s`.\n", *name ? " " : "", name);
	return EXIT_USAGE;
}

const struct command *cli_find(const char *name)
{
	const char *names[MAX_COMMANDS + 1] = {0};
	const struct command *const *commands = cli_commands();
	for (size_t i = 0; i < MAX_COMMANDS && commands[i]; i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
		names[i] = commands[i]->name;
	}
	char hint[MAX_HINT];
	conf_word_hint(name, names, hint, sizeof hint);
	cli_usage(NULL, "unknown command `%.60s`%s", name, hint);
	return NULL;
}

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"connect", no_argument, NULL, 'C'},
	{"verbose", no_argument, NULL, 'v'},
	{"json", no_argument, NULL, 'j'},
	{"state", required_argument, NULL, 's'},
	{"yes", no_argument, NULL, 'y'},
	{"replace", no_argument, NULL, 'r'},
	{"addressbook", no_argument, NULL, 'a'},
	{"server", no_argument, NULL, 'S'},
	{"hierarchy", no_argument, NULL, 'H'},
	{NULL, 0, NULL, 0},
};

static void take_option(int option, struct cli_options *options)
{
	if (option == 'c')
		options->config_file = optarg;
	else if (option == 's')
		options->state = optarg;
	else if (option == 'y')
		options->yes = true;
	else if (option == 'r')
		options->replace = true;
	else if (option == 'a')
		options->once = ONCE_ADDRESSBOOK;
	else if (option == 'S')
		options->once = ONCE_SERVER;
	else if (option == 'H')
		options->once = ONCE_HIERARCHY;
	else if (option == 'C')
		options->connect = true;
	else if (option == 'v')
		options->verbose = true;
	else
		options->json = true;
}

/* What getopt_long did not take: optopt is 0 for a long option that it does not know. */
static int refuse_option(const struct command *command, const char *accepted, char **argv)
{
	if (!optopt)
		return cli_usage(command, "unknown option `%.60s`", argv[optind - 1]);
	if (!strchr(accepted, optopt))
		return cli_usage(command, "unknown option `-%c`", optopt);
	switch (optopt) {
	case 'c':
		return cli_usage(command, "option -c needs the name of a file");
	case 's':
		return cli_usage(command, "option --state needs a state in hexadecimal digits, or `now`");
	default:
		return cli_usage(command, "option `%.60s` takes no value", argv[optind - 1]);
	}
}

int cli_options(const struct command *command, const char *accepted, int argc, char **argv, struct cli_options *options)
{
	int option, index = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, accepted, long_options, &index)) != -1) {
		if (option == '?')
			return refuse_option(command, accepted, argv);
		if (!strchr(accepted, option))
			return cli_usage(command, "unknown option `--%s`", long_options[index].name);
		take_option(option, options);
	}
	options->arguments = argv + optind;
	options->n_arguments = argc - optind;
	if (options->n_arguments > options->most_arguments)
		return cli_usage(command, "unexpected argument `%.60s`", options->arguments[options->most_arguments]);
	return options->config_file ? 0 : cli_usage(command, "which configuration? Write -c FILE");
}

/* `tidings --help` and the like are asked by many. */
static const char *command_name(const char *argument)
{
	if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)
		return command_help.name;
	return strcmp(argument, "--version") == 0 ? command_version.name : argument;
}

static int run(const struct program *program, const struct command *command, int argc, char **argv)
{
	char *help[] = {(char *)command_help.name, (char *)command->name, NULL};
	bool asks_help = argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
	return asks_help ? command_help.run(program, 2, help) : command->run(program, argc, argv);
}

int cli_main(const struct program *program, int argc, char **argv)
{
	if (argc < 2)
		return cli_usage(NULL, "which command?");
	const struct command *command = cli_find(command_name(argv[1]));
	if (!command)
		return EXIT_USAGE;
	int code = run(program, command, argc - 1, argv + 1);
	if (fflush(stdout) == 0)
		return code;
	fprintf(stderr, "tidings: cannot write to standard output: %s\n", strerror(errno));
	return EXIT_RUNTIME;
}
