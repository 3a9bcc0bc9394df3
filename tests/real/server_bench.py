#!/usr/bin/python3
"""How fast the daemon follows a whole server, beside python-kopano's server.sync of the same changes in the same run.

Half of the changes are new items, half modified ones, in two folders of each of two users. The daemon, which had
stopped, reads them in rounds, from the same state each time; its rate is that from the first window of 1,000 records to
the last, by the broker's clock. server.sync reads entry id and subject. The user must be a system administrator.
"""

import argparse
import json
import shutil
import statistics
import sys
import time
from pathlib import Path
from typing import List

import groupware
import place
from bench import Bench, Callbacks, Meter, modify
from daemon import Daemon

AIM = 20.0
NO_ADMINISTRATOR = 3  # the exit code
SYSTEM_ADMINISTRATOR = 2
FOLDERS_OF_EACH = 2
SEED_ITEMS = 100  # the others are copies of these


class Changes:
    """The folders, their changes, and who reads them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.place, self.rounds, self.json = place.place_of(options), options.rounds, options.json
        self.server = groupware.log_on(self.place)
        self.daemon = Daemon(self.place, [])
        follow = {"mode": "server", "folders": [f"{self.daemon.prefix}*"], "objects": ["items"]}
        self.daemon.configure([], snapshot="none", follow=follow)
        self.stores = [self.server.user(name).store for name in options.store]
        self.folders = [groupware.new_folder(store, f"{self.daemon.prefix} {i}") for store in self.stores for i in range(FOLDERS_OF_EACH)]
        self.n_each = options.changes // len(self.folders) // 2
        self.n = 2 * self.n_each * len(self.folders)

    def write(self, old: List[List[bytes]]) -> None:
        for folder, ids in zip(self.folders, old):
            for entry_id in ids:
                groupware.insist(lambda store=folder.store, entry_id=entry_id: modify(store, entry_id))
            groupware.fill(folder, 2 * self.n_each, SEED_ITEMS)

    def run(self) -> float:
        for folder in self.folders:
            groupware.fill(folder, self.n_each, SEED_ITEMS)
        old = [groupware.entry_ids(folder) for folder in self.folders]
        meter = Meter(self.place, self.daemon)
        Bench.settle(self.daemon, meter, self.folders[0])
        state = self.server.state
        self.write(old)
        saved = self.daemon.directory / "saved.db"
        shutil.copy(self.daemon.directory / "state.db", saved)
        rates = []
        for _ in range(self.rounds):
            self.daemon.forget()
            shutil.copy(saved, self.daemon.directory / "state.db")
            rates.append(Bench.changes_round(self.daemon, meter, self.n))
        return self.report(rates, self.server_sync(state))

    def server_sync(self, state: str) -> float:
        importer = Callbacks()
        began = time.monotonic()
        self.server.sync(importer, state)
        seconds = time.monotonic() - began
        if len(importer.seen) < self.n:
            raise RuntimeError(f"server.sync gave {len(importer.seen)} of {self.n} changes")
        return len(importer.seen) / seconds

    def report(self, rates: List[float], reference: float) -> float:
        rate = statistics.median(rates)
        print(f"{self.n} changes in {len(self.folders)} folders of {len(self.stores)} stores")
        print(f"  Tidings      {rate:10,.0f} changes/s   rounds: {', '.join(f'{one:,.0f}' for one in rates)}")
        print(f"  server.sync  {reference:10,.0f} changes/s")
        print(f"  ratio {rate / reference:.1f} (aim {AIM:.0f}){'' if rate / reference >= AIM else '  MISSED'}")
        if self.json:
            figures = {"changes": self.n, "rate": rate, "rounds": rates, "reference": reference, "ratio": rate / reference, "aim": AIM}
            self.json.write_text(json.dumps(figures, indent=1) + "\n")
        return rate / reference

    def remove(self) -> None:
        for folder in self.folders:
            groupware.remove_folders(folder.store, [folder])
        if self.daemon.is_running():
            self.daemon.kill()
        self.daemon.remove()


def is_administrator(where: place.Place) -> bool:
    if not where.password_file:
        return True  # SYSTEM
    return groupware.log_on(where).user(where.user).admin_level >= SYSTEM_ADMINISTRATOR


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    place.add_all(parser)
    parser.add_argument("--store", action="append", help="of whom; default: user1 and user2")
    parser.add_argument("--changes", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    options.store = options.store or ["user1", "user2"]
    if not is_administrator(place.place_of(options)):
        print(f"{options.user} is no system administrator", file=sys.stderr)
        return NO_ADMINISTRATOR
    changes = Changes(options)
    try:
        return 0 if changes.run() >= AIM else 1
    finally:
        changes.remove()


if __name__ == "__main__":
    sys.exit(main())
