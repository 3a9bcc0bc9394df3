#!/usr/bin/python3
"""kill -9 of bridge and consumer at random moments, again and again: nothing is lost.

TIDINGS_SEED repeats a run, TIDINGS_KILLS says how many (default: 12)."""

import os
import random
import unittest

from topics import change
from writer import Writer
from zeromq import ZeroMQDaemonTest

N_KILLS = int(os.environ.get("TIDINGS_KILLS") or 12)


class Killed(ZeroMQDaemonTest):
    follow = {"mode": "folders", "stores": ["user1"], "folders": ["Inbox", "Sent Items"], "associated": True}

    def setUp(self) -> None:
        super().setUp()
        seed = int(os.environ.get("TIDINGS_SEED") or random.randrange(1 << 32))
        print(f"TIDINGS_SEED={seed}", flush=True)
        self.rng = random.Random(seed)
        self.writer = Writer(self.fake, self.rng)
        self.addCleanup(lambda: print(f"{self.writer.n} commands, {dict(self.topics.mirror.counts)}", flush=True))

    def kill_somebody(self) -> None:
        """The bridge, the consumer, or both; in any order they come back."""
        victims = self.rng.choice([[self.daemon], [self.keeper], [self.daemon, self.keeper], [self.keeper, self.daemon]])
        for victim in victims:
            victim.kill()
        self.topics.pump(self.rng.uniform(0, 0.2))
        for victim in self.rng.sample(victims, len(victims)):
            victim.start()

    def test_while_it_lists_and_follows(self) -> None:
        for folder in ("user1/Inbox", "user1/Sent Items"):
            self.fake.create(folder, 3000, quiet=True)
        self.start()
        self.keeper.start()
        with self.writer.at_work():
            for _ in range(N_KILLS):
                self.topics.pump(self.rng.uniform(0, 0.8))
                self.kill_somebody()
        self.wait_for(lambda: self.topics.pump() + 1 and len(self.topics.of_kind(change.KIND_SNAPSHOT_END)) >= 2, "two snapshots", 60)
        self.assert_mirror()


if __name__ == "__main__":
    unittest.main(verbosity=2)
