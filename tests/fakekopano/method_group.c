#include "tests/fakekopano/method.h"
#include "tests/fakekopano/object.h"
#include "tests/fakekopano/rights.h"
#include "tests/fakekopano/server.h"
#include "tests/fakekopano/tags.h"

#define SERVER_NAME "kc"
#define N_FEATURES  5

#define CLASS_USER  0x10001u
#define CLASS_GROUP 0x30002u

#define PR_EC_ENABLED_FEATURES  1739788318u
#define PR_EC_DISABLED_FEATURES 1739853854u

/* Groups have none. */
static void features(struct call *c, uint32_t n)
{
	static const char *const enabled[] = {"imap", "mobile", "outlook", "pop3", "webapp"};

	put_raw(c, "<lpsMVPropmap><item>");
	put_uint(c, "ulPropId", PR_EC_ENABLED_FEATURES);
	buf_printf(c->out, "<sValues SOAP-ENC:arrayType=\"xsd:string[%u]\">", n);
	for (uint32_t i = 0; i < n; i++)
		put_text(c, "item", enabled[i]);
	put_raw(c, "</sValues></item><item>");
	put_uint(c, "ulPropId", PR_EC_DISABLED_FEATURES);
	put_raw(c, "<sValues SOAP-ENC:arrayType=\"xsd:string[0]\"></sValues></item></lpsMVPropmap>");
}

static void put_user_id(struct call *c, const char *name, uint32_t user)
{
	struct value v;

	user_entry_id(c->w, user, &v);
	put_bytes(c, name, v.data, v.len);
}

static void put_user_fields(struct call *c, const struct user *u)
{
	put_uint(c, "ulUserId", u->id);
	if (!u->id) {
		put_raw(c, "<ulIsNonActive>0</ulIsNonActive><ulIsAdmin>0</ulIsAdmin><ulIsABHidden>0</ulIsABHidden>"
			   "<ulCapacity>0</ulCapacity><ulObjClass>0</ulObjClass><sUserId></sUserId>");
		return;
	}
	put_text(c, "lpszUsername", u->name);
	put_text(c, "lpszPassword", "");
	put_text(c, "lpszMailAddress", u->mail);
	put_text(c, "lpszFullName", u->full_name);
	put_text(c, "lpszServername", u->id == USER_SYSTEM ? SERVER_NAME : "");
	put_uint(c, "ulIsNonActive", 0);
	put_uint(c, "ulIsAdmin", u->admin);
	put_uint(c, "ulIsABHidden", u->id == USER_SYSTEM);
	put_uint(c, "ulCapacity", 0);
	put_uint(c, "ulObjClass", u->type == AB_GROUP ? CLASS_GROUP : CLASS_USER);
	if (u->id > USER_SYSTEM)
		features(c, N_FEATURES);
	put_user_id(c, "sUserId", u->id);
}

/*
 * Whom a getUser, getGroup and so on name: only the entry id counts. A number alone is refused, and nothing at all is
 * *id 0.
 */
static uint32_t user_argument(struct call *c, const char *number, const char *entry_id, uint32_t *id)
{
	uint32_t alone = arg_uint(c, c->in, number);
	struct bytes bytes = arg_bytes(c, c->in, entry_id);

	*id = bytes.n ? ab_id_read(bytes) : 0;
	if (c->er)
		return c->er;
	if (!bytes.n)
		return alone ? KCERR_INVALID_PARAMETER : 0;
	return world_user(c->w, *id) ? 0 : KCERR_NOT_FOUND;
}

static const struct user nobody;

void method_get_user(struct call *c)
{
	uint32_t id, er = user_argument(c, "ulUserId", "sUserId", &id);
	const struct user *user = er ? NULL : world_user(c->w, id ? id : c->session->user);

	if (!er && !user)
		er = KCERR_NOT_FOUND;
	if (user) {
		put_raw(c, "<lpsUser>");
		put_user_fields(c, user->type == AB_USER ? user : &nobody);
		put_raw(c, "</lpsUser>");
	}
	if (user && user->type != AB_USER)
		er = KCERR_NOT_FOUND;
	put_uint(c, "er", er);
}

