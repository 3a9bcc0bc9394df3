#!/usr/bin/python3
"""Every row of the folder table, Tidings beside python-kopano.

python-kopano writes each row (rows.py) into two fresh folders A and B. The daemon follows both into Kafka, and
python-kopano's folder.sync is asked for the same interval. Each row is played twice: "live", the daemon follows while
the row is written; "stopped", it is started after the row was written, and so has to collapse as folder.sync does.

An interval is closed by a sentinel, an item of each folder that is given a new subject: when its record has come, all
before it were there. Verdicts: ok; ok with numbers (expected differences, explained below the table); FAIL. At the end
the mirror must equal the listing. Exit code 1 if anything failed.
"""

import argparse
import json
import sys
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Dict, List, Optional, Set, Tuple

import groupware
import mirror_check
import place
from daemon import Daemon
from rows import ASSOCIATED_ROWS, ROWS, Row, Stage
from topic import Tail, change

NEW, ASSOCIATED = 0x800, 0x10
UPSERTS = ("CREATED", "UPDATED")
WIDTHS = (37, 48, 64)
SHOWN = 8  # lines of one row

EXPLANATIONS = {
    1: "order: folder.sync delivers updates, soft deletes, hard deletes, read flags; Tidings ascending change ids",
    2: "Tidings, which follows more closely, saw the item in between: folded by the exporter's rules it is the same",
    3: "a snapshot is enclosed in BEGIN and END",
}


@dataclass(frozen=True)
class Seen:
    """One callback of folder.sync, or one record."""

    folder: str
    key: bytes
    kind: str  # CREATED, UPDATED, READ_STATE, SOFT, HARD, BEGIN, END
    subject: str = ""
    read: Optional[bool] = None
    number: int = 0
    associated: bool = False
    change_id: int = 0

    def what(self) -> Tuple[Any, ...]:
        """What both sides know."""
        return (self.kind, self.subject, self.read, self.number, self.associated)

    def show(self) -> str:
        key = int.from_bytes(self.key[16:20], "little")
        parts = [self.folder, self.kind, f"#{key:x}" if key else "", f"'{self.subject}'" if self.subject else ""]
        parts += ["" if self.read is None else "read" if self.read else "unread", "FAI" if self.associated else ""]
        parts += [f"no {self.number}" if self.number else "", f"@{self.change_id}" if self.change_id else ""]
        return " ".join(part for part in parts if part)


# --- python-kopano's side -------------------------------------------------------


@dataclass
class Importer:
    """Takes the callbacks of folder.sync."""

    folder: str
    seen: List[Seen] = field(default_factory=list)

    def update(self, item: Any, flags: int) -> None:
        self.seen.append(Seen(self.folder, groupware.key_of(item), "CREATED" if flags & NEW else "UPDATED",
                              item.subject, item.read, item.docid, bool(flags & ASSOCIATED)))

    def delete(self, item: Any, flags: int) -> None:
        self.seen.append(Seen(self.folder, groupware.key_of(item), "SOFT" if flags & 1 else "HARD"))

    def read(self, item: Any, state: bool) -> None:
        self.seen.append(Seen(self.folder, groupware.key_of(item), "READ_STATE", "", state))


class Reference:
    """folder.sync of both folders, from where it was left."""

    def __init__(self, folders: Dict[str, Any], associated: bool) -> None:
        self.folders = folders
        self.associated = associated
        self.states = {name: None for name in folders}

    def sync(self) -> List[Seen]:
        seen: List[Seen] = []
        for name, folder in self.folders.items():
            importer = Importer(name)
            self.states[name] = folder.sync(importer, self.states[name], associated=self.associated)
            seen += importer.seen
        return seen


# --- Tidings' side --------------------------------------------------------------

DELETIONS = {change.DELETION_TYPE_SOFT: "SOFT", change.DELETION_TYPE_HARD: "HARD"}
KINDS = {change.KIND_CREATED: "CREATED", change.KIND_UPDATED: "UPDATED", change.KIND_READ_STATE: "READ_STATE",
         change.KIND_SNAPSHOT_BEGIN: "BEGIN", change.KIND_SNAPSHOT_END: "END"}


def seen_of(event: Any, names: Dict[bytes, str]) -> Seen:
    kind = DELETIONS[event.deletion.type] if event.kind == change.KIND_DELETED else KINDS[event.kind]
    read = event.item.read if event.HasField("item") else None
    if event.HasField("read_state"):
        read = event.read_state.read
    return Seen(names.get(event.parent_source_key, "?"), event.source_key, kind, event.item.subject, read,
                event.item_number, event.associated, event.change_id)


