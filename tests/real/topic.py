"""What the daemon published, read from Kafka as it comes."""

import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "mirror"))

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition  # noqa: E402
from mirror import Mirror, apply_message, read_topics  # noqa: E402
from records import change, lifecycle  # noqa: E402

__all__ = ["Tail", "change", "lifecycle", "mirror_of", "Mirror"]

SECONDS = 60.0
PASSING = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE, KafkaError._PARTITION_EOF)

Event = Any


def partitions_of(consumer: Consumer, topic: str, deadline: float) -> List[int]:
    """Waits until the daemon has made the topic."""
    while time.monotonic() < deadline:
        known = consumer.list_topics(timeout=10).topics.get(topic)
        if known and known.error is None and known.partitions:
            return list(known.partitions)
        time.sleep(0.05)  # a poll of the broker, up to the deadline
    raise TimeoutError(f"there is no topic {topic}")


class Tail:
    """The records of the items topic, from the first on; every one of them also goes into a mirror."""

    def __init__(self, bootstrap: str, topic: str, check: Callable[[], None], repeats: bool = True) -> None:
        self.consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic, "enable.auto.commit": False,
                                  "fetch.wait.max.ms": 20, "reconnect.backoff.max.ms": 500})
        numbers = partitions_of(self.consumer, topic, time.monotonic() + SECONDS)
        self.consumer.assign([TopicPartition(topic, n, OFFSET_BEGINNING) for n in numbers])
        self.check = check  # raises when nothing more can come
        self.mirror = Mirror(repeats=repeats)
        self.n_records = 0

    def poll(self, seconds: float) -> List[Event]:
        """What is there, at most 1,000; waits for a first one."""
        events = []
        for message in self.consumer.consume(1000, seconds):
            if message.error() is None:
                apply_message(self.mirror, message)
                events.append(change.ChangeEvent.FromString(message.value()))
            elif message.error().code() not in PASSING:
                raise RuntimeError(str(message.error()))
        self.n_records += len(events)
        return events

    def until(self, wanted: Callable[[Event], bool], what: str, seconds: float = SECONDS) -> List[Event]:
        """All records up to and with the wanted one."""
        return self.until_all({what: wanted}, seconds)

    def until_all(self, wanted: Dict[str, Callable[[Event], bool]], seconds: float = SECONDS) -> List[Event]:
        """All records until each of the wanted ones was there."""
        events: List[Event] = []
        deadline = time.monotonic() + seconds
        left = dict(wanted)
        while left:
            self.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"after {seconds} s and {len(events)} records no {', '.join(left)}")
            for event in self.poll(0.1):
                events.append(event)
                left = {name: test for name, test in left.items() if not test(event)}
        return events

    def close(self) -> None:
        self.consumer.close()


def mirror_of(bootstrap: str, prefix: str) -> Mirror:
    """From the topics alone, from their first record."""
    return read_topics(bootstrap, [f"{prefix}.items", f"{prefix}.deadletter"], Mirror())
