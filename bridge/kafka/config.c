#include <stdio.h>
#include <stdlib.h>

#include "bridge/kafka/kafka.h"
#include "core/arena.h"
#include "core/router.h"

enum { DEFAULT_PARTITIONS = 8, MOST_PARTITIONS = 10000, TOPIC_NAME_SIZE = 250, VALUE_SIZE = 512 };

struct property {
	const char *key, *value;
};

/* A record never expires in the client: an outage of the broker is waited for, at any length. The client's own bound on
 * one message is out of the way, the topics' limits count. Small queues: the batches hold the payload, but each queued
 * record costs about a kilobyte besides, mostly its headers. */
static const struct property defaults[] = {
	{"client.id", "tidings"},
	{"enable.idempotence", "true"},
	{"acks", "all"},
	{"message.timeout.ms", "0"},
	{"partitioner", "murmur2_random"},
	{"linger.ms", "5"},
	{"queue.buffering.max.messages", "10000"},
	{"queue.buffering.max.kbytes", "16384"},
	{"message.max.bytes", "1000000000"},
	{"socket.keepalive.enable", "true"},
};

/* What must hold whatever the map says, by whichever name it says it. */
static const struct guarantee {
	const char *key, *value; /* NULL: not set */
	const char *reason;
} guarantees[] = {
	{"enable.idempotence", "true", "without it a retry can change the order of records or repeat one"},
	{"acks", "-1", "less than all loses acknowledged records when a broker fails"},
	{"message.timeout.ms", "0",
	 "a record that expires during an outage would have to be read again from the source"},
	{"delivery.report.only.error", "false", "a position moves only on the report of success"},
	{"partitioner", "murmur2_random", "Java programs look for a key in the partition that this one chooses"},
	{"enable.gapless.guarantee", "false", "one refused record would stop the producer for good"},
	{"queuing.strategy", "fifo", "records of a key must stay in order"},
	{"transactional.id", NULL, "delivery is at-least-once"},
};

static bool is_secret(const char *key)
{
	return strstr(key, "password") || strstr(key, "secret") || strstr(key, "key.pem") || strstr(key, "jaas") ||
	       strstr(key, "oauthbearer.config");
}

static bool holds(const rd_kafka_conf_t *conf, const struct guarantee *guarantee)
{
	char value[VALUE_SIZE] = "";
	size_t size = sizeof value;
	bool is_set = rd_kafka_conf_get(conf, guarantee->key, value, &size) == RD_KAFKA_CONF_OK && value[0];
	return guarantee->value ? is_set && !strcmp(value, guarantee->value) : !is_set;
}

static int check_guarantees(const rd_kafka_conf_t *conf, const struct conf_node *node, struct err *err)
{
	for (size_t i = 0; i < sizeof guarantees / sizeof *guarantees; i++)
		if (!holds(conf, &guarantees[i]))
			return conf_error(node, err, "%s must %s%s%s: %s; remove this line", guarantees[i].key,
					  guarantees[i].value ? "be " : "not be set",
					  guarantees[i].value ? guarantees[i].value : "",
					  strcmp(guarantees[i].key, "acks") ? "" : " (all)", guarantees[i].reason);
	return 0;
}

/* The text of librdkafka may quote the value. */
static int set_property(rd_kafka_conf_t *conf, const struct conf_node *node, const char *value, struct err *err)
{
	char text[256] = "";
	switch (rd_kafka_conf_set(conf, node->key, value, text, sizeof text)) {
	case RD_KAFKA_CONF_OK:
		return check_guarantees(conf, node, err);
	case RD_KAFKA_CONF_UNKNOWN:
		return conf_error(node, err, "librdkafka %s has no property %s", rd_kafka_version_str(), node->key);
	default:
		return conf_error(node, err, "librdkafka refuses the value of %s%s%s", node->key,
				  is_secret(node->key) ? "" : ": ", is_secret(node->key) ? "" : text);
	}
}

static int check_map_of_texts(const struct conf_node *map, struct err *err)
{
	if (map && map->kind != CONF_MAP)
		return conf_error(map, err, "expected a map of librdkafka's properties");
	for (size_t i = 0; map && i < map->n_children; i++)
		if (map->children[i].kind != CONF_SCALAR)
			return conf_error(&map->children[i], err, "expected one value");
	return 0;
}

static int set_properties(rd_kafka_conf_t *conf, const struct conf_node *map, struct err *err)
{
	int class = check_map_of_texts(map, err);
	for (size_t i = 0; !class && map && i < map->n_children; i++)
		class = set_property(conf, &map->children[i], map->children[i].text, err);
	return class;
}

static int set_from_file(rd_kafka_conf_t *conf, const struct conf_node *node, struct err *err)
{
	char *secret;
	int class = conf_secret_file(node, node->text, &secret, err);
	if (class)
		return class;
	class = set_property(conf, node, secret, err);
	explicit_bzero(secret, strlen(secret));
	free(secret);
	return class;
}

static int set_from_files(rd_kafka_conf_t *conf, const struct conf_node *map, struct err *err)
{
	int class = check_map_of_texts(map, err);
	for (size_t i = 0; !class && map && i < map->n_children; i++)
		class = set_from_file(conf, &map->children[i], err);
	return class;
}

