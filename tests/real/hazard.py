#!/usr/bin/python3
"""The hazard of server-wide following: ids are given before their writers commit, so a low one can appear after a high one.

Six writers change items of six folders (and of one more beside each) in the stores of two users, while Tidings follows
the whole server as fast as it can, and a naive reader asks from the highest id that it has seen. Afterwards the whole
journal is read: every entry of those folders must have a record with its change id or a higher one, the last record of
each item must carry the last id of that item, and the mirror must equal the listing. The naive reader's misses show
that the hazard was there. The user must be a system administrator. Exit code 1: something was missed, or differs.
"""

import argparse
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from typing import Any, Dict, List, Set, Tuple

import groupware
import mirror_check
import place
from daemon import Daemon
from journal import Entry, Journal
from topic import Tail
from writer import Writer

PATIENCE_SECONDS = 20  # for records that come late
SHOWN = 5

Key = Tuple[bytes, bytes]  # folder, item


# --- writers, each a process of its own ---------------------------------------------


def write(where: place.Place, store: str, paths: List[str], seed: int) -> None:
    """Until it is told to end; the change under way is finished."""
    is_over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: is_over.set())
    home = groupware.log_on(where).user(store).store
    writer = Writer([groupware.find_folder(home, path) for path in paths], seed)
    print("ready", flush=True)
    sys.stdin.readline()
    n_refreshed = 0
    while not is_over.is_set():
        if writer.n_changes >= n_refreshed + 500:
            writer.refresh()
            n_refreshed = writer.n_changes
        writer.change()


class Writers:
    def __init__(self, stores: List[str], folders: Dict[str, List[Any]]) -> None:
        self.processes = []
        for seed, (path, store) in enumerate((f.path, s) for s in stores for f in folders[s] if f.name.startswith("writer")):
            command = [sys.executable, __file__, *sys.argv[1:], "--write", store, "--seed", str(seed),
                       "--folder", path, "--folder", path.replace("/writer", "/beside")]
            self.processes.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))

    def run(self, seconds: float) -> None:
        for process in self.processes:
            assert process.stdout and process.stdout.readline() == b"ready\n"
        for process in self.processes:
            assert process.stdin
            process.stdin.write(b"go\n")
            process.stdin.flush()
        time.sleep(seconds)  # the length of the load
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            if process.wait(60):
                raise SystemExit("a writer failed")


# --- readers --------------------------------------------------------------------------


class NaiveReader(threading.Thread):
    """Asks from the highest id that it has seen, as fast as it can."""

    def __init__(self, journal: Journal, start: int) -> None:
        super().__init__()
        self.journal, self.highest = journal, start
        self.seen: Set[Tuple[int, bytes]] = set()
        self.n_polls = 0
        self.is_over = threading.Event()

    def poll(self) -> None:
        entries = self.journal.after(self.highest)
        self.seen |= {(entry.change_id, entry.key) for entry in entries}
        self.highest = max([self.highest, *(entry.change_id for entry in entries)])
        self.n_polls += 1

    def run(self) -> None:
        while not self.is_over.is_set():
            self.poll()
        self.poll()


class Told:
    """The highest change id of the records of each item."""

    def __init__(self, tail: Tail) -> None:
        self.tail = tail
        self.last: Dict[Key, int] = defaultdict(int)

    def poll(self) -> None:
        for event in self.tail.poll(0.1):
            key = event.parent_source_key, event.source_key
            self.last[key] = max(self.last[key], event.change_id)

    def missed(self, entries: List[Entry]) -> List[Entry]:
        return [entry for entry in entries if self.last[entry.folder, entry.key] < entry.change_id]

    def wait(self, entries: List[Entry]) -> List[Entry]:
        """What is still missed when patience ends."""
        end = time.monotonic() + PATIENCE_SECONDS
        last_record = 0
        while self.missed(entries) and time.monotonic() < end:
            self.tail.check()
            self.poll()
            if self.tail.n_records > last_record:  # it is still coming
                last_record, end = self.tail.n_records, time.monotonic() + PATIENCE_SECONDS
        return self.missed(entries)


# --- one run --------------------------------------------------------------------------


