#include <stdlib.h>
#include <string.h>

#include "tests/fakekopano/method.h"
#include "tests/fakekopano/object.h"
#include "tests/fakekopano/server.h"
#include "tests/fakekopano/tags.h"

#define SERVER_VERSION      "0,11,0,2"
#define SERVER_NAME         "kc"
#define CAPABILITIES_ALWAYS 0x98A8u
#define CAPABILITIES_ASKED  0x0740u /* granted to those who ask */

#define LOGON_NO_UID      1u
#define LOGON_NO_REGISTER 2u

#define CLASS_USER  0x10001u
#define CLASS_GROUP 0x30002u

#define PR_EC_ENABLED_FEATURES  1739788318u
#define PR_EC_DISABLED_FEATURES 1739853854u

static const struct user *authenticate(struct call *c, uint32_t flags)
{
	const char *name = arg_text(c, c->in, "szUsername"), *password = arg_text(c, c->in, "szPassword");
	const char *acting_as = arg_text(c, c->in, "szImpersonateUser");
	const struct user *user;

	if (!name || !password || !acting_as)
		return NULL;
	user = world_user_named(c->w, name);
	if (!user || user->type != AB_USER)
		return NULL;
	if (!(c->by_socket && !(flags & LOGON_NO_UID)) &&
	    (user->id == USER_SYSTEM || strcmp(user->password, password) != 0))
		return NULL;
	if (!*acting_as)
		return user;
	return user->admin > 0 ? world_user_named(c->w, acting_as) : NULL;
}

/* Only the comma form of old clients is refused. */
static bool too_old(const char *version)
{
	const char *comma = version ? strchr(version, ',') : NULL;

	return comma && atoi(comma + 1) < 6;
}

static void logon_answer(struct call *c, uint32_t er, uint64_t session, uint32_t capabilities)
{
	put_uint(c, "er", er);
	put_uint(c, "ulSessionId", session);
	if (er != KCERR_BAD_CHARWIDTH)
		put_text(c, "lpszVersion", SERVER_VERSION);
	put_uint(c, "ulCapabilities", capabilities);
	put_bytes(c, "sLicenseResponse", NULL, 0);
	put_bytes(c, "sServerGuid", c->w->guid.b, er ? 0 : GUID_BYTES);
}

void method_logon(struct call *c)
{
	uint32_t capabilities = arg_uint(c, c->in, "ulCapabilities"), flags = arg_uint(c, c->in, "ulFlags");
	uint64_t group = arg_uint64(c, c->in, "ullSessionGroup"), id = 0;
	uint32_t granted = CAPABILITIES_ALWAYS | (capabilities & CAPABILITIES_ASKED);
	const struct user *user = authenticate(c, flags);

	arg_bytes(c, c->in, "sLicenseReq");
	if (call_faulted(c))
		return;
	if (!(capabilities & CAP_UNICODE)) {
		logon_answer(c, KCERR_BAD_CHARWIDTH, 0, 0);
	} else if (too_old(arg_text(c, c->in, "szVersion"))) {
		logon_answer(c, KCERR_INVALID_VERSION, 0, CAPABILITIES_ALWAYS);
	} else if (c->er || !user) {
		logon_answer(c, c->er ? c->er : KCERR_LOGON_FAILED, 0, CAPABILITIES_ALWAYS);
	} else {
		sessions_end_idle(c->server);
		if (!(flags & LOGON_NO_REGISTER)) {
			id = session_create(c->server, user->id, capabilities, group, c->peer)->id;
			c->capabilities = capabilities;
		}
		logon_answer(c, 0, id, granted);
	}
}

void method_logoff(struct call *c)
{
	if (!c->er)
		session_end(c->server, c->session);
	c->ended_session = true;
	put_uint(c, "result", c->er);
}

static void features(struct call *c)
{
	static const char *const enabled[] = {"imap", "mobile", "outlook", "pop3", "webapp"};

	put_raw(c, "<lpsMVPropmap><item>");
	put_uint(c, "ulPropId", PR_EC_ENABLED_FEATURES);
	put_raw(c, "<sValues SOAP-ENC:arrayType=\"xsd:string[5]\">");
	for (int i = 0; i < 5; i++)
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

static void user_fields(struct call *c, const struct user *u)
{
	put_uint(c, "ulUserId", u->id);
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
		features(c);
	put_user_id(c, "sUserId", u->id);
}

void method_get_user(struct call *c)
{
	uint32_t id = arg_uint(c, c->in, "ulUserId");
	struct bytes entry_id = arg_bytes(c, c->in, "sUserId");
	const struct user *user = NULL;
	uint32_t er = c->er;

	if (!er) {
		if (entry_id.n)
			id = ab_id_read(entry_id);
		user = world_user(c->w, id || entry_id.n ? id : c->session->user);
		er = user && user->type == AB_USER ? 0 : KCERR_NOT_FOUND;
	}
	put_raw(c, "<lpsUser>");
	if (er)
		put_raw(c, "<ulUserId>0</ulUserId><ulIsNonActive>0</ulIsNonActive><ulIsAdmin>0</ulIsAdmin>"
			   "<ulIsABHidden>0</ulIsABHidden><ulCapacity>0</ulCapacity><ulObjClass>0</ulObjClass>"
			   "<sUserId></sUserId>");
	else
		user_fields(c, user);
	put_raw(c, "</lpsUser>");
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
		user_fields(c, &c->w->users[i]);
		put_raw(c, "</item>");
	}
	put_raw(c, "</sUserArray>");
	put_uint(c, "er", c->er);
}

