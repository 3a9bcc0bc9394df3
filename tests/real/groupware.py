"""What the scripts do to a Kopano server, through python-kopano."""

import os
import time
from typing import Any, Callable, Iterable, List, Optional

import kopano
from MAPI import DELETE_HARD_DELETE, KEEP_OPEN_READONLY, MAPI_ASSOCIATED
from MAPI.Struct import MAPIErrorDiskError, SPropValue
from MAPI.Tags import (
    PR_BODY_W,
    PR_ENTRYID,
    PR_INTERNET_MESSAGE_ID_W,
    PR_MESSAGE_CLASS_W,
    PR_MESSAGE_DELIVERY_TIME,
    PR_MESSAGE_FLAGS,
    PR_SENDER_ADDRTYPE_W,
    PR_SENDER_EMAIL_ADDRESS_W,
    PR_SENDER_NAME_W,
    PR_SENT_REPRESENTING_ADDRTYPE_W,
    PR_SENT_REPRESENTING_EMAIL_ADDRESS_W,
    PR_SENT_REPRESENTING_NAME_W,
    PR_SUBJECT_W,
)
from MAPI.Time import unixtime

from place import Place

BATCH = 1000
TRIES = 5
MSGFLAG_READ = 1

Folder = Any  # python-kopano has no types
Item = Any
Store = Any


def log_on(place: Place) -> Any:
    """A session; without a password that of the process's own user (unix socket)."""
    if place.ca_file:
        os.environ["SSL_CERT_FILE"] = str(place.ca_file)
    if not place.password_file:
        return kopano.server(server_socket=place.url)
    return kopano.server(server_socket=place.url, auth_user=place.user, auth_pass=place.password())


def open_store(place: Place) -> Store:
    return log_on(place).user(place.user).store


def new_folder(store: Store, name: str) -> Folder:
    return store.subtree.create_folder(name)


def find_folder(store: Store, path: str) -> Optional[Folder]:
    return store.get_folder(path)


def remove_folders(store: Store, folders: Iterable[Folder]) -> None:
    for folder in folders:
        store.subtree.delete(folder)


def key_of(thing: Any) -> bytes:
    """The source key of an item or folder."""
    return bytes.fromhex(thing.sourcekey)


def envelope(subject: str, read: bool) -> List[SPropValue]:
    now = unixtime(int(time.time()))
    name, address = "Marta Sample", "marta@example.com"
    return [
        SPropValue(PR_MESSAGE_CLASS_W, "IPM.Note"),
        SPropValue(PR_SUBJECT_W, subject),
        SPropValue(PR_BODY_W, f"The body of {subject}.\r\n" * 4),
        SPropValue(PR_MESSAGE_DELIVERY_TIME, now),
        SPropValue(PR_MESSAGE_FLAGS, MSGFLAG_READ if read else 0),
        SPropValue(PR_SENDER_NAME_W, name),
        SPropValue(PR_SENDER_ADDRTYPE_W, "SMTP"),
        SPropValue(PR_SENDER_EMAIL_ADDRESS_W, address),
        SPropValue(PR_SENT_REPRESENTING_NAME_W, name),
        SPropValue(PR_SENT_REPRESENTING_ADDRTYPE_W, "SMTP"),
        SPropValue(PR_SENT_REPRESENTING_EMAIL_ADDRESS_W, address),
        SPropValue(PR_INTERNET_MESSAGE_ID_W, f"<{subject.replace(' ', '.')}.{now.filetime}@example.com>"),
    ]


def create(folder: Folder, subject: str, read: bool = False, associated: bool = False) -> bytes:
    """Creates an item with one save, three times as quick as create_item; returns its entry id."""
    message = folder.mapiobj.CreateMessage(None, MAPI_ASSOCIATED if associated else 0)
    message.SetProps(envelope(subject, read))
    message.SaveChanges(KEEP_OPEN_READONLY)
    return message.GetProps([PR_ENTRYID], 0)[0].Value


def item(folder: Folder, entry_id: bytes) -> Item:
    return folder.item(entryid=entry_id.hex())


def rows(table: Any, columns: List[int]) -> Iterable[List[SPropValue]]:
    """All rows of a MAPI table."""
    table.SetColumns(columns, 0)
    while True:
        page = table.QueryRows(BATCH, 0)
        if not page:
            return
        yield from page


def entry_ids(folder: Folder, flags: int = 0) -> List[bytes]:
    return [row[0].Value for row in rows(folder.mapiobj.GetContentsTable(flags), [PR_ENTRYID])]


def insist(write: Callable[[], Any]) -> Any:
    """Writers, even of two stores, can deadlock in the server's database; one of them is then refused."""
    for _ in range(TRIES - 1):
        try:
            return write()
        except MAPIErrorDiskError:
            pass
    return write()


def copy_all(source: Folder, target: Folder, n: int) -> None:
    """Copies n of the items, on the server."""
    ids = entry_ids(source)[:n]
    for at in range(0, len(ids), BATCH):
        source.mapiobj.CopyMessages(ids[at:at + BATCH], None, target.mapiobj, 0, None, 0)


def fill(folder: Folder, n: int, seed_items: int = 500) -> None:
    """Brings the folder to n items: a few are created, then copied on the server."""
    have = len(entry_ids(folder))
    for i in range(have, min(n, seed_items)):
        insist(lambda i=i: create(folder, f"filling {i}", read=i % 3 == 0))
        have += 1
    while have < n:
        insist(lambda: copy_all(folder, folder, n - len(entry_ids(folder))))
        have = len(entry_ids(folder))


def purge(folder: Folder, ids: List[bytes]) -> None:
    """Removes soft-deleted items for good."""
    folder.deleted.mapiobj.DeleteMessages(ids, 0, None, DELETE_HARD_DELETE)
