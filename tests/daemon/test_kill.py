#!/usr/bin/python3
"""kill -9 at random moments, again and again: nothing is lost, and what comes twice has the same id.

TIDINGS_SEED repeats a run."""

import os
import random

from harness import DaemonTest, main
from topics import change
from writer import FOLLOWED, Writer

N_KILLS = 15


class Killed(DaemonTest):
    follow = {"mode": "folders", "stores": ["user1"], "folders": ["Inbox", "Sent Items"], "associated": True}
    partitions = 2

    def setUp(self) -> None:
        super().setUp()
        seed = int(os.environ.get("TIDINGS_SEED") or random.randrange(1 << 32))
        print(f"TIDINGS_SEED={seed}", flush=True)
        self.rng = random.Random(seed)
        self.addCleanup(lambda: print(f"{self.writer.n} commands, {dict(self.topics.mirror.counts)}", flush=True))
        self.writer = Writer(self.fake, self.rng)

    def run_for(self, seconds: float) -> None:
        self.topics.pump(self.rng.uniform(0, seconds))

    def test_while_it_follows(self) -> None:
        self.start()
        self.wait_for_records(lambda t: len(t.of_kind(change.KIND_SNAPSHOT_END)) == 2, "two snapshots")
        with self.writer.at_work():
            for _ in range(N_KILLS):
                self.run_for(1.0)
                self.kill_and_start()
        self.assert_mirror()

    def test_while_changes_become_visible_late(self) -> None:
        self.write_config(source={"kopano": {"settle_ms": 5000}})
        self.start()
        with self.writer.at_work():
            for _ in range(N_KILLS):
                self.fake.do("hold", folder="user1/Inbox", ms=self.rng.randrange(1, 500))
                self.run_for(1.0)
                self.kill_and_start()
        self.fake.do("release")
        self.assert_mirror()

    def test_while_it_lists(self) -> None:
        for folder in FOLLOWED:
            self.fake.create(folder, 4000, quiet=True)
        self.fake.fault("slow", "tableQueryRows", n=60, times=100000)
        self.start()
        with self.writer.at_work():
            for _ in range(N_KILLS):
                self.run_for(1.0)
                self.kill_and_start()
        self.fake.clear_faults()
        self.wait_for_records(lambda t: len(t.of_kind(change.KIND_SNAPSHOT_END)) >= 2, "two snapshots")
        self.assert_mirror()

    def test_right_after_the_start(self) -> None:
        self.writer.work(500)
        for _ in range(N_KILLS):
            self.start()
            self.run_for(0.15)
            self.daemon.kill()
        self.start()
        self.wait_for_records(lambda t: len(t.of_kind(change.KIND_SNAPSHOT_END)) >= 2, "two snapshots")
        self.assert_mirror()


if __name__ == "__main__":
    main()
