/* The command line: `tidings COMMAND ...`. Each command is one file of this folder and one struct command.
 *
 * Exit codes: 0 done, EXIT_RUNTIME (1) a failure that a restart may mend, EXIT_USAGE (2) one that it does not. Results
 * go to standard output, everything else to standard error. Threads: one, but for what daemon_run starts. */
#ifndef TIDINGS_BRIDGE_CLI_CLI_H
#define TIDINGS_BRIDGE_CLI_CLI_H

#include "bridge/driver.h"
#include "core/encode.h"

/* What this build is made of; arrays are NULL-terminated. */
struct program {
	const struct source_driver *const *sources;
	const struct sink_driver *const *sinks;
	const struct encoder *encoder;
};

struct command {
	const char *name;
	const char *arguments; /* "-c FILE [-v]" */
	const char *summary;   /* one line, for the list of commands */
	const char *text;      /* for `tidings help COMMAND`; whole lines */
	/* argv[0] is the command's name. Returns the exit code. */
	int (*run)(const struct program *program, int argc, char **argv);
};

extern const struct command command_run, command_check, command_sync, command_subscribe, command_state, command_tail,
	command_status, command_snapshot, command_version, command_help;

/* Finds the command and runs it. Returns the exit code. */
int cli_main(const struct program *program, int argc, char **argv);

/* All commands, NULL-terminated. */
const struct command *const *cli_commands(void);

/* The command with this name, or NULL after saying that there is none. */
const struct command *cli_find(const char *name);

struct cli_options {
	int most_arguments;      /* set by the caller: how many words may stand beside the options */
	const char *config_file; /* -c, --config; required */
	bool connect;            /* -C, --connect */
	bool verbose;            /* -v, --verbose */
	bool json;               /* -j, --json */
	const char *state;       /* -s, --state; NULL: not given */
	bool yes, replace;       /* -y, --yes; -r, --replace */
	enum follow_once once;   /* -a, --addressbook; -S, --server; -H, --hierarchy; else ONCE_NOT */
	char **arguments;        /* the words beside the options */
	int n_arguments;
};

/* Reads the options whose letters are in `accepted` (as getopt takes them). Returns 0, or EXIT_USAGE after saying what
 * is wrong. */
int cli_options(const struct command *command, const char *accepted, int argc, char **argv,
		struct cli_options *options);

/* Says what is wrong with the command line, and where help is. Returns EXIT_USAGE. */
int cli_usage(const struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
