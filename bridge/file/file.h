/* The file sink: records appended to one file per topic, in a directory; fsync is the acknowledgement. Private to this
 * folder; what others see is file_driver (bridge/driver.h).
 *
 *     <directory>/<topic>.records    u32 little-endian length, then that many bytes: a message of proto/tidings/v1; and
 * so on
 *
 * A crash can leave a torn record at the end; it is cut off at the next start: it was never acknowledged. The state
 * remembers how long each file was when it was last committed; a shorter one is another file.
 *
 *     layout.c   names, the torn tail, marks
 *     file.c     the operations of core/sink.h
 *
 * Threads: all calls come from one; service blocks for the write and the fsync, as a commit of the state does. Memory:
 * what was sent and not yet written is only pointed to, it lives in its batches. */
#ifndef TIDINGS_BRIDGE_FILE_FILE_H
#define TIDINGS_BRIDGE_FILE_FILE_H

#include "bridge/driver.h"

struct file_config {
	const char *directory;
};

struct file_topic {
	const char *name;
	int fd;                     /* -1: not open */
	uint64_t n_bytes, n_marked; /* in the file, as of the last fsync; as of the last marks */
	bool dirty;                 /* written since the last fsync */
};

/* Where whole records end: the file is cut there. `from` is where a record is known to begin. Returns 0 or ERR_FATAL.
 */
int file_cut_tail(const char *directory, struct file_topic *topic, uint64_t from, struct err *err);

/* The length that the state remembers, 0 if none. Returns 0 or ERR_FATAL: the file is shorter. */
int file_check_mark(const char *directory, const struct file_topic *topic, struct state *state, uint64_t *marked,
		    struct err *err);
void file_add_mark(struct file_topic *topic, struct put_list *list, struct arena *arena);

/* "cannot WHAT DIRECTORY/TOPIC.records: why": ERR_FATAL, exit 1. */
int file_failed(const char *directory, const struct file_topic *topic, const char *what, struct err *err);

#endif
