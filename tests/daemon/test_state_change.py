#!/usr/bin/python3
"""`tidings state set | reset | export | import`, `tidings snapshot` without a daemon, and that each error's way out is one."""

import json
import os
import pty
import shutil
import subprocess
import unittest
from pathlib import Path
from typing import Any

from asking import DEADLINE_S, AskingTest
from process import BUILD
from topics import change

N = 5


class StateChange(AskingTest):
    def default_config(self) -> dict[str, Any]:
        """Positions stay the beginning: nothing settles meanwhile."""
        config = super().default_config()
        config["source"]["kopano"]["settle_ms"] = 600000
        return config

    def setUp(self) -> None:
        super().setUp()
        self.items = self.fake.create("user1/Inbox", N)
        self.run_until_listed()

    def stop(self) -> None:
        self.assertEqual(self.daemon.stop(), 0)
        self.topics.read_to_end()

    def stream(self) -> str:
        return self.state_entries(b"position/contents/")[0][0].removeprefix(b"position/").decode()

    def begins(self) -> int:
        return len(self.topics.of_kind(change.KIND_SNAPSHOT_BEGIN))

    # ---- the daemon runs ----

    def test_nothing_is_changed_while_the_daemon_runs(self) -> None:
        said = f"is in use by process {self.daemon.process.pid}"
        (self.directory / "file").write_text('{"tidings_state":1}\n')
        for arguments in (["set", self.stream(), "0100000001000000"], ["reset", "--yes"], ["reset", "sink", "-y"]):
            self.refused("the state is changed only while no daemon runs", "state", *arguments)
            self.refused(said, "state", *arguments)
        self.refused(said, "state", "import", str(self.directory / "file"), "--replace")

    # ---- set ----

    def test_a_position_that_is_set_back(self) -> None:
        before = self.state_entries(b"position/contents/")[0][1]
        self.fake.create("user1/Inbox", 2)
        self.wait_for(lambda: self.topics.pump() + 1 and len(self.topics.events) == N + 4, "the new items")
        self.stop()
        self.done("state", "set", "--yes", self.stream(), before.hex())
        self.assertEqual(self.state_entries(b"position/contents/")[0][1], before)
        self.assertEqual(self.state_entries(b"taken/contents/"), [])
        self.start()
        self.wait_for(lambda: self.topics.pump() + 1 and len(self.topics.events) == 2 * N + 6, "everything since, again")
        self.assert_mirror()

    def test_what_is_no_position(self) -> None:
        self.stop()
        self.refused("is no position: it is written in pairs of hexadecimal digits", "state", "set", "-y", self.stream(), "xy")
        self.refused("is no position of this stream", "state", "set", "-y", self.stream(), "0102")
        self.refused('no stream "contents/x" in the state', "state", "set", "-y", "contents/x", "0102")

    # ---- reset ----

    def test_everything(self) -> None:
        self.stop()
        self.refused("this would forget every position and everything else that the state holds: say --yes", "state", "reset")
        self.assertTrue(self.has_position())
        self.done("state", "reset", "--yes")
        self.assertEqual([key for key, _ in self.state_entries(b"")], [b"epoch"])
        self.run_until_listed()
        self.wait_for(lambda: self.topics.pump() + 1 and self.begins() == 2, "a second snapshot")
        self.assert_mirror()
        self.assertEqual({e.epoch for e in self.topics.events[: N + 2]}, {1})
        self.assertEqual({e.epoch for e in self.topics.events[N + 2 :]}, {2})
        self.done("state", "reset", "--yes")
        self.done("state", "reset", "--yes")
        self.run_until_listed()
        self.assert_mirror()
        self.assertEqual(self.topics.events[-1].epoch, 3)

    def test_a_stream(self) -> None:
        self.stop()
        self.refused('no stream "contents/x"', "state", "reset", "-y", "contents/x")
        self.done("state", "reset", "-y", self.stream())
        self.assertFalse(self.has_position())
        self.fake.delete(self.items[0], hard=True)
        self.run_until_listed()
        self.assert_mirror()
        self.assertEqual(self.begins(), 2)

    def test_the_sink(self) -> None:
        self.stop()
        positions = self.state_entries(b"position/")
        self.done("state", "reset", "sink", "--yes")
        self.assertEqual([key for key, _ in self.state_entries(b"ends/")], [b"ends/kopano"])
        self.assertEqual(self.state_entries(b"position/"), positions)

    def test_a_state_that_is_not_there(self) -> None:
        self.stop()
        (self.directory / "state.db").unlink()
        self.refused("there is no state", "state", "reset", "--yes")
        self.assertFalse((self.directory / "state.db").exists())

    def test_a_terminal_is_asked(self) -> None:
        self.stop()
        for answer, status in (b"n\n", 2), (b"y\n", 0):
            ours, theirs = pty.openpty()
            process = subprocess.Popen([BUILD / "tidings", "state", "reset", "-c", self.directory / "tidings.yaml"], stdin=theirs,
                                       stderr=subprocess.PIPE)
            os.write(ours, answer)
            said = process.communicate(timeout=DEADLINE_S)[1]
            self.assertEqual(process.returncode, status)
            self.assertIn(b"This will forget every position", said)
            self.assertEqual(self.has_position(), status == 2)
            os.close(ours)
            os.close(theirs)

    # ---- each error's way out ----

    def refuses_to_start(self) -> None:
        self.start()
        self.assertEqual(self.daemon.wait(), 2)
        self.assertIn("`tidings state reset", self.daemon.log())

    def test_files_that_are_gone(self) -> None:
        for way_out in (["reset", "sink"], ["reset"]):
            self.stop()
            for file in self.records.iterdir():
                file.unlink()
            self.refuses_to_start()
            self.done("state", *way_out, "--yes")
            self.run_until_listed()
        self.stop()
        self.assertEqual(len((self.records / "items.records").read_bytes()) > 0, True)  # listed anew

    def test_what_is_no_file_of_records(self) -> None:
        self.stop()
        os.truncate(self.records / "items.records", 100 << 20)
        self.refuses_to_start()
        (self.records / "items.records").unlink()
        self.done("state", "reset", "--yes")
        self.run_until_listed()

    def test_another_kind_of_sink(self) -> None:
        self.stop()
        self.write_config(sink={"file": None, "kafka": {"librdkafka": {"bootstrap.servers": "127.0.0.1:1"}}})
        self.refuses_to_start()
        self.assertIn("the state was made with the sink file, and the configuration says kafka", self.daemon.log())
        self.done("state", "reset", "sink", "--yes")
        self.start()
        self.daemon.wait_for("version .* from kopano to kafka")

    def test_another_server(self) -> None:
        self.stop()
        self.fake.kill()
        self.fake.start()
        self.fake.set_password("user1", "Geheim-7nP4x")
        self.refuses_to_start()
        self.done("state", "reset", "--yes")
        self.run_until_listed()

    # ---- export, import ----

    def test_a_copy_is_the_same(self) -> None:
        file = str(self.directory / "copy")
        self.done("state", "export", file)
        self.assertEqual(os.stat(file).st_mode & 0o777, 0o600)
        self.stop()
        self.done("state", "export", file)
        before = self.state_entries(b"")
        self.refused("the state is not empty: say --replace", "state", "import", file)
        self.done("state", "reset", "--yes")
        self.done("state", "import", "--replace", file)
        self.assertEqual(self.state_entries(b""), before)
        (self.directory / "state.db").unlink()
        self.done("state", "import", file)
        self.assertEqual(self.state_entries(b""), before)
        lines = [json.loads(line) for line in Path(file).read_text().splitlines()]
        self.assertEqual(lines[0], {"tidings_state": 1})
        self.assertEqual([(bytes.fromhex(x["key"]), bytes.fromhex(x["value"])) for x in lines[1:]], before)
        self.assertEqual(self.done("state", "export", "-"), Path(file).read_text())
        self.fake.create("user1/Inbox", 1)
        self.start()
        self.assert_mirror()
        self.assertEqual(self.topics.repeats(), 0)

    def test_what_is_no_copy(self) -> None:
        self.stop()
        file = self.directory / "copy"
        before = self.state_entries(b"")
        head = '{"tidings_state": 1}\n'
        for text, said in [("", "is empty"), ("x\n", ":1: this is no line"), (head + "{}\n", ":2: this is no line"),
                           (head + '{"key": "00", "value": "0"}\n', ":2: this is no line"),
                           (head + '{"key": "", "value": "00"}\n', ":2: this is no line"),
                           (head + '{"key": "00", "value": "00"} x\n', ":2: this is no line"),
                           ('{"tidings_state": 2}\n', "is a state of version 2, and this program knows version 1")]:
            with self.subTest(text):
                file.write_text(text)
                self.refused(said, "state", "import", "--replace", str(file))
        self.refused("cannot read", "state", "import", "--replace", str(self.directory / "none"))
        self.assertEqual(self.state_entries(b""), before)

    def test_a_newer_state_is_not_copied(self) -> None:
        self.stop()
        shutil.copy(self.directory / "state.db", self.directory / "kept")
        subprocess.run(["/usr/bin/python3", "-c", "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA user_version = 99')",
                        self.directory / "state.db"], check=True)
        self.refused("version", "state", "export", "-")

    # ---- snapshot ----

    def test_a_snapshot_is_noted_for_the_next_start(self) -> None:
        self.stop()
        self.assertIn("next start", self.done("snapshot", "user1"))
        self.done("snapshot", "user1", "Inbox", "Projects/2026")
        self.assertEqual(self.state_entries(b"request/"), [
            (b"request/snapshot/user1/", b"user1\n"), (b"request/snapshot/user1/Inbox", b"user1\nInbox"),
            (b"request/snapshot/user1/Projects/2026", b"user1\nProjects/2026")])
        self.refused("of which store?", "snapshot")


if __name__ == "__main__":
    unittest.main(verbosity=2)
