/* The file sink: records appended to one file per topic, in a directory; fsync is the acknowledgement. Private to this
 * folder; what others see is file_driver (bridge/driver.h).
 *
 *     <directory>/<topic>.records    u32 little-endian length, then that many bytes: a message of proto/tidings/v1;
 *                                    and so on
 *     ends/file/<topic>              of the state: u64 little-endian, how long the file was when it was committed
 *
 * A crash can leave a torn record at the end, or zeros where the length was written and the content was not. That is
 * cut off at the next start: it was never acknowledged. Whole records are kept, and those that were not committed come
 * again. A file that is shorter than the state says, or goes on with what is no record, is another file, and refused.
 *
 *     layout.c   names, the torn tail, marks
 *     file.c     the operations of core/sink.h
 *     read.c     the reader of bridge/driver.h
 *
 * Threads: all calls come from one; service blocks for the write and the fsync, as a commit of the state does. Memory:
 * what was sent and not yet written is only pointed to, it lives in its batches. Errors: exit code 2 for what somebody
 * must mend (no directory, no right, in use, another file), 1 for the rest (disk full, I/O). */
#ifndef TIDINGS_BRIDGE_FILE_FILE_H
#define TIDINGS_BRIDGE_FILE_FILE_H

#include "bridge/driver.h"

enum { FILE_LENGTH_BYTES = 4, FILE_VALUE_BYTES = 64 << 20 /* the longest value */ };

struct file_config {
	const char *directory;
};

struct file_topic {
	const char *directory, *name;
	int fd;             /* -1: not open */
	uint64_t n_bytes;   /* written */
	uint64_t n_durable; /* of them, as of the last fsync */
	uint64_t n_marked;  /* of them, as of the last marks */
};

/* Compares the file with the state's mark and cuts off what is torn at its end. Returns 0 or ERR_FATAL. */
int file_seek(struct file_topic *topic, struct state *state, struct err *err);

/* Adds the length to the list if it has changed. */
void file_add_mark(struct file_topic *topic, struct put_list *list, struct arena *arena);

describe_fn file_describe;
extern const struct reader_ops file_reader_ops;

/* "cannot WHAT DIRECTORY/TOPIC.records: why": ERR_FATAL. */
int file_failed(const struct file_topic *topic, const char *what, struct err *err);

#endif