class Hazard:
    def __init__(self, options: argparse.Namespace, notifications: str) -> None:
        self.options, self.notifications = options, notifications
        self.place = place.place_of(options)
        self.server = groupware.log_on(self.place)
        self.daemon = Daemon(self.place, [])
        self.daemon.configure([], partitions=1, snapshot="none", poll_ms=1, follow={"mode": "server"}, notifications=notifications)
        self.roots = {name: groupware.new_folder(self.server.user(name).store, self.daemon.prefix) for name in options.store}
        self.folders: Dict[str, List[Any]] = {name: [] for name in options.store}
        for i in range(options.writers):
            name = options.store[i % len(options.store)]
            self.folders[name] += [self.roots[name].create_folder(f"{what} {i}") for what in ("writer", "beside")]

    def all_folders(self) -> List[Any]:
        return [folder for folders in self.folders.values() for folder in folders]

    def follow(self) -> Told:
        """Until it surely follows."""
        self.daemon.start()
        told = Told(Tail(self.place.kafka, self.daemon.topic("items"), self.daemon.check))
        end = time.monotonic() + 60
        root = self.roots[self.options.store[0]]
        while not any(folder == groupware.key_of(root) for folder, _ in told.last):
            groupware.create(root, "is it followed?")
            told.poll()
            if time.monotonic() > end:
                raise TimeoutError(f"no record of {root.name}: {self.daemon.last_words()}")
        return told

    def run(self) -> bool:
        told = self.follow()
        journal, naive_journal = Journal(self.place), Journal(self.place)
        start = journal.maximum()
        naive = NaiveReader(naive_journal, start)
        writers = Writers(self.options.store, self.folders)
        naive.start()
        try:
            writers.run(self.options.seconds)
        finally:
            naive.is_over.set()
            naive.join()
        keys = {groupware.key_of(folder) for folder in self.all_folders()}
        everywhere = journal.after(start)
        entries = [entry for entry in everywhere if entry.folder in keys]
        missed = told.wait(entries)
        good = self.report(told, naive, entries, missed, len(everywhere) - len(entries))
        self.daemon.stop()
        good = mirror_check.report(told.tail.mirror, self.all_folders()) and good
        told.tail.close()
        return good

    def report(self, told: Told, naive: NaiveReader, entries: List[Entry], missed: List[Entry], n_elsewhere: int) -> bool:
        last: Dict[Key, int] = defaultdict(int)
        for entry in entries:
            last[entry.folder, entry.key] = max(last[entry.folder, entry.key], entry.change_id)
        differ = [key for key, change_id in last.items() if told.last[key] != change_id]
        n_naive = sum((entry.change_id, entry.key) not in naive.seen for entry in entries)
        print(f"notifications {self.notifications}: {len(entries)} entries of {len(last)} items in {len(self.all_folders())} folders, "
              f"{self.options.writers} writers, {self.options.seconds} s; {n_elsewhere} entries elsewhere")
        print(f"  Tidings: {told.tail.n_records} records, {len(missed)} entries missed ({100 * len(missed) / len(entries):.2f} %), "
              f"{len(differ)} items with another last id")
        print(f"  a naive reader: {naive.n_polls} polls, {n_naive} entries missed ({100 * n_naive / len(entries):.2f} %)", flush=True)
        for entry in missed[:SHOWN]:
            print(f"    {entry.key.hex()} @{entry.change_id} type {entry.type:#x}, last told @{told.last[entry.folder, entry.key]}")
        return not missed and not differ

    def clean(self, is_good: bool) -> None:
        for name, root in self.roots.items():
            groupware.remove_folders(self.server.user(name).store, [root])
        if self.daemon.is_running():
            self.daemon.kill()
        if is_good:
            self.daemon.remove()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    place.add_all(parser)
    parser.add_argument("--store", action="append", help="of whom; give one or more; default: user1 and user2")
    parser.add_argument("--writers", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--notifications", action="append", choices=("off", "wake"), help="default: first off, then wake")
    for name in ("--write", "--seed", "--folder"):  # of a writer's process
        parser.add_argument(name, action="append" if name == "--folder" else "store", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.store = options.store or ["user1", "user2"]
    return options


def main() -> int:
    options = arguments()
    if options.write:
        write(place.place_of(options), options.write, options.folder, int(options.seed))
        return 0
    results = []
    for notifications in options.notifications or ["off", "wake"]:
        hazard = Hazard(options, notifications)
        results.append(False)
        try:
            results[-1] = hazard.run()
        finally:
            hazard.clean(results[-1])
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
