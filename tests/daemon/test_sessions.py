#!/usr/bin/python3
"""A server that goes away, forgets, is slow, or answers nonsense: the daemon says so once, comes back, and nothing is lost."""

from gate import Gate
from harness import DaemonTest, main
from topics import change
from waiting import holds_for

CHANGES, EXPORT, ROWS, LOAD, LOGON = "getChanges", "exportMessageChangesAsStream", "tableQueryRows", "loadObject", "logon"
RETRYING = "source: .*; retrying"
BACK = "source: back after"


class Sessions(DaemonTest):
    def started(self, n: int = 5) -> None:
        self.fake.create("user1/Inbox", n)
        self.start()
        self.wait_for_records(lambda t: t.of_kind(change.KIND_SNAPSHOT_END), "the end of the snapshot")

    def some_changes(self) -> None:
        """One of each kind."""
        items = self.fake.create("user1/Inbox", 4)
        self.fake.change(items[0], subject="changed")
        self.fake.read(items[1], True)
        self.fake.delete(items[2], hard=True)

    def assert_said_once(self) -> None:
        self.assertEqual(self.daemon.count(RETRYING), 1, self.daemon.log())
        self.assertEqual(self.daemon.count(BACK), 1, self.daemon.log())


class Forgotten(Sessions):
    def test_sessions(self) -> None:
        self.started()
        for _ in range(3):
            self.fake.expire_sessions()
            self.some_changes()
            self.wait_for_mirror()
        self.assert_mirror()
        self.assertEqual(self.topics.repeats(), 0)

    def test_sync_ids(self) -> None:
        self.started()
        for _ in range(3):
            self.fake.expire_syncs()
            self.some_changes()
            self.wait_for_mirror()
        self.assert_mirror()
        self.assertEqual(len(self.topics.of_kind(change.KIND_SNAPSHOT_BEGIN)), 1)

    def test_sync_ids_while_it_was_stopped(self) -> None:
        self.started()
        self.assertEqual(self.daemon.stop(), 0)
        self.fake.expire_syncs()
        self.some_changes()
        self.start()
        self.assert_mirror()
        self.assertEqual(len(self.topics.of_kind(change.KIND_SNAPSHOT_BEGIN)), 1)

    def test_sync_ids_during_the_snapshot(self) -> None:
        self.fake.create("user1/Inbox", 5000, quiet=True)
        self.fake.fault("slow", ROWS, n=300, times=1000)
        self.start()
        self.wait_for_records(lambda t: len(t.rows()) >= 1000, "a thousand rows")
        self.fake.expire_syncs()
        self.some_changes()
        self.wait_for_records(lambda t: t.of_kind(change.KIND_SNAPSHOT_END), "the end of the snapshot")
        self.assert_mirror()

    def test_everything_by_a_restart(self) -> None:
        self.started()
        self.fake.restart()
        self.some_changes()
        self.wait_for_mirror()
        self.fake.restart()
        self.some_changes()
        self.assert_mirror()
        self.assertEqual(self.topics.repeats(), 0)


class Unreachable(Sessions):
    def setUp(self) -> None:
        super().setUp()
        self.gate = Gate(self.fake.port)
        self.addCleanup(self.gate.close)
        self.write_config(source={"kopano": {"url": self.gate.url}})

    def test_at_the_start(self) -> None:
        self.fake.create("user1/Inbox", 5)
        self.start()
        self.daemon.wait_for(RETRYING)
        self.gate.open()
        self.assert_mirror()
        self.assert_said_once()

    def test_later(self) -> None:
        self.gate.open()
        self.started()
        self.gate.close()
        self.daemon.wait_for(RETRYING)
        self.some_changes()
        self.gate.open()
        self.daemon.wait_for(BACK)
        self.assert_mirror()
        self.assert_said_once()
        self.assertEqual(self.topics.repeats(), 0)

    def test_a_stop_while_it_is_away_is_quick(self) -> None:
        self.start()
        self.daemon.wait_for(RETRYING)
        self.assertEqual(self.daemon.stop(), 0)


