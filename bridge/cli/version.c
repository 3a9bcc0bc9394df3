#include <stdio.h>

#include "bridge/cli/cli.h"

static int run(const struct program *program, int argc, char **argv)
{
	(void)program;
	if (argc > 1)
		return cli_usage(&command_version, "unexpected argument `%.60s`", argv[1]);
	puts("tidings " TIDINGS_VERSION);
	return 0;
}

const struct command command_version = {
	.name = "version",
	.arguments = "",
	.summary = "which version is this?",
	.text = "Prints the version.\n",
	.run = run,
};
