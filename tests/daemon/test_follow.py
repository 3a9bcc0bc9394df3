#!/usr/bin/python3
"""A snapshot, then every kind of change in a followed folder: what the records say, and that the mirror comes out right."""

from harness import DaemonTest, main
from topics import change

SOFT, HARD = change.DELETION_TYPE_SOFT, change.DELETION_TYPE_HARD


class Following(DaemonTest):
    """Starts with a few items in the inbox, all announced by the snapshot."""

    def setUp(self) -> None:
        super().setUp()
        self.items = self.fake.create("user1/Inbox", 5)
        self.before_start()
        self.start()
        self.wait_for_records(lambda t: t.of_kind(change.KIND_SNAPSHOT_END), "the end of the snapshot")
        self.wait_for_mirror()
        self.n_before = len(self.topics.events)

    def before_start(self) -> None:
        pass

    def of(self, key: bytes) -> list[change.ChangeEvent]:
        """Records of the item since the snapshot."""
        return [e for e in self.topics.events[self.n_before :] if e.source_key == key]

    def wait_for_kind(self, key: bytes, kind: int) -> change.ChangeEvent:
        self.wait_for_records(lambda t: any(e.kind == kind for e in self.of(key)), f"kind {kind} of {key.hex()}")
        return [e for e in self.of(key) if e.kind == kind][-1]


class OneFolder(Following):
    def test_the_snapshot_has_every_item_between_one_begin_and_one_end(self) -> None:
        kinds = [e.kind for e in self.topics.events]
        self.assertEqual(kinds, [change.KIND_SNAPSHOT_BEGIN] + 5 * [change.KIND_CREATED] + [change.KIND_SNAPSHOT_END])
        self.assert_mirror()

    def test_create(self) -> None:
        (item,) = self.fake.create("user1/Inbox", subject="Grüße & <Küsse>")
        created = self.wait_for_kind(item.key, change.KIND_CREATED)
        self.assertEqual(created.item.subject, "Grüße & <Küsse>")
        self.assertEqual(created.origin, change.ORIGIN_ICS)
        self.assertEqual(created.item_number, item.number)
        self.assert_mirror()

    def test_update(self) -> None:
        self.fake.change(self.items[0], subject="second thoughts")
        updated = self.wait_for_kind(self.items[0].key, change.KIND_UPDATED)
        self.assertEqual(updated.item.subject, "second thoughts")
        self.assert_mirror()

    def test_read_flag(self) -> None:
        self.fake.read(self.items[0], True)
        self.assertTrue(self.wait_for_kind(self.items[0].key, change.KIND_READ_STATE).read_state.read)
        self.fake.read(self.items[0], False)
        self.wait_for_records(lambda t: len(self.of(self.items[0].key)) == 2, "the second read state")
        self.assertFalse(self.of(self.items[0].key)[-1].read_state.read)
        self.assert_mirror()

    def test_soft_delete_then_purge(self) -> None:
        self.fake.delete(self.items[0], hard=False)
        self.assertEqual(self.wait_for_kind(self.items[0].key, change.KIND_DELETED).deletion.type, SOFT)
        self.fake.purge("user1/Inbox")
        self.wait_for_records(lambda t: len(self.of(self.items[0].key)) == 2, "the second delete")
        self.assertEqual(self.of(self.items[0].key)[-1].deletion.type, HARD)
        self.assert_mirror()

    def test_hard_delete(self) -> None:
        self.fake.delete(self.items[0], hard=True)
        self.assertEqual(self.wait_for_kind(self.items[0].key, change.KIND_DELETED).deletion.type, HARD)
        self.assert_mirror()

    def test_restore_gives_a_new_key(self) -> None:
        self.fake.delete(self.items[0], hard=False)
        self.wait_for_kind(self.items[0].key, change.KIND_DELETED)
        (restored,) = self.fake.restore(self.items[0])
        self.assertNotEqual(restored.key, self.items[0].key)
        created = self.wait_for_kind(restored.key, change.KIND_CREATED)
        self.assertEqual(created.item_number, self.items[0].number)
        self.assert_mirror()

    def test_move_out_of_what_is_followed_is_a_delete(self) -> None:
        self.fake.move(self.items[0], "user1/Drafts")
        self.assertEqual(self.wait_for_kind(self.items[0].key, change.KIND_DELETED).deletion.type, HARD)
        self.assert_mirror()

    def test_move_in_is_a_create(self) -> None:
        (draft,) = self.fake.create("user1/Drafts")
        (moved,) = self.fake.move(draft, "user1/Inbox")
        self.assertEqual(self.wait_for_kind(moved.key, change.KIND_CREATED).item_number, draft.number)
        self.assert_mirror()

    def test_an_item_that_comes_and_goes_between_two_reads(self) -> None:
        (item,) = self.fake.create("user1/Inbox")
        self.fake.delete(item, hard=True)
        self.wait_for_kind(item.key, change.KIND_DELETED)
        self.assert_mirror()

    def test_emptying_the_folder(self) -> None:
        self.fake.delete_all("user1/Inbox")
        self.wait_for_records(lambda t: len(t.of_kind(change.KIND_DELETED)) == 5, "five deletes")
        self.assert_mirror()

    def test_associated_items_are_not_told(self) -> None:
        (hidden,) = self.fake.create("user1/Inbox", associated=True)
        (item,) = self.fake.create("user1/Inbox")
        self.wait_for_kind(item.key, change.KIND_CREATED)
        self.fake.delete(hidden, hard=True)
        self.assert_mirror()
        self.assertEqual([e for e in self.of(hidden.key) if e.kind != change.KIND_DELETED], [])

    def test_what_happened_while_it_was_stopped(self) -> None:
        self.assertEqual(self.daemon.stop(), 0)
        self.fake.change(self.items[0], subject="meanwhile")
        self.fake.read(self.items[1], True)
        self.fake.delete(self.items[2], hard=True)
        self.fake.create("user1/Inbox", 3)
        self.start()
        self.assert_mirror()
        self.assertEqual(len(self.topics.of_kind(change.KIND_SNAPSHOT_BEGIN)), 1)
        self.assertEqual(self.topics.repeats(), 0)

    def test_many_changes_of_one_item_end_with_the_last(self) -> None:
        for n in range(200):
            self.fake.change(self.items[0], subject=f"thought {n}")
        self.assert_mirror()
        self.assertEqual(self.of(self.items[0].key)[-1].item.subject, "thought 199")


