/* Reads the topics back: the reader of kafka_driver. It joins no group and commits nothing; the broker only sees
 * somebody who fetches.
 *
 *     read_places.c   which partitions there are, where each begins and ends for this reader
 *     read.c          the operations of bridge/driver.h
 *
 * Memory: the record at hand is librdkafka's, until the next call. Threads: all calls come from one. Errors:
 * credentials and rights are exit 2; a broker that does not answer ends a reader that has an end, and is waited for by
 * one that follows. */
#ifndef TIDINGS_BRIDGE_KAFKA_READ_H
#define TIDINGS_BRIDGE_KAFKA_READ_H

#include "bridge/kafka/kafka.h"

struct read_topic {
	rd_kafka_topic_t *handle; /* its opaque is this struct; NULL: not read */
	int n_partitions;
	int64_t *ends; /* by partition: where the reader ends; INT64_MAX: nowhere; READ_DONE: it is there */
};

enum { READ_DONE = -1 };

struct kafka_reader {
	struct reader reader;
	const struct kafka_config *config;
	struct reader_options options;
	int stop_fd;
	rd_kafka_t *client;
	rd_kafka_queue_t *queue; /* of all partitions */
	struct read_topic topics[N_TOPICS];
	size_t n_unfinished; /* partitions */
	rd_kafka_message_t *message;
	int64_t heard_ms; /* when a broker last gave something */
	bool is_down, is_denied;
	char last_error[256]; /* of a connection */
};

/* Finds the wanted topics and starts fetching. Returns 0, ERR_FATAL or ERR_STOPPED. */
int kafka_read_start(struct kafka_reader *reader, struct err *err);

/* Why it cannot go on: ERR_FATAL. */
int kafka_read_failed(const struct kafka_reader *reader, rd_kafka_resp_err_t code, const char *what, const char *topic,
		      struct err *err);

/* Stops it if the program must stop (ERR_STOPPED) or the credentials were refused; lets the client speak. */
int kafka_read_check(struct kafka_reader *reader, struct err *err);

extern const struct reader_ops kafka_reader_ops;

#endif
