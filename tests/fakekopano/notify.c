#include "tests/fakekopano/notify.h"

#include <time.h>

#include "tests/fakekopano/notify_group.h"

#define IDLE_MS 60900u /* the real server looks once a second whether 60 are over */
#define STEP_MS 100    /* how often a waiting poll looks at the clock, which tests can advance */

static void notice(struct observer *o, const struct event *e)
{
	struct notifier *n = (struct notifier *)o;

	pthread_mutex_lock(&n->mutex);
	for (uint32_t i = 0; i < n->n_groups; i++)
		if (n->groups[i]->id && n->groups[i]->n)
			group_notice(n->groups[i], e);
	pthread_mutex_unlock(&n->mutex);
}

void notifier_init(struct notifier *n)
{
	pthread_condattr_t attributes;

	*n = (struct notifier){.observer = {.notice = notice}, .idle_ms = IDLE_MS};
	pthread_mutex_init(&n->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&n->changed, &attributes);
	pthread_condattr_destroy(&attributes);
}

void notifier_free(struct notifier *n)
{
	for (uint32_t i = 0; i < n->n_groups; i++)
		group_free(n->groups[i]);
	free(n->groups);
	free(n->members);
	pthread_cond_destroy(&n->changed);
	pthread_mutex_destroy(&n->mutex);
}

static struct member *member_of(const struct notifier *n, uint64_t session)
{
	for (uint32_t i = 0; i < n->n_members; i++)
		if (n->members[i].session == session)
			return &n->members[i];
	return NULL;
}

static struct group *group_of(struct notifier *n, uint64_t id)
{
	struct group *g;

	for (uint32_t i = 0; id && i < n->n_groups; i++)
		if (n->groups[i]->id == id)
			return n->groups[i];
	g = calloc(1, sizeof(*g));
	if (!g)
		abort();
	g->id = id;
	n->groups = array_grow(n->groups, n->n_groups, &n->cap_groups, sizeof(struct group *));
	return n->groups[n->n_groups++] = g;
}

static void note_watched(struct notifier *n)
{
	n->observer.watched = false;
	for (uint32_t i = 0; i < n->n_groups; i++)
		n->observer.watched |= n->groups[i]->id && n->groups[i]->n;
}

void notifier_enter(struct notifier *n, uint64_t session, uint64_t group)
{
	struct group *g;

	pthread_mutex_lock(&n->mutex);
	g = group_of(n, group);
	g->n_inside++;
	n->members = array_grow(n->members, n->n_members, &n->cap_members, sizeof(*n->members));
	n->members[n->n_members++] = (struct member){session, g, 0, false};
	pthread_mutex_unlock(&n->mutex);
}

static void drop_group(struct notifier *n, struct group *g)
{
	for (uint32_t i = 0; i < n->n_groups; i++)
		if (n->groups[i] == g)
			n->groups[i--] = n->groups[--n->n_groups];
	group_free(g);
}

void notifier_leave(struct notifier *n, uint64_t session)
{
	struct member *m;

	pthread_mutex_lock(&n->mutex);
	m = member_of(n, session);
	if (m) {
		group_forget(m->group, session);
		if (--m->group->n_inside == 0)
			drop_group(n, m->group);
		*m = n->members[--n->n_members];
		note_watched(n);
		pthread_cond_broadcast(&n->changed);
	}
	pthread_mutex_unlock(&n->mutex);
}

void notifier_subscribe(struct notifier *n, const struct subscription *s)
{
	struct member *m;

	pthread_mutex_lock(&n->mutex);
	m = member_of(n, s->session);
	if (m)
		group_subscribe(m->group, s);
	note_watched(n);
	pthread_mutex_unlock(&n->mutex);
}

void notifier_unsubscribe(struct notifier *n, uint64_t session, uint32_t connection)
{
	struct member *m;

	pthread_mutex_lock(&n->mutex);
	m = member_of(n, session);
	if (m)
		group_unsubscribe(m->group, session, connection);
	note_watched(n);
	pthread_mutex_unlock(&n->mutex);
}

void notifier_queue_entry(struct notifier *n, uint64_t session, uint32_t connection, uint32_t sync, uint32_t change)
{
	struct member *m;

	pthread_mutex_lock(&n->mutex);
	m = member_of(n, session);
	if (m && m->group->id)
		group_queue_entry(m->group, connection, sync, change);
	pthread_cond_broadcast(&n->changed);
	pthread_mutex_unlock(&n->mutex);
}

void notifier_wake(struct notifier *n)
{
	pthread_mutex_lock(&n->mutex);
	pthread_cond_broadcast(&n->changed);
	pthread_mutex_unlock(&n->mutex);
}

/* Of several polls of a group that with the lowest session id gets the items. */
static bool is_first(const struct notifier *n, const struct member *m)
{
	for (uint32_t i = 0; i < n->n_members; i++)
		if (n->members[i].group == m->group && n->members[i].waits && n->members[i].session < m->session)
			return false;
	return true;
}

static void wait_a_step(struct notifier *n)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += STEP_MS * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&n->changed, &n->mutex, &until);
}

static enum poll_end wait_for_items(struct notifier *n, uint64_t session, struct buf *items)
{
	uint64_t number = 0, start = clock_ms();

	for (;; wait_a_step(n)) {
		struct member *m = member_of(n, session);

		if (!m)
			return POLL_ENDED;
		if (!number) {
			number = ++m->poll;
			m->waits = true;
			pthread_cond_broadcast(&n->changed);
		}
		if (m->poll != number)
			return POLL_REPLACED;
		if (m->group->ends.n && is_first(n, m)) {
			m->waits = false;
			group_take(m->group, n->max_items, items);
			return POLL_ITEMS;
		}
		if (n->idle != IDLE_NEVER && clock_ms() - start >= n->idle_ms) {
			m->waits = false;
			return n->idle == IDLE_CLOSE ? POLL_CLOSED : POLL_IDLE;
		}
	}
}

enum poll_end notifier_poll(struct notifier *n, uint64_t session, struct buf *items)
{
	enum poll_end end;

	pthread_mutex_lock(&n->mutex);
	end = wait_for_items(n, session, items);
	pthread_mutex_unlock(&n->mutex);
	return end;
}

void notifier_set_idle(struct notifier *n, enum idle_kind idle, uint64_t idle_ms, uint32_t max_items)
{
	pthread_mutex_lock(&n->mutex);
	n->idle = idle;
	n->idle_ms = idle_ms;
	n->max_items = max_items;
	pthread_cond_broadcast(&n->changed);
	pthread_mutex_unlock(&n->mutex);
}

struct notifier_counts notifier_count(struct notifier *n)
{
	struct notifier_counts counts = {0};

	pthread_mutex_lock(&n->mutex);
	for (uint32_t i = 0; i < n->n_groups; i++) {
		counts.subscriptions += n->groups[i]->n;
		counts.queued += n->groups[i]->ends.n;
	}
	for (uint32_t i = 0; i < n->n_members; i++)
		counts.polls += n->members[i].waits;
	pthread_mutex_unlock(&n->mutex);
	return counts;
}
