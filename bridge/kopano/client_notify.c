#include "bridge/kopano/client_notify.h"

#include "bridge/kopano/session.h"

enum { DEFAULT_POLL_MS = 70000 };

/* ---- subscriptions ---- */

static void write_subscription(struct soap *soap, const struct subscription *subscription)
{
	soap_open(soap, "item");
	soap_number(soap, "ulConnection", subscription->number);
	soap_binary(soap, "sKey", subscription->key);
	soap_number(soap, "ulEventMask", subscription->mask);
	soap_open(soap, "sSyncState");
	soap_number(soap, "ulSyncId", 0);
	soap_number(soap, "ulChangeId", 0);
	soap_close(soap, "sSyncState");
	soap_close(soap, "item");
}

int client_subscribe(struct client *client, const struct subscription *subscriptions, size_t n, struct err *err)
{
	struct soap *soap = session_begin(client, &client->calls, "notifySubscribeMulti");

	soap_open(soap, "notifySubscribeArray");
	for (size_t i = 0; i < n; i++)
		write_subscription(soap, &subscriptions[i]);
	soap_close(soap, "notifySubscribeArray");
	return session_call(client, NULL, NULL, NULL, err);
}

int client_unsubscribe(struct client *client, const uint32_t *numbers, size_t n, struct err *err)
{
	struct soap *soap = session_begin(client, &client->calls, "notifyUnSubscribeMulti");

	soap_tags(soap, "ulConnectionArray", numbers, n);
	return session_call(client, NULL, NULL, NULL, err);
}

/* ---- the long poll ---- */

int client_poll(struct client *client, struct err *err)
{
	struct channel *channel = &client->notices.channel;
	int poll_ms = client->login->poll_timeout_ms > 0 ? client->login->poll_timeout_ms : DEFAULT_POLL_MS;

	session_begin(client, channel, "notifyGetItems");
	return session_send(client, channel, (struct patience){.whole_ms = poll_ms, .byte_ms = poll_ms}, err);
}

int client_await(struct client *client, int wake_fd, struct err *err)
{
	struct reading *reading = &client->notices;
	int rc = session_await(client, &reading->channel, wake_fd, err);

	return rc ? rc : reading_enter(client, reading, "pNotificationArray", err);
}

static void read_object(struct scan *scan, struct arena *arena, struct notice *notice)
{
	int level = scan->depth;

	while (scan_child(scan, level)) {
		if (scan_is(scan, "ulObjType"))
			notice->object = scan_u32(scan);
		else if (scan_is(scan, "pEntryId"))
			notice->entry_id = scan_base64(scan, arena);
		else if (scan_is(scan, "pParentId"))
			notice->parent_entry_id = scan_base64(scan, arena);
		else if (scan_is(scan, "pOldId"))
			notice->old_entry_id = scan_base64(scan, arena);
		else if (scan_is(scan, "pOldParentId"))
			notice->old_parent_entry_id = scan_base64(scan, arena);
	}
}

static enum notice_event event_of(uint32_t bit)
{
	bool is_one = bit && (bit & (bit - 1)) == 0;
	return is_one && (bit & NOTICE_EVENTS) ? (enum notice_event)bit : 0;
}

static void read_notice(struct scan *scan, struct arena *arena, struct notice *notice)
{
	int level = scan->depth;

	while (scan_child(scan, level)) {
		if (scan_is(scan, "ulConnection"))
			notice->number = scan_u32(scan);
		else if (scan_is(scan, "ulEventType"))
			notice->event = event_of(scan_u32(scan));
		else if (scan_is(scan, "obj"))
			read_object(scan, arena, notice);
	}
}

int client_next_notice(struct client *client, struct arena *arena, struct notice *notice, struct err *err)
{
	struct reading *reading = &client->notices;
	int rc = reading_next(client, reading, err);

	*notice = (struct notice){0};
	if (rc)
		return rc;
	read_notice(&reading->channel.scan, arena, notice);
	return reading_item_status(client, reading, err);
}
