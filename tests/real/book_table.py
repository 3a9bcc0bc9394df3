#!/usr/bin/python3
"""Users and groups: `tidings sync --addressbook` beside python-kopano's server.sync_gab, each from the other's states.

Each row makes users and groups named real-... and changes them. After every step both sides are asked for what changed since the
same state, once since python-kopano's and once since Tidings'; then they swap. Both must name the same users with the same
properties; groups, of which sync_gab says nothing, must be what the server lists, and gone when they are deleted. The account
must be a system administrator. Exit code 1 if anything differs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

import groupware
import place
from sync_table import Report, differences

SECONDS = 60
LEVELS = {"NONE": 0, "ADMINISTRATOR": 1, "SYSTEM_ADMINISTRATOR": 2}
Seen = Tuple[Any, ...]  # update: login name, full name, address, level, hidden, active; delete: alone


class Importer:
    """Takes the callbacks of server.sync_gab."""

    def __init__(self) -> None:
        self.seen: List[Seen] = []

    def update(self, user: Any) -> None:
        self.seen.append(("update", user.userid.lower(), user.name, user.fullname, user.email, user.admin_level, user.hidden, user.active))

    def delete(self, user: Any) -> None:
        self.seen.append(("delete", user._userid.lower()))


def seen_of(event: Dict[str, Any]) -> Seen:
    if event["kind"] == "DELETED":
        return ("delete", event["sourceKey"])
    user = event["user"]
    return ("update", event["sourceKey"], user["loginName"], user.get("fullName", ""), user.get("emailAddress", ""),
            LEVELS[user["adminLevel"]], user["hidden"], user["userClass"] != "SHARED")


class Book:
    """Where both sides look, and what a row works with."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.place = place.place_of(options)
        self.server = groupware.log_on(self.place)
        self.prefix = f"real-{uuid.uuid4().hex[:6]}"
        self.directory = tempfile.TemporaryDirectory(prefix="tidings-real-")
        self.config = Path(self.directory.name) / "tidings.yaml"
        kopano = {"url": self.place.url, "user": self.place.user, "password_file": str(self.place.password_file)}
        tls = {"tls": {"ca_file": str(self.place.ca_file)}} if self.place.ca_file else {}
        self.config.write_text(json.dumps({"source": {"kopano": {**kopano, **tls}}}))
        self.groups: Dict[str, Dict[str, Any]] = {}  # as Tidings' records have them

    def run(self, state: Optional[str]) -> "subprocess.CompletedProcess[str]":
        command = [str(self.place.tidings), "sync", "--addressbook", "-c", str(self.config)]
        command += [] if state is None else ["--state", state]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)

    def tidings(self, state: Optional[str]) -> Tuple[List[Seen], str]:
        done = self.run(state)
        if done.returncode:
            raise AssertionError(f"tidings sync: exit {done.returncode}: {done.stderr}")
        *lines, new = done.stdout.splitlines()
        events = [json.loads(line) for line in lines]
        for event in events:
            self.keep_group(event)
        return [seen_of(event) for event in events if event["objectType"] == "USER"], new

    def keep_group(self, event: Dict[str, Any]) -> None:
        if event["objectType"] == "GROUP":
            self.groups.pop(event["sourceKey"], None)
            if event["kind"] != "DELETED":
                self.groups[event["sourceKey"]] = event["group"]

    def python(self, state: Optional[str]) -> Tuple[List[Seen], str]:
        importer = Importer()
        new = self.server.sync_gab(importer, state)
        return importer.seen, new

    def look_into_directory(self) -> None:
        """Without it the journal does not tell of changed properties."""
        list(self.server.users()), list(self.server.groups())

    # ---- what a row does ----

    def user(self, name: str) -> Any:
        return self.server.user(f"{self.prefix}-{name}")

    def group(self, name: str) -> Any:
        return self.server.group(f"{self.prefix}-{name}")

    def create_user(self, name: str) -> None:
        self.server.create_user(f"{self.prefix}-{name}", email=f"{name}@example.com", password="pass", fullname=f"Real {name}", create_store=False)

    def create_group(self, name: str) -> None:
        self.server.create_group(f"{self.prefix}-{name}")

    def set(self, who: str, **properties: Any) -> None:
        for key, value in properties.items():
            setattr(self.user(who), key, value)

    def set_group(self, who: str, **properties: Any) -> None:
        for key, value in properties.items():
            setattr(self.group(who), key, value)

    def remove_user(self, name: str) -> None:
        self.server.remove_user(f"{self.prefix}-{name}")

    def remove_group(self, name: str) -> None:
        self.server.remove_group(f"{self.prefix}-{name}")

    # ---- groups ----

    def listed_groups(self) -> Dict[str, Seen]:
        return {group.name: (group.fullname, group.email, group.hidden, sorted(user.userid.lower() for user in group.users()))
                for group in self.server.groups() if group.name.startswith(self.prefix)}

    def known_groups(self) -> Dict[str, Seen]:
        """A deleted user leaves his groups without a record of theirs."""
        users = {user.userid.lower() for user in self.server.users()}
        return {group["name"]: (group.get("fullName", ""), group.get("emailAddress", ""), group["hidden"], sorted(users & set(group.get("members", []))))
                for group in self.groups.values() if group["name"].startswith(self.prefix)}

    def __enter__(self) -> "Book":
        return self

    def __exit__(self, *unused: Any) -> None:
        for user in list(self.server.users()):
            if user.name.startswith(self.prefix):
                self.server.remove_user(user.name)
        for group in list(self.server.groups()):
            if group.name.startswith(self.prefix):
                self.server.remove_group(group.name)
        self.directory.cleanup()


