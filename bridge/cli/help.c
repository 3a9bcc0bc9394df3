#include <stdio.h>

#include "bridge/cli/cli.h"

static void list_commands(void)
{
	printf("tidings publishes the changes of a groupware server to a message queue.\n\n");
	for (const struct command *const *command = cli_commands(); *command; command++) {
		int n = printf("  tidings %s%s%s", (*command)->name, *(*command)->arguments ? " " : "",
			       (*command)->arguments);
		printf("%*s%s\n", n < 32 ? 32 - n : 1, "", (*command)->summary);
	}
	printf("\n`tidings help COMMAND` tells more.\n");
}

static int run(const struct program *program, int argc, char **argv)
{
	(void)program;
	if (argc > 2)
		return cli_usage(&command_help, "unexpected argument `%.60s`", argv[2]);
	if (argc < 2) {
		list_commands();
		return 0;
	}
	const struct command *command = cli_find(argv[1]);
	if (!command)
		return EXIT_USAGE;
	printf("tidings %s%s%s: %s\n\n%s", command->name, *command->arguments ? " " : "", command->arguments,
	       command->summary, command->text);
	return 0;
}

const struct command command_help = {
	.name = "help",
	.arguments = "[COMMAND]",
	.summary = "this list, or more about one command",
	.text = "Lists the commands, or tells more about one.\n",
	.run = run,
};
