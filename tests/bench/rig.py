"""The real daemon between the fake Kopano server and a real Kafka, for measuring."""

import json
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any, Optional

import programs  # noqa: F401  (the paths of the modules below)
from admin import create_topic, delete_topic
from confluent_kafka import Consumer, TopicPartition
from fake import FakeServer
from process import BUILD, Daemon
from waiting import wait_until

PASSWORD = "pass1"
TOPICS = ("items", "folders", "addressbook", "lifecycle", "deadletter", "notifications")
SECONDS = 300.0
TICKS = os.sysconf("SC_CLK_TCK")


class Meter:
    """Says how many records a topic of one partition has, and when the broker wrote them, without reading them all."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.bootstrap, self.topic = bootstrap, topic
        create_topic(bootstrap, topic, 1, {"message.timestamp.type": "LogAppendTime"})
        self.consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic, "enable.auto.commit": False, "log_level": 0})

    def end(self) -> int:
        return self.consumer.get_watermark_offsets(TopicPartition(self.topic, 0), 10)[1]

    def time_at(self, offset: int) -> float:
        self.consumer.assign([TopicPartition(self.topic, 0, offset)])
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            message = self.consumer.poll(1)
            if message and not message.error():
                return message.timestamp()[1] / 1000
        raise TimeoutError(f"no record {offset} in {self.topic}")

    def seconds(self, first: int, last: int) -> float:
        return max(self.time_at(last) - self.time_at(first), 0.001)

    def close(self) -> None:
        self.consumer.close()
        delete_topic(self.bootstrap, self.topic)


class Rig:
    """`with Rig(kafka) as rig: rig.fake.create(...); rig.start(); rig.wait(n)`; what the daemon uses is measured of its
    present process."""

    def __init__(self, kafka: str, *fake_arguments: str, **config: Any) -> None:
        self.kafka, self.fake_arguments, self.more = kafka, fake_arguments, config

    def __enter__(self) -> "Rig":
        self.directory = Path(tempfile.mkdtemp(prefix="tidings-bench-"))
        self.password_file = self.directory / "password"
        self.password_file.write_text(PASSWORD + "\n")
        self.password_file.chmod(0o600)
        self.fake = FakeServer(self.directory)
        self.socket = self.directory / "kopano.sock"
        self.fake.start("--socket", str(self.socket), *self.fake_arguments)
        self.prefix = f"bench-{uuid.uuid4().hex[:8]}"
        self.meter = Meter(self.kafka, f"{self.prefix}.items")
        self.daemon = Daemon(self.directory / "tidings.yaml", self.directory / "tidings.log")
        self.write_config(**self.more)
        return self

    def __exit__(self, *_: Any) -> None:
        self.daemon.kill()
        self.fake.kill()
        try:
            self.meter.close()
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)

    def write_config(self, user: str = "user1", follow: Optional[dict[str, Any]] = None,
                     snapshot: str = "all", kopano: Optional[dict[str, Any]] = None, librdkafka: Optional[dict[str, Any]] = None) -> None:
        source = {"url": self.fake.url, "user": user, "password_file": str(self.password_file)} | (kopano or {})
        if user == "SYSTEM":
            source = {"url": f"file://{self.socket}", "user": user} | (kopano or {})
        config = {
            "source": {"kopano": source},
            "follow": follow or {"mode": "folders", "stores": ["user1"], "folders": ["Inbox"]},
            "snapshot": snapshot,
            "sink": {"kafka": {"topics": {t: f"{self.prefix}.{t}" for t in TOPICS}, "partitions": 1,
                               "librdkafka": {"bootstrap.servers": self.kafka} | (librdkafka or {})}},
            "state": {"path": str(self.directory / "state.db")},
        }
        (self.directory / "tidings.yaml").write_text(json.dumps(config))

    # ---- the daemon ----

    def check(self) -> int:
        """What `tidings check` says of the configuration."""
        return subprocess.run([BUILD / "tidings", "check", "-c", self.directory / "tidings.yaml"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=30).returncode

    def start(self) -> None:
        self.daemon.start()

    def wait(self, n_records: int, seconds: float = SECONDS) -> None:
        def is_there() -> bool:
            if not self.daemon.running():
                raise RuntimeError(f"the daemon has ended: {self.daemon.log()[-2000:]}")
            return self.meter.end() >= n_records

        wait_until(is_there, lambda: f"{n_records} records, there are {self.meter.end()}; {self.daemon.log()[-2000:]}", seconds)

    def wait_until_following(self) -> None:
        """A record of a change comes out: everything before it is done."""
        n = self.meter.end()

        def comes_out() -> bool:
            self.fake.create("user1/Inbox", 1)
            self.wait(0)
            return self.meter.end() > n

        wait_until(comes_out, lambda: f"a record; {self.daemon.log()[-2000:]}", SECONDS)

    def stop(self) -> None:
        if self.daemon.stop(60) != 0:
            raise RuntimeError(f"the daemon did not end well: {self.daemon.log()[-2000:]}")

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.daemon.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def peak_mib(self) -> float:
        return self.daemon.peak_bytes() / (1 << 20)

    def status(self) -> dict[str, Any]:
        return json.loads(subprocess.run([BUILD / "tidings", "status", "-j", "-c", self.directory / "tidings.yaml"],
                                                  stdout=subprocess.PIPE, text=True, check=True, timeout=30).stdout)

    # ---- the fake server ----

    def fill(self, n: int, folder: str = "user1/Inbox") -> None:
        for first in range(0, n, 100_000):
            self.fake.create(folder, min(n - first, 100_000), subject="a mail about something, number %d", quiet=True, **{"from": first})

    def folder_id(self, what: str, path: str = "Inbox") -> str:
        """`key` or `entry_id` of a folder of user1, in hex."""
        (found,) = [f[what] for f in self.fake.do("folders", store="user1")["folders"] if f.get("name") == path and not f["deleted"]]
        return found

    def bare(self, kind: str, *more: Any) -> float:
        """Items per second of a bare reader of the Inbox."""
        folder = self.folder_id("key" if kind == "journal" else "entry_id")
        (line,) = programs.lines_of([programs.program("bench_real"), kind, self.fake.url, "user1", self.password_file, folder, 1, *more])
        return line["items_per_s"]

    def highest_change(self) -> int:
        return self.fake.do("info")["max_change"]
