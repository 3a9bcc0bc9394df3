#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "bridge/cli/cli.h"
#include "bridge/clock.h"
#include "bridge/pattern.h"
#include "bridge/settings.h"
#include "bridge/state/once.h"
#include "core/hex.h"
#include "proto/json.h"

/* An item that cannot be read is tried again by the source, each time as a failure in passing. */
enum { PATIENCE_MS = 3000, PAUSE_MS = 50 };

struct sync {
	const struct encoder *encoder;
	struct settings settings;
	struct state *state;
	const struct source_ops *ops;
	struct source *source;
	bool silent; /* only the state is asked for */
};

/* ---- what was asked for ---- */

static int one_folder(const struct settings *settings, struct err *err)
{
	const struct conf_node *stores = settings->follow.stores, *folders = settings->follow.folders;
	if (settings->follow.mode != FOLLOW_FOLDERS)
		return conf_error(conf_get(conf_get(settings->tree, "follow"), "mode"), err,
				  "sync is for one folder: write `mode: folders` with one store and one folder");
	if (!pattern_is_plain(folders->children[0].text))
		return conf_error(&folders->children[0], err,
				  "sync is for one folder: `%.60s` may match several; write its path (a star in a name "
				  "is \\*)",
				  folders->children[0].text);
	if (stores->n_children == 1 && folders->n_children == 1)
		return 0;
	return conf_error(stores->n_children > 1 ? stores : folders, err,
			  "sync is for one folder, and here are %zu: name one store and one folder",
			  stores->n_children * folders->n_children);
}

static int one_store(const struct settings *settings, struct err *err)
{
	const struct conf_node *stores = settings->follow.stores;
	if (stores && stores->n_children == 1)
		return 0;
	return conf_error(stores ? stores : conf_get(settings->tree, "follow"), err,
			  "--hierarchy is for one store: name one in `follow.stores`");
}

/* Change id 0, as python-kopano writes the beginning. */
static bool is_the_beginning(const char *given)
{
	return !given || strspn(given, "0") == strlen(given);
}

static int give(struct state *state, const char *hex, struct err *err)
{
	struct arena arena = {0};
	struct put_list list = {0};
	const struct put_list *const lists[] = {&list};
	struct slice bytes;
	if (!hex_read(hex, strlen(hex), &arena, &bytes)) {
		arena_free(&arena);
		return err_usage(err, "--state: \"%.40s\" is not hexadecimal digits, two for each byte", hex);
	}
	put_list_add(&list, &arena, slice_of_text(STATE_GIVEN), bytes);
	int rc = state->ops->commit(state, lists, 1, err);
	put_list_clear(&list);
	arena_free(&arena);
	return rc;
}

/* Without a state, and with an empty one as python-kopano has it, from the start. */
static int prepare(struct sync *sync, const char *given, struct err *err)
{
	bool of_folder = sync->settings.follow.once == ONCE_FOLDER;
	int rc = of_folder ? one_folder(&sync->settings, err) : 0;
	if (sync->settings.follow.once == ONCE_HIERARCHY)
		rc = one_store(&sync->settings, err);
	sync->silent = given && strcmp(given, "now") == 0;
	sync->settings.follow.snapshot = !sync->silent;
	if (rc == 0 && sync->settings.follow.once == ONCE_SERVER && (!given || !*given))
		rc = err_usage(err, "which state? A whole server is not listed: print one with `tidings sync --server "
				    "-c FILE --state now`, or take python-kopano's server.state");
	if (sync->settings.follow.once == ONCE_SERVER ||
	    (sync->settings.follow.once == ONCE_HIERARCHY && !is_the_beginning(given)))
		sync->settings.follow.snapshot = false;
	if (rc || sync->silent || !given || !*given)
		return rc;
	return give(sync->state, given, err);
}

/* ---- the round ---- */

static void print_change(const struct sync *sync, const struct change *change, struct arena *arena)
{
	uint8_t id[EVENT_ID_SIZE];
	json_print(MESSAGE_CHANGE_EVENT, sync->encoder->change(change, arena, id), stdout);
	putchar('\n');
	if (change->cause != CAUSE_NONE)
		log_warning("the item %s could not be read, only its keys are known: %s",
			    hex_text(arena, change->source_key), change->cause_text);
}

/* A folder that cannot be read to its end has no state. */
static int check_event(const struct sync *sync, const struct lifecycle *event, struct err *err)
{
	if (sync->settings.follow.once != ONCE_FOLDER)
		return 0;
	if (event->type != LIFECYCLE_SUSPENDED && event->type != LIFECYCLE_FOLDER_ENDED)
		return 0;
	return err_usage(err, "the folder \"%.*s\" cannot be followed: %s", (int)event->folder->path.size,
			 (const char *)event->folder->path.data, event->text);
}

