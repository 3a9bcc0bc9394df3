/* What the verbs of `tidings state` share. Each returns 0 or ERR_FATAL. */
#ifndef TIDINGS_BRIDGE_CLI_STATE_H
#define TIDINGS_BRIDGE_CLI_STATE_H

#include "bridge/cli/cli.h"
#include "bridge/settings.h"

#define STATE_POSITION "position/"
#define STATE_TAKEN    "taken/"

typedef int state_verb_fn(const struct program *program, const struct settings *settings,
			  const struct cli_options *options, struct err *err);

state_verb_fn state_list, state_show, state_set, state_reset, state_export, state_import;

/* Opens an existing state to change it; refused while a daemon runs. */
int state_open_to_change(const char *path, struct state **state, struct err *err);

/* The key of the position that `list` calls so. ERR_FATAL: there is no such stream. */
int state_find_stream(struct state *state, const char *stream, struct arena *arena, const char **key, struct err *err);

/* Adds the removal of every entry whose key begins so. */
int state_remove_all(struct state *state, const char *prefix, struct put_list *list, struct arena *arena,
		     struct err *err);

#endif
