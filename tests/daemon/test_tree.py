#!/usr/bin/python3
"""Folders come, change, move and go: by the server's streams, and by those of one store."""

import unittest

from topics import change, lifecycle
from waiting import SECONDS
from whole import FOLDER, WholeTest

CREATED, UPDATED, DELETED = change.KIND_CREATED, change.KIND_UPDATED, change.KIND_DELETED
BEGIN, END = change.KIND_SNAPSHOT_BEGIN, change.KIND_SNAPSHOT_END
SOFT, HARD = change.DELETION_TYPE_SOFT, change.DELETION_TYPE_HARD
ICS = change.ORIGIN_ICS


class Folders:
    """Of user1; the store has A with A/B with A/B/C, and an item in each."""

    def setUp(self) -> None:
        super().setUp()
        self.a = self.new_folder("user1", "", "A")
        self.b = self.new_folder("user1", "A", "B")
        self.c = self.new_folder("user1", "A/B", "C")
        self.other = self.new_folder("user1", "", "Other")
        for folder in (self.a, self.b, self.c):
            self.fake.create(folder, subject=f"in {folder.path}")
        self.start()
        self.wait_for_whole()
        self.wait_for_listings()
        self.since, self.items_since = len(self.topics.folders), len(self.topics.events)

    def kinds(self, *folders) -> list[int]:
        keys = {f.key for f in folders}
        return [e.kind for e in self.topics.folders[self.since :] if e.source_key in keys]

    def test_a_new_folder(self) -> None:
        new = self.new_folder("user1", "A", "new", **{"class": "IPF.Appointment", "comment": "why"})
        created = self.wait_for_folder(new, CREATED)
        self.assertEqual(created.origin, ICS)
        self.assertGreater(created.change_id, 0)
        properties = created.folder_properties
        self.assertEqual((properties.path, properties.name), ("A/new", "new"))
        self.assertEqual((properties.container_class, properties.comment), ("IPF.Appointment", "why"))
        self.assertEqual(properties.type, change.FOLDER_TYPE_GENERIC)
        self.assertEqual((created.folder.path, created.parent_source_key), ("A", self.a.key))
        self.assertEqual(created.store.owner, "user1")
        self.fake.create(new, 3)
        self.assert_whole()
        self.assertEqual(self.kinds(new), [CREATED])

    def test_a_new_folder_is_not_listed_where_the_journal_tells_of_all_that_is_in_it(self) -> None:
        new = self.new_folder("user1", "", "new")
        self.wait_for_folder(new, CREATED)
        self.fake.create(new)
        self.wait_for_whole()
        self.assertEqual([e.kind for e in self.topics.events if e.parent_source_key == new.key and e.kind == BEGIN], [])
        self.assert_whole()

    def test_a_rename_is_told_of_every_folder_below(self) -> None:
        self.fake.rename_folder(self.a, "Z/z")
        renamed = self.wait_for_folder(self.c, UPDATED)
        self.assertEqual(renamed.folder_properties.path, "Z\\/z/B/C")
        self.assertEqual(renamed.folder.path, "Z\\/z/B")
        self.assertEqual(self.kinds(self.a, self.b, self.c), [UPDATED] * 3)
        of_a = self.folder_records(self.a, self.since)[0]
        self.assertEqual(of_a.change_id, renamed.change_id)
        self.fake.create(self.c)
        self.assert_whole()

    def test_a_change_of_class_or_comment_is_told_of_that_folder(self) -> None:
        self.fake.change_folder(self.a, comment="because")
        self.assertEqual(self.wait_for_folder(self.a, UPDATED).folder_properties.comment, "because")
        self.assertEqual(self.kinds(self.a, self.b, self.c), [UPDATED])
        self.assert_whole()

    def test_a_move(self) -> None:
        self.fake.move_folder(self.b, self.other)
        self.assertEqual(self.wait_for_folder(self.c, UPDATED).folder_properties.path, "Other/B/C")
        moved = self.folder_records(self.b, self.since)[-1]
        self.assertEqual((moved.parent_source_key, moved.folder.path), (self.other.key, "Other"))
        self.fake.create(self.b)
        self.assert_whole()

    def test_two_folders_change_places(self) -> None:
        self.fake.move_folder(self.b, "user1/")
        self.fake.move_folder(self.a, self.b)
        self.wait_for_records(lambda t: self.mirror_folders()[self.a.key][0] == "B/A", "A below B")
        self.assert_whole()

    def test_a_soft_delete_ends_the_folder_and_all_below(self) -> None:
        self.fake.delete_folder(self.a)
        deleted = self.wait_for_folder(self.a, DELETED)
        self.assertEqual(deleted.deletion.type, SOFT)
        self.assertEqual(self.kinds(self.a, self.b, self.c), [DELETED] * 3)
        keys = [e.source_key for e in self.topics.folders[self.since :]]
        self.assertEqual(keys, [self.c.key, self.b.key, self.a.key])  # children first
        self.wait_for_records(lambda t: len(t.lifecycle_of(lifecycle.LIFECYCLE_TYPE_FOLDER_ENDED)) == 3, "three ends")
        for folder in (self.a, self.b, self.c):
            self.wait_for_equal(lambda: self.brackets(folder, self.items_since), [BEGIN, END], f"the pair of {folder.path}")
            self.assertFalse(self.topics.mirror.folders[folder.key])
        self.assert_whole()

    def test_a_hard_delete(self) -> None:
        self.fake.delete_folder(self.b, hard=True)
        for folder in (self.b, self.c):
            self.wait_for_records(
                lambda t: [e.deletion.type for e in self.folder_records(folder, self.since)][-1:] == [HARD], "a hard delete"
            )
        self.assert_whole()
        self.assertEqual(self.kinds(self.a), [])

    def test_a_purge_deletes_again(self) -> None:
        self.fake.delete_folder(self.b)
        self.wait_for_folder(self.b, DELETED)
        self.fake.purge_server()
        self.new_folder("user1", "", "after")
        self.wait_for_whole()
        if self.level == 2:  # the hierarchy of a store is silent about what is below a deleted folder
            self.wait_for_records(
                lambda t: [e.deletion.type for e in self.folder_records(self.c, self.since)] == [SOFT, HARD], "both deletes"
            )
        self.assert_whole()

    def test_a_purged_folder_leaves_the_state(self) -> None:
        self.fake.delete_folder(self.a, hard=True)
        self.wait_for_folder(self.a, DELETED)
        self.fake.create(self.other)

        def keys() -> set[bytes]:
            return {key for key, _ in self.state_entries(b"folder/")}

        self.wait_for(lambda: self.topics.pump() >= 0 and b"folder/" + self.a.key.hex().encode() not in keys(), "A is forgotten")
        self.assertIn(b"folder/" + self.other.key.hex().encode(), keys())
        self.assert_whole()

    def test_a_restored_folder_lives_again(self) -> None:
        self.fake.delete_folder(self.b)
        self.wait_for_folder(self.b, DELETED)
        self.fake.restore_folder(self.b)
        created = self.wait_for_folder(self.b, CREATED, self.since)
        self.assertEqual(created.origin, ICS)
        self.fake.create(self.b)
        self.assert_whole()

    def test_a_folder_that_comes_and_goes_between_two_reads(self) -> None:
        self.daemon.stop()
        new = self.new_folder("user1", "A", "brief")
        self.fake.create(new)
        self.fake.delete_folder(new, hard=True)
        self.start()
        self.new_folder("user1", "A", "after")
        self.assert_whole()

    def test_a_folder_that_goes_and_comes_between_two_reads(self) -> None:
        self.daemon.stop()
        self.fake.delete_folder(self.b)
        self.fake.restore_folder(self.b)
        self.start()
        for folder in (self.b, self.c):
            self.wait_for_equal(lambda: self.kinds(folder), [DELETED, CREATED], f"{folder.path} went and came")
            self.wait_for_equal(lambda: self.brackets(folder, self.items_since), [BEGIN, END] * 2, f"its end and its listing, {folder.path}")
        self.assert_whole()

    def test_deletes_of_items_that_the_journal_tells_after_their_folder_has_come_back(self) -> None:
        """They must not be told after the listing, which has the items."""
        self.go_and_come_with_late_deletes()
        self.assert_listed_after_the_deletes()

    def test_a_restart_before_the_journal_tells_of_them(self) -> None:
        self.go_and_come_with_late_deletes()
        self.wait_for_folder(self.c, CREATED, self.since)
        self.restart()
        self.assert_listed_after_the_deletes()

    def go_and_come_with_late_deletes(self) -> None:
        """By the clock they settle long before the poll that tells of them."""
        self.assertEqual(self.daemon.stop(), 0)
        self.write_config(source={"kopano": {"settle_ms": 3000, "poll_interval_ms": 5000}})
        self.fake.lag(2500, items=True)
        self.fake.delete_folder(self.b)
        self.fake.restore_folder(self.b)
        self.start()

    def assert_listed_after_the_deletes(self) -> None:
        for folder in (self.b, self.c):
            self.wait_for_equal(lambda: self.brackets(folder, self.items_since), [BEGIN, END] * 2, f"its end and its listing, {folder.path}")
        self.fake.lag(0)
        self.fake.create(self.c, subject="after that")
        self.assert_whole()

    def test_everything_that_happened_while_it_was_stopped(self) -> None:
        self.assertEqual(self.daemon.stop(), 0)
        self.fake.rename_folder(self.a, "renamed")
        self.fake.move_folder(self.c, self.other)
        new = self.new_folder("user1", "Other/C", "new")
        self.fake.create(new, 2)
        self.fake.delete_folder(self.b, hard=True)
        self.start()
        self.assert_whole()

    def test_a_copied_tree(self) -> None:
        self.fake.copy_folder(self.a, self.other)
        self.wait_for_whole()
        self.assert_whole()

    def test_a_search_folder_is_nobodys(self) -> None:
        self.fake.create_folder("user1/A", "found", type=2)
        self.new_folder("user1", "A", "after")
        self.wait_for_whole()
        self.restart()
        self.assert_whole()

    def test_a_folder_that_is_hidden_and_shown_again(self) -> None:
        self.hidden_names = (*self.hidden_names, "B")
        self.fake.change_folder(self.b, hidden=True)
        self.assertEqual(self.wait_for_folder(self.c, DELETED).deletion.type, HARD)
        self.wait_for_whole()
        self.fake.create(self.b, 2)
        self.hidden_names = WholeTest.hidden_names
        self.fake.change_folder(self.b, hidden=False)
        self.assert_whole()


