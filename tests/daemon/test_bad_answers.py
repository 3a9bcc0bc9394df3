#!/usr/bin/python3
"""A server, a proxy or a network that misbehaves: one clear line, bounded memory, and nothing is lost afterwards."""

import os
import re
import socket
import subprocess
import time
import unittest
from typing import Iterable

from files import FileDaemonTest
from gate import Gate
from harness import PASSWORD
from liar import Liar, after, html, whole
from process import ROOT, memory_bound

GIB = 1 << 30
MEMORY_BYTES = memory_bound(160 << 20)
N_ITEMS = 20


class BadAnswerTest(FileDaemonTest):
    def setUp(self) -> None:
        super().setUp()
        self.liar = Liar(self.fake.port)
        self.addCleanup(self.liar.close)
        self.write_config(source={"kopano": {"url": self.liar.url}})

    def assert_survived(self) -> None:
        """It still runs, and knows what happened meanwhile."""
        self.liar.tell_the_truth()
        self.fake.create("user1/Inbox", 3)
        self.assert_mirror()
        self.assertEqual(self.daemon.count("error: "), 0, self.daemon.log())

    def follow_first(self) -> None:
        self.fake.create("user1/Inbox", N_ITEMS)
        self.start()
        self.wait_for_mirror()

    def assert_said_once(self, pattern: str) -> None:
        """However often it is tried."""
        self.daemon.wait_for(pattern)
        told = self.liar.n_told
        self.wait_for(lambda: self.liar.n_told > told + 1, "more attempts")
        self.assertEqual(self.daemon.count("warning: "), 1, self.daemon.log())
        self.assertNotIn(PASSWORD, self.daemon.log())


class Proxy(BadAnswerTest):
    """Something in between that answers for the server, at the start or later."""

    def assert_passes(self, method: str, lie: object, pattern: str) -> None:
        self.liar.tell(method, lie)
        self.fake.create("user1/Inbox", N_ITEMS)
        if not self.daemon.running():
            self.start()
        self.assert_said_once(pattern)
        self.assert_survived()

    def test_a_page_instead_of_the_logon(self) -> None:
        self.assert_passes("logon", html("200 OK"), "warning: source: logon at .*a web page.*URL.*; retrying")

    def test_a_page_with_an_error_of_the_proxy(self) -> None:
        self.assert_passes("logon", html("502 Bad Gateway"), "warning: source: .*HTTP status 502.*; retrying")

    def test_a_redirection_to_a_page(self) -> None:
        lie = html("302 Found", b"Location: http://127.0.0.1:1/login\r\n")
        self.assert_passes("logon", lie, "warning: source: .*HTTP status 302.*redirections are not followed")

    def test_a_proxy_that_wants_a_password_of_its_own(self) -> None:
        lie = html("401 Unauthorized", b'WWW-Authenticate: Basic realm="proxy"\r\n')
        self.assert_passes("logon", lie, "warning: source: .*HTTP status 401")

    def test_a_page_while_it_follows(self) -> None:
        self.follow_first()
        self.assert_passes("getChanges", html("200 OK"), "warning: source: getChanges at .*a web page.*URL.*; retrying")


def large_entries(body: bytes) -> Iterable[bytes]:
    """The first entry, if there is one, comes again and again, with a megabyte of something unknown in it."""
    entry = re.search(rb"<item>.*?</item>", body, re.S)
    if not entry:
        return whole(body)
    large = entry[0].replace(b"<item>", b"<item><pad>" + b"x" * (1 << 20) + b"</pad>")
    return after(2 * GIB, large, mark=body[: entry.start()])(body)


