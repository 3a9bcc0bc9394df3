#include "bridge/reload.h"

#include <stdlib.h>

static int refuse(const char *what, struct err *err)
{
	return err_usage(err, "%s cannot change while the daemon runs: restart it", what);
}

static int compare(const struct settings *old, const struct settings *new, struct err *err)
{
	if (old->source != new->source)
		return refuse("the kind of source", err);
	if (old->sink != new->sink)
		return refuse("the kind of sink", err);
	if (old->follow.mode != new->follow.mode)
		return refuse("follow.mode", err);
	if (strcmp(old->state_path, new->state_path) != 0)
		return refuse("state.path", err);
	return strcmp(old->control_path, new->control_path) != 0 ? refuse("control.socket", err) : 0;
}

int reload(const struct settings *old, struct settings **new, struct err *err)
{
	*new = NULL;
	if (!old->file)
		return err_usage(err, "there is no configuration file");
	struct settings *read = xcalloc(1, sizeof *read);
	int rc = settings_load(old->file, old->sources, old->sinks, read, err);
	if (rc == 0)
		rc = compare(old, read, err);
	if (rc) {
		reload_free(read);
		return rc;
	}
	read->verbose = old->verbose;
	*new = read;
	return 0;
}

void reload_free(struct settings *settings)
{
	if (!settings)
		return;
	settings_free(settings);
	free(settings);
}
