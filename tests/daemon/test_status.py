#!/usr/bin/python3
"""A running daemon answers: `tidings status`, `tidings snapshot`, curl; and what it does on SIGHUP."""

import contextlib
import json
import os
import pty
import re
import signal
import socket
import stat
import subprocess
import unittest
from typing import Any

from asking import DEADLINE_S, AskingTest
from gate import Gate
from process import BUILD
from topics import lifecycle

DEADLINE_S = 30


class Status(AskingTest):
    def test_as_json(self) -> None:
        self.fake.create("user1/Inbox", 3)
        self.run_until_listed()
        found = self.status()
        self.assertEqual(found["process"], self.daemon.process.pid)
        self.assertEqual((found["source"]["name"], found["source"]["connected"]), ("kopano", True))
        self.assertEqual((found["sink"]["name"], found["sink"]["connected"], found["sink"]["reconnects"]), ("file", True, 0))
        self.assertGreaterEqual(found["counters"]["acknowledged"], 5)  # three rows, both ends
        self.wait_for(self.all_is_acknowledged, "what was published is acknowledged")
        self.assertEqual(found["memory"]["budget_bytes"], 8 << 20)
        self.assertGreater(found["memory"]["peak_bytes"], 1 << 20)
        self.wait_for(lambda: self.told_position() == self.state_entries(b"position/contents/"), "the position of the state")
        (stream,) = [s for s in found["streams"] if s["stream"].startswith("contents/")]
        self.assertIn('"Inbox" of user1', stream["text"])

    def all_is_acknowledged(self) -> bool:
        found = self.status()
        return found["counters"]["published"] == found["counters"]["acknowledged"] and found["sink"]["unacknowledged"] == 0

    def told_position(self) -> list[tuple[bytes, bytes]]:
        streams = [s for s in self.status()["streams"] if s["stream"].startswith("contents/")]
        return [(f"position/{s['stream']}".encode(), bytes.fromhex(s["position"])) for s in streams]

    def test_for_people(self) -> None:
        self.run_until_listed()
        table = self.done("status")
        self.assertRegex(table, r"(?m)^source\n  name +kopano\n")
        self.assertRegex(table, r"(?m)^  budget +8\.0 MiB$")
        self.assertRegex(table, r"(?m)^streams\n  stream +position +text\n  contents/\S+ +[0-9a-f]{16}  \"Inbox\" of user1")
        self.assertNotRegex(table, r" \n")

    def test_without_a_daemon(self) -> None:
        self.refused(f"error: no daemon runs with this configuration: nobody listens at {self.socket()}\n", "status", status=1)

    def test_a_server_that_is_away(self) -> None:
        gate = Gate(self.fake.port)
        self.addCleanup(gate.close)
        gate.open()
        self.write_config(source={"kopano": {"url": gate.url}})
        self.run_until_listed()
        gate.close()
        self.wait_for(lambda: not self.status()["source"]["connected"], "the outage")
        self.wait_for(lambda: self.status()["source"].get("outage"), "why")
        gate.open()
        self.wait_for(self.is_back, "its end")
        self.daemon.wait_for("source: back after")

    def is_back(self) -> bool:
        source = self.status()["source"]
        return source["connected"] and source["reconnects"] == 1 and "outage" not in source

    def test_a_server_that_never_was_there(self) -> None:
        self.fake.kill()
        self.start()
        self.wait_for(lambda: self.socket().exists() and "outage" in self.status()["source"], "the outage")
        self.assertFalse(self.status()["source"]["connected"])


class Socket(AskingTest):
    def curl(self, *arguments: str) -> str:
        return subprocess.run(["curl", "-s", "-w", "%{http_code}", "--unix-socket", self.socket(), *arguments],
                              capture_output=True, text=True, timeout=DEADLINE_S, check=True).stdout

    def test_curl(self) -> None:
        self.start()
        self.daemon.wait_for("version")
        self.assertEqual(json.loads(self.curl("http://x/status")[:-3])["source"]["name"], "kopano")
        self.assertTrue(self.curl("http://x/").endswith("404"))
        self.assertTrue(self.curl("-X", "POST", "http://x/status").endswith("405"))
        self.assertTrue(self.curl("-X", "POST", "http://x/snapshot").endswith("400"))
        self.assertTrue(self.curl("-d", "x" * 100000, "http://x/snapshot").endswith("400"))

    def test_it_is_the_users_alone_and_goes(self) -> None:
        self.start()
        self.daemon.wait_for("version")
        self.assertEqual(stat.S_IMODE(self.socket().stat().st_mode), 0o600)
        self.assertEqual(self.daemon.stop(), 0)
        self.assertFalse(self.socket().exists())

    def test_one_that_a_dead_daemon_left_is_replaced(self) -> None:
        self.start()
        self.daemon.wait_for("version")
        self.daemon.kill()
        self.assertTrue(self.socket().exists())
        self.assertEqual(self.tidings("status").returncode, 1)
        self.start()
        self.daemon.wait_for("version")
        self.assertEqual(self.status()["process"], self.daemon.process.pid)

    def test_one_that_is_in_use_is_refused(self) -> None:
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(self.socket()))
            other.listen()
            self.start()
            self.assertEqual(self.daemon.wait(), 2)
        self.assertIn(f"the control socket {self.socket()} is in use by another process", self.daemon.log())

    def test_what_is_no_socket_is_left(self) -> None:
        self.socket().write_text("mine")
        self.start()
        self.assertEqual(self.daemon.wait(), 2)
        self.assertEqual(self.socket().read_text(), "mine")

    def test_its_path(self) -> None:
        self.write_config(control={"socket": str(self.directory / "here")})
        self.start()
        self.daemon.wait_for("version")
        self.assertEqual(self.status()["process"], self.daemon.process.pid)
        self.write_config(control={"socket": "/" + "x" * 108})
        self.refused("has more than 107 bytes", "status")

    def test_many_who_ask_do_not_stop_it(self) -> None:
        """Idle connections take nothing from the daemon but their places."""
        self.start()
        self.daemon.wait_for("version")
        idle = [socket.socket(socket.AF_UNIX) for _ in range(40)]
        for one in idle:
            self.addCleanup(one.close)
            one.connect(str(self.socket()))
        self.fake.create("user1/Inbox", 1)
        self.wait_for(self.is_listed, "the snapshot's end")
        for one in idle:
            one.close()
        self.assertEqual(self.status()["source"]["connected"], True)


