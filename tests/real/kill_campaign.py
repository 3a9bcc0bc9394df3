#!/usr/bin/python3
"""kill -9 at random moments; nothing is lost.

A writer (writer.py) makes changes of every kind in two folders at full speed, from the first start on. The daemon is
killed and started again: first while it lists what was there, then while it follows, sometimes twice in a row. With
--broker-kills the script runs a broker of its own (tests/kafka/broker), which is killed and started under load too. When
the writer is done the daemon catches up and is stopped. Then the mirror, built from the topics alone, must equal the
listing, and repeats must have equal ids. Exit code 1 if not; the daemon's directory, with its log, then stays.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, List, Optional

import groupware
import mirror_check
import place
from daemon import Daemon, Failed
from topic import Tail, mirror_of

HERE = Path(__file__).resolve().parent
BROKER = place.ROOT / "tests" / "kafka" / "broker"
CATCH_UP_SECONDS = 300


class Writing:
    """writer.py in a process of its own, and how far it is."""

    def __init__(self, options: argparse.Namespace, folders: List[str]) -> None:
        command = [sys.executable, str(HERE / "writer.py"), "--kopano", options.kopano, "--user", options.user,
                   "--changes", str(options.changes), "--seed", str(options.seed)]
        for name in ("password_file", "ca"):
            if getattr(options, name):
                command += ["--" + name.replace("_", "-"), getattr(options, name)]
        for folder in folders:
            command += ["--folder", folder]
        self.n_changes = 0
        self.began = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.moved = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self.moved:
                self.n_changes = int(line)
                self.moved.notify_all()
        code = self.process.wait()
        with self.moved:
            self.n_changes = sys.maxsize if code == 0 else -1
            self.moved.notify_all()

    def wait_for(self, n_changes: int) -> None:
        """Until so many changes were made, or all of them."""
        with self.moved:
            while 0 <= self.n_changes < n_changes:
                self.moved.wait(1)
            if self.n_changes < 0:
                raise Failed("the writer has failed")

    def finish(self) -> float:
        """Returns how long it wrote."""
        self.wait_for(sys.maxsize)
        return time.monotonic() - self.began

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Broker:
    """The broker that may be killed; its data outlive it."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="tidings-broker-"))
        self.address = self.run("start")

    def run(self, command: str) -> str:
        done = subprocess.run([str(BROKER), command, str(self.directory)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"broker {command}: {done.stderr.strip()}")
        return done.stdout.strip()

    def remove(self) -> None:
        self.run("kill")
        shutil.rmtree(self.directory)


class Campaign:
    def __init__(self, options: argparse.Namespace, broker: Optional[Broker]) -> None:
        self.options, self.broker = options, broker
        self.random = random.Random(options.seed)
        where = place.place_of(options)
        self.place = replace(where, kafka=broker.address) if broker else where
        self.store = groupware.open_store(self.place)
        self.daemon = Daemon(self.place, [])
        self.names = [f"{self.daemon.prefix} {name}" for name in "AB"]
        self.daemon.configure(self.names)
        self.folders: List[Any] = []
        self.writing: Optional[Writing] = None
        self.n_kills = 0

    # --- the course of events ---

    def prepare(self) -> None:
        self.folders = [groupware.new_folder(self.store, name) for name in self.names]
        began = time.monotonic()
        groupware.fill(self.folders[0], self.options.items)
        groupware.fill(self.folders[1], self.options.items // 10)
        say(f"{self.options.items} + {self.options.items // 10} items made in {time.monotonic() - began:.0f} s")

    def kill(self) -> None:
        self.daemon.kill()
        self.n_kills += 1

    def kill_in_snapshot(self) -> None:
        """When the topic has so many records more: random points of the listing."""
        if self.options.snapshot_kills == 0:
            return
        self.daemon.start()
        tail = Tail(self.place.kafka, self.daemon.topic("items"), self.daemon.check)
        n_open = 0
        targets = sorted(self.random.sample(range(self.options.items), self.options.snapshot_kills))
        for target in targets:
            if not self.daemon.is_running():
                self.daemon.start()
            while tail.n_records < target:
                self.daemon.check()
                tail.poll(0.02)
            self.kill()
            n_open += self.is_listing(tail)
        tail.close()
        say(f"killed {len(targets)} times from record {targets[0]} to {targets[-1]}, {n_open} of them in the snapshot")

    @staticmethod
    def is_listing(tail: Tail) -> bool:
        return len(tail.mirror.snapshots) < 2 or not all(s.ended for s in tail.mirror.snapshots.values())

    def kill_following(self) -> None:
        """At random changes, and now and then again while it starts."""
        assert self.writing
        first, left = max(0, self.writing.n_changes), self.options.kills
        moments = sorted(self.random.randrange(first, self.options.changes) for _ in range(left))
        for moment in moments:
            self.writing.wait_for(moment)
            if not self.daemon.is_running():
                self.daemon.start()
            self.wait_a_little(0.5)
            self.kill()
            if self.random.random() < 0.2:
                self.daemon.start()
                self.wait_a_little(0.3)
                self.kill()
            self.daemon.start()
        say(f"killed {self.n_kills} times in all")

    def wait_a_little(self, at_most: float) -> None:
        """The moment is what is random here."""
        time.sleep(self.random.uniform(0, at_most))

    def kill_broker(self) -> None:
        assert self.broker and self.writing
        first = max(0, self.writing.n_changes)
        moments = sorted(self.random.randrange(first, self.options.changes) for _ in range(self.options.broker_kills))
        for moment in moments:
            self.writing.wait_for(moment)
            self.daemon.check()
            self.broker.run("kill")
            self.wait_a_little(3)
            self.broker.run("start")
            say(f"broker killed at change {min(moment, self.options.changes)} and started again, "
                f"daemon has {self.daemon.resident_bytes() >> 20} MiB")

    def run(self) -> bool:
        options = self.options
        self.prepare()
        self.writing = Writing(options, self.names)
        self.kill_in_snapshot()
        if not self.daemon.is_running():
            self.daemon.start()
        brokers = threading.Thread(target=self.kill_broker) if self.broker else None
        if brokers and options.kills:
            brokers.start()
            self.kill_following()
            brokers.join()
        elif brokers:
            self.kill_broker()
        else:
            self.kill_following()
        say(f"{options.changes} changes written in {self.writing.finish():.0f} s")
        self.catch_up()
        return self.compare()

    def catch_up(self) -> None:
        """Until the last item that is made in each folder has its record."""
        if not self.daemon.is_running():
            self.daemon.start()
        began = time.monotonic()
        keys = [groupware.key_of(groupware.item(f, groupware.create(f, "the last"))) for f in self.folders]
        tail = Tail(self.place.kafka, self.daemon.topic("items"), self.daemon.check)
        tail.until_all({key.hex(): lambda event, key=key: event.source_key == key for key in keys}, CATCH_UP_SECONDS)
        tail.close()
        say(f"caught up within {time.monotonic() - began:.1f} s")
        self.daemon.stop()
        say(self.daemon.last_words(1))

    def compare(self) -> bool:
        mirror = mirror_of(self.place.kafka, self.daemon.prefix)
        unfinished = [key.hex() for key, snapshot in mirror.snapshots.items() if not snapshot.ended]
        if unfinished:
            say(f"SNAPSHOT WITHOUT END: {unfinished}")
        return mirror_check.report(mirror, self.folders) and not unfinished

    def clean(self, good: bool) -> None:
        if self.writing:
            self.writing.end()
        if self.daemon.is_running():
            self.daemon.kill()
        if good:
            groupware.remove_folders(self.store, self.folders)
            self.daemon.remove()
        else:
            say(f"left behind: {self.daemon.directory}, topics {self.daemon.prefix}.*, folders {', '.join(self.names)}")


def say(text: str) -> None:
    print(text, flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    place.add_all(parser)
    parser.add_argument("--items", type=int, default=10000, help="to be listed at the start")
    parser.add_argument("--changes", type=int, default=20000)
    parser.add_argument("--snapshot-kills", type=int, default=10)
    parser.add_argument("--kills", type=int, default=50, help="while following")
    parser.add_argument("--broker-kills", type=int, default=0, help="run and kill a broker too; often with --kills 0")
    parser.add_argument("--keep", action="store_true", help="the daemon's directory, the topics and the folders")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    return parser.parse_args()


def main() -> int:
    options = arguments()
    say(f"seed {options.seed}")
    broker = Broker() if options.broker_kills else None
    campaign = Campaign(options, broker)
    good = False
    try:
        good = campaign.run()
    except (Failed, TimeoutError) as error:
        say(f"FAILED: {error}")
    finally:
        campaign.clean(good and not options.keep)
        if broker and good and not options.keep:
            broker.remove()
    say("nothing was lost" if good else f"FAILED, seed {options.seed}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
