#!/usr/bin/python3
"""Every row of the folder table in the stores of two users and in the public store, Tidings beside server.sync.

python-kopano writes each row (rows.py, and folders that are deleted with their items) into two fresh folders A and B of
a store, and is asked for the same interval by server.sync. The daemon follows the server into Kafka, of which it tells
these folders. server.sync does not say where something was deleted or read: the journal does, by which the changes of
others are left out. Live, stopped, sentinels and verdicts are those of folder_table.py. At the end the mirror must equal
the listing. The user must be a system administrator. Exit code 1 if anything failed.
"""

import argparse
import sys
from typing import Any, Dict, List, Optional

import groupware
import mirror_check
import place
from daemon import Daemon
from folder_table import WIDTHS, Importer, Result, Seen, seen_of
from journal import Journal
from rows import ROWS, Row, Stage
from topic import Tail

EXPLANATIONS = {
    1: "order: server.sync delivers updates, soft deletes, hard deletes, read flags; Tidings ascending change ids",
    2: "Tidings, which follows more closely, saw the item in between: folded by the exporter's rules it is the same",
    3: "an empty BEGIN and END: the folder has ended",
}
PUBLIC = "public"


def folder_with_items(stage: Stage) -> None:
    below = stage.a.create_folder("C")
    for name in ("one", "two", "three"):
        groupware.create(below, name)


def delete_folder(soft: bool) -> Any:
    def act(stage: Stage) -> None:
        stage.a.delete(stage.a.folder("C"), soft=soft)

    return act


FOLDER_ROWS = [
    Row("new folder with items", [folder_with_items]),
    Row("soft delete of a folder with items", [delete_folder(True)], folder_with_items),
    Row("hard delete of a folder with items", [delete_folder(False)], folder_with_items),
]


class Reference:
    """server.sync from where it was left; only what is in folders with a name."""

    def __init__(self, server: Any, where: place.Place) -> None:
        self.server, self.state = server, server.state
        self.journal = Journal(where)
        self.journal_from = self.journal.maximum()
        self.folder_of: Dict[bytes, bytes] = {}  # of each item that the journal has named

    def sync(self, names: Dict[bytes, str]) -> List[Seen]:
        importer = Importer("?")
        self.state = self.server.sync(importer, self.state)
        for entry in self.journal.after(self.journal_from):
            self.folder_of[entry.key] = entry.folder
            self.journal_from = entry.change_id
        found = [(one, names.get(self.folder_of.get(one.key, b""))) for one in importer.seen]
        return [Seen(**{**vars(one), "folder": name}) for one, name in found if name]


class Play:
    def __init__(self, where: place.Place, stores: List[str], other_user: str) -> None:
        self.place = where
        self.server = groupware.log_on(where)
        self.daemon = Daemon(where, [])
        prefix = self.daemon.prefix
        self.daemon.configure([], partitions=1, follow={"mode": "server", "folders": [f"{prefix} *", f"{prefix} */**"]})
        self.stages: Dict[str, Stage] = {}
        for name in stores:
            store = self.server.public_store if name == PUBLIC else self.server.user(name).store
            a, b = (groupware.new_folder(store, f"{prefix} {letter}") for letter in "AB")
            self.stages[name] = Stage(store, a, b, self.server.user(other_user))
        self.reference = Reference(self.server, where)
        self.sentinel = groupware.create(self.stages[stores[0]].b, "sentinel")
        self.sentinel_folder = self.stages[stores[0]].b
        self.n_sentinels = 0
        self.tail: Optional[Tail] = None

    def names(self) -> Dict[bytes, str]:
        names: Dict[bytes, str] = {}
        for stage in self.stages.values():
            names |= {groupware.key_of(stage.a): "A", groupware.key_of(stage.b): "B"}
            names |= {groupware.key_of(folder): "C" for folder in stage.a.folders()}
        return names

    def without_sentinel(self, seen: List[Seen]) -> List[Seen]:
        key = groupware.key_of(groupware.item(self.sentinel_folder, self.sentinel))
        return [one for one in seen if one.key != key]

    def records(self, names: Dict[bytes, str]) -> List[Seen]:
        """Everything up to a new sentinel."""
        self.tail = self.tail or Tail(self.place.kafka, self.daemon.topic("items"), self.daemon.check)
        self.n_sentinels += 1
        subject = f"sentinel {self.n_sentinels}"
        item = groupware.item(self.sentinel_folder, self.sentinel)
        item.subject = subject
        events = self.tail.until(lambda event: event.item.subject == subject, subject)
        return self.without_sentinel([seen_of(event, names) for event in events])

    def callbacks(self, names: Dict[bytes, str]) -> List[Seen]:
        return self.without_sentinel(self.reference.sync(names))

    def play(self, store: str, row: Row, stopped: bool) -> Result:
        stage = self.stages[store]
        row.prepare(stage)
        names = self.names()
        self.callbacks(names), self.records(names)
        result = Result(f"{store}: {row.name}", "stopped" if stopped else "live")
        for step in row.steps:
            if stopped:
                self.daemon.stop()
            step(stage)
            names |= self.names()
            result.callbacks += self.callbacks(names)
            if stopped:
                self.daemon.start()
            result.records += self.records(names)
            result.close_step()
        self.tidy(stage)
        return result

    def tidy(self, stage: Stage) -> None:
        for folder in list(stage.a.folders(recurse=False)):
            stage.a.delete(folder)

    def __enter__(self) -> "Play":
        self.daemon.start()
        self.records(self.names())
        return self

    def finish(self) -> bool:
        assert self.tail
        self.records(self.names())
        self.daemon.stop()
        return mirror_check.report(self.tail.mirror, [f for stage in self.stages.values() for f in (stage.a, stage.b)])

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if self.daemon.is_running():
            self.daemon.kill()
        if self.tail:
            self.tail.close()
        for stage in self.stages.values():
            groupware.remove_folders(stage.store, [stage.a, stage.b])
        if kind is None:
            self.daemon.remove()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    place.add_all(parser)
    place.add_option(parser, "--other-user", "TIDINGS_KOPANO_OTHER_USER", "somebody to give a permission to")
    parser.add_argument("--store", action="append", help=f"of whom, or {PUBLIC}; default: user1, user2, {PUBLIC}")
    parser.add_argument("--row", action="append", help="only rows whose name holds this")
    parser.add_argument("--mode", action="append", choices=("live", "stopped"), help="default: both")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    rows = [row for row in ROWS + FOLDER_ROWS if not options.row or any(name in row.name for name in options.row)]
    stores = options.store or ["user1", "user2", PUBLIC]
    results = []
    print(" ".join(text.ljust(width) for text, width in zip(("row [mode]", "server.sync", "Tidings"), WIDTHS)), "verdict")
    with Play(place.place_of(options), stores, options.other_user) as play:
        for store, row in ((store, row) for store in stores for row in rows):
            for mode in options.mode or ["live", "stopped"]:
                results.append(play.play(store, row, mode == "stopped"))
                print(results[-1].show(), flush=True)
        good = play.finish()
    print("".join(f"({n}) {text}\n" for n, text in EXPLANATIONS.items()), end="")
    n_failed = sum(bool(result.failures) for result in results)
    print(f"{len(results)} rows played, {n_failed} failed")
    return 0 if good and not n_failed else 1


if __name__ == "__main__":
    sys.exit(main())