static int take(struct sync *sync, struct batch *batch, struct err *err)
{
	const struct put_list *const lists[] = {&batch->puts};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < batch->n_lifecycle; i++)
		rc = check_event(sync, &batch->lifecycle[i], err);
	for (size_t i = 0; rc == 0 && !sync->silent && i < batch->n_changes; i++)
		print_change(sync, &batch->changes[i], &batch->arena);
	if (rc == 0 && ferror(stdout))
		rc = err_fatal(err, "cannot write to standard output: %s", strerror(errno));
	return rc ? rc : sync->state->ops->commit(sync->state, lists, 1, err);
}

static int next(struct sync *sync, struct batch **batch, struct err *err)
{
	int64_t deadline_ms = clock_ms() + PATIENCE_MS;
	int rc;
	while ((rc = sync->ops->next(sync->source, batch, err)) == SOURCE_BACK ||
	       (rc == ERR_AGAIN && clock_ms() < deadline_ms))
		if (rc == ERR_AGAIN)
			poll(NULL, 0, PAUSE_MS);
	return rc;
}

static int take_round(struct sync *sync, struct err *err)
{
	struct batch *batch;
	int rc = sync->ops->open(sync->settings.source_config, &sync->source, err);
	if (rc == 0)
		rc = sync->ops->seek(sync->source, sync->state, err);
	while (rc == 0 && (rc = next(sync, &batch, err)) == 0) {
		rc = take(sync, batch, err);
		batch_free(batch);
	}
	sync->ops->close(sync->source);
	return rc == SOURCE_IDLE ? 0 : rc;
}

/* ---- the new state ---- */

static int print_state(const struct sync *sync, struct err *err)
{
	struct arena arena = {0};
	struct slice bytes;
	int rc = sync->settings.source->once_state(sync->state, &arena, &bytes, err);
	for (size_t i = 0; rc == 0 && i < bytes.size; i++)
		printf("%02X", bytes.data[i]);
	if (rc == 0)
		putchar('\n');
	arena_free(&arena);
	return rc;
}

/* ---- the command ---- */

static int sync_once(struct sync *sync, const struct cli_options *options, struct err *err)
{
	sync->ops = sync->settings.source->ops;
	sync->state = once_state_new();
	int rc = prepare(sync, options->state, err);
	if (rc == 0)
		rc = take_round(sync, err);
	if (rc == 0)
		rc = print_state(sync, err);
	sync->state->ops->close(sync->state);
	return rc;
}

static int run(const struct program *program, int argc, char **argv)
{
	struct cli_options options = {0};
	struct sync sync = {.encoder = program->encoder};
	struct err err;
	if (cli_options(&command_sync, "c:s:aSH", argc, argv, &options))
		return EXIT_USAGE;
	int rc = settings_load_source(options.config_file, program->sources, options.once ? options.once : ONCE_FOLDER,
				      &sync.settings, &err);
	if (rc == 0)
		rc = sync_once(&sync, &options, &err);
	settings_free(&sync.settings);
	if (rc == 0)
		return 0;
	log_error("%s", err.text);
	return err.exit_code;
}

const struct command command_sync = {
	.name = "sync",
	.arguments = "[--server | --hierarchy | --addressbook] -c FILE [--state HEX|now]",
	.summary = "the changes of a folder, the server or the address book since a state, and the new state",
	.text = "Prints what has changed since HEX, a JSON object on each line, then the new state on a line of its\n"
		"own. Without an option it is about the folder that FILE names: `source` and `follow` count, and they\n"
		"must name one store and one folder.\n"
		"\n"
		"  --server       items of all stores; only `source` of FILE counts, and `follow.associated`. The "
		"account\n"
		"                 must be a system administrator, and a state is needed: begin with --state now\n"
		"  --hierarchy    folders of the one store that `follow.stores` of FILE names\n"
		"  --addressbook  users and groups of the server; only `source` of FILE counts\n"
		"  -c FILE        the configuration\n"
		"  --state HEX    a state that this command or python-kopano (folder.state, folder.sync,\n"
		"                 folder.sync_hierarchy, server.state, server.sync,\n"
		"                 server.sync_gab) has printed for the same thing\n"
		"  --state now    prints nothing but the present state\n"
		"\n"
		"Without --state everything is listed, as a snapshot, with what changes meanwhile. If something\n"
		"has changed the command takes a second (source.kopano.settle_ms): entries of the journal can\n"
		"appear late, below others, and a state must not be beyond them. If the command fails no state\n"
		"is printed, and the old one is still good.\n"
		"\n"
		"Exit codes: 0 done, 1 failed (try again), 2 usage, configuration, password, no such folder or no\n"
		"right to read it, a state of something else.\n",
	.run = run,
};