class Size(BadAnswerTest):
    def setUp(self) -> None:
        super().setUp()
        self.write_config(source={"kopano": {"url": self.liar.url, "timeout_ms": 600000}})

    def test_two_gigabytes_of_entries(self) -> None:
        """Read through, bit by bit: an answer has no upper limit."""
        self.follow_first()
        self.liar.tell("getChanges", large_entries)
        self.fake.create("user1/Inbox", 1)
        self.wait_for_mirror(seconds=120)
        self.assertGreater(self.liar.n_told, 0)
        self.assertLess(self.daemon.peak_bytes(), MEMORY_BYTES)
        self.assert_survived()

    def test_two_gigabytes_in_one_element(self) -> None:
        self.follow_first()
        self.liar.tell("getChanges", after(2 * GIB, b"x" * (1 << 20), mark=b"<ulMaxChangeId>"))
        self.assert_said_once("warning: source: .*getChanges at .*(element|bytes).*; retrying")
        self.assertLess(self.daemon.peak_bytes(), MEMORY_BYTES)
        self.assert_survived()

    def test_a_hundred_thousand_elements_in_each_other(self) -> None:
        self.follow_first()
        self.liar.tell("getChanges", after(100_000 * 3, b"<a>"))
        self.assert_said_once("warning: source: .*getChanges at .*(deep|nested).*; retrying")
        self.assert_survived()


class Text(BadAnswerTest):
    def test_invalid_utf_8(self) -> None:
        """What a client of the server sees as broken comes as U+FFFD, and the record can be read by everybody."""
        self.liar.replaced = (b"brokenXX", b"broken\xff\xc3")
        self.fake.create("user1/Inbox", 1, subject="brokenXX text")
        self.start()
        self.wait_for_records(lambda topics: topics.rows(), "the item")
        (event,) = self.topics.rows()
        self.assertEqual(event.item.subject, "broken\ufffd\ufffd text")
        self.assertEqual(self.topics.letters, [])

    def test_zero_bytes(self) -> None:
        self.follow_first()
        self.liar.tell("getChanges", lambda body: whole(b"\0" * len(body)))
        self.assert_said_once("warning: source: getChanges at .*; retrying")
        self.assert_survived()

    def test_entities_that_grow(self) -> None:
        """The billion laughs: a document type is refused."""
        laughs = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><a>&b;</a>'
        self.follow_first()
        self.liar.tell("getChanges", lambda _: whole(laughs))
        self.assert_said_once("warning: source: getChanges at .*; retrying")
        self.assert_survived()


