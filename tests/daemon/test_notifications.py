#!/usr/bin/python3
"""The doorbell: with intervals of minutes, changes come when the server tells of them; and what is told as records."""

import os
import random
import signal
import time
import unittest
from typing import Any

from asking import Asking
from beside import all_the_time
from files import FileDaemonTest
from gate import Gate
from topics import change, lifecycle
from waiting import holds_for
from writer import Writer

INBOX, SENT, DRAFTS = "user1/Inbox", "user1/Sent Items", "user1/Drafts"
NEVER_MS = 600_000  # none of these tests takes so long


class Notified(Asking, FileDaemonTest):
    """One mailbox, or with `everything` the whole server; nothing is asked for without a ring."""

    notifications = "wake"
    follow = {"mode": "folders", "stores": ["user1"], "folders": ["Inbox", "Sent Items"]}
    everything = False
    poll_ms = NEVER_MS

    def setUp(self) -> None:
        super().setUp()
        if self.everything:
            self.fake.change_user("user1", admin=2)
        self.configure()

    def configure(self, **more: Any) -> None:
        kopano = {"poll_interval_ms": self.poll_ms, "sweep_interval_ms": NEVER_MS, **more}
        self.write_config(source={"kopano": kopano})

    def is_listening(self) -> bool:
        return self.fake.subscriptions() > 0 and self.fake.polls() > 0

    def listen(self) -> None:
        """It is listed, subscribed, and at rest."""
        self.start()
        self.wait_for_listing()
        self.wait_for(self.is_listening, "a poll")
        self.settle_down()

    def wait_for_listing(self) -> None:
        keys = {self.fake.folder("user1", path).key for path in ("Inbox", "Sent Items")}
        ended = change.KIND_SNAPSHOT_END
        self.wait_for_records(lambda topics: keys <= {e.parent_source_key for e in topics.of_kind(ended)}, "the listings")

    def settle_down(self) -> None:
        """What the first ring has caused is over."""
        self.fake.create(INBOX, subject="settled")
        self.wait_for_subject("settled")

    def subjects(self) -> list[str]:
        return [event.item.subject for event in self.topics.events]

    def wait_for_subject(self, subject: str) -> None:
        """No poll brings it while the test lasts, where none is configured."""
        self.wait_for_records(lambda topics: subject in self.subjects(), f"a record of {subject}")

    def calls(self) -> int:
        return self.fake.calls("getChanges")


