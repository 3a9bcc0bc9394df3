#include <stdio.h>

#include "bridge/cli/cli.h"
#include "bridge/cli/doctor.h"
#include "bridge/settings.h"

static int connect(const struct settings *settings, const struct cli_options *options)
{
	const char *caution = settings->source->caution ? settings->source->caution(settings->source_config) : NULL;
	if (!options->connect) {
		if (caution)
			log_warning("source: %s", caution);
		puts("configuration OK");
		return 0;
	}
	return doctor_examine(settings, options->json);
}

static int run(const struct program *program, int argc, char **argv)
{
	struct cli_options options = {0};
	struct settings settings;
	struct err err;
	if (cli_options(&command_check, "c:Cj", argc, argv, &options))
		return EXIT_USAGE;
	int code = settings_load(options.config_file, program->sources, program->sinks, &settings, &err);
	if (code) {
		log_error("%s", err.text);
		code = err.exit_code;
	} else {
		code = connect(&settings, &options);
	}
	settings_free(&settings);
	return code;
}

const struct command command_check = {
	.name = "check",
	.arguments = "-c FILE [--connect [-j]]",
	.summary = "is the configuration right?",
	.text = "Reads FILE as `tidings run` would, and says \"configuration OK\" or what is wrong, with line\n"
		"and column. Nothing is connected to and nothing is written.\n"
		"\n"
		"  -c FILE        the configuration\n"
		"  -C, --connect  also tries it out, and says of each step whether it is ok, or what is wrong and\n"
		"                 how to mend it: name, connection, TLS, logon, rights, stores and folders, the\n"
		"                 broker with its topics and settings, the file of the state. Nothing is published\n"
		"                 and no topic is made; a daemon may run meanwhile\n"
		"  -j, --json     with --connect: one JSON object per line\n"
		"\n"
		"Exit codes: 0 it is right, perhaps with warnings; 1 something cannot be reached now; 2 it is wrong.\n",
	.run = run,
};
