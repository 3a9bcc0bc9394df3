#!/usr/bin/python3
"""A broker that goes away, at the start and later, shortly and for long; a topic that is deleted behind its back."""

import random
import sys
from pathlib import Path
from typing import Any

from asking import Asking
from broker import Broker
from harness import DaemonTest, main
from process import memory_bound
from topics import change
from waiting import holds_for
from writer import Writer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "kafka"))

from admin import create_topic, delete_topic  # noqa: E402

MIB = 1 << 20
RETRYING = "sink: .*; retrying"


class OwnBroker(DaemonTest):
    broker: Broker

    @classmethod
    def setUpClass(cls) -> None:
        cls.broker = Broker()
        cls.addClassCleanup(cls.broker.remove)
        cls.broker.start()
        cls.bootstrap = cls.broker.address

    def setUp(self) -> None:
        self.broker.start()
        super().setUp()

    def wait_for_end(self) -> None:
        self.wait_for_records(lambda t: t.of_kind(change.KIND_SNAPSHOT_END), "the end of the snapshot")


class Away(OwnBroker, Asking):
    def test_at_the_start(self) -> None:
        self.broker.kill()
        self.fake.create("user1/Inbox", 5)
        self.start()
        self.daemon.wait_for(RETRYING, seconds=40)
        self.broker.start()
        self.assert_mirror(seconds=60)
        self.assertEqual(self.daemon.count(RETRYING), 1, self.daemon.log())

    def test_the_status_tells(self) -> None:
        self.start()
        self.wait_for_end()
        self.assertEqual((self.sink()["connected"], self.sink()["reconnects"]), (True, 0))
        self.broker.kill()
        self.fake.create("user1/Inbox", 5)
        self.wait_for(lambda: not self.sink()["connected"], "the outage", seconds=40)
        self.assertIn("no broker is connected", self.sink()["outage"])
        self.wait_for(lambda: self.sink()["unacknowledged"] == 5, "what waits")
        self.broker.start()
        self.wait_until_acknowledged()
        self.assertEqual((self.sink()["connected"], self.sink()["reconnects"]), (True, 1))
        self.assertEqual(self.sink()["unacknowledged"], 0)

    def sink(self) -> dict[str, Any]:
        return self.status()["sink"]

    def wait_until_acknowledged(self) -> None:
        self.wait_for_mirror(seconds=60)
        self.wait_for(lambda: self.sink()["unacknowledged"] == 0, "everything is acknowledged", seconds=60)

    def test_killed_under_load(self) -> None:
        """It says so once, and once that it is back."""
        self.write_config(follow={"folders": ["Inbox", "Sent Items"]})
        self.start()
        with Writer(self.fake, random.Random(1)).at_work():
            self.wait_for_more_records(500)
            self.broker.kill()
            self.daemon.wait_for("no broker is connected")
            self.broker.start()
            self.daemon.wait_for("connected again", seconds=60)
            self.wait_for_more_records(500)
        self.assert_mirror(seconds=60)
        self.assertEqual(self.daemon.count("no broker is connected"), 1, self.daemon.log())
        self.assertEqual(self.daemon.count("connected again"), 1, self.daemon.log())

    def wait_for_more_records(self, n: int) -> None:
        n_wanted = len(self.topics.events) + n
        self.wait_for_records(lambda t: len(t.events) >= n_wanted, f"{n} more records", seconds=60)

    def test_for_long_while_a_hundred_thousand_changes_wait(self) -> None:
        self.write_config(memory={"budget": "8MiB"})
        self.start()
        self.wait_for_end()
        self.broker.kill()
        for _ in range(10):
            self.fake.create("user1/Inbox", 10000, quiet=True)
        self.wait_until_it_waits()
        self.broker.start()
        self.wait_for_records(lambda t: len(t.events) >= 100_000, "all of them", seconds=300)
        self.assert_mirror(seconds=180)
        self.assertLess(self.peak, memory_bound(96 * MIB))

    def wait_until_it_waits(self) -> None:
        """Memory no longer grows: the source was told to wait."""
        self.peak = 0

        def at_rest() -> bool:
            before, self.peak = self.peak, self.daemon.peak_bytes()
            return holds_for(lambda: self.daemon.peak_bytes() == self.peak, 1.0) and before > 0

        self.wait_for(at_rest, "its memory no longer grows", seconds=60)
        print(f"peak {self.peak / MIB:.1f} MiB", flush=True)


class Topics(OwnBroker):
    def test_one_that_is_deleted_ends_the_daemon_and_is_not_made_anew(self) -> None:
        self.fake.create("user1/Inbox", 5)
        self.start()
        self.wait_for_end()
        self.wait_for(self.has_offsets_of_items, "offsets of the items are stored")
        self.topics.close()  # a consumer of a topic that goes away may wait for ever
        delete_topic(self.bootstrap, self.topic_names["items"])
        self.fake.create("user1/Inbox", 5)
        self.assertEqual(self.daemon.wait(60), 2, self.daemon.log())
        self.assertEqual(self.daemon.count("error: "), 1, self.daemon.log())
        self.start()
        self.assertEqual(self.daemon.wait(60), 2, self.daemon.log())
        self.assertRegex(self.daemon.log(), "topic .*items is missing")
        create_topic(self.bootstrap, self.topic_names["items"])
        self.start()
        self.assertEqual(self.daemon.wait(60), 2, self.daemon.log())
        self.assertRegex(self.daemon.log(), "made anew or lost records")


if __name__ == "__main__":
    main()
