#include <string.h>

#include "tests/fakekopano/control.h"
#include "tests/fakekopano/tags.h"

#define STRIDE 7919 /* a prime: neighbours in the journal are of different folders */

enum bulk { BULK_READ, BULK_DELETE, BULK_CREATE, BULK_MIXED, N_BULK };

static const char *const kinds[N_BULK] = {"read", "delete", "create", "mixed"};

/* The item after that many strides, or 0 for a hole. */
static uint32_t strided_item(const struct world *w, uint64_t step)
{
	uint32_t place = w->n_items > 1 ? (uint32_t)(step * STRIDE % (w->n_items - 1)) + 1 : 0;

	return place && w->items[place].hid && !(w->items[place].state & ITEM_SOFT_DELETED) ? place : 0;
}

static void create_beside(struct change *c, uint32_t item)
{
	struct new_item n = {.props = c->w->items[item].props, .state = ITEM_NUMBERED};

	item_create(c, c->w->items[item].folder, &n);
}

/* Returns whether there was something to do. */
static bool one(struct change *c, enum bulk kind, uint64_t step)
{
	uint32_t item = strided_item(c->w, step);

	if (!item)
		return false;
	switch (kind) {
	case BULK_READ:
		return item_set_read(c, item, !(c->w->items[item].flags & MSGFLAG_READ));
	case BULK_DELETE:
		return item_delete(c, item, step & 1), true;
	case BULK_CREATE:
		return create_beside(c, item), true;
	default:
		return one(c, (enum bulk)(step % BULK_MIXED), step);
	}
}

/* A backlog: n changes of items everywhere. Open tables are read anew. */
void verb_backlog(struct command *c)
{
	const char *name = json_text(c->in, "kind", "mixed");
	uint64_t wanted = (uint64_t)json_int(c->in, "n", 0), done = 0, limit = 2 * wanted + c->w->n_items;
	enum bulk kind = 0;

	while (kind < N_BULK && strcmp(kinds[kind], name) != 0)
		kind++;
	if (kind == N_BULK)
		command_fail(c, "kind: read, delete, create or mixed");
	for (uint64_t step = 0; !command_failed(c) && done < wanted && step < limit; step++) {
		done += one(&c->change, kind, step);
		event_flush(&c->change);
		c->change.n = 0;
	}
	server_reload_tables(c->s, 0);
	reply_uint(c, "n", done);
	reply_uint(c, "max_change", c->w->journal.max);
}

void verb_lively(struct command *c)
{
	const struct json *rate = json_get(c->in, "per_second");

	lively_start(&c->s->lively, json_text(c->in, "user", "user1"), rate ? strtod(rate->text, NULL) : 5,
		     (uint64_t)json_int(c->in, "seconds", 0), (uint64_t)json_int(c->in, "seed", 1));
	c->s->lively.last = (uint32_t)json_int(c->in, "changes", 0);
	server_wake(c->s);
}
