#include "bridge/notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bridge/clock.h"

enum { MAX_MESSAGE = 1024 };

/* A path, or a name without one, which begins with '@' for the zero byte. */
static socklen_t address_of(const char *name, struct sockaddr_un *address)
{
	size_t size = strlen(name);
	if ((name[0] != '/' && name[0] != '@') || size >= sizeof address->sun_path)
		return 0;
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path, name, size);
	if (name[0] == '@')
		address->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
}

static void send_message(const char *text, size_t size)
{
	struct sockaddr_un address;
	const char *name = getenv("NOTIFY_SOCKET");
	socklen_t n_address = name ? address_of(name, &address) : 0;
	int fd = n_address ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
	if (fd < 0)
		return;
	sendto(fd, text, size, MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&address, n_address);
	close(fd);
}

void notify(const char *assignment, const char *status_format, ...)
{
	char text[MAX_MESSAGE], status[MAX_MESSAGE / 2];
	va_list args;
	va_start(args, status_format);
	vsnprintf(status, sizeof status, status_format, args);
	va_end(args);
	for (char *at = status; *at; at++) /* a server's text must not look like a further assignment */
		if ((unsigned char)*at < ' ')
			*at = '?';
	int size = snprintf(text, sizeof text, "%s%sSTATUS=%s", assignment ? assignment : "", assignment ? "\n" : "",
			    status);
	send_message(text, (size_t)size);
}

/* systemd names the process that it means: a child would inherit the rest. */
static int64_t asked_interval_ms(void)
{
	const char *interval_us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	if (!interval_us || (pid && strtoll(pid, NULL, 10) != getpid()))
		return 0;
	return strtoll(interval_us, NULL, 10) / 1000;
}

void watchdog_init(struct watchdog *watchdog)
{
	*watchdog = (struct watchdog){.period_ms = asked_interval_ms() / 2};
}

int watchdog_turn(struct watchdog *watchdog, int timeout_ms)
{
	int64_t now_ms = clock_ms();
	if (watchdog->period_ms <= 0)
		return timeout_ms;
	if (now_ms >= watchdog->due_ms) {
		send_message("WATCHDOG=1", strlen("WATCHDOG=1"));
		watchdog->due_ms = now_ms + watchdog->period_ms;
	}
	int64_t left_ms = watchdog->due_ms - now_ms;
	return timeout_ms >= 0 && timeout_ms < left_ms ? timeout_ms : (int)left_ms;
}
