#!/usr/bin/python3
"""`tidings sync`: one round as JSON lines, and the state after it."""

import json
import subprocess
import sys
import threading
import unittest
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, Optional

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "daemon"))

from fake import Item  # noqa: E402
from harness import PASSWORD, DaemonTest  # noqa: E402
from process import BUILD  # noqa: E402
from waiting import wait_until  # noqa: E402

DEADLINE_S = 60
INBOX = "user1/Inbox"
READ = "getEntryIDFromSourceKey"  # of one item; several are read by another call
Lines = list[dict[str, Any]]


def number(n: int) -> str:
    """As in a state."""
    return n.to_bytes(4, "little").hex().upper()


def what(change: dict[str, Any]) -> tuple[str, str]:
    return change["kind"], change.get("sourceKey", "")


class Sync(DaemonTest):
    def make_topics(self) -> None:
        self.topic_names = {}

    def default_config(self) -> dict[str, Any]:
        whole = super().default_config()
        whole["source"]["kopano"]["settle_ms"] = 50
        return {name: whole[name] for name in ("source", "follow")}

    def run_sync(self, state: Optional[str] = None, stdout: Any = subprocess.PIPE, *options: str) -> subprocess.CompletedProcess:
        arguments = [] if state is None else ["--state", state]
        done = subprocess.run([BUILD / "tidings", "sync", "-c", self.directory / "tidings.yaml", *options, *arguments],
                              stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=DEADLINE_S)
        self.assertNotIn(PASSWORD, (done.stdout or "") + done.stderr)
        return done

    def sync(self, state: Optional[str] = None) -> tuple[Lines, str]:
        """What changed, and the new state."""
        done = self.run_sync(state)
        self.assertEqual((done.stderr, done.returncode), ("", 0))
        *lines, new = done.stdout.splitlines()
        self.assertRegex(new, r"\A([0-9A-F]{2}){8,}\Z")
        return [json.loads(line) for line in lines], new

    def now(self) -> str:
        lines, state = self.sync("now")
        self.assertEqual(lines, [])
        return state

    def assert_fails(self, code: int, text: str, state: Optional[str] = None) -> None:
        done = self.run_sync(state)
        self.assertRegex(done.stderr, rf"\Atidings: error: [^\n]*{text}[^\n]*\n\Z")
        self.assertEqual(done.returncode, code)
        last = done.stdout.splitlines()[-1:]
        self.assertTrue(not last or last[0].startswith("{"), "a state was printed all the same")

    def changes_since(self, state: str) -> list[tuple[str, str]]:
        return [what(change) for change in self.sync(state)[0]]


