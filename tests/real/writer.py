#!/usr/bin/python3
"""Changes of every kind at full speed: the load of the campaigns. One writer per store: more make the server deadlock.

    writer.py --folder A --folder B --changes 20000 --seed 7

Creates, modifies, marks, deletes (soft and hard, one and many at once), moves, copies and restores items of two or more
folders, at random. Prints how many changes were made so far, a number per line; each item of a bulk operation counts.
"""

import argparse
import random
import sys
import time
from typing import Any, Callable, Dict, List, Tuple

import groupware
import kopano
import place
from groupware import Folder
from MAPI import CLEAR_READ_FLAG, DELETE_HARD_DELETE, MESSAGE_MOVE
from MAPI.Struct import MAPIError

BULK = 50
REFRESH = 500  # changes, after which the folders are listed anew: moves and copies make new items
TRIES = 8

Act = Callable[[Folder], int]


class Writer:
    """`known` holds the entry ids of items that should exist, per folder."""

    def __init__(self, folders: List[Folder], seed: int) -> None:
        self.folders = folders
        self.random = random.Random(seed)
        self.known: Dict[str, List[bytes]] = {}
        self.n_changes = 0
        self.n_created = 0
        self.refresh()

    def refresh(self) -> None:
        self.known = {folder.name: groupware.entry_ids(folder) for folder in self.folders}

    def take(self, folder: Folder, n: int) -> List[bytes]:
        """Some items that are about to leave the folder."""
        ids = self.known[folder.name]
        self.random.shuffle(ids)
        taken, self.known[folder.name] = ids[:n], ids[n:]
        return taken

    def some(self, folder: Folder) -> bytes:
        return self.random.choice(self.known[folder.name])

    def elsewhere(self, folder: Folder) -> Folder:
        return self.random.choice([other for other in self.folders if other.name != folder.name])

    def create(self, folder: Folder) -> int:
        self.n_created += 1
        is_read = self.random.random() < 0.5
        self.known[folder.name].append(groupware.create(folder, f"created {self.n_created}", is_read))
        return 1

    def modify(self, folder: Folder) -> int:
        groupware.item(folder, self.some(folder)).subject = f"modified {self.n_changes}"
        return 1

    def mark(self, folder: Folder) -> int:
        """Not every one is a change: some have that flag."""
        flags = self.random.choice((0, CLEAR_READ_FLAG))
        folder.mapiobj.SetReadFlags([self.some(folder)], 0, None, flags)
        return 1

    def delete(self, folder: Folder, n: int = 1) -> int:
        taken = self.take(folder, n)
        folder.mapiobj.DeleteMessages(taken, 0, None, self.random.choice((0, DELETE_HARD_DELETE)))
        return len(taken)

    def copy(self, folder: Folder, n: int = 1, flags: int = 0) -> int:
        taken = self.take(folder, n)
        folder.mapiobj.CopyMessages(taken, None, self.elsewhere(folder).mapiobj, 0, None, flags)
        return len(taken)

    def move(self, folder: Folder, n: int = 1) -> int:
        return self.copy(folder, n, MESSAGE_MOVE)

    def restore(self, folder: Folder) -> int:
        ids = groupware.entry_ids(folder.deleted)[:2]
        if ids:
            folder.deleted.mapiobj.CopyMessages(ids, None, folder.mapiobj, 0, None, MESSAGE_MOVE)
        return len(ids)

    def acts(self) -> List[Tuple[int, Act]]:
        """With their weights: the folders keep about their size."""
        return [
            (320, self.create),
            (300, self.modify),
            (200, self.mark),
            (60, self.delete),
            (100, self.move),
            (20, self.copy),
            (10, self.restore),
            (2, lambda folder: self.delete(folder, BULK)),
            (2, lambda folder: self.move(folder, BULK)),
            (1, lambda folder: self.copy(folder, BULK)),
        ]

    def change(self) -> None:
        """One operation; after a refusal (deadlock, restart of the server) another one, on fresh lists."""
        weights, acts = zip(*self.acts())
        for attempt in range(TRIES):
            folder = self.random.choice(self.folders)
            (act,) = self.random.choices(acts, weights)
            if len(self.known[folder.name]) < 2:
                act = self.create
            try:
                if attempt:
                    time.sleep(0.05 * 2**attempt)  # as any client does
                    self.refresh()
                self.n_changes += act(folder)
                return
            except (MAPIError, kopano.errors.Error) as error:
                print(f"writer: {error}", file=sys.stderr)
        raise SystemExit("writer: too many errors")

    def run(self, n_changes: int) -> None:
        refreshed = 0
        while self.n_changes < n_changes:
            if self.n_changes >= refreshed + REFRESH:
                self.refresh()
                refreshed = self.n_changes
            self.change()
            print(self.n_changes, flush=True)


def arguments() -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    place.add_kopano(parser)
    parser.add_argument("--folder", action="append", required=True, help="path; give two or more")
    parser.add_argument("--changes", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> int:
    options = arguments()
    store = groupware.open_store(place.place_of(options))
    folders = [groupware.find_folder(store, path) for path in options.folder]
    if None in folders or len(folders) < 2:
        raise SystemExit("writer: two folders that exist are needed")
    Writer(folders, options.seed).run(options.changes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
