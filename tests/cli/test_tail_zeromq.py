#!/usr/bin/python3
"""`tidings tail` as the required consumer of a ZeroMQ sink, and as somebody who only listens."""

import json
import random
import signal
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "daemon"))
sys.path.insert(0, str(HERE.parent / "demo"))

from harness import DaemonTest  # noqa: E402
from process import BUILD  # noqa: E402
from verdict import Server, lost, records_of  # noqa: E402
from writer import Writer  # noqa: E402

DEADLINE_S = 30
FOLDERS = ["user1/Inbox", "user1/Sent Items"]


def is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


class Consumer(DaemonTest):
    follow = {"mode": "folders", "stores": ["user1"], "folders": ["Inbox", "Sent Items"], "associated": True}

    def make_topics(self) -> None:
        self.topic_names: dict[str, str] = {}
        self.saved = self.directory / "saved"
        self.saved.write_text("")

    def default_config(self) -> dict[str, Any]:
        endpoints = {"acknowledged": {"bind": f"ipc://{self.directory}/stream", "consumer": "archive", "heartbeat_ms": 100},
                     "live": {"bind": f"ipc://{self.directory}/live"}}
        return super().default_config() | {"sink": {"zeromq": endpoints}}

    def command(self, *arguments: str) -> list[str]:
        return [str(BUILD / "tidings"), "tail", "-c", str(self.directory / "tidings.yaml"), *arguments]

    def tail(self, *arguments: str) -> subprocess.Popen:
        process = subprocess.Popen(self.command("--save", str(self.saved), *arguments), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def lines(self) -> list[str]:
        """A line that a killed consumer left torn is not one."""
        text = self.saved.read_text()
        return [line for line in text[:text.rfind("\n") + 1].splitlines() if is_json(line)]

    def lost(self) -> set[tuple[str, str]]:
        rows = self.fake.do("folders", store="user1")["folders"]
        folders = {row["key"]: row["name"] for row in rows if f"user1/{row.get('name')}" in FOLDERS}
        return lost(Server.of_folders(self.fake, folders, self.since, {}), records_of(self.lines()))

    def n_listed(self) -> int:
        return sum('"kind":"SNAPSHOT_END"' in line for line in self.lines())

    def are_listings_committed(self) -> bool:
        """What was only printed is listed again after a kill, and then the listing answers for the journal."""
        return len(self.state_entries(b"position/contents/")) == len(FOLDERS) and self.is_listed()

    def test_nothing_is_lost_when_bridge_and_consumer_are_killed(self) -> None:
        rng = random.Random(5)
        writer = Writer(self.fake, rng)
        writer.work(100)
        self.start()
        tail = self.tail()
        self.wait_for(self.are_listings_committed, "the listings")
        self.since = self.fake.do("info")["max_change"]
        with writer.at_work():
            for n in range(8):
                n_lines = len(self.lines())
                self.wait_for(lambda: len(self.lines()) > n_lines + rng.randrange(20), "more lines")
                if n % 2:
                    self.kill_and_start()
                else:
                    tail.kill()
                    tail.wait()
                    with open(self.saved, "a") as saved:
                        saved.write("\n")  # a torn line ends here
                    tail = self.tail()
        self.wait_for(lambda: not self.lost(), lambda: f"lost: {self.lost()}", DEADLINE_S)
        tail.send_signal(signal.SIGINT)
        self.assertEqual(tail.wait(DEADLINE_S), 0)

    def test_what_was_not_printed_is_not_acknowledged(self) -> None:
        self.fake.create("user1/Inbox", 5)
        self.start()
        count = ["--count", "1", "--topic", "items", "--kind", "created"]
        subjects: set[str] = set()
        for _ in range(10):  # an acknowledgement may get lost with its consumer: then a record comes again
            done = subprocess.run(self.command(*count), capture_output=True, text=True, timeout=DEADLINE_S)
            self.assertEqual(done.returncode, 0, done.stderr)
            subjects |= {record.item.subject for record in records_of(done.stdout.splitlines())}
            if len(subjects) == 5:
                break
        self.assertEqual(subjects, {f"item {n}" for n in range(1, 6)})

    def test_what_the_filter_leaves_out_does_not_stop_the_flow(self) -> None:
        self.fake.create("user1/Inbox", 3000)
        self.fake.create("user1/Sent Items", subject="the one")
        self.start()
        self.tail("--folder", "Sent Items", "--topic", "items", "--kind", "created")
        self.wait_for(self.lines, "a line")
        self.assertEqual([r.item.subject for r in records_of(self.lines())], ["the one"])

    def test_live(self) -> None:
        self.start()
        consumer = self.tail()
        self.wait_for(lambda: self.n_listed() == 2, "the listings")
        live = subprocess.Popen(self.command("--live"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.addCleanup(live.stdout.close)
        self.addCleanup(live.wait)
        self.addCleanup(live.kill)
        with Writer(self.fake, random.Random(1)).at_work():  # until the subscription has arrived, nobody hears
            line = live.stdout.readline()
        self.wait_for(lambda: line.strip() in self.lines(), "the same line from the consumer")
        live.send_signal(signal.SIGINT)
        self.assertEqual(live.wait(DEADLINE_S), 0)
        self.assertIsNone(consumer.poll())

    def test_where_nobody_answers_it_says_so(self) -> None:
        tail = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(tail.stderr.close)
        self.addCleanup(tail.wait)
        self.addCleanup(tail.kill)
        self.assertIn(f"ipc://{self.directory}/stream: no bridge answers here; waiting for it", tail.stderr.readline())

    def test_refused(self) -> None:
        for arguments, text in [(["--from", "10m"], "--from is for Kafka and files"), (["--live", "--as", "me"], "--live needs no name")]:
            done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=DEADLINE_S)
            self.assertEqual((done.stdout, done.returncode), ("", 2))
            self.assertIn(text, done.stderr)
        self.start()
        done = subprocess.run(self.command("--as", "other"), capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertEqual((done.stdout, done.returncode), ("", 2))
        self.assertIn("refuses the consumer other", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
