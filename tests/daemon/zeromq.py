"""The whole daemon between a fake Kopano server and a consumer of ZeroMQ, a process of its own (keeper.py)."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Optional

from file_topics import FileTopics
from harness import DaemonTest
from process import ROOT

sys.path.insert(0, str(ROOT / "proto" / "clients" / "python"))

from tidings_zeromq import Consumer, Refused  # noqa: E402

__all__ = ["Consumer", "Refused", "ZeroMQDaemonTest"]

NAME = "archive"
HEARTBEAT_MS = 100


class Keeper:
    """The consumer's process, again and again with the same files."""

    def __init__(self, endpoint: str, directory: Path, log: Path) -> None:
        self.command = [sys.executable, Path(__file__).with_name("keeper.py"), endpoint, NAME, directory]
        self.log_file = log
        self.process: Optional[subprocess.Popen] = None

    def start(self) -> None:
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(os.environ))

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


class ZeroMQDaemonTest(DaemonTest):
    def make_topics(self) -> None:
        self.topic_names: dict[str, str] = {}
        self.endpoint, self.live_endpoint = self.endpoints()
        kept = self.directory / "kept"
        kept.mkdir()
        self.topics = FileTopics(kept)
        self.keeper = Keeper(self.endpoint, kept, self.directory / "keeper.log")
        self.addCleanup(self.keeper.kill)

    def endpoints(self) -> tuple[str, str]:
        return f"ipc://{self.directory}/acknowledged", f"ipc://{self.directory}/live"

    def default_config(self) -> dict[str, Any]:
        sink = {"acknowledged": {"bind": self.endpoint, "consumer": NAME, "heartbeat_ms": HEARTBEAT_MS}, "live": {"bind": self.live_endpoint}}
        return super().default_config() | {"sink": {"zeromq": sink}}

    def consumer(self, name: str = NAME, **how: Any) -> Consumer:
        made = Consumer(self.endpoint, name, **how)
        self.addCleanup(made.socket.close)
        return made
