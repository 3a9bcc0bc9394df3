#include "bridge/kopano/session.h"

/* Takes children of the answer up to its array; after the array, up to the end. */
static void find_array(struct reading *reading)
{
	struct scan *scan = &reading->channel.scan;

	reading->in_array = false;
	while (scan_child(scan, reading->answer_level)) {
		if (scan_is(scan, reading->array)) {
			reading->in_array = true;
			reading->array_level = scan->depth;
			return;
		}
		if (scan_is(scan, "er")) {
			reading->er = scan_u32(scan);
			reading->has_er = true;
		} else if (scan_is(scan, "ulTableId")) {
			reading->table = scan_u32(scan);
		} else if (scan_is(scan, "ulMaxChangeId")) {
			reading->max_change_id = scan_u32(scan);
		}
	}
	if (!reading->has_er)
		scan_refuse(scan, ERR_AGAIN, "the answer has no status");
}

static int broken(struct client *client, struct reading *reading, struct err *err)
{
	reading->open = false;
	return session_broken(client, &reading->channel, err);
}

static int end_reading(struct client *client, struct reading *reading, struct err *err)
{
	struct http *http = reading->channel.http;

	soap_leave(&reading->channel.scan);
	if (scan_failed(&reading->channel.scan))
		return broken(client, reading, err);
	reading->open = false;
	if (http_is_multipart(http))
		http_drop(http); /* then come the streams of the items, which nobody wants */
	else
		http_done(http);
	int rc = session_status(client, &reading->channel, reading->er, err);
	return rc ? rc : KOPANO_END;
}

int reading_begin(struct client *client, struct reading *reading, const char *array, struct err *err)
{
	int rc = session_ask(client, &reading->channel, client->reading_patience, err);

	return rc ? rc : reading_enter(client, reading, array, err);
}

int reading_enter(struct client *client, struct reading *reading, const char *array, struct err *err)
{
	struct channel *channel = &reading->channel;

	*reading = (struct reading){.channel = *channel, .open = true, .array = array};
	reading->answer_level = channel->scan.depth;
	find_array(reading);
	bool over = scan_failed(&channel->scan) || reading->er != 0;
	return over ? end_reading(client, reading, err) : 0;
}

int reading_next(struct client *client, struct reading *reading, struct err *err)
{
	struct scan *scan = &reading->channel.scan;

	if (!reading->open)
		return err_set(err, ERR_AGAIN, "%s at %s: no answer is being read", reading->channel.request.call,
			       client->login->url);
	scan_renew_limit(scan);
	while (reading->in_array) {
		if (scan_child_named(scan, reading->array_level, "item"))
			return 0;
		find_array(reading);
	}
	return end_reading(client, reading, err);
}

int reading_item_status(struct client *client, struct reading *reading, struct err *err)
{
	return scan_failed(&reading->channel.scan) ? broken(client, reading, err) : 0;
}

void reading_abandon(struct reading *reading)
{
	if (reading->open)
		http_drop(reading->channel.http);
	reading->open = false;
}