static int set_defaults(rd_kafka_conf_t *conf, struct err *err)
{
	char text[256];
	for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
		if (rd_kafka_conf_set(conf, defaults[i].key, defaults[i].value, text, sizeof text))
			return err_usage(err, "librdkafka %s is too old or was built without %s: %s",
					 rd_kafka_version_str(), defaults[i].key, text);
	rd_kafka_conf_set(conf, "compression.codec", "lz4", text, sizeof text); /* not in every build; none will do */
	return 0;
}

static bool is_topic_name(const char *name)
{
	size_t size = strlen(name);
	return size > 0 && size < TOPIC_NAME_SIZE && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == size;
}

/* Each topic has one kind of message; a consumer knows it by the topic. */
static int check_topic(const struct kafka_config *config, int nth, const struct conf_node *map, struct err *err)
{
	const struct conf_node *node = conf_get(map, topic_name(nth));
	if (!is_topic_name(config->topics[nth]))
		return conf_error(node, err, "\"%s\" cannot be the name of a topic: 1 to 249 of a-z A-Z 0-9 . _ -",
				  config->topics[nth]);
	for (int i = 0; i < N_TOPICS; i++)
		if (i != nth && !strcmp(config->topics[i], config->topics[nth]))
			return conf_error(node ? node : conf_get(map, topic_name(i)), err,
					  "%s and %s cannot share the topic %s", topic_name(nth), topic_name(i),
					  config->topics[i]);
	return 0;
}

static int read_topics(struct kafka_config *config, const struct conf_node *map, struct err *err)
{
	static const char *const names[N_TOPICS] = {"tidings.items",     "tidings.folders",    "tidings.addressbook",
						    "tidings.lifecycle", "tidings.deadletter", "tidings.notifications"};
	const char *keys[N_TOPICS + 1] = {0};
	for (int i = 0; i < N_TOPICS; i++)
		keys[i] = topic_name(i);
	memcpy(config->topics, names, sizeof names);
	int class = map ? conf_keys(map, keys, err) : 0;
	for (int i = 0; !class && i < N_TOPICS; i++)
		class = conf_text(map, keys[i], &config->topics[i], err);
	for (int i = 0; !class && i < N_TOPICS; i++)
		class = check_topic(config, i, map, err);
	return class;
}

static int read_delivery(const struct conf_node *node, struct err *err)
{
	static const char *const names[] = {"at-least-once", NULL};
	int choice = 0;
	return conf_choice(node, "delivery", names, &choice, err);
}

static int64_t number(const rd_kafka_conf_t *conf, const char *key)
{
	char value[VALUE_SIZE] = "";
	size_t size = sizeof value;
	rd_kafka_conf_get(conf, key, value, &size);
	return strtoll(value, NULL, 10);
}

static void read_back(struct kafka_config *config)
{
	config->batch_bytes = (size_t)number(config->base, "batch.size");
	config->message_bytes = (size_t)number(config->base, "message.max.bytes");
	config->queue_bytes = (size_t)number(config->base, "queue.buffering.max.kbytes") * 1024;
}

static int read_brokers(struct kafka_config *config, const struct conf_node *map, struct err *err)
{
	static const char *const names[] = {"bootstrap.servers", "metadata.broker.list", "test.mock.num.brokers"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const struct conf_node *node = conf_get(map, names[i]);
		if (node && node->text[0]) {
			config->brokers = node->text;
			return 0;
		}
	}
	return conf_missing(map, names[0], err);
}

static int read_librdkafka(struct kafka_config *config, const struct conf_node *node, struct err *err)
{
	const struct conf_node *map = conf_get(node, "librdkafka");
	if (!map)
		return conf_missing(node, "librdkafka", err);
	int class = set_defaults(config->base, err);
	if (!class)
		class = set_properties(config->base, map, err);
	if (!class)
		class = set_from_files(config->base, conf_get(node, "librdkafka_files"), err);
	if (!class)
		class = read_brokers(config, map, err);
	config->debug = conf_get(map, "debug");
	read_back(config);
	return class;
}

static int read_config(struct kafka_config *config, const struct conf_node *node, struct err *err)
{
	static const char *const keys[] = {"delivery", "topics", "partitions", "librdkafka", "librdkafka_files", NULL};
	int64_t n_partitions = DEFAULT_PARTITIONS;
	int class = conf_keys(node, keys, err);
	if (!class)
		class = read_delivery(node, err);
	if (!class)
		class = read_topics(config, conf_get(node, "topics"), err);
	if (!class)
		class = conf_integer(node, "partitions", 1, MOST_PARTITIONS, &n_partitions, err);
	config->n_partitions = (int)n_partitions;
	return class ? class : read_librdkafka(config, node, err);
}

int kafka_configure(const struct conf_node *node, void **config, struct err *err)
{
	struct kafka_config *kafka = xcalloc(1, sizeof *kafka);
	kafka->base = rd_kafka_conf_new();
	kafka->lesson = xcalloc(1, sizeof *kafka->lesson);
	int class = read_config(kafka, node, err);
	if (class) {
		kafka_free_config(kafka);
		return class;
	}
	*config = kafka;
	return 0;
}

void kafka_free_config(void *config)
{
	struct kafka_config *kafka = config;
	if (!kafka)
		return;
	rd_kafka_conf_destroy(kafka->base);
	free(kafka->lesson);
	free(kafka);
}
