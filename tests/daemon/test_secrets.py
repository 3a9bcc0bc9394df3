#!/usr/bin/python3
"""No secret reaches a log, a command line, a record, the state or a core file; where a password comes from."""

import json
import subprocess
import unittest
from pathlib import Path
from typing import Any

from files import FileDaemonTest
from harness import PASSWORD, DaemonTest, KAFKA

BROKER_PASSWORD = "Makler-3wX8q"
FOREIGN = {"fake.log"}  # of the server, which knows its users' passwords


def files_with(secret: str, directory: Path, but: set[str]) -> list[str]:
    return [
        str(path)
        for path in directory.rglob("*")
        if path.is_file() and path.name not in but and secret.encode() in path.read_bytes()
    ]


def about(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace")


class SecretsTest(FileDaemonTest):
    def assert_nowhere(self, secret: str, but: set[str]) -> None:
        """The daemon runs."""
        pid = self.daemon.process.pid
        self.assertNotIn(secret, about(pid, "cmdline"))
        self.assertRegex(about(pid, "limits"), r"Max core file size +0 +0")
        self.assertEqual(files_with(secret, self.directory, FOREIGN | but), [])

    def follow_a_while(self, **how: Any) -> None:
        """With an outage, whose attempts are logged too."""
        self.fake.create("user1/Inbox", 3)
        self.start(arguments=["-v"], **how)
        self.wait_for_mirror()
        self.fake.fault("http", n=503, times=2)
        self.fake.restart()
        self.fake.expire_sessions()
        self.fake.create("user1/Inbox", 1)
        self.wait_for_mirror()


class Password(SecretsTest):
    def test_from_a_file(self) -> None:
        self.follow_a_while()
        self.assert_nowhere(PASSWORD, but={"password"})
        self.assertNotIn(PASSWORD, about(self.daemon.process.pid, "environ"))
        self.assertTrue(files_with(PASSWORD, self.directory, FOREIGN), "this test looks at the right files")

    def test_from_the_environment(self) -> None:
        self.write_config(source={"kopano": {"password_file": None, "password_env": "TIDINGS_PASSWORD"}})
        (self.directory / "password").unlink()
        self.follow_a_while(env={"TIDINGS_PASSWORD": PASSWORD})
        self.assert_nowhere(PASSWORD, but=set())

    def assert_misconfigured(self, pattern: str) -> None:
        done = subprocess.run([self.daemon.program, "check", "-c", self.daemon.config], stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"tidings.yaml:\d+:\d+: .*" + pattern)
        self.assertNotIn(PASSWORD, done.stderr)

    def test_from_a_variable_that_is_not_there(self) -> None:
        self.write_config(source={"kopano": {"password_file": None, "password_env": "TIDINGS_NO_SUCH"}})
        self.assert_misconfigured("`source.kopano.password_env`: the environment has no variable TIDINGS_NO_SUCH")

    def test_from_both(self) -> None:
        self.write_config(source={"kopano": {"password_env": "HOME"}})
        self.assert_misconfigured("`password_file` is given too")

    def test_in_the_configuration_is_refused_unseen(self) -> None:
        self.write_config(source={"kopano": {"password": PASSWORD}})
        self.assert_misconfigured("unknown key `password`")


class Impersonation(SecretsTest):
    def test_of_a_user_by_an_administrator(self) -> None:
        self.write_config(source={"kopano": {"user": "admin1", "impersonate": "user1"}})
        self.follow_a_while()
        self.assert_mirror()

    def test_of_nobody(self) -> None:
        self.write_config(source={"kopano": {"user": "admin1", "impersonate": "nobody"}})
        self.start()
        self.assertEqual(self.daemon.wait(), 2)
        self.assertRegex(self.daemon.log(), "error: source: .*(log ?on|impersonat)")


@unittest.skipUnless(KAFKA, "skipped: no Kafka")
class BrokerPassword(DaemonTest):
    """librdkafka logs what it is told to; it must not be the password."""

    def test_of_a_broker_that_wants_none(self) -> None:
        (self.directory / "broker-password").write_text(BROKER_PASSWORD + "\n")
        properties = {
            "bootstrap.servers": self.bootstrap,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "PLAIN",
            "sasl.username": "tidings",
            "debug": "all",
        }
        files = {"sasl.password": str(self.directory / "broker-password")}
        self.write_config(sink={"kafka": {"librdkafka": properties, "librdkafka_files": files}})
        self.start(arguments=["-v"])
        self.daemon.wait_for("retrying|correct the credentials")
        self.assertTrue(self.daemon.count("sasl"))
        self.assertEqual(files_with(BROKER_PASSWORD, self.directory, FOREIGN | {"broker-password"}), [])


class Log(FileDaemonTest):
    def test_verbose_tells_what_it_is_doing(self) -> None:
        self.fake.create("user1/Inbox", 3)
        self.start(arguments=["-v"])
        self.wait_for_mirror()
        self.fake.create("user1/Inbox", 1)
        self.wait_for_mirror()
        self.daemon.wait_for("debug: state: .* acknowledged")
        for pattern in [
            "debug: sink: connected",
            "debug: source: connected",
            r"debug: source: \d+ records from \d+ entries, Inbox of user1, snapshot/",
            r"debug: source: \d+ records from \d+ entries, Inbox of user1, contents/",
        ]:
            self.assertTrue(self.daemon.count(pattern), f"{pattern} in\n{self.daemon.log()}")
        self.restart()
        self.assert_mirror()
        self.assertEqual(self.daemon.count("debug: "), 0)

    def test_what_happens_to_a_folder_is_said_without_being_asked(self) -> None:
        self.fake.create("user1/Inbox", 3)
        self.start()
        self.wait_for_mirror()
        self.fake.delete_folder("user1/Inbox", hard=True)
        self.daemon.wait_for("tidings: source: Inbox of user1: ")

    def test_json_lines(self) -> None:
        self.write_config(log={"format": "json"})
        self.fake.create("user1/Inbox", 3)
        self.start()
        self.wait_for_mirror()
        self.fake.kill()
        self.daemon.wait_for("retrying")
        self.daemon.process.terminate()
        self.assertEqual(self.daemon.wait(), 0)
        lines = [json.loads(line) for line in self.daemon.lines()]
        self.assertEqual({line["level"] for line in lines}, {"info", "warning"})
        for line in lines:
            self.assertEqual(set(line), {"time", "level", "text"})
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


if __name__ == "__main__":
    unittest.main(verbosity=2)
