"""Many folders of many stores into files: what a consumer has built of folders, stores and items is what the server has.

A test is a WholeTest: it has a daemon of a system administrator, who follows the server, unless it says otherwise, and
ends with assert_whole().
"""

import time
from typing import Any

from fake import Folder
from files import FileDaemonTest
from harness import PASSWORD, Listing, differences
from topics import change
from waiting import SECONDS

FOLDER, STORE = change.OBJECT_TYPE_FOLDER, change.OBJECT_TYPE_STORE
SUBTREE = "IPM_SUBTREE"
GENERIC = 1

Known = dict[bytes, tuple[str, ...]]


def escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace("/", "\\/")


class WholeTest(FileDaemonTest):
    user = "boss"
    level = 2
    discover_ms = 60000
    follow: dict[str, Any] = {"mode": "server"}
    hidden_names = ("Conversation Action Settings", "Quick Step Settings")

    def setUp(self) -> None:
        super().setUp()
        if self.user == "boss":
            self.fake.add_user("boss", PASSWORD, admin=self.level)

    def default_config(self) -> dict[str, Any]:
        config = super().default_config()
        config["source"]["kopano"] |= {"settle_ms": 200, "discover_interval_ms": self.discover_ms}
        return config

    # ---- what the server has ----

    def stores(self) -> list[str]:
        """Those that are followed, as the fake server calls them."""
        named = self.config["follow"].get("stores")
        return named or list(self.all_stores)

    all_stores = ("user1", "user2", "admin1", "boss", "public")

    def is_wanted(self, path: str, class_: str) -> bool:
        """A test that follows less says what."""
        return True

    def server_folders(self) -> Known:
        """Path, name and class of each folder that is followed, by its key."""
        return {key: known for store in self.stores() for key, known in self.folders_of(store).items()}

    def folders_of(self, store: str) -> Known:
        rows = [r for r in self.fake.do("folders", store=store)["folders"] if not r["deleted"]]
        below: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            below.setdefault(row.get("parent", ""), []).append(row)
        (top,) = [r["key"] for r in rows if r.get("name") == SUBTREE]
        found: Known = {}
        self._collect(below, top, "", found)
        return found

    def _collect(self, below: dict[str, list[dict[str, Any]]], parent: str, prefix: str, found: Known) -> None:
        for row in below.get(parent, []):
            if row["name"] in self.hidden_names or row["type"] != GENERIC:
                continue
            path, class_ = prefix + escaped(row["name"]), row.get("class", "")
            if self.is_wanted(path, class_):
                found[bytes.fromhex(row["key"])] = (path, row["name"], class_)
            self._collect(below, row["key"], path + "/", found)

    def server_lists(self) -> dict[bytes, Listing]:
        return {
            key: {i.key: (i.number, i.subject, i.read, i.associated) for i in self.fake.listing(key.hex()) if not i.associated}
            for key in self.server_folders()
        }

    # ---- what the consumer has ----

    def mirror_folders(self) -> Known:
        known = self.topics.mirror.objects[FOLDER]
        return {key: (p.path, p.name, p.container_class) for key, p in known.items()}

    def whole_differences(self) -> list[str]:
        folders, found = self.server_folders(), self.mirror_folders()
        wrong = [
            f"folder {k.hex()}: server {folders.get(k)}, mirror {found.get(k)}"
            for k in sorted(folders.keys() | found.keys())
            if folders.get(k) != found.get(k)
        ]
        server, mirror = self.server_lists(), self.mirror_lists()
        for key in server.keys() | mirror.keys():
            wrong += differences(server.get(key, {}), mirror.get(key, {}))
        return wrong

    def wait_for_whole(self, seconds: float = SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while wrong := self.whole_differences():
            if time.monotonic() > deadline:
                raise AssertionError("\n".join([f"the mirror equals the server, but for {len(wrong)}", *wrong[:20]]))
            self.topics.pump()

    def wait_for_listings(self) -> None:
        """Also of folders without items."""
        wanted = self.server_folders().keys()

        def listed() -> set[bytes]:
            return {e.parent_source_key for e in self.topics.of_kind(change.KIND_SNAPSHOT_END)}

        self.wait_for_records(lambda t: wanted <= listed(), "every folder is listed")

    def assert_whole(self) -> None:
        """Also after everything was sent and said."""
        self.wait_for_whole()
        if self.daemon.running():
            self.assertEqual(self.daemon.stop(), 0)
        self.topics.read_to_end()
        self.assertEqual(self.whole_differences()[:20], [])
        self.assertEqual(self.topics.mirror.finish()[:20], [])

    # ---- records ----

    def folder_records(self, folder: Folder | bytes, since: int = 0) -> list[change.ChangeEvent]:
        key = folder.key if isinstance(folder, Folder) else folder
        return [e for e in self.topics.folders[since:] if e.source_key == key and e.object_type == FOLDER]

    def store_records(self) -> list[change.ChangeEvent]:
        return [e for e in self.topics.folders if e.object_type == STORE]

    def wait_for_folder(self, folder: Folder, kind: int, since: int = 0) -> change.ChangeEvent:
        self.wait_for_records(
            lambda t: any(e.kind == kind for e in self.folder_records(folder, since)), f"kind {kind} of {folder.path}"
        )
        return [e for e in self.folder_records(folder, since) if e.kind == kind][-1]

    def brackets(self, folder: Folder, since: int = 0) -> list[int]:
        """Begins and ends of listings of its items; an end of the folder has a pair of its own."""
        bounds = (change.KIND_SNAPSHOT_BEGIN, change.KIND_SNAPSHOT_END)
        return [e.kind for e in self.topics.events[since:] if e.parent_source_key == folder.key and e.kind in bounds]

    def new_folder(self, store: str, parent: str, name: str, **more: Any) -> Folder:
        self.fake.create_folder(f"{store}/{parent}", name, **more)
        return self.fake.folder(store, f"{parent}/{escaped(name)}" if parent else escaped(name))
