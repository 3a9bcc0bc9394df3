#!/usr/bin/python3
"""`tidings tail`: what a daemon delivered, read back from Kafka and from files."""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import termios
import time
import unittest
import uuid
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "daemon"))

from files import FileDaemonTest  # noqa: E402
from harness import KAFKA, DaemonTest  # noqa: E402
from process import BUILD  # noqa: E402
from topics import change  # noqa: E402
from waiting import wait_until  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "mirror"))

from from_json import event_of  # noqa: E402

DEADLINE_S = 30
FULL_BYTES = 60000  # of a pipe that holds 65536: the next line does not fit


class Tail:
    """What is the same for every sink."""

    partitions = 3
    follow = {"mode": "folders", "stores": ["user1", "user2"], "folders": ["Inbox", "Drafts"]}
    user = "SYSTEM"

    def setUp(self) -> None:
        super().setUp()
        self.fake.create("user1/Inbox", 3, subject="hello %d", props={"0x0042001F": "Ann"})
        self.fake.create("user2/Inbox", 1, subject="for the other")
        self.start()
        self.wait_for_records(lambda t: len(t.of_kind(change.KIND_SNAPSHOT_END)) == 4, "all four are listed")
        self.wait_for(self.is_listed, "and that is committed, as what came before it")
        self.wait_for_mirror()

    def fake_arguments(self) -> list[str]:
        return ["--socket", str(self.directory / "kopano.sock")]

    def default_config(self) -> dict[str, Any]:
        config = super().default_config()
        config["source"]["kopano"]["url"] = f"file://{self.directory}/kopano.sock"
        return config

    def command(self, *arguments: str) -> list[str]:
        return [str(BUILD / "tidings"), "tail", "-c", str(self.directory / "tidings.yaml"), *arguments]

    def tail(self, *arguments: str) -> list[str]:
        done = subprocess.run(self.command(*arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE_S,
                              env=dict(os.environ, TZ="UTC", COLUMNS="100"))
        self.assertEqual((done.stderr, done.returncode), ("", 0))
        return done.stdout.splitlines()

    def events(self, *arguments: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.tail(*arguments)]

    def subjects(self, *arguments: str) -> list[str]:
        return sorted(e["item"]["subject"] for e in self.events(*arguments) if "item" in e)

    def refused(self, *arguments: str) -> str:
        done = subprocess.run(self.command(*arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertEqual((done.stdout, done.returncode), ("", 2))
        return done.stderr

    def following(self, *arguments: str) -> subprocess.Popen:
        process = subprocess.Popen(self.command("--follow", *arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    # ---- what is printed ----

    def test_every_record_once_as_the_contract_says(self) -> None:
        printed = [event_of(e) for e in self.events("--topic", "items")]
        expected = self.topics.events
        self.assertEqual(sorted(e.SerializeToString() for e in printed), sorted(e.SerializeToString() for e in expected))

    def test_all_topics(self) -> None:
        events = self.events()
        self.assertEqual(sum(e.get("type") == "STARTED" for e in events), 1)
        by_topic = [len(self.events("--topic", topics)) for topics in ("items", "folders", "lifecycle,deadletter")]
        self.assertEqual((len(events), by_topic[1]), (sum(by_topic), 4))

    def test_filters(self) -> None:
        hello = ["hello 1", "hello 2", "hello 3"]
        self.assertEqual(self.subjects(), ["for the other", *hello])
        self.assertEqual(self.subjects("--store", "user1"), hello)
        self.assertEqual(self.subjects("--store", "user1", "--folder", "Inbox"), hello)
        self.assertEqual(self.subjects("--store", "user1", "--folder", "Drafts"), [])
        (item, *_) = [e for e in self.events("--store", "user1") if "item" in e]
        self.assertEqual(self.subjects("--store", item["store"]["guid"]), hello)
        self.assertEqual(self.subjects("--folder", item["parentSourceKey"]), hello)
        self.assertEqual(self.subjects("--key", f"{item['store']['guid']}/{item['parentSourceKey']}"), hello)
        self.assertEqual(len(self.events("--kind", "snapshot-end")), 4)
        self.assertEqual(len(self.events("--object", "folder")), 4)
        self.assertEqual(len(self.events("--object", "item", "--count", "2")), 2)

    def test_from_a_time(self) -> None:
        self.assertEqual(self.events("--from", "end"), [])
        self.assertEqual(len(self.events("--from", "1h")), len(self.events()))
        last = max(e["observedAt"] for e in self.events("--topic", "items"))
        begin = wait_until(lambda: (now := time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())) > last[:19] and now + "Z", "the next second")
        self.fake.create("user1/Inbox", subject="later")
        self.wait_for_mirror()
        self.assertEqual(self.subjects("--from", begin), ["later"])

    def test_the_table_is_for_people(self) -> None:
        (item, *_) = self.fake.create("user1/Inbox", subject="a\x1b[2J\x9b" + "long " * 30)
        self.wait_for_mirror()
        self.fake.read(item, True)
        self.wait_for_mirror()
        self.fake.delete(item, hard=False)
        self.wait_for_mirror()
        head, *rows = self.tail("--format", "table", "--store", "user1", "--folder", "Inbox", "--topic", "items")
        self.assertEqual(head.split(), ["TIME", "WHAT", "STORE", "FOLDER", "NAME", "FROM"])
        self.assertTrue(all(len(row) <= 100 for row in [head, *rows]))
        self.assertRegex(rows[1], r"\A\d{4}-\d\d-\d\d \d\d:\d\d:\d\d item listed +user1 +Inbox +hello \d +Ann\Z")
        for row, what in zip(rows[-3:], ("item created", "item read", "item deleted")):
            self.assertRegex(row, rf"\A\S+ \S+ {what} +user1 +Inbox +a\?\[2J\?long long .*…\Z")

    # ---- going on ----

    def test_follow_prints_what_comes_and_ctrl_c_ends_it(self) -> None:
        process = self.following("--from", "beginning", "--topic", "items", "--kind", "created")
        for _ in range(4):
            process.stdout.readline()
        self.fake.create("user1/Drafts", subject="news")
        self.assertEqual(json.loads(process.stdout.readline())["item"]["subject"], "news")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(DEADLINE_S), 0)

    def test_ctrl_c_ends_it_when_nobody_reads_its_output(self) -> None:
        self.fake.create("user1/Inbox", 500, subject="x" * 200)
        self.wait_for_mirror()
        process = self.following("--from", "beginning")
        process.stdout.readline()
        wait_until(lambda: self._waiting(process.stdout.fileno()) > FULL_BYTES and self._sleeps(process.pid), "a full pipe")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(DEADLINE_S), 0)

    def _waiting(self, pipe: int) -> int:
        return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4), sys.byteorder)

    def _sleeps(self, pid: int) -> bool:
        return re.search(r"^State:\s+S", Path(f"/proc/{pid}/status").read_text(), re.M) is not None

    def test_save_gets_the_json_lines_too(self) -> None:
        save = self.directory / "saved"
        save.write_text("")
        rows = self.tail("--format", "table", "--topic", "items", "--save", str(save))
        self.assertEqual(sorted(save.read_text().splitlines()), sorted(self.tail("--topic", "items")))
        self.assertEqual(len(rows) - 1, len(save.read_text().splitlines()))

    # ---- what it needs ----

    def test_it_needs_only_the_sink(self) -> None:
        n = len(self.events())
        (self.directory / "tidings.yaml").write_text(json.dumps({"sink": self.config["sink"]}))
        self.assertEqual(len(self.events()), n)

    def test_options_of_another_sink(self) -> None:
        self.assertIn("--live and --as are for a ZeroMQ sink", self.refused("--live"))
        self.assertIn("--live and --as are for a ZeroMQ sink", self.refused("--as", "me"))


