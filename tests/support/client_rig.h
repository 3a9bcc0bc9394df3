/* A client logged on to a scripted server: what the tests of its calls share.
 *
 * One client at a time; client_rig_teardown is the teardown of each test. */
#ifndef TIDINGS_TESTS_SUPPORT_CLIENT_RIG_H
#define TIDINGS_TESTS_SUPPORT_CLIENT_RIG_H

#include "bridge/kopano/client.h"
#include "tests/support/script_http.h"

#define RIG_LOGON       "01-logon-tcp-password/0001-logon.res.xml"
#define RIG_SERVER_GUID "216174fd64b2489ba796481175d4b5f4"
#define RIG_SESSION     "3630333025447400189"

struct client_rig {
	struct script_http *server;
	struct login login;
	struct client *client;
	struct arena arena;
	struct err err;
};

extern struct client_rig rig;

/* Starts the server and lets a client log on; the rest of rig.login may be set before. Returns what client_open did. */
int rig_open(const struct http_step *steps, size_t n_steps);

#define RIG_SCRIPT(...)                                                                                                \
	const struct http_step steps[] = {__VA_ARGS__};                                                                \
	int opened = rig_open(steps, sizeof steps / sizeof *steps)

/* The client is logged on; the script is about the requests after that. */
#define RIG_OPEN(...)                                                                                                  \
	RIG_SCRIPT({.recorded = RIG_LOGON}, __VA_ARGS__);                                                              \
	assert_int_equal(opened, 0)

int client_rig_teardown(void **state);

void rig_assert_hex(struct slice bytes, const char *expected);
void rig_assert_text(struct slice text, const char *expected);
/* The last request has this in it. */
void rig_assert_asked(const char *part);
/* rc is what a call returned: it failed with this class, server code, and these words. */
void rig_assert_refused(int rc, enum err_class class, uint32_t er, const char *words);

#endif
