#include <stdio.h>
#include <string.h>

#include "tests/fakekopano/control.h"

void verb_fault(struct command *c)
{
	struct fault f = {.kind = fault_kind_named(json_text(c->in, "kind", "")),
			  .n = (uint64_t)json_int(c->in, "n", 0),
			  .times = (uint64_t)json_int(c->in, "times", 1),
			  .after = (uint64_t)json_int(c->in, "after", 0)};

	if (f.kind == FAULT_NONE)
		command_fail(c, "unknown fault %s", json_text(c->in, "kind", ""));
	snprintf(f.method, sizeof(f.method), "%s", json_text(c->in, "method", ""));
	if (!command_failed(c))
		faults_add(&c->s->faults, &f);
}

void verb_clear_faults(struct command *c)
{
	faults_clear(&c->s->faults);
	for (uint32_t i = 1; i < c->w->n_items; i++)
		c->w->items[i].refused = 0;
}

void verb_expire_sessions(struct command *c)
{
	sessions_end_all(c->s);
}

static bool is_named(const struct json *ids, uint32_t id)
{
	for (const struct json *one = ids->first; one; one = one->next)
		if (json_number(one, 0) == id)
			return true;
	return false;
}

void verb_expire_syncs(struct command *c)
{
	const struct json *ids = json_get(c->in, "ids");
	struct world *w = c->w;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < w->n_syncs; i++)
		if (ids && !is_named(ids, w->syncs[i].id))
			w->syncs[kept++] = w->syncs[i];
	reply_uint(c, "n", w->n_syncs - kept);
	w->n_syncs = kept;
}

/* What was not committed is lost; its change ids stay a gap. */
void verb_restart(struct command *c)
{
	sessions_end_all(c->s);
	server_drop_held(c->s);
	faults_clear(&c->s->faults);
	c->s->close_connections(c->s);
}

void verb_backup(struct command *c)
{
	if (c->s->backup)
		world_free(c->s->backup);
	c->s->backup = world_clone(c->w);
	reply_uint(c, "max_change", c->w->journal.max);
}

void verb_restore_backup(struct command *c)
{
	if (!c->s->backup) {
		command_fail(c, "no backup was made");
		return;
	}
	verb_restart(c);
	world_free(c->w);
	c->s->w = c->w = c->change.w = world_clone(c->s->backup);
	reply_uint(c, "max_change", c->w->journal.max);
}

void verb_reload_tables(struct command *c)
{
	uint32_t folder = json_get(c->in, "folder") ? command_folder(c, "folder") : 0;

	if (!command_failed(c))
		server_reload_tables(c->s, folder ? c->w->folders[folder].key : 0);
}