class Associated(Following):
    follow = {"mode": "folders", "stores": ["user1"], "folders": ["Inbox"], "associated": True}

    def before_start(self) -> None:
        self.hidden = self.fake.create("user1/Inbox", 3, associated=True)

    def test_they_are_listed_and_followed(self) -> None:
        self.assertEqual(sum(e.associated for e in self.topics.rows()), 3)
        (more,) = self.fake.create("user1/Inbox", associated=True)
        self.assertTrue(self.wait_for_kind(more.key, change.KIND_CREATED).associated)
        self.fake.change(self.hidden[0], subject="rules")
        self.fake.delete(self.hidden[1], hard=True)
        self.assert_mirror()

    def test_one_snapshot_brackets_both_listings(self) -> None:
        self.assertEqual(len(self.topics.of_kind(change.KIND_SNAPSHOT_END)), 1)
        self.assertEqual(len(self.topics.rows()), 8)
        self.assert_mirror()


class SeveralFolders(DaemonTest):
    follow = {"mode": "folders", "stores": ["user1"], "folders": ["Inbox", "Sent Items", "Projects/A\\/B"]}
    partitions = 8

    def setUp(self) -> None:
        super().setUp()
        self.fake.create_folder("user1/", "Projects")
        self.fake.create_folder("user1/Projects", "A/B")
        self.inbox = self.fake.create("user1/Inbox", 5)
        self.project = self.fake.create(self.fake.folder("user1", "Projects/A\\/B"), 5)
        self.start()
        self.wait_for_records(lambda t: len(t.of_kind(change.KIND_SNAPSHOT_END)) == 3, "three snapshots")

    def test_a_move_between_them_is_linked_by_the_item_number(self) -> None:
        (moved,) = self.fake.move(self.inbox[0], "user1/Sent Items")
        self.wait_for_mirror()
        (deleted,) = self.topics.of_kind(change.KIND_DELETED)
        (created,) = self.topics.of_kind(change.KIND_CREATED, change.ORIGIN_ICS)
        self.assertEqual((deleted.source_key, created.source_key), (self.inbox[0].key, moved.key))
        self.assertEqual(created.item_number, self.inbox[0].number)
        self.assertEqual((deleted.folder.path, created.folder.path), ("Inbox", "Sent Items"))
        self.assert_mirror()

    def test_a_copy_leaves_the_original(self) -> None:
        (copy,) = self.fake.copy(self.inbox[0], "user1/Sent Items")
        self.wait_for_mirror()
        (created,) = self.topics.of_kind(change.KIND_CREATED, change.ORIGIN_ICS)
        self.assertEqual(created.source_key, copy.key)
        self.assert_mirror()

    def test_there_and_back_again(self) -> None:
        (away,) = self.fake.move(self.inbox[0], "user1/Sent Items")
        self.fake.move(away, "user1/Inbox")
        self.assert_mirror()

    def test_a_name_with_a_slash(self) -> None:
        self.fake.change(self.project[0], subject="seen")
        self.wait_for_mirror()
        (updated,) = self.topics.of_kind(change.KIND_UPDATED)
        self.assertEqual(updated.folder.path, "Projects/A\\/B")
        self.assert_mirror()

    def test_changes_everywhere_at_once(self) -> None:
        for n in range(100):
            folder = ("user1/Inbox", "user1/Sent Items")[n % 2]
            items = self.fake.create(folder, 2)
            self.fake.move(items[0], ("user1/Sent Items", "user1/Inbox")[n % 2])
            self.fake.read(items[1], True)
        self.assert_mirror()

    def test_a_folder_that_is_deleted_ends_alone(self) -> None:
        key = self.fake.folder("user1", "Projects/A\\/B").key
        self.fake.delete_folder(self.fake.folder("user1", "Projects/A\\/B"))
        self.wait_for_records(lambda t: not t.mirror.folders[key], "the folder is empty")
        self.fake.create("user1/Inbox")
        self.config["follow"]["folders"].remove("Projects/A\\/B")
        self.assert_mirror()

    def test_a_folder_that_is_no_longer_configured_ends(self) -> None:
        self.wait_for_mirror()
        self.assertEqual(self.daemon.stop(), 0)
        self.write_config(follow={"folders": ["Inbox", "Sent Items"]})
        self.start()
        self.assert_mirror()

    def test_a_folder_that_is_added_gets_a_snapshot(self) -> None:
        self.wait_for_mirror()
        self.assertEqual(self.daemon.stop(), 0)
        self.fake.create("user1/Drafts", 3)
        self.write_config(follow={"folders": ["Inbox", "Sent Items", "Projects/A\\/B", "Drafts"]})
        self.start()
        self.wait_for_records(lambda t: len(t.of_kind(change.KIND_SNAPSHOT_END)) == 4, "the fourth snapshot")
        self.assert_mirror()


    def test_a_folder_that_is_renamed_is_still_followed(self) -> None:
        folder = self.fake.folder("user1", "Projects/A\\/B")
        self.wait_for_mirror()
        self.fake.rename_folder(folder, "C")
        self.fake.change(self.project[0], subject="renamed")
        self.wait_for_records(lambda t: t.of_kind(change.KIND_UPDATED), "the change")
        self.restart()
        self.fake.change(self.project[1], subject="after a restart")
        self.wait_for_records(lambda t: len(t.of_kind(change.KIND_UPDATED)) == 2, "another change")
        self.config["follow"]["folders"][2] = "Projects/C"
        self.assert_mirror()
        self.assertEqual(len(self.topics.of_kind(change.KIND_SNAPSHOT_BEGIN)), 3)


