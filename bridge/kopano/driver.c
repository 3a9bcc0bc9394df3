#include <stdlib.h>

#include "bridge/kopano/describe.h"
#include "bridge/kopano/examine.h"
#include "bridge/kopano/http_url.h"
#include "bridge/kopano/kopano.h"
#include "bridge/kopano/reset.h"
#include "bridge/kopano/watch.h"

/* source.kopano of the configuration. */

enum {
	DEFAULT_POLL_MS = 1000,
	DEFAULT_SWEEP_MS = 60000,
	DEFAULT_LONG_POLL_MS = 70000,
	DEFAULT_SETTLE_MS = 10000,
	DEFAULT_ADDRESSBOOK_MS = 10000,
	DEFAULT_DIRECTORY_MS = 600000,
	DEFAULT_DISCOVER_MS = 300000,
	ONCE_SETTLE_MS = 1000,
	ONCE_POLL_MS = 100,
	DEFAULT_TIMEOUT_MS = 60000,
	HOUR_MS = 3600 * 1000,
	DAY_MS = 24 * HOUR_MS
};

/* What libcurl would find out only when it connects. */
static int check_tls_files(const struct conf_node *tls, const struct login *login, struct err *err)
{
	const char *key_file = login->key_file ? login->key_file : login->cert_file;
	const struct conf_node *key = conf_get(tls, login->key_file ? "key_file" : "cert_file");
	if (login->key_file && !login->cert_file)
		return conf_error(key, err,
				  "`key_file` without `cert_file`: a key alone is no certificate to log on with");
	int rc = login->ca_file ? conf_pem_file(conf_get(tls, "ca_file"), login->ca_file, "CERTIFICATE", err) : 0;
	if (rc == 0 && login->cert_file)
		rc = conf_pem_file(conf_get(tls, "cert_file"), login->cert_file, "CERTIFICATE", err);
	return rc || !key_file ? rc : conf_pem_file(key, key_file, "PRIVATE KEY", err);
}

static int read_tls(const struct conf_node *node, struct login *login, struct err *err)
{
	static const char *const keys[] = {"ca_file", "cert_file", "key_file", "verify", NULL};
	const struct conf_node *tls = conf_get(node, "tls");
	login->verify = true;
	if (!tls)
		return 0;
	int rc = conf_keys(tls, keys, err);
	if (rc == 0)
		rc = conf_text(tls, "ca_file", &login->ca_file, err);
	if (rc == 0)
		rc = conf_text(tls, "cert_file", &login->cert_file, err);
	if (rc == 0)
		rc = conf_text(tls, "key_file", &login->key_file, err);
	if (rc == 0)
		rc = conf_bool(tls, "verify", &login->verify, err);
	return rc ? rc : check_tls_files(tls, login, err);
}

static int read_password(const struct conf_node *node, struct kopano_config *config, struct err *err)
{
	const char *path = NULL, *name = NULL;
	const struct conf_node *variable = conf_get(node, "password_env");
	int rc = conf_text(node, "password_file", &path, err);
	if (rc == 0)
		rc = conf_text(node, "password_env", &name, err);
	if (rc == 0 && path && name)
		rc = conf_error(variable, err, "`password_file` is given too: the password comes from one of them");
	if (rc == 0 && path)
		rc = conf_secret_file(conf_get(node, "password_file"), path, &config->secret, err);
	if (rc == 0 && name)
		rc = conf_secret_env(variable, name, &config->secret, err);
	if (config->secret)
		config->login.password = config->secret;
	return rc;
}

/* Said with line and column, before anything is opened. */
static int check_url(const struct conf_node *node, const char *url, struct err *err)
{
	struct http_place place;
	struct err why;
	return http_place_of(url, &place, &why) ? conf_error(conf_get(node, "url"), err, "%s", why.text) : 0;
}

static int read_login(const struct conf_node *node, struct kopano_config *config, struct err *err)
{
	struct login *login = &config->login;
	*login = (struct login){.password = "", .impersonate = ""};
	int rc = conf_text(node, "url", &login->url, err);
	if (rc == 0 && !login->url)
		rc = conf_missing(node, "url", err);
	if (rc == 0)
		rc = check_url(node, login->url, err);
	if (rc == 0)
		rc = conf_text(node, "user", &login->user, err);
	if (rc == 0 && !login->user)
		rc = conf_missing(node, "user", err);
	if (rc == 0)
		rc = conf_text(node, "impersonate", &login->impersonate, err);
	if (rc == 0)
		rc = read_password(node, config, err);
	return rc ? rc : read_tls(node, login, err);
}

