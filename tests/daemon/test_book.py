#!/usr/bin/python3
"""Users and groups: announced, followed, and, when a listing is made again, taken leave of. A consumer that knows only the
records ends with what the server lists."""

import subprocess
import unittest
from typing import Any

from files import FileDaemonTest
from process import BUILD
from topics import change

UPSERTS = (change.KIND_CREATED, change.KIND_UPDATED)
BOOK = ["items", "users", "groups"]
AB_USER, AB_GROUP = 6, 8
Card = tuple[Any, ...]


def name_of(event: change.ChangeEvent) -> str:
    return event.user.login_name if event.HasField("user") else event.group.name


class Book(FileDaemonTest):
    """The mirror: cards by entry id, a deleted user leaves his groups (proto/README.md)."""

    objects = BOOK
    user = "admin1"

    def default_config(self) -> dict[str, Any]:
        config = super().default_config()
        config["follow"]["objects"] = self.objects
        config["source"]["kopano"] |= {"addressbook_interval_ms": 20, "settle_ms": 200, "directory_interval_ms": 0}
        return config

    def cards(self) -> dict[str, Card]:
        cards: dict[bytes, Any] = {}
        for event in self.topics.book:
            if event.kind in UPSERTS:
                cards[event.source_key] = event
            else:
                self.assertEqual(event.kind, change.KIND_DELETED)
                cards.pop(event.source_key, None)
        names = {key: name_of(event) for key, event in cards.items()}
        return {name_of(event): self.card(event, names) for event in cards.values()}

    @staticmethod
    def card(event: change.ChangeEvent, names: dict[bytes, str]) -> Card:
        if event.HasField("user"):
            return (event.user.full_name, event.user.email_address, event.user.admin_level)
        return (event.group.full_name, event.group.email_address, sorted(names[key] for key in event.group.members if key in names))

    def wait_for_card(self, name: str, card: Card | None) -> None:
        self.wait_for_records(lambda _: self.cards().get(name) == card, lambda: f"{name} is {card}: {self.cards().get(name)}")

    def wait_for_names(self, *names: str) -> None:
        self.wait_for_records(lambda _: set(self.cards()) == set(names), f"the address book has {names} alone")

    def start_and_list(self) -> None:
        self.start()
        self.wait_for_names("user1", "user2", "admin1")
        self.wait_until_followed()

    def wait_until_followed(self) -> None:
        """The position is that of following: its listing byte is 0."""
        self.wait_for(lambda: any(not value[17] for _, value in self.state_entries(b"position/addressbook")), "the list was announced")

    def of(self, name: str) -> list[change.ChangeEvent]:
        return [event for event in self.topics.book if name_of(event) == name]

    def known(self) -> int:
        return len(self.state_entries(b"book/"))


