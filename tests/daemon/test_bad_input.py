#!/usr/bin/python3
"""What `run` does with input that cannot be right: one line that says what to mend, the right exit status, no secret."""

import os
import sqlite3
import subprocess
import unittest
from pathlib import Path

from confluent_kafka.admin import AdminClient

from harness import PASSWORD, DaemonTest, main
from process import Daemon


class BadInputTest(DaemonTest):
    def setUp(self) -> None:
        super().setUp()
        self.state = self.directory / "state.db"

    def assert_refused(self, pattern: str, status: int = 2) -> None:
        """The daemon starts, says one line of error and ends."""
        self.start()
        self.assert_ends(pattern, status)

    def assert_ends(self, pattern: str, status: int) -> None:
        self.assertEqual(self.daemon.wait(), status, self.daemon.log())
        errors = [line for line in self.daemon.lines() if "error: " in line]
        self.assertEqual(len(errors), 1, self.daemon.log())
        self.assertRegex(errors[0], pattern)
        self.assertNotIn(PASSWORD, self.daemon.log())

    def run_once(self) -> None:
        """Afterwards there is a state that belongs to this server and these topics."""
        self.fake.create("user1/Inbox", 3)
        self.start()
        self.wait_for_mirror()
        self.assertEqual(self.daemon.stop(), 0)


class Credentials(BadInputTest):
    def test_a_wrong_password(self) -> None:
        (self.directory / "password").write_text("Falsch-9kQ2z\n")
        self.assert_refused("log ?on|password|credentials")
        self.assertNotIn("Falsch-9kQ2z", self.daemon.log())

    def test_an_unknown_user(self) -> None:
        self.write_config(source={"kopano": {"user": "nobody"}})
        self.assert_refused("log ?on|password|credentials")

    def test_a_password_that_was_changed_while_it_runs(self) -> None:
        self.start()
        self.wait_for_records(lambda t: t.mirror.snapshots, "the snapshot began")
        self.fake.set_password("user1", "Anderes-1")
        self.fake.expire_sessions()
        self.assert_ends("log ?on|password|credentials", 2)


class Follow(BadInputTest):
    def test_an_unknown_store(self) -> None:
        self.write_config(follow={"stores": ["user1", "missing"]})
        self.assert_refused('follow.stores: .*"missing"')

    def test_a_store_without_the_right_to_open_it(self) -> None:
        self.write_config(follow={"stores": ["user2"]})
        self.assert_refused('"user2"')

    def test_an_unknown_folder(self) -> None:
        self.write_config(follow={"folders": ["Inbox", "Missing/Deep"]})
        self.assert_refused('follow.folders: .*"Missing/Deep".*"user1"')

    def test_a_folder_that_is_named_twice(self) -> None:
        self.write_config(follow={"folders": ["Inbox", "Inbox"]})
        self.assert_refused("twice")


class Configuration(BadInputTest):
    """Errors of the configuration; every kind of mistake has a unit test, here are those that need the program."""

    def write_text(self, text: str) -> None:
        self.daemon.config.write_text(text)

    def test_a_file_that_is_not_there(self) -> None:
        self.daemon.config.unlink()
        self.assert_refused("tidings.yaml.*No such file")

    def test_text_that_is_not_yaml(self) -> None:
        self.write_text("source: {kopano: [\n")
        self.assert_refused(r"tidings.yaml:\d+:\d+")

    def test_an_unknown_key_names_the_nearest_known_one_and_its_place(self) -> None:
        self.write_config(source={"kopano": {"pasword_file": "/x"}})
        self.assert_refused(r"tidings.yaml:\d+:\d+: .*pasword_file.*password_file")

    def test_a_missing_password_file(self) -> None:
        (self.directory / "password").unlink()
        self.assert_refused("password.*No such file")

    def test_a_property_that_would_break_a_promise(self) -> None:
        self.write_config(sink={"kafka": {"librdkafka": {"acks": "1"}}})
        self.assert_refused("acks")

    def test_a_state_in_a_directory_that_is_not_there(self) -> None:
        self.write_config(state={"path": str(self.directory / "no" / "state.db")})
        self.assert_refused("state.db")

    def test_a_secret_of_librdkafka_is_not_shown(self) -> None:
        self.write_config(sink={"kafka": {"librdkafka": {"sasl.password": PASSWORD, "security.protocol": "NONSENSE"}}})
        self.assert_refused("security.protocol")

    def test_a_url_of_an_unknown_kind(self) -> None:
        self.write_config(source={"kopano": {"url": f"ftp://user1:{PASSWORD}@localhost/"}})
        self.assert_refused(r"tidings.yaml:\d+:\d+: .*URL")
        self.assertEqual(len(self.daemon.lines()), 1)


