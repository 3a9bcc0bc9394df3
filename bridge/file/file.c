#include "bridge/file/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/router.h"

enum { MAX_VALUE_BYTES = 64 << 20, MAX_WAITING = 4096, LENGTH_BYTES = 4 };

struct waiting {
	enum topic topic;
	uint8_t length[LENGTH_BYTES]; /* as written */
	struct slice value;
	void *token;
};

struct file_sink {
	struct sink sink;
	const char *directory;
	struct sink_events events;
	int fd; /* eventfd: there is something to write */
	struct file_topic topics[N_TOPICS];
	struct waiting waiting[MAX_WAITING];
	size_t n_waiting;
	bool broken; /* a write failed: what is in the file behind it is not known */
};

extern const struct sink_driver file_driver;

static struct file_sink *file_sink(struct sink *sink)
{
	return (struct file_sink *)sink;
}

/* ---- opening ---- */

static int open_topic(struct file_sink *file, enum topic topic, struct err *err)
{
	char path[4096];
	struct file_topic *t = &file->topics[topic];
	snprintf(path, sizeof path, "%s/%s.records", file->directory, t->name);
	t->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (t->fd >= 0)
		return 0;
	return err_usage(err, "cannot open %s: %s; does the directory exist, and may this user write there?", path,
			 strerror(errno));
}

static int sync_directory(const struct file_sink *file, struct err *err)
{
	int fd = open(file->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);
	int why = errno;
	if (fd >= 0)
		close(fd);
	return rc == 0 ? 0 : err_fatal(err, "cannot make sure of the directory %s: %s", file->directory, strerror(why));
}

static int open_sink(const void *config, const struct sink_events *events, int stop_fd, struct sink **sink,
		     struct err *err)
{
	(void)stop_fd;
	struct file_sink *file = xcalloc(1, sizeof *file);
	file->sink.ops = file_driver.ops;
	file->directory = ((const struct file_config *)config)->directory;
	file->events = *events;
	file->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	*sink = &file->sink;
	for (int i = 0; i < N_TOPICS; i++)
		file->topics[i] = (struct file_topic){.name = topic_name(i), .fd = -1};
	if (file->fd < 0)
		return err_fatal(err, "cannot make an eventfd: %s; is the limit of open files too low?",
				 strerror(errno));
	int rc = 0;
	for (int i = 0; rc == 0 && i < N_TOPICS; i++)
		rc = open_topic(file, i, err);
	return rc ? rc : sync_directory(file, err);
}

static int seek(struct sink *sink, struct state *state, struct err *err)
{
	struct file_sink *file = file_sink(sink);
	int rc = 0;
	for (int i = 0; rc == 0 && i < N_TOPICS; i++) {
		uint64_t marked;
		rc = file_check_mark(file->directory, &file->topics[i], state, &marked, err);
		if (rc == 0)
			rc = file_cut_tail(file->directory, &file->topics[i], marked, err);
	}
	return rc;
}

/* ---- sending ---- */

static size_t limit(struct sink *sink, enum topic topic, struct slice key)
{
	(void)sink, (void)topic, (void)key;
	return MAX_VALUE_BYTES;
}

static int send_record(struct sink *sink, const struct record *record, struct err *err)
{
	struct file_sink *file = file_sink(sink);
	if (record->value.size > MAX_VALUE_BYTES)
		return err_set(err, ERR_BAD, "file: a value of %zu bytes, and at most %d are written",
			       record->value.size, MAX_VALUE_BYTES);
	if (file->n_waiting == MAX_WAITING)
		return SINK_BUSY;
	struct waiting *waiting = &file->waiting[file->n_waiting++];
	*waiting = (struct waiting){.topic = record->topic, .value = record->value, .token = record->token};
	for (int i = 0; i < LENGTH_BYTES; i++)
		waiting->length[i] = (uint8_t)(record->value.size >> (8 * i));
	if (file->n_waiting == 1)
		eventfd_write(file->fd, 1);
	return 0;
}

/* ---- writing ---- */

