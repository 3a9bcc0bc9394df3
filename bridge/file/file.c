#include "bridge/file/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/router.h"
#include "core/step.h"

enum { MAX_WAITING = 1024 };

struct waiting {
	enum topic topic;
	uint8_t length[FILE_LENGTH_BYTES]; /* as written */
	struct slice value;
	void *token;
};

struct file_sink {
	struct sink sink;
	const char *directory;
	struct sink_events events;
	int directory_fd, event_fd; /* readable: there is something to write */
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

static int cannot_open(const char *path, struct err *err)
{
	static const int for_people[] = {ENOENT, ENOTDIR, EISDIR, EACCES, EPERM, EROFS, ELOOP, ENAMETOOLONG};
	const char *why = strerror(errno);
	for (size_t i = 0; i < sizeof for_people / sizeof *for_people; i++)
		if (errno == for_people[i])
			return err_usage(err,
					 "file: cannot open %s: %s; the directory must exist and be writable for this "
					 "user",
					 path, why);
	return err_fatal(err, "file: cannot open %s: %s", path, why);
}

/* The lock goes when its holder dies. */
static int open_directory(struct file_sink *file, struct err *err)
{
	file->directory_fd = open(file->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (file->directory_fd < 0)
		return cannot_open(file->directory, err);
	if (flock(file->directory_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return err_usage(err, "file: cannot lock %s: %s; it must be on a local disk", file->directory,
				 strerror(errno));
	return err_usage(err, "file: the directory %s is in use by another process; one directory is for one instance",
			 file->directory);
}

static int open_topic(struct file_sink *file, struct file_topic *topic, struct err *err)
{
	char name[64], path[4096];
	snprintf(name, sizeof name, "%s.records", topic->name);
	snprintf(path, sizeof path, "%s/%s", file->directory, name);
	topic->fd = openat(file->directory_fd, name, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	return topic->fd < 0 ? cannot_open(path, err) : 0;
}

/* A name is durable when its directory is. */
static int open_files(struct file_sink *file, struct err *err)
{
	int rc = open_directory(file, err);
	for (int i = 0; rc == 0 && i < N_TOPICS; i++)
		rc = open_topic(file, &file->topics[i], err);
	if (rc == 0 && fsync(file->directory_fd))
		rc = err_fatal(err, "file: cannot sync the directory %s: %s", file->directory, strerror(errno));
	return rc;
}

static int open_sink(const void *config, const struct sink_events *events, int stop_fd, struct sink **sink,
		     struct err *err)
{
	(void)stop_fd;
	struct file_sink *file = xcalloc(1, sizeof *file);
	file->sink.ops = file_driver.ops;
	file->directory = ((const struct file_config *)config)->directory;
	file->events = *events;
	file->directory_fd = -1;
	for (int i = 0; i < N_TOPICS; i++)
		file->topics[i] = (struct file_topic){.directory = file->directory, .name = topic_name(i), .fd = -1};
	*sink = &file->sink;
	file->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (file->event_fd < 0)
		return err_fatal(err, "file: cannot make an eventfd: %s; is the limit of open files too low?",
				 strerror(errno));
	return open_files(file, err);
}

static int seek(struct sink *sink, struct state *state, struct err *err)
{
	int rc = 0;
	for (int i = 0; rc == 0 && i < N_TOPICS; i++)
		rc = file_seek(&file_sink(sink)->topics[i], state, err);
	return rc;
}

/* ---- sending ---- */

static size_t limit(struct sink *sink, enum topic topic, struct slice key)
{
	(void)sink, (void)topic, (void)key;
	return STEP_LIMIT(FILE_VALUE_BYTES);
}

static int send_record(struct sink *sink, const struct record *record, struct err *err)
{
	struct file_sink *file = file_sink(sink);
	size_t size = record->value.size;
	if (size == 0 || size > STEP_LIMIT(FILE_VALUE_BYTES))
		return err_set(err, ERR_BAD, "file: a value has 1 to %d bytes, and this one %zu", FILE_VALUE_BYTES,
			       size);
	if (file->n_waiting == MAX_WAITING)
		return SINK_BUSY;
	struct waiting *waiting = &file->waiting[file->n_waiting++];
	*waiting = (struct waiting){.topic = record->topic, .value = record->value, .token = record->token};
	for (int i = 0; i < FILE_LENGTH_BYTES; i++)
		waiting->length[i] = (uint8_t)(size >> (8 * i));
	if (file->n_waiting == 1)
		eventfd_write(file->event_fd, 1);
	return 0;
}

/* ---- writing ---- */

/* All of it, however often the system takes only a part. No part is empty. */
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

static int write_record(struct file_sink *file, struct waiting *waiting, struct err *err)
{
	struct file_topic *topic = &file->topics[waiting->topic];
	struct iovec parts[] = {{waiting->length, FILE_LENGTH_BYTES},
				{(void *)waiting->value.data, waiting->value.size}};
	step("record written");
	if (write_all(topic->fd, parts, 2))
		return file_failed(topic, "write to", err);
	topic->n_bytes += FILE_LENGTH_BYTES + waiting->value.size;
	return 0;
}

static int sync_topic(struct file_topic *topic, struct err *err)
{
	if (topic->n_durable == topic->n_bytes)
		return 0;
	step("file sync");
	if (fdatasync(topic->fd))
		return file_failed(topic, "sync", err);
	topic->n_durable = topic->n_bytes;
	return 0;
}

static int write_waiting(struct file_sink *file, struct err *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < file->n_waiting; i++)
		rc = write_record(file, &file->waiting[i], err);
	for (int i = 0; rc == 0 && i < N_TOPICS; i++)
		rc = sync_topic(&file->topics[i], err);
	return rc;
}

/* After a failure the kernel may have dropped what it could not write: another sync would lie. */
static int service(struct sink *sink, struct err *err)
{
	struct file_sink *file = file_sink(sink);
	eventfd_t ignored;
	eventfd_read(file->event_fd, &ignored);
	if (file->broken)
		return err_fatal(err, "file: an earlier write to %s failed", file->directory);
	int rc = write_waiting(file, err);
	file->broken = rc != 0;
	if (rc)
		return rc;
	size_t n = file->n_waiting;
	file->n_waiting = 0;
	for (size_t i = 0; i < n; i++)
		file->events.acknowledged(file->events.context, file->waiting[i].token);
	return 0;
}

/* A disk has no deadline. */
static int drain(struct sink *sink, int deadline_ms, struct err *err)
{
	(void)deadline_ms;
	return service(sink, err);
}

static int poll_fd(struct sink *sink)
{
	return file_sink(sink)->event_fd;
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
	if (file->directory_fd >= 0)
		close(file->directory_fd);
	if (file->event_fd >= 0)
		close(file->event_fd);
	free(file);
}

static void status(struct sink *sink, struct report *report)
{
	report_text(report, "directory", "%s", file_sink(sink)->directory);
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
	.status = status,
	.close = close_sink,
};

const struct sink_driver file_driver = {
	.name = "file",
	.ops = &file_ops,
	.reader = &file_reader_ops,
	.configure = configure,
	.free_config = free,
	.topics = topics,
	.describe = file_describe,
};
