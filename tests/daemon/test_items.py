#!/usr/bin/python3
"""Items that are hard to carry: strange and long values, items that cannot be read, records that are too large."""

import sys
from pathlib import Path

from harness import DaemonTest, main
from topics import change, dead_letter

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "kafka"))

from admin import create_topic, set_config  # noqa: E402

KIB = 1024
STRANGE = [
    "".join(map(chr, range(1, 32))) + "\x7f\x80\x9f",
    "<![CDATA[ ]]> &amp; &#x1; <item> </SOAP-ENV:Envelope>",
    "\u2028 \ufeff \ufffe \U0001f4e8 e\u0301 \u202eback",
    "",
    " leading and trailing ",
    "line\nbreaks\r\nand\ttabs",
]
LENGTHS = (254, 255, 256, 510, 511, 512, 5000, 32 * KIB - 1, 32 * KIB, 40000)


class Items(DaemonTest):
    def followed_from_the_start(self) -> None:
        self.start()
        self.wait_for_records(lambda t: t.of_kind(change.KIND_SNAPSHOT_END), "the end of the snapshot")


class Values(Items):
    def create_all(self) -> None:
        for text in STRANGE:
            self.fake.create("user1/Inbox", subject=text)
        for n in LENGTHS:
            self.fake.create("user1/Inbox", subject="a" * n)
            self.fake.create("user1/Inbox", subject="€" * n)
        self.fake.create("user1/Inbox", subject=None)
        self.fake.do("uncache")

    def test_are_whole_in_a_snapshot(self) -> None:
        self.create_all()
        self.start()
        self.assert_mirror()

    def test_are_whole_in_a_change(self) -> None:
        self.followed_from_the_start()
        self.create_all()
        self.assert_mirror()
        self.assertEqual(self.topics.letters, [])

    def test_are_the_same_in_both(self) -> None:
        recipients = [{"type": 1, "name": f"Recipient {n}", "address": f"r{n}@example.com"} for n in range(50)]
        content = {"subject": "x" * 300, "recipients": recipients, "read": True, "class": "IPM.Appointment"}
        self.followed_from_the_start()
        self.fake.do("create", folder="user1/Inbox", props={"0x0C1F001F": "sender@example.com"}, **content)
        self.wait_for_mirror()
        self.assertEqual(self.daemon.stop(), 0)
        (self.directory / "state.db").unlink()
        self.start()
        self.wait_for_records(lambda t: len(t.of_kind(change.KIND_SNAPSHOT_END)) == 2, "another snapshot")
        self.assert_mirror()
        followed, listed = self.topics.of_kind(change.KIND_CREATED)
        self.assertEqual(followed.item, listed.item)
        self.assertEqual(followed.entry_id, listed.entry_id)
        self.assertEqual(followed.item.display_to.count(";"), 49)
        self.assertEqual(followed.item.sender.address, "sender@example.com")
        self.assertEqual(followed.item.message_class, "IPM.Appointment")


class OneOrMany(Items):
    """One or two are read singly, more by one call: what is published is the same."""

    def exports(self) -> int:
        return self.fake.calls("exportMessageChangesAsStream")

    def test_are_read_by_other_calls_and_are_the_same(self) -> None:
        recipients = [{"type": 1, "name": f"Recipient {n}", "address": f"r{n}@example.com"} for n in range(5)]
        content = {"subject": "as the others", "recipients": recipients, "read": True, "class": "IPM.Appointment"}
        self.followed_from_the_start()
        self.fake.do("create", folder="user1/Inbox", **content)
        self.wait_for_mirror()
        self.assertEqual(self.exports(), 0)
        self.fake.do("create", folder="user1/Inbox", n=5, **content)
        self.wait_for_mirror()
        self.assertGreater(self.exports(), 0)
        items = [event.item for event in self.topics.of_kind(change.KIND_CREATED)]
        self.assertEqual(len(items), 6)
        for item in items:
            for time in ("created_at", "modified_at", "submitted_at", "delivered_at"):
                item.ClearField(time)
            item.ClearField("internet_message_id")
        self.assertEqual(items[1:], items[:1] * 5)

    def test_of_two_the_one_that_is_gone_holds_nothing_up(self) -> None:
        [first, second] = self.fake.create("user1/Inbox", 2)
        self.followed_from_the_start()
        self.fake.refuse(first, "NOT_FOUND")
        self.fake.do("change", folder="user1/Inbox", all=True, subject="both")
        self.wait_for_records(lambda t: [e for e in t.events if e.source_key == second.key and e.item.subject == "both"], "the other")
        self.assertEqual(self.topics.letters, [])