class OfTheServer(Folders, WholeTest):
    pass


class OfOneStore(Folders, WholeTest):
    user = "user1"
    level = 0
    follow = {"mode": "stores", "stores": ["user1"]}


class NotSettled(WholeTest):
    """The hierarchy of a store is not read at every poll, and ids settle long after."""

    user = "user1"
    level = 0
    follow = {"mode": "stores", "stores": ["user1"]}

    def test_folders_that_change_between_two_reads_are_told_with_the_next_one(self) -> None:
        self.write_config(notifications="off", source={"kopano": {"settle_ms": 100000, "poll_interval_ms": 100}})
        folder = self.new_folder("user1", "", "name")
        self.start()
        self.wait_for_whole()
        for i in range(3):
            self.fake.rename_folder(folder, f"name {i}")
            self.wait_for_whole()
        self.assert_whole()


class Patterns(WholeTest):
    """Folders that move into and out of what is followed."""

    follow = {"mode": "stores", "stores": ["user1"], "folders": ["In/**"]}

    def is_wanted(self, path: str, class_: str) -> bool:
        return path.startswith("In/")

    def setUp(self) -> None:
        super().setUp()
        self.inside = self.new_folder("user1", "", "In")
        self.outside = self.new_folder("user1", "", "Out")
        self.a = self.new_folder("user1", "In", "a")
        self.b = self.new_folder("user1", "In/a", "b")
        for folder in (self.inside, self.outside, self.a, self.b):
            self.fake.create(folder, 2)
        self.start()
        self.wait_for_whole()

    def test_out_and_in_again(self) -> None:
        self.fake.move_folder(self.a, self.outside)
        ended = self.wait_for_folder(self.b, DELETED)
        self.assertEqual((ended.deletion.type, ended.folder.path), (HARD, "In/a"))  # where it was
        self.fake.create(self.b)
        self.wait_for_whole()
        n = len(self.topics.folders)
        self.fake.move_folder(self.a, self.inside)
        self.wait_for_folder(self.b, CREATED, n)
        self.assert_whole()

    def test_the_end_of_a_folder_that_nobody_knew_is_told_only_where_it_may_have_been_followed(self) -> None:
        self.assertEqual(self.daemon.stop(), 0)
        for parent in ("Out", "In"):
            brief = self.new_folder("user1", parent, "brief")
            self.fake.delete_folder(brief, hard=True)
        self.start()
        self.fake.create(self.new_folder("user1", "In", "after"))
        self.assert_whole()
        ends = self.topics.lifecycle_of(lifecycle.LIFECYCLE_TYPE_FOLDER_ENDED)
        self.assertEqual([(e.folder.source_key, e.folder.path) for e in ends], [(brief.key, "")])
        self.assertTrue(self.daemon.count("source: a folder of user1: it was deleted"))

    def test_out_and_in_within_one_answer(self) -> None:
        self.assertEqual(self.daemon.stop(), 0)
        self.fake.move_folder(self.a, self.outside)
        self.fake.create(self.a)
        self.fake.move_folder(self.a, self.inside)
        self.start()
        self.assert_whole()

    def test_an_ancestor_that_is_renamed(self) -> None:
        self.fake.rename_folder(self.inside, "Elsewhere")
        self.wait_for_folder(self.a, DELETED)
        self.wait_for_whole()
        self.fake.create(self.a)
        self.fake.rename_folder(self.outside, "In")
        new = self.new_folder("user1", "In", "new")
        self.fake.create(new)
        self.assert_whole()


