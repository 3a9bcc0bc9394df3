"""Parts 3 and 4: snapshots and changes from the fake Kopano server into Kafka, beside a bare reader of the same server.

The fake server's own speed is a limit here that a real server's is not: figures against a real server count (real.py).
"""

import statistics
from typing import Iterator

import memory
from figures import Line
from rig import Rig

WINDOW = 1000
MOST_TWICE = 100_000  # items; more are read long enough
SNAPSHOT_SETTINGS = ("snapshot: the whole daemon, fake server to real Kafka, one folder, from SNAPSHOT_BEGIN to SNAPSHOT_END by the broker's clock; "
                     "the bare reader asks for the same pages of 1,000 rows with the same 25 columns")
CHANGE_SETTINGS = ("changes: the whole daemon catches up with a backlog of one folder, from the first window of 1,000 to the last by the broker's "
                   "clock; the bare export asks for the same items with the same columns, the bare journal reads the same entries")


def snapshots(kafka: str, sizes: list[int], idle_s: float) -> Iterator[Line]:
    """With what they say of memory (part 6): peak of each, and the rest of the largest."""
    for n in sizes:
        with Rig(kafka) as rig:
            rig.fill(n)
            yield snapshot(rig, n)
            yield memory.peak(f"peak, snapshot of {n:,} items", rig, items=n)
            if n == sizes[-1]:
                yield memory.idle(rig, idle_s, f", a folder of {n:,} items")
                yield memory.restart(rig, f", a folder of {n:,} items")


def snapshot(rig: Rig, n: int) -> Line:
    bare = [rig.bare("table")]
    rig.start()
    rig.wait(n + 2)
    rate = n / rig.meter.seconds(0, n + 1)
    cpu_us = rig.cpu_seconds() * 1e6 / n
    if n <= MOST_TWICE:
        bare.append(rig.bare("table"))
    return Line(3, f"snapshot of {n:,} items, fake server", rate, "items/s", statistics.mean(bare), "bare table read", 0.5,
                settings=SNAPSHOT_SETTINGS, details={"items": n, "daemon_cpu_us_per_item": cpu_us, "limit_rounds": bare})


def follow(rig: Rig) -> None:
    """The snapshot of an empty folder leaves a stored position."""
    rig.start()
    rig.wait(2)
    rig.stop()


def catch_up(rig: Rig, name: str, n: int, limit: str, aim: float, absolute: bool = False) -> Line:
    first, after = rig.meter.end(), rig.highest_change() - n
    more = (after,) if limit == "journal" else ()
    before = rig.bare(limit, *more)
    rig.start()
    rig.wait(first + n)
    rate = (n - WINDOW) / rig.meter.seconds(first + WINDOW - 1, first + n - 1)
    details = {"daemon_cpu_us_per_item": rig.cpu_seconds() * 1e6 / n, "peak_mib": rig.peak_mib(), "changes": n}
    rig.stop()
    limit_rate = (before + rig.bare(limit, *more)) / 2
    line = Line(4, f"{name}, {n:,}, fake server", rate, "changes/s", limit_rate, f"bare {limit}", aim, settings=CHANGE_SETTINGS, details=details)
    if absolute:  # the aim is a rate; the limit stands beside it
        line.limit, line.details["bare_per_s"], line.details["bare"] = None, limit_rate, limit
    return line


def changes(kafka: str, n: int) -> Iterator[Line]:
    with Rig(kafka) as rig:
        follow(rig)
        rig.fill(n)
        yield catch_up(rig, "new items with properties", n, "export", 0.6)
        everything = {"folder": "user1/Inbox", "all": True, "quiet": True}
        rig.fake.do("read", **everything)
        yield catch_up(rig, "read flags", n, "journal", 100_000, absolute=True)
        rig.fake.do("delete", hard=True, **everything)
        yield catch_up(rig, "deletes", n, "journal", 100_000, absolute=True)