class OtherEnds(BadInputTest):
    """A state that belongs to another server, cluster or topic: going on would be wrong without a sign of it."""

    def setUp(self) -> None:
        super().setUp()
        self.run_once()

    def test_another_server(self) -> None:
        self.fake.kill()
        self.fake.start()
        self.fake.set_password("user1", PASSWORD)
        self.assert_refused("another server.*GUID")

    def test_another_cluster(self) -> None:
        db = sqlite3.connect(self.state)
        with db:
            (value,) = db.execute("SELECT value FROM entry WHERE key = ?", (b"ends/kafka",)).fetchone()
            other = b"AAAAAAAAAAAAAAAAAAAAAA" + value[value.index(b"\n") :]
            db.execute("UPDATE entry SET value = ? WHERE key = ?", (other, b"ends/kafka"))
        db.close()
        self.assert_refused("belongs to the cluster AAAAAAAAAAAAAAAAAAAAAA")

    def test_another_topic(self) -> None:
        other = self.topic_names["items"] + ".other"
        self.write_config(sink={"kafka": {"topics": {"items": other}}})
        self.assert_refused("belongs to the topic .*items")

    def test_another_topic_is_not_made(self) -> None:
        other = self.topic_names["items"] + ".other"
        self.write_config(sink={"kafka": {"topics": {"items": other}}})
        self.assert_refused("belongs to the topic")
        self.assertNotIn(other, AdminClient({"bootstrap.servers": self.bootstrap}).list_topics(timeout=10).topics)


class StateFile(BadInputTest):
    def setUp(self) -> None:
        super().setUp()
        self.run_once()

    def test_damaged(self) -> None:
        size = self.state.stat().st_size
        with open(self.state, "r+b") as file:
            file.seek(100)
            file.write(os.urandom(size - 100))
        self.assert_refused("state.db is damaged")

    def test_not_a_database(self) -> None:
        self.state.write_bytes(b"hello\n" * 1000)
        self.assert_refused("state.db is damaged|no state of Tidings")

    def test_empty(self) -> None:
        self.state.write_bytes(b"")
        self.assert_refused("no state of Tidings")

    def test_newer(self) -> None:
        db = sqlite3.connect(self.state)
        db.execute("PRAGMA user_version = 99")
        db.close()
        self.assert_refused("has format 99")

    def test_an_entry_of_a_newer_version(self) -> None:
        db = sqlite3.connect(self.state)
        with db:
            db.execute("UPDATE entry SET value = x'ff' || value WHERE key = ?", (b"ends/kopano",))
            changed = db.execute("SELECT changes()").fetchone()[0]
        db.close()
        self.assertEqual(changed, 1)
        self.assert_refused("newer")

    def test_a_second_instance(self) -> None:
        self.start()
        self.daemon.wait_for("version")
        second = Daemon(self.daemon.config, self.directory / "second.log")
        self.addCleanup(second.kill)
        second.start()
        self.assertEqual(second.wait(), 2)
        self.assertEqual(len(second.lines()), 1, second.log())
        self.assertRegex(second.log(), f"in use by process {self.daemon.process.pid}")
        self.assertTrue(self.daemon.running())
        self.assert_mirror()


class DiskFull(BadInputTest):
    def ended_by_creating(self) -> bool:
        self.fake.create("user1/Inbox", 5)
        return not self.daemon.running()

    def test_the_limit_of_file_sizes(self) -> None:
        self.start(file_size_limit=48 * 1024)
        self.wait_for(self.ended_by_creating, "the limit is reached")
        self.assert_ends("state .*state.db: ", 1)
        self.start()
        self.assert_mirror()

    @unittest.skipUnless(os.geteuid() == 0, "only root may mount a small disk")
    def test_a_small_disk(self) -> None:
        disk = self.directory / "disk"
        disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], capture_output=True).returncode:
            self.skipTest("no right to mount")
        self.addCleanup(subprocess.run, ["umount", "-l", disk])
        self.write_config(state={"path": str(disk / "state.db")})
        self.fake.create("user1/Inbox", 3)
        self.start()
        self.wait_for_mirror()
        fill_disk(disk / "ballast")
        self.wait_for(self.ended_by_creating, "the disk is full")
        self.assert_ends("state .*state.db: ", 1)
        (disk / "ballast").unlink()
        self.start()
        self.assert_mirror()


def fill_disk(file: Path) -> None:
    try:
        with open(file, "wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(1024))
    except OSError:
        pass


if __name__ == "__main__":
    main()
