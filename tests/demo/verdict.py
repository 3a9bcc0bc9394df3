"""Was anything lost? The server's journal and its lists against what a consumer has: JSON lines of `tidings tail`.

Every journal entry of a followed folder needs a record of its item with that change id or a higher one, every entry about a folder
one of that folder, and what the records make (tests/mirror) must be what the server has: items, folders, users and groups. What does
not is counted, each thing once.
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


ITEM, FOLDER, USER = change.OBJECT_TYPE_ITEM, change.OBJECT_TYPE_FOLDER, change.OBJECT_TYPE_USER
GENERIC, HIDDEN = 1, ("Conversation Action Settings", "Quick Step Settings")
FOLDER_ENTRIES = range(0x2001, 0x2010)
NEVER = 0xFFFFFFFF
Thing = tuple[str, str]  # folder's key, item's key; or "folder", its key; or "user", "group", its name


@dataclass
class Server:
    """What it says of the followed stores. `since`: the journal up to there is answered by the first listing."""

    since: int
    journal: list[dict[str, Any]]
    lists: dict[str, dict[str, tuple[str, bool]]]  # folder's key -> item's key -> subject, read
    folders: dict[str, str]  # key -> name
    people: dict[str, str]  # those who came or went meanwhile: login name -> full name; "" of one who is gone

    @staticmethod
    def of(fake: Any, stores: Iterable[str], since: int, people: dict[str, str]) -> "Server":
        return Server.of_folders(fake, {key: name for store in stores for key, name in _folders_of(fake, store).items()}, since, people)

    @staticmethod
    def of_folders(fake: Any, folders: dict[str, str], since: int, people: dict[str, str]) -> "Server":
        journal = fake.do("journal", after=since)["entries"] if since < NEVER else []
        lists = {key: {item.key.hex(): (item.subject, item.read) for item in fake.listing(key)} for key in folders}
        return Server(since, journal, lists, folders, people)

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1))

    @staticmethod
    def read(path: Path) -> "Server":
        server = Server(**json.loads(path.read_text()))
        server.lists = {folder: {key: tuple(item) for key, item in items.items()} for folder, items in server.lists.items()}
        return server


def records_of(lines: Iterable[str]) -> list[Message]:
    return [record_of(json.loads(line)) for line in lines if line.strip()]


def lost(server: Server, records: list[Message]) -> set[Thing]:
    """Each thing that did not arrive as it is."""
    mirror = _mirror_of(records)
    return _unanswered(server, records) | _different_items(server, mirror) | _untold(server, records) | _different_objects(server, mirror)


def spoken(thing: Thing) -> str:
    kind, key = thing
    return f"{kind} {key}" if kind in ("folder", "user") else f"item {key} of folder {kind}"


def last_of_items(server: Server, records: list[Message]) -> dict[Thing, bytes]:
    """The last change of each item of a folder that is still there: its record's id, in the order in which they came."""
    last: dict[Thing, bytes] = {}
    for r in records:
        if isinstance(r, change.ChangeEvent) and r.origin == change.ORIGIN_ICS and r.object_type == ITEM and r.parent_source_key.hex() in server.lists:
            thing = (r.parent_source_key.hex(), r.source_key.hex())
            last.pop(thing, None)
            last[thing] = r.id
    return last


def _folders_of(fake: Any, store: str) -> dict[str, str]:
    """Key and name of those below the subtree that users see."""
    rows = [row for row in fake.do("folders", store=store)["folders"] if not row["deleted"] and row["type"] == GENERIC]
    (top,) = [row["key"] for row in rows if row.get("name") == "IPM_SUBTREE"]
    found: dict[str, str] = {}
    parents = [top]
    while parents:
        parent = parents.pop()
        below = {row["key"]: row["name"] for row in rows if row.get("parent") == parent and row["name"] not in HIDDEN}
        found |= below
        parents += below
    return found


# ---- items ----


def _unanswered(server: Server, records: list[Message]) -> set[Thing]:
    highest: dict[tuple[str, str, int], int] = defaultdict(int)
    for record in records:
        if isinstance(record, change.ChangeEvent):
            key = (record.parent_source_key.hex(), record.source_key.hex(), record.kind)
            highest[key] = max(highest[key], record.change_id)
    return {
        (entry["parent"], entry["key"])
        for entry in server.journal
        if entry["id"] > server.since and entry["kind"] in ANSWERED_BY and entry["parent"] in server.lists
        and all(highest[entry["parent"], entry["key"], kind] < entry["id"] for kind in ANSWERED_BY[entry["kind"]])
    }


def _mirror_of(records: list[Message]) -> Mirror:
    mirror = Mirror()
    for record in records:
        if isinstance(record, change.ChangeEvent):
            mirror.apply(record)
        elif isinstance(record, dead_letter.DeadLetter):
            mirror.apply_dead_letter(record)
    return mirror


def _different_items(server: Server, mirror: Mirror) -> set[Thing]:
    found = {f.hex(): {k.hex(): (e.subject, e.read) for k, e in items.items()} for f, items in mirror.folders.items()}
    return {
        (folder, key)
        for folder in server.lists.keys() | found.keys()
        for key in server.lists.get(folder, {}).keys() | found.get(folder, {}).keys()
        if server.lists.get(folder, {}).get(key) != found.get(folder, {}).get(key)
    }


# ---- folders, a user ----


def _untold(server: Server, records: list[Message]) -> set[Thing]:
    """A folder's entry is answered by a record of the folder, with its change id or a higher one."""
    highest: dict[str, int] = defaultdict(int)
    for record in records:
        if isinstance(record, change.ChangeEvent) and record.object_type == FOLDER:
            highest[record.source_key.hex()] = max(highest[record.source_key.hex()], record.change_id)
    return {("folder", entry["key"]) for entry in server.journal
            if entry["id"] > server.since and entry["kind"] in FOLDER_ENTRIES and entry["parent"] in server.lists and highest[entry["key"]] < entry["id"]}


def _different_objects(server: Server, mirror: Mirror) -> set[Thing]:
    folders = {key.hex(): known.name for key, known in mirror.objects[FOLDER].items()}
    users = {known.login_name: known.full_name for known in mirror.objects[USER].values()}
    return ({("folder", key) for key in server.folders.keys() | folders.keys() if server.folders.get(key) != folders.get(key)} |
            {("user", name) for name, full_name in server.people.items() if users.get(name, "") != full_name})