Step = Callable[[Book], Any]
ROWS: List[Tuple[str, List[Step]]] = [
    ("nothing", [lambda b: None]),
    ("a user", [lambda b: b.create_user("a"), lambda b: b.remove_user("a")]),
    ("full name", [lambda b: b.create_user("a"), lambda b: b.set("a", fullname="Someone Else")]),
    ("address", [lambda b: b.create_user("a"), lambda b: b.set("a", email="other@example.com")]),
    ("administrator level", [lambda b: b.create_user("a"), lambda b: b.set("a", admin_level=1), lambda b: b.set("a", admin_level=2)]),
    ("login name", [lambda b: b.create_user("a"), lambda b: b.set("a", name=f"{b.prefix}-b")]),
    ("password", [lambda b: b.create_user("a"), lambda b: b.set("a", password="other")]),
    ("shared (not active)", [lambda b: b.create_user("a"), lambda b: b.set("a", active=False)]),
    ("created and changed", [lambda b: (b.create_user("a"), b.set("a", fullname="Other"), b.look_into_directory(), b.set("a", email="x@y"))]),
    ("several users", [lambda b: [b.create_user(f"n{i}") for i in range(5)], lambda b: (b.set("n1", fullname="x"), b.remove_user("n3"))]),
    ("without a look into the directory", [lambda b: b.create_user("a"), lambda b: b.set("a", fullname="y")]),
    ("a group", [lambda b: b.create_group("g"), lambda b: b.remove_group("g")]),
    ("a group's properties", [lambda b: b.create_group("g"), lambda b: b.set_group("g", fullname="All of us", email="all@example.com", hidden=True),
                              lambda b: b.set_group("g", name=f"{b.prefix}-h")]),
    ("members", [lambda b: (b.create_group("g"), b.create_user("a"), b.create_user("b")), lambda b: b.group("g").add_user(b.user("a")),
                 lambda b: b.group("g").add_user(b.user("b")), lambda b: b.group("g").remove_user(b.user("a")), lambda b: b.remove_user("b")]),
    ("created with members", [lambda b: (b.create_group("g"), b.create_user("a"), b.group("g").add_user(b.user("a")))]),
]


def play(book: Book, name: str, steps: List[Step], report: Report) -> None:
    states = (book.python(None)[1], book.tidings("now")[1])
    problems: List[str] = []
    n = 0
    for step in steps:
        step(book)
        if "without a look" not in name:
            book.look_into_directory()
        answers = [(book.python(state), book.tidings(state)) for state in states]
        for whose, (python, tidings) in zip(("python-kopano's", "Tidings'"), answers):
            problems += differences(f"since {whose} state", python[0], tidings[0])
            n += len(tidings[0])
        listed, known = book.listed_groups(), book.known_groups()
        problems += [f"groups: server {listed}, Tidings {known}"] if listed != known else []
        states = (answers[0][1][1], answers[1][0][1])
    report.line(name, problems, n)


def from_the_start(book: Book, report: Report) -> None:
    book.create_user("a"), book.create_group("g")
    problems, n = [], 0
    for given in (None, "", "0" * 16):
        (python, python_state), (tidings, state) = book.python(None), book.tidings(given)
        problems += differences(f"from the start ({given!r})", python, tidings)
        problems += [] if state == python_state else [f"states: {python_state}, {state}"]
        n += len(tidings)
    report.line("from the start", problems, n)


def refused(book: Book, report: Report) -> None:
    for name, state in {"4 bytes": "01000000", "odd": "0" * 15, "no hex": "g" * 16, "cut short": "0100000001000000"}.items():
        done = book.run(state)
        good_refusal = done.returncode == 2 and not done.stdout and len(done.stderr.splitlines()) == 1
        report.line(f"refused: {name}", [] if good_refusal else [f"exit {done.returncode}: {done.stdout}{done.stderr}"], 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    place.add_kopano(parser)
    place.add_option(parser, "--tidings", "TIDINGS", "the program", str(place.ROOT / "build" / "tidings"))
    options = parser.parse_args()
    report = Report()
    for name, steps in ROWS:
        with Book(options) as book:
            play(book, name, steps, report)
    for check in (from_the_start, refused):
        with Book(options) as book:
            check(book, report)
    print(f"{report.n} rows, {report.n_failed} failed")
    return 1 if report.n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
