#!/usr/bin/python3
"""What a daemon must not do when it is interrupted; each test fails for a mistake in tests/mutations."""

import unittest

from stepping import PASSWORD, SECONDS, SteppingTest, lifecycle

INBOX = "user1/Inbox"
ROWS = "tableQueryRows"
PAGE = 4


class Cursor(SteppingTest):
    """A listing in pages of four rows, interrupted after two of them."""

    def setUp(self) -> None:
        super().setUp()
        self.items = self.fake.create(INBOX, 16)

    def pause(self) -> None:
        self.fake.fault("never", ROWS, after=1, times=1000)
        self.start()
        self.wait_for_records(lambda t: len(t.rows()) == 2 * PAGE, "two pages", SECONDS)

    def wait_for_cursor(self) -> None:
        """That the position names the last row."""
        last = self.topics.rows()[-1].item_number.to_bytes(4, "little")
        self.wait_for(lambda: any(v.endswith(last) for _, v in self.state_entries(b"position/snapshot/")), "it is stored")

    def test_it_goes_on_below_the_last_item_whatever_was_deleted_above(self) -> None:
        self.pause()
        self.wait_for_cursor()
        self.daemon.kill()
        for item in self.items[-3:]:
            self.fake.delete(item, hard=True)
        self.fake.clear_faults()
        self.start()
        self.wait_for_end()
        self.assert_mirror()
        self.assertEqual(len(self.topics.rows()), len(self.items))

    def test_a_table_that_starts_over_repeats_nothing(self) -> None:
        self.pause()
        self.fake.reload_tables()
        self.fake.clear_faults()
        self.wait_for_end()
        self.assert_mirror()
        self.assertEqual((len(self.topics.rows()), self.topics.repeats()), (len(self.items), 0))


    def test_what_changes_while_it_lists_is_followed(self) -> None:
        """Also when the listing has ended before the next poll."""
        self.write_config(source={"kopano": {"poll_interval_ms": 1500}})
        self.pause()
        self.fake.change(self.items[-1], subject="changed after it was listed")
        self.fake.delete(self.items[-2], hard=True)
        self.fake.clear_faults()
        self.wait_for_end()
        self.assert_mirror()


class ForeignFolder(SteppingTest):
    """A bridge that reads another's folder, by a right that can be taken away."""

    user = "bridge"
    follow = {"mode": "folders", "stores": ["user1"], "folders": ["Inbox"]}

    def setUp(self) -> None:
        super().setUp()
        self.fake.add_user("bridge", PASSWORD)
        self.fake.grant("user1/", "bridge", "visible")
        self.fake.grant(INBOX, "bridge")
        self.fake.create(INBOX, 16)

    def wait_for_suspension(self) -> None:
        suspended = lifecycle.LIFECYCLE_TYPE_SUSPENDED
        self.wait_for_records(lambda t: t.lifecycle_of(suspended), "it is suspended", SECONDS)


class Proof(ForeignFolder):
    def start_and_revoke(self) -> None:
        """When two pages were published, and while the third is waited for. No poll notices it first."""
        self.write_config(source={"kopano": {"poll_interval_ms": 60000}})
        self.fake.fault("never", ROWS, after=1, times=1000)
        self.start()
        self.wait_for_records(lambda t: len(t.rows()) == 2 * PAGE, "two pages", SECONDS)
        self.fake.revoke(INBOX, "bridge")

    def assert_no_end_until_the_right_is_back(self) -> None:
        self.wait_for_suspension()
        self.assertEqual(self.ends(), [])
        self.fake.grant(INBOX, "bridge")
        self.wait_for_end()
        self.assert_mirror()

    def test_no_end_when_the_right_goes_while_the_table_is_open(self) -> None:
        self.start_and_revoke()
        self.fake.clear_faults()
        self.assert_no_end_until_the_right_is_back()

    def test_no_end_when_the_right_is_gone_before_the_table_is_opened_again(self) -> None:
        self.start_and_revoke()
        self.fake.expire_sessions()
        self.fake.clear_faults()
        self.assert_no_end_until_the_right_is_back()

    def n_loads(self) -> int:
        return self.fake.do("stats")["calls"].get("loadObject", 0)

    def test_no_table_is_opened_before_the_right_is_proven(self) -> None:
        """It would list as empty, and be taken for the whole when the right is back for the proof at its end."""
        self.write_config(source={"kopano": {"poll_interval_ms": 60000}})
        self.fake.fault("slow", ROWS, n=1000, after=1)
        self.start()
        self.wait_for_records(lambda t: len(t.rows()) == 2 * PAGE, "two pages", SECONDS)
        self.fake.revoke(INBOX, "bridge")
        self.fake.expire_sessions()
        self.fake.fault("never", "loadObject")
        n_loads = self.n_loads()
        self.wait_for(lambda: self.n_loads() > n_loads, "a proof is asked for", SECONDS)
        self.fake.grant(INBOX, "bridge")
        self.fake.clear_faults()
        self.wait_for_end()
        self.assert_mirror()


