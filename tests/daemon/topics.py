"""What a consumer of the daemon's topics sees: every record once, in the order of its partition."""

import sys
import time
from pathlib import Path
from typing import Callable, Iterable

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from waiting import SECONDS, wait_until

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "mirror"))

from mirror import Mirror, apply_message  # noqa: E402
from records import change, dead_letter, lifecycle  # noqa: E402

__all__ = ["Topics", "change", "dead_letter", "lifecycle"]

PASSING = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._PARTITION_EOF, KafkaError._RESOLVE)


class Topics:
    """Reads items, lifecycle events and dead letters as they come, and keeps the mirror."""

    def __init__(self, bootstrap: str, names: dict[str, str], n_partitions: int) -> None:
        self.bootstrap = bootstrap
        self.names = names
        self.n_partitions = n_partitions  # a topic that is being made shows some of them first
        self.kinds = {name: kind for kind, name in names.items()}
        self.mirror = Mirror()
        self.events: list[change.ChangeEvent] = []
        self.book: list[change.ChangeEvent] = []  # of users and groups
        self.letters: list[dead_letter.DeadLetter] = []
        self.lifecycle: list[lifecycle.LifecycleEvent] = []
        self.consumer: Consumer | None = None
        self.partitions: list[TopicPartition] = []

    def close(self) -> None:
        if self.consumer:
            self.consumer.close()
        self.consumer = None

    def pump(self, seconds: float = 0.02) -> int:
        """Take what is there, waiting for it so long at the most. How many records."""
        if not self._ready():
            time.sleep(seconds)
            return 0
        messages = self.consumer.consume(10000, seconds)
        for message in messages:
            self._take(message)
        return len(messages)

    def wait_until(self, condition: Callable[[], object], what: str | Callable[[], str], seconds: float = SECONDS) -> None:
        """Read until the condition about what was read is true."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds:g} s: {what if isinstance(what, str) else what()}")
            self.pump()

    def read_to_end(self) -> None:
        """Everything that is in the topics now."""
        self.wait_until(self._ready, "the topics are there")
        ends = wait_until(self._ends, "every partition has a leader")
        self.wait_until(lambda: self._reached(ends), "the ends of the topics")

    def _ends(self) -> dict[tuple[str, int], int]:
        """Empty while a partition has no leader, as after a broker was frozen."""
        try:
            return {(p.topic, p.partition): self.consumer.get_watermark_offsets(p, 10)[1] for p in self.partitions}
        except KafkaException:
            return {}

    def _reached(self, ends: dict[tuple[str, int], int]) -> bool:
        at = {(p.topic, p.partition): p.offset for p in self.consumer.position(self.partitions)}
        return all(end == 0 or at[place] >= end for place, end in ends.items())

    def _ready(self) -> bool:
        """True once all topics are there; then they are being read."""
        if self.partitions:
            return True
        self.consumer = self.consumer or self._new_consumer()
        known = self.consumer.list_topics(timeout=10).topics
        if any(name not in known or len(known[name].partitions) != self.n_partitions for name in self.names.values()):
            return False
        self.partitions = [TopicPartition(n, i, OFFSET_BEGINNING) for n in self.names.values() for i in range(self.n_partitions)]
        self.consumer.assign(self.partitions)
        return True

    def _new_consumer(self) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": "tests",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 20,
                "reconnect.backoff.max.ms": 500,
                "log_level": 0,
            }
        )

    def _take(self, message: Message) -> None:
        if message.error():
            if message.error().code() not in PASSING:
                raise KafkaException(message.error())
            return
        kind = self.kinds[message.topic()]
        apply_message(self.mirror, message)
        if kind == "items":
            self.events.append(change.ChangeEvent.FromString(message.value()))
        elif kind == "addressbook":
            self.book.append(change.ChangeEvent.FromString(message.value()))
        elif kind == "lifecycle":
            self.lifecycle.append(lifecycle.LifecycleEvent.FromString(message.value()))
        elif kind == "deadletter":
            self.letters.append(dead_letter.DeadLetter.FromString(message.value()))

    # ---- what was read ----

    def of_kind(self, kind: int, origin: int | None = None) -> list[change.ChangeEvent]:
        return [e for e in self.events if e.kind == kind and origin in (None, e.origin)]

    def rows(self) -> list[change.ChangeEvent]:
        """Items that snapshots named."""
        return self.of_kind(change.KIND_CREATED, change.ORIGIN_SNAPSHOT)

    def lifecycle_of(self, type_: int) -> list[lifecycle.LifecycleEvent]:
        return [e for e in self.lifecycle if e.type == type_]

    def repeats(self) -> int:
        return self.mirror.counts["repeats"]


def distinct(events: Iterable[change.ChangeEvent]) -> int:
    return len({e.id for e in events})
