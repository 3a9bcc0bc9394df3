"""One run of the campaign: the daemon dies at a step, is started again, and must end with the server's mailboxes."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "daemon"))

from fake import FakeServer  # noqa: E402
from file_topics import FileTopics  # noqa: E402
from process import BUILD  # noqa: E402
from scenario import FOLLOW, Scenario  # noqa: E402
from topics import Topics  # noqa: E402
from zeromq import HEARTBEAT_MS, NAME, Keeper  # noqa: E402

PROGRAM = BUILD.with_name(BUILD.name + "-steps") / "tidings"
PASSWORD = "Geheim-7nP4x"
CATCH_UP_SECONDS = 40.0
STOP_SECONDS = 40.0
KAFKA_TOPICS = ("items", "folders", "addressbook", "lifecycle", "deadletter", "notifications")

# A few items cross the borders of pages, windows, batches and commits.
LIMITS = {
    "TIDINGS_PAGE_ROWS": 4,
    "TIDINGS_WINDOW_ENTRIES": 8,
    "TIDINGS_BATCH_CHANGES": 3,
    "TIDINGS_COMMIT_INTERVAL_MS": 2,
    "TIDINGS_FIRST_PAUSE_MS": 2,
    "TIDINGS_LAST_PAUSE_MS": 10,
    "TIDINGS_SUSPENDED_POLL_MS": 50,
    "TIDINGS_FILE_VALUE_BYTES": 3000,
}
TIMES = {"poll_interval_ms": 10, "settle_ms": 50}
LARGE_BYTES = {"file": 4000, "kafka": 1200000, "zeromq": 70000}


@dataclass(frozen=True)
class Death:
    """At step n of the first `times` processes."""

    n: int
    times: int

    def __str__(self) -> str:
        return f"step {self.n}" + (" twice" if self.times == 2 else "")


@dataclass
class Result:
    death: Death
    n_steps: int = 0  # of the first process
    n_deaths: int = 0
    effect: str = ""  # that the first death prevented
    problems: list[str] = field(default_factory=list)


def fast_directory() -> Optional[str]:
    """fsync costs nothing there; what the disk may lose is not the question here."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Run:
    def __init__(self, directory: Path, death: Death, sink: str) -> None:
        self.directory = directory
        self.death = death
        self.sink = sink
        self.outcome = Result(death)
        self.process: Optional[subprocess.Popen] = None
        self.n_started = 0
        self.log_from = 0  # what the present process has said
        self.fake = FakeServer(directory)
        self.keeper: Optional[Keeper] = None

    def result(self) -> Result:
        self.fake.start()
        try:
            self.prepare()
            self.play()
            self.check()
        except AssertionError as problem:
            self.outcome.problems += [str(problem), *self.log().splitlines()[-20:]]
        finally:
            self.end()
        return self.outcome

    def end(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
        self.fake.kill()
        if self.keeper:
            self.keeper.kill()
        if hasattr(self, "topics"):
            self.topics.close()

    # ---- what there is before ----

    def prepare(self) -> None:
        self.fake.set_password("user1", PASSWORD)
        self.scenario = Scenario(self.fake, LARGE_BYTES[self.sink])
        password_file = self.directory / "password"
        password_file.write_text(PASSWORD + "\n")
        password_file.chmod(0o600)
        config = {
            "source": {"kopano": {"url": self.fake.url, "user": "user1", "password_file": str(password_file), **TIMES}},
            "follow": FOLLOW,
            "snapshot": "all",
            "sink": {"file": self.file_sink, "kafka": self.kafka_sink, "zeromq": self.zeromq_sink}[self.sink](),
            "state": {"path": str(self.directory / "state.db")},
        }
        (self.directory / "tidings.yaml").write_text(json.dumps(config))

    def file_sink(self) -> dict[str, Any]:
        records = self.directory / "records"
        records.mkdir()
        self.topics: Topics = FileTopics(records)
        return {"file": {"directory": str(records)}}

    def kafka_sink(self) -> dict[str, Any]:
        bootstrap, prefix = os.environ["TIDINGS_KAFKA"], f"crash-{uuid.uuid4().hex[:12]}"
        names = {kind: f"{prefix}.{kind}" for kind in KAFKA_TOPICS}
        self.topics = Topics(bootstrap, {kind: names[kind] for kind in ("items", "lifecycle", "deadletter")}, 1)
        return {"kafka": {"topics": names, "partitions": 1, "librdkafka": {"bootstrap.servers": bootstrap}}}

    def zeromq_sink(self) -> dict[str, Any]:
        """Its consumer dies whenever the daemon does."""
        endpoint, kept = f"ipc://{self.directory}/acknowledged", self.directory / "kept"
        kept.mkdir()
        self.topics = FileTopics(kept)
        self.keeper = Keeper(endpoint, kept, self.directory / "keeper.log")
        self.keeper.start()
        acknowledged = {"bind": endpoint, "consumer": NAME, "heartbeat_ms": HEARTBEAT_MS}
        return {"zeromq": {"outbox": "64 KiB", "acknowledged": acknowledged}}

    # ---- the daemon ----

    def start(self) -> None:
        steps = self.directory / f"steps.{self.n_started}"
        settings = {**LIMITS, "TIDINGS_STEP_LOG": steps, "TIDINGS_LOSE_AT": self.record_to_lose()}
        if self.n_started < self.death.times:
            settings["TIDINGS_DIE_AT"] = self.death.n
        self.log_from = len(self.log())
        with open(self.directory / "tidings.log", "ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "run", "-c", self.directory / "tidings.yaml"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(os.environ, **{name: str(value) for name, value in settings.items()}),
            )
        self.n_started += 1

    def record_to_lose(self) -> int:
        """Another one for every step: in the listing, or later."""
        return 5 + 7 * self.death.n % 60

    def log(self) -> str:
        path = self.directory / "tidings.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def takes_signals(self) -> bool:
        """It does when it has said its version."""
        return "tidings: version" in self.log()[self.log_from :]

    def has_died(self) -> bool:
        """As it was to; any other end is an error."""
        status = self.process.poll()
        assert status in (None, -signal.SIGKILL), f"the daemon ended with {status}"
        return status is not None

    def note_death(self) -> None:
        self.outcome.n_deaths += 1
        if self.keeper:
            self.keeper.kill()
            self.keeper.start()
        if not self.outcome.effect:
            last = (self.directory / "steps.0").read_text().splitlines()[-1]
            self.outcome.effect = last.split(" ", 1)[1]

    # ---- the play ----

    def play(self) -> None:
        self.start()
        deadline = time.monotonic() + CATCH_UP_SECONDS
        while not self.is_over():
            assert time.monotonic() < deadline, "\n    ".join(["it does not catch up:", *self.missing()[:10]])
            self.topics.pump()
            if self.has_died():
                self.note_death()
                self.scenario.play()
                self.start()
            elif self.scenario.is_due(self.topics):
                self.scenario.play()

    def missing(self) -> list[str]:
        begun = [] if self.scenario.is_listed(self.topics) else ["a listing has not ended"]
        return begun + self.scenario.missing(self.topics)

    def is_over(self) -> bool:
        """Caught up, and stopped in good order."""
        if self.scenario.acts or not self.takes_signals() or not self.scenario.has_caught_up(self.topics):
            return False
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError("it does not stop") from None
        if status == -signal.SIGKILL:
            return False
        assert status == 0, f"it stopped with {status}"
        return True

    def check(self) -> None:
        self.topics.read_to_end()
        self.outcome.n_steps = len((self.directory / "steps.0").read_text().splitlines())
        self.outcome.problems += self.missing()[:10] + self.topics.mirror.finish()[:10]
