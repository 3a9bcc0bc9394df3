/* What a service manager is told (systemd, Type=notify): that the daemon has begun, how it is, that it stops, and that
 * its loop still turns.
 *
 *     notify("READY=1", "from %s to %s", ...)
 *     watchdog_init(&watchdog); while (...) poll(fds, n, watchdog_turn(&watchdog, timeout_ms));
 *
 * The watchdog is fed by turns of the loop, not by delivery: a daemon that waits days for its broker is well, one whose
 * loop hangs is not. Where nobody asked ($NOTIFY_SOCKET, $WATCHDOG_USEC) nothing happens, and a message that cannot be
 * sent is lost: the daemon's work does not depend on it. `notify` is for any thread, a watchdog for one. */
#ifndef TIDINGS_BRIDGE_NOTIFY_H
#define TIDINGS_BRIDGE_NOTIFY_H

#include <stdint.h>

/* An assignment or NULL, and the unit's status line, which anybody may read: no secrets. */
void notify(const char *assignment, const char *status_format, ...) __attribute__((format(printf, 2, 3)));

struct watchdog {
	int64_t period_ms; /* half of what the manager allows; 0: it asks for nothing */
	int64_t due_ms;
};

void watchdog_init(struct watchdog *watchdog);

/* Says that the loop turns, if it is time for that. Returns how long the loop may wait: `timeout_ms` (-1: for ever), or
 * less. */
int watchdog_turn(struct watchdog *watchdog, int timeout_ms);

#endif
