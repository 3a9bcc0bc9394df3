#!/usr/bin/python3
"""The listing of a folder: interrupted, disturbed, forbidden, and proven complete before its end is announced."""

from fake import Item
from harness import PASSWORD, DaemonTest, main
from topics import change, lifecycle

ROWS = "tableQueryRows"
PAGE = 1000


class Snapshot(DaemonTest):
    def fill(self, n: int) -> None:
        self.fake.create("user1/Inbox", n, quiet=True)

    def hang_after_pages(self, n_pages: int) -> None:
        """Every page after the first n is not answered until faults are cleared; the first comes with the opening."""
        self.fake.fault("never", ROWS, after=n_pages - 1, times=1000)

    def wait_for_rows(self, n: int) -> None:
        self.wait_for_records(lambda t: len(t.rows()) >= n, f"{n} rows")

    def wait_for_committed_row(self, row: int) -> None:
        """That the position names the row-th one, counted from the first of the listing."""
        number = self.topics.rows()[row - 1].item_number
        self.wait_for(lambda: self.snapshot_cursor() == number, "the position is stored")

    def snapshot_cursor(self) -> int:
        entries = self.state_entries(b"position/snapshot/")
        return int.from_bytes(entries[0][1][-4:], "little") if entries else 0

    def wait_for_end(self, n: int = 1) -> None:
        self.wait_for_records(lambda t: len(self.ends()) >= n, f"{n} ends")

    def ends(self) -> list[change.ChangeEvent]:
        return self.topics.of_kind(change.KIND_SNAPSHOT_END)

    def begins(self) -> list[change.ChangeEvent]:
        return self.topics.of_kind(change.KIND_SNAPSHOT_BEGIN)

    def row_items(self) -> list[Item]:
        """The items of the rows so far, newest first."""
        return [Item("user1/Inbox", row.source_key, row.item_number) for row in self.topics.rows()]

    def pause_at(self, row: int) -> None:
        self.hang_after_pages(row // PAGE)
        self.start()
        self.wait_for_rows(row)


class Killed(Snapshot):
    def test_at_item_7000_of_10000_it_goes_on_there(self) -> None:
        self.fill(10000)
        self.pause_at(7000)
        self.wait_for_committed_row(7000)
        self.daemon.kill()
        self.fake.clear_faults()
        self.start()
        self.wait_for_end()
        self.assert_mirror()
        self.assertEqual(len(self.topics.rows()), 10000)
        self.assertEqual((len(self.begins()), len(self.ends())), (1, 1))

    def test_what_changed_and_vanished_meanwhile_comes_right(self) -> None:
        self.fill(10000)
        self.pause_at(7000)
        self.wait_for_committed_row(7000)
        self.daemon.kill()
        listed = self.row_items()
        self.change_listed(listed)
        self.change_unlisted(min(item.number for item in listed))
        self.fake.create("user1/Inbox", 20)
        self.fake.clear_faults()
        self.start()
        self.wait_for_end()
        self.assert_mirror()
        self.assertLess(len(self.topics.rows()), 10001)

    def change_listed(self, listed: list[Item]) -> None:
        for item in listed[:10]:
            self.fake.change(item, subject="changed after it was listed")
        for item in listed[10:20]:
            self.fake.delete(item, hard=True)
        for item in listed[20:30]:
            self.fake.delete(item, hard=False)
        self.fake.move(listed[30], "user1/Drafts")
        self.fake.read(listed[31], True)

    def change_unlisted(self, below: int) -> None:
        unlisted = [i for i in self.fake.listing(self.fake.folder("user1", "Inbox")) if i.number < below]
        for item in unlisted[:10]:
            self.fake.change(item, subject="changed before it was listed")
        for item in unlisted[10:20]:
            self.fake.delete(item, hard=True)
        self.fake.delete(unlisted[-1], hard=True)
        self.fake.move(unlisted[20], "user1/Drafts")

    def test_again_and_again(self) -> None:
        self.fill(5000)
        self.fake.fault("slow", ROWS, n=100, times=1000)
        self.start()
        for n_rows in (1, 1500, 2500, 3500):
            self.wait_for_rows(n_rows)
            self.kill_and_start()
        self.wait_for_end()
        self.assert_mirror()


class Disturbed(Snapshot):
    """The server puts the cursor of open tables back to the first row, without a word."""

    def test_by_a_bulk_operation(self) -> None:
        self.fill(5000)
        self.pause_at(3000)
        self.fake.do("delete", folder="user1/Inbox", items=[i.key.hex() for i in self.row_items()[:50]], hard=True)
        self.fake.clear_faults()
        self.wait_for_end()
        self.assert_mirror()
        self.assertEqual(self.topics.repeats(), 0)

    def test_by_a_reload_of_tables_at_every_page(self) -> None:
        self.fill(5000)
        self.fake.fault("slow", ROWS, n=50, times=1000)
        self.start()
        while not self.ends():
            self.fake.reload_tables()
            self.topics.pump(0.2)
        self.assert_mirror()
        self.assertEqual(self.topics.repeats(), 0)
        self.assertEqual(len(self.topics.rows()), 5000)

    def test_by_single_changes(self) -> None:
        self.fill(5000)
        self.fake.fault("slow", ROWS, n=50, times=1000)
        self.start()
        self.wait_for_rows(1000)
        while not self.ends():
            for item in self.row_items()[-3:]:
                self.fake.change(item, subject="again")
            self.fake.delete(self.row_items()[-1], hard=True)
            self.fake.create("user1/Inbox")
            self.topics.pump(0.1)
        self.assert_mirror()

    def test_by_a_restart_of_the_server(self) -> None:
        self.fill(5000)
        self.pause_at(3000)
        self.fake.restart()
        self.fake.clear_faults()
        self.wait_for_end()
        self.assert_mirror()
        self.assertEqual(len(self.topics.rows()), 5000)
        self.assertEqual((len(self.begins()), len(self.ends())), (1, 1))

    def test_by_the_end_of_its_session(self) -> None:
        self.fill(5000)
        self.pause_at(3000)
        self.fake.expire_sessions()
        self.fake.clear_faults()
        self.wait_for_end()
        self.assert_mirror()
        self.assertEqual(len(self.topics.rows()), 5000)


class Forbidden(Snapshot):
    """A bridge that reads another's folder, by a right that can be taken away."""

    user = "bridge"
    follow = {"mode": "folders", "stores": ["user1"], "folders": ["Inbox"]}

    def setUp(self) -> None:
        super().setUp()
        self.fake.add_user("bridge", PASSWORD)
        self.fake.grant("user1/", "bridge", "visible")
        self.fake.grant("user1/Inbox", "bridge")

    def of_type(self, type_: int) -> int:
        return len(self.topics.lifecycle_of(type_))

    def test_a_right_that_is_lost_in_the_middle_suspends_and_one_that_comes_back_resumes(self) -> None:
        self.fill(5000)
        self.pause_at(3000)
        self.fake.revoke("user1/Inbox", "bridge")
        self.fake.expire_sessions()
        self.fake.clear_faults()
        suspended, resumed = lifecycle.LIFECYCLE_TYPE_SUSPENDED, lifecycle.LIFECYCLE_TYPE_RESUMED
        self.wait_for_records(lambda t: self.of_type(suspended), "it is suspended")
        self.assertEqual(self.ends(), [])
        self.fake.create("user1/Inbox", 5)
        self.fake.grant("user1/Inbox", "bridge")
        self.wait_for_records(lambda t: self.of_type(resumed), "it is resumed")
        self.wait_for_end()
        self.assert_mirror()
        self.assertEqual((self.of_type(suspended), len(self.begins()), len(self.ends())), (1, 1, 1))

    def test_a_right_that_is_lost_while_a_table_is_open(self) -> None:
        self.fill(5000)
        self.pause_at(3000)
        self.fake.revoke("user1/Inbox", "bridge")
        self.fake.clear_faults()
        self.wait_for_records(lambda t: self.of_type(lifecycle.LIFECYCLE_TYPE_SUSPENDED), "it is suspended")
        self.assertEqual(self.ends(), [])
        self.fake.grant("user1/Inbox", "bridge")
        self.wait_for_end()
        self.assert_mirror()

    def test_a_right_that_is_lost_while_it_follows(self) -> None:
        self.fill(10)
        self.start()
        self.wait_for_end()
        self.fake.fault("slow", "exportMessageChangesAsStream", n=300)
        self.fake.create("user1/Inbox", 5)
        self.fake.revoke("user1/Inbox", "bridge")
        self.wait_for_records(lambda t: self.of_type(lifecycle.LIFECYCLE_TYPE_SUSPENDED), "it is suspended")
        self.fake.create("user1/Inbox", 5)
        self.fake.grant("user1/Inbox", "bridge")
        self.wait_for_records(lambda t: self.of_type(lifecycle.LIFECYCLE_TYPE_RESUMED), "it is resumed")
        self.assert_mirror()
        self.assertEqual(self.topics.letters, [])
        self.assertEqual((len(self.begins()), len(self.ends())), (1, 1))

    def test_a_right_that_was_never_there_suspends_at_once(self) -> None:
        self.fill(10)
        self.fake.revoke("user1/Inbox", "bridge")
        self.start()
        self.wait_for_records(lambda t: self.of_type(lifecycle.LIFECYCLE_TYPE_SUSPENDED), "it is suspended")
        self.assertEqual(self.begins(), [])
        self.fake.grant("user1/Inbox", "bridge")
        self.wait_for_end()
        self.assert_mirror()


class Deleted(Snapshot):
    def test_a_folder_that_is_deleted_in_the_middle_ends_empty(self) -> None:
        self.fake.create_folder("user1/", "Project")
        self.fake.create("user1/Project", 5000, quiet=True)
        self.write_config(follow={"folders": ["Project"]})
        self.pause_at(3000)
        folder = self.fake.folder("user1", "Project")
        self.fake.delete_folder(folder)
        self.fake.clear_faults()
        self.wait_for_records(lambda t: t.lifecycle_of(lifecycle.LIFECYCLE_TYPE_FOLDER_ENDED), "it has ended")
        self.wait_for_records(lambda t: not t.mirror.folders[folder.key], "the mirror is empty")
        self.assertNotIn(self.begins()[0].snapshot_id, {e.snapshot_id for e in self.ends()})
        self.config["follow"]["folders"] = []
        self.assert_mirror()


class Ends(Snapshot):
    def test_an_empty_folder_has_a_begin_and_an_end(self) -> None:
        self.start()
        self.wait_for_end()
        self.assert_mirror()
        self.assertEqual([e.kind for e in self.topics.events], [change.KIND_SNAPSHOT_BEGIN, change.KIND_SNAPSHOT_END])

    def test_there_is_one_end_however_often_the_daemon_is_started(self) -> None:
        self.fill(10)
        self.start()
        self.wait_for_end()
        for _ in range(3):
            self.wait_for(lambda: not self.state_entries(b"position/snapshot/"), "the end is stored")
            self.restart()
        self.fake.create("user1/Inbox")
        self.assert_mirror()
        self.assertEqual((len(self.begins()), len(self.ends())), (1, 1))

    def test_exactly_one_page(self) -> None:
        self.fill(PAGE)
        self.start()
        self.wait_for_end()
        self.assert_mirror()
        self.assertEqual(len(self.topics.rows()), PAGE)


if __name__ == "__main__":
    main()
