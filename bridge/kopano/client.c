#include "bridge/kopano/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "bridge/kopano/client_notify.h"
#include "bridge/kopano/session.h"

enum { DEFAULT_TIMEOUT_MS = 60000, FAREWELL_MS = 1000 };

/* What this client can take: 64-bit session ids, address-book ids of several servers, UTF-8, the highest id of the
 * address-book journal, more user details, exportMessageChangesAsStream. No compression. */
enum { CAPABILITIES = 0x6250 | 0x100 };

static struct slice text_or_empty(const char *text)
{
	return slice_of_text(text);
}

uint64_t client_random_group(void)
{
	uint64_t group = 0;

	while (group == 0)
		if (getrandom(&group, sizeof group, 0) != sizeof group)
			group = 1;
	return group;
}

static void write_logon(struct client *client)
{
	const struct login *login = client->login;
	struct soap *soap = session_begin(client, &client->calls, "logon");

	soap_text(soap, "szUsername", text_or_empty(login->user));
	soap_text(soap, "szPassword", text_or_empty(login->password));
	soap_text(soap, "szImpersonateUser", text_or_empty(login->impersonate));
	soap_text(soap, "szVersion", slice_of_text("11.0.2"));
	soap_number(soap, "ulCapabilities", CAPABILITIES);
	soap_number(soap, "ulFlags", 0);
	soap_binary(soap, "sLicenseReq", slice_of(NULL, 0));
	soap_number(soap, "ullSessionGroup", client->group);
	soap_text(soap, "szClientApp", slice_of_text("tidings"));
	soap_text(soap, "szClientAppVersion", slice_of_text(TIDINGS_VERSION));
	soap_text(soap, "szClientAppMisc", slice_of(NULL, 0));
}

static int refused(const struct client *client, const struct err *cause, struct err *err)
{
	const struct login *login = client->login;

	if (client->er == KOPANO_LOGON_FAILED)
		return err_usage(
			err,
			"logon refused for user %s at %s: wrong password, unknown user, or (without a password) "
			"a unix user or certificate that the server does not trust; correct the settings",
			login->user, login->url);
	struct err copy = *cause;
	return err_usage(err, "logon refused for user %s: %s", login->user, copy.text);
}

/* "0,11,0,2" -> "11.0.2" */
static void keep_version(struct client *client, struct slice version)
{
	size_t skipped = version.size > 2 && memcmp(version.data, "0,", 2) == 0 ? 2 : 0;

	snprintf(client->server_version, sizeof client->server_version, "%.*s", (int)(version.size - skipped),
		 version.size ? (const char *)version.data + skipped : "");
	for (char *c = client->server_version; *c; c++)
		if (*c == ',')
			*c = '.';
}

static int keep_logon(struct client *client, const struct logon_answer *answer, struct err *err)
{
	if (answer->session == 0 || answer->guid.size != GUID_SIZE) {
		err_set(err, ERR_AGAIN,
			"logon at %s: the answer has no session or no GUID of the server: is that a Kopano "
			"server?",
			client->login->url);
		return ERR_AGAIN;
	}
	client->session = answer->session;
	memcpy(client->server_guid, answer->guid.data, GUID_SIZE);
	keep_version(client, answer->version);
	client->alive = true;
	return 0;
}

static int log_on(struct client *client, struct err *err)
{
	struct arena arena = {0};
	struct logon_answer answer = {0};

	write_logon(client);
	int rc = session_call(client, answer_logon, &arena, &answer, err);
	soap_wipe(&client->calls.request);
	if (rc == 0)
		rc = keep_logon(client, &answer, err);
	else if (client->er && rc != ERR_AGAIN)
		rc = refused(client, err, err);
	arena_free(&arena);
	return rc;
}

static int timeout_or_default(int timeout_ms)
{
	return timeout_ms > 0 ? timeout_ms : DEFAULT_TIMEOUT_MS;
}

int client_open(const struct login *login, struct client **out, struct err *err)
{
	return client_open_in(login, client_random_group(), out, err);
}

int client_open_in(const struct login *login, uint64_t group, struct client **out, struct err *err)
{
	struct client *client = xcalloc(1, sizeof *client);
	int byte_ms = timeout_or_default(login->read_timeout_ms);

	client->login = login;
	client->group = group;
	client->call_patience = (struct patience){timeout_or_default(login->call_timeout_ms), byte_ms};
	client->reading_patience = (struct patience){0, byte_ms};
	client->opening = true;
	int rc = log_on(client, err);
	client->opening = false;
	*out = rc ? NULL : client;
	if (rc)
		client_close(client);
	return rc;
}

