"""Parts 1 and 2: what the daemon does after a source, beside the bare client library."""

import statistics
from typing import Any, Iterator, Optional

from figures import Line, skipped
from programs import lines_of, mock, program

BUDGET_MIB, DEFAULT_BUDGET_MIB = 32, 8
KAFKA_SETTINGS = ("Kafka: both with the sink's own settings of librdkafka (idempotent, acks=all, lz4, linger 5 ms, a queue of 10,000 records), "
                  "8 partitions, 50 keys, 7 headers, a value of about 300 bytes; the engine also makes the changes and each value, and commits to SQLite; "
                  f"memory.budget {BUDGET_MIB} MiB, and the default of {DEFAULT_BUDGET_MIB} MiB where that is said")
ZEROMQ_SETTINGS = ("ZeroMQ: TCP on loopback, a value of about 300 bytes, one receiver: for live, as for bare, a socket that counts; for acknowledged the "
                   "consumer of `tail`, which acknowledges every 500 records; live: a queue of 100,000, and the source stays 40,000 records ahead of the "
                   "receiver at most, so that nothing is dropped; bare is one frame with the value, and with topic and sequence before it (3 frames) for live")


def rounds(lines: list[dict[str, Any]], bench: str) -> list[float]:
    return [line["records_per_s"] for line in lines if line["bench"] == bench and line["round"] > 0]


def compare(part: int, name: str, bench: str, bare: str, aim: float, lines: list[dict[str, Any]], settings: str) -> Line:
    engine, limit = rounds(lines, bench), rounds(lines, bare)
    return Line(part, name, statistics.median(engine), "records/s", statistics.median(limit), bare, aim, settings=settings,
                details={"rounds": engine, "limit_rounds": limit,
                         "cpu_us_per_record": statistics.median(l["cpu_us_per_record"] for l in lines if l["bench"] == bench)})


def to_kafka(n: int, n_rounds: int, address: Optional[str]) -> Iterator[Line]:
    def line(to: str, where: str, budget_mib: int, *arguments: Any) -> Line:
        lines = lines_of([program("bench_kafka"), where, n, n_rounds, budget_mib, *arguments])
        return compare(1, f"engine to Kafka, {to}", "engine to Kafka", "bare librdkafka producer", 0.8, lines, KAFKA_SETTINGS)

    if address:
        yield line("real broker", address, BUDGET_MIB)
        yield line("real broker, default budget", address, DEFAULT_BUDGET_MIB)
    else:
        yield skipped(1, "engine to Kafka, real broker", "no Kafka")
    with mock("mock") as mocked:
        yield line("librdkafka's mock broker", mocked, BUDGET_MIB, "mock")


def to_zeromq(n: int, n_rounds: int) -> Iterator[Line]:
    lines = lines_of([program("bench_zeromq"), n, n_rounds])
    for way, bare, aim in (("live", "bare PUSH and PULL, 3 frames", 0.8), ("acknowledged", "bare PUSH and PULL", 0.5)):
        yield compare(2, f"engine to ZeroMQ, {way}", f"engine to ZeroMQ, {way}", bare, aim, lines, ZEROMQ_SETTINGS)
