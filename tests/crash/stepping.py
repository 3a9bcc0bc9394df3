"""Tests of a daemon that was built with -DTIDINGS_STEPS, into files: a few items cross all borders, no broker is needed."""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "daemon"))

from file_topics import FileTopics, change, lifecycle  # noqa: E402
from harness import PASSWORD, DaemonTest  # noqa: E402
from process import Daemon  # noqa: E402
from run import LIMITS, PROGRAM  # noqa: E402

__all__ = ["PASSWORD", "SECONDS", "SteppingTest", "lifecycle"]

SECONDS = 30.0  # for whatever a correct daemon does in a fraction of one


class SteppingTest(DaemonTest):
    def setUp(self) -> None:
        super().setUp()
        self.daemon = Daemon(self.daemon.config, self.daemon.log_file, PROGRAM)
        self.addCleanup(self.daemon.kill)

    def make_topics(self) -> None:
        records = self.directory / "records"
        records.mkdir(exist_ok=True)
        self.topics: FileTopics = FileTopics(records)

    def default_config(self) -> dict[str, Any]:
        self.topic_names: dict[str, str] = {}
        return super().default_config() | {"sink": {"file": {"directory": str(self.topics.directory)}}}

    def start(self, **settings: Any) -> None:
        """DIE_AT=3, LOSE_AT=5, ..."""
        chosen = {f"TIDINGS_{name}": value for name, value in settings.items()}
        self.daemon.start(env={name: str(value) for name, value in (LIMITS | chosen).items()})

    def ends(self) -> list[change.ChangeEvent]:
        return self.topics.of_kind(change.KIND_SNAPSHOT_END)

    def wait_for_end(self) -> None:
        self.wait_for_records(lambda t: self.ends(), "the end of the listing", SECONDS)

    def assert_mirror(self, but: set[bytes] = frozenset(), seconds: float = SECONDS) -> None:
        super().assert_mirror(but, seconds)