class Classes(WholeTest):
    follow = {"mode": "stores", "stores": ["user1"], "classes": ["IPF.Appointment"]}

    def is_wanted(self, path: str, class_: str) -> bool:
        return class_ == "IPF.Appointment"

    def test_a_class_that_changes(self) -> None:
        folder = self.new_folder("user1", "", "Things")
        self.fake.create(folder, 2)
        self.start()
        self.wait_for_whole()
        self.fake.change_folder(folder, **{"class": "IPF.Appointment"})
        self.wait_for_folder(folder, CREATED)
        self.wait_for_whole()
        self.fake.change_folder(folder, **{"class": "IPF.Task"})
        self.wait_for_folder(folder, DELETED)
        self.assert_whole()


class Configuration(WholeTest):
    """What is followed is another one at the next start."""

    follow = {"mode": "stores", "stores": ["user1"]}
    wanted = "In"

    def is_wanted(self, path: str, class_: str) -> bool:
        return path.startswith(self.wanted)

    def configure(self, wanted: str, *patterns: str) -> None:
        self.wanted = wanted
        self.write_config(follow={"folders": list(patterns)} if patterns else {})

    def test_more_and_less(self) -> None:
        a, b = self.new_folder("user1", "", "a"), self.new_folder("user1", "a", "b")
        for folder in (a, b):
            self.fake.create(folder, 2)
        self.configure("Inbox", "Inbox")
        self.start()
        self.wait_for_whole()
        self.assertEqual(self.daemon.stop(), 0)
        self.configure("")
        self.start()
        self.wait_for_whole()
        self.assertEqual(self.wait_for_folder(b, CREATED).folder_properties.path, "a/b")
        self.assertEqual(self.daemon.stop(), 0)
        self.configure("a/", "a/**")
        self.start()
        self.wait_for_folder(a, DELETED)
        self.wait_for_whole()
        self.assertEqual(self.folder_records(b)[-1].kind, CREATED)
        self.assert_whole()