class Following(Book):
    def test_all_are_announced_with_one_snapshot_id_and_then_followed(self) -> None:
        self.fake.add_group("staff", ["user1"])
        self.start()
        self.wait_for_names("user1", "user2", "admin1", "staff")
        self.assertEqual({(e.kind, e.origin, e.change_id) for e in self.topics.book}, {(change.KIND_CREATED, change.ORIGIN_SNAPSHOT, 0)})
        self.assertEqual(len({e.snapshot_id for e in self.topics.book}), 1)
        self.assertTrue(all(len(e.snapshot_id) == 16 and e.entry_id == e.source_key for e in self.topics.book))
        self.assertEqual(self.cards()["staff"][2], ["user1"])
        self.assertEqual(self.cards()["admin1"][2], change.ADMIN_LEVEL_ADMINISTRATOR)
        kinds = {e.source_key[24]: e.object_type for e in self.topics.book}
        self.assertEqual(kinds, {AB_USER: change.OBJECT_TYPE_USER, AB_GROUP: change.OBJECT_TYPE_GROUP})

    def test_a_user_comes_changes_and_goes(self) -> None:
        self.start_and_list()
        self.fake.add_user("new", "secret")
        self.wait_for_records(lambda _: "new" in self.cards(), "the new user")
        self.fake.change_user("new", full_name="New One", mail="one@example.com", admin=2)
        self.wait_for_card("new", ("New One", "one@example.com", change.ADMIN_LEVEL_SYSTEM_ADMINISTRATOR))
        self.assertEqual([e.kind for e in self.of("new")], [change.KIND_CREATED, change.KIND_UPDATED])
        self.fake.delete_user("new")
        self.wait_for_card("new", None)
        last = self.topics.book[-1]
        self.assertEqual((last.kind, last.origin, last.deletion.type), (change.KIND_DELETED, change.ORIGIN_ICS, change.DELETION_TYPE_HARD))
        ids = [e.change_id for e in self.topics.book if e.change_id]
        self.assertEqual(ids, sorted(set(ids)))
        self.wait_for_equal(self.known, 3, "the book in the state")

    def test_a_group_and_its_members(self) -> None:
        self.start_and_list()
        self.fake.add_group("staff")
        self.wait_for_records(lambda _: "staff" in self.cards(), "the group")
        for user in "user1", "user2":
            self.fake.join_group("staff", user)
        self.wait_for_records(lambda _: self.cards()["staff"][2] == ["user1", "user2"], "both members")
        self.fake.leave_group("staff", "user1")
        self.wait_for_records(lambda _: self.cards()["staff"][2] == ["user2"], "one has left")
        n = len(self.of("staff"))
        self.fake.delete_user("user2")
        self.wait_for_card("user2", None)
        self.assertEqual((self.cards()["staff"][2], len(self.of("staff"))), ([], n), "the group lost him without a record of it")
        self.fake.delete_group("staff")
        self.wait_for_card("staff", None)

    def test_an_idle_server_is_asked_once_in_an_interval_and_the_position_stays(self) -> None:
        self.start_and_list()
        self.fake.add_user("new", "secret")
        self.wait_for_records(lambda _: "new" in self.cards(), "the new user")
        self.wait_for(lambda: not self.state_entries(b"taken/addressbook/"), "it is settled")
        before = self.state_entries(b"position/addressbook")
        n = self.fake.calls("getUser")
        asked = self.fake.calls("getChanges")
        self.wait_for(lambda: self.fake.calls("getChanges") > asked + 20, "it is asked again and again")
        self.assertEqual(self.state_entries(b"position/addressbook"), before)
        self.assertEqual(self.state_entries(b"taken/addressbook/"), [])
        self.assertEqual(self.fake.calls("getUser"), n)

    def test_many_in_batches_and_kills(self) -> None:
        for n in range(60):
            self.fake.add_user(f"many{n}", "x")
        self.fake.fault("slow", method="getUser", n=20, times=1000)
        self.start()
        for n in range(1, 5):
            self.wait_for_records(lambda topics: len({e.source_key for e in topics.book}) >= 12 * n, f"{12 * n} of them")
            self.kill_and_start()
        self.fake.clear_faults()
        self.wait_for_names("user1", "user2", "admin1", *(f"many{n}" for n in range(60)))
        self.wait_until_followed()
        self.assertEqual(len({e.snapshot_id for e in self.topics.book}), 1)
        self.assertEqual(self.known(), 63)
        self.assertLess(len(self.topics.book), 63 + 12 + 24 + 36 + 48, "it went on where it was")

    def test_what_happens_while_it_is_down_follows(self) -> None:
        self.start_and_list()
        self.assertEqual(self.daemon.stop(), 0)
        self.fake.add_user("new", "secret")
        self.fake.change_user("new", full_name="New One")
        self.fake.add_user("brief", "secret")
        self.fake.delete_user("brief")
        self.fake.delete_user("user2")
        self.start()
        self.wait_for_names("user1", "admin1", "new")
        self.assertEqual([e.kind for e in self.of("new")], [change.KIND_CREATED])
        self.assertEqual(sum(e.kind == change.KIND_DELETED for e in self.topics.book), 1, "nobody had heard of the brief one")

    def test_the_directory_is_compared_now_and_then(self) -> None:
        self.write_config(source={"kopano": {"directory_interval_ms": 50}})
        self.start()
        self.wait_for(lambda: self.fake.calls("getUserList") > 1 and self.fake.calls("getGroupList") > 1, "both lists are asked for")
        self.fake.fault("error", method="getUserList", n=0x80000007, times=2)
        self.fake.add_user("new", "secret")
        self.wait_for_records(lambda _: "new" in self.cards(), "its failure does no harm")


