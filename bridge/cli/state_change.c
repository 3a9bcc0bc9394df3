#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bridge/cli/state.h"
#include "core/hex.h"

enum { EPOCH_BYTES = 4 };

/* What a verb is about to do to the state. */
struct change_of_state {
	struct state *state;
	struct put_list list;
	struct arena arena;
	const char *question; /* "reset everything" */
};

static int confirm(const struct change_of_state *change, const struct cli_options *options, struct err *err)
{
	char answer[16] = "";
	if (options->yes)
		return 0;
	if (!isatty(STDIN_FILENO))
		return err_usage(err, "this would %s: say --yes", change->question);
	fprintf(stderr, "This will %s. Go on? [y/N] ", change->question);
	if (fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
		return 0;
	return err_usage(err, "nothing was changed");
}

static int commit(struct change_of_state *change, const struct cli_options *options, struct err *err)
{
	const struct put_list *lists[] = {&change->list};
	int rc = confirm(change, options, err);
	return rc ? rc : change->state->ops->commit(change->state, lists, 1, err);
}

static void end(struct change_of_state *change)
{
	change->state->ops->close(change->state);
	put_list_clear(&change->list);
	arena_free(&change->arena);
}

/* ---- set ---- */

static int read_position(struct change_of_state *change, const struct settings *settings, const char *key,
			 const char *hex, struct slice *value, struct err *err)
{
	describe_fn *describe = settings->source->describe;
	if (!hex_read(hex, strlen(hex), &change->arena, value))
		return err_usage(err, "`%.60s` is no position: it is written in pairs of hexadecimal digits", hex);
	if (!describe || !describe(change->state, slice_of_text(key), *value, &change->arena))
		return err_usage(err, "`%.60s` is no position of this stream: `tidings state list` shows how one looks",
				 hex);
	return 0;
}

static int prepare_set(struct change_of_state *change, const struct settings *settings, const char *stream,
		       const char *hex, struct err *err)
{
	const char *key;
	struct slice value;
	int rc;
	if ((rc = state_find_stream(change->state, stream, &change->arena, &key, err)) ||
	    (rc = read_position(change, settings, key, hex, &value, err)))
		return rc;
	const char *taken = arena_text(&change->arena, STATE_TAKEN "%s/", stream);
	change->question = arena_text(&change->arena, "set %s to %s", stream, hex);
	if ((rc = state_remove_all(change->state, taken, &change->list, &change->arena, err)))
		return rc;
	put_list_add(&change->list, &change->arena, slice_of_text(key), value);
	return 0;
}

int state_set(const struct program *program, const struct settings *settings, const struct cli_options *options,
	      struct err *err)
{
	struct change_of_state change = {0};
	(void)program;
	int rc = state_open_to_change(settings->state_path, &change.state, err);
	if (rc)
		return rc;
	rc = prepare_set(&change, settings, options->arguments[1], options->arguments[2], err);
	if (rc == 0)
		rc = commit(&change, options, err);
	end(&change);
	return rc;
}

/* ---- reset ---- */

static uint32_t stored_epoch(struct state *state, struct arena *arena)
{
	struct slice value;
	struct err err;
	if (state->ops->get(state, slice_of_text(STATE_EPOCH), arena, &value, &err) || value.size != EPOCH_BYTES)
		return 0;
	return value.data[0] | (uint32_t)value.data[1] << 8 | (uint32_t)value.data[2] << 16 |
	       (uint32_t)value.data[3] << 24;
}

/* Records of the new time must not be taken for repeats of the old. */
static void put_next_epoch(struct change_of_state *change, const struct settings *settings)
{
	uint32_t (*ask)(struct state *) = settings->source->epoch;
	uint32_t is = ask ? ask(change->state) : 0, least = stored_epoch(change->state, &change->arena);
	uint32_t next = is >= least ? is + 1 : least;
	uint8_t bytes[EPOCH_BYTES] = {(uint8_t)next, (uint8_t)(next >> 8), (uint8_t)(next >> 16),
				      (uint8_t)(next >> 24)};
	put_list_add(&change->list, &change->arena, slice_of_text(STATE_EPOCH), slice_of(bytes, sizeof bytes));
}

static int prepare_all(struct change_of_state *change, const struct settings *settings, struct err *err)
{
	change->question = "forget every position and everything else that the state holds";
	int rc = state_remove_all(change->state, "", &change->list, &change->arena, err);
	if (rc == 0)
		put_next_epoch(change, settings);
	return rc;
}

/* Marks of every sink: the state may be of another one than the configuration. */
static int prepare_sink(struct change_of_state *change, const struct program *program, struct err *err)
{
	struct arena *arena = &change->arena;
	change->question = "forget what was delivered where, and accept the sink as it is now";
	put_list_remove(&change->list, arena, slice_of_text(STATE_SINK));
	int rc = state_remove_all(change->state, "offsets/", &change->list, arena, err);
	for (size_t i = 0; rc == 0 && program->sinks[i]; i++) {
		const char *key = arena_text(arena, "ends/%s", program->sinks[i]->name);
		put_list_remove(&change->list, arena, slice_of_text(key));
		rc = state_remove_all(change->state, arena_text(arena, "%s/", key), &change->list, arena, err);
	}
	return rc;
}

static int prepare_stream(struct change_of_state *change, const struct settings *settings, const char *stream,
			  struct err *err)
{
	const char *key;
	int rc = state_find_stream(change->state, stream, &change->arena, &key, err);
	if (rc)
		return rc;
	change->question = arena_text(&change->arena, "begin the stream %s anew", stream);
	const char *taken = arena_text(&change->arena, STATE_TAKEN "%s/", stream);
	put_list_remove(&change->list, &change->arena, slice_of_text(key));
	rc = state_remove_all(change->state, taken, &change->list, &change->arena, err);
	if (rc || !settings->source->reset)
		return rc;
	return settings->source->reset(change->state, stream, &change->list, &change->arena, err);
}

static int prepare_reset(struct change_of_state *change, const struct program *program, const struct settings *settings,
			 const char *what, struct err *err)
{
	if (!what)
		return prepare_all(change, settings, err);
	if (strcmp(what, "sink") == 0)
		return prepare_sink(change, program, err);
	return prepare_stream(change, settings, what, err);
}

int state_reset(const struct program *program, const struct settings *settings, const struct cli_options *options,
		struct err *err)
{
	struct change_of_state change = {0};
	int rc = state_open_to_change(settings->state_path, &change.state, err);
	if (rc)
		return rc;
	rc = prepare_reset(&change, program, settings, options->n_arguments > 1 ? options->arguments[1] : NULL, err);
	if (rc == 0)
		rc = commit(&change, options, err);
	end(&change);
	return rc;
}
