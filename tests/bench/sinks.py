"""Parts 1 and 2: what the daemon does after a source, beside the bare client library."""

import statistics
from typing import Any, Iterator, Optional

from figures import Line, skipped
from programs import lines_of, mock, program

KAFKA_SETTINGS = ("Kafka: both with the sink's own settings of librdkafka (idempotent, acks=all, lz4, linger 5 ms), 8 partitions, 50 keys, "
                  "7 headers, a value of about 300 bytes; the engine also makes the changes and each value, and commits to SQLite")
ZEROMQ_SETTINGS = ("ZeroMQ: TCP on loopback, a value of about 300 bytes, one receiver with libzmq, acknowledging every 500 records; "
                   "bare is one frame with the value, and with topic and sequence before it (3 frames) for live")


def rounds(lines: list[dict[str, Any]], bench: str) -> list[float]:
    return [line["records_per_s"] for line in lines if line["bench"] == bench and line["round"] > 0]


def compare(part: int, name: str, bench: str, bare: str, aim: float, lines: list[dict[str, Any]], settings: str) -> Line:
    engine, limit = rounds(lines, bench), rounds(lines, bare)
    return Line(part, name, statistics.median(engine), "records/s", statistics.median(limit), bare, aim, settings=settings,
                details={"rounds": engine, "limit_rounds": limit,
                         "cpu_us_per_record": statistics.median(l["cpu_us_per_record"] for l in lines if l["bench"] == bench)})


def to_kafka(n: int, n_rounds: int, address: Optional[str]) -> Iterator[Line]:
    def line(name: str, *arguments: Any) -> Line:
        lines = lines_of([program("bench_kafka"), *arguments])
        return compare(1, name, "engine to Kafka", "bare librdkafka producer", 0.8, lines, KAFKA_SETTINGS)

    name = "engine to Kafka, real broker"
    yield line(name, address, n, n_rounds) if address else skipped(1, name, "no Kafka")
    with mock("mock") as mocked:
        yield line("engine to Kafka, librdkafka's mock broker", mocked, n, n_rounds, "mock")


def to_zeromq(n: int, n_rounds: int) -> Iterator[Line]:
    lines = lines_of([program("bench_zeromq"), n, n_rounds])
    for way, bare, aim in (("live", "bare PUSH and PULL, 3 frames", 0.8), ("acknowledged", "bare PUSH and PULL", 0.5)):
        yield compare(2, f"engine to ZeroMQ, {way}", f"engine to ZeroMQ, {way}", bare, aim, lines, ZEROMQ_SETTINGS)
