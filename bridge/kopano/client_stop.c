#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bridge/kopano/stop.h"

struct client_stop {
	int fd;
	atomic_bool asked;
};

struct client_stop *client_stop_new(void)
{
	struct client_stop *stop = xcalloc(1, sizeof *stop);

	stop->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (stop->fd >= 0)
		return stop;
	free(stop);
	return NULL;
}

void client_stop_free(struct client_stop *stop)
{
	if (!stop)
		return;
	close(stop->fd);
	free(stop);
}

void client_stop_now(struct client_stop *stop)
{
	if (!stop)
		return;
	atomic_store(&stop->asked, true);
	eventfd_write(stop->fd, 1);
}

bool client_stop_asked(const struct client_stop *stop)
{
	return stop && atomic_load(&stop->asked);
}

int client_stop_fd(const struct client_stop *stop)
{
	return stop ? stop->fd : -1;
}
