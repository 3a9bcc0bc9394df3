#!/usr/bin/python3
"""The demo, short: it loses nothing, and where one record is left out it says so."""

import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "daemon"))

from verdict import FOLDER, USER, Server, change, last_of_items, lost, records_of  # noqa: E402

KAFKA = os.environ.get("TIDINGS_KAFKA", "")
DEADLINE_S = 180


def demo(*arguments: str, seconds: int = 5) -> subprocess.CompletedProcess:
    return subprocess.run([HERE / "demo", "--seconds", str(seconds), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=DEADLINE_S, env=dict(os.environ, COLUMNS="120"))


class Demo(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="tidings-kept-")
        self.addCleanup(scratch.cleanup)
        self.kept = Path(scratch.name)

    def assert_nothing_lost(self, done: subprocess.CompletedProcess) -> None:
        self.assertEqual(done.returncode, 0, done.stdout)
        counts = re.fullmatch(r"published (\d+), acknowledged (\d+), lost 0", done.stdout.splitlines()[-1])
        self.assertTrue(counts, done.stdout)
        self.assertEqual(counts[1], counts[2])
        self.assertIn("--- the bridge was killed (SIGKILL)", done.stdout)
        self.assertRegex(done.stdout, r"item created +user1 +Inbox +\S+")
        self.assertRegex(done.stdout, r"folder created +user1 +Projects +\S+")
        self.assertRegex(done.stdout, r"user created ")

    def test_through_zeromq(self) -> None:
        done = demo("--keep", str(self.kept))
        self.assert_nothing_lost(done)
        self.assertRegex(done.stdout, r"; [1-9]\d* records came twice\n", "some were on their way when the bridge was killed")
        lines = (self.kept / "tail.json").read_text().splitlines()
        server = Server.read(self.kept / "server.json")
        self.assertEqual(lost(server, records_of(lines)), set())
        self.assertGreater(len(server.journal), 10)
        self.assert_each_last_record_is_missed(server, records_of(lines))
        self.assert_folders_and_users_are_missed(server, records_of(lines))

    def assert_each_last_record_is_missed(self, server: Server, records: list) -> None:
        """Without the last record of an item, it is that item which is lost."""
        last = last_of_items(server, records)
        self.assertGreater(len(last), 5)
        for item, id_ in last.items():
            self.assertEqual(lost(server, [r for r in records if r.id != id_]), {item})

    def assert_folders_and_users_are_missed(self, server: Server, records: list) -> None:
        without = [r for r in records if not isinstance(r, change.ChangeEvent) or r.object_type not in (FOLDER, USER) or r.origin != change.ORIGIN_ICS]
        kinds = {kind for kind, _ in lost(server, without)}
        self.assertIn("folder", kinds)
        self.assertEqual("user" in kinds, any(server.people.values()))

    def test_a_record_that_is_left_out_is_lost(self) -> None:
        done = demo("--lose-one", seconds=3)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stdout, r"\npublished \d+, acknowledged \d+, lost 1\nlost: item [0-9a-f]+ of folder [0-9a-f]+\n\Z")

    @unittest.skipUnless(KAFKA, "skipped: no Kafka")
    def test_through_kafka(self) -> None:
        self.assert_nothing_lost(demo("--sink", "kafka"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