class Silence(FileDaemonTest):
    def setUp(self) -> None:
        super().setUp()
        self.fake.create("user1/Inbox", N_ITEMS)

    def assert_waited_for(self, pattern: str) -> None:
        self.start()
        self.daemon.wait_for(pattern)
        self.write_config()
        self.restart()
        self.assert_mirror()

    def test_a_server_that_accepts_and_never_answers(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
            self.write_config(source={"kopano": {"url": url, "timeout_ms": 300}})
            self.assert_waited_for("warning: source: logon at .*(nothing came for|not complete after) 300 ms.*; retrying")

    def test_that_begins_while_it_follows(self) -> None:
        self.write_config(source={"kopano": {"timeout_ms": 300}})
        self.start()
        self.wait_for_mirror()
        self.fake.fault("never", times=1000)
        self.daemon.wait_for("warning: source: .*300 ms.*; retrying")
        self.fake.clear_faults()
        self.fake.create("user1/Inbox", 3)
        self.assert_mirror()

    def test_a_tls_server_that_never_shakes_hands(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"https://localhost:{listener.getsockname()[1]}/"
            self.write_config(source={"kopano": {"url": url, "timeout_ms": 300}})
            self.assert_waited_for("warning: source: logon at .*300 ms.*; retrying")


@unittest.skipUnless(os.geteuid() == 0, "only root may give the daemon name services of its own")
class Names(FileDaemonTest):
    """In a mount namespace of its own, where the test writes /etc/hosts."""

    NAME = "mail.tidings.test"

    def setUp(self) -> None:
        super().setUp()
        self.hosts = self.directory / "hosts"
        self.resolvable(True)
        (self.directory / "nsswitch").write_text("hosts: files\n")
        script = self.directory / "in-namespace"
        script.write_text(
            f"#!/bin/sh\nmount --bind {self.hosts} /etc/hosts\n"
            f'mount --bind {self.directory}/nsswitch /etc/nsswitch.conf\nexec {self.daemon.program} "$@"\n'
        )
        script.chmod(0o755)
        wrapper = self.directory / "tidings"
        wrapper.write_text(f'#!/bin/sh\nexec unshare --mount {script} "$@"\n')
        wrapper.chmod(0o755)
        if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
            self.skipTest("no right to make a namespace")
        self.daemon.program = wrapper
        self.gate = Gate(self.fake.port)
        self.gate.open()
        self.addCleanup(self.gate.close)
        self.write_config(source={"kopano": {"url": f"http://{self.NAME}:{self.gate.port}/"}})

    def resolvable(self, can_be: bool) -> None:
        self.hosts.write_text(f"127.0.0.1 {self.NAME}\n" if can_be else "127.0.0.1 localhost\n")

    def test_a_name_that_stops_resolving(self) -> None:
        self.fake.create("user1/Inbox", N_ITEMS)
        self.start(arguments=["-v"])
        self.wait_for_mirror()
        self.resolvable(False)
        self.gate.close()
        self.daemon.wait_for("warning: source: .*; retrying")
        self.daemon.wait_for(f"debug: source: .*resolve.*{self.NAME}")
        self.gate.open()
        self.fake.create("user1/Inbox", 3)
        self.resolvable(True)
        self.daemon.wait_for("source: back after")
        self.assert_mirror()

    def test_a_name_that_is_unknown_at_the_start(self) -> None:
        self.resolvable(False)
        self.fake.create("user1/Inbox", N_ITEMS)
        self.start()
        self.daemon.wait_for(f"warning: source: .*resolve.*{self.NAME}.*; retrying")
        self.resolvable(True)
        self.assert_mirror()


class Clock(FileDaemonTest):
    """The clock of the machine jumps; time that passes is measured by another one."""

    def setUp(self) -> None:
        super().setUp()
        self.library = self.directory / "shift_clock.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", self.library, ROOT / "tests/preload/shift_clock.c"], check=True)

    def set_clock(self, years: int) -> None:
        """In one step: an empty file would be no shift."""
        (self.directory / "new").write_text(f"{years * 365 * 86400}\n")
        (self.directory / "new").rename(self.directory / "time")

    def test_jumps(self) -> None:
        self.set_clock(0)
        self.fake.create("user1/Inbox", N_ITEMS)
        env = {"LD_PRELOAD": str(self.library), "SHIFT_CLOCK": str(self.directory / "time")}
        asan = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        self.write_config(log={"format": "json"})
        self.start(env=env | {"ASAN_OPTIONS": asan})
        self.wait_for_mirror()
        for years in (-20, 20):
            self.set_clock(years)
            self.fake.create("user1/Inbox", 3)
            self.wait_for_mirror()
            self.fake.fault("http", n=503, times=3)
            year = time.gmtime(time.time() + years * 365 * 86400).tm_year
            self.daemon.wait_for(f'"time":"{year}.*status 503.*retrying')
            self.fake.create("user1/Inbox", 3)
            self.wait_for_mirror()
        self.assert_mirror()

    def test_no_condition_waits_by_it(self) -> None:
        for path in [*(ROOT / "core").glob("**/*.c"), *(ROOT / "bridge").glob("**/*.c")]:
            if "pthread_cond_timedwait" in path.read_text():
                self.assertIn("pthread_condattr_setclock(", path.read_text(), path)


class OpenFiles(FileDaemonTest):
    """From a limit at which nothing works to one that suffices: a reason, or the data, and never a loss."""

    def test_every_limit(self) -> None:
        self.fake.create("user1/Inbox", N_ITEMS)
        outcomes = set()
        for limit in range(4, 60, 2):
            self.start(open_files_limit=limit)
            self.wait_for(self.is_decided, f"with {limit} open files it works, waits or ends")
            outcomes.add(self.outcome(limit))
        self.assertEqual(outcomes, {"ended", "waits", "works"})
        self.start()
        self.fake.create("user1/Inbox", 3)
        self.assert_mirror()

    def is_decided(self) -> bool:
        self.topics.pump()
        return not self.daemon.running() or bool(self.daemon.count("retrying")) or not self.mirror_differences()

    def outcome(self, limit: int) -> str:
        if not self.daemon.running():
            self.assertEqual(self.daemon.wait(), 1, f"{limit}: {self.daemon.log()}")
            self.assertRegex(self.daemon.log(), "error: .*(open files|Too many open|unable to open)")
            return "ended"
        waits = self.daemon.count("retrying")
        self.assertEqual(self.daemon.stop(), 0, f"{limit}: {self.daemon.log()}")
        return "waits" if waits else "works"


if __name__ == "__main__":
    unittest.main(verbosity=2)
