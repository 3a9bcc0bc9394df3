#!/usr/bin/python3
"""The ways to the server: TLS that is verified, and the unix socket, over which SYSTEM needs no password."""

import subprocess
from pathlib import Path

from harness import PASSWORD, DaemonTest, main
from topics import change


def make_certificate(cert: Path, key: Path) -> None:
    """Of localhost, signed by itself."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        + ["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
        check=True,
        capture_output=True,
    )


class Transport(DaemonTest):
    def assert_followed(self) -> None:
        items = self.fake.create("user1/Inbox", 5)
        self.start()
        self.wait_for_records(lambda t: t.of_kind(change.KIND_SNAPSHOT_END), "the end of the snapshot")
        self.fake.change(items[0], subject="changed")
        self.fake.expire_sessions()
        self.fake.create("user1/Inbox")
        self.assert_mirror()

    def assert_refused(self, pattern: str) -> None:
        self.start()
        self.assertEqual(self.daemon.wait(), 2, self.daemon.log())
        self.assertEqual(self.daemon.count("error: "), 1, self.daemon.log())
        self.assertRegex(self.daemon.log(), pattern)
        self.assertNotIn(PASSWORD, self.daemon.log())


class Tls(Transport):
    def fake_arguments(self) -> list[str]:
        self.cert = self.directory / "server.pem"
        make_certificate(self.cert, self.directory / "key.pem")
        return ["--tls", str(self.cert), str(self.directory / "key.pem")]

    def use(self, host: str, **tls: str | bool) -> None:
        self.write_config(source={"kopano": {"url": f"https://{host}:{self.fake.tls_port}/", "tls": tls or None}})

    def test_with_the_ca_of_the_server(self) -> None:
        self.use("localhost", ca_file=str(self.cert))
        self.assert_followed()

    def test_an_unknown_ca_is_refused(self) -> None:
        self.use("localhost")
        self.assert_refused("certificate of the server is not trusted")

    def test_another_name_is_refused(self) -> None:
        self.use("127.0.0.1", ca_file=str(self.cert))
        self.assert_refused("certificate of the server is not trusted")

    def test_unverified_if_that_is_wanted(self) -> None:
        self.use("127.0.0.1", verify=False)
        self.assert_followed()

    def test_a_ca_file_that_is_none_is_refused(self) -> None:
        self.use("localhost", ca_file=str(self.directory / "password"))
        self.assert_refused("ca_file")


class Socket(Transport):
    user = "SYSTEM"

    def fake_arguments(self) -> list[str]:
        return ["--socket", str(self.directory / "kopano.sock")]

    def test_without_password(self) -> None:
        url = f"file://{self.directory}/kopano.sock"
        self.write_config(source={"kopano": {"url": url, "password_file": None}})
        self.assert_followed()

    def test_over_tcp_a_password_is_needed(self) -> None:
        self.assert_refused("log ?on|password|credentials")


if __name__ == "__main__":
    main()
