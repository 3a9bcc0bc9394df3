"""The fake Kopano server (tests/fakekopano/README.md): its process, and its control channel as functions."""

import http.client
import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterable, Optional

from ports import free_port
from process import BUILD


@dataclass(frozen=True)
class Folder:
    """A folder of a store; it stays what it is when it is renamed."""

    store: str
    path: str
    key: bytes


@dataclass(frozen=True)
class Item:
    """What the server says of an item; `folder` in any form that commands take."""

    folder: str
    key: bytes
    number: int
    entry_id: bytes = b""
    subject: str = ""
    read: bool = False
    associated: bool = False


Place = str | Folder


def place_text(place: Place) -> str:
    return place.key.hex() if isinstance(place, Folder) else place


class FakeServer:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.tls_port: Optional[int] = None
        self.process: Optional[subprocess.Popen] = None

    # ---- the process ----

    def start(self, *arguments: str) -> None:
        """An empty world; on the port that it had before."""
        log = self.directory / "fake.log"
        with open(log, "ab") as err:
            self.process = subprocess.Popen(
                [BUILD / "fakekopano", "--port", str(self.port), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=err,
                text=True,
            )
        ready = json.loads(self.process.stdout.readline())
        self.port, self.tls_port = ready["port"], ready.get("tls_port")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    # ---- the control channel ----

    def do(self, verb: str, **arguments: Any) -> dict[str, Any]:
        line = json.dumps({"do": verb, **{k: v for k, v in arguments.items() if v is not None}})
        (answer,) = self.do_lines([line])
        return answer

    def do_lines(self, lines: Iterable[str]) -> list[dict[str, Any]]:
        """Commands in one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", "/control", "\n".join(lines) + "\n")
            answers = [json.loads(line) for line in connection.getresponse().read().splitlines()]
        finally:
            connection.close()
        for answer in answers:
            if "error" in answer:
                raise ValueError(answer["error"])
        return answers

    # ---- users and folders ----

    def add_user(self, name: str, password: str, admin: int = 0) -> None:
        """With a store. user1, user2 and admin1 are there from the start."""
        self.do("user-create", name=name, password=password, admin=admin)

    def change_user(self, name: str, **changed: Any) -> None:
        """full_name, mail, admin, password, or a new name."""
        self.do("user-change", user=name, **changed)

    def delete_user(self, name: str) -> None:
        """Its store is detached."""
        self.do("user-delete", user=name)

    def add_group(self, name: str, members: Iterable[str] = ()) -> None:
        self.do("group-create", name=name, members=list(members))

    def change_group(self, name: str, **changed: Any) -> None:
        self.do("group-change", group=name, **changed)

    def delete_group(self, name: str) -> None:
        self.do("group-delete", group=name)

    def join_group(self, group: str, user: str) -> None:
        self.do("group-add", group=group, user=user)

    def leave_group(self, group: str, user: str) -> None:
        self.do("group-remove", group=group, user=user)

    def add_store(self, user: str) -> None:
        self.do("store-create", user=user)

    def detach_store(self, store: str) -> None:
        """Of a user, or by its GUID in hex."""
        self.do("store-detach", store=store)

    def attach_store(self, store: str, user: Optional[str] = None) -> None:
        self.do("store-attach", store=store, user=user)

    def remove_store(self, store: str, purge: bool = False) -> None:
        """Without purge its folders can still be read by their ids."""
        self.do("store-remove", store=store, purge=purge)

    def set_password(self, name: str, password: str) -> None:
        self.do("user-change", user=name, password=password)

    def grant(self, folder: Place, user: str, rights: str = "read visible") -> None:
        self.do("right", folder=place_text(folder), user=user, rights=rights)

    def revoke(self, folder: Place, user: str) -> None:
        """The right to read; the folder can still be seen."""
        self.grant(folder, user, "visible")

    def folder(self, store: str, path: str) -> Folder:
        """By its path as the configuration has it, where a slash in a name is escaped."""
        folders = [f for f in self.do("folders", store=store)["folders"] if not f["deleted"]]
        (key,) = [f["key"] for f in folders if f.get("name") == "IPM_SUBTREE"]
        for name in re.split(r"(?<!\\)/", path):
            (key,) = [f["key"] for f in folders if f.get("parent") == key and f.get("name") == name.replace("\\/", "/")]
        return Folder(store, path, bytes.fromhex(key))

    def listing(self, folder: Place) -> list[Item]:
        """What a client of the server sees in it, oldest first."""
        place = place_text(folder)
        return [
            Item(place, bytes.fromhex(i["key"]), i["number"], bytes.fromhex(i["entry_id"]), i.get("subject", ""), i["read"], i["associated"])
            for i in self.do("list", folder=place)["items"]
        ]

    def create_folder(self, parent: Place, name: str, **more: Any) -> None:
        """class, comment, hidden; type=2 is a search folder."""
        self.do("folder-create", parent=place_text(parent), name=name, **more)

    def rename_folder(self, folder: Folder, name: str) -> None:
        self.do("folder-change", folder=place_text(folder), name=name)

    def change_folder(self, folder: Place, **changed: Any) -> None:
        """class, comment, hidden."""
        self.do("folder-change", folder=place_text(folder), **changed)

    def move_folder(self, folder: Place, to: Place) -> None:
        """Into another store: it becomes another folder."""
        self.do("folder-move", folder=place_text(folder), to=place_text(to))

    def copy_folder(self, folder: Place, to: Place) -> None:
        self.do("folder-copy", folder=place_text(folder), to=place_text(to))

    def restore_folder(self, folder: Folder) -> None:
        self.do("folder-restore", folder=place_text(folder))

    def inherit(self, folder: Place, user: str) -> None:
        """The folders above decide about his rights."""
        self.grant(folder, user, "inherit")

    def delete_folder(self, folder: Place, hard: bool = False) -> None:
        self.do("folder-delete", folder=place_text(folder), hard=hard)

    # ---- items ----

    def _items(self, place: Place, answer: dict[str, Any]) -> list[Item]:
        folder = place_text(place)
        return [
            Item(folder, bytes.fromhex(i["key"]), i["number"], bytes.fromhex(i["entry_id"])) for i in answer.get("items", [])
        ]

    def create(self, folder: Place, n: int = 1, subject: str = "item %d", **content: Any) -> list[Item]:
        """The items, if they are not more than a thousand."""
        return self._items(folder, self.do("create", folder=place_text(folder), n=n, subject=subject, **content))

    def change(self, item: Item, **content: Any) -> None:
        self.do("change", folder=item.folder, items=[item.key.hex()], **content)

    def read(self, item: Item, read: bool) -> None:
        self.do("read" if read else "unread", folder=item.folder, items=[item.key.hex()])

    def move(self, item: Item, to: Place) -> list[Item]:
        return self._items(to, self.do("move", folder=item.folder, items=[item.key.hex()], to=place_text(to)))

    def copy(self, item: Item, to: Place) -> list[Item]:
        return self._items(to, self.do("copy", folder=item.folder, items=[item.key.hex()], to=place_text(to)))

    def delete(self, item: Item, hard: bool) -> None:
        self.do("delete", folder=item.folder, items=[item.key.hex()], hard=hard)

    def delete_all(self, folder: Place, hard: bool = True) -> None:
        """In one operation."""
        self.do("delete", folder=place_text(folder), all=True, hard=hard)

    def restore(self, item: Item) -> list[Item]:
        return self._items(item.folder, self.do("restore", folder=item.folder, items=[item.key.hex()]))

    def purge(self, folder: Place) -> None:
        self.do("purge", folder=place_text(folder), all=True)

    def purge_server(self) -> None:
        """All that is soft-deleted goes, folders too."""
        self.do("purge-server")

    def backlog(self, n: int, kind: str = "mixed") -> int:
        """Changes spread over all folders: "read", "delete", "create" or "mixed". How many it could make."""
        return self.do("backlog", n=n, kind=kind)["n"]

    def lively(self, per_second: float, seconds: int = 0, seed: int = 1, user: str = "user1") -> None:
        """A mailbox in use, for ever or for that long; 0 per second ends it."""
        self.do("lively", user=user, per_second=per_second, seconds=seconds, seed=seed)

    def refuse(self, item: Item, error: str | int) -> None:
        """Every read of the item fails; 0: no longer."""
        self.do("refuse", folder=item.folder, items=[item.key.hex()], error=error)

    # ---- faults ----

    def fault(self, kind: str, method: Optional[str] = None, n: int = 0, times: int = 1, after: int = 0) -> None:
        self.do("fault", kind=kind, method=method, n=n, times=times, after=after)

    def calls(self, method: str) -> int:
        """How many it has been asked for, answered or not."""
        return self.do("stats")["calls"].get(method, 0)

    def clear_faults(self) -> None:
        self.do("clear-faults")

    def expire_sessions(self) -> None:
        self.do("expire-sessions")

    def expire_syncs(self, ids: Optional[list[int]] = None) -> None:
        """All, or some."""
        self.do("expire-syncs", ids=ids)

    def advance(self, seconds: float) -> None:
        """That time has gone by on the server's clock."""
        self.do("advance", ms=int(seconds * 1000))

    def mark(self, name: str = "") -> None:
        self.do("mark", name=name)

    def restore_mark(self, name: str = "") -> None:
        """The server is restored to its state at the mark, as from a backup."""
        self.do("restore-mark", name=name)

    def change_guid(self) -> None:
        self.do("new-guid")

    def hold(self, place: Optional[Place] = None, ms: int = 0) -> None:
        """Commands about that folder, or any, take their ids now and become visible in ms, or upon release()."""
        self.do("hold", folder=place_text(place) if place else None, ms=ms)

    def release(self, order: str = "first", keep: bool = False) -> None:
        self.do("release", order=order, keep=keep)

    def lag(self, ms: int, items: bool = False) -> None:
        """Entries, or those of items alone, appear in the journal so much later than everything else says that they are there."""
        self.do("lag", ms=ms, items=items)

    def idle_polls(self, idle: str = "answer", ms: Optional[int] = None) -> None:
        """What a long poll comes to after that time without an event: "answer", "never" or "close"."""
        self.do("poll", idle=idle, idle_ms=ms)

    def subscriptions(self) -> int:
        return self.do("stats")["subscriptions"]

    def polls(self) -> int:
        """Long polls that wait now."""
        return self.do("stats")["polls"]

    def queued(self) -> int:
        """Notifications that no poll has fetched."""
        return self.do("stats")["queued"]

    def restart(self) -> None:
        """As seen by clients: connections and sessions are gone, the data is there."""
        self.do("restart")

    def reload_tables(self) -> None:
        self.do("reload-tables")
