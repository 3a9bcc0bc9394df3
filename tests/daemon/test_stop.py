#!/usr/bin/python3
"""A signal to stop: what is under way is delivered and committed, and the next start repeats nothing."""

import random
import signal
import time

from broker import Broker
from harness import DaemonTest, main
from topics import change
from writer import Writer

DRAIN_SECONDS = 40


class Load(DaemonTest):
    follow = {"mode": "folders", "stores": ["user1"], "folders": ["Inbox", "Sent Items"]}

    def stop(self, number: signal.Signals) -> None:
        self.daemon.signal(number)
        self.assertEqual(self.daemon.wait(DRAIN_SECONDS), 0)

    def test_while_it_follows(self) -> None:
        with Writer(self.fake, random.Random(3)).at_work():
            for _ in range(8):
                n_before = len(self.topics.events)
                self.start()
                self.daemon.wait_for("version")  # from here on it takes signals
                self.wait_for_records(lambda t: len(t.events) > n_before, "a record")
                self.topics.pump(0.2)
                self.stop(signal.SIGTERM)
        self.start()
        self.assert_mirror()
        self.assertEqual(self.topics.repeats(), 0)

    def test_while_it_lists(self) -> None:
        self.fake.create("user1/Inbox", 8000, quiet=True)
        self.fake.fault("slow", "tableQueryRows", n=300, times=1000)
        for n_rows in (1000, 3000, 5000):
            self.start()
            self.wait_for_records(lambda t: len(t.rows()) >= n_rows, f"{n_rows} rows")
            self.stop(signal.SIGINT)
        self.start()
        self.wait_for_records(lambda t: len(t.of_kind(change.KIND_SNAPSHOT_END)) == 2, "both ends")
        self.assert_mirror()
        self.assertEqual(self.topics.repeats(), 0)
        self.assertEqual(len(self.topics.rows()), 8000)

    def test_it_says_what_it_did(self) -> None:
        self.fake.create("user1/Inbox", 5)
        self.start()
        self.wait_for_records(lambda t: len(t.of_kind(change.KIND_SNAPSHOT_END)) == 2, "both ends")
        self.assert_mirror()
        self.assertRegex(self.daemon.lines()[-2], "SIGTERM: stopping")
        folders = len(self.followed())
        published = len(self.topics.events) + len(self.topics.lifecycle) + folders
        self.assertRegex(self.daemon.lines()[-1], f"stopped: {published} records published, {published} acknowledged")


class FrozenBroker(DaemonTest):
    """A broker that keeps its connections and answers nothing: the drain has to give up."""

    broker: Broker

    @classmethod
    def setUpClass(cls) -> None:
        cls.broker = Broker()
        cls.addClassCleanup(cls.broker.remove)
        cls.broker.start()
        cls.bootstrap = cls.broker.address

    def setUp(self) -> None:
        super().setUp()
        self.fake.create("user1/Inbox", 5)
        self.start()
        self.wait_for_records(lambda t: t.of_kind(change.KIND_SNAPSHOT_END), "the end of the snapshot")
        self.addCleanup(self.broker.thaw)
        self.broker.freeze()
        n_calls = self.fake.calls("exportMessageChangesAsStream")
        self.fake.create("user1/Inbox", 5)
        self.wait_for(lambda: self.fake.calls("exportMessageChangesAsStream") > n_calls, "the changes are read")

    def test_the_drain_ends_and_what_was_not_acknowledged_comes_again(self) -> None:
        began = time.monotonic()
        self.assertEqual(self.daemon.stop(seconds=DRAIN_SECONDS), 0)
        self.assertGreater(time.monotonic() - began, 1)
        self.assertEqual(self.daemon.count("comes again at the next start"), 1, self.daemon.log())
        self.broker.thaw()
        self.start()
        self.assert_mirror()

    def test_a_second_signal_stops_at_once(self) -> None:
        self.daemon.signal(signal.SIGTERM)
        self.daemon.wait_for("SIGTERM: stopping")
        self.daemon.signal(signal.SIGTERM)
        self.assertEqual(self.daemon.wait(), -signal.SIGTERM)
        self.broker.thaw()
        self.start()
        self.assert_mirror()


class NoBroker(DaemonTest):
    def test_a_start_without_broker_is_stopped_quickly(self) -> None:
        self.write_config(sink={"kafka": {"librdkafka": {"bootstrap.servers": "127.0.0.1:1"}}})
        self.start()
        self.daemon.wait_for("version")
        self.assertEqual(self.daemon.stop(), 0)


if __name__ == "__main__":
    main()