class FromFiles(Tail, FileDaemonTest):
    def test_a_torn_record_is_not_printed(self) -> None:
        self.assertEqual(self.daemon.stop(), 0)
        n = len(self.events("--topic", "items"))
        with open(self.records / "items.records", "ab") as file:
            file.write(b"\x10\x00\x00\x00half")
        self.assertEqual(len(self.events("--topic", "items")), n)

    def test_a_topic_that_is_not_there(self) -> None:
        (self.records / "folders.records").unlink()
        self.assertIn("there is no folders.records", self.refused("--topic", "folders"))


@unittest.skipUnless(KAFKA, "skipped: no Kafka")
class FromKafka(Tail, DaemonTest):
    def wait_for_mirror(self, *arguments: Any, **named: Any) -> None:
        super().wait_for_mirror(*arguments, **named)
        self.topics.read_to_end()

    def test_no_group_and_no_offset(self) -> None:
        from confluent_kafka.admin import AdminClient

        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        topics, groups = set(admin.list_topics().topics), {g.id for g in admin.list_groups()}
        self.events()
        self.assertEqual(set(admin.list_topics().topics), topics)
        self.assertEqual({g.id for g in admin.list_groups()}, groups)

    def test_records_of_one_folder_come_in_order(self) -> None:
        self.fake.create("user1/Inbox", 300)
        self.wait_for_mirror()
        events = self.events("--store", "user1", "--folder", "Inbox", "--topic", "items")
        expected = [e.id.hex() for e in self.topics.events if e.store.owner == "user1" and e.folder.path == "Inbox"]
        self.assertEqual([e["id"] for e in events], expected)

    def test_no_such_topic(self) -> None:
        none = {"items": f"none-{uuid.uuid4().hex}"}
        self.write_config(sink={"kafka": {"topics": none}})
        self.assertIn(f"topic {none['items']} is not there", self.refused("--topic", "items"))
        self.write_config(sink={"kafka": {"topics": {n: f"none-{n}" for n in self.topic_names}}})
        self.assertIn("has none of the topics of this configuration", self.refused())

    def test_no_broker(self) -> None:
        self.write_config(sink={"kafka": {"librdkafka": {"bootstrap.servers": "127.0.0.1:9"}}})
        done = subprocess.run(self.command(), capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertEqual((done.stdout, done.returncode), ("", 1))
        self.assertIn("no answer from 127.0.0.1:9 within 10 s", done.stderr)

    def test_kcat_reads_what_the_contract_says(self) -> None:
        lines = subprocess.run(["kcat", "-b", self.bootstrap, "-C", "-e", "-q", "-t", self.topic_names["items"], "-f", "%k %h\n"],
                               capture_output=True, text=True, timeout=DEADLINE_S, check=True).stdout.splitlines()
        self.assertEqual(len(lines), len(self.topics.events))
        for line, event in zip(sorted(lines), sorted(self.topics.events, key=lambda e: (e.store.guid + e.parent_source_key).hex())):
            self.assertTrue(line.startswith(f"{event.store.guid.hex()}/{event.parent_source_key.hex()} ce_id="), line)


if __name__ == "__main__":
    unittest.main(verbosity=2)
