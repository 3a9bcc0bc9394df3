#!/usr/bin/python3
"""`tidings check --connect`: each step is ok, or what is wrong with it and how it is mended."""

import json
import os
import subprocess
import unittest

from confluent_kafka.admin import AdminClient, NewTopic

from files import FileDaemonTest
from harness import KAFKA, PASSWORD, DaemonTest
from tls import Certificate, TlsGate


class Doctor(DaemonTest):
    def check(self, status: int) -> dict[str, list[tuple[str, str]]]:
        """By subject: verdicts and texts."""
        command = [self.daemon.program, "check", "-c", self.daemon.config, "--connect", "--json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual((done.stderr, done.returncode), ("", status), done.stdout)
        self.assertNotIn(PASSWORD, done.stdout)
        lines: dict[str, list[tuple[str, str]]] = {}
        for line in map(json.loads, done.stdout.splitlines()):
            lines.setdefault(line["subject"], []).append((line["verdict"], line["text"]))
        return lines

    def assert_said(self, subject: str, verdict: str, pattern: str, status: int) -> dict[str, list[tuple[str, str]]]:
        lines = self.check(status)
        self.assertEqual([v for v, _ in lines[subject]], [verdict], lines)
        self.assertRegex(lines[subject][0][1], pattern)
        return lines


class Source(Doctor, FileDaemonTest):
    def use(self, **kopano: object) -> None:
        self.write_config(source={"kopano": kopano})

    def test_all_is_right(self) -> None:
        lines = self.check(0)
        self.assertEqual(list(lines), ["resolve", "connect", "logon", "rights", "follow", "file", "state"])
        self.assertEqual({verdict for line in lines.values() for verdict, _ in line}, {"ok"})

    def test_as_a_table(self) -> None:
        command = [self.daemon.program, "check", "-c", self.daemon.config, "--connect"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        self.assertRegex(done.stdout, r"\Aok       resolve {18}127.0.0.1 is 127.0.0.1\nok       connect ")

    def test_while_the_daemon_runs(self) -> None:
        self.fake.create("user1/Inbox", 5)
        self.start()
        self.wait_for_mirror()
        self.check(0)
        self.fake.create("user1/Inbox", 5)
        self.assert_mirror()

    def test_it_changes_nothing(self) -> None:
        before = self.fake.do("info")
        self.check(0)
        self.assertFalse((self.directory / "state.db").exists())
        self.assertEqual({k: v for k, v in self.fake.do("info").items() if "sync" not in k}, {k: v for k, v in before.items() if "sync" not in k})

    def test_an_unknown_name(self) -> None:
        self.use(url="http://no-such-host.invalid/")
        command = [self.daemon.program, "check", "-c", self.daemon.config, "--connect", "--json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60)
        line = json.loads(done.stdout.splitlines()[0])
        self.assertIn((line["verdict"], done.returncode), [("wrong", 2), ("waiting", 1)])  # as the name server says
        self.assertRegex(line["text"], "no-such-host.invalid: .*correct the host")

    def test_nobody_listens(self) -> None:
        self.use(url="http://127.0.0.1:9/")
        self.assertNotIn("logon", self.assert_said("connect", "waiting", "Connection refused; does the server run", 1))

    def test_a_wrong_password(self) -> None:
        (self.directory / "password").write_text("Falsch-9kQ2z\n")
        self.assert_said("logon", "wrong", "wrong password", 2)

    def test_an_unknown_folder(self) -> None:
        self.write_config(follow={"folders": ["Inbox", "Missing"]})
        self.assert_said("follow", "wrong", '"Missing"', 2)

    def test_what_an_account_may_follow(self) -> None:
        self.assert_said("rights", "ok", "no system administrator", 0)
        self.fake.add_user("boss", PASSWORD, admin=2)
        self.use(user="boss")
        self.assert_said("rights", "ok", "may follow the whole server", 0)

    def test_the_certificate(self) -> None:
        ca = Certificate(self.directory, "ca")
        gate = TlsGate(self.fake.port, Certificate(self.directory, "server", ca))
        self.addCleanup(gate.close)
        url = f"https://localhost:{gate.port}/"
        self.use(url=url, tls={"ca_file": str(ca.cert)})
        self.assert_said("TLS", "ok", "trusted", 0)
        self.use(url=url, tls={"verify": False})
        self.assert_said("TLS", "warning", "not verified", 0)
        self.use(url=url)
        self.assertNotIn("logon", self.assert_said("TLS", "wrong", "tls.ca_file", 2))


class State(Doctor, FileDaemonTest):
    def test_damaged(self) -> None:
        (self.directory / "state.db").write_bytes(b"hello\n" * 1000)
        self.assert_said("state", "wrong", "state.db", 2)

    @unittest.skipUnless(os.geteuid() == 0, "only root may do anything")
    def test_root_is_no_measure_of_what_the_daemon_may(self) -> None:
        self.assertNotIn("user", self.check(0))
        os.chown(self.directory, 65534, 65534)
        self.assert_said("user", "warning", "belongs to user 65534.*runuser", 0)

    def test_a_directory_that_is_not_there(self) -> None:
        self.write_config(state={"path": str(self.directory / "no" / "state.db")})
        self.assert_said("state", "wrong", "the directory must exist", 2)


@unittest.skipUnless(KAFKA, "skipped: no Kafka")
class Kafka(Doctor):
    def make(self, kind: str, **config: str) -> str:
        name = self.topic_names[kind]
        topic = NewTopic(name, 1, 1, config={key.replace("_", "."): value for key, value in config.items()})
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        for made in admin.create_topics([topic]).values():
            made.result(20)
        self.wait_for(lambda: name in admin.list_topics(timeout=10).topics, "the topic is there")
        return f"topic {name}"

    def test_missing_topics_are_told_and_not_made(self) -> None:
        self.assert_said("missing topics", "ok", r"6 \(.*items, ...\) will be made, with 1 partitions", 0)
        listed = AdminClient({"bootstrap.servers": self.bootstrap}).list_topics(timeout=10).topics
        self.assertFalse(listed.keys() & set(self.topic_names.values()))

    def test_partitions_that_cannot_be(self) -> None:
        self.write_config(sink={"kafka": {"partitions": 10000, "librdkafka": {"bootstrap.servers": "127.0.0.1:9"}}})
        self.assert_said("broker", "waiting", "Connection refused", 1)

    def test_one_replica(self) -> None:
        subject = self.make("items")
        self.assert_said(subject, "warning", "one replica is enough .*use 3 and 2", 0)

    def test_retention(self) -> None:
        subject = self.make("items", retention_ms="60000")
        lines = self.check(0)[subject]
        self.assertEqual([verdict for verdict, _ in lines], ["warning", "warning"])
        self.assertRegex(lines[1][1], r"beginning is deleted in time \(retention.ms 60000")

    def test_compaction(self) -> None:
        subject = self.make("items", cleanup_policy="compact")
        self.assert_said(subject, "wrong", "cleanup.policy=compact .*set it to delete", 2)


del Doctor  # it has no tests of its own


if __name__ == "__main__":
    unittest.main(verbosity=2)
