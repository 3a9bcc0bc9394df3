#!/usr/bin/python3
"""What a service manager is told: READY, STATUS, STOPPING, and a watchdog that a daemon which waits keeps feeding."""

import os
import signal
import socket
import time
import unittest
from typing import Callable

from files import FileDaemonTest
from gate import Gate

SECONDS = 40.0
WATCHDOG_MS = 1000
LONG_MS = 6000  # of which a busy machine does not take half


class Manager:
    """Takes the messages, each as a dictionary."""

    def __init__(self, name: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(name)
        self.messages: list[dict[str, str]] = []

    def take(self, seconds: float) -> dict[str, str]:
        self.socket.settimeout(max(seconds, 0.001))
        message = dict(line.split("=", 1) for line in self.socket.recv(4096).decode().split("\n"))
        self.messages.append(message)
        return message

    def wait_for(self, condition: Callable[[dict[str, str]], bool]) -> dict[str, str]:
        end = time.monotonic() + SECONDS
        while not condition(message := self.take(end - time.monotonic())):
            pass
        return message


class Notify(FileDaemonTest):
    def setUp(self) -> None:
        super().setUp()
        self.manager = Manager(str(self.directory / "notify"))
        self.addCleanup(self.manager.socket.close)

    def start_watched(self, watchdog_ms: int = WATCHDOG_MS) -> None:
        self.start(env={"NOTIFY_SOCKET": str(self.directory / "notify"), "WATCHDOG_USEC": str(watchdog_ms * 1000)})

    def wait_for(self, key: str, value: str) -> dict[str, str]:
        return self.manager.wait_for(lambda message: value in message.get(key, ""))

    def test_ready_and_stopping(self) -> None:
        self.start_watched()
        self.assertEqual(self.wait_for("READY", "1")["STATUS"], "from kopano to file")
        self.daemon.signal(signal.SIGTERM)
        self.wait_for("STOPPING", "1")
        self.assertEqual(self.daemon.wait(), 0)

    def test_ready_and_well_while_the_server_is_away(self) -> None:
        gate = Gate(self.fake.port)
        self.write_config(source={"kopano": {"url": gate.url}})
        self.start_watched()
        self.wait_for("READY", "1")
        self.assertIn("; retrying", self.wait_for("STATUS", "source: ")["STATUS"])
        for _ in range(3):
            self.wait_for("WATCHDOG", "1")
        self.addCleanup(gate.close)
        gate.open()
        self.wait_for("STATUS", "source: back")

    def test_the_watchdog_is_fed_before_it_bites_and_not_by_every_turn(self) -> None:
        self.start_watched(LONG_MS)
        times = []
        for _ in range(3):
            self.fake.create("user1/Inbox")
            self.wait_for("WATCHDOG", "1")
            times.append(time.monotonic())
        self.assertLess(max(after - before for before, after in zip(times, times[1:])), LONG_MS / 1000)
        self.assertGreater(times[-1] - times[0], LONG_MS / 2000)

    def test_a_daemon_that_hangs_does_not_feed_it(self) -> None:
        self.start_watched()
        self.wait_for("WATCHDOG", "1")
        self.daemon.signal(signal.SIGSTOP)
        self.addCleanup(self.daemon.signal, signal.SIGCONT)
        with self.assertRaises(TimeoutError):
            while True:
                self.manager.take(3 * WATCHDOG_MS / 1000)

    def test_the_watchdog_of_another_process_is_not_its_own(self) -> None:
        self.start(env={"NOTIFY_SOCKET": str(self.directory / "notify"), "WATCHDOG_USEC": "1000", "WATCHDOG_PID": str(os.getpid())})
        self.wait_for("READY", "1")
        self.daemon.signal(signal.SIGTERM)
        self.assertEqual(self.wait_for("STOPPING", "1").get("WATCHDOG"), None)
        self.assertFalse(any("WATCHDOG" in message for message in self.manager.messages))

    def test_a_manager_that_is_gone_does_not_matter(self) -> None:
        self.fake.create("user1/Inbox", 3)
        self.start(env={"NOTIFY_SOCKET": str(self.directory / "nobody"), "WATCHDOG_USEC": "not a number"})
        self.assert_mirror()


if __name__ == "__main__":
    unittest.main(verbosity=2)