class Rounds(Sync):
    def test_from_the_start_all_is_listed(self) -> None:
        items = self.fake.create(INBOX, 700)
        for state in None, "", "0" * 16:
            lines, new = self.sync(state)
            self.assertEqual((lines[0]["kind"], lines[-1]["kind"]), ("SNAPSHOT_BEGIN", "SNAPSHOT_END"))
            self.assertEqual({line["sourceKey"] for line in lines[1:-1]}, {item.key.hex() for item in items})
            self.assertEqual({line["origin"] for line in lines}, {"SNAPSHOT"})
            self.assertEqual(self.changes_since(new), [])

    def test_an_empty_folder(self) -> None:
        lines, new = self.sync()
        self.assertEqual([what(line) for line in lines], [("SNAPSHOT_BEGIN", ""), ("SNAPSHOT_END", "")])
        item, = self.fake.create(INBOX)
        self.assertEqual(self.changes_since(new), [("CREATED", item.key.hex())])

    def test_each_kind_of_change(self) -> None:
        changed, read, soft, hard, moved = self.fake.create(INBOX, 5, read=False)
        state = self.now()
        new, = self.fake.create(INBOX, subject="new", saves=1)
        self.fake.change(changed, subject="changed")
        self.fake.read(read, True)
        self.fake.delete(soft, hard=False)
        self.fake.delete(hard, hard=True)
        self.fake.move(moved, "user1/Drafts")
        lines, _ = self.sync(state)
        self.assertEqual([what(line) for line in lines], [
            (kind, item.key.hex()) for kind, item in [
                ("CREATED", new), ("UPDATED", changed), ("READ_STATE", read), ("DELETED", soft), ("DELETED", hard),
                ("DELETED", moved)]])
        self.assertEqual((lines[0]["item"]["subject"], lines[1]["item"]["subject"]), ("new", "changed"))
        self.assertEqual((lines[2]["readState"], lines[3]["deletion"], lines[4]["deletion"]),
                         ({"read": True}, {"type": "SOFT"}, {"type": "HARD"}))
        self.assertEqual({line["folder"]["path"] for line in lines}, {"Inbox"})
        ids = [line["changeId"] for line in lines]
        self.assertEqual(ids, sorted(ids))

    def test_a_state_moves_on_and_an_old_one_can_be_replayed(self) -> None:
        first = self.now()
        one, = self.fake.create(INBOX)
        lines, second = self.sync(first)
        two, = self.fake.create(INBOX)
        self.assertEqual(self.changes_since(second), [("CREATED", two.key.hex())])
        self.assertEqual(self.changes_since(first), [("CREATED", one.key.hex()), ("CREATED", two.key.hex())])
        self.assertEqual(self.sync(first)[1][8:], self.sync(second)[1][8:])

    def test_many_changes(self) -> None:
        state = self.now()
        items = self.fake.create(INBOX, 1000) + self.fake.create(INBOX, 1000)
        self.assertEqual(self.changes_since(state), [("CREATED", item.key.hex()) for item in items])

    def test_associated_items(self) -> None:
        state = self.now()
        item, = self.fake.create(INBOX, associated=True)
        lines, new = self.sync(state)
        self.assertEqual((lines, new[8:] > state[8:]), ([], True))
        self.write_config(follow={"associated": True})
        lines, _ = self.sync(state)
        self.assertEqual([(*what(line), line["associated"]) for line in lines], [("CREATED", item.key.hex(), True)])

    def test_it_ends_while_somebody_writes(self) -> None:
        state, stop = self.now(), threading.Event()

        def write() -> None:
            while not stop.is_set():
                self.fake.create(INBOX, 5)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            _, new = self.sync(state)
            lines, end = self.sync(state)
            self.assertTrue(lines)
        finally:
            stop.set()
            writer.join()
        first, _ = self.sync(state)
        rest, _ = self.sync(end)
        self.assertEqual([what(line) for line in lines + rest], [what(line) for line in first])

    def test_an_entry_that_appears_late_is_waited_for(self) -> None:
        """Its id is lower than one that can be seen before it."""
        state = self.now()
        self.write_config(source={"kopano": {"settle_ms": 3000}})
        self.fake.hold(INBOX)
        self.fake.create(INBOX, subject="late")
        self.fake.hold(INBOX, ms=1)
        self.fake.create(INBOX, subject="early")
        with self.released_when_something_is_read():
            lines, new = self.sync(state)
        self.assertEqual([line["item"]["subject"] for line in lines], ["early", "late"])
        self.assertLess(lines[1]["changeId"], lines[0]["changeId"])
        self.assertEqual(self.changes_since(new), [])

    @contextmanager
    def released_when_something_is_read(self) -> Iterator[None]:
        n_calls = self.fake.calls(READ)

        def release() -> None:
            wait_until(lambda: self.fake.calls(READ) > n_calls, "an item is read")
            self.fake.release()

        thread = threading.Thread(target=release)
        thread.start()
        try:
            yield
        finally:
            thread.join()

    def test_an_item_that_cannot_be_read_is_named(self) -> None:
        state = self.now()
        bad, good = self.fake.create(INBOX, 2)
        self.fake.refuse(bad, 0x80000007)
        done = self.run_sync(state)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stderr, rf"\Atidings: warning: the item {bad.key.hex()} could not be read, [^\n]*\n\Z")
        lines = [json.loads(line) for line in done.stdout.splitlines()[:-1]]
        self.assertEqual([(*what(line), "item" in line) for line in lines],
                         [("CREATED", bad.key.hex(), False), ("CREATED", good.key.hex(), True)])