/* All of it, however often the system takes only a part. */
static int write_all(int fd, struct iovec *parts, int n_parts)
{
	while (n_parts) {
		ssize_t n = writev(fd, parts, n_parts);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		for (; n_parts && (size_t)n >= parts->iov_len; parts++, n_parts--)
			n -= (ssize_t)parts->iov_len;
		if (n_parts) {
			parts->iov_base = (uint8_t *)parts->iov_base + n;
			parts->iov_len -= (size_t)n;
		}
	}
	return 0;
}

/* A zero-length value still has its length, so that a part is never empty at the end of write_all. */
static int write_record(struct file_sink *file, struct waiting *waiting, struct err *err)
{
	struct file_topic *topic = &file->topics[waiting->topic];
	struct iovec parts[] = {{waiting->length, LENGTH_BYTES}, {(void *)waiting->value.data, waiting->value.size}};
	if (write_all(topic->fd, parts, waiting->value.size ? 2 : 1))
		return file_failed(file->directory, topic, "write", err);
	topic->n_bytes += LENGTH_BYTES + waiting->value.size;
	topic->dirty = true;
	return 0;
}

static int sync_topics(struct file_sink *file, struct err *err)
{
	for (int i = 0; i < N_TOPICS; i++) {
		struct file_topic *topic = &file->topics[i];
		if (topic->dirty && fdatasync(topic->fd))
			return file_failed(file->directory, topic, "make sure of", err);
		topic->dirty = false;
	}
	return 0;
}

static int service(struct sink *sink, struct err *err)
{
	struct file_sink *file = file_sink(sink);
	eventfd_t ignored;
	eventfd_read(file->fd, &ignored);
	if (file->broken)
		return err_fatal(err, "file: an earlier write failed");
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < file->n_waiting; i++)
		rc = write_record(file, &file->waiting[i], err);
	if (rc == 0)
		rc = sync_topics(file, err);
	file->broken = rc != 0;
	size_t n = rc ? 0 : file->n_waiting;
	file->n_waiting -= n;
	for (size_t i = 0; i < n; i++)
		file->events.acknowledged(file->events.context, file->waiting[i].token);
	return rc;
}

static int drain(struct sink *sink, int deadline_ms, struct err *err)
{
	(void)deadline_ms;
	return service(sink, err);
}

static int poll_fd(struct sink *sink)
{
	return file_sink(sink)->fd;
}

static void marks(struct sink *sink, struct put_list *list, struct arena *arena)
{
	for (int i = 0; i < N_TOPICS; i++)
		file_add_mark(&file_sink(sink)->topics[i], list, arena);
}

static void close_sink(struct sink *sink)
{
	struct file_sink *file = file_sink(sink);
	if (!file)
		return;
	for (int i = 0; i < N_TOPICS; i++)
		if (file->topics[i].fd >= 0)
			close(file->topics[i].fd);
	if (file->fd >= 0)
		close(file->fd);
	free(file);
}

/* ---- the driver ---- */

static int configure(const struct conf_node *node, void **config, struct err *err)
{
	static const char *const keys[] = {"directory", NULL};
	struct file_config *file = xcalloc(1, sizeof *file);
	int rc = conf_keys(node, keys, err);
	if (rc == 0)
		rc = conf_text(node, "directory", &file->directory, err);
	if (rc == 0 && !file->directory)
		rc = conf_missing(node, "directory", err);
	if (rc)
		free(file);
	else
		*config = file;
	return rc;
}

static const char *const *topics(const void *config)
{
	static const char *names[N_TOPICS];
	(void)config;
	for (int i = 0; i < N_TOPICS; i++)
		names[i] = topic_name(i);
	return names;
}

static const struct sink_ops file_ops = {
	.name = "file",
	.open = open_sink,
	.seek = seek,
	.send = send_record,
	.limit = limit,
	.fd = poll_fd,
	.service = service,
	.drain = drain,
	.marks = marks,
	.close = close_sink,
};

const struct sink_driver file_driver = {
	.name = "file",
	.ops = &file_ops,
	.configure = configure,
	.free_config = free,
	.topics = topics,
};