class Rings:
    def test_a_change_is_read_at_once(self) -> None:
        self.listen()
        self.fake.create(INBOX, subject="new")
        self.wait_for_subject("new")
        self.assert_mirror()

    def test_each_kind_of_change(self) -> None:
        [item, other] = self.fake.create(INBOX, 2)
        self.listen()
        self.fake.change(item, subject="changed")
        self.wait_for_mirror()
        self.fake.read(item, True)
        self.wait_for_mirror()
        [moved] = self.fake.move(item, SENT)
        self.wait_for_mirror()
        self.fake.copy(moved, INBOX)
        self.wait_for_mirror()
        self.fake.delete(moved, hard=False)
        self.wait_for_mirror()
        self.fake.restore(moved)
        self.wait_for_mirror()
        self.fake.delete(other, hard=True)
        self.wait_for_mirror()
        self.assert_mirror()

    def test_an_idle_server_is_left_alone(self) -> None:
        self.configure(settle_ms=100, poll_interval_ms=50)
        self.listen()
        self.wait_for(lambda: not holds_until_change(self.calls, 2), "no more questions")
        self.wait_for_equal(self.fake.polls, 1, "polls")
        self.fake.create(INBOX, subject="new")
        self.wait_for_subject("new")

    def test_a_burst_is_answered_by_few_questions(self) -> None:
        self.listen()
        calls = self.calls()
        self.fake.create(INBOX, 10000)
        self.wait_for_mirror()
        self.assertLess(self.calls() - calls, 400)
        self.wait_for_equal(self.fake.queued, 0, "what was not fetched")
        self.assert_mirror()

    def test_a_notice_before_its_commit_is_asked_for_again(self) -> None:
        self.listen()
        for ms in 3, 20, 80, 400:
            self.fake.lag(ms)
            self.fake.create(INBOX, subject=f"late by {ms}")
            self.wait_for_subject(f"late by {ms}")
        self.fake.lag(0)
        self.assert_mirror()

    def test_what_comes_later_than_that_is_found_by_the_usual_interval(self) -> None:
        self.configure(poll_interval_ms=200)
        self.listen()
        self.fake.lag(2500)
        self.fake.create(INBOX, subject="very late")
        self.wait_for_subject("very late")

    def test_what_rings_while_something_is_read_is_read_afterwards(self) -> None:
        self.listen()
        export = "exportMessageChangesAsStream"
        n = self.fake.calls(export)
        self.fake.fault("slow", export, n=700)
        self.fake.create(INBOX, 5)  # one or two are read singly
        self.wait_for(lambda: self.fake.calls(export) > n, "the first is read")
        self.fake.create(SENT, subject="second")
        self.wait_for_subject("second")

    def test_it_rings_while_it_reads(self) -> None:
        self.listen()
        with Writer(self.fake, random.Random(7)).at_work():
            self.wait_for_records(lambda topics: len(topics.events) > 1500, "many records")
        self.wait_for_mirror()
        self.assert_mirror()

    def test_a_restart_of_the_server(self) -> None:
        self.listen()
        for i in range(3):
            self.fake.restart()
            self.fake.create(INBOX, subject=f"unheard {i}")
            self.wait_for_subject(f"unheard {i}")
            self.wait_for(self.is_listening, "a poll")
            self.fake.create(INBOX, subject=f"heard {i}")
            self.wait_for_subject(f"heard {i}")
        self.assert_mirror()

    def test_what_happens_while_it_subscribes_is_read(self) -> None:
        self.listen()
        self.fake.fault("slow", "notifySubscribeMulti", n=600)
        n = self.fake.calls("notifySubscribeMulti")
        self.fake.expire_sessions()
        self.wait_for(lambda: self.fake.calls("notifySubscribeMulti") > n, "it subscribes again")
        self.fake.create(INBOX, subject="unheard")
        self.wait_for_subject("unheard")

    def test_sessions_end(self) -> None:
        self.listen()
        self.fake.expire_sessions()
        self.fake.create(INBOX, subject="unheard")
        self.wait_for_subject("unheard")
        self.wait_for(self.is_listening, "a poll")
        self.fake.create(INBOX, subject="heard")
        self.wait_for_subject("heard")
        self.assert_mirror()

    def test_a_server_that_answers_idle_polls_early(self) -> None:
        self.fake.idle_polls("answer", 100)
        self.listen()
        self.fake.create(INBOX, subject="heard")
        self.wait_for_subject("heard")
        self.assertEqual(self.fake.calls("notifySubscribeMulti"), 1)

    def test_a_proxy_that_cuts_idle_polls(self) -> None:
        self.fake.idle_polls("close", 1500)
        self.listen()
        n_logons = self.fake.calls("logon")
        self.wait_for(lambda: self.fake.calls("logon") >= n_logons + 2, "two new sessions")
        self.wait_for(self.is_listening, "a poll")
        self.fake.create(INBOX, subject="heard")
        self.wait_for_subject("heard")
        self.assertEqual(self.fake.calls("notifySubscribeMulti"), 1)  # the subscriptions were kept
        self.assertEqual(self.daemon.count("retrying"), 0)
        self.assert_mirror()

    def test_what_happens_while_a_proxy_cuts_is_not_lost(self) -> None:
        self.fake.idle_polls("close", 1100)
        self.listen()
        for i in range(20):
            self.fake.create(INBOX, subject=f"mail {i}")
            self.wait_for_subject(f"mail {i}")
            holds_for(lambda: True, 0.13)
        self.assert_mirror()

    def test_a_server_that_never_answers_idle_polls(self) -> None:
        self.fake.idle_polls("never")
        self.configure(long_poll_ms=1500)
        self.listen()
        n_logons = self.fake.calls("logon")
        self.wait_for(lambda: self.fake.calls("logon") > n_logons, "a new session")
        self.wait_for(self.is_listening, "a poll")
        self.fake.create(INBOX, subject="heard")
        self.wait_for_subject("heard")

    def test_a_server_without_notifications_is_asked_as_usual(self) -> None:
        self.configure(poll_interval_ms=100)
        self.fake.fault("error", "notifyGetItems", n=0x80000018, times=1000000)
        self.start()
        self.wait_for_listing()
        self.daemon.wait_for("notifications: .*retrying")
        self.fake.create(INBOX, subject="asked for")
        self.wait_for_subject("asked for")
        self.assertFalse(self.status()["source"]["notifications"]["connected"])
        self.fake.clear_faults()
        self.daemon.wait_for("notifications: back")

    def test_the_network_is_cut(self) -> None:
        gate = Gate(self.fake.port)
        gate.open()
        self.addCleanup(gate.close)
        self.configure(url=gate.url)
        self.listen()
        gate.close()
        self.fake.create(INBOX, subject="unheard")
        gate.open()
        self.wait_for_subject("unheard")
        self.wait_for(lambda: self.status()["source"]["notifications"]["connected"], "the bell is back")
        self.fake.create(INBOX, subject="heard")
        self.wait_for_subject("heard")
        self.assert_mirror()

    def test_a_stop_leaves_nothing_behind(self) -> None:
        self.listen()
        self.assertEqual(self.daemon.stop(), 0)
        self.wait_for_equal(lambda: (self.fake.polls(), self.fake.subscriptions()), (0, 0), "polls and subscriptions")

    def test_status(self) -> None:
        self.listen()
        told = self.status()["source"]["notifications"]
        self.assertTrue(told["connected"])
        self.assertEqual(told["dropped"], 0)
        self.assertGreater(told["received"], 0)
        self.assertEqual(told["subscriptions"], self.fake.subscriptions())