void method_resolve_username(struct call *c)
{
	const char *name = arg_text(c, c->in, "lpszUsername");
	const struct user *user = !c->er && name ? world_user_named(c->w, name) : NULL;
	uint32_t er = c->er ? c->er : !name ? KCERR_INVALID_PARAMETER : user ? 0 : KCERR_NOT_FOUND;

	put_uint(c, "ulUserId", user ? user->id : 0);
	if (user)
		put_user_id(c, "sUserId", user->id);
	else
		put_bytes(c, "sUserId", NULL, 0);
	put_uint(c, "er", er);
}

/* A server that is alone is the peer of every name. */
void method_resolve_pseudo_url(struct call *c)
{
	const char *url = arg_text(c, c->in, "lpszPseudoUrl");
	uint32_t er = c->er ? c->er : url ? 0 : KCERR_INVALID_PARAMETER;

	if (!er)
		put_text(c, "lpszServerPath", url);
	put_raw(c, er ? "<bIsPeer>false</bIsPeer>" : "<bIsPeer>true</bIsPeer>");
	put_uint(c, "er", er);
}

/* Companies exist only on hosted servers. */
void method_get_company_list(struct call *c)
{
	put_raw(c, "<sCompanyArray></sCompanyArray>");
	put_uint(c, "er", c->er ? c->er : KCERR_NO_SUPPORT);
}

static bool same_name(const struct named_prop *p, const struct guid *guid, const char *name, uint32_t number)
{
	if (memcmp(p->guid.b, guid->b, GUID_BYTES) != 0 || !p->name != !name)
		return false;
	return name ? strcmp(p->name, name) == 0 : p->number == number;
}

/* The number that tags of this name start from 0x8500 with, 0 when it is unknown. */
static uint32_t name_id(struct world *w, const struct guid *guid, const char *name, uint32_t number, bool create)
{
	for (uint32_t i = 0; i < w->n_named; i++)
		if (same_name(&w->named[i], guid, name, number))
			return i + 1;
	if (!create)
		return 0;
	w->named = array_grow(w->named, w->n_named, &w->cap_named, sizeof(*w->named));
	w->named[w->n_named++] = (struct named_prop){*guid, name ? strdup(name) : NULL, number};
	return w->n_named;
}

void method_get_ids_from_names(struct call *c)
{
	const struct xml_node *list = arg_node(c, c->in, "lpsNamedProps");
	bool create = arg_uint(c, c->in, "ulFlags") & 2;
	struct vec ids = {0};

	for (const struct xml_node *item = list && !c->er ? xml_first(c->doc, list) : NULL; item;
	     item = xml_next(c->doc, item)) {
		struct bytes guid = arg_bytes(c, item, "lpguid");
		const char *name = arg_text(c, item, "lpString");
		uint32_t number = arg_uint(c, item, "lpId");

		vec_push(&ids,
			 guid.n == GUID_BYTES ? name_id(c->w, (const struct guid *)guid.p, name, number, create) : 0);
	}
	if (ids.n)
		buf_printf(c->out, "<lpsPropTags SOAP-ENC:arrayType=\"xsd:unsignedInt[%u]\">", ids.n);
	else
		put_raw(c, "<lpsPropTags>");
	for (uint32_t i = 0; i < ids.n; i++)
		put_uint(c, "item", ids.at[i]);
	put_raw(c, "</lpsPropTags>");
	put_uint(c, "er", c->er);
	vec_free(&ids);
}

void method_get_names_from_ids(struct call *c)
{
	uint32_t limit;
	const struct xml_node *item = array_items(c, arg_node(c, c->in, "lpsPropTags"), "xsd:unsignedInt", &limit);

	put_raw(c, "<lpsNames>");
	for (; item && !c->er && limit > 0; item = xml_next(c->doc, item), limit--) {
		uint32_t id = (uint32_t)node_uint(c, item, UINT32_MAX);
		const struct named_prop *p = id && id <= c->w->n_named ? &c->w->named[id - 1] : NULL;

		put_raw(c, "<item>");
		if (p && p->name)
			put_text(c, "lpString", p->name);
		else if (p)
			put_uint(c, "lpId", p->number);
		if (p)
			put_bytes(c, "lpguid", p->guid.b, GUID_BYTES);
		put_raw(c, "</item>");
	}
	put_raw(c, "</lpsNames>");
	put_uint(c, "er", c->er);
}

/* Notifications do not exist yet: only a session that is gone is told so. */
void method_notify_get_items(struct call *c)
{
	put_uint(c, "er", c->er ? c->er : KCERR_NO_SUPPORT);
}
