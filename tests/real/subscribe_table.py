#!/usr/bin/python3
"""`tidings subscribe` beside python-kopano's store.subscribe and folder.subscribe: the same events in the same run.

python-kopano writes each row into two fresh folders A and B, while its own sinks and three commands of Tidings listen: to
the store, to A and to B. An interval is closed by a sentinel, a new item in each folder: when it is told, all before it
were. With --restart-command the server is then started anew: Tidings must go on within 5 s. Exit code 1: something differs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import groupware
import kopano
import place

SECONDS = 20.0
GOES_ON_SECONDS = 5.0
LISTENERS = ("store", "A", "B")

Event = Tuple[str, str, str]  # kind, object type, entry id


def wait_until(condition: Callable[[], Any], what: str, seconds: float = SECONDS) -> float:
    """How long it took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(0.005)  # a look, up to the deadline
    return time.monotonic() - began


class Sink:
    """python-kopano's side."""

    def __init__(self) -> None:
        self.events: List[Event] = []

    def update(self, notification: Any) -> None:
        self.events.append((notification.event_type.upper(), notification.object_type.upper(), notification.object.entryid.lower()))


class Command:
    """Tidings' side."""

    def __init__(self, where: place.Place, config: Path, *arguments: str) -> None:
        self.events: List[Event] = []
        self.said = ""
        self.process = subprocess.Popen([str(where.tidings), "subscribe", "-c", str(config), "--store", where.user, *arguments],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for read in self.read_lines, self.read_words:
            threading.Thread(target=read, daemon=True).start()
        wait_until(lambda: "subscribed" in self.said, "Tidings subscribes")

    def read_lines(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            event = json.loads(line)
            self.events.append((event["kind"], event["objectType"], event["entryId"]))

    def read_words(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.said += line


class Stage:
    """Two folders, the sinks and the commands."""

    def __init__(self, where: place.Place, config: Path) -> None:
        server = kopano.server(server_socket=where.url, auth_user=where.user, auth_pass=where.password(), notifications=True)
        self.store = server.user(where.user).store
        name = f"real-{uuid.uuid4().hex[:8]}"
        self.top = groupware.new_folder(self.store, name)
        self.a, self.b = self.top.create_folder("A"), self.top.create_folder("B")
        self.commands = {"store": Command(where, config), "A": Command(where, config, "--folder", f"{name}/A"),
                         "B": Command(where, config, "--folder", f"{name}/B")}
        self.sinks = {listener: Sink() for listener in LISTENERS}
        for listener, subscribed in zip(LISTENERS, (self.store, self.a, self.b)):
            subscribed.subscribe(self.sinks[listener])
        self.at = {side: {listener: 0 for listener in LISTENERS} for side in ("kopano", "tidings")}
        self.item: Any = None

    def close_interval(self) -> Dict[str, Dict[str, "Counter[Event]"]]:
        """What each heard since the last one."""
        marks = {groupware.create(folder, "sentinel").hex() for folder in (self.a, self.b)}
        heard: Dict[str, Dict[str, Counter[Event]]] = {"kopano": {}, "tidings": {}}
        sides: Dict[str, Dict[str, Any]] = {"kopano": self.sinks, "tidings": self.commands}
        for side, listeners in sides.items():
            for name, listener in listeners.items():
                expected = marks if name == "store" else 1
                wait_until(lambda l=listener, e=expected: self.has(l.events, marks, 2 if e is marks else 1),
                           f"{side} hears of the sentinel by {name}")
                new = listener.events[self.at[side][name]:]
                self.at[side][name] += len(new)
                heard[side][name] = Counter(event for event in new if event[2] not in marks)
        return heard

    @staticmethod
    def has(events: List[Event], marks: Any, n: int) -> bool:
        return len({entry_id for kind, _, entry_id in events if kind == "CREATED" and entry_id in marks}) >= n


def newest(folder: Any) -> Any:
    return next(iter(folder.items()))


def create(stage: Stage) -> None:
    stage.item = stage.a.create_item(subject="row")


def modify(stage: Stage) -> None:
    stage.item.subject = "row, changed"


def unread(stage: Stage) -> None:
    found = groupware.item(stage.a, bytes.fromhex(stage.item.entryid))
    found.read = not found.read


def move(stage: Stage) -> None:
    stage.a.move(stage.item, stage.b)


def copy(stage: Stage) -> None:
    stage.b.copy([item for item in stage.b.items() if item.subject == "row, changed"], stage.a)


def delete(soft: bool) -> Callable[[Stage], None]:
    def row(stage: Stage) -> None:
        folder = stage.a if soft else stage.b
        folder.delete([item for item in folder.items() if item.subject == "row, changed"], soft=soft)
    return row


def create_folder(stage: Stage) -> None:
    stage.sub = stage.a.create_folder("Sub")  # type: ignore[attr-defined]


def rename_folder(stage: Stage) -> None:
    stage.sub.name = "Renamed"  # type: ignore[attr-defined]


def move_folder(stage: Stage) -> None:
    stage.a.move(stage.sub, stage.b)  # type: ignore[attr-defined]


def delete_folder(stage: Stage) -> None:
    stage.b.delete(stage.b.folder("Renamed"))


def rename_itself(stage: Stage) -> None:
    stage.b.name = "B renamed"


ROWS: Dict[str, Callable[[Stage], None]] = {
    "create an item": create, "modify": modify, "turn the read flag": unread, "move from A to B": move, "copy from B to A": copy,
    "soft delete in A": delete(True), "hard delete in B": delete(False), "create a subfolder of A": create_folder,
    "rename it": rename_folder, "move it to B": move_folder, "delete it": delete_folder, "rename B": rename_itself,
}


def show(events: "Counter[Event]") -> str:
    words = Counter((f"{kind.lower()} {what.lower()}") for kind, what, _ in events.elements())
    return ", ".join(f"{n} {word}" for word, n in sorted(words.items())) or "nothing"


def play(stage: Stage) -> int:
    """How many rows differ."""
    n_different = 0
    stage.close_interval()
    stage.close_interval()  # late words about the first
    for name, row in ROWS.items():
        row(stage)
        heard = stage.close_interval()
        for listener in LISTENERS:
            ours, theirs = heard["tidings"][listener], heard["kopano"][listener]
            same = ours == theirs
            n_different += not same
            print(f"{name if listener == 'store' else '':26} {listener:6} {show(ours):52} {'ok' if same else 'DIFFERS: ' + show(theirs)}")
    return n_different


def create_elsewhere(path: str) -> str:
    """An item's entry id. In another process: a call in this one would wake python-kopano's session."""
    done = subprocess.run([sys.executable, *sys.argv, "--create", path], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


def restart(stage: Stage, command: str) -> bool:
    """Whether Tidings goes on in time."""
    path = f"{stage.top.name}/A"
    subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL)
    began = time.monotonic()
    wait_until(lambda: stage.commands["A"].said.count("missing") or stage.commands["A"].events[stage.at["tidings"]["A"]:],
               "Tidings subscribes again")
    back = time.monotonic() - began
    before = len(stage.sinks["A"].events)
    entry_id = create_elsewhere(path)
    told = wait_until(lambda: any(event[2] == entry_id for event in stage.commands["A"].events), "Tidings tells")
    time.sleep(max(0.0, GOES_ON_SECONDS - told))  # the other one gets as long
    silent = len(stage.sinks["A"].events) == before
    print(f"after the restart: Tidings subscribed after {back:.1f} s, and told; python-kopano "
          f"{'is silent' if silent else 'tells, too'} for {GOES_ON_SECONDS:g} s")
    return back + told < GOES_ON_SECONDS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    place.add_kopano(parser)
    place.add_option(parser, "--tidings", "TIDINGS", "the command", str(place.ROOT / "build" / "tidings"))
    parser.add_argument("--restart-command", help="starts the server anew, and returns when it answers")
    parser.add_argument("--create", help=argparse.SUPPRESS)
    options = parser.parse_args()
    where = place.place_of(options)
    if options.create:
        print(groupware.create(groupware.open_store(where).get_folder(options.create), "after the restart").hex())
        return 0
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "tidings.yaml"
        source = {"url": where.url, "user": where.user, "password_file": str(where.password_file)}
        config.write_text(json.dumps({"source": {"kopano": source}}))
        stage = Stage(where, config)
        try:
            failed = play(stage) > 0
            if options.restart_command:
                failed |= not restart(stage, options.restart_command)
        finally:
            for command in stage.commands.values():
                command.process.terminate()
            store = groupware.open_store(where)
            groupware.remove_folders(store, [store.get_folder(stage.top.name)])
    print("FAIL" if failed else "ok")
    return failed


if __name__ == "__main__":
    sys.exit(main())
