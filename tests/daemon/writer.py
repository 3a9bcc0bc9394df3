"""Somebody who works in the followed folders: a random but repeatable run of every kind of change."""

import json
import random
from contextlib import AbstractContextManager
from typing import Any

from beside import all_the_time
from fake import FakeServer, Item

FOLLOWED = ["user1/Inbox", "user1/Sent Items"]
ELSEWHERE = "user1/Drafts"
PAUSE_SECONDS = 0.005


class Writer:
    def __init__(self, fake: FakeServer, rng: random.Random) -> None:
        self.fake = fake
        self.rng = rng
        self.n = 0  # commands so far
        self.alive: list[Item] = []
        self.deleted: list[Item] = []

    def work(self, n: int) -> None:
        """That many commands, a few at a time in one request."""
        while n > 0:
            burst = min(n, self.rng.randint(1, 12))
            n -= burst
            self._carry_out([self._next() for _ in range(burst)])

    def at_work(self) -> AbstractContextManager[None]:
        """All the time, beside what the test does."""
        return all_the_time(lambda: self.work(4), lambda: PAUSE_SECONDS)

    def _carry_out(self, commands: list[tuple[dict[str, Any], str]]) -> None:
        answers = self.fake.do_lines(json.dumps(command) for command, _ in commands)
        for (command, folder), answer in zip(commands, answers):
            if folder:
                self.alive += [Item(folder, bytes.fromhex(i["key"]), i["number"]) for i in answer.get("items", [])]

    def _next(self) -> tuple[dict[str, Any], str]:
        """A command, and the folder in which its answer puts items."""
        self.n += 1
        verbs = ["create"] * 4 + ["change"] * 6 + ["read", "unread"] * 2 + ["move"] * 3 + ["copy", "delete", "delete", "restore"]
        verb = self.rng.choice(verbs)
        if verb == "restore" and self.deleted:
            item = self._take(self.deleted)
            return self._about("restore", item), item.folder
        if verb in ("create", "restore") or len(self.alive) < 20:
            return self._create()
        return getattr(self, f"_{verb}")()

    def _create(self) -> tuple[dict[str, Any], str]:
        folder = self.rng.choice(FOLLOWED)
        associated = self.rng.random() < 0.1
        return dict(do="create", folder=folder, n=self.rng.randint(1, 5), subject=f"new {self.n}-%d", associated=associated), folder

    def _change(self) -> tuple[dict[str, Any], str]:
        return self._about("change", self.rng.choice(self.alive), subject=f"changed {self.n}"), ""

    def _read(self) -> tuple[dict[str, Any], str]:
        return self._about("read", self.rng.choice(self.alive)), ""

    def _unread(self) -> tuple[dict[str, Any], str]:
        return self._about("unread", self.rng.choice(self.alive)), ""

    def _move(self) -> tuple[dict[str, Any], str]:
        to = self.rng.choice([*FOLLOWED, ELSEWHERE])
        return self._about("move", self._take(self.alive), to=to), to

    def _copy(self) -> tuple[dict[str, Any], str]:
        to = self.rng.choice(FOLLOWED)
        return self._about("copy", self.rng.choice(self.alive), to=to), to

    def _delete(self) -> tuple[dict[str, Any], str]:
        item, hard = self._take(self.alive), self.rng.random() < 0.5
        if not hard:
            self.deleted.append(item)
        return self._about("delete", item, hard=hard), ""

    def _about(self, verb: str, item: Item, **more: Any) -> dict[str, Any]:
        return dict(do=verb, folder=item.folder, items=[item.key.hex()], **more)

    def _take(self, items: list[Item]) -> Item:
        return items.pop(self.rng.randrange(len(items)))
