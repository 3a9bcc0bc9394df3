#!/usr/bin/python3
"""A consumer that keeps what it gets in files, as the file sink would, and acknowledges what the files have.

    keeper.py ENDPOINT NAME DIRECTORY

It may be killed at any moment: what is torn is cut off at the next start, and comes again, as it was not acknowledged."""

import os
import struct
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / os.environ.get("BUILD", "build") / "python"), str(ROOT / "proto" / "clients" / "python")]

from tidings_zeromq import Consumer, Refused  # noqa: E402

LENGTH = struct.Struct("<I")
AT_ONCE = 50  # records with one acknowledgement


class Keeper:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.files = {}

    def file(self, topic: str):
        if topic not in self.files:
            path = self.directory / f"{topic}.records"
            path.touch()
            os.truncate(path, self.whole(path.read_bytes()))
            self.files[topic] = open(path, "ab")
        return self.files[topic]

    @staticmethod
    def whole(data: bytes) -> int:
        at = 0
        while at + LENGTH.size <= len(data) and (end := at + LENGTH.size + LENGTH.unpack_from(data, at)[0]) <= len(data):
            at = end
        return at

    def keep(self, record) -> None:
        self.file(record.topic).write(LENGTH.pack(len(record.value)) + record.value)

    def flush(self) -> None:
        for file in self.files.values():
            file.flush()


def serve(consumer: Consumer, keeper: Keeper) -> None:
    while True:
        record = consumer.next()
        n = 1
        keeper.keep(record)
        while n < AT_ONCE and (further := consumer.next(0)):
            keeper.keep(record := further)
            n += 1
        keeper.flush()
        consumer.acknowledge(record)


def main() -> int:
    endpoint, name, directory = sys.argv[1:]
    try:
        with Consumer(endpoint, name, credit=200, in_use_s=2) as consumer:
            serve(consumer, Keeper(Path(directory)))
    except Refused as refused:
        print(f"refused: {refused}", flush=True)
        return 2


if __name__ == "__main__":
    sys.exit(main())
