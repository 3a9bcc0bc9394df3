#!/usr/bin/python3
"""The whole daemon into files: needs no broker. kill -9, a full disk, and files that are not the state's."""

import struct
import unittest
from pathlib import Path
from typing import Any

from harness import DaemonTest
from topics import change, dead_letter, lifecycle
from waiting import SECONDS, wait_until

from mirror import Mirror

N_ITEMS = 2000
KINDS = {"items": change.ChangeEvent, "lifecycle": lifecycle.LifecycleEvent, "deadletter": dead_letter.DeadLetter}


class Records:
    """What a reader of the directory sees: whole records, each once."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.at = dict.fromkeys(KINDS, 0)
        self.mirror = Mirror()
        self.events: list[Any] = []

    def close(self) -> None:
        pass

    def read_to_end(self) -> None:
        while self.pump():
            pass

    def pump(self, seconds: float = 0) -> int:
        return sum(self._take(kind, value) for kind in KINDS for value in self._new(kind))

    def _new(self, kind: str) -> list[bytes]:
        path = self.directory / f"{kind}.records"
        data = path.read_bytes()[self.at[kind]:] if path.exists() else b""
        values, at = [], 0
        while at + 4 <= len(data) and at + 4 + (size := struct.unpack_from("<I", data, at)[0]) <= len(data):
            values.append(data[at + 4:at + 4 + size])
            at += 4 + size
        self.at[kind] += at
        return values

    def _take(self, kind: str, value: bytes) -> int:
        message = KINDS[kind].FromString(value)
        if kind == "items":
            self.mirror.apply(message)
            self.events.append(message)
        elif kind == "deadletter":
            self.mirror.apply_dead_letter(message)
        return 1


class FileSink(DaemonTest):
    def make_topics(self) -> None:
        self.records = self.directory / "records"
        self.records.mkdir()
        self.topics = Records(self.records)

    def default_config(self) -> dict[str, Any]:
        self.topic_names = {}
        return super().default_config() | {"sink": {"file": {"directory": str(self.records)}}}

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
