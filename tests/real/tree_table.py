#!/usr/bin/python3
"""Every row of the hierarchy table, Tidings beside python-kopano.

python-kopano writes each row below a fresh folder and is asked for the same interval by folder.sync_hierarchy. The
daemon follows all that is below that folder into Kafka. Each row is played "live" and "stopped" (folder_table.py).

An interval is closed by a sentinel, a folder that is given a new name; so there is one partition. Verdicts: ok; ok with numbers (expected
differences, explained below the table); FAIL. At the end the folders that a consumer knows must be those that the server
lists. Exit code 1 if anything failed.
"""

import argparse
import json
import sys
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Callable, Dict, List, Optional, Set

import groupware
import place
from daemon import Daemon
from topic import Tail, change

WIDTHS = (37, 40, 60)
FOLDER = change.OBJECT_TYPE_FOLDER

EXPLANATIONS = {
    1: "an ancestor was renamed or moved: Tidings tells of every folder below, whose path is another one now",
    2: "of a deleted tree python-kopano names the top folder, Tidings every folder",
    3: "Tidings saw the folder in between",
}


@dataclass(frozen=True)
class Seen:
    """One callback of sync_hierarchy, or one record."""

    key: bytes
    kind: str  # UPDATE, CREATED, UPDATED, DELETE; SOFT, HARD
    name: str = ""

    def show(self) -> str:
        return f"{self.kind} #{int.from_bytes(self.key[16:20], 'little'):x} {self.name}".rstrip()

    def is_delete(self) -> bool:
        return self.kind in ("SOFT", "HARD")


# --- python-kopano's side -------------------------------------------------------


@dataclass
class Importer:
    seen: List[Seen] = field(default_factory=list)

    def update(self, folder: Any) -> None:
        self.seen.append(Seen(groupware.key_of(folder), "UPDATE", folder.name))

    def delete(self, folder: Any, flags: int) -> None:
        self.seen.append(Seen(groupware.key_of(folder), "SOFT" if flags & 1 else "HARD"))


# --- rows -----------------------------------------------------------------------


@dataclass
class Stage:
    """Below `top`: A, in it B, in it C; and D. Made anew for each row."""

    top: Any
    outside: Any
    store: Any
    other_user: Any
    folders: Dict[str, Any] = field(default_factory=dict)

    def build(self) -> None:
        a = self.top.create_folder("A")
        b = a.create_folder("B")
        self.folders = {"A": a, "B": b, "C": b.create_folder("C"), "D": self.top.create_folder("D")}

    def clear(self) -> None:
        for folder in list(self.top.folders(recurse=False)):
            if not folder.name.startswith("sentinel"):
                self.top.delete(folder)
        for folder in list(self.outside.folders(recurse=False)):
            self.outside.delete(folder)


Act = Callable[[Stage], None]


def rename(name: str) -> Act:
    def act(stage: Stage) -> None:
        stage.folders[name].name = f"{name}, renamed"

    return act


def move(name: str, target: str) -> Act:
    def act(stage: Stage) -> None:
        to = stage.outside if target == "outside" else stage.top if target == "top" else stage.folders[target]
        stage.folders[name].parent.move(stage.folders[name], to)

    return act


def create(stage: Stage) -> None:
    stage.folders["A"].create_folder("new")


def create_class(stage: Stage) -> None:
    stage.folders["D"].container_class = "IPF.Appointment"


def create_tree(stage: Stage) -> None:
    stage.top.create_folder("X").create_folder("Y").create_folder("Z")


def create_and_delete(stage: Stage) -> None:
    stage.top.delete(stage.top.create_folder("brief"))


def delete(name: str, soft: bool) -> Act:
    def act(stage: Stage) -> None:
        stage.folders[name].parent.delete(stage.folders[name], soft=soft)

    return act


def restore(stage: Stage) -> None:
    deleted = next(f for f in stage.top.deleted.folders() if f.name == "A")
    stage.top.deleted.move(deleted, stage.top)


def purge(stage: Stage) -> None:
    deleted = next(f for f in stage.top.deleted.folders() if f.name == "A")
    stage.top.deleted.delete(deleted, soft=False)


def items(stage: Stage) -> None:
    entry_id = groupware.create(stage.folders["A"], "an item")
    groupware.item(stage.folders["A"], entry_id).subject = "changed"
    groupware.item(stage.folders["A"], entry_id).read = True
    stage.folders["A"].delete(groupware.item(stage.folders["A"], entry_id))


