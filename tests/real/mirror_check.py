#!/usr/bin/python3
"""Mirror = listing: what the records say is what the server has.

    mirror_check.py --prefix tidings FOLDER...      the topics PREFIX.items and PREFIX.deadletter

A mirror is built from the records alone (tests/mirror), the folders are listed through python-kopano, and every item is
compared: is it there, associated or not, its number, class, subject, read flag, size. Nothing may change meanwhile.
Exit code 1: they differ, or a promise of proto/README.md was broken.
"""

import argparse
import sys
from dataclasses import dataclass
from typing import Any, Dict, List

import groupware
import place
from MAPI import MAPI_ASSOCIATED
from MAPI.Tags import (
    PR_EC_HIERARCHYID,
    PR_MESSAGE_CLASS_W,
    PR_MESSAGE_FLAGS,
    PR_MESSAGE_SIZE,
    PR_SOURCE_KEY,
    PR_SUBJECT_W,
)
from topic import Mirror, mirror_of

COLUMNS = [PR_SOURCE_KEY, PR_EC_HIERARCHYID, PR_MESSAGE_CLASS_W, PR_SUBJECT_W, PR_MESSAGE_FLAGS, PR_MESSAGE_SIZE]
CUT = 255  # characters, where a table cuts text
SHOWN = 10


@dataclass
class Listed:
    associated: bool
    item_number: int
    message_class: str
    subject: str
    read: bool
    size_bytes: int


def value(row: List[Any], column: int) -> Any:
    """None for an error cell."""
    cell = row[column]
    return cell.Value if cell.ulPropTag == COLUMNS[column] else None


def listing(folder: Any, associated: bool = False) -> Dict[bytes, Listed]:
    """All items of the folder as the server has them: source key -> properties."""
    items = {}
    for is_associated in (False, True)[: 2 if associated else 1]:
        table = folder.mapiobj.GetContentsTable(MAPI_ASSOCIATED if is_associated else 0)
        for row in groupware.rows(table, COLUMNS):
            items[value(row, 0)] = Listed(is_associated, value(row, 1), value(row, 2) or "", value(row, 3) or "",
                                          bool(value(row, 4) & groupware.MSGFLAG_READ), value(row, 5))
    return items


def is_equal(name: str, server: Any, mirror: Any) -> bool:
    if name == "subject" and len(server) >= CUT:
        return mirror[: len(server)] == server
    return server == mirror


def differences_of_item(listed: Listed, entry: Any) -> List[str]:
    if not entry.complete:
        return ["the mirror has no content, which the server has"]
    return [f"{name}: server {here!r}, mirror {getattr(entry, name)!r}"
            for name, here in vars(listed).items() if not is_equal(name, here, getattr(entry, name))]


def differences(mirror: Mirror, folder: Any, associated: bool = False) -> List[str]:
    """Between the mirror and the folder; none: []."""
    server, known = listing(folder, associated), mirror.folders.get(groupware.key_of(folder), {})
    found = [f"{key.hex()}: only on the server" for key in server.keys() - known.keys()]
    found += [f"{key.hex()}: only in the mirror ({known[key].subject})" for key in known.keys() - server.keys()]
    for key in server.keys() & known.keys():
        found += [f"{key.hex()}: {text}" for text in differences_of_item(server[key], known[key])]
    return found


def report(mirror: Mirror, folders: List[Any], associated: bool = False) -> bool:
    """Prints the comparison; True if all is well."""
    good = True
    for folder in folders:
        found = differences(mirror, folder, associated)
        n = len(mirror.folders.get(groupware.key_of(folder), {}))
        print(f"mirror {'=' if not found else 'DIFFERS FROM'} listing: {folder.name}, {n} items")
        print("".join(f"  {text}\n" for text in found[:SHOWN]), end="")
        good = good and not found
    print("records:", ", ".join(f"{name} {n}" for name, n in sorted(mirror.counts.items())))
    violations = mirror.finish()
    print("".join(f"  VIOLATION {text}\n" for text in violations[:SHOWN]), end="")
    return good and not violations


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    place.add_all(parser)
    parser.add_argument("--prefix", default="tidings", help="of the topics")
    parser.add_argument("--associated", action="store_true", help="associated items are followed too")
    parser.add_argument("folder", nargs="+", help="path below the IPM subtree")
    options = parser.parse_args()
    where = place.place_of(options)
    store = groupware.open_store(where)
    folders = [groupware.find_folder(store, path) for path in options.folder]
    if None in folders:
        parser.error("no such folder")
    return 0 if report(mirror_of(where.kafka, options.prefix), folders, options.associated) else 1


if __name__ == "__main__":
    sys.exit(main())
