#!/usr/bin/python3
"""Every way to a Kopano server: each follows a folder; what must be refused is refused.

    transports.py --https https://mail.example.com:237/kopano --ca ca.pem --wrong-host https://192.0.2.7:237/kopano \\
                  --socket file:///var/run/kopano/server.sock --restart-command 'systemctl restart kopano-server'

--kopano, with --user and --password-file, is the way on which python-kopano writes, and the http case if it is one. The
socket is used as SYSTEM, without a password: run this as a user that the server trusts. --restart-command must return when
the server is up again; then every session is gone, and the same daemon must go on. What is not given is not tried, and the
last line says so. Exit code 1 if something failed.
"""

import argparse
import shlex
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, List, Optional, Tuple

import groupware
import mirror_check
import place
from daemon import Daemon, Failed
from topic import Tail

REFUSED_SECONDS = 30
USAGE = 2  # exit code: a restart does not help


class Ways:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.writer = place.place_of(options)
        self.folder = groupware.new_folder(groupware.open_store(self.writer), "tidings-real transports")
        self.n_items = 0

    def store(self) -> Any:
        return groupware.open_store(self.writer)

    def write(self) -> Callable[[Any], bool]:
        """A new item, in a new session; returns what recognises its record."""
        self.n_items += 1
        subject = f"item {self.n_items}"
        groupware.create(groupware.find_folder(self.store(), self.folder.name), subject)
        return lambda event: event.item.subject == subject

    # --- what must work ---

    def follows(self, where: place.Place, restart: Optional[str] = None) -> str:
        """Snapshot, following, and the same across a restart of the server."""
        daemon = Daemon(where, [self.folder.name])
        listed = self.write()
        daemon.start()
        tail = Tail(where.kafka, daemon.topic("items"), daemon.check)
        tail.until(listed, "record of the listed item")
        tail.until(self.write(), "record of the new item")
        said = "snapshot and new item came"
        if restart:
            subprocess.run(shlex.split(restart), check=True, stdout=subprocess.DEVNULL)
            tail.until(self.write(), "record of the item made after the restart")
            said += "; server restarted: the next one too"
        daemon.stop()
        found = mirror_check.differences(tail.mirror, groupware.find_folder(self.store(), self.folder.name))
        tail.close()
        if found or tail.mirror.finish():
            raise Failed(f"{(found + tail.mirror.finish())[:3]}, see {daemon.directory}")
        daemon.remove()
        return said

    # --- what must be refused ---

    def refused(self, where: place.Place, folder: Optional[str] = None) -> str:
        daemon = Daemon(where, [folder or self.folder.name])
        code = daemon.run_to_end(REFUSED_SECONDS)
        line = daemon.last_words(1)
        if code != USAGE:
            raise Failed(f"exit code {code} instead of {USAGE}: {line}")
        daemon.remove()
        return f"exit {code}: {line}"

    def wrong_password(self, where: place.Place) -> str:
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("certainly not\n")
            file.flush()
            said = self.refused(replace(where, password_file=Path(file.name)))
        if "certainly not" in said:
            raise Failed("the password is shown")
        return said

    def wrong_ca(self, where: place.Place) -> str:
        """A certificate that signed nothing here."""
        with tempfile.TemporaryDirectory() as directory:
            ca = Path(directory) / "ca.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                            "-keyout", f"{directory}/key", "-out", str(ca), "-subj", "/CN=nobody", "-days", "2"],
                           check=True, stderr=subprocess.DEVNULL)
            return self.refused(replace(where, ca_file=ca))


Case = Tuple[str, Callable[[], str]]


def cases(ways: Ways) -> Tuple[List[Case], List[str]]:
    """What is to be tried, and what cannot be."""
    options, writer, tried, left = ways.options, ways.writer, [], []
    restart = options.restart_command

    def add(name: str, given: Any, case: Callable[[], str]) -> None:
        if given:
            tried.append((name, case))
        else:
            left.append(name)

    https = replace(writer, url=options.https or "")
    add("http", writer.url.startswith("http://"), lambda: ways.follows(writer, restart))
    add("https", options.https and writer.ca_file, lambda: ways.follows(https, restart))
    add("https, wrong CA", options.https, lambda: ways.wrong_ca(https))
    add("https, the system's CAs", options.https, lambda: ways.refused(replace(https, ca_file=None)))
    add("https, wrong host name", options.wrong_host,
        lambda: ways.refused(replace(https, url=options.wrong_host)))
    socket = replace(writer, url=options.socket or "", password_file=None, ca_file=None)
    add("unix socket, SYSTEM", options.socket, lambda: ways.follows(socket, restart))
    add("wrong password", writer.password_file, lambda: ways.wrong_password(writer))
    add("unknown user", writer.password_file, lambda: ways.refused(replace(writer, user="nobody-of-this-name")))
    add("unknown folder", True, lambda: ways.refused(writer, "tidings-real, no such folder"))
    add("restart of the server", restart, lambda: "tried with each way above")
    return tried, left


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    place.add_all(parser)
    place.add_option(parser, "--https", "TIDINGS_KOPANO_HTTPS", "URL, signed by --ca", needed=False)
    place.add_option(parser, "--wrong-host", "TIDINGS_KOPANO_WRONG_HOST", "the same by a name that its certificate lacks",
                     needed=False)
    place.add_option(parser, "--socket", "TIDINGS_KOPANO_SOCKET", "file:///path", needed=False)
    parser.add_argument("--restart-command", help="restarts the server and waits for it")
    return parser.parse_args()


def main() -> int:
    ways = Ways(arguments())
    tried, left = cases(ways)
    n_failed = 0
    for name, case in tried:
        try:
            print(f"ok    {name}: {case()}", flush=True)
        except (Failed, TimeoutError) as error:
            n_failed += 1
            print(f"FAIL  {name}: {error}", flush=True)
    store = ways.store()
    groupware.remove_folders(store, [groupware.find_folder(store, ways.folder.name)])
    print(f"{len(tried)} tried, {n_failed} failed, not given: {', '.join(left) or 'none'}")
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