class Slow(Sessions):
    def setUp(self) -> None:
        super().setUp()
        self.write_config(source={"kopano": {"timeout_ms": 2000}})

    def outlive(self, method: str) -> None:
        self.started()
        self.fake.fault("never", method)
        self.some_changes()
        self.daemon.wait_for(BACK)
        self.assert_mirror()
        self.fake.clear_faults()
        self.assert_said_once()

    def test_changes_that_never_come(self) -> None:
        self.outlive(CHANGES)

    def test_items_that_never_come(self) -> None:
        self.outlive(EXPORT)

    def test_a_page_of_the_listing_that_never_comes(self) -> None:
        self.fake.create("user1/Inbox", 3000, quiet=True)
        self.fake.fault("never", ROWS, after=1)
        self.start()
        self.daemon.wait_for(RETRYING)
        self.wait_for_records(lambda t: t.of_kind(change.KIND_SNAPSHOT_END), "the end of the snapshot")
        self.fake.clear_faults()
        self.assert_mirror()
        self.assertEqual(len(self.topics.rows()), 3000)

    def test_slow_answers_are_waited_for(self) -> None:
        self.fake.fault("slow", n=100, times=30)
        self.started()
        self.some_changes()
        self.assert_mirror()
        self.assertEqual(self.daemon.count(RETRYING), 0)

    def test_a_long_answer_that_comes_in_drops_is_taken(self) -> None:
        self.started()
        self.fake.fault("drip", CHANGES, n=50, times=4)
        self.some_changes()
        self.assert_mirror()
        self.assertEqual(self.daemon.count(RETRYING), 0)

    def hangs(self) -> bool:
        """It asks for no more changes, for the time of many polls."""
        n_calls = self.fake.calls(CHANGES)
        return holds_for(lambda: self.fake.calls(CHANGES) == n_calls, 0.4)

    def test_a_stop_does_not_wait_for_an_answer(self) -> None:
        self.write_config(source={"kopano": {"timeout_ms": 60000}})
        self.started()
        self.fake.fault("never", CHANGES)
        self.some_changes()
        self.wait_for(self.hangs, "a call is waiting")
        self.assertEqual(self.daemon.stop(seconds=30), 0)
        self.fake.clear_faults()
        self.start()
        self.assert_mirror()


class Broken(Sessions):
    """One answer is broken; pauses between attempts double, so each case has a daemon of its own."""

    def survive(self, kind: str, method: str | None, n: int, after: int = 0) -> None:
        """From the start of a daemon on: what is there, and some changes."""
        with self.subTest(kind=kind, method=method, n=n, after=after):
            self.fake.fault(kind, method, n=n, after=after)
            self.some_changes()
            self.start()
            self.wait_for_mirror()
            self.fake.clear_faults()
            self.assertTrue(self.daemon.running(), self.daemon.log())
            self.assertLessEqual(self.daemon.count(RETRYING), 1)
            self.assertEqual(self.daemon.stop(), 0)

    def test_connections_that_are_dropped_at_any_byte(self) -> None:
        for n, after in [(0, 0), (1, 1), (40, 2), (300, 3), (600, 4), (700, 5), (800, 6), (900, 7), (1000, 8), (1200, 9)]:
            self.survive("drop", None, n, after)
        for n in (500, 900, 1500, 3000):
            self.survive("drop", CHANGES, n)
            self.survive("drop", EXPORT, n)
        self.assert_mirror()

    def test_listings_that_are_dropped_at_any_byte(self) -> None:
        self.fake.create("user1/Inbox", 4000, quiet=True)
        for n in (0, 1000, 5000, 100_000, 300_000):
            self.fake.fault("drop", "tableMulti", n=n, after=2)
            self.fake.fault("drop", ROWS, n=n)
        self.start()
        self.wait_for_records(lambda t: t.of_kind(change.KIND_SNAPSHOT_END), "the end of the snapshot", seconds=90)
        self.assert_mirror()
        self.assertLess(len(self.topics.rows()), 4001)

    def test_answers_that_end_too_early_as_if_they_were_whole(self) -> None:
        for method in (LOGON, CHANGES, EXPORT, "tableMulti"):
            for n in (0, 200, 700):
                self.survive("truncate", method, n)
        self.assert_mirror()

    def test_answers_that_are_nonsense(self) -> None:
        for method in (LOGON, CHANGES, EXPORT, "tableMulti"):
            self.survive("garbage", method, 3000)
        self.assert_mirror()

    def test_answers_of_a_proxy(self) -> None:
        for status in (404, 500, 502, 503):
            self.survive("http", CHANGES, status)
            self.survive("http", LOGON, status)
        self.assert_mirror()

    def test_an_element_without_end(self) -> None:
        for method in (CHANGES, EXPORT, "tableMulti"):
            self.survive("oversize", method, 70 << 20)
        self.assert_mirror()

    def test_calls_that_fail_for_reasons_of_the_server(self) -> None:
        for er in (0x80000007, 0x8000000F):  # database error, too complex
            for method in (CHANGES, EXPORT):
                self.survive("error", method, er)
        self.assert_mirror()

    def test_calls_of_the_start_that_fail_for_reasons_of_the_server(self) -> None:
        for method in ("resolveUserStore", LOAD, "tableMulti", "setSyncStatus", CHANGES):
            (self.directory / "state.db").unlink(missing_ok=True)
            self.survive("error", method, 0x8000000F)
        self.assert_mirror()


if __name__ == "__main__":
    main()
