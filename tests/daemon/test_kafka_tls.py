#!/usr/bin/python3
"""A broker with TLS, logons and ACLs: whom the daemon trusts, who it is, what it may do; `check --connect` says the same."""

import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "kafka"))

from admin import OPERATIONS, allow  # noqa: E402
from broker import Broker  # noqa: E402
from harness import KAFKA, DaemonTest  # noqa: E402
from test_secrets import FOREIGN, files_with  # noqa: E402
from tls import Certificate  # noqa: E402

PASSWORD_OF_BROKER = "Makler-3wX8q"
WRONG_PASSWORD = "Falsch-5tB1m"


def setUpModule() -> None:
    global made, broker, ca
    if not KAFKA:
        return
    made = Path(tempfile.mkdtemp(prefix="tidings-tls-"))
    ca = Certificate(made, "ca")
    shown = Certificate(made, "broker", ca)
    (made / "broker.pem").write_text(shown.key.read_text() + shown.cert.read_text())
    (made / "password").write_text(PASSWORD_OF_BROKER + "\n")
    broker = Broker(tls=(made / "broker.pem", made / "password"))
    broker.start()


def tearDownModule() -> None:
    if KAFKA:
        broker.remove()
        shutil.rmtree(made)


@unittest.skipUnless(KAFKA, "skipped: no Kafka")
class SecureBroker(DaemonTest):
    def setUp(self) -> None:
        self.bootstrap = broker.address  # the consumer's, who may read everything
        super().setUp()
        self.fake.create("user1/Inbox", 5)

    def use(self, listener: str, password: str = "", **properties: str) -> None:
        """As the manual says."""
        properties = {"bootstrap.servers": broker.address_of(listener), "security.protocol": listener, **properties}
        files = {}
        if password:
            (self.directory / "broker-password").write_text(password + "\n")
            files = {"sasl.password": str(self.directory / "broker-password")}
            properties = {"sasl.mechanism": "PLAIN", "sasl.username": "tidings"} | properties
        self.write_config(sink={"kafka": {"librdkafka": properties, "librdkafka_files": files}})

    def check(self, status: int) -> dict[str, tuple[str, str]]:
        command = [self.daemon.program, "check", "-c", self.daemon.config, "--connect", "--json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual((done.stderr, done.returncode), ("", status), done.stdout)
        return {line["subject"]: (line["verdict"], line["text"]) for line in map(json.loads, done.stdout.splitlines())}

    def assert_waits(self, pattern: str) -> None:
        self.start()
        self.daemon.wait_for(pattern)
        self.assertEqual(self.daemon.count("warning: sink: "), 1, self.daemon.log())
        self.assertEqual(self.daemon.stop(), 0)

    def assert_nowhere(self, secret: str) -> None:
        self.assertEqual(files_with(secret, self.directory, FOREIGN | {"broker-password"}), [])


class Tls(SecureBroker):
    def test_a_certificate_of_ones_own_authority(self) -> None:
        self.use("SSL", **{"ssl.ca.location": str(ca.cert)})
        self.assertEqual(self.check(0)["broker"][0], "ok")
        self.start()
        self.assert_mirror()

    def test_of_an_authority_that_is_not_trusted(self) -> None:
        stranger = Certificate(self.directory, "stranger")
        self.use("SSL", **{"ssl.ca.location": str(stranger.cert)})
        self.assert_waits("no secure connection to .*certificate.*; retrying")
        verdict, text = self.check(2)["broker"]
        self.assertEqual(verdict, "wrong")
        self.assertRegex(text, "no secure connection to .*certificate.*ssl.ca.location")


class Logon(SecureBroker):
    @property
    def scram(self) -> dict[str, str]:
        return {"ssl.ca.location": str(ca.cert), "sasl.mechanism": "SCRAM-SHA-512", "debug": "security,broker"}

    def grant(self, *operations: str) -> None:
        allow(broker.address, "tidings", self.topic_names["items"].split(".")[0], operations)

    def test_with_a_wrong_password(self) -> None:
        self.use("SASL_SSL", WRONG_PASSWORD, **{"ssl.ca.location": str(ca.cert), "debug": "security,broker"})
        self.start(arguments=["-v"])
        self.assertEqual(self.daemon.wait(), 2)
        self.assertRegex(self.daemon.lines()[-1], "error: Kafka: logging on: .*correct the credentials")
        self.assertEqual(self.check(2)["broker"][0], "wrong")
        self.assert_nowhere(WRONG_PASSWORD)

    def test_with_scram(self) -> None:
        self.grant(*OPERATIONS)
        self.use("SASL_SSL", PASSWORD_OF_BROKER, **self.scram)
        self.assertEqual(self.check(0)["broker"][0], "ok")
        self.start(arguments=["-v"])
        self.assert_mirror()
        self.assert_nowhere(PASSWORD_OF_BROKER)

    def test_with_scram_and_a_wrong_password(self) -> None:
        self.use("SASL_SSL", WRONG_PASSWORD, **self.scram)
        self.start(arguments=["-v"])
        self.assertEqual(self.daemon.wait(), 2)
        self.assertEqual(self.daemon.count("^tidings: error: "), 1, self.daemon.log())
        self.assertRegex(self.daemon.lines()[-1], "error: Kafka: logging on: .*correct the credentials")
        self.assert_nowhere(WRONG_PASSWORD)

    def test_who_may_do_nothing_is_told_what_to_grant(self) -> None:
        self.use("SASL_SSL", PASSWORD_OF_BROKER, **{"ssl.ca.location": str(ca.cert)})
        said = self.check(2)
        self.assertEqual(said["missing topics"][0], "wrong")
        self.assertRegex(said["missing topics"][1], "grant this user Describe, DescribeConfigs, Create and Write")

    def test_with_the_rights_that_are_named(self) -> None:
        self.grant(*OPERATIONS)
        self.use("SASL_SSL", PASSWORD_OF_BROKER, **{"ssl.ca.location": str(ca.cert)})
        self.assertEqual(self.check(0)["missing topics"][0], "ok")
        self.start()
        self.assert_mirror()
        self.assert_nowhere(PASSWORD_OF_BROKER)

    def test_topics_that_may_not_be_written(self) -> None:
        self.grant("Describe", "DescribeConfigs", "Create")
        self.use("SASL_SSL", PASSWORD_OF_BROKER, **{"ssl.ca.location": str(ca.cert)})
        self.start()
        self.assertEqual(self.daemon.wait(), 2)
        self.assertRegex(self.daemon.lines()[-1], "uthoriz.*; grant this user .* Write on its topics")
        self.assertFalse(self.has_position(), "nothing was acknowledged")


class Settings(SecureBroker):
    def test_topics_that_make_themselves(self) -> None:
        self.use("SSL", **{"ssl.ca.location": str(ca.cert)})
        verdict, text = self.check(0)["auto.create"]
        self.assertEqual(verdict, "warning")
        self.assertRegex(text, "misspelt name")


del SecureBroker  # it has no tests of its own


if __name__ == "__main__":
    unittest.main(verbosity=2)
