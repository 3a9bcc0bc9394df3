#include "bridge/kafka/read.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/arena.h"

static int kafka_open(const void *config, const struct sink_events *events, int stop_fd, struct sink **sink,
		      struct err *err);

/* A producer's batch size is fixed when it is made, and the topics' limits are known only through one. */
static int fit_batches(struct kafka_sink *sink, struct err *err)
{
	size_t fitting = kafka_batch_bytes(sink);
	if (sink->batch_bytes <= fitting)
		return 0;
	sink->config->lesson->batch_bytes = fitting;
	kafka_client_free(sink);
	return kafka_client_new(sink, err);
}

static int kafka_seek(struct sink *sink, struct state *state, struct err *err)
{
	struct kafka_sink *kafka = kafka_sink(sink);
	int class = kafka_topics_find(kafka, err);
	if (!class)
		class = kafka_ends_check(kafka, state, err);
	if (!class)
		class = kafka_topics_make(kafka, err);
	if (!class)
		class = kafka_topics_limits(kafka, err);
	if (!class)
		class = fit_batches(kafka, err);
	return class ? class : kafka_client_topics(kafka, err);
}

static int kafka_fd(struct sink *sink)
{
	return kafka_sink(sink)->fd;
}

static int kafka_drain(struct sink *sink, int deadline_ms, struct err *err)
{
	struct kafka_sink *kafka = kafka_sink(sink);
	struct pollfd ready = {.fd = kafka->fd, .events = POLLIN};
	int64_t end_ms = clock_ms() + deadline_ms;
	int class = kafka_service(sink, err);
	while (!class && kafka->n_unanswered > 0) {
		int64_t left_ms = end_ms - clock_ms();
		if (left_ms <= 0)
			return err_set(err, ERR_AGAIN, "Kafka: %zu records were not acknowledged in time",
				       kafka->n_unanswered);
		poll(&ready, 1, (int)left_ms);
		class = kafka_service(sink, err);
	}
	return class;
}

static void kafka_close(struct sink *sink)
{
	struct kafka_sink *kafka = kafka_sink(sink);
	if (!kafka)
		return;
	kafka_client_free(kafka);
	for (int i = 0; i < N_TOPICS; i++)
		free(kafka->topics[i].ends);
	free(kafka->cluster);
	pthread_mutex_destroy(&kafka->told.mutex);
	close(kafka->fd);
	free(kafka);
}

static const struct sink_ops ops = {
	.name = "kafka",
	.open = kafka_open,
	.seek = kafka_seek,
	.send = kafka_send,
	.limit = kafka_limit,
	.fd = kafka_fd,
	.service = kafka_service,
	.drain = kafka_drain,
	.marks = kafka_marks,
	.status = kafka_status,
	.close = kafka_close,
};

static int kafka_open(const void *config, const struct sink_events *events, int stop_fd, struct sink **sink,
		      struct err *err)
{
	struct kafka_sink *kafka = xcalloc(1, sizeof *kafka);
	*kafka = (struct kafka_sink){.sink.ops = &ops, .config = config, .events = *events, .stop_fd = stop_fd};
	pthread_mutex_init(&kafka->told.mutex, NULL);
	kafka->headers.second = INT64_MIN;
	for (int i = 0; i < N_TOPICS; i++)
		kafka->topics[i].name = kafka->config->topics[i];
	*sink = &kafka->sink;
	kafka->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (kafka->fd < 0)
		return err_fatal(err, "Kafka: no file descriptor is left; raise the limit of open files");
	int class = kafka_client_new(kafka, err);
	return class ? class : kafka_client_reach(kafka, err);
}

static const char *const *topics(const void *config)
{
	return ((const struct kafka_config *)config)->topics;
}

const struct sink_driver kafka_driver = {
	.name = "kafka",
	.ops = &ops,
	.reader = &kafka_reader_ops,
	.configure = kafka_configure,
	.free_config = kafka_free_config,
	.topics = topics,
	.examine = kafka_examine,
	.describe = kafka_ends_describe,
};
