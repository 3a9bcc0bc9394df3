/* The Kafka sink: at least once, over one idempotent librdkafka producer. Private to this folder; what others see is
 * kafka_driver (bridge/driver.h).
 *
 *     config.c   the node of the configuration -> struct kafka_config
 *     client.c   the producer and its handles: made, reached, destroyed
 *     topics.c   which topics there are, making them, their limits
 *     ends.c     the stored marks against what is there
 *     send.c     a record with its CloudEvents headers
 *     service.c  delivery reports and what else librdkafka tells
 *     status.c   what is told of it
 *     examine.c  what `check --connect` finds out
 *     kafka.c    the operations of core/sink.h, from these
 *
 * Memory: payloads are lent to librdkafka without a copy; they live in their batch until the report. Threads: all calls
 * but status come from one; librdkafka's own threads only ring `fd`. Errors: kafka_error names the reaction to a code
 * of librdkafka. */
#ifndef TIDINGS_BRIDGE_KAFKA_KAFKA_H
#define TIDINGS_BRIDGE_KAFKA_KAFKA_H

#include <librdkafka/rdkafka.h>
#include <pthread.h>

#include "bridge/clock.h"
#include "bridge/driver.h"

/* What the broker taught; it outlives the sink, so that a rewind does not repeat the mistake. */
struct kafka_lesson {
	size_t batch_bytes; /* at most this much in one batch; 0: nothing learnt */
};

struct kafka_config {
	rd_kafka_conf_t *base; /* all that can be said before the topics are known */
	const char *brokers;   /* for messages */
	const char *topics[N_TOPICS];
	int n_partitions; /* of topics that are made */
	size_t batch_bytes, message_bytes, queue_bytes;
	bool debug;
	struct kafka_lesson *lesson;
};

/* The next offset after the highest that was acknowledged; 0: none since the sink was opened. */
struct kafka_end {
	uint64_t acknowledged, marked;
};

struct kafka_topic {
	const char *name;
	rd_kafka_topic_t *handle; /* its opaque is this struct */
	int n_found;              /* partitions; 0: there is no such topic */
	size_t limit_bytes;       /* of key and value together */
	struct kafka_end *ends;   /* by partition */
	int n_ends;
};

enum { TIME_SIZE = sizeof "2000-01-01T00:00:00.000000000Z", SOURCE_SIZE = sizeof "/kopano/" + 2 * GUID_SIZE };

/* Header values that stay the same from record to record. */
struct kafka_headers {
	int64_t second;
	char time[TIME_SIZE]; /* of `second`; the fraction is rewritten each time */
	uint8_t guid[GUID_SIZE];
	char source[SOURCE_SIZE];
	size_t source_size;
};

/* What others may see of it (status.c). */
struct kafka_told {
	pthread_mutex_t mutex;
	size_t n_unanswered;
	int64_t down_since; /* unix seconds; 0: it is connected */
	char outage[512];
};

struct kafka_sink {
	struct sink sink;
	const struct kafka_config *config;
	struct sink_events events;
	int stop_fd, fd;
	rd_kafka_t *client;
	rd_kafka_queue_t *queue;
	size_t batch_bytes; /* of this client */
	char *cluster;      /* its id */
	int32_t broker_id;  /* of one that answers */
	bool ends_stored;   /* the state names this cluster and these topics */
	struct kafka_topic topics[N_TOPICS];
	struct kafka_headers headers;
	size_t n_unanswered;
	bool is_down, is_denied; /* no broker is connected; the credentials were refused */
	bool is_insecure;        /* the last connection failed for TLS */
	char last_error[256];    /* of a connection */
	struct kafka_told told;
};

int kafka_configure(const struct conf_node *node, void **config, struct err *err);
void kafka_free_config(void *config);

/* Makes the producer; nothing is connected yet. Returns 0 or ERR_FATAL. */
int kafka_client_new(struct kafka_sink *sink, struct err *err);

/* Destroys it with every handle; what is unanswered is given up. May be called without a client. */
void kafka_client_free(struct kafka_sink *sink);

/* Waits until a broker answers; sets `cluster`. Returns 0, ERR_AGAIN, ERR_FATAL (credentials) or ERR_STOPPED. */
int kafka_client_reach(struct kafka_sink *sink, struct err *err);

/* Opens the handles through which records are sent. Returns 0 or ERR_FATAL. */
int kafka_client_topics(struct kafka_sink *sink, struct err *err);

/* Waits `ms` or until the daemon must stop, which is ERR_STOPPED. */
int kafka_pause(const struct kafka_sink *sink, int ms, struct err *err);

/* Each returns 0, ERR_AGAIN, ERR_FATAL or ERR_STOPPED. */
int kafka_topics_find(struct kafka_sink *sink, struct err *err); /* sets n_found and broker_id */
int kafka_topics_make(struct kafka_sink *sink, struct err *err); /* those that were not found */
int kafka_topics_try(struct kafka_sink *sink, struct err *err);  /* the same, but nothing is made */
int kafka_topics_limits(struct kafka_sink *sink,
			struct err *err); /* sets limit_bytes; refuses a compacted items topic */

/* The largest batch that every topic takes; after kafka_topics_limits. */
size_t kafka_batch_bytes(const struct kafka_sink *sink);

extern const struct sink_driver kafka_driver;
void kafka_examine(const void *config, struct examination *examination);

/* Compares the marks with the cluster and the topics found. Returns 0, ERR_AGAIN, ERR_STOPPED, or ERR_FATAL with the
 * command that mends it. */
int kafka_ends_check(struct kafka_sink *sink, struct state *state, struct err *err);
describe_fn kafka_ends_describe;

/* Notes that the record at this offset was acknowledged. */
void kafka_ends_note(struct kafka_topic *topic, int32_t partition, int64_t offset);

/* What others may see changed: an outage began (`outage` says which) or is over (NULL). */
void kafka_tell_outage(struct kafka_sink *sink, const char *outage);
void kafka_tell_unanswered(struct kafka_sink *sink);
void kafka_status(struct sink *sink, struct report *report);

void kafka_marks(struct sink *sink, struct put_list *list, struct arena *arena);
int kafka_send(struct sink *sink, const struct record *record, struct err *err);
size_t kafka_limit(struct sink *sink, enum topic topic, struct slice key);
int kafka_service(struct sink *sink, struct err *err);

/* Bytes that a record needs in a batch besides its key and value, at most. */
size_t kafka_overhead_bytes(void);

/* Fills *err from a code: ERR_FATAL, exit 2, for what only a person can mend (a topic, a right, the credentials), else
 * ERR_AGAIN. `what` is what was being done, with which topic. Returns the class. */
int kafka_error(const struct kafka_sink *sink, rd_kafka_resp_err_t code, const char *what, const char *topic,
		struct err *err);

static inline struct kafka_sink *kafka_sink(struct sink *sink)
{
	return (struct kafka_sink *)sink;
}

#endif
