#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bridge/file/file.h"
#include "core/arena.h"
#include "core/router.h"

/* Beside the daemon that writes: what is not whole yet is waited for. A file that is not there yet may come. */
struct read_file {
	int fd; /* -1: not there */
	uint64_t at, end;
};

struct file_reader {
	struct reader reader;
	const char *directory;
	struct reader_options options;
	struct read_file files[N_TOPICS];
	uint8_t *value;
	size_t n_room;
};

/* ---- opening ---- */

static int open_file(struct file_reader *reader, int nth, struct err *err)
{
	char path[4096];
	struct read_file *file = &reader->files[nth];
	struct stat stat;
	if (file->fd >= 0 || !reader->options.topics[nth])
		return 0;
	snprintf(path, sizeof path, "%s/%s.records", reader->directory, topic_name(nth));
	file->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0 && errno == ENOENT)
		return 0;
	if (file->fd < 0 || fstat(file->fd, &stat))
		return err_usage(err, "file: cannot read %s: %s", path, strerror(errno));
	file->end = (uint64_t)stat.st_size;
	return 0;
}

static bool is_directory(const char *path)
{
	struct stat stat_of;
	return stat(path, &stat_of) == 0 && S_ISDIR(stat_of.st_mode);
}

static int refuse(const struct reader_options *options, struct err *err)
{
	if (!options->live && !options->consumer)
		return 0;
	return err_usage(err, "--live and --as are for a ZeroMQ sink; this one writes files");
}

static int open_all(struct file_reader *reader, struct err *err)
{
	if (!is_directory(reader->directory))
		return err_usage(err, "file: %s is no directory that this user can read", reader->directory);
	for (int i = 0; i < N_TOPICS; i++) {
		int rc = open_file(reader, i, err);
		if (rc)
			return rc;
		if (reader->options.topics_given && reader->options.topics[i] && reader->files[i].fd < 0 &&
		    !reader->options.follow)
			return err_usage(err, "file: there is no %s.records in %s", topic_name(i), reader->directory);
		if (reader->options.from_ms == FROM_END)
			reader->files[i].at = reader->files[i].end;
	}
	return 0;
}

static int open_reader(const void *config, const struct reader_options *options, int stop_fd, struct reader **opened,
		       struct err *err)
{
	(void)stop_fd;
	int rc = refuse(options, err);
	if (rc)
		return rc;
	struct file_reader *reader = xcalloc(1, sizeof *reader);
	*reader = (struct file_reader){.reader.ops = &file_reader_ops,
				       .directory = ((const struct file_config *)config)->directory,
				       .options = *options};
	for (int i = 0; i < N_TOPICS; i++)
		reader->files[i].fd = -1;
	*opened = &reader->reader;
	return open_all(reader, err);
}

/* ---- reading ---- */

static void make_room(struct file_reader *reader, size_t n_bytes)
{
	if (n_bytes <= reader->n_room)
		return;
	reader->value = xrealloc(reader->value, n_bytes);
	reader->n_room = n_bytes;
}

/* True if there is a whole record; it is in `value` then. */
static bool read_record(struct file_reader *reader, struct read_file *file, size_t *n_bytes)
{
	uint8_t length[FILE_LENGTH_BYTES];
	uint64_t most = reader->options.follow ? UINT64_MAX : file->end - file->at;
	if (file->fd < 0 || most < FILE_LENGTH_BYTES ||
	    pread(file->fd, length, FILE_LENGTH_BYTES, (off_t)file->at) != FILE_LENGTH_BYTES)
		return false;
	*n_bytes = (size_t)length[0] | (size_t)length[1] << 8 | (size_t)length[2] << 16 | (size_t)length[3] << 24;
	if (*n_bytes == 0 || *n_bytes > FILE_VALUE_BYTES || *n_bytes > most - FILE_LENGTH_BYTES)
		return false;
	make_room(reader, *n_bytes);
	if (pread(file->fd, reader->value, *n_bytes, (off_t)file->at + FILE_LENGTH_BYTES) != (ssize_t)*n_bytes)
		return false;
	file->at += FILE_LENGTH_BYTES + *n_bytes;
	return true;
}

static int next_now(struct file_reader *reader, struct delivered *delivered, struct err *err)
{
	for (int i = 0; i < N_TOPICS; i++) {
		size_t n_bytes;
		if (reader->options.follow && open_file(reader, i, err))
			return ERR_FATAL;
		if (read_record(reader, &reader->files[i], &n_bytes)) {
			*delivered =
				(struct delivered){.topic = (enum topic)i, .value = slice_of(reader->value, n_bytes)};
			return 0;
		}
	}
	return reader->options.follow ? READER_NONE : READER_END;
}

static int next(struct reader *base, int wait_ms, struct delivered *delivered, struct err *err)
{
	struct file_reader *reader = (struct file_reader *)base;
	int rc = next_now(reader, delivered, err);
	if (rc != READER_NONE || wait_ms == 0)
		return rc;
	poll(NULL, 0, wait_ms);
	return next_now(reader, delivered, err);
}

static void close_reader(struct reader *base)
{
	struct file_reader *reader = (struct file_reader *)base;
	if (!reader)
		return;
	for (int i = 0; i < N_TOPICS; i++)
		if (reader->files[i].fd >= 0)
			close(reader->files[i].fd);
	free(reader->value);
	free(reader);
}

const struct reader_ops file_reader_ops = {.open = open_reader, .next = next, .close = close_reader};
