#!/usr/bin/python3
"""The items of a whole server, followed by one stream: of many stores, filtered, late, restored, at any end of the process."""

import random
import time
import unittest
from typing import Any

from asking import Asking
from fake import Folder
from harness import PASSWORD
from topics import change, lifecycle
from whole import WholeTest

CREATED, UPDATED, DELETED = change.KIND_CREATED, change.KIND_UPDATED, change.KIND_DELETED
BEGIN, END = change.KIND_SNAPSHOT_BEGIN, change.KIND_SNAPSHOT_END
STORES = ("user1", "user2", "admin1", "public")
SETTLE_MS = 1500  # longer than a server that is short of time takes for what is late by
LATE_MS = 200


class ServerTest(Asking, WholeTest):
    def default_config(self) -> dict[str, Any]:
        config = super().default_config()
        config["source"]["kopano"] |= {"settle_ms": SETTLE_MS, "discover_interval_ms": 500}
        return config

    def follow_whole(self) -> None:
        self.start()
        self.wait_for(lambda: self.state_entries(b"inventory"), "the inventory is over")
        self.wait_for_whole()

    def of_subject(self, subject: str) -> list[change.ChangeEvent]:
        return [e for e in self.topics.events if e.item.subject == subject]

    def id_of(self, key: bytes) -> int:
        return max((int.from_bytes(value[4:8], "little") for _, value in self.state_entries(key)), default=0)

    def count(self, name: str) -> int:
        """Of the daemon's status."""
        return self.status()["source"][name]


class Items(ServerTest):
    def test_of_all_stores_in_one_stream(self) -> None:
        items = {store: self.fake.create(f"{store}/Inbox" if store != "public" else "public/", 3) for store in ("user1", "user2", "admin1")}
        self.follow_whole()
        for store, (first, second, third) in items.items():
            self.fake.change(first, subject=f"changed in {store}")
            self.fake.read(second, True)
            self.fake.delete(third, hard=True)
        (moved,) = self.fake.move(items["user1"][0], "user2/Drafts")
        self.wait_for_whole()
        self.wait_for_equal(lambda: {key.split(b"/")[1] for key, _ in self.state_entries(b"position/")},
                            {b"server", b"folders", b"addressbook"}, "the streams")
        created = [e for e in self.topics.events if e.source_key == moved.key]
        self.assertEqual([(e.kind, e.store.owner, e.folder.path) for e in created], [(CREATED, "user2", "Drafts")])
        self.assert_whole()

    def test_associated_items_are_not_told(self) -> None:
        self.follow_whole()
        self.fake.create("user1/Inbox", associated=True, subject="hidden")
        self.fake.create("user1/Inbox", subject="shown")
        self.wait_for_records(lambda t: self.of_subject("shown"), "the other")
        self.assert_whole()
        self.assertEqual(self.of_subject("hidden"), [])

    def test_a_new_mailbox_and_what_comes_into_it_at_once(self) -> None:
        self.follow_whole()
        self.fake.add_user("late", PASSWORD)
        self.all_stores = (*self.all_stores, "late")
        for n in range(20):
            self.fake.create("late/Inbox", subject=f"mail {n}")
        self.assert_whole()

    def test_an_idle_server_costs_one_call_per_poll(self) -> None:
        self.write_config(source={"kopano": {"discover_interval_ms": 60000, "addressbook_interval_ms": 60000}})
        self.follow_whole()

        def costs_little() -> bool:
            self.fake.do("stats", reset=True)
            time.sleep(1)
            calls = self.fake.do("stats")["calls"]
            return set(calls) == {"getChanges"} and calls["getChanges"] <= 52

        self.wait_for(costs_little, "one call in 20 ms")
        self.fake.create("user1/Inbox", subject="news")
        self.wait_for_records(lambda t: self.of_subject("news"), "what comes then")

    def test_an_empty_folder_costs_four_calls_and_a_store_four(self) -> None:
        for n in range(10):
            self.fake.add_user(f"more{n}", PASSWORD)
        self.all_stores = (*self.all_stores, *(f"more{n}" for n in range(10)))
        self.write_config(follow={"objects": ["items", "folders", "stores"]}, source={"kopano": {"discover_interval_ms": 60000}})
        self.follow_whole()
        calls = self.fake.do("stats")["calls"]
        n_stores, n_folders = 16, len(self.server_folders())
        for call in ("tableMulti", "tableClose"):
            self.assertLessEqual(calls[call], n_folders + 2 * n_stores + 5, call)
        self.assertLessEqual(calls["loadObject"], n_folders + 2 * n_stores + 5)
        self.assertLessEqual(calls["getStore"], n_stores + 5)


