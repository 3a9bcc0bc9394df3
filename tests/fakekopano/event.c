#include "tests/fakekopano/event.h"

#include "tests/fakekopano/change.h"
#include "tests/fakekopano/object.h"

static bool is_watched(const struct change *c)
{
	return c->w->observer && c->w->observer->watched;
}

void event_send(struct change *c, const struct event *e)
{
	if (is_watched(c))
		c->w->observer->notice(c->w->observer, e);
}

static void keep_id(struct event_id *id, const struct value *v)
{
	id->n = (uint8_t)v->len;
	memcpy(id->b, v->data, v->len);
}

static void set_parent(const struct world *w, struct event *e, uint32_t parent)
{
	struct value v = {0};

	if (!parent)
		return;
	e->parent_key = w->folders[parent].key;
	folder_entry_id(w, &w->folders[parent], &v);
	keep_id(&e->parent, &v);
}

struct event event_of_item(const struct world *w, uint32_t type, uint32_t item)
{
	const struct item *i = &w->items[item];
	struct event e = {.type = type, .object = OBJECT_ITEM, .key = i->key};
	struct value v = {0};

	e.store_key = w->stores[w->folders[i->folder].store].key;
	item_entry_id(w, i, &v);
	keep_id(&e.id, &v);
	set_parent(w, &e, i->folder);
	return e;
}

/* A folder that is only modified is told without its parent. */
struct event event_of_folder(const struct world *w, uint32_t type, uint32_t folder)
{
	const struct folder *f = &w->folders[folder];
	struct event e = {.type = type, .object = OBJECT_FOLDER, .key = f->key};
	struct value v = {0};

	e.store_key = w->stores[f->store].key;
	folder_entry_id(w, f, &v);
	keep_id(&e.id, &v);
	if (type != EVENT_MODIFIED)
		set_parent(w, &e, f->parent);
	return e;
}

void event_from(struct event *e, const struct event *old)
{
	/* A folder that moves keeps its entry id, and the old one is not told. */
	if (e->object == OBJECT_ITEM || e->type == EVENT_COPIED)
		e->old_id = old->id;
	e->old_parent = old->parent;
	e->old_parent_key = old->parent_key;
}

void event_entry(struct change *c, uint32_t folder, uint32_t change)
{
	event_send(c, &(struct event){.type = EVENT_ICS, .key = c->w->folders[folder].key, .change = change});
}

void event_item(struct change *c, uint32_t type, uint32_t item)
{
	struct event e;

	if (!is_watched(c))
		return;
	e = event_of_item(c->w, type, item);
	event_send(c, &e);
}

void event_folder(struct change *c, uint32_t type, uint32_t folder)
{
	struct event e;

	if (!is_watched(c))
		return;
	e = event_of_folder(c->w, type, folder);
	event_send(c, &e);
}

void event_counters(struct change *c, uint32_t folder)
{
	struct event e;

	if (!is_watched(c) || !folder)
		return;
	e = event_of_folder(c->w, EVENT_MODIFIED, folder);
	e.counter = true;
	event_send(c, &e);
}

void event_later(struct change *c, const struct event *e)
{
	if (!is_watched(c))
		return;
	c->events = array_grow(c->events, c->n_events, &c->cap_events, sizeof(*c->events));
	c->events[c->n_events++] = *e;
}

void event_counters_later(struct change *c, uint32_t folder)
{
	uint32_t key = c->w->folders[folder].key;

	for (uint32_t i = 0; i < c->counters.n; i++)
		if (c->counters.at[i] == key)
			return;
	if (is_watched(c) && folder)
		vec_push(&c->counters, key);
}

void event_flush(struct change *c)
{
	for (uint32_t i = 0; i < c->n_events; i++)
		event_send(c, &c->events[i]);
	for (uint32_t i = 0; i < c->counters.n; i++)
		event_counters(c, world_by_key(c->w, OBJECT_FOLDER, c->counters.at[i]));
	free(c->events);
	c->events = NULL;
	c->n_events = c->cap_events = 0;
	vec_free(&c->counters);
}
