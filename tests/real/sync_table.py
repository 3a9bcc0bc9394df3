#!/usr/bin/python3
"""`tidings sync` beside python-kopano's folder.sync, each from the other's states.

Each row (rows.py) is written into two fresh folders. After every step both sides are asked for what changed since the
same state, once since the one that python-kopano printed and once since the one that Tidings printed; then they swap:
python-kopano goes on from Tidings' new state and Tidings from python-kopano's. Both must name the same items with the
same changes (Tidings in ascending change ids, folder.sync by kind). Then: the first sync, a sync that was interrupted
(max_changes, the long form of the state), states of other folders, states that are none. Then the folders of the store
(--hierarchy, folder.sync_hierarchy), and with --login, a system administrator, the rows once more with --server and
server.sync; what others do meanwhile is asked for again, so a busy server shows up as FAIL. Exit code 1 if anything differs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

import groupware
import place
from daemon import configuration
from rows import ASSOCIATED_ROWS, ROWS, Row, Stage

NEW, ASSOCIATED = 0x800, 0x10
SECONDS = 60
ITEMS = 7
TRIES = 5  # until both sides were asked with nothing in between

Seen = Tuple[Any, ...]  # kind, source key, subject, read, item number, associated
Answer = Tuple[List[Seen], str]  # what changed, the new state


class Importer:
    """Takes the callbacks of folder.sync."""

    def __init__(self) -> None:
        self.seen: List[Seen] = []

    def update(self, item: Any, flags: int) -> None:
        kind = "CREATED" if flags & NEW else "UPDATED"
        self.seen.append((kind, item.sourcekey.lower(), item.subject, item.read, item.docid, bool(flags & ASSOCIATED)))

    def delete(self, item: Any, flags: int) -> None:
        self.seen.append(("SOFT" if flags & 1 else "HARD", item.sourcekey.lower()))

    def read(self, item: Any, state: bool) -> None:
        self.seen.append(("READ_STATE", item.sourcekey.lower(), state))


class FolderImporter:
    """Takes the callbacks of folder.sync_hierarchy."""

    def __init__(self) -> None:
        self.seen: List[Seen] = []

    def update(self, folder: Any) -> None:
        self.seen.append(("folder", folder.sourcekey.lower(), folder.name))

    def delete(self, folder: Any, flags: int) -> None:
        self.seen.append(("SOFT" if flags & 1 else "HARD", folder.sourcekey.lower()))


def seen_of(event: Dict[str, Any]) -> Seen:
    kind, key = event["kind"], event.get("sourceKey", "")
    if kind == "DELETED":
        return (event["deletion"]["type"], key)
    if kind == "READ_STATE":
        return (kind, key, event["readState"]["read"])
    if event["objectType"] == "FOLDER":
        return ("folder", key, event["folderProperties"]["name"])
    item = event["item"]
    return (kind, key, item.get("subject", ""), item["read"], event["itemNumber"], event["associated"])


class Place:
    """Where both sides look: two folders of a store."""

    def __init__(self, options: argparse.Namespace, associated: bool) -> None:
        self.place = place.place_of(options)
        self.store = groupware.open_store(self.place)
        self.associated = associated
        self.prefix = f"real-{uuid.uuid4().hex[:8]}"
        self.folders = {name: groupware.new_folder(self.store, f"{self.prefix} {name}") for name in "AB"}
        self.stage = Stage(self.store, self.folders["A"], self.folders["B"], self.store.server.user(options.other_user))
        self.directory = tempfile.TemporaryDirectory(prefix="tidings-real-")
        for name, folder in self.folders.items():
            whole = configuration(self.place, Path(self.directory.name), self.prefix, [folder.name], associated=associated)
            self.config(name).write_text(json.dumps({part: whole[part] for part in ("source", "follow")}))

    def config(self, name: str) -> Path:
        return Path(self.directory.name) / f"{name}.yaml"

    def run(self, name: str, state: Optional[str], *how: str) -> "subprocess.CompletedProcess[str]":
        command = [str(self.place.tidings), "sync", *how, "-c", str(self.config(name)), *(["--state", state] if state is not None else [])]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)

    def tidings(self, name: str, state: Optional[str], *how: str) -> Answer:
        done = self.run(name, state, *how)
        if done.returncode:
            raise AssertionError(f"tidings sync: exit {done.returncode}: {done.stderr}")
        *events, new = done.stdout.splitlines()
        changes = [change for change in map(json.loads, events) if not change["kind"].startswith("SNAPSHOT_")]
        ids = [change["changeId"] for change in changes if change["origin"] == "ICS"]
        if ids != sorted(ids):
            raise AssertionError(f"change ids do not ascend: {ids}")
        return [seen_of(change) for change in changes], new

    def python(self, name: str, state: Optional[str], **how: Any) -> Answer:
        importer = Importer()
        new = self.folders[name].sync(importer, state, associated=self.associated, **how)
        return importer.seen, new

    def __enter__(self) -> "Place":
        return self

    def __exit__(self, *unused: Any) -> None:
        groupware.remove_folders(self.store, self.folders.values())
        self.directory.cleanup()


class Report:
    def __init__(self) -> None:
        self.n = self.n_failed = 0

    def line(self, name: str, problems: List[str], n_changes: int) -> None:
        self.n += 1
        self.n_failed += bool(problems)
        print(f"{name:40} {n_changes:4} changes  {'FAIL' if problems else 'ok'}", flush=True)
        for problem in problems:
            print(f"    {problem}")


def differences(what: str, python: List[Seen], tidings: List[Seen]) -> List[str]:
    if sorted(python, key=repr) == sorted(tidings, key=repr):
        return []
    return [f"{what}: folder.sync {python}, tidings {tidings}"]


# --- rows -------------------------------------------------------------------------


def play(where: Place, row: Row, report: Report) -> None:
    row.prepare(where.stage)
    states = {name: (folder.state, where.tidings(name, "now")[1]) for name, folder in where.folders.items()}
    problems: List[str] = []
    n = 0
    for step in row.steps:
        step(where.stage)
        for name, (from_python, from_tidings) in states.items():
            answers = [(where.python(name, state), where.tidings(name, state)) for state in (from_python, from_tidings)]
            for whose, (python, tidings) in zip(("python-kopano's", "Tidings'"), answers):
                problems += differences(f"{name} since {whose} state", python[0], tidings[0])
                n += len(tidings[0])
            states[name] = (answers[0][1][1], answers[1][0][1])
    report.line(row.name, problems, n)


# --- from the start, interrupted ----------------------------------------------------


def fill(where: Place) -> None:
    for i in range(ITEMS):
        groupware.create(where.folders["A"], f"item {i}", read=i % 2 == 0)


def from_the_start(where: Place, report: Report) -> None:
    fill(where)
    python, state = where.python("A", None)
    problems, n = [], 0
    for given in (None, "", "0" * 16):
        tidings, new = where.tidings("A", given)
        problems += differences(f"from the start ({given!r})", python, tidings)
        n += len(tidings)
        groupware.create(where.folders["A"], "later")
        problems += differences("after it", where.python("A", new)[0], where.tidings("A", state)[0])
        python, state = where.python("A", None)
    report.line("from the start", problems, n)


def interrupted(where: Place, report: Report) -> None:
    """Nothing is missing, and what was processed does not come again."""
    state = where.folders["A"].state
    fill(where)
    whole, _ = where.python("A", state)
    first, long_state = where.python("A", state, max_changes=3)
    rest, new = where.tidings("A", long_state)
    problems = [] if len(long_state) > 16 else [f"the state is not a long one: {long_state}"]
    missing = {seen[1] for seen in whole} - {seen[1] for seen in first + rest}
    problems += [f"missing: {missing}"] if missing else []
    again = [seen for seen in rest if seen in first]
    problems += [f"again: {again}"] if again else []
    problems += differences("after it", *(side("A", new)[0] for side in (where.python, where.tidings)))
    report.line(f"interrupted after {len(first)} of {len(whole)}", problems, len(rest))


# --- what is refused ----------------------------------------------------------------


def refused(where: Place, report: Report) -> None:
    good = where.tidings("A", "now")[1]
    hierarchy = where.store.subtree.sync_hierarchy(type("Ignore", (), {"update": lambda *_: None, "delete": lambda *_: None})())
    cases = {
        "of another folder": where.tidings("B", "now")[1], "of another folder, python-kopano's": where.folders["B"].state,
        "of folders": hierarchy, "4 bytes": good[:8], "odd": good[:15], "no hex": "g" * 16,
        "a long form cut short": good + "01000000" + "05000000",
    }
    for name, state in cases.items():
        done = where.run("A", state)
        good_refusal = done.returncode == 2 and not done.stdout and len(done.stderr.splitlines()) == 1
        report.line(f"refused: {name}", [] if good_refusal else [f"exit {done.returncode}: {done.stdout}{done.stderr}"], 0)
        print(f"    {done.stderr.strip()}")


def accepted(where: Place, report: Report) -> None:
    state = where.folders["A"].state
    groupware.create(where.folders["A"], "one more")
    wanted = where.tidings("A", state)[0]
    for name, other in {"lower case": state.lower(), "an expired sync id": "FFFFFF7F" + state[8:],
                        "without a sync id": "00000000" + state[8:]}.items():
        report.line(f"accepted: {name}", differences(name, wanted, where.tidings("A", other)[0]), len(wanted))


# --- the folders of a store, the whole server ------------------------------------------


Ask = Callable[[Optional[str]], Answer]


def agree(ask_python: Ask, ask_tidings: Ask, states: List[Optional[str]], what: str) -> Tuple[List[str], List[Optional[str]], int]:
    """Both sides since each state; the problems, the new states, swapped, and how much was seen."""
    problems, new, n = [], [], 0
    for state in states:
        for _ in range(TRIES):
            python, tidings = ask_python(state), ask_tidings(state)
            differ = differences(what, python[0], tidings[0])
            if not differ:
                break
        problems += differ
        n += len(tidings[0])
        new.append((python, tidings)[len(new) == 0][1])
    return problems, new, n


def play_through(name: str, steps: List[Callable[[], Any]], ask_python: Ask, ask_tidings: Ask, states: List[Optional[str]], report: Report) -> None:
    problems, n = [], 0
    for i, step in enumerate(steps):
        step()
        more, states, seen = agree(ask_python, ask_tidings, states, f"step {i}")
        problems += more
        n += seen
    report.line(name, problems, n)


def hierarchy(where: Place, report: Report) -> None:
    store, top = where.store, where.folders["A"]
    where.config("hierarchy").write_text(json.dumps(
        {"source": json.loads(where.config("A").read_text())["source"], "follow": {"mode": "stores", "stores": [where.place.user]}}))

    def ask_python(state: Optional[str]) -> Answer:
        importer = FolderImporter()
        new = store.subtree.sync_hierarchy(importer, state)
        return importer.seen, new

    def ask_tidings(state: Optional[str]) -> Answer:
        return where.tidings("hierarchy", state, "--hierarchy")

    def rename() -> None:
        top.folder("one").name = "two"

    steps = [
        lambda: None,
        lambda: top.create_folder("one").create_folder("below"),
        rename,
        lambda: top.create_folder("other"),
        lambda: top.move(top.folder("other"), top.folder("two")),
        lambda: groupware.create(top.folder("two"), "an item is no news of folders"),
        lambda: top.folder("two").delete(top.folder("two").folder("below")),
        lambda: top.delete(top.folder("two")),
    ]
    play_through("hierarchy, from the start", steps, ask_python, ask_tidings, [None, None], report)


def play_server(where: Place, row: Row, login: str, password_file: Optional[str], report: Report) -> None:
    administrator = replace(where.place, user=login, password_file=place.optional_path(password_file))
    server = groupware.log_on(administrator)
    source = configuration(administrator, Path(where.directory.name), where.prefix, [])["source"]
    where.config("server").write_text(json.dumps({"source": source}))

    def ask_python(state: Optional[str]) -> Answer:
        importer = Importer()
        new = server.sync(importer, state)
        return importer.seen, new

    def ask_tidings(state: Optional[str]) -> Answer:
        return where.tidings("server", state, "--server")

    row.prepare(where.stage)
    steps = [lambda step=step: step(where.stage) for step in row.steps]
    play_through(f"server: {row.name}", steps, ask_python, ask_tidings, [server.state, ask_tidings("now")[1]], report)


# --- command line -----------------------------------------------------------------


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    place.add_kopano(parser)
    place.add_option(parser, "--tidings", "TIDINGS", "the program", str(place.ROOT / "build" / "tidings"))
    place.add_option(parser, "--other-user", "TIDINGS_KOPANO_OTHER_USER", "somebody to give a permission to")
    parser.add_argument("--login", help="a system administrator, for --server")
    parser.add_argument("--login-password-file", help="of that one")
    options = parser.parse_args()
    report = Report()
    for associated, rows in ((False, ROWS), (True, ASSOCIATED_ROWS)):
        for row in rows:
            with Place(options, associated) as where:
                play(where, row, report)
    for check in (from_the_start, interrupted, refused, accepted, hierarchy):
        with Place(options, False) as where:
            check(where, report)
    for row in ROWS if options.login else ():
        with Place(options, False) as where:
            play_server(where, row, options.login, options.login_password_file, report)
    print(f"{report.n} rows, {report.n_failed} failed")
    return 1 if report.n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
