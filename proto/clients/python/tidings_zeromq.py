"""A consumer of the acknowledged endpoint of Tidings' ZeroMQ sink. The protocol: proto/zeromq.md.

    protoc -I proto -I /usr/include --python_out=. proto/tidings/v1/*.proto

    with Consumer("tcp://127.0.0.1:5560", "archive") as consumer:
        for record in consumer:                # waits for ever; consumer.next(seconds) waits that long
            keep(record.topic, record.value)   # a ChangeEvent, LifecycleEvent or DeadLetter, by the topic
            consumer.acknowledge(record)       # this one and all before it: now the bridge may forget them

It reconnects by itself. A record that was not acknowledged comes again after a restart of either side. Call next() every
few seconds: heartbeats are sent from there, and who is silent for long counts as dead. One thread.
"""
import time
from collections import deque
from types import SimpleNamespace
from typing import Iterator, Optional

import zmq
from tidings.v1.stream_pb2 import (REFUSAL_REASON_BAD_ACKNOWLEDGEMENT, REFUSAL_REASON_HELLO_FIRST, REFUSAL_REASON_NAME_IN_USE,
                                   Hello, ToBridge, ToConsumer)

FIRST_HEARTBEAT_S, MISSED_HEARTBEATS = 1.0, 5


class Refused(Exception):
    """The bridge will not have this consumer; its text says why."""


class Consumer:
    def __init__(self, endpoint: str, name: str, credit: int = 1000, run: bytes = b"", sequence: int = 0, in_use_s: float = 15) -> None:
        """`run` and `sequence`: of the last record that it has for good, if it kept that. So long after a death of a
        consumer of this name its successor is refused, and tries again."""
        self.hello = Hello(protocol=1, consumer=name, credit=credit, run=run, sequence=sequence)
        self.in_use_s, self.refused_at = in_use_s, None
        self.connected, self.pending = False, deque()
        self.given = self.taken = sequence  # given out by next(); or that and what is pending
        self.heartbeat_s, self.spoke_at, self.heard_at = FIRST_HEARTBEAT_S, time.monotonic(), 0.0
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.probe_router = 1  # each new connection makes the bridge ask for a hello
        self.socket.linger = 500
        self.socket.connect(endpoint)

    def next(self, seconds: Optional[float] = None) -> Optional[SimpleNamespace]:
        """The next record: topic, key, id, type, value, run, sequence; None when there was none in time."""
        end = time.monotonic() + (float("inf") if seconds is None else seconds)
        while True:
            while self.socket.poll(0):
                self._take(ToConsumer.FromString(self.socket.recv()))
            self._tick()
            if self.pending:
                record = self.pending.popleft()
                self.given = record.sequence
                return record
            wait = min(end, self.spoke_at + self.heartbeat_s) - time.monotonic()
            if time.monotonic() >= end:
                return None
            self.socket.poll(max(wait, 0) * 1000)

    def __iter__(self) -> Iterator[SimpleNamespace]:
        while True:
            yield self.next()

    def acknowledge(self, record: SimpleNamespace) -> None:
        if record.run == self.hello.run and record.sequence > self.hello.sequence:
            self.hello.sequence = record.sequence
            if self.connected:
                self._speak(acknowledge={"run": record.run, "sequence": record.sequence})

    def close(self) -> None:
        if self.connected:
            self._speak(bye={})
        self.socket.close()

    def __enter__(self) -> "Consumer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _speak(self, **message: object) -> None:
        self.socket.send(ToBridge(**message).SerializeToString())
        self.spoke_at = time.monotonic()

    def _say_hello(self) -> None:
        self.connected, self.taken = False, self.given
        self.pending.clear()
        self._speak(hello=self.hello)

    def _tick(self) -> None:
        now = time.monotonic()
        if self.connected and now - self.heard_at > MISSED_HEARTBEATS * self.heartbeat_s:
            self.connected = False
        if now - self.spoke_at >= self.heartbeat_s:
            self._speak(heartbeat={}) if self.connected else self._say_hello()

    def _take(self, message: ToConsumer) -> None:
        self.heard_at = time.monotonic()
        kind = message.WhichOneof("message")
        if kind == "welcome":
            if message.welcome.run != self.hello.run:
                self.hello.run, self.hello.sequence, self.given, self.taken = message.welcome.run, 0, 0, 0
            before = message.welcome.sequence - 1  # somebody of this name has these
            self.hello.sequence, self.given, self.taken = (max(n, before) for n in (self.hello.sequence, self.given, self.taken))
            self.connected, self.refused_at, self.heartbeat_s = True, None, message.welcome.heartbeat_ms / 1000
        elif kind == "records" and self.connected and message.records.run == self.hello.run:
            if message.records.sequence > self.taken + 1:  # never acknowledge what is missing
                self._say_hello()
                return
            for sequence, record in enumerate(message.records.records, message.records.sequence):
                if sequence > self.taken:  # else it was given out before a new hello
                    self.taken = sequence
                    self.pending.append(SimpleNamespace(run=self.hello.run, sequence=sequence, topic=record.topic, key=record.key,
                                                        id=record.id, type=record.type, value=record.value))
        elif kind == "bye":
            self.connected = False
        elif kind == "refusal":
            self._take_refusal(message.refusal)

    def _take_refusal(self, refusal: object) -> None:
        if refusal.reason == REFUSAL_REASON_HELLO_FIRST:
            self._say_hello()
        elif refusal.reason == REFUSAL_REASON_NAME_IN_USE:  # it may have died a moment ago
            self.refused_at = self.refused_at or time.monotonic()
            if time.monotonic() - self.refused_at > self.in_use_s:
                raise Refused(refusal.text)
        elif refusal.reason != REFUSAL_REASON_BAD_ACKNOWLEDGEMENT:
            raise Refused(refusal.text)