def holds_until_change(value: Any, seconds: float) -> bool:
    """True if it changes within that time."""
    before = value()
    return not holds_for(lambda: value() == before, seconds)


class OneMailbox(Rings, Notified):
    def test_other_folders_do_not_ring(self) -> None:
        self.listen()
        calls = self.calls()
        self.fake.create(DRAFTS, 50)
        self.fake.create(INBOX, subject="rings")
        self.wait_for_subject("rings")
        self.assertLess(self.calls() - calls, 20)


class ManyFolders(Notified):
    """Each folder has a stream of its own, and all of them are asked when anything has changed."""

    follow = {"mode": "stores", "stores": ["user1"]}
    n_folders = 60

    def questions_until(self, subject: str) -> int:
        """Beginning while all of them are asked."""
        self.fake.create(DRAFTS)
        before = self.calls()
        self.wait_for(lambda: self.calls() > before + 6, "they are asked")
        before = self.calls()
        self.fake.create(INBOX, subject=subject)
        self.wait_for_subject(subject)
        return self.calls() - before

    def test_what_rings_goes_before_what_is_asked_by_the_interval(self) -> None:
        for n in range(self.n_folders):
            self.fake.create_folder("user1/", f"more {n}")
        self.configure(poll_interval_ms=50)
        self.listen()
        self.fake.fault("slow", "getChanges", n=20, times=1000000)
        asked = [self.questions_until(f"rings {n}") for n in range(6)]
        few = [n for n in asked if n < self.n_folders / 3]
        self.assertGreater(len(few), len(asked) / 2, asked)  # but for those that a busy machine has delayed


class BusyFolder(Notified):
    follow = {"mode": "folders", "stores": ["user1"], "folders": ["Inbox", "Sent Items", "Drafts"]}

    def test_a_folder_that_always_rings_does_not_starve_the_others(self) -> None:
        self.configure(poll_interval_ms=50)
        self.listen()
        self.fake.fault("slow", "getChanges", n=20, times=1000000)
        with all_the_time(lambda: self.fake.create(INBOX), lambda: 0.002):  # quicker than it is asked for
            for folder in (SENT, DRAFTS):
                self.fake.lag(2500)  # what rings is asked again for a second; then nothing but the interval shows it
                self.fake.create(folder, subject=f"late in {folder}")
                self.fake.lag(0)
            for folder in (SENT, DRAFTS):
                self.wait_for_subject(f"late in {folder}")


