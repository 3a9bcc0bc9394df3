#include "bridge/kopano/session.h"

static const struct er_name {
	uint32_t er;
	const char *name;
	enum err_class class;
} er_names[] = {
	{KOPANO_NOT_FOUND, "not found", ERR_GONE},
	{KOPANO_NO_ACCESS, "no access: the user has not the right", ERR_BAD},
	{0x80000004, "network error", ERR_AGAIN},
	{0x80000005, "server not responding", ERR_AGAIN},
	{0x80000006, "wrong type", ERR_BAD},
	{0x80000007, "database error: see the server's log", ERR_AGAIN},
	{KOPANO_COLLISION, "collision: the number belongs to something else", ERR_BAD},
	{KOPANO_LOGON_FAILED, "logon failed", ERR_BAD},
	{0x8000000E, "the server has no memory", ERR_AGAIN},
	{KOPANO_END_OF_SESSION, "the session has ended", ERR_AGAIN},
	{0x80000014, "invalid parameter", ERR_BAD},
	{0x80000016, "invalid entry id", ERR_BAD},
	{0x80000018, "not supported", ERR_BAD},
	{0x80000026, "time-out at the server", ERR_AGAIN},
	{0x80000028, "the store is on another server", ERR_BAD},
	{0x8000002B, "the server is busy", ERR_AGAIN},
	{0x8000002C, "deleted", ERR_GONE},
};

static struct er_name name_of(uint32_t er)
{
	for (size_t i = 0; i < sizeof er_names / sizeof *er_names; i++)
		if (er_names[i].er == er)
			return er_names[i];
	return (struct er_name){er, "refused", ERR_BAD};
}

struct soap *session_begin(struct client *client, struct channel *channel, const char *call)
{
	soap_begin(&channel->request, call);
	if (client->session)
		soap_number(&channel->request, "ulSessionId", client->session);
	return &channel->request;
}

static ssize_t read_answer(void *context, uint8_t *buffer, size_t size, struct err *err)
{
	struct channel *channel = context;

	return http_read(channel->http, buffer, size, err);
}

static int open_channel(struct client *client, struct channel *channel, struct err *err)
{
	if (channel->http)
		return 0;
	int rc = http_open(client->login, &channel->http, err);
	if (rc == 0)
		scan_open(&channel->scan, ELEMENT_LIMIT_BYTES, read_answer, channel);
	return rc;
}

static int explain(struct client *client, struct channel *channel, struct err *err)
{
	long status = http_status(channel->http);

	http_drop(channel->http);
	if (err->class == ERR_STOPPED)
		return ERR_STOPPED;
	if (err->class == ERR_FATAL && !client->opening)
		err->class = ERR_AGAIN; /* the next client_open will say it */
	if (err->class == ERR_AGAIN)
		client->alive = false;
	if (status > 200)
		err_prefix(err, "HTTP status %ld", status);
	return err_prefix(err, "%s at %s", channel->request.call, client->login->url);
}

int session_broken(struct client *client, struct channel *channel, struct err *err)
{
	*err = channel->scan.err;
	return explain(client, channel, err);
}

/* The head of the answer is there: goes into the answer's element. */
static int enter(struct client *client, struct channel *channel, struct err *err)
{
	long status = http_status(channel->http);
	if (status != 200 && status != 500) { /* the latter may be a fault */
		err_set(err, ERR_AGAIN, "no Kopano server answers so: check the URL%s",
			status / 100 == 3 ? ", redirections are not followed" : "");
		return explain(client, channel, err);
	}
	if (http_is_web_page(channel->http)) {
		err_set(err, ERR_AGAIN,
			"a web page came as the answer: check the URL, and whether a proxy is in between");
		return explain(client, channel, err);
	}
	scan_reset(&channel->scan);
	if (http_is_multipart(channel->http) && !scan_skip_mime_head(&channel->scan))
		return session_broken(client, channel, err);
	return soap_enter(&channel->scan) ? 0 : session_broken(client, channel, err);
}

int session_ask(struct client *client, struct channel *channel, struct patience patience, struct err *err)
{
	client->er = 0;
	int rc = open_channel(client, channel, err);
	if (rc)
		return rc; /* the URL is wrong and may hold a password: it is not shown */
	if (http_post(channel->http, soap_end(&channel->request), patience, err))
		return explain(client, channel, err);
	return enter(client, channel, err);
}

int session_send(struct client *client, struct channel *channel, struct patience patience, struct err *err)
{
	int rc = open_channel(client, channel, err);
	if (rc == 0)
		http_send(channel->http, soap_end(&channel->request), patience);
	return rc;
}

int session_await(struct client *client, struct channel *channel, int wake_fd, struct err *err)
{
	client->er = 0;
	int rc = http_await(channel->http, wake_fd, err);
	if (rc == HTTP_WOKEN)
		return rc;
	return rc ? explain(client, channel, err) : enter(client, channel, err);
}

int session_status(struct client *client, const struct channel *channel, uint32_t er, struct err *err)
{
	client->er = er;
	if (er == 0)
		return 0;
	struct er_name name = name_of(er);
	if (er == KOPANO_END_OF_SESSION)
		client->alive = false;
	err_set(err, name.class, "%s (0x%08X)", name.name, er);
	return err_prefix(err, "%s at %s", channel->request.call, client->login->url);
}

int session_call(struct client *client, answer_child_fn *child, struct arena *arena, void *answer, struct err *err)
{
	struct channel *channel = &client->calls;
	int rc = session_ask(client, channel, client->call_patience, err);

	if (rc)
		return rc;
	uint32_t er = answer_read(&channel->scan, arena, child, answer);
	soap_leave(&channel->scan);
	if (scan_failed(&channel->scan))
		return session_broken(client, channel, err);
	http_done(channel->http);
	return session_status(client, channel, er, err);
}