class Lifecycle(AskingTest):
    def test_start_and_stop_are_published(self) -> None:
        self.run_until_listed()
        self.kill_and_start()
        self.daemon.wait_for("version")
        self.assertEqual(self.daemon.stop(), 0)
        self.topics.read_to_end()
        kinds = [event.type for event in self.topics.lifecycle if not event.HasField("folder")]
        self.assertEqual(kinds, [lifecycle.LIFECYCLE_TYPE_STARTED] * 2 + [lifecycle.LIFECYCLE_TYPE_STOPPED])
        self.assertEqual(self.topics.lifecycle[-1].type, lifecycle.LIFECYCLE_TYPE_STOPPED)  # after everything else


class Reload(AskingTest):
    follow = {"mode": "folders", "stores": ["user1"], "folders": ["Inbox"]}

    def reload(self, **changes: Any) -> None:
        self.write_config(**changes)
        self.daemon.signal(signal.SIGHUP)

    def test_what_is_followed_changes(self) -> None:
        self.fake.create("user1/Drafts", 3)
        self.run_until_listed()
        self.reload(follow={"folders": ["Inbox", "Drafts"]})
        self.daemon.wait_for("SIGHUP: .*tidings.yaml was read again")
        self.wait_for(lambda: len(self.state_entries(b"position/contents/")) == 2 and self.is_listed(), "both folders")
        self.fake.create("user1/Inbox", 2)
        self.assert_mirror()
        self.assertEqual(self.topics.repeats(), 0)

    def test_the_log_level_changes(self) -> None:
        self.run_until_listed()
        self.reload(log={"level": "warning"})
        self.wait_for(lambda: self.fake.calls("logon") == 2, "a new session")
        self.assertEqual(self.daemon.stop(), 0)
        self.assertEqual(self.daemon.count("SIGTERM"), 0)

    def test_a_bad_file_changes_nothing(self) -> None:
        self.run_until_listed()
        self.reload(folow={})
        self.daemon.wait_for("error: SIGHUP: .*unknown key `folow`; did you mean `follow`.*; the configuration of before still holds")
        self.fake.create("user1/Inbox", 2)
        self.wait_for_mirror()
        self.assertEqual(self.fake.calls("logon"), 1)
        self.write_config()
        self.assertEqual(self.status()["source"]["reconnects"], 0)

    def test_what_only_a_restart_can_change(self) -> None:
        self.run_until_listed()
        for what, changes in [("state.path", {"state": {"path": str(self.directory / "other.db")}, "control": {"socket": str(self.socket())}}),
                              ("the kind of sink", {"sink": {"file": None, "kafka": {"librdkafka": {"bootstrap.servers": "x:1"}}}}),
                              ("control.socket", {"control": {"socket": str(self.directory / "other")}})]:
            with self.subTest(what):
                self.reload(**changes)
                self.daemon.wait_for(f"error: SIGHUP: {what} cannot change while the daemon runs: restart it")
        self.assertTrue(self.daemon.running())

    def test_while_the_server_is_away(self) -> None:
        gate = Gate(self.fake.port)
        self.addCleanup(gate.close)
        url = self.config["source"]["kopano"]["url"]
        self.write_config(source={"kopano": {"url": gate.url}})
        self.start()
        self.daemon.wait_for("retrying")
        self.reload(source={"kopano": {"url": url}})
        self.wait_for(self.is_listed, "the snapshot's end")


class Terminal(AskingTest):
    def test_long_work_is_one_line_that_is_rewritten(self) -> None:
        self.fake.create("user1/Inbox", 3000, quiet=True)
        self.fake.fault("slow", "tableQueryRows", n=500, times=4)
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process = subprocess.Popen([BUILD / "tidings", "run", "-c", self.directory / "tidings.yaml"], stdin=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        self.addCleanup(process.kill)
        self.wait_for(self.is_listed, "the snapshot's end")
        process.terminate()
        said = b""
        with contextlib.suppress(OSError):  # the end, on a terminal
            while more := os.read(ours, 65536):
                said += more
        self.assertEqual(process.wait(DEADLINE_S), 0)
        self.assertRegex(said, rb"\r\x1b\[K[^\r\n]*records/s")
        screen = [line.split(b"\r\x1b[K")[-1] for line in said.replace(b"\r\n", b"\n").split(b"\n")]
        self.assertEqual([line[:9] for line in screen if line], [b"tidings: "] * 3)  # the version, the signal, the counts


if __name__ == "__main__":
    unittest.main(verbosity=2)