void method_get_user_list(struct call *c)
{
	arg_uint(c, c->in, "ulCompanyId");
	arg_bytes(c, c->in, "sCompanyId");
	put_raw(c, "<sUserArray>");
	for (uint32_t i = 1; !c->er && i < c->w->n_users; i++) {
		if (!c->w->users[i].id || c->w->users[i].type != AB_USER)
			continue;
		put_raw(c, "<item>");
		put_user_fields(c, &c->w->users[i]);
		put_raw(c, "</item>");
	}
	put_raw(c, "</sUserArray>");
	put_uint(c, "er", c->er);
}

static void put_group(struct call *c, const struct user *g)
{
	put_uint(c, "ulGroupId", g->id);
	put_user_id(c, "sGroupId", g->id);
	put_text(c, "lpszGroupname", g->name);
	put_text(c, "lpszFullname", g->full_name);
	put_text(c, "lpszFullEmail", g->mail);
	put_uint(c, "ulIsABHidden", 0);
	if (g->id > USER_SYSTEM)
		features(c, 0);
}

void method_get_group(struct call *c)
{
	uint32_t id, er = user_argument(c, "ulGroupId", "sGroupId", &id);
	const struct user *group = er ? NULL : world_user(c->w, id);

	if (!er && (!group || group->type != AB_GROUP))
		er = KCERR_NOT_FOUND;
	if (!er) {
		put_raw(c, "<lpsGroup>");
		put_group(c, group);
		put_raw(c, "</lpsGroup>");
	}
	put_uint(c, "er", er);
}

/* The groups that a user is in, or all of them for user 0. */
static void group_list(struct call *c, uint32_t er, uint32_t user)
{
	put_raw(c, "<sGroupArray>");
	for (uint32_t i = 1; !er && i < c->w->n_users; i++) {
		const struct user *group = &c->w->users[i];

		if (!group->id || group->type != AB_GROUP || (user && !is_member(c->w, i, user)))
			continue;
		put_raw(c, "<item>");
		put_group(c, group);
		put_raw(c, "</item>");
	}
	put_raw(c, "</sGroupArray>");
	put_uint(c, "er", er);
}

void method_get_group_list(struct call *c)
{
	arg_uint(c, c->in, "ulCompanyId");
	arg_bytes(c, c->in, "sCompanyId");
	group_list(c, c->er, 0);
}

void method_get_group_list_of_user(struct call *c)
{
	uint32_t id, er = user_argument(c, "ulUserId", "sUserId", &id);

	group_list(c, er || id ? er : KCERR_NOT_FOUND, id);
}

/* Everyone is a member of itself, and so is SYSTEM. A user's entry id gives an empty list. */
void method_get_user_list_of_group(struct call *c)
{
	uint32_t id, er = user_argument(c, "ulGroupId", "sGroupId", &id);

	if (!er && !id)
		er = KCERR_NOT_FOUND;
	put_raw(c, "<sUserArray>");
	for (uint32_t i = 1; !er && i < c->w->n_users; i++) {
		if (!c->w->users[i].id || !is_member(c->w, id, i))
			continue;
		put_raw(c, "<item>");
		put_user_fields(c, &c->w->users[i]);
		put_raw(c, "</item>");
	}
	put_raw(c, "</sUserArray>");
	put_uint(c, "er", er);
}

static void resolve(struct call *c, const char *argument, const char *number, const char *entry_id, uint32_t type)
{
	const char *name = arg_text(c, c->in, argument);
	const struct user *user = !c->er && name ? world_user_named(c->w, name) : NULL;
	uint32_t er = c->er ? c->er : !name ? KCERR_INVALID_PARAMETER : 0;

	if (!er && (!user || user->type != type))
		er = KCERR_NOT_FOUND;
	put_uint(c, number, er ? 0 : user->id);
	if (er)
		put_bytes(c, entry_id, NULL, 0);
	else
		put_user_id(c, entry_id, user->id);
	put_uint(c, "er", er);
}

void method_resolve_username(struct call *c)
{
	resolve(c, "lpszUsername", "ulUserId", "sUserId", AB_USER);
}

void method_resolve_groupname(struct call *c)
{
	resolve(c, "lpszGroupname", "ulGroupId", "sGroupId", AB_GROUP);
}
