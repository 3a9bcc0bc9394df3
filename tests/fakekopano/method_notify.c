#include "tests/fakekopano/method.h"
#include "tests/fakekopano/rights.h"
#include "tests/fakekopano/server.h"
#include "tests/fakekopano/tags.h"

#define TABLE_ID_BYTES 4

struct request {
	struct subscription subscription;
	struct bytes key;
	uint32_t change; /* of a journal subscription */
};

static struct request read_request(struct call *c, const struct xml_node *in)
{
	const struct xml_node *state = arg_node(c, in, "sSyncState");
	struct request r = {.key = arg_bytes(c, in, "sKey"),
			    .subscription = {.session = c->session ? c->session->id : 0,
					     .connection = arg_uint(c, in, "ulConnection"),
					     .mask = arg_uint(c, in, "ulEventMask")}};

	if (r.subscription.mask == EVENT_ICS) {
		r.subscription.sync = arg_uint(c, state, "ulSyncId");
		r.change = arg_uint(c, state, "ulChangeId");
	}
	return r;
}

static bool is_ics(const struct request *r)
{
	return r->subscription.mask == EVENT_ICS;
}

/* The store is not asked whether the session may see it. */
static uint32_t find_object(const struct call *c, struct request *r)
{
	uint32_t place;

	switch (world_by_entry_id(c->w, r->key, &place)) {
	case OBJECT_STORE:
		r->subscription.key = c->w->stores[place].key;
		return 0;
	case OBJECT_FOLDER:
		r->subscription.key = c->w->folders[place].key;
		return may_see(c->w, c->session->user, place) ? 0 : KCERR_NO_ACCESS;
	case OBJECT_ITEM:
		r->subscription.key = c->w->items[place].key;
		return may_see(c->w, c->session->user, c->w->items[place].folder) ? 0 : KCERR_NO_ACCESS;
	default:
		/* Tables are accepted, but nothing is told of them. */
		return r->key.n == TABLE_ID_BYTES ? 0 : KCERR_NOT_FOUND;
	}
}

static uint32_t newest_item_entry(const struct world *w, uint32_t folder)
{
	const struct vec *changes = &w->folders[folder].changes;

	for (uint32_t i = changes->n; i-- > 0;)
		if (w->journal.entries[changes->at[i]].kind & CHANGE_MESSAGE)
			return changes->at[i];
	return 0;
}

/* Nothing is checked; a folder with something newer is told of at once. */
static void follow_journal(struct call *c, struct request *r)
{
	const struct sync *sync = sync_find(c->w, r->subscription.sync);
	uint32_t folder = sync ? world_by_key(c->w, OBJECT_FOLDER, sync->folder_key) : 0, newest;

	if (!r->subscription.sync)
		return;
	r->subscription.key = folder ? sync->folder_key : 0;
	notifier_subscribe(&c->server->notifier, &r->subscription);
	newest = folder ? newest_item_entry(c->w, folder) : 0;
	if (newest > r->change)
		notifier_queue_entry(&c->server->notifier, c->session->id, r->subscription.connection,
				     r->subscription.sync, newest);
}

static uint32_t subscribe(struct call *c, struct request *r)
{
	uint32_t er;

	if (is_ics(r)) {
		follow_journal(c, r);
		return 0;
	}
	er = find_object(c, r);
	if (!er)
		notifier_subscribe(&c->server->notifier, &r->subscription);
	return er;
}

void method_notify_subscribe(struct call *c)
{
	const struct xml_node *in = arg_node(c, c->in, "notifySubscribe");
	struct request r = read_request(c, in);
	uint32_t er = c->er;

	if (call_faulted(c))
		return;
	if (!er)
		er = in ? subscribe(c, &r) : KCERR_INVALID_PARAMETER;
	put_uint(c, "result", er);
}

/* One that fails takes back those before it. */
void method_notify_subscribe_multi(struct call *c)
{
	const struct xml_node *array = arg_node(c, c->in, "notifySubscribeArray");
	const struct xml_node *item = array ? xml_first(c->doc, array) : NULL;
	uint32_t er = c->er ? c->er : array ? 0 : KCERR_INVALID_PARAMETER;
	struct vec done = {0};

	for (; item && !er; item = xml_next(c->doc, item)) {
		struct request r = read_request(c, item);

		if (call_faulted(c))
			break;
		er = subscribe(c, &r);
		vec_push(&done, r.subscription.connection);
	}
	for (uint32_t i = 0; er && i < done.n; i++)
		notifier_unsubscribe(&c->server->notifier, c->session->id, done.at[i]);
	put_uint(c, "result", er);
	vec_free(&done);
}

void method_notify_unsubscribe(struct call *c)
{
	uint32_t connection = arg_uint(c, c->in, "ulConnection");

	if (!c->er && !call_faulted(c))
		notifier_unsubscribe(&c->server->notifier, c->session->id, connection);
	put_uint(c, "result", c->er);
}

void method_notify_unsubscribe_multi(struct call *c)
{
	uint32_t limit;
	const struct xml_node *item =
		array_items(c, arg_node(c, c->in, "ulConnectionArray"), "xsd:unsignedInt", &limit);

	for (; item && !c->er && limit > 0; item = xml_next(c->doc, item), limit--)
		notifier_unsubscribe(&c->server->notifier, c->session->id, (uint32_t)node_uint(c, item, UINT32_MAX));
	put_uint(c, "result", c->er);
}

/* Called without the lock: it waits. The session was there when the call came. */
void method_notify_get_items(struct call *c)
{
	static const uint32_t errors[] = {
		[POLL_REPLACED] = KCERR_NOT_FOUND, [POLL_ENDED] = KCERR_END_OF_SESSION, [POLL_CLOSED] = 0};
	struct buf items = {0};
	enum poll_end end = c->er ? POLL_ENDED : notifier_poll(&c->server->notifier, c->session_id, &items);
	uint32_t er = c->er && c->er != KCERR_END_OF_SESSION ? c->er : errors[end];

	c->no_answer = end == POLL_CLOSED;
	if (!er) {
		put_raw(c, "<pNotificationArray>");
		buf_put(c->out, items.data, items.len);
		put_raw(c, "</pNotificationArray>");
	}
	put_uint(c, "er", er);
	buf_free(&items);
}
