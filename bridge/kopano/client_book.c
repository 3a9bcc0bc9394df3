#include "bridge/kopano/client_book.h"

#include "bridge/kopano/session.h"

/* ---- answers ---- */

static void read_user(struct scan *scan, struct arena *arena, struct kopano_user *user)
{
	int level = scan->depth;

	while (scan_child(scan, level)) {
		if (scan_is(scan, "sUserId"))
			user->entry_id = scan_base64(scan, arena);
		else if (scan_is(scan, "lpszUsername"))
			user->login_name = scan_text(scan, arena);
		else if (scan_is(scan, "lpszFullName"))
			user->full_name = scan_text(scan, arena);
		else if (scan_is(scan, "lpszMailAddress"))
			user->email_address = scan_text(scan, arena);
		else if (scan_is(scan, "ulObjClass"))
			user->class = scan_u32(scan);
		else if (scan_is(scan, "ulIsAdmin"))
			user->admin_level = scan_u32(scan);
		else if (scan_is(scan, "ulIsABHidden"))
			user->hidden = scan_u32(scan) != 0;
	}
}

static void answer_user(struct scan *scan, struct arena *arena, void *answer)
{
	if (scan_is(scan, "lpsUser"))
		read_user(scan, arena, answer);
}

static void read_group(struct scan *scan, struct arena *arena, struct kopano_group *group)
{
	int level = scan->depth;

	while (scan_child(scan, level)) {
		if (scan_is(scan, "sGroupId"))
			group->entry_id = scan_base64(scan, arena);
		else if (scan_is(scan, "lpszGroupname"))
			group->name = scan_text(scan, arena);
		else if (scan_is(scan, "lpszFullname"))
			group->full_name = scan_text(scan, arena);
		else if (scan_is(scan, "lpszFullEmail"))
			group->email_address = scan_text(scan, arena);
		else if (scan_is(scan, "ulIsABHidden"))
			group->hidden = scan_u32(scan) != 0;
	}
}

static void answer_group(struct scan *scan, struct arena *arena, void *answer)
{
	if (scan_is(scan, "lpsGroup"))
		read_group(scan, arena, answer);
}

static void add_member(struct arena *arena, struct kopano_members *members, struct slice entry_id)
{
	size_t n = members->n;

	if ((n & (n - 1)) == 0) { /* a power of two: there is no room */
		struct slice *bigger = arena_alloc(arena, (n ? 2 * n : 1) * sizeof *bigger);
		if (n)
			memcpy(bigger, members->entry_ids, n * sizeof *bigger);
		members->entry_ids = bigger;
	}
	members->entry_ids[members->n++] = entry_id;
}

static void read_member(struct scan *scan, struct arena *arena, struct kopano_members *members)
{
	int level = scan->depth;

	while (scan_child(scan, level))
		if (scan_is(scan, "sUserId"))
			add_member(arena, members, scan_base64(scan, arena));
}

static void answer_members(struct scan *scan, struct arena *arena, void *answer)
{
	int level = scan->depth;

	if (!scan_is(scan, "sUserArray"))
		return;
	while (scan_child(scan, level)) {
		scan_renew_limit(scan);
		read_member(scan, arena, answer);
	}
}

static void answer_ignored(struct scan *scan, struct arena *arena, void *answer)
{
	int level = scan->depth;

	(void)arena, (void)answer;
	while (scan_child(scan, level))
		scan_renew_limit(scan);
}

/* ---- calls ---- */

static int not_understood(struct client *client, const char *what, struct err *err)
{
	return err_set(err, ERR_AGAIN, "%s at %s: the answer has no %s", client->calls.request.call, client->login->url,
		       what);
}

int client_user(struct client *client, struct slice entry_id, struct arena *arena, struct kopano_user *user,
		struct err *err)
{
	struct soap *soap = session_begin(client, &client->calls, "getUser");

	*user = (struct kopano_user){0};
	soap_number(soap, "ulUserId", 0);
	soap_binary(soap, "sUserId", entry_id);
	int rc = session_call(client, answer_user, arena, user, err);
	return rc == 0 && !user->entry_id.size ? not_understood(client, "user", err) : rc;
}

int client_group(struct client *client, struct slice entry_id, struct arena *arena, struct kopano_group *group,
		 struct err *err)
{
	struct soap *soap = session_begin(client, &client->calls, "getGroup");

	*group = (struct kopano_group){0};
	soap_number(soap, "ulGroupId", 0);
	soap_binary(soap, "sGroupId", entry_id);
	int rc = session_call(client, answer_group, arena, group, err);
	return rc == 0 && !group->entry_id.size ? not_understood(client, "group", err) : rc;
}

int client_members(struct client *client, struct slice group_entry_id, struct arena *arena,
		   struct kopano_members *members, struct err *err)
{
	struct soap *soap = session_begin(client, &client->calls, "getUserListOfGroup");

	*members = (struct kopano_members){0};
	soap_number(soap, "ulGroupId", 0);
	soap_binary(soap, "sGroupId", group_entry_id);
	return session_call(client, answer_members, arena, members, err);
}

static int list_all(struct client *client, const char *call, struct err *err)
{
	struct soap *soap = session_begin(client, &client->calls, call);

	soap_number(soap, "ulCompanyId", 0); /* the account's own */
	soap_binary(soap, "sCompanyId", slice_of(NULL, 0));
	return session_call(client, answer_ignored, NULL, NULL, err);
}

int client_compare_directory(struct client *client, struct err *err)
{
	int rc = list_all(client, "getUserList", err);
	return rc ? rc : list_all(client, "getGroupList", err);
}
