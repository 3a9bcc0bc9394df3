#include <stdio.h>
#include <string.h>

#include "tests/fakekopano/control.h"

static bool is_held(struct command *c, const char *key)
{
	uint32_t folder = json_get(c->in, key) ? command_folder(c, key) : 0;

	for (uint32_t i = 0; folder && i < c->s->held_folders.n; i++)
		if (c->s->held_folders.at[i] == c->w->folders[folder].key)
			return true;
	return false;
}

bool command_is_late(struct command *c)
{
	if (json_int(c->in, "late_ms", 0) > 0 || c->s->hold_all)
		return true;
	return c->s->held_folders.n && (is_held(c, "folder") || is_held(c, "to") || is_held(c, "parent"));
}

/* Entries of deleting a folder with everything below it. */
static uint32_t entries_of_deleting(const struct world *w, uint32_t folder, bool hard)
{
	const struct folder *f = &w->folders[folder];
	uint32_t n = (f->type != 2) + f->n_normal + f->n_associated;

	if (hard)
		n += f->n_deleted + f->n_deleted_associated;
	for (uint32_t i = 0; i < f->children.n; i++)
		n += entries_of_deleting(w, f->children.at[i], hard);
	return n;
}

static uint32_t entries_of_copying(const struct world *w, uint32_t folder)
{
	const struct folder *f = &w->folders[folder];
	uint32_t n = 2 * (f->type != 2) + f->n_normal + f->n_associated;

	for (uint32_t i = 0; i < f->children.n; i++)
		if (!w->folders[f->children.at[i]].soft_deleted)
			n += entries_of_copying(w, f->children.at[i]);
	return n;
}

static uint32_t ids_of_folder_verb(struct command *c, const char *verb)
{
	uint32_t folder, to;

	if (strcmp(verb, "folder-create") == 0)
		return json_int(c->in, "type", 1) == 2 ? 0 : (uint32_t)json_int(c->in, "saves", 0) + 1;
	folder = command_folder(c, "folder");
	to = json_get(c->in, "to") ? command_folder(c, "to") : folder;
	if (command_failed(c))
		return 0;
	if (strcmp(verb, "folder-delete") == 0)
		return entries_of_deleting(c->w, folder, json_bool(c->in, "hard", false));
	if (strcmp(verb, "folder-copy") == 0)
		return entries_of_copying(c->w, folder);
	if (c->w->folders[folder].store != c->w->folders[to].store)
		return entries_of_copying(c->w, folder) + entries_of_deleting(c->w, folder, false);
	return strcmp(verb, "folder-move") == 0 ? 2 : 1;
}

static uint32_t ids_needed(struct command *c, const char *verb)
{
	struct vec items = {0};
	uint32_t n;

	if (strcmp(verb, "create") == 0)
		return (uint32_t)(json_int(c->in, "n", 1) * (1 + json_int(c->in, "saves", 0)));
	if (strncmp(verb, "folder-", 7) == 0)
		return ids_of_folder_verb(c, verb);
	command_items(c, command_folder(c, "folder"), strcmp(verb, "restore") == 0 || strcmp(verb, "purge") == 0,
		      &items);
	n = items.n * (strcmp(verb, "move") == 0 ? 2 : 1);
	if (strcmp(verb, "change") == 0)
		n = items.n * (uint32_t)json_int(c->in, "saves", 1);
	vec_free(&items);
	return n;
}

void command_hold(struct command *c, const char *text)
{
	struct server *s = c->s;
	uint64_t late_ms = (uint64_t)json_int(c->in, "late_ms", (int64_t)s->hold_ms);
	uint32_t n = ids_needed(c, json_text(c->in, "do", "")), first;
	struct held_command held = {.due_ms = late_ms ? clock_ms() + late_ms : 0};

	if (command_failed(c))
		return;
	first = journal_reserve(&c->w->journal, n);
	held.text = strdup(text);
	for (uint32_t i = 0; i < n; i++)
		vec_push(&held.reserved, first + i);
	s->held = array_grow(s->held, s->n_held, &s->cap_held, sizeof(*s->held));
	s->held[s->n_held++] = held;
	server_wake(s);
	buf_str(c->out, ",\"held\":true");
	reply_uint(c, "first_change", first);
	reply_uint(c, "n_changes", n);
}

static void release(struct server *s, uint32_t i, struct buf *out)
{
	struct held_command held = s->held[i];
	char *line = strdup(held.text);

	s->n_held--;
	memmove(s->held + i, s->held + i + 1, (s->n_held - i) * sizeof(*s->held));
	control_run_line(s, line, held.text, out, &held.reserved);
	vec_free(&held.reserved);
	free(line);
	free(held.text);
}

int64_t control_release_due(struct server *s)
{
	struct buf ignored = {0};
	int64_t next = -1;
	uint64_t now;

	pthread_rwlock_wrlock(&s->lock);
	now = clock_ms();
	for (uint32_t i = 0; i < s->n_held; i++) {
		int64_t left = (int64_t)(s->held[i].due_ms - now);

		if (s->held[i].due_ms && left <= 0)
			release(s, i--, &ignored);
		else if (s->held[i].due_ms && (next < 0 || left < next))
			next = left;
	}
	pthread_rwlock_unlock(&s->lock);
	buf_free(&ignored);
	return next;
}

static void run_hold(struct server *s, const struct json *in, struct buf *out)
{
	struct buf members = {0};
	struct command c = {.s = s, .w = s->w, .in = in, .out = &members, .change = {.w = s->w}};
	uint32_t folder = json_get(in, "folder") ? command_folder(&c, "folder") : 0;

	if (!command_failed(&c)) {
		s->hold_ms = (uint64_t)json_int(in, "ms", 0);
		s->hold_all |= !folder;
		if (folder)
			vec_push(&s->held_folders, s->w->folders[folder].key);
	}
	command_finish(&c, out, &members);
	buf_free(&members);
}

/* "order": "last" commits the newest first: ids then become visible out of order within one folder too. */
static void run_release(struct server *s, const struct json *in, struct buf *out)
{
	bool last = strcmp(json_text(in, "order", "first"), "last") == 0;
	struct buf answers = {0};
	uint32_t n = s->n_held;

	if (!json_bool(in, "keep", false)) {
		s->held_folders.n = 0;
		s->hold_all = false;
	}
	while (s->n_held > 0)
		release(s, last ? s->n_held - 1 : 0, &answers);
	buf_printf(out, "{\"ok\":true,\"released\":%u}\n", n);
	buf_free(&answers);
}

bool control_hold_or_release(struct server *s, const char *line, struct buf *out)
{
	char *copy = strdup(line);
	struct json *in = json_parse(copy, strlen(copy));
	const char *verb = json_text(in, "do", "");
	bool holds = strcmp(verb, "hold") == 0, releases = strcmp(verb, "release") == 0;

	if (holds)
		run_hold(s, in, out);
	if (releases)
		run_release(s, in, out);
	json_free(in);
	free(copy);
	return holds || releases;
}