class Failures(Book):
    def test_a_failing_call_is_made_again(self) -> None:
        self.fake.fault("error", method="getUser", n=0x80000007, times=2)
        self.fake.fault("drop", method="getGroup", times=2)
        self.fake.add_group("staff", ["user1"])
        self.start()
        self.wait_for_names("user1", "user2", "admin1", "staff")
        self.assertEqual(self.topics.letters, [])

    def test_one_that_cannot_be_read_is_a_dead_letter(self) -> None:
        self.start_and_list()
        self.fake.fault("error", method="getGroup", n=0x80000003, times=3)
        self.fake.add_group("secret")
        self.fake.add_user("new", "x")
        self.wait_for_records(lambda topics: topics.letters and "new" in self.cards(), "a dead letter, and the next one")
        (letter,) = self.topics.letters
        self.assertEqual((letter.source_key[24], letter.object_type), (AB_GROUP, change.OBJECT_TYPE_GROUP))
        self.assertIn("no access", letter.text)


class Listings(Book):
    def test_without_snapshots_only_what_changes_is_told(self) -> None:
        self.write_config(snapshot="none")
        self.start()
        self.wait_until_followed()
        self.assertEqual(self.known(), 3)
        self.fake.change_user("user1", full_name="Changed")
        self.fake.delete_user("user2")
        self.wait_for_records(lambda topics: len(topics.book) == 2, "two changes")
        self.assertEqual([(e.kind, e.origin) for e in self.topics.book],
                         [(change.KIND_UPDATED, change.ORIGIN_ICS), (change.KIND_DELETED, change.ORIGIN_ICS)])

    def test_after_a_reset_all_is_listed_and_the_gone_are_deleted(self) -> None:
        self.start_and_list()
        self.assertEqual(self.daemon.stop(), 0)
        self.fake.delete_user("user2")
        done = subprocess.run([BUILD / "tidings", "state", "reset", "addressbook", "-c", self.daemon.config, "--yes"],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stderr)
        first = {e.snapshot_id for e in self.topics.book}
        self.start()
        self.wait_for_names("user1", "admin1")
        self.wait_until_followed()
        again = [e for e in self.topics.book if e.snapshot_id not in first]
        self.assertEqual([e.kind for e in again], [change.KIND_CREATED, change.KIND_CREATED, change.KIND_DELETED])
        self.assertEqual({e.origin for e in again}, {change.ORIGIN_SNAPSHOT})

    def test_other_objects_are_announced_and_taken_back(self) -> None:
        self.fake.add_group("staff", ["user1"])
        self.write_config(follow={"objects": ["items", "users"]})
        self.start()
        self.wait_for_names("user1", "user2", "admin1")
        self.wait_until_followed()
        for objects, names in ((["items", "groups"], ["staff"]), (["items"], []), (BOOK, ["staff", "user1", "user2", "admin1"])):
            self.assertEqual(self.daemon.stop(), 0)
            self.write_config(follow={"objects": objects})
            self.start()
            self.wait_for_names(*names)
            self.wait_for_equal(self.known, len(names), "the book in the state")


if __name__ == "__main__":
    unittest.main(verbosity=2)
