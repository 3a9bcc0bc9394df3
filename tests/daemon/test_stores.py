#!/usr/bin/python3
"""Stores come, are detached, attached and removed: none of it is in the journal."""

import unittest

from harness import PASSWORD
from topics import change, dead_letter, lifecycle
from whole import FOLDER, STORE, WholeTest

CREATED, UPDATED, DELETED = change.KIND_CREATED, change.KIND_UPDATED, change.KIND_DELETED
MISSED = lifecycle.LIFECYCLE_TYPE_MISSED
FOUND = lifecycle.LIFECYCLE_TYPE_STORE_FOUND
DETACHED = lifecycle.LIFECYCLE_TYPE_STORE_DETACHED
VANISHED = lifecycle.LIFECYCLE_TYPE_STORE_VANISHED


class Stores(WholeTest):
    discover_ms = 500

    def of_store(self, owner: str) -> list[int]:
        return [e.kind for e in self.store_records() if e.store.owner == owner]

    def wait_for_store(self, owner: str, *kinds: int) -> change.ChangeEvent:
        """Its records, all of them; returns the last one."""
        self.wait_for_equal(lambda: self.of_store(owner), list(kinds), f"the store of {owner}")
        return [e for e in self.store_records() if e.store.owner == owner][-1]

    def follow_whole(self) -> None:
        self.fake.create("user2/Inbox", 2)
        self.start()
        self.wait_for_whole()
        self.wait_for_listings()

    # ---- the inventory ----

    def test_the_inventory_tells_of_every_store_and_its_folders_parents_first(self) -> None:
        self.fake.create_folder("user1/Inbox", "below")
        self.follow_whole()
        records = self.topics.folders
        self.assertEqual({e.kind for e in records}, {CREATED})
        self.assertEqual(len({e.snapshot_id for e in records}), 1)
        self.assertEqual({e.origin for e in records}, {change.ORIGIN_SNAPSHOT})
        self.assertEqual({e.store.owner for e in self.store_records()}, {"user1", "user2", "admin1", "boss", ""})
        told: set[bytes] = set()
        for e in records:
            if e.object_type == FOLDER and e.folder.path:
                self.assertIn(e.parent_source_key, told)
            told.add(e.source_key)
        store = next(e for e in self.store_records() if e.store.owner == "user2")
        self.assertEqual(store.store_properties.display_name, "Inbox - User Two")
        self.assertEqual(store.source_key, store.store.guid)
        self.assert_whole()

    def test_a_restart_tells_nothing_again(self) -> None:
        self.follow_whole()
        n = len(self.topics.folders), len(self.topics.events)
        self.restart()
        self.fake.create("user1/Inbox")
        self.wait_for_whole()
        self.assert_whole()
        self.assertEqual((len(self.topics.folders), len(self.topics.events)), (n[0], n[1] + 1))

    def test_after_a_restart_what_came_meanwhile_is_told_before_stores_are_looked_for(self) -> None:
        self.write_config(follow={"objects": ["items", "folders", "stores"]})
        self.follow_whole()
        self.daemon.stop()
        (item,) = self.fake.create("user1/Inbox")
        self.fake.fault("never", "tableMulti")
        self.start()
        self.wait_for_records(lambda t: [e for e in t.events if e.source_key == item.key], "the new item")
        self.fake.clear_faults()
        self.assert_whole()

    def test_an_inventory_goes_on_after_kills(self) -> None:
        for i in range(30):
            self.fake.add_user(f"more{i}", PASSWORD)
        self.all_stores = (*self.all_stores, *(f"more{i}" for i in range(30)))
        self.start()
        for n in (1, 150, 400):
            self.wait_for_records(lambda t: len(t.folders) >= n, f"{n} records")
            self.kill_and_start()
        self.assert_whole()

    def test_without_a_snapshot_only_changes_are_told(self) -> None:
        self.write_config(snapshot="none")
        folder = self.new_folder("user1", "", "a")
        self.start()
        self.wait_for(lambda: self.state_entries(b"inventory"), "the inventory is over")
        self.fake.rename_folder(folder, "b")
        self.assertEqual(self.wait_for_folder(folder, UPDATED).folder_properties.path, "b")
        self.fake.delete_folder(folder)
        self.wait_for_folder(folder, DELETED)
        self.fake.add_user("late", PASSWORD)
        self.wait_for_records(lambda t: self.of_store("late"), "a store that was found later")
        self.assertEqual(self.daemon.stop(), 0)
        self.topics.read_to_end()
        self.assertEqual({e.store.owner for e in self.topics.folders}, {"user1", "late"})

    # ---- one store ----

    def test_a_new_store_is_found(self) -> None:
        self.follow_whole()
        self.fake.add_user("late", PASSWORD)
        self.all_stores = (*self.all_stores, "late")
        self.fake.create("late/Inbox", 3)
        self.wait_for_records(lambda t: t.lifecycle_of(FOUND), "it is found")
        self.assertEqual(self.topics.lifecycle_of(FOUND)[0].store.owner, "late")
        self.fake.create("late/Inbox", 3)
        self.wait_for_whole()
        self.wait_for_store("late", CREATED)
        self.assert_whole()
        # Stores are not looked for so often: what came before it was found may be named by a dead letter, and is listed.
        self.assertLessEqual({letter.cause for letter in self.topics.letters}, {dead_letter.CAUSE_UNKNOWN_FOLDER})

    def test_a_detached_store_ends_and_comes_back(self) -> None:
        self.follow_whole()
        before = self.folders_of("user2")
        self.fake.detach_store("user2")
        self.all_stores = ("user1", "admin1", "boss", "public")
        self.wait_for_records(lambda t: t.lifecycle_of(DETACHED), "it is detached")
        self.wait_for_whole()
        detached = self.wait_for_store("user2", CREATED, UPDATED)
        self.assertTrue(detached.store_properties.detached)
        self.restart()
        self.fake.attach_store(detached.store.guid.hex(), "user2")
        self.all_stores = WholeTest.all_stores
        self.wait_for_records(lambda t: not self.store_records()[-1].store_properties.detached, "it is attached")
        self.wait_for_whole()
        self.assertEqual(before.keys() - self.mirror_folders().keys(), set())
        self.fake.create("user2/Inbox")
        self.assert_whole()
        self.assertFalse(self.store_records()[-1].store_properties.detached)

    def test_a_removed_store_is_deleted_with_its_folders(self) -> None:
        self.follow_whole()
        gone = self.folders_of("user2")
        self.fake.remove_store("user2", purge=True)
        self.all_stores = ("user1", "admin1", "boss", "public")
        self.wait_for_records(lambda t: t.lifecycle_of(VANISHED), "it has vanished")
        self.wait_for_store("user2", CREATED, DELETED)
        self.wait_for_equal(lambda: self.deleted_folders(), set(gone), "the end of its folders")
        self.assert_whole()
        self.assertNotIn(b"user2", b"".join(value for _, value in self.state_entries(b"store/")))

    def deleted_folders(self) -> set[bytes]:
        return {e.source_key for e in self.topics.folders if e.kind == DELETED and e.object_type == FOLDER}

    def test_a_detached_store_is_removed(self) -> None:
        self.follow_whole()
        self.fake.detach_store("user2")
        self.wait_for_records(lambda t: t.lifecycle_of(DETACHED), "it is detached")
        detached = self.wait_for_store("user2", CREATED, UPDATED)
        self.restart()
        self.fake.remove_store(detached.store.guid.hex(), purge=True)
        self.all_stores = ("user1", "admin1", "boss", "public")
        self.wait_for_records(lambda t: t.lifecycle_of(VANISHED), "it has vanished")
        self.wait_for_store("user2", CREATED, UPDATED, DELETED)
        self.assert_whole()

    def test_the_public_store(self) -> None:
        self.follow_whole()
        folder = self.new_folder("public", "", "News")
        self.fake.create(folder, 2)
        created = self.wait_for_folder(folder, CREATED)
        self.assertEqual((created.store.owner, created.store.type), ("", change.STORE_TYPE_PUBLIC))
        self.assert_whole()

    def test_half_a_table_takes_no_store_away(self) -> None:
        self.follow_whole()
        self.fake.fault("error", "tableMulti", n=0x80000004, times=5)
        self.fake.fault("truncate", "tableMulti", n=900, times=5)
        self.wait_for(lambda: self.fake.calls("tableMulti") > 20, "it has looked again")
        self.assertEqual(self.topics.lifecycle_of(VANISHED), [])
        self.fake.create("user2/Inbox")
        self.assert_whole()
        self.assertEqual([e for e in self.store_records() if e.kind == DELETED], [])

    def test_a_server_that_is_set_back_to_an_earlier_time(self) -> None:
        kept = self.new_folder("user1", "", "kept")
        self.fake.create(kept, 2)
        self.follow_whole()
        self.fake.mark()
        self.fake.rename_folder(kept, "renamed")
        lost = self.new_folder("user1", "renamed", "lost")
        self.fake.create(lost, 2)
        self.fake.delete_folder("user1/Drafts", hard=True)
        self.wait_for_folder(lost, CREATED)
        self.wait_for_whole()
        self.fake.restore_mark()
        self.wait_for_records(lambda t: t.lifecycle_of(lifecycle.LIFECYCLE_TYPE_RESTORED), "it is noticed")
        self.wait_for_folder(lost, DELETED)
        self.assert_whole()
        self.assertEqual({e.epoch for e in self.topics.folders}, {1, 2})

    # ---- what is followed ----

    def test_the_servers_own_store_is_hidden(self) -> None:
        self.follow_whole()
        self.assertNotIn("SYSTEM", {e.store.owner for e in self.topics.folders})
        self.assert_whole()

    def test_stores_that_the_configuration_adds_and_leaves_out(self) -> None:
        self.write_config(follow={"mode": "stores", "stores": ["user1", "user2"]})
        self.follow_whole()
        self.assertEqual(self.daemon.stop(), 0)
        self.write_config(follow={"mode": "stores", "stores": ["user2", "public"]})
        self.start()
        self.wait_for_records(lambda t: self.of_store(""), "the public store")
        self.wait_for_whole()
        self.wait_for_store("user1", CREATED, DELETED)
        self.wait_for_store("user2", CREATED)
        self.wait_for_store("", CREATED)
        self.assert_whole()

    def test_objects_that_are_not_wanted_are_not_told(self) -> None:
        self.write_config(follow={"objects": ["items"]})
        self.fake.create("user2/Inbox", 2)
        self.start()
        self.wait_for_records(lambda t: len(t.rows()) == 2, "the items")
        self.fake.create_folder("user1/", "a")
        self.fake.create("user1/a")
        self.wait_for_records(lambda t: len(t.of_kind(CREATED, change.ORIGIN_ICS)) == 1, "an item of a new folder")
        self.assertEqual(self.daemon.stop(), 0)
        self.topics.read_to_end()
        self.assertEqual(self.topics.folders, [])

    def test_a_store_that_is_not_there(self) -> None:
        self.write_config(follow={"mode": "stores", "stores": ["user1", "nobody"]})
        for _ in range(2):
            self.start()
            self.assertEqual(self.daemon.wait(), 2)
            self.assertIn('no store of "nobody"', self.daemon.log())

    def test_a_store_that_is_added_and_not_there_is_told_of_and_the_others_go_on(self) -> None:
        self.write_config(follow={"mode": "stores", "stores": ["user2"]})
        self.follow_whole()
        self.assertEqual(self.daemon.stop(), 0)
        self.write_config(follow={"mode": "stores", "stores": ["user2", "nobody", "no one"]})
        self.start()
        self.fake.create("user2/Inbox")
        self.wait_for_records(lambda t: len(t.lifecycle_of(MISSED)) == 2, "they are told of")
        for missed, name in zip(self.topics.lifecycle_of(MISSED), ("nobody", "no one")):
            self.assertIn(f'no store of "{name}"', missed.text)
            self.daemon.wait_for(f'no store of "{name}"')
        self.fake.add_user("nobody", "secret")
        self.fake.add_user("no one", "secret")
        self.assert_whole()
        self.assertEqual(len(self.topics.lifecycle_of(MISSED)), 2)

    def test_a_folder_that_is_added_and_not_there_is_told_of_but_not_one_that_was_renamed(self) -> None:
        new = self.new_folder("user2", "", "New")
        self.write_config(follow={"mode": "folders", "stores": ["user2"], "folders": ["Inbox", "New"]})
        self.start()
        self.wait_for_folder(new, CREATED)
        self.fake.rename_folder(new, "Renamed")
        self.wait_for_folder(new, UPDATED)
        self.restart()
        self.fake.create(new)
        self.wait_for_records(lambda t: t.of_kind(CREATED, change.ORIGIN_ICS), "it is followed on")
        self.assertEqual(self.daemon.stop(), 0)
        self.topics.read_to_end()
        self.assertEqual(self.topics.lifecycle_of(MISSED), [])
        self.write_config(follow={"mode": "folders", "stores": ["user2"], "folders": ["Inbox", "nowhere"]})
        self.start()
        self.wait_for_records(lambda t: t.lifecycle_of(MISSED), "it is told of")
        self.assertIn('no folder "nowhere" in the store of "user2"', self.topics.lifecycle_of(MISSED)[0].text)


class Calls(WholeTest):
    """What it costs, in calls."""

    N = 40

    def fake_arguments(self) -> list[str]:
        return ["--stores", str(self.N), "--folders", "44", "--items", "0"]

    def setUp(self) -> None:
        super().setUp()
        self.all_stores = (*self.all_stores, *(f"gen{i + 1}" for i in range(self.N)))

    def test_an_inventory_asks_four_times_for_each_store(self) -> None:
        self.write_config(snapshot="none")
        self.start()
        self.wait_for(lambda: self.state_entries(b"inventory"), "the inventory is over")
        stats = self.fake.do("stats")["calls"]
        n = self.N + 6  # also those of the usual users, the public one, and SYSTEM's
        self.assertLessEqual(sum(stats.get(call, 0) for call in ("getStore", "loadObject")), 2 * n + 10, stats)
        self.assertLessEqual(stats["tableMulti"], n + 5, stats)
        self.assertEqual(self.daemon.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
