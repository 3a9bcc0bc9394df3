/* The reader of zeromq_driver: this end's consumer, at the addresses that the configuration binds the other one to. */
#include <stdio.h>
#include <stdlib.h>

#include "bridge/zeromq/consumer.h"
#include "bridge/zeromq/zeromq.h"
#include "core/arena.h"
#include "core/router.h"

enum { MOST_ADDRESS_BYTES = 256 };

struct zeromq_reader {
	struct reader reader;
	struct reader_options options;
	char address[MOST_ADDRESS_BYTES];
	struct zeromq_consumer *consumer;
	struct zeromq_record last; /* given out; not its texts */
};

/* ---- opening ---- */

/* What is bound to every address of the machine is reached at its own. */
static void set_address(struct zeromq_reader *reader, const char *bound)
{
	static const char *const every[][2] = {{"tcp://*:", "tcp://127.0.0.1:"},
					       {"tcp://0.0.0.0:", "tcp://127.0.0.1:"},
					       {"tcp://[::]:", "tcp://[::1]:"}};
	for (size_t i = 0; i < sizeof every / sizeof *every; i++) {
		size_t n = strlen(every[i][0]);
		if (strncmp(bound, every[i][0], n) == 0) {
			snprintf(reader->address, sizeof reader->address, "%s%s", every[i][1], bound + n);
			return;
		}
	}
	snprintf(reader->address, sizeof reader->address, "%s", bound);
}

static int refuse(const struct zeromq_config *config, const struct reader_options *options, struct err *err)
{
	if (options->from_given)
		return err_usage(
			err,
			"--from is for Kafka and files: ZeroMQ gives what is not acknowledged yet, and what comes");
	if (options->live && !config->live)
		return err_usage(err, "--live: sink.zeromq has no live endpoint");
	if (options->live && options->consumer)
		return err_usage(err, "--as is for the acknowledged endpoint; --live needs no name");
	return 0;
}

static int connect_to(struct zeromq_reader *reader, const struct zeromq_config *config, int stop_fd, struct err *err)
{
	bool is_live = reader->options.live || !config->acknowledged;
	const char *name = reader->options.consumer ? reader->options.consumer : config->consumer;
	set_address(reader, is_live ? config->live : config->acknowledged);
	if (is_live)
		return zeromq_subscriber_open(reader->address, NULL, 0, stop_fd, &reader->consumer, err);
	return zeromq_consumer_open(reader->address, name, stop_fd, reader->options.notice, &reader->consumer, err);
}

static int open_reader(const void *config, const struct reader_options *options, int stop_fd, struct reader **opened,
		       struct err *err)
{
	int class = refuse(config, options, err);
	if (class)
		return class;
	struct zeromq_reader *reader = xcalloc(1, sizeof *reader);
	*reader = (struct zeromq_reader){.reader.ops = &zeromq_reader_ops, .options = *options};
	*opened = &reader->reader;
	return connect_to(reader, config, stop_fd, err);
}

/* ---- reading ---- */

static struct slice after_last_slash(struct slice text)
{
	const uint8_t *slash = memrchr(text.data, '/', text.size);
	size_t n = slash ? (size_t)(slash + 1 - text.data) : 0;
	return slice_of(text.data + n, text.size - n);
}

/* The acknowledged endpoint names topics, the live one objects. */
static int topic_of(struct slice name)
{
	static const struct {
		const char *object;
		enum topic topic;
	} objects[] = {{"item", TOPIC_ITEMS},        {"folder", TOPIC_FOLDERS},
		       {"store", TOPIC_FOLDERS},     {"user", TOPIC_ADDRESSBOOK},
		       {"group", TOPIC_ADDRESSBOOK}, {"notification", TOPIC_NOTIFICATIONS}};
	for (int i = 0; i < N_TOPICS; i++)
		if (slice_equal(name, slice_of_text(topic_name(i))))
			return i;
	for (size_t i = 0; i < sizeof objects / sizeof *objects; i++)
		if (slice_equal(name, slice_of_text(objects[i].object)))
			return (int)objects[i].topic;
	return -1;
}

static void say_lost(const struct zeromq_reader *reader, const struct zeromq_record *record)
{
	char text[400];
	snprintf(text, sizeof text, "ZeroMQ: %s: %llu records of %.*s were missed", reader->address,
		 (unsigned long long)record->n_lost, (int)(record->topic.size < 200 ? record->topic.size : 200),
		 (const char *)record->topic.data);
	reader->options.notice(text);
}

/* Of a topic that is not wanted, or of a newer version: left out, and as done as the others. */
static int take(struct zeromq_reader *reader, const struct zeromq_record *record, struct delivered *delivered)
{
	int topic = topic_of(after_last_slash(record->topic));
	reader->last = *record;
	if (record->n_lost)
		say_lost(reader, record);
	if (topic < 0 || !reader->options.topics[topic])
		return READER_NONE;
	*delivered = (struct delivered){.topic = (enum topic)topic, .key = record->key, .value = record->value};
	return 0;
}

static int next(struct reader *base, int wait_ms, struct delivered *delivered, struct err *err)
{
	struct zeromq_reader *reader = (struct zeromq_reader *)base;
	struct zeromq_record record;
	int class = zeromq_consumer_next(reader->consumer, &record, wait_ms, err);
	if (class == ZEROMQ_NONE)
		return READER_NONE;
	return class ? class : take(reader, &record, delivered);
}

static int done(struct reader *base, struct err *err)
{
	struct zeromq_reader *reader = (struct zeromq_reader *)base;
	(void)err;
	if (reader->last.sequence)
		zeromq_consumer_acknowledge(reader->consumer, &reader->last);
	return 0;
}

static void close_reader(struct reader *base)
{
	struct zeromq_reader *reader = (struct zeromq_reader *)base;
	if (!reader)
		return;
	zeromq_consumer_close(reader->consumer);
	free(reader);
}

const struct reader_ops zeromq_reader_ops = {.open = open_reader, .next = next, .done = done, .close = close_reader};
