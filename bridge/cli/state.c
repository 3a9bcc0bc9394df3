#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bridge/cli/state.h"
#include "bridge/state/sqlite.h"

/* ---- what the verbs share ---- */

int state_open_to_change(const char *path, struct state **state, struct err *err)
{
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return err_usage(err, "there is no state %s", path);
	int rc = sqlite_state_open(path, state, err);
	return rc ? err_prefix(err, "the state is changed only while no daemon runs") : 0;
}

int state_find_stream(struct state *state, const char *stream, struct arena *arena, const char **key, struct err *err)
{
	struct slice value;
	*key = arena_text(arena, STATE_POSITION "%s", stream);
	int rc = state->ops->get(state, slice_of_text(*key), arena, &value, err);
	if (rc == ERR_GONE)
		return err_usage(err, "no stream \"%.200s\" in the state: `tidings state list` names the streams",
				 stream);
	return rc;
}

struct removal {
	struct put_list *list;
	struct arena *arena;
};

static int add_removal(void *context, struct slice key, struct slice value)
{
	struct removal *removal = context;
	(void)value;
	put_list_remove(removal->list, removal->arena, key);
	return 0;
}

int state_remove_all(struct state *state, const char *prefix, struct put_list *list, struct arena *arena,
		     struct err *err)
{
	struct removal removal = {list, arena};
	return state->ops->each(state, slice_of_text(prefix), add_removal, &removal, err);
}

/* ---- the command ---- */

static const struct verb {
	const char *name;
	const char *missing; /* what to ask for when there are fewer arguments than `least` */
	int least, most;
	state_verb_fn *run;
} verbs[] = {
	{"list", "", 0, 0, state_list},
	{"show", "show which entry? `tidings state list` names the streams", 1, 1, state_show},
	{"set", "set which stream to which position? Write `set STREAM HEX`; `tidings state list` names the streams", 2,
	 2, state_set},
	{"reset", "", 0, 1, state_reset},
	{"export", "export to which file? - is standard output", 1, 1, state_export},
	{"import", "import from which file? - is standard input", 1, 1, state_import},
};

enum { N_VERBS = sizeof verbs / sizeof *verbs };

static int check_arguments(const struct verb *verb, const struct cli_options *options)
{
	if (options->n_arguments - 1 < verb->least)
		return cli_usage(&command_state, "%s", verb->missing);
	if (options->n_arguments - 1 > verb->most)
		return cli_usage(&command_state, "unexpected argument `%.60s`", options->arguments[verb->most + 1]);
	return 0;
}

/* NULL after saying what is wrong. */
static const struct verb *find_verb(const struct cli_options *options)
{
	static const char all[] = "list, show, set, reset, export or import";
	if (!options->n_arguments) {
		cli_usage(&command_state, "%s?", all);
		return NULL;
	}
	for (size_t i = 0; i < N_VERBS; i++)
		if (strcmp(options->arguments[0], verbs[i].name) == 0)
			return check_arguments(&verbs[i], options) ? NULL : &verbs[i];
	cli_usage(&command_state, "`%.60s` is none of %s", options->arguments[0], all);
	return NULL;
}

static int run(const struct program *program, int argc, char **argv)
{
	struct cli_options options = {.most_arguments = 3};
	struct settings settings;
	const struct verb *verb;
	struct err err;
	if (cli_options(&command_state, "c:jyr", argc, argv, &options) || !(verb = find_verb(&options)))
		return EXIT_USAGE;
	int rc = settings_load(options.config_file, program->sources, program->sinks, &settings, &err);
	if (rc == 0)
		rc = verb->run(program, &settings, &options, &err);
	settings_free(&settings);
	if (rc == 0)
		return 0;
	log_error("%s", err.text);
	return err.exit_code;
}

const struct command command_state = {
	.name = "state",
	.arguments = "VERB -c FILE",
	.summary = "what the state holds; setting it back, copying it",
	.text = "While the daemon runs, too:\n"
		"\n"
		"  list              each stream: its name, its position in hexadecimal digits, and what that means\n"
		"  show KEY          one entry: a stream as `list` names it, or a key (\"ends/kopano\", "
		"\"folder/...\")\n"
		"  export FILE       all of it as JSON lines, as it is at one moment; - is standard output\n"
		"\n"
		"Only while no daemon runs:\n"
		"\n"
		"  set STREAM HEX    goes on from another position, as `list` shows it\n"
		"  reset             forgets everything: the next start begins anew, with snapshots where they are\n"
		"                    configured, and raises the epoch of the records\n"
		"  reset STREAM      that stream begins anew\n"
		"  reset sink        forgets what was delivered where: topics or files are accepted as they are now.\n"
		"                    Positions stay: records that were lost there do not come again\n"
		"  import FILE       what `export` has written, into a state that is not there or empty\n"
		"\n"
		"  -c FILE           the configuration\n"
		"  -j, --json        list, show: one JSON object per line\n"
		"  -y, --yes         set, reset, import: do not ask\n"
		"  -r, --replace     import: in the place of what the state holds\n"
		"\n"
		"Exit codes: 0 done, 1 the state cannot be read or written now, 2 usage, configuration, no such state "
		"or\n"
		"entry, a daemon runs, a state that is damaged or newer.\n",
	.run = run,
};