class PlainPaths(WholeTest):
    """Folders that are named one by one are followed by their keys."""

    user = "user1"
    level = 0
    follow = {"mode": "folders", "stores": ["user1"], "folders": ["a"]}
    path = "a"

    def is_wanted(self, path: str, class_: str) -> bool:
        return path == self.path

    def test_a_named_folder_goes_on_under_another_name(self) -> None:
        folder = self.new_folder("user1", "", "a")
        self.start()
        self.wait_for_whole()
        self.path = "b"
        self.fake.rename_folder(folder, "b")
        self.wait_for_folder(folder, UPDATED)
        self.fake.create(folder)
        self.wait_for_whole()
        self.restart()
        self.fake.create(folder)
        self.assert_whole()

    def test_and_ends_when_it_is_not_named_any_more(self) -> None:
        folder = self.new_folder("user1", "", "a")
        self.new_folder("user1", "", "c")
        self.start()
        self.wait_for_whole()
        self.assertEqual(self.daemon.stop(), 0)
        self.path = "c"
        self.write_config(follow={"folders": ["c"]})
        self.start()
        self.wait_for_folder(folder, DELETED)
        self.assert_whole()

    def test_a_path_that_leads_nowhere_is_an_error_at_the_first_start(self) -> None:
        for _ in range(2):
            self.start()
            self.assertEqual(self.daemon.wait(), 2)
            self.assertIn('no folder "a" in the store of "user1"', self.daemon.log())


