"""What the tests ask of a Kafka broker besides producing: topics, settings, contents.

Runs on the system's Python with python3-confluent-kafka. Every call has a
deadline and raises TimeoutError or KafkaException instead of waiting forever.
"""

import socket
import struct
import time
from concurrent.futures import Future
from typing import Any, Callable, Dict, Iterable, Iterator, Mapping, Optional, Tuple

from confluent_kafka import (OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message,
                             TopicPartition)
from confluent_kafka.admin import AdminClient, ConfigResource, ConfigSource, NewTopic

SECONDS = 30.0

# Notices a consumer gives while it reconnects by itself.
_PASSING = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE)


def _admin(bootstrap: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": bootstrap})


def _result(futures: Mapping[Any, Future]) -> Any:
    """The result of a request about a single topic."""
    (future,) = futures.values()
    return future.result(SECONDS)


def _wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.02)


def _leaders(admin: AdminClient, name: str) -> int:
    """How many partitions of the topic can be written to."""
    topic = admin.list_topics(timeout=SECONDS).topics.get(name)
    return sum(p.leader >= 0 for p in topic.partitions.values()) if topic else 0


def create_topic(bootstrap: str, name: str, partitions: int = 1,
                 config: Optional[Mapping[str, str]] = None) -> None:
    """Create a topic and wait until all its partitions have a leader."""
    admin = _admin(bootstrap)
    _result(admin.create_topics([NewTopic(name, partitions, 1, config=dict(config or {}))]))
    _wait_until(lambda: _leaders(admin, name) == partitions, f"topic {name} is not ready")


def delete_topic(bootstrap: str, name: str) -> None:
    """Delete a topic and wait until the broker no longer lists it."""
    admin = _admin(bootstrap)
    _result(admin.delete_topics([name]))
    _wait_until(lambda: name not in admin.list_topics(timeout=SECONDS).topics,
                f"topic {name} is still there")


# Of ACLs: the codes of Kafka's protocol.
OPERATIONS = {"Create": 5, "Write": 4, "Describe": 8, "DescribeConfigs": 10}
_TOPIC, _PREFIXED, _ALLOW, _CREATE_ACLS = 2, 4, 3, 30


def _string(text: str) -> bytes:
    return struct.pack(">h", len(text)) + text.encode()


def allow(bootstrap: str, user: str, prefix: str, operations: Iterable[str]) -> None:
    """What the user may do with topics whose names begin so. The client library knows no ACLs."""
    acls = [struct.pack(">b", _TOPIC) + _string(prefix) + struct.pack(">b", _PREFIXED)
            + _string(f"User:{user}") + _string("*") + struct.pack(">bb", OPERATIONS[o], _ALLOW)
            for o in operations]
    request = struct.pack(">hhihi", _CREATE_ACLS, 1, 0, -1, len(acls)) + b"".join(acls)
    host, port = bootstrap.split(":")
    with socket.create_connection((host, int(port)), SECONDS) as broker:
        broker.sendall(struct.pack(">i", len(request)) + request)
        answer = broker.makefile("rb")
        (size,) = struct.unpack(">i", answer.read(4))
        results = answer.read(size)[12:]  # after correlation, throttling and the number of results
    if any(results):  # no error, an empty text
        raise AssertionError(f"ACLs for {user}: {results!r}")


def _entries(bootstrap: str, name: str) -> Mapping[str, Any]:
    resource = ConfigResource(ConfigResource.Type.TOPIC, name)
    admin = _admin(bootstrap)  # a client that is let go drops its requests
    return _result(admin.describe_configs([resource]))


def topic_config(bootstrap: str, name: str) -> Dict[str, str]:
    """All settings of a topic, defaults included."""
    return {key: entry.value for key, entry in _entries(bootstrap, name).items()}


def set_config(bootstrap: str, name: str, config: Mapping[str, str]) -> None:
    """Change some settings of a topic, keep the others it was given."""
    own = {key: entry.value for key, entry in _entries(bootstrap, name).items()
           if entry.source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value}
    resource = ConfigResource(ConfigResource.Type.TOPIC, name, set_config={**own, **config})
    admin = _admin(bootstrap)
    _result(admin.alter_configs([resource]))


def _consumer(bootstrap: str, isolation: str) -> Consumer:
    return Consumer({"bootstrap.servers": bootstrap, "group.id": "tests",
                     "enable.auto.commit": False, "enable.partition.eof": True,
                     "auto.offset.reset": "error", "isolation.level": isolation})


def _ends(consumer: Consumer, topic: str) -> Dict[int, int]:
    known = consumer.list_topics(topic, timeout=SECONDS).topics[topic]
    if known.error is not None:
        raise KafkaException(known.error)
    return {p: consumer.get_watermark_offsets(TopicPartition(topic, p), SECONDS)[1]
            for p in known.partitions}


def end_offsets(bootstrap: str, topic: str,
                isolation: str = "read_uncommitted") -> Dict[int, int]:
    """The offset after the last record, by partition.

    With read_committed: the offset of the first open transaction, if there is one.
    """
    consumer = _consumer(bootstrap, isolation)
    try:
        return _ends(consumer, topic)
    finally:
        consumer.close()


def _next(consumer: Consumer, deadline: float) -> Message:
    """The next message or end-of-partition notice."""
    while True:
        message = consumer.poll(max(0.0, min(1.0, deadline - time.monotonic())))
        error = message.error() if message else None
        if message and (error is None or error.code() == KafkaError._PARTITION_EOF):
            return message
        if error is not None and not error.retriable() and error.code() not in _PASSING:
            raise KafkaException(error)
        if time.monotonic() > deadline:
            raise TimeoutError("not all messages could be read")


def _until(consumer: Consumer, ends: Mapping[Tuple[str, int], int],
           deadline: float) -> Iterator[Message]:
    """Messages below the end offsets; transaction markers take offsets too, hence the notices."""
    left = {partition for partition, end in ends.items() if end > 0}
    while left:
        message = _next(consumer, deadline)
        partition = (message.topic(), message.partition())
        end = ends[partition]
        if message.error() is None and message.offset() < end:
            yield message
        if message.offset() >= (end if message.error() else end - 1):
            left.discard(partition)


def consume_all(bootstrap: str, topics: Iterable[str], isolation: str = "read_committed",
                seconds: float = SECONDS) -> Iterator[Message]:
    """All messages from the first one up to the end offsets at the time of the call."""
    deadline = time.monotonic() + seconds
    consumer = _consumer(bootstrap, isolation)
    try:
        ends = {(t, p): end for t in topics for p, end in _ends(consumer, t).items()}
        consumer.assign([TopicPartition(t, p, OFFSET_BEGINNING) for t, p in ends])
        yield from _until(consumer, ends, deadline)
    finally:
        consumer.close()
