#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "tests/fakekopano/server.h"
#include "tests/fakekopano/table.h"

static uint64_t random_id(uint32_t capabilities)
{
	uint64_t id = 0;

	while (id == 0) {
		if (getrandom(&id, sizeof(id), 0) != sizeof(id))
			abort();
		if (!(capabilities & CAP_LARGE_SESSION))
			id &= UINT32_MAX;
	}
	return id;
}

/* The real server writes these times now and then, in the background; here it is once. */
static void note_logon(struct world *w, uint32_t user)
{
	struct store *store = &w->stores[world_store_of(w, user)];

	if (!store->logged_on && !store->old_ids) {
		store->logged_off = time_now();
		store->logged_on = store->logged_off + 1;
	}
}

struct session *session_create(struct server *s, uint32_t user, uint32_t capabilities, uint64_t group, const char *peer)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		abort();
	session->id = random_id(capabilities);
	session->user = user;
	session->capabilities = capabilities;
	session->group = group;
	session->used_ms = clock_ms();
	snprintf(session->peer, sizeof(session->peer), "%s", peer);
	pthread_mutex_init(&session->mutex, NULL);
	s->sessions = array_grow(s->sessions, s->n_sessions, &s->cap_sessions, sizeof(*s->sessions));
	s->sessions[s->n_sessions++] = session;
	notifier_enter(&s->notifier, session->id, group);
	s->w->users[user].level = s->w->users[user].admin;
	note_logon(s->w, user);
	return session;
}

static void session_free(struct session *session)
{
	for (uint32_t i = 0; i < session->n_tables; i++)
		table_free(session->tables[i]);
	free(session->tables);
	pthread_mutex_destroy(&session->mutex);
	free(session);
}

void session_end(struct server *s, struct session *session)
{
	for (uint32_t i = 0; i < s->n_sessions; i++)
		if (s->sessions[i] == session)
			s->sessions[i--] = s->sessions[--s->n_sessions];
	notifier_leave(&s->notifier, session->id);
	session_free(session);
}

void sessions_end_all(struct server *s)
{
	while (s->n_sessions > 0)
		session_end(s, s->sessions[s->n_sessions - 1]);
}

void sessions_end_idle(struct server *s)
{
	uint64_t now = clock_ms();

	for (uint32_t i = 0; i < s->n_sessions; i++)
		if (now - s->sessions[i]->used_ms > s->session_timeout_ms)
			session_end(s, s->sessions[i--]);
}

struct session *session_find(struct server *s, uint64_t id, const char *peer)
{
	uint64_t now = clock_ms();

	for (uint32_t i = 0; i < s->n_sessions; i++) {
		struct session *session = s->sessions[i];

		if (session->id != id)
			continue;
		if (strcmp(session->peer, peer) != 0 || now - session->used_ms > s->session_timeout_ms)
			return NULL;
		__atomic_store_n(&session->used_ms, now, __ATOMIC_RELAXED);
		return session;
	}
	return NULL;
}

void sessions_touch_group(struct server *s, uint64_t group)
{
	uint64_t now = clock_ms();

	for (uint32_t i = 0; group && i < s->n_sessions; i++)
		if (s->sessions[i]->group == group)
			__atomic_store_n(&s->sessions[i]->used_ms, now, __ATOMIC_RELAXED);
}

void server_follow(struct server *s, struct change *c)
{
	for (uint32_t i = 0; i < s->n_sessions && c->n > 0; i++)
		for (uint32_t k = 0; k < s->sessions[i]->n_tables; k++)
			table_follow(s->sessions[i]->tables[k], c);
	change_end(c);
	notifier_wake(&s->notifier);
}

void server_reload_tables(struct server *s, uint32_t folder_key)
{
	for (uint32_t i = 0; i < s->n_sessions; i++)
		for (uint32_t k = 0; k < s->sessions[i]->n_tables; k++)
			table_reload(s->sessions[i]->tables[k], s->w, folder_key);
}

void server_drop_held(struct server *s)
{
	while (s->n_held > 0) {
		struct held_command *held = &s->held[--s->n_held];

		vec_free(&held->reserved);
		free(held->text);
	}
	s->held_folders.n = 0;
	s->hold_all = false;
}

void server_wake(struct server *s)
{
	uint64_t one = 1;

	if (write(s->wake_fd, &one, sizeof(one)) != sizeof(one))
		abort();
}

void server_free(struct server *s)
{
	sessions_end_all(s);
	server_drop_held(s);
	notifier_free(&s->notifier);
	free(s->sessions);
	free(s->held);
	vec_free(&s->held_folders);
	free(s->faults.at);
	world_free(s->w);
	while (s->n_marks > 0) {
		struct mark *mark = &s->marks[--s->n_marks];

		world_free(mark->w);
		free(mark->name);
	}
	free(s->marks);
	pthread_rwlock_destroy(&s->lock);
}