class Rights(WholeTest):
    """An account that sees what others let it see."""

    user = "user2"
    level = 0
    discover_ms = 500
    follow = {"mode": "stores", "stores": ["user1"]}
    wanted = ("a",)

    def is_wanted(self, path: str, class_: str) -> bool:
        return path in self.wanted

    def setUp(self) -> None:
        super().setUp()
        self.a, self.b = self.new_folder("user1", "", "a"), self.new_folder("user1", "", "b")
        self.fake.create(self.a, 2)
        self.fake.create(self.b, 2)
        self.fake.grant(self.a, "user2")

    def test_a_folder_that_comes_into_view_is_found(self) -> None:
        self.start()
        self.wait_for_whole()
        self.fake.grant(self.b, "user2")
        self.wanted = ("a", "b")
        found = self.wait_for_folder(self.b, CREATED)
        self.assertEqual(found.origin, change.ORIGIN_SNAPSHOT)
        self.fake.create(self.b)
        self.assert_whole()

    def test_a_lost_right_is_not_the_end_of_a_folder(self) -> None:
        self.start()
        self.wait_for_whole()
        self.fake.grant(self.a, "user2", "none")
        self.wait_for_records(lambda t: t.lifecycle_of(lifecycle.LIFECYCLE_TYPE_SUSPENDED), "it is suspended")
        self.fake.create(self.a)
        self.fake.grant(self.a, "user2")
        self.wait_for_whole()
        self.assertEqual([e.kind for e in self.folder_records(self.a)], [CREATED])
        self.assert_whole()


class Large(WholeTest):
    """More than a batch holds."""

    follow = {"mode": "stores", "stores": ["user1"]}
    N = 600

    def setUp(self) -> None:
        super().setUp()
        self.top = self.new_folder("user1", "", "top")
        self.fake.do_lines([f'{{"do":"folder-create","parent":"user1/top","name":"f{i}"}}' for i in range(self.N)])
        self.start()
        self.wait_for_whole()

    def test_a_rename_with_kills_in_between(self) -> None:
        self.fake.rename_folder(self.top, "peak")
        for n in (1, 300, 500):
            self.wait_for_records(lambda t: self.renamed() >= n or not self.daemon.running(), f"{n} are renamed", SECONDS)
            self.kill_and_start()
        self.assert_whole()

    def renamed(self) -> int:
        return sum(path.startswith("peak") for path, *_ in self.mirror_folders().values())

    def test_a_delete_with_kills_in_between(self) -> None:
        self.fake.delete_folder(self.top)
        for n in (400, 100):
            self.wait_for_records(lambda t: len(self.topics.mirror.objects[FOLDER]) <= n + 20, f"{n} are left")
            self.kill_and_start()
        self.assert_whole()


if __name__ == "__main__":
    unittest.main(verbosity=2)