class States(Sync):
    def setUp(self) -> None:
        super().setUp()
        self.fake.create(INBOX, 3)
        self.before = self.now()
        self.items = self.fake.create(INBOX, 3)
        self.change_ids = [line["changeId"] for line in self.sync(self.before)[0]]
        self.expected = [("CREATED", item.key.hex()) for item in self.items]

    def processed(self, *items: tuple[int, Item]) -> str:
        """The long form of the state before."""
        return self.before + number(len(items)) + "".join(
            number(change_id) + number(len(item.key)) + item.key.hex().upper() for change_id, item in items)

    def test_either_case(self) -> None:
        self.assertEqual(self.changes_since(self.before.lower()), self.expected)

    def test_a_state_without_a_sync_id(self) -> None:
        self.assertEqual(self.changes_since("00000000" + self.before[8:]), self.expected)

    def test_a_sync_id_that_is_unknown_or_expired(self) -> None:
        self.assertEqual(self.changes_since("FFFFFF7F" + self.before[8:]), self.expected)
        self.fake.expire_syncs()
        self.assertEqual(self.changes_since(self.before), self.expected)

    def test_the_sync_id_of_somebody_else_is_not_used(self) -> None:
        self.assertNotEqual(self.sync(self.before)[1][:8], self.before[:8])

    def test_an_interrupted_sync(self) -> None:
        entries = list(zip(self.change_ids, self.items))
        self.assertEqual(self.changes_since(self.processed()), self.expected)
        for n in range(1, 4):
            lines, new = self.sync(self.processed(*entries[:n]))
            self.assertEqual([what(line) for line in lines], self.expected[n:])
            self.assertEqual(new[8:], self.sync(self.before)[1][8:])

    def test_what_changed_after_it_was_processed(self) -> None:
        state = self.processed(*zip(self.change_ids, self.items))
        self.fake.change(self.items[1], subject="again")
        self.assertEqual(self.changes_since(state), [("UPDATED", self.items[1].key.hex())])

    def test_what_is_no_state(self) -> None:
        long_form = self.processed((self.change_ids[0], self.items[0]))
        for state, text in [
            (self.before[:8], "it has 4 bytes, and 8 are expected"),
            (self.before + "01", "it has 9 bytes"),
            (long_form[:-2], f"it has {len(long_form) // 2 - 1} bytes"),
            (long_form + "00", f"it has {len(long_form) // 2 + 1} bytes"),
            (self.before + "FFFFFFFF", "it has 12 bytes"),
            (self.before[:15], "is not hexadecimal digits"),
            ("later", '--state: "later" is not hexadecimal digits'),
        ]:
            with self.subTest(state):
                self.assert_fails(2, text, state)

    def test_the_state_of_another_folder(self) -> None:
        self.write_config(follow={"folders": ["Drafts"]})
        self.assert_fails(2, "the given state is of another folder", self.before)


class Failures(Sync):
    def test_only_source_and_follow_count(self) -> None:
        self.write_config(sink={"none": {}}, state=[], snapshot="sometimes")
        self.sync()

    def test_one_folder_only(self) -> None:
        self.write_config(follow={"folders": ["Inbox", "Drafts"]})
        self.assert_fails(2, r"tidings\.yaml:\d+:\d+: sync is for one folder, and here are 2")
        self.write_config(follow={"stores": ["user1", "user2"]})
        self.assert_fails(2, r"tidings\.yaml:\d+:\d+: sync is for one folder, and here are 2")

    def test_no_configuration(self) -> None:
        (self.directory / "tidings.yaml").unlink()
        self.assert_fails(2, "cannot read the configuration")

    def test_an_unreachable_server(self) -> None:
        self.fake.kill()
        self.assert_fails(1, "logon")

    def test_a_wrong_password(self) -> None:
        self.fake.set_password("user1", "another")
        self.assert_fails(2, "logon")

    def test_no_such_folder_or_store(self) -> None:
        self.write_config(follow={"folders": ["Nowhere"]})
        self.assert_fails(2, 'no folder "Nowhere"')
        self.write_config(follow={"stores": ["nobody"]})
        self.assert_fails(2, 'no store of "nobody"')

    def test_no_right_to_read(self) -> None:
        self.write_config(follow={"stores": ["user2"]})
        self.fake.grant("user2/", "user1", "visible")
        self.fake.revoke("user2/Inbox", "user1")
        self.assert_fails(2, 'the folder "Inbox" cannot be followed: the right to read')
        self.assert_fails(2, 'the folder "Inbox" cannot be followed: the right to read', "0000000001000000")

    def test_an_answer_that_is_cut_or_hostile(self) -> None:
        state = self.now()
        self.fake.create(INBOX, 10)
        for kind, n in [("truncate", 100), ("drop", 100), ("garbage", 5000), ("oversize", 70 << 20), ("http", 503)]:
            with self.subTest(kind):
                self.fake.fault(kind, "getChanges", n, times=100000)
                self.assert_fails(1, "getChanges", state)
                self.fake.clear_faults()
        self.assertEqual(len(self.changes_since(state)), 10)

    def test_a_failure_in_passing_is_got_over(self) -> None:
        state = self.now()
        self.fake.create(INBOX, 10)
        self.fake.fault("drop", "getChanges", 100)
        self.assertEqual(len(self.changes_since(state)), 10)

    def test_output_that_cannot_be_written(self) -> None:
        self.fake.create(INBOX, 1000)
        with open("/dev/full", "w") as full:
            done = self.run_sync(stdout=full)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write to standard output: No space left on device\n", done.stderr)


