#!/usr/bin/python3
"""Random changes for a long time, with a restart of the server now and then, and the intervals of the default configuration:
the mirror equals the server at the end. TIDINGS_SOAK_SECONDS says how long (`make soak`: 30 minutes, a restart every minute).
"""

import os
import random
import time
import unittest

from asking import Asking
from files import FileDaemonTest
from waiting import holds_for
from writer import Writer

SECONDS = float(os.environ.get("TIDINGS_SOAK_SECONDS", "60"))
RESTART_SECONDS = min(60.0, SECONDS / 5)
SEED = int(os.environ.get("TIDINGS_SOAK_SEED", "0")) or random.SystemRandom().randrange(1 << 32)


class Soak(Asking, FileDaemonTest):
    notifications = "wake"
    follow = {"mode": "folders", "stores": ["user1"], "folders": ["Inbox", "Sent Items"], "associated": True}

    def default_config(self):
        config = super().default_config()
        del config["source"]["kopano"]["poll_interval_ms"]
        return config

    def pump_for(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.topics.pump(0.05)

    def test_soak(self) -> None:
        print(f"TIDINGS_SOAK_SEED={SEED}")
        rng = random.Random(SEED)
        self.start()
        end = time.monotonic() + SECONDS
        n_restarts = 0
        while time.monotonic() < end:
            with Writer(self.fake, rng).at_work():
                self.pump_for(min(RESTART_SECONDS, end - time.monotonic()) * rng.uniform(0.5, 1))
            self.fake.restart()
            n_restarts += 1
            holds_for(self.daemon.running, rng.uniform(0, 1))
        began = time.monotonic()
        self.wait_for_mirror(seconds=300)
        told = self.status()["source"]["notifications"]
        print(f"{n_restarts} restarts, {len(self.topics.events)} records, {told}; equal after {time.monotonic() - began:.1f} s")
        self.assertGreater(told["reconnects"], 0)
        self.assert_mirror()


class SoakOfTheServer(Soak):
    follow = {"mode": "stores", "stores": ["user1"], "folders": ["Inbox", "Sent Items"], "associated": True}

    def setUp(self) -> None:
        super().setUp()
        self.fake.change_user("user1", admin=2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