# --- one play: two folders, a daemon, both sides ----------------------------------


class Play:
    def __init__(self, where: place.Place, other_user: str, associated: bool) -> None:
        self.place = where
        self.store = groupware.open_store(where)
        self.daemon = Daemon(where, [], associated=associated)
        folders = {name: groupware.new_folder(self.store, f"{self.daemon.prefix} {name}") for name in "AB"}
        self.daemon.configure([folder.name for folder in folders.values()], associated=associated)
        self.stage = Stage(self.store, folders["A"], folders["B"], self.store.server.user(other_user))
        self.folders, self.associated = folders, associated
        self.names = {groupware.key_of(folder): name for name, folder in folders.items()}
        self.reference = Reference(folders, associated)
        self.sentinels: Dict[str, bytes] = {}
        self.sentinel_keys: Set[bytes] = set()
        self.n_sentinels = 0
        self.tail: Optional[Tail] = None

    def sentinel(self, name: str) -> Any:
        """The item that closes an interval; a new one if a row has removed it."""
        folder = self.folders[name]
        if self.sentinels.get(name) not in groupware.entry_ids(folder):
            self.sentinels[name] = groupware.create(folder, "sentinel")
        item = groupware.item(folder, self.sentinels[name])
        self.sentinel_keys.add(groupware.key_of(item))
        return item

    def open(self) -> List[Seen]:
        self.daemon.start()
        self.tail = Tail(self.place.kafka, self.daemon.topic("items"), self.daemon.check)
        return self.records()

    def records(self) -> List[Seen]:
        """Everything up to new sentinels."""
        assert self.tail
        self.n_sentinels += 1
        subject = f"sentinel {self.n_sentinels}"
        wanted = {}
        for name in self.folders:
            item = self.sentinel(name)
            item.subject = subject
            wanted[f"{subject} in {name}"] = lambda event, key=groupware.key_of(item): (
                event.source_key == key and event.item.subject == subject)
        return self.without_sentinels([seen_of(event, self.names) for event in self.tail.until_all(wanted)])

    def without_sentinels(self, seen: List[Seen]) -> List[Seen]:
        return [one for one in seen if one.key not in self.sentinel_keys or one.kind in ("SOFT", "HARD")]

    def play(self, row: Row, stopped: bool) -> "Result":
        """Prepares the row and lets both sides forget that, then acts."""
        row.prepare(self.stage)
        self.reference.sync()
        self.records()
        result = Result(row.name, "stopped" if stopped else "live")
        for step in row.steps:
            if stopped:
                self.daemon.stop()
            step(self.stage)
            result.callbacks += self.without_sentinels(self.reference.sync())
            if stopped:
                self.daemon.start()
            result.records += self.records()
            result.close_step()
        return result

    def initial(self) -> "Result":
        """The first sync against the snapshot."""
        result = Result("initial", "live")
        self.stage.put("first")
        self.stage.put("second", read=True)
        groupware.create(self.folders["B"], "third")
        self.sentinel("A"), self.sentinel("B")
        result.callbacks = self.without_sentinels(self.reference.sync())
        result.records = self.open()
        result.close_step()
        return result

    def finish(self) -> bool:
        """The mirror against the listing."""
        assert self.tail
        self.daemon.stop()
        return mirror_check.report(self.tail.mirror, list(self.folders.values()), self.associated)

    def __enter__(self) -> "Play":
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """After an error the daemon's directory stays, to be looked at."""
        if self.daemon.is_running():
            self.daemon.kill()
        if self.tail:
            self.tail.close()
        groupware.remove_folders(self.store, self.folders.values())
        if kind is None:
            self.daemon.remove()


# --- the comparison ---------------------------------------------------------------


def fold(seen: List[Seen]) -> Dict[Tuple[str, bytes], Tuple[Any, ...]]:
    """Several changes of an item become one, as the official exporter does it."""
    folded: Dict[Tuple[str, bytes], Tuple[Any, ...]] = {}
    for one in seen:
        before = folded.get((one.folder, one.key))
        what = one.what()
        if before and before[0] in UPSERTS and one.kind == "READ_STATE":
            what = (before[0], before[1], one.read, *before[3:])
        elif before and before[0] == "CREATED" and one.kind == "UPDATED":
            what = ("CREATED", *what[1:])
        elif before and before[0] in ("SOFT", "HARD") and one.kind == "READ_STATE":
            what = before
        folded[one.folder, one.key] = what
    return folded


