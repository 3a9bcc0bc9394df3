#include "bridge/kopano/session.h"

/* Changes of folders are read beside those of items. */
static struct reading *reading_of(struct client *client, enum sync_type type)
{
	return type == SYNC_HIERARCHY ? &client->folders : &client->changes;
}

void client_abandon_changes(struct client *client, enum sync_type type)
{
	reading_abandon(reading_of(client, type));
}

int client_changes_age_ms(const struct client *client)
{
	return client->changes.open ? http_age_ms(client->changes.channel.http) : 0;
}

/* The container of the address book, which has no source key; the server does not look at its value. */
static struct slice address_book(void)
{
	static const uint8_t entry_id[36] = {0,    0,    0,    0,    0xac, 0x21, 0xa9, 0x50, 0x40, 0xd3,
					     0xee, 0x48, 0xb3, 0x19, 0xfb, 0xa7, 0x53, 0x30, 0x44, 0x25,
					     0,    0,    0,    0,    4,    0,    0,    0,    1};

	return slice_of(entry_id, sizeof entry_id);
}

int client_changes(struct client *client, uint32_t sync_id, uint32_t change_id, enum sync_type type, uint32_t flags,
		   struct err *err)
{
	struct reading *reading = reading_of(client, type);
	reading_abandon(reading);
	struct soap *soap = session_begin(client, &reading->channel, "getChanges");

	soap_binary(soap, "sSourceKeyFolder", type == SYNC_ADDRESSBOOK ? address_book() : slice_of(NULL, 0));
	soap_number(soap, "ulSyncId", sync_id);
	soap_number(soap, "ulChangeId", change_id);
	soap_number(soap, "ulChangeType", type);
	soap_number(soap, "ulFlags", flags);
	return reading_begin(client, reading, "sChangesArray", err);
}

int client_next_entry(struct client *client, enum sync_type type, struct journal_entry *entry, uint32_t *max_change_id,
		      struct err *err)
{
	struct reading *reading = reading_of(client, type);
	int rc = reading_next(client, reading, err);

	if (rc == KOPANO_END)
		*max_change_id = reading->max_change_id;
	if (rc)
		return rc;
	answer_entry(&reading->channel.scan, &client->keys, entry);
	return reading_item_status(client, reading, err);
}

/* The items of sSyncStates. */
struct states_answer {
	const uint32_t *sync_ids;
	uint32_t *change_ids;
	size_t n;
};

static void answer_state(struct scan *scan, struct states_answer *answer)
{
	uint32_t sync_id = 0, change_id = 0;
	int level = scan->depth;
	while (scan_child(scan, level)) {
		if (scan_is(scan, "ulSyncId"))
			sync_id = scan_u32(scan);
		else if (scan_is(scan, "ulChangeId"))
			change_id = scan_u32(scan);
	}
	for (size_t i = 0; i < answer->n; i++)
		if (answer->sync_ids[i] == sync_id)
			answer->change_ids[i] = change_id;
}

static void answer_states(struct scan *scan, struct arena *arena, void *context)
{
	(void)arena;
	if (!scan_is(scan, "sSyncStates"))
		return;
	int level = scan->depth;
	while (scan_child_named(scan, level, "item"))
		answer_state(scan, context);
}

int client_sync_states(struct client *client, const uint32_t *sync_ids, size_t n, uint32_t *change_ids, struct err *err)
{
	struct soap *soap = session_begin(client, &client->calls, "getSyncStates");
	struct states_answer answer = {sync_ids, change_ids, n};

	memset(change_ids, 0, n * sizeof *change_ids);
	soap_tags(soap, "ulaSyncId", sync_ids, n);
	return session_call(client, answer_states, NULL, &answer, err);
}
