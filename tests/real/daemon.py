"""A Tidings daemon under test, in a directory of its own: configuration, state, log."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from confluent_kafka.admin import AdminClient
from place import Place

STOP_SECONDS = 30
TOPICS = ("items", "folders", "addressbook", "lifecycle", "deadletter", "notifications")


class Failed(Exception):
    """Something did not happen, or happened that must not."""


def configuration(place: Place, directory: Path, prefix: str, folders: Sequence[str], **other: Any) -> Dict[str, Any]:
    """JSON is YAML."""
    kopano: Dict[str, Any] = {"url": place.url, "user": place.user if place.password_file else "SYSTEM",
                              "poll_interval_ms": other.get("poll_ms", 50)}
    if place.password_file:
        kopano["password_file"] = str(place.password_file)
    if other.get("login"):
        kopano |= {"user": other["login"], "password_file": other["login_password_file"]}
    if place.ca_file:
        kopano["tls"] = {"ca_file": str(place.ca_file)}
    return {
        "source": {"kopano": kopano},
        "follow": other.get("follow") or {"mode": "folders", "stores": [place.user], "folders": list(folders),
                                          "associated": other.get("associated", False)},
        "snapshot": other.get("snapshot", "all"),
        **({"notifications": other["notifications"]} if "notifications" in other else {}),
        "sink": {"kafka": {"delivery": "at-least-once", "partitions": other.get("partitions", 2),
                           "topics": {topic: f"{prefix}.{topic}" for topic in TOPICS},
                           "librdkafka": {"bootstrap.servers": place.kafka}}},
        "state": {"path": str(directory / "state.db")},
    }


class Daemon:
    """start, kill, start ...; `topics` are those of its records."""

    def __init__(self, place: Place, folders: Sequence[str], **other: Any) -> None:
        self.place = place
        self.directory = Path(tempfile.mkdtemp(prefix="tidings-real-"))
        self.prefix = f"real-{uuid.uuid4().hex[:8]}"
        self.config = self.directory / "tidings.yaml"
        self.log = self.directory / "log"
        self.process: Optional["subprocess.Popen[bytes]"] = None
        self.configure(folders, **other)

    def configure(self, folders: Sequence[str], **other: Any) -> None:
        text = json.dumps(configuration(self.place, self.directory, self.prefix, folders, **other), indent=1)
        self.config.write_text(text + "\n")

    def topic(self, name: str) -> str:
        return f"{self.prefix}.{name}"

    def start(self) -> None:
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(self.place.tidings), "run", "-c", str(self.config)],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def check(self) -> None:
        """Raises if it has ended by itself."""
        if self.process is not None and self.process.poll() is not None:
            raise Failed(f"the daemon ended with {self.process.returncode}: {self.last_words()}")

    def last_words(self, n: int = 3) -> str:
        return " | ".join(self.log.read_text(errors="replace").splitlines()[-n:])

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        assert self.process is not None
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failed(f"the daemon did not end in {seconds} s: {self.last_words()}") from None

    def stop(self) -> None:
        """As a service manager does it; it must end well."""
        self.check()
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        code = self.wait()
        self.process = None
        if code != 0:
            raise Failed(f"stopped, the daemon exited with {code}: {self.last_words()}")

    def kill(self) -> None:
        """Without a chance to do anything about it."""
        self.check()
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def forget(self) -> None:
        """Makes the next start a first one, on the same topics."""
        for path in self.directory.glob("state.db*"):
            os.unlink(path)

    def remove(self) -> None:
        """Its directory and its topics."""
        client = AdminClient({"bootstrap.servers": self.place.kafka})
        topics = [self.topic(name) for name in TOPICS if self.topic(name) in client.list_topics(timeout=10).topics]
        for future in client.delete_topics(topics).values() if topics else ():
            future.result(STOP_SECONDS)
        shutil.rmtree(self.directory)

    def run_to_end(self, seconds: float) -> int:
        """For what it must refuse: its exit code."""
        self.start()
        return self.wait(seconds)

    def resident_bytes(self) -> int:
        assert self.process is not None
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGESIZE")

    def log_lines(self) -> List[str]:
        return self.log.read_text(errors="replace").splitlines()
