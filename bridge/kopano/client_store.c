#include "bridge/kopano/session.h"

enum { STORE_TYPES_PRIVATE = 1 << 0 };

/* The store of the user: all but its root. */
static int resolve_store(struct client *client, const char *owner, struct arena *arena, struct store_answer *store,
			 struct err *err)
{
	struct soap *soap = session_begin(client, &client->calls, "resolveUserStore");

	soap_text(soap, "szUserName", slice_of_text(owner));
	soap_number(soap, "ulStoreTypeMask", STORE_TYPES_PRIVATE);
	soap_number(soap, "ulFlags", 0);
	return session_call(client, answer_store, arena, store, err);
}

static int ask_store(struct client *client, struct slice entry_id, struct arena *arena, struct store_answer *store,
		     struct err *err)
{
	struct soap *soap = session_begin(client, &client->calls, "getStore");

	soap_binary(soap, "lpsEntryId", entry_id);
	return session_call(client, answer_store, arena, store, err);
}

static int ask_public_store(struct client *client, struct arena *arena, struct store_answer *store, struct err *err)
{
	struct soap *soap = session_begin(client, &client->calls, "getPublicStore");

	soap_number(soap, "ulFlags", 0);
	return session_call(client, answer_store, arena, store, err);
}

static int keep_store(struct client *client, const struct store_answer *answer, struct kopano_store *store,
		      struct err *err)
{
	if (answer->guid.size != GUID_SIZE || !answer->entry_id.size || !answer->root_entry_id.size)
		return session_not_understood(client, "store", err);
	*store = (struct kopano_store){.entry_id = answer->entry_id, .root_entry_id = answer->root_entry_id};
	memcpy(store->guid, answer->guid.data, GUID_SIZE);
	return 0;
}

int client_find_store(struct client *client, const char *owner, struct arena *arena, struct kopano_store *store,
		      struct err *err)
{
	struct store_answer resolved = {0}, answer = {0};
	int rc;

	if (strcmp(owner, "public") == 0) {
		rc = ask_public_store(client, arena, &answer, err);
	} else {
		rc = resolve_store(client, owner, arena, &resolved, err);
		if (rc == 0)
			rc = ask_store(client, resolved.entry_id, arena, &answer, err);
	}
	return rc ? rc : keep_store(client, &answer, store, err);
}

int client_load_store(struct client *client, struct slice entry_id, struct arena *arena, struct kopano_store *store,
		      struct err *err)
{
	struct store_answer answer = {0};
	int rc = ask_store(client, entry_id, arena, &answer, err);

	return rc ? rc : keep_store(client, &answer, store, err);
}
