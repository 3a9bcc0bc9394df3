#include <stdio.h>
#include <stdlib.h>

#include "bridge/kafka/kafka.h"
#include "core/router.h"

/* The state has two kinds of entries of this sink:
 *
 *     ends/kafka                   the cluster's id and the names of the topics, a line each
 *     offsets/<topic>/<partition>  8 bytes, big-endian: the next offset after the highest that was acknowledged */
static const char ends_key[] = "ends/kafka";
static const char offsets_prefix[] = "offsets/";

enum { ANSWER_MS = 30000, STEP_MS = 500, OFFSET_SIZE = 8 };

#define MEND "go back to the end that it belongs to, or begin anew with `tidings state reset`"

static void write_u64(uint8_t *to, uint64_t value)
{
	for (int i = OFFSET_SIZE - 1; i >= 0; i--, value >>= 8)
		to[i] = (uint8_t)value;
}

static uint64_t read_u64(struct slice bytes)
{
	uint64_t value = 0;
	for (size_t i = 0; i < bytes.size; i++)
		value = value << 8 | bytes.data[i];
	return value;
}

static const char *ends_text(const struct kafka_sink *sink, struct arena *arena)
{
	const char *text = arena_text(arena, "%s\n", sink->cluster);
	for (int i = 0; i < N_TOPICS; i++)
		text = arena_text(arena, "%s%s\n", text, sink->topics[i].name);
	return text;
}

/* The next line of *text, without its end. */
static struct slice line(struct slice *text)
{
	const uint8_t *end = text->size ? memchr(text->data, '\n', text->size) : NULL;
	size_t size = end ? (size_t)(end - text->data) : text->size;
	struct slice first = slice_of(text->data, size);
	size_t n_used = end ? size + 1 : size;
	*text = slice_of(text->data + n_used, text->size - n_used);
	return first;
}

static int compare_ends(const struct kafka_sink *sink, struct slice stored, struct err *err)
{
	struct slice was = line(&stored);
	if (!slice_equal(was, slice_of_text(sink->cluster)))
		return err_usage(err, "Kafka: the state belongs to the cluster %.*s, but %s is the cluster %s: " MEND,
				 (int)was.size, (const char *)was.data, sink->config->brokers, sink->cluster);
	for (int i = 0; i < N_TOPICS; i++) {
		was = line(&stored);
		if (!slice_equal(was, slice_of_text(sink->topics[i].name)))
			return err_usage(err,
					 "Kafka: the state belongs to the topic %.*s, but sink.kafka.topics.%s is %s: "
					 "set it back, or begin anew with `tidings state reset`",
					 (int)was.size, (const char *)was.data, topic_name(i), sink->topics[i].name);
	}
	return 0;
}

static int check_ends(struct kafka_sink *sink, struct state *state, struct err *err)
{
	struct arena arena = {0};
	struct slice stored;
	int class = state->ops->get(state, slice_of_text(ends_key), &arena, &stored, err);
	sink->ends_stored = class == 0;
	if (class == 0)
		class = compare_ends(sink, stored, err);
	else if (class == ERR_GONE)
		class = 0;
	arena_free(&arena);
	return class;
}

/* "<topic>/<partition>" */
static bool read_place(struct slice place, char *topic, size_t room, int32_t *partition)
{
	const uint8_t *slash = memrchr(place.data, '/', place.size);
	if (!slash || (size_t)(slash - place.data) >= room)
		return false;
	snprintf(topic, room, "%.*s", (int)(slash - place.data), (const char *)place.data);
	struct slice digits = slice_of(slash + 1, place.size - (size_t)(slash + 1 - place.data));
	*partition = 0;
	for (size_t i = 0; i < digits.size && digits.data[i] >= '0' && digits.data[i] <= '9'; i++)
		*partition = (*partition * 10 + (digits.data[i] - '0')) % 1000000;
	return true;
}

static int collect(void *context, struct slice key, struct slice value)
{
	char topic[256];
	int32_t partition;
	size_t n_prefix = sizeof offsets_prefix - 1;
	struct slice place = slice_of(key.data + n_prefix, key.size - n_prefix);
	if (read_place(place, topic, sizeof topic, &partition) && value.size == OFFSET_SIZE)
		rd_kafka_topic_partition_list_add(context, topic, partition)->offset = (int64_t)read_u64(value);
	return 0;
}

static int n_partitions(const struct kafka_sink *sink, const char *name)
{
	for (int i = 0; i < N_TOPICS; i++)
		if (!strcmp(sink->topics[i].name, name))
			return sink->topics[i].n_found;
	return INT32_MAX; /* of other topics: not ours to judge */
}

static int check_presence(const struct kafka_sink *sink, const rd_kafka_topic_partition_list_t *stored, struct err *err)
{
	for (int i = 0; i < stored->cnt; i++) {
		const rd_kafka_topic_partition_t *place = &stored->elems[i];
		int n = n_partitions(sink, place->topic);
		if (n == 0)
			return err_usage(err,
					 "Kafka: topic %s is missing, and the state says that records were delivered "
					 "to it; it was deleted, or may not be described with these rights: restore "
					 "it, or accept that with `tidings state reset sink`, or begin anew with "
					 "`tidings state reset`",
					 place->topic);
		if (place->partition >= n)
			return err_usage(err,
					 "Kafka: topic %s has %d partitions, and the state says that records were "
					 "delivered to partition %d; it was made anew: restore it, or accept that with "
					 "`tidings state reset sink`, or begin anew with `tidings state reset`",
					 place->topic, n, place->partition);
	}
	return 0;
}

