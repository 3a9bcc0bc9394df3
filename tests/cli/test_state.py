#!/usr/bin/python3
"""`tidings state`: what it says of a state that a daemon has made, while it runs and afterwards."""

import json
import re
import sqlite3
import subprocess
import sys
import unittest
from contextlib import closing
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "daemon"))

from harness import DaemonTest  # noqa: E402
from process import BUILD  # noqa: E402

DEADLINE_S = 20
STREAM = r"contents/[0-9a-f]{32}/[0-9a-f]{44}"


class State(DaemonTest):
    follow = {"mode": "folders", "stores": ["user1"], "folders": ["Inbox", "Drafts"]}

    def setUp(self) -> None:
        super().setUp()
        self.fake.create("user1/Inbox", 3)
        self.start()
        self.wait_for(lambda: len(self.positions()) == 2 and self.is_listed(), "two streams, and both are listed")

    def make_topics(self) -> None:
        self.topic_names = {}
        (self.directory / "records").mkdir()

    def default_config(self) -> dict[str, Any]:
        config = super().default_config() | {"sink": {"file": {"directory": str(self.directory / "records")}}}
        config["source"]["kopano"]["settle_ms"] = 600000  # positions stay where they are
        return config

    def positions(self) -> list[tuple[bytes, bytes]]:
        return self.state_entries(b"position/contents/")

    def tidings(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([BUILD / "tidings", *arguments, "-c", self.directory / "tidings.yaml"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=DEADLINE_S)

    def said(self, *arguments: str) -> list[str]:
        done = self.tidings("state", *arguments)
        self.assertEqual((done.stderr, done.returncode), ("", 0))
        return done.stdout.splitlines()

    def write(self, key: bytes, value: bytes) -> None:
        with closing(sqlite3.connect(self.directory / "state.db")) as db, db:
            db.execute("REPLACE INTO entry (key, value) VALUES (?, ?)", (key, value))

    def inbox(self) -> bytes:
        return self.fake.folder("user1", "Inbox").key.hex().encode()

    # ---- list ----

    def test_list_while_the_daemon_runs_and_after(self) -> None:
        lines = self.said("list")
        self.assertEqual(len(lines), 3)
        self.assertRegex(lines[0], rf'\A{STREAM} +[0-9a-f]{{16}}  "Inbox" of user1, sync id \d+, change id \d+\Z')
        self.assertIn('"Drafts" of user1', lines[1])
        self.assertRegex(lines[2], r"\Ahierarchy/[0-9a-f]{32} ")
        self.assertTrue(self.daemon.running())
        self.assertEqual(self.daemon.stop(), 0)
        self.assertEqual(self.said("list"), lines)

    def test_list_as_json(self) -> None:
        found = [json.loads(line) for line in self.said("list", "--json")]
        self.assertEqual([list(entry) for entry in found], [["stream", "position", "text"]] * 3)
        self.assertEqual([(b"position/" + e["stream"].encode(), bytes.fromhex(e["position"])) for e in found], self.state_entries(b"position/"))
        sync_id, change_id = map(int, re.search(r"sync id (\d+), change id (\d+)\Z", found[0]["text"]).groups())
        self.assertEqual(found[0]["position"], (sync_id.to_bytes(4, "little") + change_id.to_bytes(4, "little")).hex())

    def test_a_snapshot_under_way(self) -> None:
        self.assertEqual(self.daemon.stop(), 0)
        stream = self.positions()[0][0].replace(b"contents", b"snapshot")
        for number, text in [(7, "listed down to item number 7"), (0xFFFFFFFF, "none is listed yet")]:
            self.write(stream, b"\x01" + bytes(range(16)) + b"\x00" + number.to_bytes(4, "little"))
            (line,) = [line for line in self.said("list") if line.startswith("snapshot/")]
            self.assertTrue(line.endswith(f'"Inbox" of user1, normal items, {text}, snapshot {bytes(range(16)).hex()}'), line)

    def test_change_ids_above_the_position(self) -> None:
        self.assertEqual(self.daemon.stop(), 0)
        key = self.positions()[0][0].replace(b"position", b"taken") + b"/00000005"
        self.write(key, b"".join(n.to_bytes(4, "little") for n in (5, 7, 8)))
        self.assertEqual(self.said("show", key.decode())[2], "3 change ids published, from 5 to 8")

    def test_a_folder_that_has_ended(self) -> None:
        self.assertEqual(self.daemon.stop(), 0)
        ((key, value),) = [e for e in self.state_entries(b"folder/") if e[0].endswith(self.inbox())]
        flags = int.from_bytes(value[1:3], "little") | 1 << 5
        self.write(key, value[:1] + flags.to_bytes(2, "little") + value[3:])
        self.assertTrue(self.said("show", key.decode())[2].endswith(", ended, recoverable"))

    def test_what_is_of_another_version(self) -> None:
        self.assertEqual(self.daemon.stop(), 0)
        self.write(self.positions()[0][0], b"\x01\x02\x03")
        self.assertTrue(self.said("list")[0].endswith("  010203  (not understood by this version)"))

    def test_a_folders_name_commands_no_terminal(self) -> None:
        self.assertEqual(self.daemon.stop(), 0)
        ((key, value),) = [e for e in self.state_entries(b"folder/") if e[0].endswith(self.inbox())]
        self.write(key, value.replace(b"Inbox", "\x1b[\x9b".encode() + b"m"))
        self.assertIn('"?[?m" of user1', self.said("list")[0])
        (line, *_) = self.said("list", "-j")
        self.assertIn("\\u001b[\\u009bm", line)

    # ---- show ----

    def test_show_an_entry(self) -> None:
        (key, value), *_ = self.positions()
        for name in (key, key.removeprefix(b"position/")):
            self.assertEqual(self.said("show", name.decode())[:2], [key.decode(), value.hex()])
        folder = self.said("show", f"folder/{self.inbox().decode()}")
        self.assertRegex(folder[2], r'\A"Inbox", class "[^"]*", store [0-9a-f]{32}, parent [0-9a-f]+, followed, normal items listed\Z')
        self.assertRegex(self.said("show", "ends/kopano")[2], r"\Aserver [0-9a-f]{32}, epoch 1, a stream per folder, listing 1\Z")
        n_bytes = (self.directory / "records" / "items.records").stat().st_size
        self.assertEqual(self.said("show", "ends/file/items")[2], f"items.records has at least {n_bytes} bytes")
        self.assertEqual(list(json.loads(*self.said("show", "--json", "ends/kopano"))), ["key", "value", "text"])

    def test_show_none(self) -> None:
        done = self.tidings("state", "show", "folder/12")
        self.assertEqual((done.stdout, done.stderr, done.returncode), (
            "", 'tidings: error: no entry "folder/12" in the state: `tidings state list` names the streams\n', 2))

    # ---- what a user types ----

    def test_usage(self) -> None:
        for arguments, text in [
            (["state"], "list, show, set, reset, export or import?"),
            (["state", "lst"], "`lst` is none of list, show, set, reset, export or import"),
            (["state", "list", "x"], "unexpected argument `x`"),
            (["state", "set", "x"], "set which stream to which position? Write `set STREAM HEX`; `tidings state list` names the streams"),
            (["state", "export"], "export to which file? - is standard output"),
            (["state", "reset", "x", "y"], "unexpected argument `y`"),
            (["state", "show", "x", "y"], "unexpected argument `y`"),
            (["state", "show"], "show which entry? `tidings state list` names the streams"),
            (["state", "list", "--jsno"], "unknown option `--jsno`"),
            (["state", "list", "--json=1"], "option `--json=1` takes no value"),
            (["state", "list", "--state", "now"], "unknown option `--state`"),
        ]:
            with self.subTest(arguments):
                done = self.tidings(*arguments)
                self.assertEqual((done.stdout, done.stderr, done.returncode),
                                 ("", f"tidings state: {text}\nSee `tidings help state`.\n", 2))

    def test_no_state_and_no_state_of_ours(self) -> None:
        self.assertEqual(self.daemon.stop(), 0)
        self.write_config(state={"path": str(self.directory / "none.db")})
        done = self.tidings("state", "list")
        self.assertEqual((done.stdout, done.returncode), ("", 2))
        self.assertIn(f"cannot open the state {self.directory}/none.db", done.stderr)
        self.assertFalse((self.directory / "none.db").exists())
        (self.directory / "none.db").write_bytes(b"x" * 4096)
        self.assertEqual(self.tidings("state", "list").returncode, 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