class Exports(ServerTest):
    """How many items are read by one call."""

    n_items = 1000
    export = "exportMessageChangesAsStream"
    round = 0

    def calls_for(self, folders: list[str]) -> int:
        """Of changes of all their items, made while the daemon was stopped."""
        self.assertEqual(self.daemon.stop(), 0)
        self.round += 1
        for folder in folders:
            self.fake.do("change", folder=folder, all=True, quiet=True, subject=f"round {self.round}")
        before = self.fake.calls(self.export)
        self.start()
        self.wait_for_records(lambda t: len(self.of_subject(f"round {self.round}")) == self.n_items, "all of the round")
        return self.fake.calls(self.export) - before

    def test_of_few_folders_many(self) -> None:
        self.fake.create("user1/Inbox", self.n_items)
        self.follow_whole()
        # Where the daemon has to wait for the processor, it reads what it has by then.
        self.wait_for(lambda: self.calls_for(["user1/Inbox"]) == 1, "a round with one call", 60)
        self.assert_whole()

    def test_of_many_folders_few(self) -> None:
        folders = [f"user1/Inbox/{n}" for n in range(20)]
        for n, folder in enumerate(folders):
            self.fake.create_folder("user1/Inbox", str(n))
            self.fake.create(folder, self.n_items // len(folders))
        self.follow_whole()
        self.assertGreater(self.calls_for(folders), 1)
        self.assert_whole()


class Filters(ServerTest):
    follow = {"mode": "stores", "stores": ["user1", "public"], "classes": ["IPF.Note"], "folders": ["Inbox", "Inbox/**"]}

    def is_wanted(self, path: str, class_: str) -> bool:
        return path == "Inbox" or path.startswith("Inbox/")

    def test_what_is_not_followed_is_taken_and_not_told(self) -> None:
        self.follow_whole()
        for place in ("user2/Inbox", "user1/Drafts", "user1/Calendar"):
            self.fake.create(place, 2, subject="elsewhere %d")
        self.fake.create("user1/Inbox", subject="here")
        self.wait_for_records(lambda t: self.of_subject("here"), "what is followed")
        self.assertEqual({e.store.owner for e in self.topics.events if e.kind == CREATED}, {"user1"})
        self.wait_for(lambda: self.count("filtered") >= 6, "the others are counted")
        self.assert_whole()

    def test_an_item_that_comes_in_and_goes_out(self) -> None:
        (item,) = self.fake.create("user2/Inbox", subject="guest")
        self.follow_whole()
        (inside,) = self.fake.move(item, "user1/Inbox")
        self.wait_for_records(lambda t: self.of_subject("guest"), "it comes in")
        self.fake.move(inside, "user2/Inbox")
        self.wait_for_records(lambda t: [e for e in t.events if e.kind == DELETED and e.source_key == inside.key], "it goes")
        self.assert_whole()


class Backlog(ServerTest):
    """More ids than are read before they have settled, which takes longer here than a test waits."""

    follow = {"mode": "server", "folders": ["Drafts"]}

    def is_wanted(self, path: str, class_: str) -> bool:
        return path == "Drafts"

    def test_what_was_taken_before_a_restart_is_none(self) -> None:
        self.write_config(source={"kopano": {"settle_ms": 3_600_000}})
        self.follow_whole()
        self.fake.do("create", folder="user1/Inbox", n=51_000, quiet=True)
        self.fake.create("user1/Drafts", subject="before")
        self.wait_for_records(lambda t: self.of_subject("before"), "what came after them")
        self.restart()
        self.fake.create("user1/Drafts", subject="after")
        self.wait_for_records(lambda t: self.of_subject("after"), "what came after the restart")
        self.assert_whole()


class Late(ServerTest):
    def test_commits_across_folders_in_another_order(self) -> None:
        self.follow_whole()
        rng = random.Random(5)
        n = 0
        for _ in range(40):
            for store in ("user1", "user2", "admin1"):
                self.fake.do("create", folder=f"{store}/Inbox", subject=f"item {n}", late_ms=rng.randrange(1, LATE_MS))
                n += 1
            self.topics.pump(0.02)
        self.wait_for_records(lambda t: len({e.item.subject for e in t.events if e.item.subject}) == n, "every one of them")
        self.assertEqual(self.count("late"), 0)
        self.assert_whole()
        self.assertEqual(self.topics.repeats(), 0)

    def test_one_that_comes_much_later_is_told_and_counted(self) -> None:
        self.write_config(source={"kopano": {"settle_ms": 100, "look_back_ms": 24000}})
        self.follow_whole()
        self.fake.hold("user1/Inbox")
        self.fake.create("user1/Inbox", subject="late")
        self.fake.create("user2/Inbox", subject="early")
        self.wait_for_records(lambda t: self.of_subject("early"), "the early one")
        self.wait_for(lambda: self.has_settled(), "its id has settled")
        self.fake.release()
        self.wait_for_records(lambda t: self.of_subject("late"), "the late one")
        self.wait_for(lambda: self.count("late") == 1, "it is counted")
        self.assert_whole()

    def has_settled(self) -> bool:
        self.topics.pump()
        (early,) = self.of_subject("early")
        return self.id_of(b"position/server") >= early.change_id

    def wait_until_settled(self) -> None:
        self.wait_for(lambda: self.id_of(b"position/server") == self.fake.do("info")["max_change"], "all of it has settled")

    def test_a_restart_repeats_nothing(self) -> None:
        self.follow_whole()
        self.fake.create("user1/Inbox", 10)
        self.wait_for_whole()
        self.restart()  # before the ids have settled
        self.fake.create("user1/Inbox", 10)
        self.assert_whole()
        self.assertEqual(self.topics.repeats(), 0)

    def test_one_that_comes_while_the_daemon_is_stopped(self) -> None:
        self.write_config(source={"kopano": {"settle_ms": 3000}})
        self.follow_whole()
        self.wait_until_settled()
        self.fake.do("create", folder="user1/Inbox", subject="late", late_ms=500)
        self.fake.create("user2/Inbox", subject="early")
        self.wait_for_records(lambda t: self.of_subject("early"), "the early one")
        self.assertEqual(self.daemon.stop(), 0)
        self.wait_for(lambda: len(self.fake.listing("user1/Inbox")) == 1, "it is there")
        self.start()
        self.assert_whole()

    def test_items_of_a_folder_that_comes_late(self) -> None:
        """Its entry appears below what the last reads began from: it is looked for, and nothing is a dead letter."""
        self.write_config(source={"kopano": {"settle_ms": 4000, "discover_interval_ms": 60000}})
        self.follow_whole()
        self.wait_until_settled()
        self.fake.create("user2/Inbox")  # after this one comes a read from the settled id
        self.wait_for_whole()
        self.fake.do("lag", ms=700)
        self.fake.create_folder("user1/Inbox", "late")
        self.fake.do("lag", ms=0)
        until = time.monotonic() + 1
        while time.monotonic() < until:
            self.fake.create("user2/Inbox")
            self.topics.pump(0.05)
        self.fake.create("user1/Inbox/late", subject="in it")
        self.assert_whole()
        self.assertEqual((self.topics.letters, len(self.of_subject("in it"))), ([], 1))

    def test_a_folder_that_comes_later_than_its_items(self) -> None:
        """Its creation takes longer than T, or its transaction is committed after a copy of it was begun."""
        self.follow_whole()
        for n in range(8):
            self.fake.create("user1/Inbox", subject=f"in a copy {n}")
        self.fake.copy_folder("user1/Inbox", "user2/Drafts")
        self.fake.do("hold", ms=200)
        self.fake.create_folder("user1/Drafts", "late")
        self.fake.copy_folder("user1/Inbox", "user2/Sent Items")
        self.fake.do("release")
        self.fake.create("user1/Drafts/late", subject="in it")
        self.assert_whole()


class Restored(ServerTest):
    def test_a_server_that_is_set_back(self) -> None:
        self.fake.create("user1/Inbox", 5, subject="before %d")
        self.follow_whole()
        self.fake.mark()
        self.fake.create("user1/Inbox", 5, subject="after %d")
        self.fake.create_folder("user1/Inbox", "after")
        self.fake.delete_all("user2/Inbox")
        self.wait_for_whole()
        self.fake.restore_mark()
        self.topics.wait_until(lambda: [e for e in self.topics.lifecycle if e.type == lifecycle.LIFECYCLE_TYPE_RESTORED], "it is known")
        self.fake.create("user1/Inbox", subject="since")
        self.wait_for_whole()
        self.assertEqual({e.epoch for e in self.of_subject("since")}, {2})
        self.assert_whole()

    def test_while_the_daemon_was_stopped(self) -> None:
        self.follow_whole()
        self.fake.mark()
        marked = self.fake.do("info")["max_change"]
        self.fake.create("user1/Inbox", 50, subject="after %d")
        self.wait_for_whole()
        self.wait_for(lambda: self.id_of(b"position/server") > marked, "it has settled")
        self.restart()  # at a logon, and every minute, the server is given to keep how far it was read
        self.wait_for(lambda: self.id_of(b"kept/server") > marked, "it is kept")
        self.assertEqual(self.daemon.stop(), 0)
        self.fake.restore_mark()
        self.fake.create("user2/Inbox", 60, subject="since %d")  # the ids are above the old ones by now
        self.start()
        self.topics.wait_until(lambda: [e for e in self.topics.lifecycle if e.type == lifecycle.LIFECYCLE_TYPE_RESTORED], "it is known")
        self.assert_whole()

    def test_another_server(self) -> None:
        self.follow_whole()
        self.assertEqual(self.daemon.stop(), 0)
        self.fake.do("new-guid")
        self.start()
        self.assertEqual(self.daemon.wait(), 2)
        self.assertIn("another server", self.daemon.log())

    def test_sync_ids_that_have_expired(self) -> None:
        self.follow_whole()
        self.restart()
        self.fake.create("user1/Inbox")
        self.wait_for(lambda: self.id_of(b"kept/server") and self.id_of(b"kept/folders"), "they are kept")
        self.fake.do("expire-syncs")
        self.fake.create("user1/Inbox", 3)
        self.wait_for_whole()
        self.assertEqual(self.daemon.stop(), 0)
        self.fake.do("advance", seconds=400 * 24 * 3600)
        self.fake.create("user1/Inbox", 3)
        self.start()
        self.assert_whole()
        self.assertEqual([e for e in self.topics.lifecycle if e.type == lifecycle.LIFECYCLE_TYPE_RESTORED], [])

    def test_a_level_that_is_lost(self) -> None:
        self.follow_whole()
        self.fake.change_user("boss", admin=1)
        self.fake.expire_sessions()
        self.assertEqual(self.daemon.wait(60), 2)
        self.assertIn("tidings state reset", self.daemon.log())

    def test_a_level_that_is_too_low(self) -> None:
        self.fake.change_user("boss", admin=1)
        self.start()
        self.assertEqual(self.daemon.wait(), 2)
        self.assertIn("follow.mode: server needs a system administrator", self.daemon.log())


class Snapshots(ServerTest):
    def test_a_listing_beside_what_changes(self) -> None:
        self.fake.create("user1/Inbox", 3000, quiet=True)
        self.start()
        self.wait_for_records(lambda t: len(t.rows()) > 300, "some rows")
        self.fake.create("user2/Inbox", subject="meanwhile")
        self.fake.delete_all("user1/Inbox")
        self.fake.create("user1/Inbox", 20)
        self.wait_for_records(lambda t: self.of_subject("meanwhile"), "what changes meanwhile")
        self.assert_whole()

    def test_rows_in_a_second(self) -> None:
        self.fake.create("user1/Inbox", 400, quiet=True)
        self.write_config(snapshot={"mode": "all", "items_per_second": 100})
        self.start()
        self.wait_for_records(lambda t: t.rows(), "the first rows")
        began = time.monotonic()
        self.wait_for_records(lambda t: len(t.rows()) == 400, "all of them")
        self.assertGreater(time.monotonic() - began, 2.0)
        self.assert_whole()

    def test_none(self) -> None:
        self.fake.create("user1/Inbox", 4)
        self.write_config(snapshot="none")
        self.start()
        self.wait_for(lambda: self.state_entries(b"inventory"), "the inventory is over")
        self.fake.create("user1/Inbox", subject="new")
        self.wait_for_records(lambda t: self.of_subject("new"), "what is new")
        self.assertEqual(self.daemon.stop(), 0)
        self.topics.read_to_end()
        self.assertEqual([e.item.subject for e in self.topics.events], ["new"])

    def test_one_that_is_asked_for(self) -> None:
        self.fake.create("user1/Inbox", 4)
        self.follow_whole()
        inbox = self.fake.folder("user1", "Inbox").key
        self.done("snapshot", "user1", "Inbox")
        self.wait_for_records(lambda t: len([e for e in t.of_kind(END) if e.parent_source_key == inbox]) == 2, "another one")
        self.fake.change(self.fake.listing("user1/Inbox")[0], subject="changed")
        self.assert_whole()


class Killed(ServerTest):
    def test_again_and_again(self) -> None:
        rng = random.Random(11)
        self.folders = [self.new_folder(store, "", "own") for store in ("user1", "user2", "admin1")]
        self.fake.create("user1/Inbox", 500, quiet=True)
        self.start()
        # A first start that leaves no state at all is followed by another first start, which knows of no records before.
        self.wait_for(lambda: self.state_entries(b"position/folders"), "where it began")
        for n in range(12):
            for m in range(rng.randrange(1, 12)):
                self.work(rng, f"{n}-{m}")
                self.topics.pump(0.01)
            self.kill_and_start()
        self.assert_whole()

    def work(self, rng: random.Random, name: str) -> None:
        folder = rng.choice(self.folders)
        items = self.fake.listing(folder)
        what = rng.choice(("items", "items", "change", "delete", "folder", "rename", "end", "late"))
        if what == "items" or not items:
            self.fake.create(folder, rng.randrange(1, 6), subject=f"{name} %d")
        elif what == "change":
            self.fake.change(rng.choice(items), subject=f"changed {name}")
        elif what == "delete":
            self.fake.delete(rng.choice(items), hard=rng.random() < 0.5)
        elif what == "late":
            self.fake.do("create", folder=folder.key.hex(), subject=f"late {name}", late_ms=rng.randrange(1, LATE_MS))
        elif what == "folder":
            self.fake.create_folder(folder, name)
            self.folders.append(self.fake.folder(folder.store, f"{self.path_of(folder)}/{name}"))
        elif what == "rename":
            self.fake.rename_folder(folder, f"renamed {name}")
        elif len(self.folders) > 6:
            self.end(rng.choice(self.folders[3:]), rng.random() < 0.5)

    def path_of(self, folder: Folder) -> str:
        return self.folders_of(folder.store)[folder.key][0]

    def end(self, folder: Folder, hard: bool) -> None:
        path = self.path_of(folder)
        self.folders = [f for f in self.folders if not (self.path_of(f) + "/").startswith(path + "/")]
        self.fake.delete_folder(folder, hard=hard)


if __name__ == "__main__":
    unittest.main(verbosity=2)
