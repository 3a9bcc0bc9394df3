#!/usr/bin/python3
"""The whole daemon into files: needs no broker. kill -9, a full disk, and files that are not the state's."""

import unittest

from files import FileDaemonTest
from waiting import SECONDS, wait_until

N_ITEMS = 2000


class FileSink(FileDaemonTest):
    def wait_for_events(self, n: int) -> None:
        wait_until(lambda: self.topics.pump() + 1 and len(self.topics.events) >= n, f"{n} events in the file", SECONDS)

    def test_snapshot_following_and_kills(self) -> None:
        self.fake.create("user1/Inbox", N_ITEMS)
        self.start()
        for n in range(5):
            self.wait_for_events(N_ITEMS // 10 * (n + 1))
            self.kill_and_start()
            item, *_ = self.fake.create("user1/Inbox", 20)
            self.fake.delete(item, hard=False)
        self.assert_mirror()

    def test_a_full_disk_stops_it_and_with_room_nothing_is_lost(self) -> None:
        self.fake.create("user1/Inbox", N_ITEMS)
        self.start(file_size_limit=200_000)
        self.assertEqual(self.daemon.wait(), 1)
        self.assertIn("cannot write to", self.daemon.log())
        self.assertIn("items.records: File too large", self.daemon.log())
        self.start()
        self.assert_mirror()

    def test_a_file_that_is_not_the_states_is_refused(self) -> None:
        self.fake.create("user1/Inbox", 10)
        self.start()
        self.wait_for_mirror()
        self.assertEqual(self.daemon.stop(), 0)
        (self.records / "items.records").write_bytes(b"")
        self.start()
        self.assertEqual(self.daemon.wait(), 2)
        self.assertIn("tidings state reset", self.daemon.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
