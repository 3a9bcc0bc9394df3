"""A daemon that is asked from outside: the commands of `tidings`, with its configuration."""

import json
import subprocess
from pathlib import Path
from typing import Any

from files import FileDaemonTest
from harness import DaemonTest
from process import BUILD

DEADLINE_S = 30


class Asking(DaemonTest):
    def tidings(self, command: str, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([BUILD / "tidings", command, "-c", self.directory / "tidings.yaml", *arguments],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE_S)

    def done(self, command: str, *arguments: str) -> str:
        """What it prints; it succeeds and complains of nothing."""
        done = self.tidings(command, *arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def refused(self, text: str, command: str, *arguments: str, status: int = 2) -> None:
        done = self.tidings(command, *arguments)
        self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
        self.assertIn(text, done.stderr)

    def status(self) -> dict[str, Any]:
        return json.loads(self.done("status", "-j"))

    def socket(self) -> Path:
        return self.directory / "state.db.sock"

    def run_until_listed(self) -> None:
        self.start()
        self.wait_for(self.is_listed, "the snapshot's end")


class AskingTest(Asking, FileDaemonTest):
    """Into files."""
