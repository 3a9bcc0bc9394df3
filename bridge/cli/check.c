#include <stdio.h>

#include "bridge/cli/cli.h"
#include "bridge/settings.h"

static int run(const struct program *program, int argc, char **argv)
{
	struct cli_options options = {0};
	struct settings settings;
	struct err err;
	if (cli_options(&command_check, "c:", argc, argv, &options))
		return EXIT_USAGE;
	int rc = settings_load(options.config_file, program->sources, program->sinks, &settings, &err);
	settings_free(&settings);
	if (rc == 0) {
		puts("configuration OK");
		return 0;
	}
	log_error("%s", err.text);
	return err.exit_code;
}

const struct command command_check = {
	.name = "check",
	.arguments = "-c FILE",
	.summary = "is the configuration right?",
	.text = "Reads FILE as `tidings run` would, and says \"configuration OK\" or what is wrong, with line\n"
		"and column. Nothing is connected to and nothing is written.\n"
		"\n"
		"  -c FILE  the configuration\n"
		"\n"
		"Exit codes: 0 it is right, 2 it is not.\n",
	.run = run,
};
