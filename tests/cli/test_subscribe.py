#!/usr/bin/python3
"""`tidings subscribe`: what a store and a folder tell, each filter, and what outages do to it."""

import json
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from typing import Any, Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "daemon"))

from fake import FakeServer  # noqa: E402
from process import BUILD  # noqa: E402
from waiting import SECONDS, wait_until  # noqa: E402

INBOX, DRAFTS, CALENDAR = "user1/Inbox", "user1/Drafts", "user1/Calendar"
Event = tuple[str, str, str, str]  # kind, object type, entry id, path of the folder


def what(line: dict[str, Any]) -> Event:
    return line["kind"], line["objectType"], line["entryId"], line.get("folder", {}).get("path", "")


class Subscriber:
    """The command, and the lines that it has printed."""

    def __init__(self, config: Path, *arguments: str) -> None:
        self.lines: list[dict[str, Any]] = []
        self.said = ""
        self.process = subprocess.Popen(
            [BUILD / "tidings", "subscribe", "-c", config, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.readers = [threading.Thread(target=read) for read in (self._read_lines, self._read_words)]
        for reader in self.readers:
            reader.start()

    def _read_lines(self) -> None:
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def _read_words(self) -> None:
        for line in self.process.stderr:
            self.said += line

    def wait_for(self, condition: Callable[[], object], what_for: str, seconds: float = SECONDS) -> None:
        wait_until(condition, lambda: f"{what_for}; said: {self.said}; lines: {self.lines[-5:]}", seconds)

    def events(self, n: int) -> list[Event]:
        self.wait_for(lambda: len(self.lines) >= n, f"{n} events")
        return [what(line) for line in self.lines]

    def end(self, number: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(SECONDS)
        for reader in self.readers:
            reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return status


class Subscribe(unittest.TestCase):
    maxDiff = None

    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="tidings-subscribe-")
        self.addCleanup(scratch.cleanup)
        self.directory = Path(scratch.name)
        self.fake = FakeServer(self.directory)
        self.addCleanup(self.fake.kill)
        self.fake.start()
        (self.directory / "password").write_text("pass1\n")
        self.write()

    def write(self, **more: Any) -> None:
        kopano = {"url": self.fake.url, "user": "user1", "password_file": str(self.directory / "password"), **more}
        (self.directory / "tidings.yaml").write_text(json.dumps({"source": {"kopano": kopano}}))

    def start(self, *arguments: str, store: str = "user1") -> Subscriber:
        subscriber = Subscriber(self.directory / "tidings.yaml", "--store", store, *arguments)
        self.addCleanup(subscriber.end, signal.SIGKILL)
        return subscriber

    def subscribe(self, *arguments: str, store: str = "user1") -> Subscriber:
        subscriber = self.start(*arguments, store=store)
        subscriber.wait_for(lambda: "subscribed" in subscriber.said, "it subscribes")
        return subscriber

    def assert_told(self, subscriber: Subscriber, *expected: Event) -> None:
        """These and, up to a last one, no others."""
        events = subscriber.events(len(expected))
        self.assertEqual(events, list(expected))

    def create_folder(self, parent: str, name: str) -> tuple[str, str]:
        """Its source key and its entry id."""
        made = self.fake.do("folder-create", parent=parent, name=name)
        return made["key"], made["entry_id"]

    def rename(self, key: str, name: str) -> None:
        self.fake.do("folder-change", folder=key, name=name)

    def item(self, kind: str, item: Any, path: str) -> Event:
        return kind, "ITEM", item.entry_id.hex(), path

    def assert_usage(self, words: str, *arguments: str) -> None:
        done = subprocess.run([BUILD / "tidings", "subscribe", *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=SECONDS)
        self.assertEqual((done.stdout, done.returncode), ("", 2))
        self.assertIn(words, done.stderr)


class Rows(Subscribe):
    """The table of what a change tells."""

    def test_items_of_a_store(self) -> None:
        told = self.subscribe("--object-types", "item")
        [item] = self.fake.create(INBOX, saves=1)
        self.fake.change(item, subject="changed")
        self.fake.read(item, True)
        [moved] = self.fake.move(item, DRAFTS)
        [copy] = self.fake.copy(moved, INBOX)
        self.fake.delete(moved, hard=False)
        self.fake.delete(copy, hard=True)
        self.assert_told(
            told,
            self.item("CREATED", item, "Inbox"),
            self.item("UPDATED", item, "Inbox"),
            self.item("UPDATED", item, "Inbox"),
            self.item("UPDATED", item, "Inbox"),
            self.item("CREATED", moved, "Drafts"),
            self.item("DELETED", item, "Inbox"),
            self.item("CREATED", copy, "Inbox"),
            self.item("DELETED", moved, "Drafts"),
            self.item("DELETED", copy, "Inbox"),
        )
        for line in told.lines:
            self.assertEqual(line["origin"], "NOTIFICATION")
            self.assertEqual(line["store"]["owner"], "user1")
        self.assertEqual(len({line["id"] for line in told.lines}), len(told.lines))

    def test_folders_of_a_store(self) -> None:
        """Where a folder is, is looked up when it is told of: so one after the other."""
        told = self.subscribe("--object-types", "folder")
        sub, entry_id = self.create_folder(INBOX, "Sub")
        told.events(1)
        self.rename(sub, "Renamed")
        told.events(2)
        self.fake.move_folder(sub, DRAFTS)
        told.events(4)
        self.fake.delete_folder(sub, hard=True)
        events = told.events(5)
        self.assertEqual([(kind, object_type, key) for kind, object_type, key, _ in events],
                         [(kind, "FOLDER", entry_id) for kind in ("CREATED", "UPDATED", "CREATED", "DELETED", "DELETED")])
        self.assertEqual([path for *_, path in events], ["Inbox", "Inbox", "Drafts", "Inbox", "Drafts"])
        self.assertEqual({line["sourceKey"] for line in told.lines}, {sub})

    def test_a_folder_tells_of_what_comes_to_it_and_leaves_it(self) -> None:
        told = self.subscribe("--folder", "Inbox")
        other = self.subscribe("--folder", "Drafts")
        [item] = self.fake.create(INBOX)
        [copy] = self.fake.copy(item, DRAFTS)  # nothing where it comes from
        [moved] = self.fake.move(item, DRAFTS)
        [back] = self.fake.move(moved, INBOX)
        self.assert_told(told, self.item("CREATED", item, "Inbox"), self.item("DELETED", item, "Inbox"),
                         self.item("CREATED", back, "Inbox"))
        self.assert_told(other, self.item("CREATED", copy, "Drafts"), self.item("CREATED", moved, "Drafts"),
                         self.item("DELETED", moved, "Drafts"))

    def test_a_folder_tells_of_itself_and_nothing_of_subfolders(self) -> None:
        inbox, entry_id = self.create_folder("user1/", "Plans")
        told = self.subscribe("--folder", "Plans")
        sub, _ = self.create_folder(inbox, "Sub")
        self.fake.create(sub)
        self.rename(sub, "Renamed")
        self.fake.delete_folder(sub, hard=True)
        self.rename(inbox, "New plans")
        [item] = self.fake.create(inbox)
        self.assertEqual([(kind, object_type, key) for kind, object_type, key, _ in told.events(2)],
                         [("UPDATED", "FOLDER", entry_id), ("CREATED", "ITEM", item.entry_id.hex())])
        self.assertEqual(told.lines[-1]["folder"]["path"], "New plans")

    def test_items_of_a_folder_that_is_created_later_have_their_folder(self) -> None:
        told = self.subscribe("--object-types", "item")
        sub, _ = self.create_folder(INBOX, "Later")
        [item] = self.fake.create(sub)
        self.assert_told(told, self.item("CREATED", item, "Inbox/Later"))
        self.assertEqual(told.lines[0]["parentSourceKey"], sub)

    def test_the_public_store(self) -> None:
        told = self.subscribe(store="public")
        _, entry_id = self.create_folder("public/", "Board")
        self.assertEqual(told.events(1)[0][:3], ("CREATED", "FOLDER", entry_id))
        self.assertEqual(told.lines[0]["store"]["type"], "PUBLIC")


class Filters(Subscribe):
    def all_of(self) -> list[Event]:
        """One of each; then one that every filter of kinds lets through."""
        [item] = self.fake.create(INBOX)
        self.fake.change(item, subject="changed")
        self.fake.delete(item, hard=True)
        return [self.item("CREATED", item, "Inbox"), self.item("UPDATED", item, "Inbox"), self.item("DELETED", item, "Inbox")]

    def test_event_types(self) -> None:
        wanted = {"created": "CREATED", "updated": "UPDATED", "deleted": "DELETED", "created,deleted": "CREATED DELETED"}
        told = {words: self.subscribe("--event-types", words) for words in wanted}
        events = self.all_of() + self.all_of()
        for words, kinds in wanted.items():
            expected = [event for event in events if event[0] in kinds.split()]
            self.assert_told(told[words], *expected)

    def test_object_types(self) -> None:
        items, folders = self.subscribe("--object-types", "item"), self.subscribe("--object-types", "folder")
        both = self.subscribe("--object-types", "folder,item")
        sub, entry_id = self.create_folder(INBOX, "Sub")
        [item] = self.fake.create(sub)
        created = self.item("CREATED", item, "Inbox/Sub")
        self.assert_told(items, created)
        self.assertEqual(folders.events(1)[0][:3], ("CREATED", "FOLDER", entry_id))
        self.assertEqual([event[1] for event in both.events(2)], ["FOLDER", "ITEM"])

    def test_folder_types(self) -> None:
        places = {"mail": "Inbox", "contacts": "Contacts", "calendar": "Calendar", "tasks": "Tasks", "notes": "Notes"}
        told = {words: self.subscribe("--folder-types", words) for words in [*places, "calendar,notes"]}
        for _ in range(2):
            for path in places.values():
                self.fake.create(f"user1/{path}")
        for words, subscriber in told.items():
            expected = [places[kind] for kind in places if kind in words.split(",")] * 2
            self.assertEqual([event[3] for event in subscriber.events(len(expected))], expected)

    def test_a_move_is_told_of_by_each_side_alone(self) -> None:
        told = self.subscribe("--folder-types", "calendar")
        [item] = self.fake.create(INBOX)
        [moved] = self.fake.move(item, CALENDAR)
        [back] = self.fake.move(moved, INBOX)
        self.assert_told(told, self.item("CREATED", moved, "Calendar"), self.item("DELETED", moved, "Calendar"))

    def test_count(self) -> None:
        told = self.start("--count", "3")
        told.wait_for(lambda: "subscribed" in told.said, "it subscribes")
        self.fake.create(INBOX, 5)
        self.assertEqual(told.process.wait(SECONDS), 0)
        told.end()
        self.assertEqual(len(told.lines), 3)


class Outages(Subscribe):
    def test_it_goes_on_after_a_restart_and_says_so(self) -> None:
        told = self.subscribe()
        self.fake.restart()
        told.wait_for(lambda: "may be missing" in told.said, "it says that it is back")
        [item] = self.fake.create(INBOX)
        self.assert_told(told, self.item("CREATED", item, "Inbox"))
        self.assertEqual(told.end(), 0)

    def test_it_waits_for_a_server_that_is_not_there(self) -> None:
        self.fake.kill()
        told = self.start()
        told.wait_for(lambda: "retrying" in told.said, "it says that it waits")
        self.fake.start()
        told.wait_for(lambda: "subscribed" in told.said, "it subscribes")

    def test_a_stop_ends_it_at_once(self) -> None:
        for number in signal.SIGINT, signal.SIGTERM:
            told = self.subscribe()
            self.assertEqual(told.end(number), 0)
            wait_until(lambda: (self.fake.polls(), self.fake.subscriptions()) == (0, 0), "nothing is left of it")

    def test_a_burst(self) -> None:
        told = self.subscribe("--object-types", "item")
        self.fake.create(INBOX, 3000)
        events = told.events(3000)
        self.assertEqual(len({event[2] for event in events}), 3000)


class Mistakes(Subscribe):
    def test_of_the_command_line(self) -> None:
        config = str(self.directory / "tidings.yaml")
        good = ["-c", config, "--store", "user1"]
        self.assert_usage("which store?", "-c", config)
        self.assert_usage("which configuration?", "--store", "user1")
        self.assert_usage("expected one or more of item, folder", *good, "--object-types", "items")
        self.assert_usage("expected one or more of created, updated, deleted", *good, "--event-types", "created,")
        self.assert_usage("expected one or more of mail, contacts, calendar, tasks, notes", *good, "--folder-types", "")
        self.assert_usage("expected a number from 1", *good, "--count", "0")
        self.assert_usage("option `--store` needs a value", "-c", config, "--store")
        self.assert_usage("unknown option `--kind`", *good, "--kind")
        self.assert_usage("unexpected argument `Inbox`", *good, "Inbox")

    def test_of_names(self) -> None:
        config = str(self.directory / "tidings.yaml")
        self.assert_usage('no store "nobody"', "-c", config, "--store", "nobody")
        self.assert_usage('no folder "Imbox"', "-c", config, "--store", "user1", "--folder", "Imbox")

    def test_of_the_password(self) -> None:
        (self.directory / "password").write_text("wrong\n")
        self.assert_usage("logon refused", "-c", str(self.directory / "tidings.yaml"), "--store", "user1")


if __name__ == "__main__":
    unittest.main(verbosity=2)
