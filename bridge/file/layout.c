#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bridge/file/file.h"

enum { LENGTH_BYTES = 4, MARK_BYTES = 8 };

int file_failed(const char *directory, const struct file_topic *topic, const char *what, struct err *err)
{
	return err_fatal(err, "cannot %s %s/%s.records: %s", what, directory, topic->name, strerror(errno));
}

static uint64_t read_number(const uint8_t *bytes, int n)
{
	uint64_t number = 0;
	for (int i = 0; i < n; i++)
		number |= (uint64_t)bytes[i] << (8 * i);
	return number;
}

/* The end of the last whole record at or after `from`. */
static int find_end(const struct file_topic *topic, uint64_t from, uint64_t size, uint64_t *end)
{
	uint8_t length[LENGTH_BYTES];
	*end = from;
	while (*end + LENGTH_BYTES <= size) {
		if (pread(topic->fd, length, LENGTH_BYTES, (off_t)*end) != LENGTH_BYTES)
			return -1;
		uint64_t next = *end + LENGTH_BYTES + read_number(length, LENGTH_BYTES);
		if (next > size)
			break;
		*end = next;
	}
	return 0;
}

int file_cut_tail(const char *directory, struct file_topic *topic, uint64_t from, struct err *err)
{
	struct stat stat;
	uint64_t end;
	if (fstat(topic->fd, &stat) || find_end(topic, from, (uint64_t)stat.st_size, &end))
		return file_failed(directory, topic, "read", err);
	if (end < (uint64_t)stat.st_size && ftruncate(topic->fd, (off_t)end))
		return file_failed(directory, topic, "cut the torn record off", err);
	topic->n_bytes = topic->n_marked = end;
	return 0;
}

static const char *mark_key(struct arena *arena, const struct file_topic *topic)
{
	return arena_text(arena, "offsets/file/%s", topic->name);
}

static int read_mark(const struct file_topic *topic, struct state *state, uint64_t *marked, struct err *err)
{
	struct arena arena = {0};
	struct slice value = {0};
	int rc = state->ops->get(state, slice_of_text(mark_key(&arena, topic)), &arena, &value, err);
	*marked = rc == 0 && value.size == MARK_BYTES ? read_number(value.data, MARK_BYTES) : 0;
	arena_free(&arena);
	return rc == ERR_GONE ? 0 : rc;
}

int file_check_mark(const char *directory, const struct file_topic *topic, struct state *state, uint64_t *marked,
		    struct err *err)
{
	struct stat stat;
	int rc = read_mark(topic, state, marked, err);
	if (rc)
		return rc;
	if (fstat(topic->fd, &stat))
		return file_failed(directory, topic, "read", err);
	if ((uint64_t)stat.st_size >= *marked)
		return 0;
	return err_usage(err,
			 "%s/%s.records has %jd bytes, but %" PRIu64
			 " were acknowledged: it is not the file that the state belongs to; bring it back, or move the "
			 "state file away "
			 "to start anew",
			 directory, topic->name, (intmax_t)stat.st_size, *marked);
}

void file_add_mark(struct file_topic *topic, struct put_list *list, struct arena *arena)
{
	uint8_t bytes[MARK_BYTES];
	if (topic->n_marked == topic->n_bytes)
		return;
	for (int i = 0; i < MARK_BYTES; i++)
		bytes[i] = (uint8_t)(topic->n_bytes >> (8 * i));
	put_list_add(list, arena, slice_of_text(mark_key(arena, topic)), slice_of(bytes, sizeof bytes));
	topic->n_marked = topic->n_bytes;
}
