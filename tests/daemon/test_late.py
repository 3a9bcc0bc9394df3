#!/usr/bin/python3
"""Changes that become visible after others with higher ids, because their transaction took longer; also in one folder."""

import random

from fake import Item
from harness import DaemonTest, main
from topics import change
from writer import Writer

SETTLE_MS = 1500
LONG_SETTLE_MS = 5000  # where something is late: also on a machine that is short of time


class Settling(DaemonTest):
    settle_ms = SETTLE_MS

    def setUp(self) -> None:
        super().setUp()
        self.write_config(source={"kopano": {"settle_ms": self.settle_ms}})
        self.items = self.fake.create("user1/Inbox", 5)
        self.start()
        self.wait_for_records(lambda t: t.of_kind(change.KIND_SNAPSHOT_END), "the end of the snapshot")


class Late(Settling):
    settle_ms = LONG_SETTLE_MS

    def create_late(self, ms: int) -> int:
        """A change whose id is given now and that can be seen so much later. Its id."""
        self.fake.do("hold", folder="user1/Inbox", ms=ms)
        answer = self.fake.do("create", folder="user1/Inbox", subject="late")
        self.fake.do("hold", folder="user1/Inbox", ms=1)
        return answer["first_change"]

    def wait_for_subject(self, subject: str) -> change.ChangeEvent:
        def found(topics) -> list[change.ChangeEvent]:
            return [e for e in topics.events if e.item.subject == subject]

        self.wait_for_records(found, f"a record of {subject}")
        return found(self.topics)[0]

    def test_a_change_that_appears_below_one_that_was_published(self) -> None:
        late = self.create_late(700)
        self.fake.do("create", folder="user1/Inbox", subject="early")
        self.assertGreater(self.wait_for_subject("early").change_id, late)
        self.assertEqual(self.wait_for_subject("late").change_id, late)
        self.assert_mirror()
        self.assertEqual(self.topics.repeats(), 0)

    def test_a_restart_in_between(self) -> None:
        late = self.create_late(1000)
        self.fake.do("create", folder="user1/Inbox", subject="early")
        self.wait_for_subject("early")
        self.kill_and_start()
        self.assertEqual(self.wait_for_subject("late").change_id, late)
        self.assert_mirror()

    def test_a_snapshot_in_between(self) -> None:
        self.assertEqual(self.daemon.stop(), 0)
        (self.directory / "state.db").unlink()
        late = self.create_late(1000)
        self.fake.do("create", folder="user1/Inbox", subject="early")
        self.start()
        self.wait_for_subject("early")
        self.assertEqual(self.wait_for_subject("late").change_id, late)
        self.assert_mirror()

    def test_many_of_them_under_load(self) -> None:
        rng = random.Random(7)
        with Writer(self.fake, rng).at_work():
            for n in range(10):
                self.fake.do("hold", folder="user1/Inbox", ms=rng.randrange(1, 800))
                self.topics.pump(0.2)
            self.fake.do("hold", folder="user1/Inbox", ms=1)
        self.fake.do("release")
        self.assert_mirror()


class Quiet(Settling):
    """Reads that look back find nothing that was there before."""

    def look_back(self) -> None:
        """A change after the next read from the settled id is published."""
        n_calls = self.fake.calls("getChanges")
        self.topics.pump(2 * SETTLE_MS / 1000)
        self.assertGreater(self.fake.calls("getChanges"), n_calls)
        self.fake.create("user1/Inbox")
        self.wait_for_mirror()

    def read_all(self, items: list[Item]) -> None:
        """Long enough ago for most reads to start behind it."""
        for item in items:
            self.fake.read(item, True)
        self.fake.create("user1/Inbox")
        self.wait_for_mirror()
        n_calls = self.fake.calls("getChanges")
        self.wait_for(lambda: self.fake.calls("getChanges") > n_calls + 40, "forty reads")

    def test_after_changes(self) -> None:
        self.read_all(self.items)
        self.fake.delete_all("user1/Inbox")
        self.wait_for_mirror()
        n_records = len(self.topics.events)
        self.look_back()
        self.assertEqual(len(self.topics.events), n_records + 1)
        self.assert_mirror()

    def test_after_changes_of_associated_items(self) -> None:
        """Once such an item is gone the server no longer knows of what kind it was, and shows its old entries."""
        self.topics.mirror.promises.repeats = False
        hidden = self.fake.create("user1/Inbox", 3, associated=True)
        self.look_back()
        self.read_all(hidden)
        for item in hidden:
            self.fake.delete(item, hard=True)
        self.look_back()
        self.assertEqual([e for e in self.topics.events if e.kind == change.KIND_READ_STATE], [])
        self.assert_mirror()


if __name__ == "__main__":
    main()
