#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/hex.h"
#include "tests/support/client_rig.h"

struct client_rig rig;

int rig_open(const struct http_step *steps, size_t n_steps)
{
	rig.server = script_http_start(steps, n_steps);
	rig.login.url = script_http_url(rig.server);
	rig.login.user = "user1";
	rig.login.password = "p<&>\x01ss";
	rig.login.impersonate = "";
	rig.login.verify = true;
	if (!rig.login.call_timeout_ms)
		rig.login.call_timeout_ms = rig.login.read_timeout_ms = 10000;
	return client_open(&rig.login, &rig.client, &rig.err);
}

int client_rig_teardown(void **state)
{
	(void)state;
	client_close(rig.client);
	if (rig.server)
		script_http_stop(rig.server);
	client_stop_free(rig.login.stop);
	arena_free(&rig.arena);
	rig = (struct client_rig){0};
	return 0;
}

void rig_assert_hex(struct slice bytes, const char *expected)
{
	assert_string_equal(hex_text(&rig.arena, bytes), expected);
}

void rig_assert_text(struct slice text, const char *expected)
{
	const char *bytes = text.size ? (const char *)text.data : "";

	assert_string_equal(arena_text(&rig.arena, "%.*s", (int)text.size, bytes), expected);
}

void rig_assert_asked(const char *part)
{
	const char *request = script_http_request(rig.server, script_http_n_requests(rig.server) - 1);

	if (!strstr(request, part))
		fail_msg("no %s in %s", part, request);
}

void rig_assert_refused(int rc, enum err_class class, uint32_t er, const char *words)
{
	assert_int_equal(rc, class);
	assert_int_equal(rig.err.class, class);
	if (rig.client)
		assert_int_equal(client_er(rig.client), er);
	if (!strstr(rig.err.text, words))
		fail_msg("no \"%s\" in \"%s\"", words, rig.err.text);
}