static int compare_offsets(const struct kafka_sink *sink, const rd_kafka_topic_partition_list_t *stored,
			   const rd_kafka_topic_partition_list_t *found, struct err *err)
{
	for (int i = 0; i < stored->cnt; i++) {
		const rd_kafka_topic_partition_t *was = &stored->elems[i], *is = &found->elems[i];
		if (is->err)
			return kafka_error(sink, is->err, "asking for the end of topic", is->topic, err);
		if (is->offset < was->offset)
			return err_usage(err,
					 "Kafka: topic %s partition %d ends at offset %lld, and the state says that "
					 "records were delivered up to %lld; it was made anew or lost records: restore "
					 "it, or accept that with `tidings state reset sink`, or begin anew with "
					 "`tidings state reset`",
					 was->topic, was->partition, (long long)is->offset, (long long)was->offset);
	}
	return 0;
}

/* Sets each offset to the partition's high watermark. */
static int ask_ends(struct kafka_sink *sink, rd_kafka_topic_partition_list_t *list, struct err *err)
{
	int64_t deadline_ms = clock_ms() + ANSWER_MS;
	for (;;) {
		for (int i = 0; i < list->cnt; i++)
			list->elems[i].offset = RD_KAFKA_OFFSET_END;
		rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(sink->client, list, STEP_MS);
		if (code != RD_KAFKA_RESP_ERR__TIMED_OUT && code != RD_KAFKA_RESP_ERR__TRANSPORT)
			return code ? kafka_error(sink, code, "asking for the ends of the topics", "", err) : 0;
		if (kafka_pause(sink, 0, err))
			return ERR_STOPPED;
		if (clock_ms() >= deadline_ms)
			return kafka_error(sink, code, "asking for the ends of the topics", "", err);
	}
}

static int check_offsets(struct kafka_sink *sink, const rd_kafka_topic_partition_list_t *stored, struct err *err)
{
	int class = check_presence(sink, stored, err);
	if (class || stored->cnt == 0)
		return class;
	rd_kafka_topic_partition_list_t *found = rd_kafka_topic_partition_list_copy(stored);
	class = ask_ends(sink, found, err);
	if (!class)
		class = compare_offsets(sink, stored, found, err);
	rd_kafka_topic_partition_list_destroy(found);
	return class;
}

int kafka_ends_check(struct kafka_sink *sink, struct state *state, struct err *err)
{
	int class = check_ends(sink, state, err);
	if (class)
		return class;
	rd_kafka_topic_partition_list_t *stored = rd_kafka_topic_partition_list_new(0);
	class = state->ops->each(state, slice_of_text(offsets_prefix), collect, stored, err);
	if (!class)
		class = check_offsets(sink, stored, err);
	rd_kafka_topic_partition_list_destroy(stored);
	return class;
}

static void make_room(struct kafka_topic *topic, int n)
{
	topic->ends = xrealloc(topic->ends, (size_t)n * sizeof *topic->ends);
	memset(topic->ends + topic->n_ends, 0, (size_t)(n - topic->n_ends) * sizeof *topic->ends);
	topic->n_ends = n;
}

void kafka_ends_note(struct kafka_topic *topic, int32_t partition, int64_t offset)
{
	if (partition < 0 || offset < 0)
		return; /* a retry found the record already there: its place is not told */
	if (partition >= topic->n_ends)
		make_room(topic, partition + 1);
	uint64_t next = (uint64_t)offset + 1;
	if (next > topic->ends[partition].acknowledged)
		topic->ends[partition].acknowledged = next;
}

static void mark_topic(struct kafka_topic *topic, struct put_list *list, struct arena *arena)
{
	for (int i = 0; i < topic->n_ends; i++) {
		struct kafka_end *end = &topic->ends[i];
		uint8_t value[OFFSET_SIZE];
		if (end->marked == end->acknowledged)
			continue;
		write_u64(value, end->acknowledged);
		put_list_add(list, arena, slice_of_text(arena_text(arena, "%s%s/%d", offsets_prefix, topic->name, i)),
			     slice_of(value, sizeof value));
		end->marked = end->acknowledged;
	}
}

void kafka_marks(struct sink *sink, struct put_list *list, struct arena *arena)
{
	struct kafka_sink *kafka = kafka_sink(sink);
	if (!kafka->ends_stored)
		put_list_add(list, arena, slice_of_text(ends_key), slice_of_text(ends_text(kafka, arena)));
	kafka->ends_stored = true;
	for (int i = 0; i < N_TOPICS; i++)
		mark_topic(&kafka->topics[i], list, arena);
}

static const char *describe_ends(struct slice value, struct arena *arena)
{
	struct slice cluster = line(&value);
	const char *text = arena_text(arena, "cluster %.*s, topics", (int)cluster.size, (const char *)cluster.data);
	while (value.size) {
		struct slice topic = line(&value);
		text = arena_text(arena, "%s %.*s", text, (int)topic.size, (const char *)topic.data);
	}
	return text;
}

const char *kafka_ends_describe(struct state *state, struct slice key, struct slice value, struct arena *arena)
{
	size_t n_prefix = sizeof offsets_prefix - 1;
	(void)state;
	if (slice_equal(key, slice_of_text(ends_key)))
		return describe_ends(value, arena);
	if (key.size < n_prefix || memcmp(key.data, offsets_prefix, n_prefix) != 0 || value.size != OFFSET_SIZE)
		return NULL;
	return arena_text(arena, "acknowledged below offset %llu", (unsigned long long)read_u64(value));
}