def permissions(stage: Stage) -> None:
    stage.folders["D"].permission(stage.other_user, create=True).rights = ["folder_visible", "read_items"]


@dataclass(frozen=True)
class Row:
    name: str
    steps: List[Act]


ROWS = [
    Row("create", [create]),
    Row("create a tree", [create_tree]),
    Row("create + delete", [create_and_delete]),
    Row("rename", [rename("D")]),
    Row("rename an ancestor", [rename("A")]),
    Row("class change", [create_class]),
    Row("move", [move("D", "A")]),
    Row("move with what is below", [move("B", "D")]),
    Row("move + move back", [lambda s: (move("B", "D")(s), move("B", "A")(s))]),
    Row("move out; rename there; move back", [move("A", "outside"), rename("B"), move("A", "top")]),
    Row("soft delete", [delete("D", True)]),
    Row("hard delete", [delete("D", False)]),
    Row("soft delete of a tree", [delete("A", True)]),
    Row("hard delete of a tree", [delete("A", False)]),
    Row("soft delete; restore", [delete("A", True), restore]),
    Row("soft delete; purge", [delete("A", True), purge]),
    Row("rename + delete", [lambda s: (rename("A")(s), delete("A", True)(s))]),
    Row("items change", [items]),
    Row("permissions", [permissions]),
]


# --- one play -------------------------------------------------------------------


class Play:
    def __init__(self, where: place.Place, options: argparse.Namespace) -> None:
        self.place = where
        self.store = groupware.open_store(where)
        self.daemon = Daemon(where, [])
        self.root = groupware.new_folder(self.store, self.daemon.prefix)
        follow = {"mode": "stores", "stores": [where.user], "folders": [f"{self.daemon.prefix}/top/**"],
                  "objects": ["items", "folders"]}
        self.daemon.configure([], partitions=1, follow=follow, login=options.login, login_password_file=options.login_password_file)
        top = self.root.create_folder("top")
        self.stage = Stage(top, self.root.create_folder("outside"), self.store, self.store.server.user(options.other_user))
        self.sentinel = top.create_folder("sentinel 0")
        self.n_sentinels = 0
        self.state: Optional[str] = None
        self.known: Dict[bytes, str] = {}  # what a consumer knows
        self.tail: Optional[Tail] = None

    def start(self) -> None:
        self.daemon.start()
        self.tail = self.tail or Tail(self.place.kafka, self.daemon.topic("folders"), self.daemon.check)

    def records(self) -> List[Seen]:
        assert self.tail
        self.n_sentinels += 1
        name = f"sentinel {self.n_sentinels}"
        self.sentinel.name = name
        key = groupware.key_of(self.sentinel)
        events = self.tail.until(lambda e: e.source_key == key and e.folder_properties.name == name, name)
        return [self.take(e) for e in events if e.source_key != key]

    def take(self, event: Any) -> Seen:
        if event.kind == change.KIND_DELETED:
            self.known.pop(event.source_key, None)
            kind = "SOFT" if event.deletion.type == change.DELETION_TYPE_SOFT else "HARD"
            return Seen(event.source_key, kind)
        self.known[event.source_key] = event.folder_properties.path
        kind = "CREATED" if event.kind == change.KIND_CREATED else "UPDATED"
        return Seen(event.source_key, kind, event.folder_properties.name)

    def callbacks(self) -> List[Seen]:
        importer = Importer()
        self.state = self.stage.top.sync_hierarchy(importer, self.state)
        return [one for one in importer.seen if not one.name.startswith("sentinel")]

    def tree(self) -> Dict[bytes, str]:
        """Key and path of all that is there."""
        return {groupware.key_of(f): f.path for f in self.stage.top.folders() if not f.name.startswith("sentinel")}

    def play(self, row: Row, stopped: bool) -> "Result":
        self.stage.build()
        self.records(), self.callbacks()
        result = Result(row.name, "stopped" if stopped else "live")
        for step in row.steps:
            before = self.tree()
            if stopped:
                self.daemon.stop()
            step(self.stage)
            callbacks = self.callbacks()
            if stopped:
                self.start()
            result.compare(callbacks, self.records(), before, self.tree(), self.known)
        self.stage.clear()
        self.records(), self.callbacks()
        return result

    def __enter__(self) -> "Play":
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if self.daemon.is_running():
            self.daemon.kill() if kind else self.daemon.stop()
        if self.tail:
            self.tail.close()
        groupware.remove_folders(self.store, [self.root])
        if kind is None:
            self.daemon.remove()


# --- the comparison -------------------------------------------------------------


