"""What a consumer of the file sink sees: the records of its files, in order, and the mirror that they make."""

import struct
import time
from pathlib import Path
from typing import Iterator

from topics import Topics, change, dead_letter, lifecycle

__all__ = ["FileTopics", "change", "dead_letter", "lifecycle"]

KINDS = ("items", "folders", "addressbook", "lifecycle", "deadletter", "notifications")
LENGTH = struct.Struct("<I")
MAX_PASSES = 100


class FileTopics(Topics):
    """The same view as that of Kafka's topics."""

    def __init__(self, directory: Path) -> None:
        super().__init__("", {kind: kind for kind in KINDS}, 1)
        self.directory = directory
        self.at = {kind: 0 for kind in KINDS}
        self.folders: list[change.ChangeEvent] = []  # of folders and stores
        self.notifications: list[change.ChangeEvent] = []

    def pump(self, seconds: float = 0.002) -> int:
        n_records = self._read_new()
        if not n_records:
            time.sleep(seconds)
        return n_records

    def read_to_end(self) -> None:
        self._read_new()

    def _read_new(self) -> int:
        """With a record of one file everything is read that was written before it into the others."""
        n_records = n_new = self._read_files()
        for _ in range(MAX_PASSES):
            if not n_new:
                break
            n_records += (n_new := self._read_files())
        return n_records

    def _read_files(self) -> int:
        n_records = 0
        for kind in KINDS:
            for value in self._new_records(kind):
                self._apply(kind, value)
                n_records += 1
        return n_records

    def _new_records(self, kind: str) -> Iterator[bytes]:
        """Whole ones only: what is torn is written again, or cut off."""
        path = self.directory / f"{kind}.records"
        if not path.exists():
            return
        with open(path, "rb") as file:
            file.seek(self.at[kind])
            data = file.read()
        at = 0
        while at + LENGTH.size <= len(data):
            end = at + LENGTH.size + LENGTH.unpack_from(data, at)[0]
            if end > len(data):
                break
            self.at[kind] += end - at
            yield data[at + LENGTH.size : end]
            at = end

    def _apply(self, kind: str, value: bytes) -> None:
        if kind == "items":
            event = change.ChangeEvent.FromString(value)
            self.events.append(event)
            self.mirror.apply(event)
        elif kind == "addressbook":
            self.book.append(change.ChangeEvent.FromString(value))
        elif kind == "folders":
            self.folders.append(change.ChangeEvent.FromString(value))
            self.mirror.apply(self.folders[-1])
        elif kind == "notifications":
            self.notifications.append(change.ChangeEvent.FromString(value))
            self.mirror.apply(self.notifications[-1])
        elif kind == "deadletter":
            self.letters.append(dead_letter.DeadLetter.FromString(value))
            self.mirror.apply_dead_letter(self.letters[-1])
        else:
            self.lifecycle.append(lifecycle.LifecycleEvent.FromString(value))

