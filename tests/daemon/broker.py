"""A broker of one's own, to be killed and started (tests/kafka/broker)."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from process import ROOT

PROGRAM = ROOT / "tests" / "kafka" / "broker"


class Broker:
    def __init__(self, tls: tuple[Path, Path] | None = None) -> None:
        """tls: key and certificate in PEM, and the file of a password, for listeners SSL and SASL_SSL."""
        self.directory = Path(tempfile.mkdtemp(prefix="tidings-broker-"))
        self.options = ["--tls", *tls] if tls else []
        self.address = ""

    def start(self) -> None:
        """On new storage, or on what it has and the port that it had."""
        done = subprocess.run([PROGRAM, "start", self.directory, *self.options], stdout=subprocess.PIPE, text=True, check=True)
        self.address = done.stdout.strip()

    def address_of(self, listener: str) -> str:
        command = [PROGRAM, "address", self.directory, "--listener", listener]
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

    def stop(self) -> None:
        subprocess.run([PROGRAM, "stop", self.directory], stdout=subprocess.DEVNULL, check=True)

    def kill(self) -> None:
        subprocess.run([PROGRAM, "kill", self.directory], stdout=subprocess.DEVNULL, check=True)

    def freeze(self) -> None:
        """It keeps its connections and answers nothing."""
        os.kill(self._pid(), signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self._pid(), signal.SIGCONT)

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _pid(self) -> int:
        return int((self.directory / "pid").read_text())
