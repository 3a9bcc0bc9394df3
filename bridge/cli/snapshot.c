#include <stdio.h>

#include "bridge/cli/cli.h"
#include "bridge/control/client.h"
#include "bridge/settings.h"
#include "bridge/state/sqlite.h"

struct wanted {
	const char *store;
	char **folders; /* n of them; none: every followed folder */
	int n;
};

/* ---- a daemon runs ---- */

static const char *target_of(const struct wanted *wanted, struct arena *arena)
{
	const char *target = arena_text(arena, "/snapshot?%s", control_argument("store", wanted->store, arena));
	for (int i = 0; i < wanted->n; i++)
		target = arena_text(arena, "%s&%s", target, control_argument("folder", wanted->folders[i], arena));
	return target;
}

static int check_answer(const struct control_answer *answer, struct err *err)
{
	int n = (int)strcspn(answer->text, "\n");
	if (answer->code == 202) {
		puts("the running daemon lists it again");
		return 0;
	}
	return answer->code == 400 ? err_usage(err, "%.*s", n, answer->text) : err_fatal(err, "%.*s", n, answer->text);
}

/* ---- none runs: the next start finds it in the state ---- */

static void put_request(struct put_list *list, struct arena *arena, const char *store, const char *folder)
{
	const char *key = arena_text(arena, STATE_REQUEST_SNAPSHOT "%s/%s", store, folder);
	const char *value = arena_text(arena, "%s\n%s", store, folder);
	put_list_add(list, arena, slice_of_text(key), slice_of_text(value));
}

static int note(const struct wanted *wanted, const char *state_path, struct err *err)
{
	struct arena arena = {0};
	struct put_list list = {0};
	const struct put_list *lists[] = {&list};
	struct state *state;
	int rc = sqlite_state_open(state_path, &state, err);
	if (rc)
		return rc;
	if (!wanted->n)
		put_request(&list, &arena, wanted->store, "");
	for (int i = 0; i < wanted->n; i++)
		put_request(&list, &arena, wanted->store, wanted->folders[i]);
	rc = state->ops->commit(state, lists, 1, err);
	state->ops->close(state);
	put_list_clear(&list);
	arena_free(&arena);
	if (rc == 0)
		puts("no daemon runs; its next start lists it again");
	return rc;
}

/* ---- the command ---- */

static int ask_or_note(const struct settings *settings, const struct wanted *wanted, struct err *err)
{
	struct arena arena = {0};
	struct control_answer answer;
	int rc = control_ask(settings->control_path, "POST", target_of(wanted, &arena), &arena, &answer, err);
	if (rc == 0)
		rc = check_answer(&answer, err);
	else if (rc == ERR_GONE)
		rc = note(wanted, settings->state_path, err);
	arena_free(&arena);
	return rc;
}

static int run(const struct program *program, int argc, char **argv)
{
	struct cli_options options = {.most_arguments = 64};
	struct settings settings;
	struct err err;
	if (cli_options(&command_snapshot, "c:", argc, argv, &options))
		return EXIT_USAGE;
	if (!options.n_arguments)
		return cli_usage(&command_snapshot, "of which store? Name its user, or public");
	struct wanted wanted = {options.arguments[0], options.arguments + 1, options.n_arguments - 1};
	int rc = settings_load(options.config_file, program->sources, program->sinks, &settings, &err);
	if (rc == 0)
		rc = ask_or_note(&settings, &wanted, &err);
	settings_free(&settings);
	if (rc == 0)
		return 0;
	log_error("%s", err.text);
	return err.exit_code;
}

const struct command command_snapshot = {
	.name = "snapshot",
	.arguments = "-c FILE STORE [FOLDER...]",
	.summary = "list a store or some folders again",
	.text = "Publishes what is in these folders once more, as a snapshot, beside what is followed. Consumers\n"
		"then know again what is there: also what they lost, or what was never told.\n"
		"\n"
		"  -c FILE  the configuration\n"
		"  STORE    a login name, or public\n"
		"  FOLDER   a path as in `follow`; none: every followed folder of the store\n"
		"\n"
		"A running daemon begins at once. If none runs, the next start does it.\n"
		"\n"
		"Exit codes: 0 it will be done, 1 not now (the server is away), 2 usage, configuration, no such store\n"
		"or folder.\n",
	.run = run,
};
