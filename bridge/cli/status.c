#include <stdio.h>

#include "bridge/cli/cli.h"
#include "bridge/control/client.h"
#include "bridge/settings.h"

static int print_status(const struct settings *settings, bool json, struct err *err)
{
	struct arena arena = {0};
	struct control_answer answer;
	const char *target = json ? "/status" : "/status/table";
	int rc = control_ask(settings->control_path, "GET", target, &arena, &answer, err);
	if (rc == ERR_GONE)
		rc = err_fatal(err, "%s", arena_text(&arena, "%s", err->text));
	else if (rc == 0 && answer.code != 200)
		rc = err_fatal(err, "the daemon answers with %ld: %.*s", answer.code, (int)strcspn(answer.text, "\n"),
			       answer.text);
	else if (rc == 0)
		fputs(answer.text, stdout);
	arena_free(&arena);
	return rc;
}

static int run(const struct program *program, int argc, char **argv)
{
	struct cli_options options = {0};
	struct settings settings;
	struct err err;
	if (cli_options(&command_status, "c:j", argc, argv, &options))
		return EXIT_USAGE;
	int rc = settings_load(options.config_file, program->sources, program->sinks, &settings, &err);
	if (rc == 0)
		rc = print_status(&settings, options.json, &err);
	settings_free(&settings);
	if (rc == 0)
		return 0;
	log_error("%s", err.text);
	return err.exit_code;
}

const struct command command_status = {
	.name = "status",
	.arguments = "-c FILE [-j]",
	.summary = "how the running daemon stands",
	.text = "Asks the daemon that runs with FILE: whether source and sink are connected and since when,\n"
		"what they wait for, the streams with their positions, how far a snapshot has come, what was\n"
		"counted since the start, and memory.\n"
		"\n"
		"  -c FILE     the configuration; the daemon listens at `control: {socket: PATH}`, which is\n"
		"              the state's path and \".sock\" where it is not set\n"
		"  -j, --json  one JSON object; `curl --unix-socket PATH http://localhost/status` is the same\n"
		"\n"
		"Exit codes: 0 it answers, 1 no daemon runs, 2 usage, configuration, no right to ask.\n",
	.run = run,
};