class TwoStores(DaemonTest):
    user = "admin1"
    follow = {"mode": "folders", "stores": ["user1", "user2"], "folders": ["Inbox"]}

    def test_each_has_its_own_folder(self) -> None:
        first, second = self.fake.create("user1/Inbox", 3), self.fake.create("user2/Inbox", 3)
        self.start()
        self.wait_for_records(lambda t: len(t.of_kind(change.KIND_SNAPSHOT_END)) == 2, "two snapshots")
        self.fake.change(first[0], subject="of the first")
        self.fake.delete(second[0], hard=True)
        self.wait_for_mirror()
        (updated,) = self.topics.of_kind(change.KIND_UPDATED)
        (deleted,) = self.topics.of_kind(change.KIND_DELETED)
        self.assertEqual((updated.store.owner, deleted.store.owner), ("user1", "user2"))
        self.assert_mirror()


class WithoutSnapshot(DaemonTest):
    snapshot = "none"

    def test_only_what_changes_is_told(self) -> None:
        old = self.fake.create("user1/Inbox", 5)
        self.start()
        self.wait_for(self.has_position, "following has begun")
        (new,) = self.fake.create("user1/Inbox")
        self.fake.change(old[0], subject="changed")
        self.fake.read(old[1], True)
        self.wait_for_records(lambda t: len(t.events) == 3, "three records")
        self.assertEqual({e.source_key for e in self.topics.events}, {new.key, old[0].key, old[1].key})
        self.assertEqual(self.topics.of_kind(change.KIND_SNAPSHOT_BEGIN), [])
        self.assert_mirror(but={item.key for item in old[1:]})

    def test_a_snapshot_that_is_wanted_later(self) -> None:
        self.fake.create("user1/Inbox", 5)
        self.start()
        self.wait_for(self.has_position, "following has begun")
        self.assertEqual(self.daemon.stop(), 0)
        self.write_config(snapshot="all")
        self.start()
        self.assert_mirror()
        self.assertEqual(len(self.topics.rows()), 5)


if __name__ == "__main__":
    main()
