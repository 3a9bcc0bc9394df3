"""Every row of the folder table: what is done, through python-kopano, to two folders A and B.

A row is prepared, then acted in one or several steps; after each step both sides are asked what they saw.
"""

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List

import groupware
from MAPI import KEEP_OPEN_READWRITE
from groupware import Folder, Item


@dataclass
class Stage:
    """The two folders, and what a row's preparation left for its steps."""

    store: Any
    a: Folder
    b: Folder
    other_user: Any  # somebody to give a permission to
    items: Dict[str, bytes] = field(default_factory=dict)  # name -> entry id, in A

    def put(self, name: str, read: bool = False, associated: bool = False) -> None:
        """A new item in A."""
        self.items[name] = groupware.create(self.a, name, read, associated)

    def item(self, name: str) -> Item:
        return groupware.item(self.a, self.items[name])


Act = Callable[[Stage], None]


def nothing(stage: Stage) -> None:
    pass


@dataclass(frozen=True)
class Row:
    name: str
    steps: List[Act]
    prepare: Act = nothing


def unread_item(stage: Stage) -> None:
    stage.put("it")


def read_item(stage: Stage) -> None:
    stage.put("it", read=True)


def deleted_item(stage: Stage) -> None:
    unread_item(stage)
    soft_delete(stage)


def three_items(stage: Stage) -> None:
    for name in ("one", "two", "three"):
        stage.put(name)


def associated_item(stage: Stage) -> None:
    stage.put("hidden", associated=True)


def create(stage: Stage) -> None:
    stage.put("it")


def modify(stage: Stage) -> None:
    item = stage.item("it")
    item.subject = "it, first"
    item.create_attachment("note.txt", b"text")
    item.to = "somebody@example.com"
    item.mapiobj.SaveChanges(KEEP_OPEN_READWRITE)  # nothing changed
    item.subject = "it, last"


def create_modify_unread(stage: Stage) -> None:
    stage.put("it", read=True)
    modify(stage)
    stage.item("it").read = False


def mark(read: bool) -> Act:
    def act(stage: Stage) -> None:
        stage.item("it").read = read

    return act


def unread_then_read(stage: Stage) -> None:
    stage.item("it").read = False
    stage.item("it").read = True


def modify_and_read(stage: Stage) -> None:
    stage.item("it").subject = "it, modified"
    stage.item("it").read = True


def read_and_modify(stage: Stage) -> None:
    stage.item("it").read = True
    stage.item("it").subject = "it, modified"


def soft_delete(stage: Stage) -> None:
    stage.a.delete(stage.item("it"), soft=True)


def hard_delete(stage: Stage) -> None:
    stage.a.delete(stage.item("it"))


def purge(stage: Stage) -> None:
    groupware.purge(stage.a, [stage.items["it"]])


def soft_delete_and_purge(stage: Stage) -> None:
    soft_delete(stage)
    purge(stage)


def create_and_delete(stage: Stage) -> None:
    create(stage)
    hard_delete(stage)


def unread_and_delete(stage: Stage) -> None:
    stage.item("it").read = False
    soft_delete(stage)


def move(stage: Stage) -> None:
    stage.a.move(stage.item("it"), stage.b)


def move_and_back(stage: Stage) -> None:
    before = set(groupware.entry_ids(stage.b))
    move(stage)
    (moved,) = set(groupware.entry_ids(stage.b)) - before
    stage.b.move(groupware.item(stage.b, moved), stage.a)


def copy(stage: Stage) -> None:
    stage.a.copy(stage.item("it"), stage.b)


def restore(stage: Stage) -> None:
    deleted = stage.a.deleted
    deleted.move(groupware.item(deleted, stage.items["it"]), stage.a)


def empty(stage: Stage) -> None:
    stage.a.empty()


def rename(stage: Stage) -> None:
    name = stage.a.name
    stage.a.name = name + " renamed"
    stage.a.permission(stage.other_user, create=True).rights = ["read_items", "folder_visible"]
    stage.a.name = name


def modify_hidden(stage: Stage) -> None:
    stage.item("hidden").subject = "hidden, modified"


def delete_hidden(stage: Stage) -> None:
    stage.a.delete(stage.item("hidden"))


ROWS = [
    Row("create", [create]),
    Row("modify, several saves", [modify], unread_item),
    Row("create + modify + unread", [create_modify_unread]),
    Row("read", [mark(True)], unread_item),
    Row("unread", [mark(False)], read_item),
    Row("unread, then read again", [unread_then_read], read_item),
    Row("modify + read flag", [modify_and_read], unread_item),
    Row("read flag + modify", [read_and_modify], unread_item),
    Row("mark read when read", [mark(True)], read_item),
    Row("soft delete", [soft_delete], unread_item),
    Row("hard delete", [hard_delete], unread_item),
    Row("soft delete; purge", [soft_delete, purge], unread_item),
    Row("soft delete + purge", [soft_delete_and_purge], unread_item),
    Row("create + delete", [create_and_delete]),
    Row("unread + delete", [unread_and_delete], read_item),
    Row("move A -> B", [move], unread_item),
    Row("move A -> B -> A", [move_and_back], unread_item),
    Row("copy A -> B", [copy], unread_item),
    Row("restore", [restore], deleted_item),
    Row("rename, permissions", [rename], unread_item),
    Row("associated: create", [associated_item]),
    Row("associated: modify", [modify_hidden], associated_item),
    Row("associated: delete", [delete_hidden], associated_item),
    Row("empty the folder", [empty], three_items),
]

ASSOCIATED_ROWS = [
    Row("with associated: create", [associated_item]),
    Row("with associated: modify", [modify_hidden], associated_item),
    Row("with associated: delete", [delete_hidden], associated_item),
    Row("with associated: normal item", [create]),
]
