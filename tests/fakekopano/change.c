#include "tests/fakekopano/change.h"

#include "tests/fakekopano/tags.h"

/* What the real server adds up: every message has this much, each string or binary 20 bytes and its length. */
#define MESSAGE_BYTES 346
#define ATTACH_BYTES  104
#define VALUE_BYTES   20

void change_end(struct change *c)
{
	event_flush(c);
	free(c->touches);
	*c = (struct change){.w = c->w};
}

void change_touch(struct change *c, uint32_t folder, enum object_type type, uint32_t hid)
{
	c->touches = array_grow(c->touches, c->n, &c->cap, sizeof(*c->touches));
	c->touches[c->n++] = (struct touch){c->w->folders[folder].key, hid, type};
}

static uint32_t next_change_id(struct world *w)
{
	uint32_t id;

	if (!w->reserved || w->reserved->n == 0)
		return journal_reserve(&w->journal, 1);
	id = w->reserved->at[0];
	vec_remove_at(w->reserved, 0);
	return id;
}

uint32_t change_record(struct change *c, uint32_t parent, uint32_t key, uint32_t kind, uint8_t flags, bool associated)
{
	struct world *w = c->w;
	struct folder *f = &w->folders[parent];
	uint32_t id = next_change_id(w);
	uint32_t replaced =
		journal_write(&w->journal, id, (struct journal_entry){f->key, key, (uint16_t)kind, flags, associated});

	if (replaced)
		vec_remove_sorted(&f->changes, replaced);
	vec_insert_sorted(&f->changes, id);
	if (w->lag_ms && (!w->lag_items || kind & CHANGE_MESSAGE))
		world_lag(w, id);
	if (kind & CHANGE_MESSAGE)
		event_entry(c, parent, id);
	return id;
}

uint32_t folder_last_change(const struct folder *f)
{
	return f->changes.n ? f->changes.at[f->changes.n - 1] : 0;
}

void folder_place_holder(struct world *w, uint32_t folder)
{
	struct change c = {.w = w};

	change_record(&c, folder, 0, CHANGE_PLACEHOLDER, 0, false);
}

static void record_item(struct change *c, struct item *i, enum change_action action, uint8_t flags)
{
	uint32_t id = change_record(c, i->folder, i->key, CHANGE_MESSAGE | action, flags, i->state & ITEM_ASSOCIATED);

	if (action != CHANGE_FLAG)
		c->w->folders[i->folder].committed = time_now();
	if (action < CHANGE_SOFT_DELETE)
		i->change = id;
}

/* Told of when the operation is over; old is where it came from, or NULL. */
static void later(struct change *c, uint32_t type, uint32_t item, const struct event *old)
{
	struct event e = event_of_item(c->w, type, item);

	if (old)
		event_from(&e, old);
	event_later(c, &e);
}

static void count(struct world *w, const struct item *i, int by)
{
	struct folder *f = &w->folders[i->folder];
	bool associated = i->state & ITEM_ASSOCIATED, deleted = i->state & ITEM_SOFT_DELETED;

	if (deleted)
		*(associated ? &f->n_deleted_associated : &f->n_deleted) += (uint32_t)by;
	else
		*(associated ? &f->n_associated : &f->n_normal) += (uint32_t)by;
	if (!deleted && !associated && !(i->flags & MSGFLAG_READ))
		f->n_unread += (uint32_t)by;
}

static uint32_t bytes_of(const struct props *p)
{
	uint32_t bytes = 0;

	for (uint32_t k = 0; p && k < p->n; k++)
		bytes += VALUE_BYTES + (type_is_bytes(PROP_TYPE(p->at[k].tag)) ? p->at[k].len : 4);
	return bytes;
}

uint32_t item_size(const struct item *i)
{
	uint32_t bytes = MESSAGE_BYTES + bytes_of(i->props);

	for (uint32_t k = 0; i->props && k < i->props->n_children; k++)
		if (i->props->children[k].type == 7)
			bytes += (uint32_t)props_find(i->props->children[k].props, PR_ATTACH_SIZE)->number;
	return bytes;
}

static void enter_folder(struct world *w, struct item *i, uint32_t folder)
{
	i->folder = folder;
	vec_insert_sorted(&w->folders[folder].items, i->hid);
	w->stores[w->folders[folder].store].bytes += i->size;
	count(w, i, 1);
}

static void leave_folder(struct world *w, struct item *i)
{
	count(w, i, -1);
	w->stores[w->folders[i->folder].store].bytes -= i->size;
	vec_remove_sorted(&w->folders[i->folder].items, i->hid);
}

