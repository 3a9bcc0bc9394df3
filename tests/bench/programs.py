"""The C programs of this folder, and the brokers that they send to."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, Optional, Sequence

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
BUILD = (ROOT / os.environ.get("BUILD", "build")).resolve()
SECONDS = 300

sys.path[:0] = [str(TESTS / "daemon"), str(TESTS / "kafka")]


def program(name: str) -> str:
    return str(BUILD / "tests" / "bench" / name)


def lines_of(command: Sequence[Any]) -> list[dict[str, Any]]:
    """The JSON lines that it prints."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True, timeout=SECONDS)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@contextmanager
def kafka() -> Iterator[Optional[str]]:
    """The address of a real broker: the one that TIDINGS_KAFKA names, or one on loopback; None: not to be had."""
    if os.environ.get("TIDINGS_KAFKA"):
        yield os.environ["TIDINGS_KAFKA"]
        return
    directory = str(BUILD / "kafka" / "bench")
    broker = str(TESTS / "kafka" / "broker")
    started = subprocess.run([broker, "start", directory], stdout=subprocess.PIPE, text=True)
    try:
        yield started.stdout.strip() if started.returncode == 0 else None
    finally:
        if started.returncode == 0:
            subprocess.run([broker, "stop", directory], stdout=subprocess.DEVNULL)


@contextmanager
def mock(prefix: str) -> Iterator[str]:
    """librdkafka's mock broker, with the topics PREFIX.items and so on."""
    process = subprocess.Popen([program("bench_mock"), prefix], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()
