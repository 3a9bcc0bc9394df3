#include <stdio.h>
#include <string.h>
#include <sys/random.h>

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

static struct mark *mark_named(struct server *s, const char *name)
{
	for (uint32_t i = 0; i < s->n_marks; i++)
		if (strcmp(s->marks[i].name, name) == 0)
			return &s->marks[i];
	return NULL;
}

void verb_mark(struct command *c)
{
	const char *name = json_text(c->in, "name", "");
	struct server *s = c->s;
	struct mark *mark = mark_named(s, name);

	if (mark) {
		world_free(mark->w);
	} else {
		s->marks = array_grow(s->marks, s->n_marks, &s->cap_marks, sizeof(*s->marks));
		mark = &s->marks[s->n_marks++];
		mark->name = strdup(name);
	}
	mark->w = world_clone(c->w);
	reply_uint(c, "max_change", c->w->journal.max);
}

void verb_restore_mark(struct command *c)
{
	const struct mark *mark = mark_named(c->s, json_text(c->in, "name", ""));

	if (!mark) {
		command_fail(c, "no such mark");
		return;
	}
	verb_restart(c);
	world_free(c->w);
	c->s->w = c->w = c->change.w = world_clone(mark->w);
	reply_uint(c, "max_change", c->w->journal.max);
}

void verb_poll(struct command *c)
{
	struct notifier *n = &c->s->notifier;
	const char *name = json_text(c->in, "idle", "answer");
	enum idle_kind idle = strcmp(name, "never") == 0 ? IDLE_NEVER : IDLE_ANSWER;

	if (strcmp(name, "close") == 0)
		idle = IDLE_CLOSE;
	notifier_set_idle(n, idle, (uint64_t)json_int(c->in, "idle_ms", (int64_t)n->idle_ms),
			  (uint32_t)json_int(c->in, "items", 0));
}

void verb_lag(struct command *c)
{
	c->w->lag_ms = (uint64_t)json_int(c->in, "ms", 0);
	c->w->lag_items = json_bool(c->in, "items", false);
}

#define SYNC_LIFETIME_MS (90 * UINT64_C(86400000))

static uint32_t expire_old_syncs(struct world *w)
{
	uint64_t now = clock_ms();
	uint32_t kept = 0, n;

	for (uint32_t i = 0; i < w->n_syncs; i++)
		if (now - w->syncs[i].stored_ms <= SYNC_LIFETIME_MS)
			w->syncs[kept++] = w->syncs[i];
	n = w->n_syncs - kept;
	w->n_syncs = kept;
	return n;
}

/* As if that time had gone by, with what a server does in it: a year ends every sync id that nobody stored. */
void verb_advance(struct command *c)
{
	clock_advance((uint64_t)json_int(c->in, "ms", 1000 * json_int(c->in, "seconds", 0)));
	sessions_end_idle(c->s);
	world_end_lags(c->w);
	reply_uint(c, "syncs_expired", expire_old_syncs(c->w));
	server_wake(c->s);
}

/* Another server with the same content: every id is another one. */
void verb_new_guid(struct command *c)
{
	if (getrandom(c->w->guid.b, GUID_BYTES, 0) != GUID_BYTES)
		abort();
	verb_restart(c);
	reply_hex(c, "guid", c->w->guid.b, GUID_BYTES);
}

void verb_reload_tables(struct command *c)
{
	uint32_t folder = json_get(c->in, "folder") ? command_folder(c, "folder") : 0;

	if (!command_failed(c))
		server_reload_tables(c->s, folder ? c->w->folders[folder].key : 0);
}