static void close_channel(struct channel *channel)
{
	http_close(channel->http);
	scan_close(&channel->scan);
	soap_free(&channel->request);
}

int client_log_off(struct client *client, struct err *err)
{
	http_ignore_stop(client->calls.http);
	client->call_patience = (struct patience){FAREWELL_MS, FAREWELL_MS};
	session_begin(client, &client->calls, "logoff");
	int rc = session_call(client, NULL, NULL, NULL, err);
	client->alive = false;
	return rc;
}

void client_close(struct client *client)
{
	struct err unused;

	if (!client)
		return;
	if (client->alive)
		client_log_off(client, &unused);
	close_channel(&client->calls);
	close_channel(&client->changes.channel);
	close_channel(&client->folders.channel);
	close_channel(&client->rows.channel);
	close_channel(&client->notices.channel);
	free(client->keys.source_key.data);
	free(client->keys.parent_source_key.data);
	free(client->tags);
	free(client);
}

bool client_alive(const struct client *client)
{
	return client->alive;
}

uint32_t client_er(const struct client *client)
{
	return client->er;
}

const uint8_t *client_server_guid(const struct client *client)
{
	return client->server_guid;
}

const char *client_server_version(const struct client *client)
{
	return client->server_version;
}

const struct prop *props_find(const struct props *props, uint32_t tag)
{
	for (size_t i = 0; i < props->n; i++) {
		const struct prop *prop = &props->props[i];
		if (prop->tag >> 16 == tag >> 16)
			return (prop->tag & 0xffff) == PT_ERROR ? NULL : prop;
	}
	return NULL;
}

int session_not_understood(struct client *client, const char *what, struct err *err)
{
	return err_set(err, ERR_AGAIN, "%s at %s: the answer has no %s", client->calls.request.call, client->login->url,
		       what);
}

int client_load_object(struct client *client, struct slice entry_id, uint32_t flags, struct arena *arena,
		       struct object *object, struct err *err)
{
	struct soap *soap = session_begin(client, &client->calls, "loadObject");

	*object = (struct object){0};
	soap_binary(soap, "sEntryId", entry_id);
	soap_number(soap, "ulFlags", flags);
	return session_call(client, answer_object, arena, object, err);
}

int client_load_prop(struct client *client, struct slice entry_id, uint32_t tag, struct arena *arena, struct prop *prop,
		     struct err *err)
{
	struct soap *soap = session_begin(client, &client->calls, "loadProp");
	struct prop_answer answer = {0};

	soap_binary(soap, "sEntryId", entry_id);
	soap_number(soap, "ulObjId", 0);
	soap_number(soap, "ulPropTag", tag);
	int rc = session_call(client, answer_prop, arena, &answer, err);
	*prop = answer.prop;
	if (rc == 0 && !answer.found)
		return session_not_understood(client, "value", err);
	return rc;
}

int client_entry_id(struct client *client, struct slice store_entry_id, struct slice folder_key, struct slice item_key,
		    struct arena *arena, struct slice *entry_id, struct err *err)
{
	struct soap *soap = session_begin(client, &client->calls, "getEntryIDFromSourceKey");

	*entry_id = slice_of(NULL, 0);
	soap_binary(soap, "sStoreId", store_entry_id);
	soap_binary(soap, "folderSourceKey", folder_key);
	soap_binary(soap, "messageSourceKey", item_key);
	int rc = session_call(client, answer_entry_id, arena, entry_id, err);
	if (rc == 0 && !entry_id->size)
		return session_not_understood(client, "entry id", err);
	return rc;
}

int client_set_sync(struct client *client, struct slice folder_key, enum sync_type type, uint32_t change_id,
		    uint32_t *sync_id, struct err *err)
{
	struct soap *soap = session_begin(client, &client->calls, "setSyncStatus");
	uint32_t answer = 0;

	soap_binary(soap, "sSourceKeyFolder", folder_key);
	soap_number(soap, "ulSyncId", *sync_id);
	soap_number(soap, "ulChangeId", change_id);
	soap_number(soap, "ulChangeType", type);
	soap_number(soap, "ulFlags", 0);
	int rc = session_call(client, answer_sync, NULL, &answer, err);
	if (rc == 0 && !answer)
		return session_not_understood(client, "sync id", err);
	if (rc == 0)
		*sync_id = answer;
	return rc;
}
