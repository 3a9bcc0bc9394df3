#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bridge/file/file.h"

enum { MARK_BYTES = 8 };

#define MEND                                                                                                           \
	"bring the right file back, or move it away and accept that with `tidings state reset sink`, or begin anew "   \
	"with `tidings state reset`"

int file_failed(const struct file_topic *topic, const char *what, struct err *err)
{
	return err_fatal(err, "file: cannot %s %s/%s.records: %s", what, topic->directory, topic->name,
			 strerror(errno));
}

static uint64_t read_number(const uint8_t *bytes, int n)
{
	uint64_t number = 0;
	for (int i = 0; i < n; i++)
		number |= (uint64_t)bytes[i] << (8 * i);
	return number;
}

/* ---- the end of the file ---- */

/* The end of the last whole record at or after `from`. No message is empty: a length of 0 is what a power failure
 * leaves. */
static int find_end(const struct file_topic *topic, uint64_t from, uint64_t size, uint64_t *end)
{
	uint8_t bytes[FILE_LENGTH_BYTES];
	*end = from;
	while (*end + FILE_LENGTH_BYTES <= size) {
		if (pread(topic->fd, bytes, FILE_LENGTH_BYTES, (off_t)*end) != FILE_LENGTH_BYTES)
			return -1;
		uint64_t length = read_number(bytes, FILE_LENGTH_BYTES), next = *end + FILE_LENGTH_BYTES + length;
		if (length == 0 || next > size)
			break;
		*end = next;
	}
	return 0;
}

/* What begins like a record and is longer than any record is not torn, it is something else's. */
static int cut(struct file_topic *topic, uint64_t end, uint64_t size, struct err *err)
{
	if (size - end >= FILE_LENGTH_BYTES + FILE_VALUE_BYTES)
		return err_usage(err, "file: %s/%s.records is no file of records from byte %" PRIu64 " on: " MEND,
				 topic->directory, topic->name, end);
	if (size > end && ftruncate(topic->fd, (off_t)end))
		return file_failed(topic, "cut the torn record off", err);
	if (fsync(topic->fd)) /* whole records of a process that died may still be on their way to the disk */
		return file_failed(topic, "sync", err);
	topic->n_bytes = topic->n_durable = end;
	return 0;
}

/* ---- marks ---- */

static const char mark_prefix[] = "ends/file/";

static const char *mark_key(struct arena *arena, const struct file_topic *topic)
{
	return arena_text(arena, "%s%s", mark_prefix, topic->name);
}

static int read_mark(struct file_topic *topic, struct state *state, struct err *err)
{
	struct arena arena = {0};
	struct slice value = {0};
	int rc = state->ops->get(state, slice_of_text(mark_key(&arena, topic)), &arena, &value, err);
	topic->n_marked = rc == 0 && value.size == MARK_BYTES ? read_number(value.data, MARK_BYTES) : 0;
	arena_free(&arena);
	return rc == ERR_GONE ? 0 : rc;
}

int file_seek(struct file_topic *topic, struct state *state, struct err *err)
{
	struct stat stat;
	uint64_t end;
	int rc = read_mark(topic, state, err);
	if (rc)
		return rc;
	if (fstat(topic->fd, &stat))
		return file_failed(topic, "read", err);
	uint64_t size = (uint64_t)stat.st_size;
	if (size < topic->n_marked)
		return err_usage(err,
				 "file: %s/%s.records has %" PRIu64 " bytes, and the state says that %" PRIu64
				 " were written: " MEND,
				 topic->directory, topic->name, size, topic->n_marked);
	if (find_end(topic, topic->n_marked, size, &end))
		return file_failed(topic, "read", err);
	return cut(topic, end, size, err);
}

void file_add_mark(struct file_topic *topic, struct put_list *list, struct arena *arena)
{
	uint8_t bytes[MARK_BYTES];
	if (topic->n_marked == topic->n_durable)
		return;
	for (int i = 0; i < MARK_BYTES; i++)
		bytes[i] = (uint8_t)(topic->n_durable >> (8 * i));
	put_list_add(list, arena, slice_of_text(mark_key(arena, topic)), slice_of(bytes, sizeof bytes));
	topic->n_marked = topic->n_durable;
}

const char *file_describe(struct state *state, struct slice key, struct slice value, struct arena *arena)
{
	size_t n_prefix = sizeof mark_prefix - 1;
	(void)state;
	if (key.size < n_prefix || memcmp(key.data, mark_prefix, n_prefix) != 0 || value.size != MARK_BYTES)
		return NULL;
	return arena_text(arena, "%.*s.records has at least %" PRIu64 " bytes", (int)(key.size - n_prefix),
			  (const char *)key.data + n_prefix, read_number(value.data, MARK_BYTES));
}
