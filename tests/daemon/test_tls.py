#!/usr/bin/python3
"""https:// as users meet it: whose certificate is trusted, what is said of one that is not, and a certificate as logon."""

import subprocess
import unittest
from pathlib import Path
from typing import Any

from files import FileDaemonTest
from harness import PASSWORD
from tls import Certificate, TlsGate, openssl


class TlsTest(FileDaemonTest):
    def setUp(self) -> None:
        super().setUp()
        self.ca = Certificate(self.directory, "ca")

    def fake_arguments(self) -> list[str]:
        return ["--socket", str(self.directory / "kopano.sock")]

    def show(self, shown: Certificate, to: int | Path | None = None, **gate: Any) -> None:
        self.gate = TlsGate(to or self.fake.port, shown, **gate)
        self.addCleanup(self.gate.close)

    def use(self, kopano: dict[str, Any] | None = None, host: str = "localhost", **tls: Any) -> None:
        url = f"https://{host}:{self.gate.port}/"
        self.write_config(source={"kopano": {"url": url, "tls": {"ca_file": str(self.ca.cert), **tls}, **(kopano or {})}})

    def assert_followed(self) -> None:
        self.fake.create("user1/Inbox", 3)
        self.start()
        self.assert_mirror()

    def assert_refused(self, pattern: str) -> None:
        """The daemon ends, without a restart, with one line that says why and what to do."""
        self.start()
        self.assertEqual(self.daemon.wait(), 2, self.daemon.log())
        self.assertEqual(self.daemon.count("error: "), 1, self.daemon.log())
        self.assertRegex(self.daemon.log(), pattern)
        self.assertNotIn(PASSWORD, self.daemon.log())

    def assert_misconfigured(self, pattern: str) -> None:
        """`check` finds it, with its line, before anything is connected to."""
        done = subprocess.run([self.daemon.program, "check", "-c", self.daemon.config], stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"tidings.yaml:\d+:\d+: " + pattern)


class ServerCertificate(TlsTest):
    def show_signed(self, **how: Any) -> None:
        self.show(Certificate(self.directory, "server", self.ca, **how))

    def test_signed_by_the_own_ca(self) -> None:
        self.show_signed()
        self.use()
        self.assert_followed()
        self.assertEqual(self.daemon.count("warning: "), 0)

    def test_signed_by_another_ca(self) -> None:
        self.show(Certificate(self.directory, "server", Certificate(self.directory, "other")))
        self.use()
        self.assert_refused("not trusted .*tls.ca_file")

    def test_expired(self) -> None:
        self.show_signed(days=-1)
        self.use()
        self.assert_refused("not trusted .*expired.*: renew it")

    def test_that_expires_while_the_daemon_runs(self) -> None:
        self.show_signed()
        self.use()
        self.fake.create("user1/Inbox", 3)
        self.start()
        self.wait_for_mirror()
        expired = Certificate(self.directory, "expired", self.ca, days=-1)
        self.gate.context.load_cert_chain(expired.cert, expired.key)
        self.fake.expire_sessions()
        self.fake.restart()
        self.assertEqual(self.daemon.wait(), 2, self.daemon.log())
        self.assertRegex(self.daemon.log(), "error: .*expired.*: renew it")
        self.gate.context.load_cert_chain(self.directory / "server.pem", self.directory / "server.key")
        self.fake.create("user1/Inbox")
        self.start()
        self.assert_mirror()

    def test_signed_by_itself(self) -> None:
        self.show(Certificate(self.directory, "self"))
        self.use()
        self.assert_refused("not trusted .*self.signed.*tls.ca_file")

    def test_signed_by_itself_and_named(self) -> None:
        self.show(Certificate(self.directory, "self"))
        self.use(ca_file=str(self.directory / "self.pem"))
        self.assert_followed()

    def test_of_another_host(self) -> None:
        self.show_signed(san="subjectAltName=DNS:mail.example.com")
        self.use()
        self.assert_refused("not trusted .*name the server in the URL as its certificate does")

    def test_of_an_address(self) -> None:
        self.show_signed(san="subjectAltName=IP:127.0.0.1")
        self.use(host="127.0.0.1")
        self.assert_followed()

    def test_not_verified_is_possible_and_said(self) -> None:
        self.show_signed(days=-1, san="subjectAltName=DNS:mail.example.com")
        self.use(verify=False)
        self.assert_followed()
        self.assertEqual(self.daemon.count("warning: source: `tls.verify` is false"), 1)

    def test_https_to_a_port_without_tls(self) -> None:
        self.show_signed()
        self.gate.port = self.fake.port
        self.use()
        self.start()
        self.daemon.wait_for("warning: source: .*; retrying")
        self.assertEqual(self.daemon.stop(), 0)


class ClientCertificate(TlsTest):
    """The gate stands for a server that knows the certificate: behind it nobody is asked for a password."""

    user = "SYSTEM"

    def setUp(self) -> None:
        super().setUp()
        self.client = Certificate(self.directory, "client", self.ca)
        self.show(Certificate(self.directory, "server", self.ca), to=self.directory / "kopano.sock", asks_for=self.ca)

    def use_certificate(self, **tls: Any) -> None:
        self.use({"password_file": None}, **tls)

    def test_is_the_logon(self) -> None:
        self.use_certificate(cert_file=str(self.client.cert), key_file=str(self.client.key))
        self.assert_followed()

    def test_with_its_key_in_one_file(self) -> None:
        both = self.directory / "both.pem"
        both.write_text(self.client.cert.read_text() + self.client.key.read_text())
        self.use_certificate(cert_file=str(both))
        self.assert_followed()

    def test_is_needed(self) -> None:
        self.use_certificate()
        self.start()
        self.daemon.wait_for("warning: source: .*alert certificate required.*; retrying")

    def test_with_the_key_of_another(self) -> None:
        self.use_certificate(cert_file=str(self.client.cert), key_file=str(self.ca.key))
        self.assert_refused("of no use .*key_file")


class Files(TlsTest):
    """What `check` finds out about the files."""

    def setUp(self) -> None:
        super().setUp()
        self.client = Certificate(self.directory, "client", self.ca)
        self.show(self.client)

    def test_that_are_missing(self) -> None:
        for key in "ca_file", "cert_file":
            self.use(**{key: "/nowhere.pem"})
            self.assert_misconfigured(f"`source.kopano.tls.{key}`: cannot read /nowhere.pem: No such file")

    def test_that_are_a_directory(self) -> None:
        self.use(ca_file=str(self.directory))
        self.assert_misconfigured("`source.kopano.tls.ca_file`: cannot read .*directory")

    def test_that_are_no_certificates(self) -> None:
        self.use(ca_file=str(self.client.key))
        self.assert_misconfigured("`source.kopano.tls.ca_file`: there is no CERTIFICATE")

    def test_a_certificate_without_its_key(self) -> None:
        self.use(cert_file=str(self.client.cert))
        self.assert_misconfigured("`source.kopano.tls.cert_file`: there is no PRIVATE KEY")

    def test_a_key_alone(self) -> None:
        self.use(key_file=str(self.client.key))
        self.assert_misconfigured("`key_file` without `cert_file`")

    def test_a_key_with_a_passphrase(self) -> None:
        locked = self.directory / "locked.key"
        openssl("pkey", "-in", self.client.key, "-aes256", "-passout", "pass:Schloss", "-out", locked)
        self.use(cert_file=str(self.client.cert), key_file=str(locked))
        self.assert_misconfigured("`source.kopano.tls.key_file`: the key in .* has a passphrase")


if __name__ == "__main__":
    unittest.main(verbosity=2)