/* A call is answered within the time-out, or each next byte of a long answer comes within it. */
static int read_times(const struct conf_node *node, struct kopano_config *config, struct err *err)
{
	int64_t timeout_ms = DEFAULT_TIMEOUT_MS, long_poll_ms = DEFAULT_LONG_POLL_MS;
	int rc = conf_integer(node, "poll_interval_ms", 1, HOUR_MS, &config->poll_ms, err);
	if (rc == 0)
		rc = conf_integer(node, "settle_ms", 0, HOUR_MS, &config->settle_ms, err);
	if (rc == 0)
		rc = conf_integer(node, "look_back_ms", 0, DAY_MS, &config->look_back_ms, err);
	if (rc == 0)
		rc = conf_integer(node, "discover_interval_ms", 10, DAY_MS, &config->discover_ms, err);
	if (rc == 0)
		rc = conf_integer(node, "addressbook_interval_ms", 1, HOUR_MS, &config->addressbook_ms, err);
	if (rc == 0)
		rc = conf_integer(node, "directory_interval_ms", 0, DAY_MS, &config->directory_ms, err);
	if (rc == 0)
		rc = conf_integer(node, "sweep_interval_ms", 1, HOUR_MS, &config->sweep_ms, err);
	if (rc == 0)
		rc = conf_integer(node, "long_poll_ms", 1000, HOUR_MS, &long_poll_ms, err);
	if (rc == 0)
		rc = conf_integer(node, "timeout_ms", 100, HOUR_MS, &timeout_ms, err);
	config->login.poll_timeout_ms = (int)long_poll_ms;
	config->login.call_timeout_ms = config->login.read_timeout_ms = (int)timeout_ms;
	return rc;
}

static void free_config(void *context)
{
	struct kopano_config *config = context;
	if (!config)
		return;
	if (config->secret)
		explicit_bzero(config->secret, strlen(config->secret));
	free(config->secret);
	free(config);
}

static int configure(const struct conf_node *node, const struct follow *follow, void **result, struct err *err)
{
	static const char *const keys[] = {"url",
					   "user",
					   "password_file",
					   "password_env",
					   "impersonate",
					   "tls",
					   "poll_interval_ms",
					   "sweep_interval_ms",
					   "long_poll_ms",
					   "settle_ms",
					   "timeout_ms",
					   "look_back_ms",
					   "discover_interval_ms",
					   "addressbook_interval_ms",
					   "directory_interval_ms",
					   NULL};
	struct kopano_config *config = xcalloc(1, sizeof *config);
	config->follow = follow;
	config->poll_ms = follow->once ? ONCE_POLL_MS : DEFAULT_POLL_MS;
	config->addressbook_ms = follow->once ? ONCE_POLL_MS : DEFAULT_ADDRESSBOOK_MS;
	config->sweep_ms = DEFAULT_SWEEP_MS;
	config->directory_ms = DEFAULT_DIRECTORY_MS;
	config->look_back_ms = HOUR_MS;
	config->discover_ms = DEFAULT_DISCOVER_MS;
	config->settle_ms = follow->once ? ONCE_SETTLE_MS : DEFAULT_SETTLE_MS;
	int rc = conf_keys(node, keys, err);
	if (rc == 0 && follow->mode != FOLLOW_FOLDERS && follow->once == ONCE_FOLDER)
		rc = conf_error(node, err, "`follow.mode` must be `folders`, as yet");
	if (rc == 0)
		rc = read_login(node, config, err);
	if (rc == 0)
		rc = read_times(node, config, err);
	if (rc)
		free_config(config);
	else
		*result = config;
	return rc;
}

static const char *caution(const void *context)
{
	const struct kopano_config *config = context;
	return config->login.verify ? NULL
				    : "`tls.verify` is false: whoever stands between here and the server can read the "
				      "password and the mail";
}

const struct source_driver kopano_driver = {
	.name = "kopano",
	.ops = &kopano_ops,
	.notices = &kopano_notices_ops,
	.configure = configure,
	.free_config = free_config,
	.caution = caution,
	.examine = kopano_examine,
	.describe = kopano_describe,
	.reset = kopano_reset,
	.epoch = kopano_epoch,
	.once_state = given_once_state,
};
