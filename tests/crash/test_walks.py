#!/usr/bin/python3
"""The daemon ends at one of its steps after another (every fourth; TIDINGS_EVERY=1: all of them) while it tells of many
folders: a rename, a delete, a restore, a move out of what is followed and back, an inventory. Whatever a consumer has
built then is what the server has."""

import os
import sys
import unittest
from pathlib import Path
from typing import Any, Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "daemon"))

from process import Daemon  # noqa: E402
from run import LIMITS, PROGRAM  # noqa: E402
from whole import WholeTest  # noqa: E402

N_FOLDERS = 5
EVERY = int(os.environ.get("TIDINGS_EVERY", "4"))
MAX_STEPS = 400


class Walks(WholeTest):
    follow = {"mode": "stores", "stores": ["user1"], "folders": ["In/**"]}

    def is_wanted(self, path: str, class_: str) -> bool:
        return path.startswith("In/")

    def setUp(self) -> None:
        super().setUp()
        self.daemon = Daemon(self.daemon.config, self.daemon.log_file, PROGRAM)
        self.addCleanup(self.daemon.kill)
        self.inside, self.outside = self.new_folder("user1", "", "In"), self.new_folder("user1", "", "Out")
        self.top = self.new_folder("user1", "In", "top")
        for i in range(N_FOLDERS):
            self.fake.create(self.new_folder("user1", "In/top", f"f{i}"), subject=f"in f{i}")
        self.n_sentinels = 0

    def start(self, **settings: Any) -> None:
        chosen = {f"TIDINGS_{name}": value for name, value in settings.items()}
        self.daemon.start(env={name: str(value) for name, value in (LIMITS | chosen).items()})

    def settle(self) -> None:
        """Everything up to here has been told."""
        self.n_sentinels += 1
        sentinel = self.new_folder("user1", "In", f"sentinel {self.n_sentinels}")
        self.wait_for_records(lambda t: self.folder_records(sentinel), "the sentinel")
        self.wait_for_whole()
        self.fake.delete_folder(sentinel, hard=True)
        self.wait_for_whole()

    def at_every_step(self, act: Callable[[int], None]) -> None:
        """Stopped, something happens, and then it dies at step n."""
        self.start()
        self.settle()
        for time, n in enumerate(range(1, MAX_STEPS, EVERY)):
            self.assertEqual(self.daemon.stop(), 0)
            act(time)
            self.start(DIE_AT=n)
            if self.survives():
                break
            self.daemon.wait()
            self.start()
            self.settle()
        self.assertGreater(n, N_FOLDERS)
        self.start_again()
        self.assert_whole()

    def start_again(self) -> None:
        self.daemon.kill()
        self.start()
        self.settle()

    def survives(self) -> bool:
        """All of it is told, and it is alive."""
        while self.daemon.running():
            self.topics.pump()
            if not self.whole_differences():
                return self.daemon.running()
        return False

    def test_a_rename(self) -> None:
        self.at_every_step(lambda n: self.fake.rename_folder(self.top, f"top {n}"))

    def test_a_move_out_and_in(self) -> None:
        self.at_every_step(lambda n: self.fake.move_folder(self.top, self.inside if n % 2 else self.outside))

    def test_a_delete_and_a_restore(self) -> None:
        self.at_every_step(lambda n: self.fake.restore_folder(self.top) if n % 2 else self.fake.delete_folder(self.top))

    def test_an_inventory(self) -> None:
        for n in range(1, MAX_STEPS, EVERY):
            self.start(DIE_AT=n)
            if self.survives():
                break
            self.daemon.wait()
        self.start_again()
        self.assert_whole()


if __name__ == "__main__":
    unittest.main(verbosity=2)
