#include "bridge/state/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* The process id in the file; 0 if its holder has not written it yet. */
static long holder(int fd)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	return n > 0 ? strtol(text, NULL, 10) : 0;
}

static int refuse(const char *path, int fd, struct err *err)
{
	long pid = holder(fd);
	if (!pid)
		return err_usage(err, "the state %s is in use by another process; one state is for one instance", path);
	return err_usage(err, "the state %s is in use by process %ld; one state is for one instance", path, pid);
}

/* Only for messages: that it could not be written is no reason to stop. */
static void write_pid(int fd)
{
	char text[32];
	int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) < n)
		(void)!ftruncate(fd, 0);
}

/* It is there after somebody has tried a configuration as root. */
static int cannot_open(const char *file, int number, struct err *err)
{
	if (access(file, F_OK) == 0)
		return err_usage(err, "cannot open %s: %s; this user must own it, and the state beside it", file,
				 strerror(number));
	return err_usage(err, "cannot make %s: %s; the directory must exist and be writable for this user", file,
			 strerror(number));
}

int lock_take(const char *path, int *fd, struct err *err)
{
	char file[PATH_MAX];
	if (snprintf(file, sizeof file, "%s.lock", path) >= (int)sizeof file)
		return err_usage(err, "the path of the state is too long: %.200s...", path);
	*fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	if (*fd < 0)
		return cannot_open(file, errno, err);
	int rc = 0;
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
		write_pid(*fd);
	else if (errno == EWOULDBLOCK)
		rc = refuse(path, *fd, err);
	else
		rc = err_usage(err, "cannot lock %s: %s; the state must be on a local disk", file, strerror(errno));
	if (rc) {
		close(*fd);
		*fd = -1;
	}
	return rc;
}

void lock_release(int fd)
{
	if (fd >= 0)
		close(fd);
}
