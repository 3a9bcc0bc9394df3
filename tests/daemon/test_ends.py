#!/usr/bin/python3
"""A state of other ends, on Kafka: each refusal names a command, and that command is a way out."""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "kafka"))

from admin import create_topic, delete_topic  # noqa: E402

from asking import Asking  # noqa: E402
from harness import main  # noqa: E402

WAYS_OUT = (["reset", "sink"], ["reset"])


class Ends(Asking):
    def setUp(self) -> None:
        super().setUp()
        self.fake.create("user1/Inbox", 3)
        self.run_and_stop()

    def run_and_stop(self) -> None:
        self.run_until_listed()
        self.wait_for(self.has_offsets_of_items, "offsets of the items are stored")
        self.assertEqual(self.daemon.stop(), 0)

    def edit(self, key: bytes, change) -> None:
        with closing(sqlite3.connect(self.directory / "state.db")) as db, db:
            (value,) = db.execute("SELECT value FROM entry WHERE key = ?", (key,)).fetchone()
            db.execute("UPDATE entry SET value = ? WHERE key = ?", (change(value), key))

    def assert_mended(self, refusal: str, way_out: list[str]) -> None:
        self.start()
        self.assertEqual(self.daemon.wait(60), 2)
        self.assertRegex(self.daemon.log(), refusal)
        self.assertIn(f"`tidings state {' '.join(way_out)}`", self.daemon.log())
        self.done("state", *way_out, "--yes")
        self.fake.create("user1/Inbox", 1)
        self.run_and_stop()

    def test_a_topic_that_was_deleted(self) -> None:
        for way_out in WAYS_OUT:
            self.topics.close()
            delete_topic(self.bootstrap, self.topic_names["items"])
            self.assert_mended("topic .*items is missing", way_out)

    def test_a_topic_that_was_made_anew(self) -> None:
        for way_out in WAYS_OUT:
            self.topics.close()
            delete_topic(self.bootstrap, self.topic_names["items"])
            create_topic(self.bootstrap, self.topic_names["items"])
            self.assert_mended("made anew or lost records", way_out)

    def test_another_cluster(self) -> None:
        self.edit(b"ends/kafka", lambda value: b"A" * 22 + value[value.index(b"\n") :])
        self.assert_mended("belongs to the cluster AAAAAAAAAAAAAAAAAAAAAA", ["reset"])

    def test_another_topic(self) -> None:
        self.edit(b"ends/kafka", lambda value: value.replace(b".items", b".others"))
        self.assert_mended("belongs to the topic .*others", ["reset"])

    def test_another_mode(self) -> None:
        self.edit(b"ends/kopano", lambda value: value[:21] + bytes([9]) + value[22:])
        self.assert_mended("another follow.mode", ["reset"])

    def test_another_kind_of_sink(self) -> None:
        self.edit(b"ends/sink", lambda value: b"file")
        self.assert_mended("made with the sink file", ["reset", "sink"])


if __name__ == "__main__":
    main()
