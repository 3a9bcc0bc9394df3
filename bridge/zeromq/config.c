#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#include "bridge/zeromq/zeromq.h"
#include "core/arena.h"

enum {
	DEFAULT_HEARTBEAT_MS = 1000,
	DEFAULT_OUTBOX_BYTES = 8 << 20,
	DEFAULT_QUEUE = 10000,
	DEFAULT_MEMORY_BYTES = 64 << 20,
	MOST_NAME_BYTES = 64
};

static const char tcp[] = "tcp://", ipc[] = "ipc://";

/* ---- addresses ---- */

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_port(const char *text)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);
	return isdigit((unsigned char)text[0]) && !*end && port > 0 && port <= 65535;
}

static bool is_tcp(const char *address)
{
	const char *host = address + sizeof tcp - 1, *colon = strrchr(address, ':');
	return begins(address, tcp) && colon > host && is_port(colon + 1);
}

static bool is_ipc(const char *address)
{
	size_t size = strlen(address) - (sizeof ipc - 1);
	return begins(address, ipc) && size > 0 && size < sizeof((struct sockaddr_un *)0)->sun_path;
}

static bool is_loopback(const char *address)
{
	return begins(address, "tcp://127.") || begins(address, "tcp://[::1]:");
}

/* Until there is encryption, what leaves the machine does so in the clear, to whoever connects. */
static int check_address(const struct conf_node *node, bool insecure, struct err *err)
{
	if (!is_tcp(node->text) && !is_ipc(node->text))
		return conf_error(node, err,
				  "\"%s\" is no address to bind to: \"tcp://127.0.0.1:5560\" (an address of this "
				  "machine, or * for all, and a port), or \"ipc:///run/tidings/stream\" (at most %zu "
				  "characters of path)",
				  node->text, sizeof((struct sockaddr_un *)0)->sun_path - 1);
	if (!insecure && !is_ipc(node->text) && !is_loopback(node->text))
		return conf_error(node, err,
				  "%s can be reached from other machines, and there is neither encryption nor a check "
				  "of who connects: write `insecure: true` below sink.zeromq if the network may read "
				  "this, or bind to 127.0.0.1",
				  node->text);
	return 0;
}

static int read_bind(const struct conf_node *map, bool insecure, const char **address, struct err *err)
{
	int class = conf_text(map, "bind", address, err);
	if (class)
		return class;
	return *address ? check_address(conf_get(map, "bind"), insecure, err) : conf_missing(map, "bind", err);
}

/* ---- endpoints ---- */

static bool is_name(const char *name)
{
	size_t size = strlen(name);
	return size > 0 && size <= MOST_NAME_BYTES &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == size;
}

static int read_consumer(struct zeromq_config *config, const struct conf_node *map, struct err *err)
{
	int class = conf_text(map, "consumer", &config->consumer, err);
	if (class)
		return class;
	if (!config->consumer)
		return conf_missing(map, "consumer", err);
	if (!is_name(config->consumer))
		return conf_error(conf_get(map, "consumer"), err,
				  "\"%s\" cannot be the name of a consumer: 1 to %d of a-z A-Z 0-9 . _ -",
				  config->consumer, MOST_NAME_BYTES);
	return 0;
}

static int read_acknowledged(struct zeromq_config *config, const struct conf_node *map, bool insecure, struct err *err)
{
	static const char *const keys[] = {"bind", "consumer", "heartbeat_ms", NULL};
	int64_t heartbeat_ms = DEFAULT_HEARTBEAT_MS;
	int class = conf_keys(map, keys, err);
	if (!class)
		class = read_bind(map, insecure, &config->acknowledged, err);
	if (!class)
		class = read_consumer(config, map, err);
	if (!class)
		class = conf_integer(map, "heartbeat_ms", 50, 60000, &heartbeat_ms, err);
	config->heartbeat_ms = (int)heartbeat_ms;
	return class;
}

static int read_live(struct zeromq_config *config, const struct conf_node *map, bool insecure, struct err *err)
{
	static const char *const keys[] = {"bind", "queue", "memory", NULL};
	int64_t queue = DEFAULT_QUEUE, memory_bytes = DEFAULT_MEMORY_BYTES;
	int class = conf_keys(map, keys, err);
	if (!class)
		class = read_bind(map, insecure, &config->live, err);
	if (!class)
		class = conf_integer(map, "queue", 1, 10000000, &queue, err);
	if (!class)
		class = conf_bytes(map, "memory", 64 << 10, 1 << 30, &memory_bytes, err);
	config->queue = (int)queue;
	config->memory_bytes = (size_t)memory_bytes;
	return class;
}

/* ---- the whole ---- */

/* A position moves when somebody has the record. Of the live endpoint nobody says so. */
static int check_delivery(const struct zeromq_config *config, const struct conf_node *node, struct err *err)
{
	const struct conf_node *delivery = conf_get(node, "delivery");
	if (config->acknowledged && config->best_effort)
		return conf_error(delivery, err,
				  "with an acknowledged endpoint delivery is at-least-once: remove this line, or the "
				  "endpoint");
	if (!config->acknowledged && !config->live)
		return conf_missing(node, "acknowledged", err);
	if (!config->acknowledged && !config->best_effort)
		return conf_error(delivery ? delivery : node, err,
				  "the live endpoint alone may lose records: write `delivery: best-effort` if that is "
				  "meant, or configure `acknowledged`");
	return 0;
}

static int read_config(struct zeromq_config *config, const struct conf_node *node, struct err *err)
{
	static const char *const keys[] = {"delivery", "acknowledged", "live", "insecure", "outbox", NULL};
	static const char *const deliveries[] = {"at-least-once", "best-effort", NULL};
	const struct conf_node *acknowledged = conf_get(node, "acknowledged"), *live = conf_get(node, "live");
	int64_t outbox_bytes = DEFAULT_OUTBOX_BYTES;
	bool insecure = false;
	int delivery = 0;
	int class = conf_keys(node, keys, err);
	if (!class)
		class = conf_choice(node, "delivery", deliveries, &delivery, err);
	if (!class)
		class = conf_bool(node, "insecure", &insecure, err);
	if (!class)
		class = conf_bytes(node, "outbox", 64 << 10, 1 << 30, &outbox_bytes, err);
	if (!class && acknowledged)
		class = read_acknowledged(config, acknowledged, insecure, err);
	if (!class && live)
		class = read_live(config, live, insecure, err);
	config->best_effort = delivery == 1;
	config->outbox_bytes = (size_t)outbox_bytes;
	return class ? class : check_delivery(config, node, err);
}

int zeromq_configure(const struct conf_node *node, void **config, struct err *err)
{
	struct zeromq_config *zeromq = xcalloc(1, sizeof *zeromq);
	zeromq->heartbeat_ms = DEFAULT_HEARTBEAT_MS;
	int class = read_config(zeromq, node, err);
	if (class)
		free(zeromq);
	else
		*config = zeromq;
	return class;
}