def below(paths: Dict[bytes, str], tops: Set[bytes]) -> Set[bytes]:
    """Keys of the folders below these, at any depth."""
    prefixes = tuple(paths[top] + "/" for top in tops if top in paths)
    return {key for key, path in paths.items() if prefixes and path.startswith(prefixes)}


@dataclass
class Result:
    name: str
    mode: str
    callbacks: List[Seen] = field(default_factory=list)
    records: List[Seen] = field(default_factory=list)
    explained: Set[int] = field(default_factory=set)
    failures: List[str] = field(default_factory=list)

    def compare(self, callbacks: List[Seen], records: List[Seen], before: Dict[bytes, str], after: Dict[bytes, str],
                known: Dict[bytes, str]) -> None:
        self.callbacks += callbacks
        self.records += records
        updates = {one.key for one in callbacks if not one.is_delete()}
        deletes = {one.key for one in callbacks if one.is_delete()}
        last = {one.key: one for one in records}
        self.check("updated", updates & after.keys(), {k for k in last if not last[k].is_delete()}, below(after, updates), 1)
        gone = deletes | (updates - after.keys())  # moved to where it is not followed
        self.check("deleted", gone & before.keys(), {k for k in last if last[k].is_delete()}, below(before, gone), 2)
        if len(records) > len(last):
            self.explained.add(3)
        if known.keys() != after.keys():
            self.failures.append(f"a consumer knows {sorted(known.values())}, the server has {sorted(after.values())}")
        wrong = [path for key, path in known.items() if key in after and not path.endswith(after[key].split("/top/", 1)[1])]
        if wrong:
            self.failures.append(f"paths are not those of the server: {wrong}")

    def check(self, what: str, wanted: Set[bytes], found: Set[bytes], may_be: Set[bytes], number: int) -> None:
        if wanted - found:
            self.failures.append(f"not {what}: {[key.hex() for key in wanted - found]}")
        extra = found - wanted
        if what == "updated" and extra & may_be:
            self.explained.add(number)
        if what == "deleted" and extra:
            self.explained.add(3 if extra - may_be else number)
            return
        if extra - may_be:
            self.failures.append(f"{what} without a callback: {[key.hex() for key in extra - may_be]}")

    def verdict(self) -> str:
        return "FAIL" if self.failures else " ".join(["ok", *(f"({n})" for n in sorted(self.explained))])

    def show(self) -> str:
        lines = []
        left = [f"{self.name} [{self.mode}]"]
        for name, callback, record in zip_longest(left, self.callbacks or ["-"], self.records or ["-"]):
            cells = [name or ""] + [one if isinstance(one, str) else one.show() if one else "" for one in (callback, record)]
            lines.append(" ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS)))
        lines[0] += " " + self.verdict()
        return "\n".join([*lines, *(f"    {failure}" for failure in self.failures)])


# --- command line -----------------------------------------------------------------


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    place.add_all(parser)
    place.add_option(parser, "--other-user", "TIDINGS_KOPANO_OTHER_USER", "somebody to give a permission to")
    parser.add_argument("--login", help="as whom the daemon logs on; default: the user")
    parser.add_argument("--login-password-file", help="of that one")
    parser.add_argument("--row", action="append", help="only rows whose name holds this")
    parser.add_argument("--mode", action="append", choices=("live", "stopped"), help="default: both")
    parser.add_argument("--json", metavar="FILE", help="write the results there too")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    rows = [row for row in ROWS if not options.row or any(name in row.name for name in options.row)]
    results = []
    print(" ".join(t.ljust(w) for t, w in zip(("row [mode]", "sync_hierarchy", "Tidings"), WIDTHS)), "verdict")
    with Play(place.place_of(options), options) as play:
        play.start()
        play.records(), play.callbacks()
        for row in rows:
            for mode in options.mode or ["live", "stopped"]:
                results.append(play.play(row, mode == "stopped"))
                print(results[-1].show(), flush=True)
    print("".join(f"({n}) {text}\n" for n, text in EXPLANATIONS.items()), end="")
    n_failed = sum(bool(result.failures) for result in results)
    print(f"{len(results)} rows played, {n_failed} failed")
    if options.json:
        text = [{"row": r.name, "mode": r.mode, "verdict": r.verdict(), "sync_hierarchy": [s.show() for s in r.callbacks],
                 "tidings": [s.show() for s in r.records], "failures": r.failures} for r in results]
        with open(options.json, "w") as file:
            json.dump({"rows": text, "explanations": EXPLANATIONS}, file, indent=1)
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