class WholeServer(Rings, Notified):
    everything = True
    follow = {"mode": "stores", "stores": ["user1"], "folders": ["Inbox", "Sent Items"]}

    def test_a_new_store_is_listened_to_and_a_lost_one_not(self) -> None:
        self.write_config(follow={"mode": "server", "stores": None, "folders": None, "objects": ["items"]},
                          source={"kopano": {"poll_interval_ms": NEVER_MS, "sweep_interval_ms": NEVER_MS, "discover_interval_ms": 200}})
        self.listen()
        n = self.fake.subscriptions()
        self.fake.add_user("later", "pass")
        self.wait_for(lambda: self.fake.subscriptions() == n + 1, "one more subscription")
        self.fake.create("later/Inbox", subject="to the new one")
        self.wait_for_subject("to the new one")
        self.fake.delete_user("later")
        self.wait_for(lambda: self.fake.subscriptions() == n, "one less")


class Told(Notified):
    """Records of what is told."""

    notifications = "publish"

    def told(self) -> list[tuple[int, int, bytes]]:
        return [(e.kind, e.object_type, e.entry_id) for e in self.topics.notifications]

    def missed(self) -> list[lifecycle.LifecycleEvent]:
        return [e for e in self.topics.lifecycle_of(lifecycle.LIFECYCLE_TYPE_MISSED) if e.stream == "notifications"]

    def wait_for_told(self, n: int) -> list[change.ChangeEvent]:
        self.wait_for_records(lambda topics: len(topics.notifications) >= n, f"{n} notifications")
        return self.topics.notifications

    def listen(self) -> None:
        super().listen()
        self.wait_for_records(lambda topics: self.missed(), "that it is told from here on")
        self.wait_for_told(1)
        self.topics.notifications.clear()


class Published(Told):
    def test_each_kind(self) -> None:
        self.listen()
        [item] = self.fake.create(INBOX)
        self.fake.change(item, subject="changed")
        [moved] = self.fake.move(item, SENT)
        [copy] = self.fake.copy(moved, INBOX)
        self.fake.delete(copy, hard=True)
        events = self.wait_for_told(5)
        item_type = change.OBJECT_TYPE_ITEM
        self.assertEqual(self.told(), [
            (change.KIND_CREATED, item_type, item.entry_id),
            (change.KIND_UPDATED, item_type, item.entry_id),
            (change.KIND_MOVED, item_type, moved.entry_id),
            (change.KIND_COPIED, item_type, copy.entry_id),
            (change.KIND_DELETED, item_type, copy.entry_id),
        ])
        inbox, sent = self.fake.folder("user1", "Inbox"), self.fake.folder("user1", "Sent Items")
        self.assertEqual([e.parent_source_key for e in events], [inbox.key, inbox.key, sent.key, inbox.key, inbox.key])
        self.assertEqual([e.folder.path for e in events], ["Inbox", "Inbox", "Sent Items", "Inbox", "Inbox"])
        self.assertEqual((events[2].move.old_entry_id, events[2].move.old_folder.source_key), (item.entry_id, inbox.key))
        self.assertEqual(events[3].move.old_entry_id, moved.entry_id)
        for event in events:
            self.assertEqual((event.origin, event.store.owner), (change.ORIGIN_NOTIFICATION, "user1"))
            self.assertEqual((event.source_key, event.change_id, event.HasField("item")), (b"", 0, False))
        self.assertEqual(len({e.id for e in events}), len(events))
        self.assert_mirror()

    def test_of_what_is_not_followed_only_comings_and_goings(self) -> None:
        self.listen()
        [item] = self.fake.create(INBOX)
        [away] = self.fake.move(item, DRAFTS)
        self.fake.change(away, subject="not followed")
        [back] = self.fake.move(away, INBOX)
        self.fake.copy(back, DRAFTS)
        [last] = self.fake.create(SENT)
        self.wait_for_told(4)
        self.assertEqual([(kind, key) for kind, _, key in self.told()], [
            (change.KIND_CREATED, item.entry_id), (change.KIND_DELETED, item.entry_id),
            (change.KIND_CREATED, back.entry_id), (change.KIND_CREATED, last.entry_id)])

    def test_they_move_no_position(self) -> None:
        self.listen()
        self.wait_for(lambda: self.topics.pump() >= 0 and self.is_taken(self.topics.events[-1].change_id), "the last change is committed")
        self.fake.fault("error", "getChanges", n=0x8000002B, times=1000000)
        before = self.state_entries(b"position/")
        self.fake.create(INBOX, 3)
        self.wait_for_told(3)
        self.assertEqual(self.state_entries(b"position/"), before)
        self.fake.clear_faults()
        self.assert_mirror()

    def is_taken(self, change_id: int) -> bool:
        return any(change_id.to_bytes(4, "little") in value for _, value in self.state_entries(b"taken/"))

    def test_a_restart_of_the_server_is_said(self) -> None:
        self.listen()
        n = len(self.missed())
        self.fake.restart()
        self.wait_for_records(lambda topics: len(self.missed()) > n, "MISSED")
        [item] = self.fake.create(INBOX)
        self.wait_for_told(1)
        self.assertEqual(self.told(), [(change.KIND_CREATED, change.OBJECT_TYPE_ITEM, item.entry_id)])
        self.assert_mirror()

    def test_what_comes_faster_than_it_is_told_is_dropped_and_that_is_said(self) -> None:
        """4,096 can wait; these all come in one answer, while items are read."""
        self.listen()
        n = len(self.missed())
        os.kill(self.daemon.process.pid, signal.SIGSTOP)
        self.fake.create(INBOX, 20000)
        os.kill(self.daemon.process.pid, signal.SIGCONT)
        self.wait_for_records(lambda topics: len(self.missed()) > n, "MISSED")
        self.wait_for_mirror(seconds=60)
        told = self.status()["source"]["notifications"]
        self.assertGreater(told["dropped"], 0)
        self.wait_for_equal(self.fake.queued, 0, "what was not fetched")
        self.assert_mirror(seconds=60)