class AddressBook(Sync):
    """`--addressbook`; the server's journal is small, ids are the whole state."""

    def default_config(self) -> dict[str, Any]:
        whole = super().default_config()
        del whole["follow"]
        return whole

    def run_sync(self, state: Optional[str] = None, stdout: Any = subprocess.PIPE) -> subprocess.CompletedProcess:
        return super().run_sync(state, stdout, "--addressbook")

    @staticmethod
    def who(line: dict[str, Any]) -> tuple[str, str]:
        return line["kind"], line["user"]["loginName"] if "user" in line else line.get("group", {}).get("name", "")

    def since(self, state: str) -> list[tuple[str, str]]:
        return [self.who(line) for line in self.sync(state)[0]]

    def test_from_the_start_all_are_listed(self) -> None:
        self.fake.add_group("staff", ["user1"])
        for state in None, "", "0" * 16:
            lines, new = self.sync(state)
            self.assertEqual([self.who(line) for line in lines], [("CREATED", name) for name in ("user1", "user2", "admin1", "staff")])
            self.assertEqual(lines[-1]["group"]["members"], [lines[0]["sourceKey"]])
            self.assertEqual({line["origin"] for line in lines}, {"SNAPSHOT"})
            self.assertEqual((new[8:], self.since(new)), ("0" * 8, []))

    def test_what_has_changed_since_a_state(self) -> None:
        state = self.now()
        self.fake.add_user("new", "x")
        self.fake.change_user("user1", full_name="Changed")
        self.fake.delete_user("user2")
        changes = [("CREATED", "new"), ("UPDATED", "user1"), ("DELETED", "")]
        for _ in range(2):
            self.assertEqual(self.since(state), changes)
        _, new = self.sync(state)
        self.assertEqual((self.since(new), self.now()), ([], new))

    def test_the_long_form_says_what_was_processed(self) -> None:
        state = self.now()
        lines = []
        for name in "one", "two", "three":
            self.fake.add_user(name, "x")
        lines, new = self.sync(state)
        second = lines[1]["changeId"]
        rest, after = self.sync(state[:8] + number(1) + number(second))
        self.assertEqual([self.who(line)[1] for line in rest], ["one", "three"])
        self.assertEqual(after, new)

    def test_states_that_are_none(self) -> None:
        for state in ("01", "0" * 8, number(1) + number(1), number(1) + number(0) + "00"):
            self.assert_fails(2, "none of the address book", state)


