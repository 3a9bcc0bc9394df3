#include "tests/fakekopano/notify_group.h"

#define MASK_MESSAGES        0x10000u
#define MASK_FOLDERS         0x20000u
#define MASK_IGNORE_COUNTERS 0x40000u

#define MAX_KEYS 4

void group_free(struct group *g)
{
	free(g->subscriptions);
	free(g->by_key);
	buf_free(&g->queue);
	vec_free(&g->ends);
	free(g);
}

void group_subscribe(struct group *g, const struct subscription *s)
{
	for (uint32_t i = 0; !s->sync && i < g->n; i++)
		if (!g->subscriptions[i].sync && g->subscriptions[i].connection == s->connection)
			return;
	g->subscriptions = array_grow(g->subscriptions, g->n, &g->cap, sizeof(*g->subscriptions));
	g->subscriptions[g->n++] = *s;
	g->sorted = false;
}

static void remove_at(struct group *g, uint32_t at)
{
	g->n--;
	memmove(g->subscriptions + at, g->subscriptions + at + 1, (g->n - at) * sizeof(*g->subscriptions));
	g->sorted = false;
}

/* Anybody of the group may end an object subscription, only its session one of the journal. */
void group_unsubscribe(struct group *g, uint64_t session, uint32_t connection)
{
	for (uint32_t i = 0; i < g->n; i++)
		if (!g->subscriptions[i].sync && g->subscriptions[i].connection == connection)
			return remove_at(g, i);
	for (uint32_t i = 0; i < g->n; i++)
		if (g->subscriptions[i].connection == connection && g->subscriptions[i].session == session)
			return remove_at(g, i);
}

void group_forget(struct group *g, uint64_t session)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < g->n; i++)
		if (g->subscriptions[i].sync || g->subscriptions[i].session != session)
			g->subscriptions[kept++] = g->subscriptions[i];
	g->n = kept;
	g->sorted = false;
}

static int compare_places(const void *a, const void *b, void *subscriptions)
{
	const struct subscription *all = subscriptions;
	const struct subscription *x = &all[*(const uint32_t *)a], *y = &all[*(const uint32_t *)b];

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->connection > y->connection) - (x->connection < y->connection);
}

static void sort(struct group *g)
{
	g->by_key = realloc(g->by_key, (g->n + 1) * sizeof(*g->by_key));
	if (!g->by_key)
		abort();
	for (uint32_t i = 0; i < g->n; i++)
		g->by_key[i] = i;
	qsort_r(g->by_key, g->n, sizeof(*g->by_key), compare_places, g->subscriptions);
	g->sorted = true;
}

static uint32_t first_of(const struct group *g, uint32_t key)
{
	uint32_t low = 0, high = g->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (g->subscriptions[g->by_key[middle]].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool wants(const struct subscription *s, const struct event *e)
{
	uint32_t types = s->mask & (MASK_MESSAGES | MASK_FOLDERS);
	bool by_parent = s->key != e->key && s->key != e->store_key;

	if ((e->type == EVENT_ICS) != (s->sync != 0))
		return false;
	if (s->sync)
		return true;
	if (!(s->mask & e->type) || (e->counter && s->mask & MASK_IGNORE_COUNTERS))
		return false;
	if (by_parent && !(types & MASK_MESSAGES && e->object == OBJECT_ITEM))
		return false;
	return !types || types & (e->object == OBJECT_ITEM ? MASK_MESSAGES : MASK_FOLDERS);
}

/* The different keys by which subscriptions may fit. */
static uint32_t keys_of(const struct event *e, uint32_t keys[MAX_KEYS])
{
	const uint32_t all[MAX_KEYS] = {e->key, e->store_key, e->parent_key, e->old_parent_key};
	uint32_t n = 0;

	for (int i = 0; i < MAX_KEYS; i++) {
		bool known = all[i] == 0;

		for (uint32_t k = 0; k < n; k++)
			known |= keys[k] == all[i];
		if (!known)
			keys[n++] = all[i];
	}
	return n;
}

static void put_id(struct buf *b, const char *name, const struct event_id *id)
{
	if (!id->n)
		return;
	buf_printf(b, "<%s>", name);
	buf_base64(b, id->b, id->n);
	buf_printf(b, "</%s>", name);
}

static void queue_object(struct group *g, const struct subscription *s, const struct event *e)
{
	buf_printf(&g->queue, "<item><ulConnection>%u</ulConnection><ulEventType>%u</ulEventType><obj>", s->connection,
		   e->type);
	put_id(&g->queue, "pEntryId", &e->id);
	buf_printf(&g->queue, "<ulObjType>%d</ulObjType>", e->object == OBJECT_ITEM ? 5 : 3);
	put_id(&g->queue, "pParentId", &e->parent);
	put_id(&g->queue, "pOldId", &e->old_id);
	put_id(&g->queue, "pOldParentId", &e->old_parent);
	buf_str(&g->queue, "</obj></item>");
	vec_push(&g->ends, (uint32_t)g->queue.len);
}

void group_queue_entry(struct group *g, uint32_t connection, uint32_t sync, uint32_t change)
{
	buf_printf(&g->queue, "<item><ulConnection>%u</ulConnection><ulEventType>%u</ulEventType><ics><pSyncState>",
		   connection, EVENT_ICS);
	buf_base64(&g->queue, (const uint32_t[]){sync, change}, 8);
	buf_str(&g->queue, "</pSyncState><ulChangeType>0</ulChangeType></ics></item>");
	vec_push(&g->ends, (uint32_t)g->queue.len);
}

static int compare_connections(const void *a, const void *b, void *subscriptions)
{
	const struct subscription *all = subscriptions;
	uint32_t x = all[*(const uint32_t *)a].connection, y = all[*(const uint32_t *)b].connection;

	return (x > y) - (x < y);
}

uint32_t group_notice(struct group *g, const struct event *e)
{
	uint32_t keys[MAX_KEYS], n_keys = keys_of(e, keys), n;
	struct vec found = {0};

	if (!g->sorted)
		sort(g);
	for (uint32_t k = 0; k < n_keys; k++)
		for (uint32_t i = first_of(g, keys[k]); i < g->n && g->subscriptions[g->by_key[i]].key == keys[k]; i++)
			if (wants(&g->subscriptions[g->by_key[i]], e))
				vec_push(&found, g->by_key[i]);
	if (found.n > 1)
		qsort_r(found.at, found.n, sizeof(*found.at), compare_connections, g->subscriptions);
	for (uint32_t i = 0; i < found.n; i++) {
		const struct subscription *s = &g->subscriptions[found.at[i]];

		if (s->sync)
			group_queue_entry(g, s->connection, s->sync, e->change);
		else
			queue_object(g, s, e);
	}
	n = found.n;
	vec_free(&found);
	return n;
}

void group_take(struct group *g, uint32_t max, struct buf *out)
{
	uint32_t n = max && max < g->ends.n ? max : g->ends.n;
	uint32_t bytes = n ? g->ends.at[n - 1] : 0;

	buf_put(out, g->queue.data, bytes);
	if (n == g->ends.n) {
		buf_free(&g->queue);
		vec_free(&g->ends);
		return;
	}
	g->queue.len -= bytes;
	memmove(g->queue.data, g->queue.data + bytes, g->queue.len);
	g->ends.n -= n;
	memmove(g->ends.at, g->ends.at + n, g->ends.n * sizeof(*g->ends.at));
	for (uint32_t i = 0; i < g->ends.n; i++)
		g->ends.at[i] -= bytes;
}