class PublishedFolders(Told):
    everything = True
    follow = {"mode": "stores", "stores": ["user1"]}

    def test_folders(self) -> None:
        self.listen()
        made = self.fake.do("folder-create", parent="user1/Inbox", name="Sub")
        key, entry_id = made["key"], bytes.fromhex(made["entry_id"])
        self.fake.do("folder-change", folder=key, name="Renamed")
        self.fake.do("folder-move", folder=key, to="user1/Drafts")
        self.fake.do("folder-delete", folder=key, hard=True)
        events = self.wait_for_told(4)
        kinds = (change.KIND_CREATED, change.KIND_UPDATED, change.KIND_MOVED, change.KIND_DELETED)
        self.assertEqual(self.told(), [(kind, change.OBJECT_TYPE_FOLDER, entry_id) for kind in kinds])
        self.assertEqual(events[2].move.old_folder.path, "Inbox")


class FullSize(Notified):
    """Ten thousand stores cost few calls, one poll, and next to nothing."""

    everything = True
    follow = {"mode": "server", "objects": ["items"]}
    snapshot = "none"
    n_stores = 2000

    def fake_arguments(self) -> list[str]:
        return ["--stores", str(self.n_stores), "--folders", "3", "--items", "0"]

    def test_idle(self) -> None:
        self.configure(settle_ms=100)
        self.config["follow"].pop("stores", None)
        self.start()
        self.wait_for(lambda: self.fake.subscriptions() >= self.n_stores, "subscriptions")
        self.wait_for(lambda: self.fake.polls() == 1, "a poll")
        self.assertLess(self.fake.calls("notifySubscribeMulti"), self.n_stores / 100)
        self.wait_for(lambda: not holds_until_change(self.calls, 0.5), "no more questions")
        before, began = self.daemon.cpu_seconds(), time.monotonic()
        holds_for(self.daemon.running, 3)
        self.assertLess(self.daemon.cpu_seconds() - before, 0.02 * (time.monotonic() - began))
        self.fake.create(f"gen{self.n_stores}/Inbox", subject="one of many")
        self.wait_for_subject("one of many")


if __name__ == "__main__":
    unittest.main(verbosity=2)
