#include <stdlib.h>
#include <string.h>

#include "tests/fakekopano/method.h"
#include "tests/fakekopano/object.h"
#include "tests/fakekopano/server.h"
#include "tests/fakekopano/tags.h"

#define SERVER_VERSION      "0,11,0,2"
#define CAPABILITIES_ALWAYS 0x98A8u
#define CAPABILITIES_ASKED  0x0740u /* granted to those who ask */

#define LOGON_NO_UID      1u
#define LOGON_NO_REGISTER 2u

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
