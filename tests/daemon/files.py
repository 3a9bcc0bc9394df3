"""The whole daemon between a fake Kopano server and the file sink: a DaemonTest that needs no broker."""

from typing import Any

from file_topics import FileTopics
from harness import DaemonTest


class FileDaemonTest(DaemonTest):
    def make_topics(self) -> None:
        self.topic_names: dict[str, str] = {}
        self.records = self.directory / "records"
        self.records.mkdir()
        self.topics = FileTopics(self.records)

    def default_config(self) -> dict[str, Any]:
        return super().default_config() | {"sink": {"file": {"directory": str(self.records)}}}
