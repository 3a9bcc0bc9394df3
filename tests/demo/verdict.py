"""Was anything lost? The server's journal and its lists against what a consumer has: JSON lines of `tidings tail`.

Every journal entry of a followed folder needs a record of its item with that change id or a higher one, and what the records make
(tests/mirror) must be what the server lists. What does not is counted by item.
"""

import json
import sys
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Iterable

from google.protobuf.message import Message

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "mirror"))

from from_json import record_of  # noqa: E402
from mirror import Mirror  # noqa: E402
from records import change, dead_letter  # noqa: E402

UPSERTS = {change.KIND_CREATED, change.KIND_UPDATED}
NEW, CHANGE, FLAG, SOFT_DELETE, HARD_DELETE = range(0x1001, 0x1006)
ANSWERED_BY = {
    NEW: UPSERTS | {change.KIND_DELETED},
    CHANGE: UPSERTS | {change.KIND_DELETED},
    FLAG: UPSERTS | {change.KIND_DELETED, change.KIND_READ_STATE},
    SOFT_DELETE: {change.KIND_DELETED},
    HARD_DELETE: {change.KIND_DELETED},
}


@dataclass
class Server:
    """What it says of the followed folders. `since`: the journal up to there is answered by the first listing."""

    since: int
    journal: list[dict[str, Any]]
    lists: dict[str, dict[str, tuple[str, bool]]]  # folder's key -> item's key -> subject, read

    @staticmethod
    def of(fake: Any, folders: Iterable[str], since: int) -> "Server":
        keys = [fake.folder(*folder.split("/", 1)).key.hex() for folder in folders]
        journal = [entry for key in keys for entry in fake.do("journal", folder=key)["entries"]]
        lists = {key: {item.key.hex(): (item.subject, item.read) for item in fake.listing(key)} for key in keys}
        return Server(since, journal, lists)

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1))

    @staticmethod
    def read(path: Path) -> "Server":
        server = Server(**json.loads(path.read_text()))
        server.lists = {folder: {key: tuple(item) for key, item in items.items()} for folder, items in server.lists.items()}
        return server


def records_of(lines: Iterable[str]) -> list[Message]:
    return [record_of(json.loads(line)) for line in lines if line.strip()]


def lost(server: Server, records: list[Message]) -> set[tuple[str, str]]:
    """Folder and item of each that did not arrive as it is."""
    return _unanswered(server, records) | _different(server, records)


def _unanswered(server: Server, records: list[Message]) -> set[tuple[str, str]]:
    highest: dict[tuple[str, str, int], int] = defaultdict(int)
    for record in records:
        if isinstance(record, change.ChangeEvent):
            key = (record.parent_source_key.hex(), record.source_key.hex(), record.kind)
            highest[key] = max(highest[key], record.change_id)
    return {
        (entry["parent"], entry["key"])
        for entry in server.journal
        if entry["id"] > server.since and entry["kind"] in ANSWERED_BY
        and all(highest[entry["parent"], entry["key"], kind] < entry["id"] for kind in ANSWERED_BY[entry["kind"]])
    }


def _different(server: Server, records: list[Message]) -> set[tuple[str, str]]:
    mirror = Mirror()
    for record in records:
        if isinstance(record, change.ChangeEvent):
            mirror.apply(record)
        elif isinstance(record, dead_letter.DeadLetter):
            mirror.apply_dead_letter(record)
    found = {f.hex(): {k.hex(): (e.subject, e.read) for k, e in items.items()} for f, items in mirror.folders.items()}
    return {
        (folder, key)
        for folder in server.lists.keys() | found.keys()
        for key in server.lists.get(folder, {}).keys() | found.get(folder, {}).keys()
        if server.lists.get(folder, {}).get(key) != found.get(folder, {}).get(key)
    }
