#include "bridge/cli/cli.h"
#include "bridge/daemon.h"

static int run_with(const struct program *program, const struct cli_options *options, struct err *err)
{
	struct settings settings;
	int rc = settings_load(options->config_file, program->sources, program->sinks, &settings, err);
	if (rc == 0) {
		log_set_level(options->verbose ? LOG_LEVEL_DEBUG : settings.log_level);
		settings.verbose = options->verbose;
		log_set_format(settings.log_format);
		rc = daemon_run(&settings, program->encoder, err);
	}
	settings_free(&settings);
	return rc;
}

static int run(const struct program *program, int argc, char **argv)
{
	struct cli_options options = {0};
	struct err err;
	if (cli_options(&command_run, "c:v", argc, argv, &options))
		return EXIT_USAGE;
	if (run_with(program, &options, &err) == 0)
		return 0;
	log_error("%s", err.text);
	return err.exit_code;
}

const struct command command_run = {
	.name = "run",
	.arguments = "-c FILE [-v]",
	.summary = "the daemon, in the foreground",
	.text = "Follows the server that FILE names and publishes its changes, until SIGTERM or SIGINT.\n"
		"What is under way is then delivered and committed, for up to 10 seconds; a second signal\n"
		"stops at once. A start goes on where the last run ended.\n"
		"\n"
		"  -c FILE  the configuration\n"
		"  -v       also log what is only of interest when something is wrong\n"
		"\n"
		"Exit codes: 0 stopped by a signal, 1 failed (start it again), 2 failed for a reason that a\n"
		"restart does not mend: usage, configuration, credentials, a state that belongs elsewhere.\n",
	.run = run,
};