class SmallProof(ForeignFolder):
    """A folder that is listed by one table, in one batch."""

    follow = {"mode": "folders", "stores": ["user1"], "folders": ["Drafts"], "objects": ["items"]}

    def setUp(self) -> None:
        super().setUp()
        self.fake.grant("user1/Drafts", "bridge")
        self.fake.create("user1/Drafts", 2)

    def n_tables(self) -> int:
        return self.fake.calls("tableMulti")

    def test_no_end_when_the_right_goes_while_the_table_is_read(self) -> None:
        self.write_config(snapshot="none")
        self.start()
        self.wait_for(self.has_position, "it follows")
        self.assertEqual(self.daemon.stop(), 0)
        n_tables = self.n_tables()  # as many before the first listing
        (self.directory / "state.db").unlink()
        self.write_config(source={"kopano": {"poll_interval_ms": 60000}})
        self.fake.fault("slow", "tableMulti", n=500, after=n_tables)
        self.start()
        self.wait_for(lambda: self.n_tables() == 2 * n_tables + 1, "the table is asked for", SECONDS)
        self.fake.revoke("user1/Drafts", "bridge")
        self.wait_for_suspension()
        self.assertEqual(self.ends(), [])
        self.fake.grant("user1/Drafts", "bridge")
        self.wait_for_end()
        self.assert_mirror()


class Resume(SteppingTest):
    def setUp(self) -> None:
        super().setUp()
        self.items = self.fake.create(INBOX, 6)
        self.start()
        self.wait_for_end()
        self.wait_for_mirror(seconds=SECONDS)

    def change_while_stopped(self) -> None:
        self.assertEqual(self.daemon.stop(), 0)
        self.fake.change(self.items[0], subject="meanwhile")
        self.fake.read(self.items[1], True)
        self.fake.delete(self.items[2], hard=True)
        self.fake.create(INBOX, 3)

    def test_a_start_goes_on_from_the_stored_position(self) -> None:
        self.change_while_stopped()
        self.start()
        self.assert_mirror()

    def test_a_sync_id_that_expired_loses_no_position(self) -> None:
        self.change_while_stopped()
        self.fake.expire_syncs()
        self.start()
        self.assert_mirror()

    def test_what_was_to_be_read_with_a_locked_item_comes_when_that_is_given_up(self) -> None:
        """Not with the next look back, after newer changes."""
        self.assertEqual(self.daemon.stop(), 0)
        self.write_config(source={"kopano": {"settle_ms": 600000}})
        locked, *_ = self.fake.create(INBOX, 3)
        self.fake.refuse(locked, "NO_ACCESS")
        self.start(FIRST_PAUSE_MS=300, LAST_PAUSE_MS=300)
        self.wait_for_records(lambda t: t.letters, "a dead letter", SECONDS)
        self.assert_mirror({locked.key})

    def test_nothing_is_listed_again(self) -> None:
        n_rows = len(self.topics.rows())
        self.change_while_stopped()
        self.write_config(source={"kopano": {"settle_ms": 500}})
        self.start()
        self.wait_for(self.has_settled, "all has settled, and a listing would have begun")
        self.assert_mirror()
        self.assertEqual((len(self.topics.rows()), len(self.ends())), (n_rows, 1))

    def has_settled(self) -> bool:
        ((_, value),) = self.state_entries(b"position/contents/")
        return int.from_bytes(value[4:8], "little") == self.fake.do("info")["max_change"]


class Rewind(SteppingTest):
    """The sink loses one record; whatever it is, it comes again, and those after it."""

    N_ITEMS = 7

    def lose(self, n: int) -> None:
        self.fake.create(INBOX, self.N_ITEMS)
        self.start(LOSE_AT=n)
        self.wait_for_end()
        self.fake.create(INBOX, 5, "late %d")
        self.assert_mirror()
        self.assertEqual(self.daemon.count("a record was lost"), 1)
        self.assertTrue(all(snapshot.ended for snapshot in self.topics.mirror.snapshots.values()))
        self.assertEqual(self.state_entries(b"position/snapshot/"), [])

    def test_the_first_record(self) -> None:
        self.lose(1)

    def test_a_row(self) -> None:
        self.lose(5)

    def test_the_last_row(self) -> None:
        self.lose(2 + self.N_ITEMS)

    def test_the_end_of_the_listing(self) -> None:
        self.lose(3 + self.N_ITEMS)

    def test_what_the_lifecycle_says_of_it(self) -> None:
        self.lose(4 + self.N_ITEMS)

    def test_the_first_record_of_following(self) -> None:
        self.lose(5 + self.N_ITEMS)

    def test_a_later_record_of_following(self) -> None:
        self.lose(7 + self.N_ITEMS)


if __name__ == "__main__":
    unittest.main(verbosity=2)
