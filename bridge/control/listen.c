#include "bridge/control/listen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 16 };

static int cannot(const char *path, struct err *err)
{
	if (errno == EMFILE || errno == ENFILE)
		return err_fatal(err, "cannot make the control socket %s: %s; raise the limit of open files", path,
				 strerror(errno));
	return err_usage(
		err,
		"cannot make the control socket %s: %s; its directory must exist and be writable for this user "
		"(control.socket)",
		path, strerror(errno));
}

static int address_of(const char *path, struct sockaddr_un *address, struct err *err)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (snprintf(address->sun_path, sizeof address->sun_path, "%s", path) < (int)sizeof address->sun_path)
		return 0;
	errno = ENAMETOOLONG;
	return cannot(path, err);
}

/* Nobody takes calls on a socket whose process is dead. */
static int remove_stale(const char *path, const struct sockaddr_un *address, struct err *err)
{
	struct stat st;
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : cannot(path, err);
	if (!S_ISSOCK(st.st_mode))
		return err_usage(err, "the control socket %s cannot be made: there is a file of this name", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int said = fd < 0 ? -1 : connect(fd, (const struct sockaddr *)address, sizeof *address);
	int why = errno;
	if (fd >= 0)
		close(fd);
	if (said < 0 && why == ECONNREFUSED)
		return unlink(path) < 0 && errno != ENOENT ? cannot(path, err) : 0;
	return err_usage(err, "the control socket %s is in use by another process; name another at control.socket",
			 path);
}

static int bind_and_listen(int fd, const char *path, const struct sockaddr_un *address, struct err *err)
{
	mode_t mask = umask(0177);
	int said = bind(fd, (const struct sockaddr *)address, sizeof *address);
	umask(mask);
	return said < 0 || listen(fd, BACKLOG) < 0 ? cannot(path, err) : 0;
}

int listen_at(const char *path, int *fd, struct err *err)
{
	struct sockaddr_un address;
	int rc;
	if ((rc = address_of(path, &address, err)) || (rc = remove_stale(path, &address, err)))
		return rc;
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return cannot(path, err);
	rc = bind_and_listen(*fd, path, &address, err);
	if (rc)
		close(*fd);
	return rc;
}