class Server(Sync):
    """`--server`: items of all stores. A state is needed; the new one names what was processed above its position."""

    user = "boss"

    def setUp(self) -> None:
        super().setUp()
        self.fake.add_user("boss", PASSWORD, admin=2)

    def default_config(self) -> dict[str, Any]:
        whole = super().default_config()
        del whole["follow"]
        return whole

    def run_sync(self, state: Optional[str] = None, stdout: Any = subprocess.PIPE, *options: str) -> subprocess.CompletedProcess:
        return super().run_sync(state, stdout, *(options or ["--server"]))

    def test_items_of_all_stores_since_a_state(self) -> None:
        old, *_ = self.fake.create("user2/Inbox", 1)
        state = self.now()
        new = [*self.fake.create(INBOX, 2), *self.fake.create("public/", 1)]
        self.fake.read(old, True)
        self.fake.delete(new[0], hard=True)
        self.fake.create(INBOX, 1, associated=True)
        changes = [("CREATED", new[1].key.hex()), ("CREATED", new[2].key.hex()), ("READ_STATE", old.key.hex()), ("DELETED", new[0].key.hex())]
        for _ in range(2):
            self.assertEqual(self.changes_since(state), changes)
        lines, after = self.sync(state)
        self.assertEqual([line["store"].get("owner", "") for line in lines], ["user1", "", "user2", "user1"])
        self.assertEqual(self.changes_since(after), [])

    def test_deletes_in_a_folder_that_is_gone(self) -> None:
        self.fake.create_folder("user1/", "Brief")
        item, *_ = self.fake.create("user1/Brief", 1)
        state = self.now()
        self.fake.delete_folder("user1/Brief", hard=True)
        self.assertEqual(self.changes_since(state), [("DELETED", item.key.hex())])

    def test_the_long_form_says_what_was_processed(self) -> None:
        state = self.now()
        items = self.fake.create(INBOX, 3)
        lines, _ = self.sync(state)
        second = lines[1]
        key = bytes.fromhex(second["sourceKey"])
        long_form = state[:16] + number(1) + number(second["changeId"]) + number(len(key)) + key.hex()
        if len(state) > 16:
            n = int.from_bytes(bytes.fromhex(state[16:24]), "little")
            long_form = state[:16] + number(n + 1) + state[24:] + number(second["changeId"]) + number(len(key)) + key.hex()
        self.assertEqual({key for _, key in self.changes_since(long_form)}, {items[0].key.hex(), items[2].key.hex()})

    def test_without_a_state_it_says_how_to_get_one(self) -> None:
        for state in None, "", "0" * 16:
            self.assert_fails(2, "--state now", state)

    def test_who_is_no_system_administrator_may_not(self) -> None:
        self.user = "user1"
        self.write_config()
        self.assert_fails(2, "administrator", "now")


class Hierarchy(Sync):
    """`--hierarchy`: folders of one store."""

    follow: dict[str, Any] = {"mode": "stores", "stores": ["user1"]}

    def run_sync(self, state: Optional[str] = None, stdout: Any = subprocess.PIPE, *options: str) -> subprocess.CompletedProcess:
        return super().run_sync(state, stdout, *(options or ["--hierarchy"]))

    @staticmethod
    def path(line: dict[str, Any]) -> tuple[str, str]:
        return line["kind"], line.get("folderProperties", {}).get("path", "")

    def since(self, state: str) -> list[tuple[str, str]]:
        return [self.path(line) for line in self.sync(state)[0]]

    def test_from_the_start_all_folders_are_listed(self) -> None:
        self.fake.create_folder("user1/", "Projects")
        self.fake.create_folder("user1/Projects", "2026")
        for state in None, "", "0" * 16:
            lines, new = self.sync(state)
            paths = [path for _, path in map(self.path, lines)]
            self.assertLess(paths.index("Projects"), paths.index("Projects/2026"))
            self.assertEqual(({line["objectType"] for line in lines}, self.since(new)), ({"FOLDER"}, []))

    def test_what_has_changed_since_a_state(self) -> None:
        self.fake.create_folder("user1/", "Old")
        old = self.fake.folder("user1", "Old")
        state = self.now()
        self.fake.create_folder("user1/", "New")
        self.fake.rename_folder(self.fake.folder("user1", "New"), "Newer")
        self.fake.create("user1/Inbox", 3)
        self.fake.delete_folder(old, hard=True)
        for _ in range(2):
            lines, new = self.sync(state)
            self.assertEqual([line["sourceKey"] for line in lines if line["kind"] == "DELETED"], [old.key.hex()])
            self.assertEqual({self.path(line)[1] for line in lines if line["kind"] != "DELETED"}, {"Newer"})
        self.assertEqual(self.since(new), [])

    def test_it_is_for_one_store(self) -> None:
        self.write_config(follow={"stores": ["user1", "user2"]})
        self.assert_fails(2, "one store")


if __name__ == "__main__":
    unittest.main(verbosity=2)
