"""Part 6: memory (VmHWM of the real daemon), time of a restart, and what it does when nothing happens."""

import time
from typing import Any, Iterator

from broker import Broker
from figures import Line, skipped
from rig import Rig
from waiting import holds_for, wait_until

LIMIT_MIB = 64
WINDOW = 1000  # records that are not yet counted
REST_S = 12  # after the last change the server is asked more often for ten seconds
SETTINGS = "memory: VmHWM of the whole daemon, the default budget, fake server to real Kafka"
SERVER_SETTINGS = ("read flags of a whole server: follow.mode server, every item once, neighbours in the journal in different folders; the start of the "
                   "daemon counts in its CPU time, not in the rate")
NO_SERVER_MODE = "this version has no follow.mode server"
FULL = {"mode": "server"}


def peak(name: str, rig: Rig, **details: Any) -> Line:
    return Line(6, name, rig.peak_mib(), "MiB", aim=LIMIT_MIB, low=True, settings=SETTINGS, details=details)


def backlog(kafka: str, n: int) -> Iterator[Line]:
    with Rig(kafka) as rig:
        rig.start()
        rig.wait(2)
        rig.stop()
        rig.fill(n)
        rig.start()
        rig.wait(2 + n)
        yield peak(f"peak, a backlog of {n:,} entries", rig, entries=n)


def outage(n: int) -> Iterator[Line]:
    """The broker goes away; so many changes come; the source is told to wait, and memory no longer grows."""
    broker = Broker()
    try:
        broker.start()
        with Rig(broker.address) as rig:
            rig.start()
            rig.wait(2)
            broker.kill()
            rig.fill(n)
            wait_until_at_rest(rig)
            yield peak(f"peak, broker away while {n:,} changes come", rig, entries=n)
            rig.daemon.kill()
            broker.start()
    finally:
        broker.remove()


def wait_until_at_rest(rig: Rig) -> None:
    seen = [0]

    def at_rest() -> bool:
        before, seen[0] = seen[0], rig.daemon.peak_bytes()
        return holds_for(lambda: rig.daemon.peak_bytes() == seen[0], 1.0) and before > 0

    wait_until(at_rest, "its memory no longer grows", 60)


# ---- the whole server ----


def knows_server_mode(kafka: str) -> bool:
    with Rig(kafka, user="SYSTEM", follow=FULL) as rig:
        return rig.check() == 0


def full_rig(kafka: str, stores: int, folders: int, items: int) -> Rig:
    """So many items in all; at least one in each store."""
    return Rig(kafka, "--stores", str(stores), "--folders", str(folders), "--items", str(max(items // stores, 1)), user="SYSTEM",
               follow=FULL, snapshot="none")


def whole_server(kafka: str, stores: list[int], folders: int, items: int, idle_s: float) -> Iterator[Line]:
    """Folders without number: what the map costs, how soon it goes on after a restart, and what it costs to wait."""
    if not knows_server_mode(kafka):
        for n in stores:
            yield skipped(6, f"peak, {n * folders:,} folders", NO_SERVER_MODE)
        yield skipped(6, "restart to first record, full size", NO_SERVER_MODE)
        yield skipped(6, "idle CPU, full size", NO_SERVER_MODE)
        return
    for n in stores:
        with full_rig(kafka, n, folders, items) as rig:
            rig.start()
            rig.wait_until_following()
            yield peak(f"peak, {n * folders:,} folders", rig, folders=n * folders)
            if n == stores[-1]:
                time.sleep(min(REST_S, idle_s))
                yield idle(rig, idle_s, f", {n * folders:,} folders")
                yield restart(rig, f", {n * folders:,} folders")
                yield from backlog_everywhere(rig, items, f"{n * folders:,} folders")


def backlog_everywhere(rig: Rig, n: int, of: str) -> Iterator[Line]:
    """Neighbours in the journal are of different folders."""
    rig.stop()
    n = rig.fake.backlog(n, "read")
    first, window = rig.meter.end(), min(WINDOW, n // 2)
    rig.start()
    rig.wait(first + n)
    rate = (n - window) / rig.meter.seconds(first + window - 1, first + n - 1)
    details = {"changes": n, "daemon_cpu_us_per_item": rig.cpu_seconds() * 1e6 / n}
    yield Line(4, f"read flags, {n:,}, {of}, fake server", rate, "changes/s", aim=100_000, settings=SERVER_SETTINGS, details=details)
    yield peak(f"peak, a backlog of {n:,} entries, {of}", rig, entries=n)


def idle(rig: Rig, seconds: float, of: str) -> Line:
    before, began = rig.cpu_seconds(), time.monotonic()
    time.sleep(seconds)
    percent = 100 * (rig.cpu_seconds() - before) / (time.monotonic() - began)
    return Line(6, f"idle CPU{of}", percent, "% of one", aim=1, low=True, settings=SETTINGS, details={"seconds": seconds})


def restart(rig: Rig, of: str) -> Line:
    rig.stop()
    rig.fake.create("user1/Inbox", 1)
    n, began = rig.meter.end(), time.monotonic()
    rig.start()
    rig.wait(n + 1)
    seconds = time.monotonic() - began
    return Line(6, f"restart to first record{of}", seconds, "s", aim=1, low=True, settings=SETTINGS, details={"daemon_cpu_s": rig.cpu_seconds()})