class Unreadable(Items):
    def setUp(self) -> None:
        super().setUp()
        self.items = self.fake.create("user1/Inbox", 5)
        self.followed_from_the_start()

    def test_an_item_that_is_not_found_is_counted_as_gone(self) -> None:
        self.fake.refuse(self.items[0], "NOT_FOUND")
        self.fake.change(self.items[0], subject="nobody sees this")
        self.fake.create("user1/Inbox")
        self.wait_for_mirror(but={self.items[0].key})
        self.assertEqual(self.daemon.stop(), 0)
        self.assertIn(" 1 items gone", self.daemon.log())
        self.fake.refuse(self.items[0], 0)
        self.fake.change(self.items[0], subject="but this")
        self.start()
        self.assert_mirror()
        self.assertEqual(self.topics.letters, [])

    def test_an_item_that_may_not_be_read_becomes_a_dead_letter(self) -> None:
        self.fake.refuse(self.items[0], "NO_ACCESS")
        self.fake.change(self.items[0], subject="secret")
        self.fake.change(self.items[1], subject="public")
        self.wait_for_records(lambda t: t.letters, "a dead letter")
        (letter,) = self.topics.letters
        self.assertEqual(letter.cause, dead_letter.CAUSE_UNREADABLE)
        self.assertRegex(letter.text, "no access")
        self.assertEqual((letter.source_key, letter.topic), (self.items[0].key, self.topic_names["items"]))
        self.assertEqual((letter.kind, letter.origin), (change.KIND_UPDATED, change.ORIGIN_ICS))
        self.assertEqual(letter.key.decode().split("/")[1], letter.parent_source_key.hex())
        self.assertGreater(letter.change_id, 0)
        self.assert_mirror(but={self.items[0].key})

    def test_it_is_told_again_when_it_changes_and_can_be_read(self) -> None:
        self.fake.refuse(self.items[0], "NO_ACCESS")
        self.fake.change(self.items[0], subject="secret")
        self.wait_for_records(lambda t: t.letters, "a dead letter")
        self.fake.refuse(self.items[0], 0)
        self.fake.change(self.items[0], subject="no longer secret")
        self.assert_mirror()

    def test_an_item_that_is_locked_for_a_moment_is_waited_for(self) -> None:
        self.fake.refuse(self.items[0], "NO_ACCESS")
        self.fake.change(self.items[0], subject="locked")
        self.daemon.wait_for("source: .*; retrying")
        self.fake.refuse(self.items[0], 0)
        self.assert_mirror()
        self.assertEqual(self.topics.letters, [])

    def test_one_of_many(self) -> None:
        many = self.fake.create("user1/Inbox", 900)
        self.wait_for_mirror()
        for item in many[100:102]:
            self.fake.refuse(item, "NO_ACCESS")
        self.fake.do("change", folder="user1/Inbox", all=True, subject="all of them")
        self.wait_for_records(lambda t: len(t.letters) == 2, "two dead letters")
        self.assert_mirror(but={item.key for item in many[100:102]})


class TooLarge(Items):
    """The items topic takes less than the other topics."""

    limit = 20000

    def setUp(self) -> None:
        super().setUp()
        create_topic(self.bootstrap, self.topic_names["items"], 1, {"max.message.bytes": str(self.limit)})

    def test_becomes_a_dead_letter_with_the_record_in_it(self) -> None:
        self.followed_from_the_start()
        (large,) = self.fake.create("user1/Inbox", subject="x" * 30000)
        self.fake.create("user1/Inbox", 3)
        self.wait_for_records(lambda t: t.letters, "a dead letter")
        (letter,) = self.topics.letters
        self.assertEqual((letter.cause, letter.source_key), (dead_letter.CAUSE_TOO_LARGE, large.key))
        original = change.ChangeEvent.FromString(letter.value)
        self.assertEqual((original.id, original.item.subject), (letter.id, "x" * 30000))
        self.assertEqual(letter.value_size_bytes, len(letter.value))
        self.assertRegex(letter.text, r"\d+ bytes")
        self.assert_mirror(but={large.key})

    def test_that_fits_nowhere_is_told_by_its_keys(self) -> None:
        self.followed_from_the_start()
        (large,) = self.fake.create("user1/Inbox", subject="x" * 1_200_000)
        self.wait_for_records(lambda t: t.letters, "a dead letter")
        (letter,) = self.topics.letters
        self.assertEqual((letter.cause, letter.value), (dead_letter.CAUSE_TOO_LARGE, b""))
        self.assertGreater(letter.value_size_bytes, 1_200_000)
        self.assert_mirror(but={large.key})

    def test_in_a_snapshot_it_is_announced_by_keys_alone(self) -> None:
        self.fake.create("user1/Inbox", 3)
        (large,) = self.fake.create("user1/Inbox", subject="x" * 30000)
        self.followed_from_the_start()
        self.wait_for_records(lambda t: t.letters, "a dead letter")
        (letter,) = self.topics.letters
        self.assertEqual((letter.cause, letter.source_key), (dead_letter.CAUSE_TOO_LARGE, large.key))
        entry = self.topics.mirror.folders[letter.parent_source_key][large.key]
        self.assertFalse(entry.complete)
        self.assertEqual(len(self.topics.rows()), 4)
        self.assert_mirror(but={large.key})

    def test_when_it_shrinks_it_is_told(self) -> None:
        (large,) = self.fake.create("user1/Inbox", subject="x" * 30000)
        self.followed_from_the_start()
        self.fake.change(large, subject="short")
        self.assert_mirror()

    def test_many_of_them(self) -> None:
        """Letters and records in turn, more than one batch."""
        for n in range(300):
            self.fake.create("user1/Inbox", subject="x" * (30000 if n % 3 == 0 else 10))
        self.followed_from_the_start()
        self.wait_for_records(lambda t: len(t.letters) == 100, "a hundred dead letters")
        self.assert_mirror(but={letter.source_key for letter in self.topics.letters})


class SmallBatches(Items):
    def test_records_that_fit_alone_are_never_dead_letters(self) -> None:
        self.followed_from_the_start()
        set_config(self.bootstrap, self.topic_names["items"], {"max.message.bytes": "4000"})
        self.fake.create("user1/Inbox", 2000, quiet=True)
        self.assert_mirror()
        self.assertEqual(self.topics.letters, [])


if __name__ == "__main__":
    main()