uint32_t item_create(struct change *c, uint32_t folder, const struct new_item *n)
{
	struct world *w = c->w;
	uint32_t place = world_new_item(w);
	struct item *i = &w->items[place];

	i->hid = world_new_hid(w, OBJECT_ITEM, place);
	i->key = world_new_key(w, OBJECT_ITEM, place);
	i->imap_id = ++w->last_imap_id;
	i->props = props_ref(n->props);
	i->flags = n->flags;
	i->state = n->state;
	i->cached = n->cached;
	i->created = i->modified = n->time ? n->time : time_now_whole();
	i->size = n->size ? n->size : item_size(i);
	enter_folder(w, i, folder);
	record_item(c, i, CHANGE_NEW, 0);
	if (!n->copy) {
		event_item(c, EVENT_CREATED, place);
		event_counters(c, folder);
	}
	for (uint32_t k = 0; k < n->saves; k++) {
		record_item(c, i, CHANGE_CHANGE, 0);
		event_item(c, EVENT_MODIFIED, place);
	}
	change_touch(c, folder, OBJECT_ITEM, i->hid);
	return place;
}

void item_save(struct change *c, uint32_t item, uint32_t size, uint64_t time)
{
	struct item *i = &c->w->items[item];

	leave_folder(c->w, i);
	i->size = size ? size : item_size(i);
	enter_folder(c->w, i, i->folder);
	i->modified = time;
	record_item(c, i, CHANGE_CHANGE, 0);
	event_item(c, EVENT_MODIFIED, item);
	change_touch(c, i->folder, OBJECT_ITEM, i->hid);
}

bool item_set_read(struct change *c, uint32_t item, bool read)
{
	struct item *i = &c->w->items[item];

	if (read == !!(i->flags & MSGFLAG_READ))
		return false;
	count(c->w, i, -1);
	i->flags ^= MSGFLAG_READ;
	count(c->w, i, 1);
	record_item(c, i, CHANGE_FLAG, read);
	later(c, EVENT_MODIFIED, item, NULL);
	event_counters_later(c, i->folder);
	change_touch(c, i->folder, OBJECT_ITEM, i->hid);
	return true;
}

static void new_identity(struct world *w, uint32_t item)
{
	struct item *i = &w->items[item];

	world_forget_key(w, i->key);
	i->key = world_new_key(w, OBJECT_ITEM, item);
	i->imap_id = ++w->last_imap_id;
	i->modified = time_now();
	i->state &= (uint8_t)~ITEM_FRESH;
	i->cached = 0;
}

void item_move(struct change *c, uint32_t item, uint32_t folder)
{
	struct item *i = &c->w->items[item];
	struct event old = event_of_item(c->w, EVENT_MOVED, item);

	event_counters_later(c, i->folder);
	record_item(c, i, CHANGE_HARD_DELETE, 0);
	change_touch(c, i->folder, OBJECT_ITEM, i->hid);
	leave_folder(c->w, i);
	new_identity(c->w, item);
	enter_folder(c->w, i, folder);
	record_item(c, i, CHANGE_NEW, 0);
	later(c, EVENT_MOVED, item, &old);
	event_counters_later(c, folder);
	change_touch(c, folder, OBJECT_ITEM, i->hid);
}

uint32_t item_copy(struct change *c, uint32_t item, uint32_t folder)
{
	const struct item *i = &c->w->items[item];
	struct new_item n = {.props = i->props, .flags = i->flags, .size = i->size, .state = i->state, .copy = true};
	struct event old = event_of_item(c->w, EVENT_COPIED, item), new;
	uint32_t copy;

	n.state &= (uint8_t) ~(ITEM_FRESH | ITEM_SOFT_DELETED);
	copy = item_create(c, folder, &n);
	c->w->items[copy].created = c->w->items[item].created;
	if (c->quiet)
		return copy;
	event_counters(c, folder);
	new = event_of_item(c->w, EVENT_COPIED, copy);
	event_from(&new, &old);
	event_send(c, &new);
	event_counters_later(c, folder);
	return copy;
}

void item_delete(struct change *c, uint32_t item, bool hard)
{
	struct item *i = &c->w->items[item];

	change_touch(c, i->folder, OBJECT_ITEM, i->hid);
	record_item(c, i, hard ? CHANGE_HARD_DELETE : CHANGE_SOFT_DELETE, 0);
	if (!c->quiet) {
		later(c, EVENT_DELETED, item, NULL);
		event_counters_later(c, i->folder);
	}
	if (hard) {
		leave_folder(c->w, i);
		world_free_item(c->w, item);
		return;
	}
	count(c->w, i, -1);
	i->state |= ITEM_SOFT_DELETED;
	i->deleted_on = time_now();
	count(c->w, i, 1);
}

void item_record_delete(struct change *c, uint32_t item)
{
	record_item(c, &c->w->items[item], CHANGE_SOFT_DELETE, 0);
	later(c, EVENT_DELETED, item, NULL);
}

void item_restore(struct change *c, uint32_t item)
{
	struct item *i = &c->w->items[item];
	struct event old = event_of_item(c->w, EVENT_MOVED, item);

	leave_folder(c->w, i);
	i->state &= (uint8_t)~ITEM_SOFT_DELETED;
	i->deleted_on = 0;
	new_identity(c->w, item);
	enter_folder(c->w, i, i->folder);
	record_item(c, i, CHANGE_NEW, 0);
	later(c, EVENT_MOVED, item, &old);
	event_counters_later(c, i->folder);
	change_touch(c, i->folder, OBJECT_ITEM, i->hid);
}
