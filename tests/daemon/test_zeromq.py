#!/usr/bin/python3
"""The whole daemon into ZeroMQ: the consumer that is waited for, away, back, killed, replaced, refused; and subscribers."""

import json
import struct
import subprocess
import unittest

import zmq
from harness import merge
from ports import free_port
from process import Daemon, memory_bound
from topics import change, lifecycle
from waiting import wait_until
from zeromq import Refused, ZeroMQDaemonTest

N_ITEMS = 2000
MOST_BYTES = memory_bound(60 << 20)
PLACE = struct.Struct(">16sQ")  # the second frame: run and sequence


class Acknowledged(ZeroMQDaemonTest):
    def positions(self) -> list[tuple[bytes, bytes]]:
        return self.state_entries(b"position/")

    def state(self, *words: str) -> str:
        command = [self.daemon.program, "state", *words, "-c", self.daemon.config]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def be_patient(self) -> None:
        """Nobody is silent for so long, also on a machine that is short of time."""
        self.config["sink"]["zeromq"]["acknowledged"]["heartbeat_ms"] = 2000
        self.write_config(sink=self.config["sink"])

    def test_the_consumer_builds_the_mirror(self) -> None:
        self.be_patient()
        items = self.fake.create("user1/Inbox", N_ITEMS // 2)
        self.fake.create("user1/Inbox", N_ITEMS // 2)
        self.start()
        self.keeper.start()
        self.wait_for_mirror()
        self.fake.read(items[0], True)
        self.fake.delete(items[1], hard=False)
        self.fake.change(items[2], subject="changed")
        self.assert_mirror()
        self.assertEqual(self.topics.repeats(), 0)
        self.assertIn("records published", self.daemon.log())

    def test_nothing_is_committed_without_the_consumer_which_is_named(self) -> None:
        self.fake.create("user1/Inbox", 100)
        self.start()
        self.daemon.wait_for("waiting for the consumer archive: it has not said hello yet")
        self.assertEqual(self.positions(), [])
        self.keeper.start()
        self.daemon.wait_for("the consumer archive is connected")
        self.assert_mirror()
        self.assertNotEqual(self.positions(), [])

    def test_one_that_gets_records_and_says_nothing_moves_no_position(self) -> None:
        self.fake.create("user1/Inbox", 100)
        self.start()
        consumer = self.consumer()
        records = [consumer.next(30)]
        while not (records[-1].topic == "items" and change.ChangeEvent.FromString(records[-1].value).kind == change.KIND_SNAPSHOT_END):
            records.append(consumer.next(30))
        self.assertGreater(len(records), 100)
        self.assertEqual(self.positions(), [])
        consumer.acknowledge(records[-1])
        wait_until(self.positions, "a position")
        consumer.close()
        self.keeper.start()
        self.fake.create("user1/Inbox", 1)
        self.wait_for(lambda: self.topics.pump() and self.topics.events, "what came after")
        self.assertEqual([e.item.subject for e in self.topics.events], ["item 1"])

    def test_an_absent_consumer_stops_the_flow_in_bounded_memory(self) -> None:
        self.config["sink"]["zeromq"]["outbox"] = "256 KiB"
        self.config["memory"] = {"budget": "4 MiB"}
        self.write_config(sink=self.config["sink"], memory=self.config["memory"])
        self.fake.create("user1/Inbox", 20000, "x" * 200)
        self.start()
        self.daemon.wait_for("waiting for the consumer archive")
        self.assertLess(self.daemon.peak_bytes(), MOST_BYTES)
        self.keeper.start()
        self.assert_mirror(seconds=60)

    def test_killed_and_back(self) -> None:
        self.fake.create("user1/Inbox", N_ITEMS)
        self.start()
        for n in range(5):
            self.keeper.start()
            self.wait_for(lambda: self.topics.pump() + 1 and len(self.topics.events) >= N_ITEMS // 10 * (n + 1), "some events")
            self.keeper.kill()
        self.keeper.start()
        self.assert_mirror()

    def test_within_a_run_it_goes_on_after_what_it_acknowledged(self) -> None:
        self.fake.create("user1/Inbox", 10)
        self.start()
        first = self.consumer()
        records = [first.next(30) for _ in range(12)]
        self.assertEqual([r.sequence for r in records], list(range(1, 13)))
        first.acknowledge(records[4])
        first.close()
        second = self.consumer()
        self.assertEqual(second.next(30).sequence, 6)
        second.close()
        knowing = self.consumer(run=records[0].run, sequence=8)
        self.assertEqual(knowing.next(30).sequence, 9)
        knowing.close()
        self.keeper.start()
        self.fake.create("user1/Inbox", 1)
        self.wait_for(lambda: self.topics.pump() + 1 and self.topics.of_kind(change.KIND_SNAPSHOT_END), "the rest")

    def test_another_run_begins_with_its_first(self) -> None:
        self.fake.create("user1/Inbox", 10)
        self.start()
        consumer = self.consumer()
        first = consumer.next(30)
        consumer.acknowledge(first)
        self.kill_and_start()
        again = wait_until(lambda: (record := consumer.next(1)) and record.run != first.run and record, "a record of another run")
        self.assertEqual(again.sequence, 1)
        consumer.close()
        self.keeper.start()
        self.assert_mirror()

    def test_a_second_hello_with_a_connected_name_is_refused(self) -> None:
        self.be_patient()
        self.start()
        first = self.consumer()
        wait_until(lambda: first.next(0.1) or first.connected, "it is connected")
        second = self.consumer(in_use_s=0)
        with self.assertRaisesRegex(Refused, "a consumer of this name is connected"):
            for _ in range(100):
                second.next(0.1)
                first.next(0)
        self.daemon.wait_for("refused somebody at the acknowledged endpoint: a consumer of this name is connected")
        wait_until(lambda: first.next(0.1) or first.connected, "it is connected still")

    def test_a_silent_one_is_replaced(self) -> None:
        self.fake.create("user1/Inbox", 10)
        self.start()
        silent = self.consumer()
        self.assertTrue(silent.next(30))
        successor = self.consumer()
        self.assertEqual(successor.next(30).sequence, 1)
        list(iter(lambda: silent.next(0.3), None))  # what it held already
        self.assertFalse(silent.connected)

    def test_a_routing_id_of_its_own_choice_is_refused(self) -> None:
        self.start()
        consumer = self.consumer()
        consumer.socket.disconnect(self.endpoint)
        consumer.socket.identity = b"archive"
        consumer.socket.connect(self.endpoint)
        with self.assertRaisesRegex(Refused, "a routing id was set on the socket"):
            consumer.next(30)

    def test_what_is_missing_is_asked_for_and_not_acknowledged_over(self) -> None:
        self.fake.create("user1/Inbox", 10)
        self.start()
        consumer = self.consumer()
        first = consumer.next(30)
        wait_until(lambda: consumer.next(0.1) is None, "it has all")
        consumer.given = consumer.taken = first.sequence  # as if those behind it had been lost on their way
        self.fake.create("user1/Inbox", 1)
        self.assertEqual([consumer.next(30).sequence for _ in range(10)], list(range(2, 12)))

    def test_another_name_is_refused_at_once(self) -> None:
        self.start()
        with self.assertRaisesRegex(Refused, "names another consumer"):
            self.consumer("somebody").next(30)

    def test_what_is_no_message_harms_nobody(self) -> None:
        self.fake.create("user1/Inbox", 100)
        self.start()
        dealer = zmq.Context.instance().socket(zmq.DEALER)
        self.addCleanup(dealer.close, 0)
        dealer.connect(self.endpoint)
        for frames in ([b"GET / HTTP/1.1"], [b"", b"x"], [b"\n\xff\xff\xff\xff\x0f"], [b"x"] * 50, [b"y" * 100_000]):
            dealer.send_multipart(frames)
        self.daemon.wait_for("dropped a message that is none of the protocol")
        self.keeper.start()
        self.assert_mirror()
        self.assertEqual(self.daemon.count("dropped a message"), 1)

    def test_a_state_of_another_consumer_is_refused(self) -> None:
        self.fake.create("user1/Inbox", 10)
        self.start()
        self.keeper.start()
        self.wait_for_mirror()
        self.assertEqual(self.daemon.stop(), 0)
        self.config["sink"]["zeromq"]["acknowledged"]["consumer"] = "another"
        self.write_config(sink=self.config["sink"])
        self.start()
        self.assertEqual(self.daemon.wait(), 2)
        self.assertIn("the state belongs to the consumer archive", self.daemon.log())
        self.assertIn("tidings state reset sink", self.daemon.log())
        self.state("reset", "sink", "-y")
        self.start()
        self.daemon.wait_for("waiting for the consumer another")

    def test_an_address_that_another_instance_has_is_waited_for(self) -> None:
        self.start()
        self.daemon.wait_for("waiting for the consumer")  # so it has the address
        other = self.directory / "other.yaml"
        other.write_text(json.dumps(merge(self.config, {"state": {"path": str(self.directory / "other.db")}})))
        second = Daemon(other, self.directory / "other.log")
        self.addCleanup(second.kill)
        second.start()
        second.wait_for("Address already in use; is another instance running")
        self.assertEqual(self.daemon.stop(), 0)
        second.wait_for("sink: back after")

    def test_the_state_says_what_the_consumer_has(self) -> None:
        self.fake.create("user1/Inbox", 10)
        self.start()
        self.keeper.start()
        self.assert_mirror()
        self.assertRegex(self.state("show", "ends/zeromq/archive"), r"the consumer archive has acknowledged \d+ records of run [0-9a-f]{32}")

    def test_a_stop_does_not_wait_for_who_is_away(self) -> None:
        self.fake.create("user1/Inbox", 10)
        self.start()
        self.daemon.wait_for("waiting for the consumer")
        self.assertEqual(self.daemon.stop(seconds=9), 0)  # a drain that waits takes ten
        self.assertRegex(self.daemon.log(), r"stopped: \d+ records published, 0 acknowledged")


class OverTCP(ZeroMQDaemonTest):
    def endpoints(self) -> tuple[str, str]:
        return tuple(f"tcp://127.0.0.1:{free_port()}" for _ in range(2))

    def test_bridge_and_consumer_are_killed_and_back(self) -> None:
        self.fake.create("user1/Inbox", N_ITEMS)
        self.start()
        self.keeper.start()
        for n, victim in enumerate((self.daemon, self.keeper) * 2):
            self.wait_for(lambda: self.topics.pump() + 1 and len(self.topics.events) >= N_ITEMS // 10 * (n + 1), "some events")
            victim.kill()
            victim.start()
        self.assert_mirror()

    def test_a_restart_is_seen_soon(self) -> None:
        self.start()
        consumer = self.consumer()
        first = consumer.next(30)
        self.restart()
        self.assertNotEqual(wait_until(lambda: (record := consumer.next(1)) and record.run != first.run and record.run, "another run"), first.run)


class Live(ZeroMQDaemonTest):
    """A subscriber with nothing but a SUB socket, as proto/zeromq.md tells."""

    def subscribe(self, *prefixes: str) -> zmq.Socket:
        subscriber = zmq.Context.instance().socket(zmq.SUB)
        self.addCleanup(subscriber.close, 0)
        subscriber.rcvtimeo = 10000
        subscriber.connect(self.live_endpoint)
        for prefix in prefixes:
            subscriber.subscribe(prefix)
        return subscriber

    def heard(self, subscriber: zmq.Socket) -> None:
        """Creates items until the subscriber gets one: only then is it surely connected."""

        def poll() -> bool:
            self.fake.create("user1/Inbox", 1, "to be heard")
            return bool(subscriber.poll(100))

        wait_until(poll, "the subscriber hears")

    def drain(self, subscriber: zmq.Socket, until: str = "") -> list[tuple[str, bytes, int, change.ChangeEvent]]:
        """Up to an item of that subject, and what comes soon after."""
        found: list[tuple[str, bytes, int, change.ChangeEvent]] = []
        while subscriber.poll(300 if not until or until in {e.item.subject for *_, e in found} else 30000):
            topic, place, event = subscriber.recv_multipart()
            if topic.endswith(b"/folder"):
                continue
            if not topic.endswith(b"/item"):
                self.assertEqual(lifecycle.LifecycleEvent.FromString(event).type, lifecycle.LIFECYCLE_TYPE_STARTED)
                continue
            found.append((topic.decode(), *PLACE.unpack(place), change.ChangeEvent.FromString(event)))
        return found

    def test_beside_the_acknowledged_one(self) -> None:
        self.start()
        self.keeper.start()
        self.wait_for_mirror()
        everything = self.subscribe("")
        self.heard(everything)
        self.fake.create("user1/Inbox", 50)
        self.wait_for_mirror()
        found = self.drain(everything, "item 50")
        folder = self.fake.folder("user1", "Inbox")
        store = found[0][3].store.guid.hex()
        self.assertEqual({topic for topic, *_ in found}, {f"{store}/{folder.key.hex()}/item"})
        sequences = [sequence for _, _, sequence, _ in found]
        self.assertEqual(sequences, list(range(sequences[0], sequences[0] + len(found))))
        self.assertEqual(len({run for _, run, *_ in found}), 1)
        self.assertEqual([e.item.subject for *_, e in found][-50:], [f"item {i}" for i in range(1, 51)])
        self.assert_mirror()

    def test_alone_it_is_best_effort_and_says_sent(self) -> None:
        self.write_config(sink={"zeromq": {"delivery": "best-effort", "acknowledged": None}})
        self.fake.create("user1/Inbox", 100)
        self.start()
        wait_until(self.has_position, "a position, as nobody is waited for")
        self.heard(self.subscribe(""))
        self.assertEqual(self.daemon.stop(), 0)
        self.assertRegex(self.daemon.log(), r"stopped: \d+ records sent, 0 dead letters")
        self.assertNotIn("acknowledged", self.daemon.log())

    def test_who_listens_and_never_reads_costs_bounded_memory(self) -> None:
        self.config["sink"]["zeromq"]["live"]["memory"] = "2 MiB"
        self.write_config(sink=self.config["sink"])
        self.start()
        self.keeper.start()
        self.wait_for_mirror()
        slow = zmq.Context.instance().socket(zmq.SUB)
        self.addCleanup(slow.close, 0)
        slow.rcvhwm = 1
        slow.subscribe("")
        slow.connect(self.live_endpoint)
        self.heard(slow)
        self.fake.create("user1/Inbox", 200, "x" * 250_000)
        self.wait_for_mirror(seconds=60)
        self.assertLess(self.daemon.peak_bytes(), MOST_BYTES)

    def test_subscriptions_by_store_folder_and_object(self) -> None:
        self.write_config(follow={"folders": ["Inbox", "Drafts"]})
        self.start()
        self.keeper.start()
        self.wait_for(lambda: self.topics.pump() + 1 and len(self.topics.of_kind(change.KIND_SNAPSHOT_END)) == 2, "two snapshots")
        store = self.topics.events[0].store.guid.hex()
        inbox, drafts = (self.fake.folder("user1", name).key.hex() for name in ("Inbox", "Drafts"))
        by_store, by_folder = self.subscribe(f"{store}/"), self.subscribe(f"{store}/{inbox}/")
        by_object, nothing = self.subscribe(f"{store}/{drafts}/item"), self.subscribe(f"{store}/{inbox}/folder")
        self.heard(by_store)
        self.heard(by_folder)
        self.wait_for(lambda: self.fake.create("user1/Drafts", 1) and by_object.poll(100), "the third hears")
        self.wait_for_mirror()
        for folder in ("Drafts", "Inbox"):
            self.fake.create(f"user1/{folder}", subject=f"last in {folder}")
            self.wait_for_mirror()
        *_, last = self.drain(by_folder, "last in Inbox")
        self.drain(by_store, "last in Inbox"), self.drain(by_object, "last in Drafts")
        self.fake.create("user1/Drafts", 2, "draft %d")
        self.wait_for_mirror()
        self.fake.create("user1/Inbox", 3, "mail %d")
        self.wait_for_mirror()
        found = [self.drain(by_store, "mail 3"), self.drain(by_object, "draft 2"), self.drain(nothing)]
        self.assertEqual([len(records) for records in found], [5, 2, 0])
        sequences = [sequence for _, _, sequence, _ in self.drain(by_folder, "mail 3")]
        self.assertEqual(sequences, [last[2] + n for n in (1, 2, 3)], "each topic has its own")
        self.assert_mirror()


if __name__ == "__main__":
    unittest.main(verbosity=2)
