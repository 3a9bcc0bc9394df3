"""The daemon as a process: started, stopped, killed, and what it says."""

import os
import re
import resource
import signal
import subprocess
from pathlib import Path
from typing import Mapping, Optional, Sequence

from waiting import SECONDS, wait_until

ROOT = Path(__file__).resolve().parents[2]
BUILD = (ROOT / os.environ.get("BUILD", "build")).resolve()
SANITIZER_FACTOR = 4


def memory_bound(n_bytes: int) -> int:
    """For peak_bytes(). A sanitizer (tests/sanitized) has its own share: shadow, red zones, what was freed."""
    return n_bytes * SANITIZER_FACTOR if "ASAN_OPTIONS" in os.environ else n_bytes


class Daemon:
    """`tidings run -c FILE`, again and again with the same log."""

    def __init__(self, config: Path, log: Path, program: Path = BUILD / "tidings") -> None:
        self.program = program
        self.config = config
        self.log_file = log
        self.process: Optional[subprocess.Popen] = None
        self.read_from = 0  # where the log of the present process begins

    def start(
        self,
        file_size_limit: Optional[int] = None,
        env: Optional[Mapping[str, str]] = None,
        arguments: Sequence[str] = (),
        open_files_limit: Optional[int] = None,
    ) -> None:
        def limit() -> None:
            if file_size_limit is not None:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_size_limit, file_size_limit))
            if open_files_limit is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (open_files_limit, open_files_limit))

        self.read_from = self.log_file.stat().st_size if self.log_file.exists() else 0
        # The log goes through a pipe, so that a limit on files does not stop it.
        reader = ["cat"]
        with open(self.log_file, "ab") as log:
            self.logger = subprocess.Popen(reader, stdin=subprocess.PIPE, stdout=log)
        self.process = subprocess.Popen(
            [self.program, "run", "-c", self.config, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=self.logger.stdin,
            stderr=self.logger.stdin,
            preexec_fn=limit,
            env=dict(os.environ, **(env or {})),
        )
        self.logger.stdin.close()

    def log(self) -> str:
        """What the present process, or the last one, has said."""
        if not self.log_file.exists():
            return ""
        with open(self.log_file, "rb") as file:
            file.seek(self.read_from)
            return file.read().decode(errors="replace")

    def lines(self) -> list[str]:
        return self.log().splitlines()

    def count(self, pattern: str) -> int:
        """Lines of the log in which the pattern is found."""
        return sum(bool(re.search(pattern, line)) for line in self.lines())

    def wait_for(self, pattern: str, seconds: float = SECONDS) -> None:
        wait_until(lambda: self.count(pattern), lambda: f"/{pattern}/ in the log:\n{self.log()}", seconds)

    def cpu_seconds(self) -> float:
        """Used by the present process so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def wait(self, seconds: float = SECONDS) -> int:
        """Its exit status; negative: the signal that ended it."""
        assert self.process is not None
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the daemon does not end within {seconds:g} s; its log:\n{self.log()}") from None
        self.logger.wait()
        return status

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self, seconds: float = SECONDS) -> int:
        """Once it takes signals: before that they end it at once."""
        wait_until(lambda: not self.running() or self.count("version"), "the daemon says that it has begun")
        self.signal(signal.SIGTERM)
        return self.wait(seconds)

    def kill(self) -> None:
        """As a power cut would; nothing to do when it does not run."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.logger.wait()

    def peak_bytes(self) -> int:
        """The most memory that it ever had."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"^VmHWM:\s+(\d+) kB", status, re.M)[1]) * 1024
