"""Part 5: how long a change takes to be acknowledged and to reach a consumer."""

import statistics
import time
from typing import Any, Iterator

from confluent_kafka import Consumer, TopicPartition

from figures import Line
from programs import lines_of, program
from rig import Rig

SETTINGS = ("latency: linger 0, real broker, one consumer; a change counts from the moment at which it happens; synthetic source: the engine, "
            "beside a bare librdkafka producer that does the same; daemon: the whole of it behind the fake server, which it asks every {poll} ms")
POLL_MS = 20
PERCENTILES = ("p50", "p95", "p99")


def synthetic(kafka: str, seconds: float, rates: list[int]) -> Iterator[Line]:
    lines = {(line["bench"], line["per_second"]): line for line in lines_of([program("bench_latency"), kafka, seconds, *rates])}
    for rate in rates:
        engine, bare = lines["latency, engine", rate], lines["latency, bare", rate]
        for what in ("acknowledged", "consumer"):
            yield from of_percentiles(f"change to {what}, {rate:,}/s", rate, what, {"engine": engine[what], "bare": bare[what]})


def of_percentiles(name: str, rate: int, way: str, found: dict[str, Any]) -> Iterator[Line]:
    """A line for each; the details are the same, and plots.py draws those of the first."""
    measured, bare = found.get("engine") or found["daemon"], found.get("bare", {})
    for which in PERCENTILES:
        yield Line(5, f"{name}, {which}", measured[f"{which}_ms"], "ms", bare.get(f"{which}_ms"), "bare producer" if bare else "", low=True,
                   settings=SETTINGS.format(poll=POLL_MS), details={"per_second": rate, "way": way, "percentile": which} | found)


class Reader:
    """Reads the items topic from its end on, and notes when each record has come."""

    def __init__(self, rig: Rig) -> None:
        self.consumer = Consumer({"bootstrap.servers": rig.kafka, "group.id": rig.prefix, "enable.auto.commit": False, "log_level": 0})
        self.consumer.assign([TopicPartition(rig.meter.topic, 0, rig.meter.end())])
        self.consumer.poll(0)

    def next(self) -> tuple[float, float]:
        """When it has come, and when the broker had it."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            message = self.consumer.poll(1)
            if message and not message.error():
                return time.time(), message.timestamp()[1] / 1000
        raise TimeoutError("no record came within 30 s")


def percentiles(seconds: list[float]) -> dict[str, Any]:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {"n": len(seconds), "p50_ms": cuts[49] * 1e3, "p95_ms": cuts[94] * 1e3, "p99_ms": cuts[98] * 1e3}


def one_after_another(rig: Rig, reader: Reader, rate: float, n: int) -> list[float]:
    """Creates n items, each at its time, and reads its record before the next."""
    came, began = [], time.time()
    for i in range(n):
        time.sleep(max(0.0, began + i / rate - time.time()))
        happens = time.time()
        rig.fake.create("user1/Inbox", 1, subject=f"latency {i}")
        came.append(reader.next()[0] - happens)
    return came


def whole_daemon(kafka: str, seconds: float, rate: int) -> Iterator[Line]:
    with Rig(kafka, kopano={"poll_interval_ms": POLL_MS}, librdkafka={"linger.ms": "0"}) as rig:
        rig.start()
        rig.wait(2)
        found = percentiles(one_after_another(rig, Reader(rig), rate, max(2, int(seconds * rate))))
        yield from of_percentiles(f"daemon: change to consumer, {rate}/s", rate, "consumer", {"daemon": found})
