#!/usr/bin/python3
"""How fast the daemon is against a real server, as ratios of things measured in the same run, rounds alternating.

    snapshot   items/s from SNAPSHOT_BEGIN to SNAPSHOT_END, by the broker's clock
               / a bare read of the same table with the same columns (tests/bench/bench_real.c)
               / python-kopano's folder.sync from scratch, reading entry id and subject
    changes    modified items/s from the first window of 1,000 to the last, by the broker's clock
               / a bare batched export of the same items with the same columns
               / python-kopano's folder.sync of the same changes

The folders tidings-bench-<n> are made in the user's store if they are not there, which takes minutes, and stay (--remove
removes them). Server, broker and daemon on one machine share its processors, and so does the bare reader with the server.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "kafka"))

import admin  # noqa: E402
import groupware  # noqa: E402
import place  # noqa: E402
from confluent_kafka import Consumer, KafkaException, TopicPartition  # noqa: E402
from daemon import Daemon  # noqa: E402
from MAPI import KEEP_OPEN_READONLY, MAPI_MODIFY  # noqa: E402
from MAPI.Struct import SPropValue  # noqa: E402
from MAPI.Tags import PR_SUBJECT_W  # noqa: E402

WINDOW = 1000
SECONDS = 600
LEADER_SECONDS = 30
AIMS = {"bare table": 0.5, "bare export": 0.6, "folder.sync from scratch": 50}


class Meter:
    """Waits for a number of records without reading them, then asks when the broker wrote them."""

    def __init__(self, where: place.Place, daemon: Daemon) -> None:
        self.topic = daemon.topic("items")
        admin.create_topic(where.kafka, self.topic, 2, {"message.timestamp.type": "LogAppendTime"})
        self.consumer = Consumer({"bootstrap.servers": where.kafka, "group.id": self.topic, "enable.auto.commit": False})
        self.daemon = daemon
        self.wait_for_leaders()

    def wait_for_leaders(self) -> None:
        deadline = time.monotonic() + LEADER_SECONDS
        while True:
            try:
                self.ends()
                return
            except KafkaException:
                if time.monotonic() > deadline:
                    raise

    def close(self) -> None:
        """Before the topic goes: a consumer of one that is gone may wait for ever."""
        self.consumer.close()

    def ends(self) -> List[int]:
        return [self.consumer.get_watermark_offsets(TopicPartition(self.topic, n), 10)[1] for n in range(2)]

    def wait(self, n_records: int) -> List[int]:
        """Until the topic has so many; returns the ends of its partitions."""
        deadline = time.monotonic() + SECONDS
        while sum(self.ends()) < n_records:
            self.daemon.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.ends()} of {n_records} records, see {self.daemon.directory}")
            time.sleep(0.05)  # a poll, up to the deadline: the measured clock is the broker's
        return self.ends()

    def times(self, start: Sequence[int], ends: Sequence[int]) -> List[float]:
        """When each record was written, in seconds."""
        written: List[float] = []
        for partition in range(2):
            self.consumer.assign([TopicPartition(self.topic, partition, start[partition])])
            left = ends[partition] - start[partition]
            while left > 0:
                messages = [m for m in self.consumer.consume(min(left, 10000), 10) if not m.error()]
                written += [message.timestamp()[1] / 1000 for message in messages]
                left -= len(messages)
        return sorted(written)


def modify(store: Any, entry_id: bytes) -> None:
    message = store.mapiobj.OpenEntry(entry_id, None, MAPI_MODIFY)
    message.SetProps([SPropValue(PR_SUBJECT_W, f"modified at {time.time_ns()}")])
    message.SaveChanges(KEEP_OPEN_READONLY)


class Callbacks:
    """The importer that folder.sync is measured with."""

    def __init__(self) -> None:
        self.seen: List[Tuple[str, str]] = []

    def update(self, item: Any, flags: int) -> None:
        self.seen.append((item.entryid, item.subject))


class Bench:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.place = place.place_of(options)
        self.store = groupware.open_store(self.place)
        self.figures: List[Dict[str, Any]] = []

    def folder(self, n: int) -> Any:
        name = f"tidings-bench-{n}"
        folder = groupware.find_folder(self.store, name) or groupware.new_folder(self.store, name)
        groupware.fill(folder, n)
        return folder

    def note(self, what: str, n: int, rates: List[float]) -> float:
        rate = statistics.median(rates)
        self.figures.append({"what": what, "items": n, "items_per_s": rate, "rounds": rates})
        return rate

    def bare(self, kind: str, folder: Any) -> float:
        """One round of the bare reader."""
        user, password = self.place.user, str(self.place.password_file)
        if not self.place.password_file:
            user, password = "SYSTEM", "-"
        done = subprocess.run([self.options.bench_real, kind, self.place.url, user, password, folder.entryid, "1"],
                              stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(done.stdout)["items_per_s"]

    def folder_sync(self, folder: Any, state: Any, n: int) -> float:
        importer = Callbacks()
        began = time.monotonic()
        folder.sync(importer, state)
        if len(importer.seen) < n:
            raise RuntimeError(f"folder.sync gave {len(importer.seen)} of {n} items")
        return len(importer.seen) / (time.monotonic() - began)

    # --- snapshot ---

    def snapshot_round(self, folder: Any, n: int) -> float:
        daemon = Daemon(self.place, [folder.name])
        meter = Meter(self.place, daemon)
        daemon.start()
        written = meter.times([0, 0], meter.wait(n + 2))
        daemon.stop()
        meter.close()
        daemon.remove()
        return n / (written[-1] - written[0])

    def snapshot(self, n: int) -> None:
        folder = self.folder(n)
        self.bare("table", folder)  # warms the server's caches
        bare, tidings = [], []
        for _ in range(self.options.rounds):
            bare.append(self.bare("table", folder))
            tidings.append(self.snapshot_round(folder, n))
        reference = self.folder_sync(folder, None, n)
        self.compare(f"snapshot of {n}", self.note("snapshot", n, tidings),
                     {"bare table": self.note("bare table", n, bare),
                      "folder.sync from scratch": self.note("folder.sync from scratch", n, [reference])})

    # --- changes ---

    def modify_all(self, folder: Any) -> None:
        for entry_id in groupware.entry_ids(folder):
            groupware.insist(lambda entry_id=entry_id: modify(self.store, entry_id))

    def changes(self, n: int) -> None:
        folder = self.folder(n)
        daemon = Daemon(self.place, [folder.name], snapshot="none")
        meter = Meter(self.place, daemon)
        self.settle(daemon, meter, folder)
        state = folder.state
        self.modify_all(folder)
        saved = daemon.directory / "saved.db"
        shutil.copy(daemon.directory / "state.db", saved)
        bare, tidings = [], []
        for _ in range(self.options.rounds):
            bare.append(self.bare("export", folder))
            daemon.forget()
            shutil.copy(saved, daemon.directory / "state.db")
            tidings.append(self.changes_round(daemon, meter, n))
        meter.close()
        daemon.remove()
        reference = self.folder_sync(folder, state, n)
        self.compare(f"changes, {n}", self.note("changes", n, tidings),
                     {"bare export": self.note("bare export", n, bare),
                      "folder.sync of changes": self.note("folder.sync of changes", n, [reference])})

    @staticmethod
    def settle(daemon: Daemon, meter: Meter, folder: Any) -> None:
        """Starts following, and stops again with a stored position."""
        daemon.start()
        deadline = time.monotonic() + SECONDS
        while sum(meter.ends()) == 0 and time.monotonic() < deadline:
            item = groupware.item(folder, groupware.entry_ids(folder)[0])
            item.read = not item.read
            time.sleep(0.1)  # a change that comes before following has begun is none
        meter.wait(1)
        daemon.stop()

    @staticmethod
    def changes_round(daemon: Daemon, meter: Meter, n: int) -> float:
        start = meter.ends()
        daemon.start()
        written = meter.times(start, meter.wait(sum(start) + n))
        daemon.stop()
        return (n - WINDOW) / (written[-1] - written[WINDOW - 1])

    # --- the table ---

    def compare(self, what: str, rate: float, others: Dict[str, float]) -> None:
        print(f"{what:22} {rate:10,.0f} items/s", flush=True)
        for name, other in others.items():
            ratio = rate / other
            aim = AIMS.get(name)
            self.figures.append({"what": f"{what} / {name}", "ratio": ratio, "aim": aim})
            judged = "" if aim is None else f"  (aim {aim}){'' if ratio >= aim else '  MISSED'}"
            print(f"   / {name:24} {other:10,.0f} items/s   ratio {ratio:6.2f}{judged}", flush=True)

    def remove(self) -> None:
        names = {f"tidings-bench-{n}" for n in [*self.options.items, self.options.changes]}
        groupware.remove_folders(self.store, filter(None, (groupware.find_folder(self.store, n) for n in names)))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    place.add_all(parser)
    place.add_option(parser, "--bench-real", "TIDINGS_BENCH_REAL", "the bare reader",
                     str(place.ROOT / "build" / "tests" / "bench" / "bench_real"))
    parser.add_argument("--items", type=int, action="append", help="of a snapshot; default 10000 and 40000; 0: none")
    parser.add_argument("--changes", type=int, default=10000, help="0: none")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    parser.add_argument("--remove", action="store_true", help="remove the folders afterwards")
    options = parser.parse_args()
    options.items = [n for n in options.items or [10000, 40000] if n]
    if not os.access(options.bench_real, os.X_OK):
        parser.error(f"{options.bench_real} is not there: make {options.bench_real}")
    return options


def main() -> int:
    options = arguments()
    bench = Bench(options)
    for n in options.items:
        bench.snapshot(n)
    if options.changes:
        bench.changes(options.changes)
    if options.json:
        Path(options.json).write_text(json.dumps(bench.figures, indent=1) + "\n")
    if options.remove:
        bench.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