@dataclass
class Result:
    """A row played once. Steps are compared one by one."""

    name: str
    mode: str
    callbacks: List[Seen] = field(default_factory=list)
    records: List[Seen] = field(default_factory=list)
    explained: Set[int] = field(default_factory=set)
    failures: List[str] = field(default_factory=list)
    done: Tuple[int, int] = (0, 0)

    def close_step(self) -> None:
        callbacks, records = self.callbacks[self.done[0]:], self.records[self.done[1]:]
        self.done = len(self.callbacks), len(self.records)
        rows = [one for one in records if one.kind not in ("BEGIN", "END")]
        if len(rows) < len(records):
            self.explained.add(3)
        if fold(rows) != fold(callbacks):
            self.failures.append(f"folded: Tidings {fold(rows)}, folder.sync {fold(callbacks)}")
        if len(rows) > len(fold(rows)):
            self.explained.add(2)
            if self.mode == "stopped":
                self.failures.append("not collapsed")
        for name in "AB":
            self.compare_order([one for one in callbacks if one.folder == name],
                               [one for one in rows if one.folder == name])

    def compare_order(self, callbacks: List[Seen], records: List[Seen]) -> None:
        if [one.key for one in callbacks] != list(dict.fromkeys(one.key for one in records)):
            self.explained.add(1)
        ids = [one.change_id for one in records]
        if ids != sorted(ids) and 3 not in self.explained:
            self.failures.append(f"change ids do not ascend: {ids}")

    def verdict(self) -> str:
        if self.failures:
            return "FAIL"
        return " ".join(["ok", *(f"({n})" for n in sorted(self.explained))])

    def show(self) -> str:
        lines = []
        left = [f"{self.name} [{self.mode}]"]
        for name, callback, record in zip_longest(left, self.callbacks or ["-"], self.records or ["-"]):
            cells = [name or ""] + [one if isinstance(one, str) else one.show() if one else ""
                                    for one in (callback, record)]
            lines.append(" ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS)))
        lines[0] += " " + self.verdict()
        if len(lines) > SHOWN:
            lines[SHOWN - 1:] = [f"    ... {len(lines) - SHOWN + 1} more lines of this kind"]
        return "\n".join([*lines, *(f"    {failure}" for failure in self.failures)])


# --- command line -----------------------------------------------------------------


def play_all(play: Play, rows: List[Row], modes: List[str]) -> List[Result]:
    results = [play.initial()]
    print(results[0].show(), flush=True)
    for row in rows:
        for mode in modes:
            results.append(play.play(row, mode == "stopped"))
            print(results[-1].show(), flush=True)
    return results


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    place.add_all(parser)
    place.add_option(parser, "--other-user", "TIDINGS_KOPANO_OTHER_USER", "somebody to give a permission to")
    parser.add_argument("--row", action="append", help="only rows whose name holds this")
    parser.add_argument("--mode", action="append", choices=("live", "stopped"), help="default: both")
    parser.add_argument("--json", metavar="FILE", help="write the results there too")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    modes = options.mode or ["live", "stopped"]
    print(" ".join(text.ljust(width) for text, width in zip(("row [mode]", "folder.sync", "Tidings"), WIDTHS)), "verdict")
    results, good = [], True
    for associated, rows in ((False, ROWS), (True, ASSOCIATED_ROWS)):
        rows = [row for row in rows if not options.row or any(name in row.name for name in options.row)]
        if rows:
            with Play(place.place_of(options), options.other_user, associated) as play:
                results += play_all(play, rows, modes)
                good = play.finish() and good
    print("".join(f"({n}) {text}\n" for n, text in EXPLANATIONS.items()), end="")
    n_failed = sum(bool(result.failures) for result in results)
    print(f"{len(results)} rows played, {n_failed} failed")
    if options.json:
        text = [{"row": r.name, "mode": r.mode, "verdict": r.verdict(), "folder_sync": [s.show() for s in r.callbacks],
                 "tidings": [s.show() for s in r.records], "failures": r.failures} for r in results]
        with open(options.json, "w") as file:
            json.dump({"rows": text, "explanations": EXPLANATIONS}, file, indent=1)
    return 0 if good and not n_failed else 1


if __name__ == "__main__":
    sys.exit(main())
