"""The whole daemon between a fake Kopano server and a real Kafka.

A test is a DaemonTest: it has a fake server (self.fake), a daemon with a configuration and topics of its own (self.daemon,
self.topics), and ends with assert_mirror(): what a consumer has built from the records is what the server lists. When a
test fails, the daemon's log is shown.
"""

import copy
import json
import os
import shutil
import sqlite3
import sys
import tempfile
import time
import unittest
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any, Callable

from fake import FakeServer
from process import Daemon
from topics import Topics
from waiting import SECONDS, wait_until

KAFKA = os.environ.get("TIDINGS_KAFKA", "")
PASSWORD = "Geheim-7nP4x"
TOPICS = ("items", "folders", "addressbook", "lifecycle", "deadletter", "notifications")

FOLDER_FOLLOWED = 1 << 2  # of the flags in a folder's entry (bridge/kopano/map.h)

Listing = dict[bytes, tuple[int, str, bool, bool]]


def merge(into: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Maps are merged, other values replaced; None removes a key."""
    for key, value in changes.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value
    return into


def differences(expected: Listing, found: Listing) -> list[str]:
    keys = sorted(expected.keys() | found.keys())
    return [f"{k.hex()}: server {expected.get(k)}, mirror {found.get(k)}" for k in keys if expected.get(k) != found.get(k)]


class DaemonTest(unittest.TestCase):
    """Configuration by class attributes; change self.config and call write_config() for one test."""

    bootstrap = KAFKA
    user = "user1"
    partitions = 1
    follow: dict[str, Any] = {"mode": "folders", "stores": ["user1"], "folders": ["Inbox"]}
    snapshot = "all"
    notifications = os.environ.get("TIDINGS_NOTIFICATIONS", "off")  # with them, few tests would wait for a poll

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="tidings-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.addCleanup(self._show_log)
        self.fake = FakeServer(self.directory)
        self.addCleanup(self.fake.kill)
        self.fake.start(*self.fake_arguments())
        for user in ("user1", "user2", "admin1"):
            self.fake.set_password(user, PASSWORD)
        self.make_topics()
        self.write_config()
        self.daemon = Daemon(self.directory / "tidings.yaml", self.directory / "tidings.log")
        self.addCleanup(self.daemon.kill)

    def fake_arguments(self) -> list[str]:
        return []

    def make_topics(self) -> None:
        prefix = f"t-{uuid.uuid4().hex[:12]}"
        self.topic_names = {kind: f"{prefix}.{kind}" for kind in TOPICS}
        self.topics = Topics(self.bootstrap, {k: self.topic_names[k] for k in ("items", "lifecycle", "deadletter")}, self.partitions)
        self.addCleanup(lambda: self.topics.close())

    def default_config(self) -> dict[str, Any]:
        password_file = self.directory / "password"
        password_file.write_text(PASSWORD + "\n")
        password_file.chmod(0o600)
        return {
            "source": {
                "kopano": {
                    "url": self.fake.url,
                    "user": self.user,
                    "password_file": str(password_file),
                    "poll_interval_ms": 20,
                }
            },
            "follow": copy.deepcopy(self.follow),
            "snapshot": self.snapshot,
            "notifications": self.notifications,
            "sink": {
                "kafka": {
                    "topics": self.topic_names,
                    "partitions": self.partitions,
                    "librdkafka": {"bootstrap.servers": self.bootstrap},
                }
            },
            "state": {"path": str(self.directory / "state.db")},
        }

    def write_config(self, **changes: Any) -> None:
        """YAML takes JSON as it is."""
        self.config = merge(self.default_config(), changes)
        (self.directory / "tidings.yaml").write_text(json.dumps(self.config, indent=1))

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        n_before = len(result.failures) + len(result.errors)
        self.has_failed = lambda: len(result.failures) + len(result.errors) > n_before
        return super().run(result)

    # ---- the daemon ----

    def start(self, **how: Any) -> None:
        self.daemon.start(**how)

    def restart(self) -> None:
        self.assertEqual(self.daemon.stop(), 0)
        self.start()

    def kill_and_start(self) -> None:
        self.daemon.kill()
        self.start()

    # ---- the mirror ----

    def followed(self) -> list[tuple[str, str]]:
        return [(store, folder) for store in self.config["follow"]["stores"] for folder in self.config["follow"]["folders"]]

    def server_lists(self) -> dict[bytes, Listing]:
        """Of every followed folder, what a client of the server sees."""
        associated = self.config["follow"].get("associated", False)
        lists = {}
        for store, path in self.followed():
            folder = self.fake.folder(store, path)
            lists[folder.key] = {
                item.key: (item.number, item.subject, item.read, item.associated)
                for item in self.fake.listing(folder)
                if associated or not item.associated
            }
        return lists

    def mirror_lists(self) -> dict[bytes, Listing]:
        return {
            folder: {key: (e.item_number, e.subject, e.read, e.associated) for key, e in items.items()}
            for folder, items in self.topics.mirror.folders.items()
        }

    def mirror_differences(self, but: set[bytes] = frozenset()) -> list[str]:
        """`but`: items with a dead letter, which the mirror cannot know."""
        server, mirror = self.server_lists(), self.mirror_lists()
        found = []
        for folder in server.keys() | mirror.keys():
            lists = [{k: v for k, v in side.get(folder, {}).items() if k not in but} for side in (server, mirror)]
            found += differences(*lists)
        return found

    def wait_for_mirror(self, but: set[bytes] = frozenset(), seconds: float = SECONDS) -> None:
        """The server must be at rest."""

        def explain() -> str:
            found = self.mirror_differences(but)
            return "\n".join([f"the mirror equals the server, but for {len(found)} items", *found[:20]])

        deadline = time.monotonic() + seconds
        while self.mirror_differences(but):
            if time.monotonic() > deadline:
                raise AssertionError(explain())
            while self.topics.pump(0.05) and time.monotonic() < deadline:
                pass

    def assert_mirror(self, but: set[bytes] = frozenset(), seconds: float = SECONDS) -> None:
        """The end of a test: the mirror equals the server's lists, and still does after everything was sent and said."""
        self.wait_for_mirror(but, seconds)
        if self.daemon.running():
            self.assertEqual(self.daemon.stop(), 0)
        self.topics.read_to_end()
        self.assertEqual(self.mirror_differences(but)[:20], [])
        self.assertEqual(self.topics.mirror.finish()[:20], [])
        self.assertNotIn(PASSWORD, self.daemon.log_file.read_text(errors="replace"))

    # ---- the state ----

    def state_entries(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """What is committed. The daemon may be running."""
        path = self.config["state"]["path"]
        if not Path(path).exists():
            return []
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
            rows = db.execute("SELECT key, value FROM entry ORDER BY key").fetchall()
        return [(key, value) for key, value in rows if key.startswith(prefix)]

    def has_position(self) -> bool:
        return bool(self.state_entries(b"position/contents/"))

    def is_listed(self) -> bool:
        """Every folder that is followed, as far as the state says."""
        entries = [value for _, value in self.state_entries(b"folder/")]
        followed = [value for value in entries if value[1] & FOLDER_FOLLOWED]
        return bool(followed) and all(value[4] for value in followed)

    def has_offsets_of_items(self) -> bool:
        """In Kafka."""
        return any(self.topic_names["items"].encode() in key for key, _ in self.state_entries(b"offsets/"))

    # ---- waiting ----

    def wait_for_records(self, condition: Callable[[Topics], object], what: str, seconds: float = SECONDS) -> None:
        self.topics.wait_until(lambda: condition(self.topics), what, seconds)

    def wait_for_equal(self, value: Callable[[], Any], expected: Any, what: str) -> None:
        """Of what is read meanwhile, or of the state, which is committed after the records were acknowledged."""
        self.topics.wait_until(lambda: value() == expected, lambda: f"{what}: {value()} is not {expected}")

    def wait_for(self, condition: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
        wait_until(condition, what, seconds)

    def _show_log(self) -> None:
        log = self.directory / "tidings.log"
        if self.has_failed() and log.exists():
            print(f"--- the daemon's log of {self.id()}:\n{log.read_text(errors='replace')[-4000:]}\n---", file=sys.stderr)


def main() -> None:
    if not KAFKA:
        print("skipped: no Kafka")
        sys.exit(0)
    unittest.main(verbosity=2)
