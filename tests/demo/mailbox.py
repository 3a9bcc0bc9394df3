"""People at work in a mailbox of the fake server: mails arrive, are read, answered, filed and deleted; folders and a user
come, get another name, and go."""

import random
from contextlib import AbstractContextManager
from typing import Callable, Optional

from beside import all_the_time
from fake import FakeServer, Folder, Item

INBOX, SENT, PROJECTS, TRASH = "user1/Inbox", "user1/Sent Items", "user1/Projects", "user1/Deleted Items"
FOLDERS = [INBOX, SENT, PROJECTS, TRASH]
PAUSE_SECONDS = 0.25

SENDERS = ["Ada Lovelace", "Grace Hopper", "Edsger Dijkstra", "Barbara Liskov", "Niklaus Wirth", "Zoë Müller"]
SUBJECTS = ["Minutes of Monday", "Lunch?", "Offer for the new roof", "Quarterly figures", "Your ticket to Łódź", "Draft, please comment",
            "The printer again", "Holiday list", "Invoice 2026-%d", "Welcome aboard", "Re: Budget", "Call me back"]


PLANS = ["Roof", "Summer fair", "New office", "Audit"]
COLLEAGUE, PASSWORD = "niklaus", "secret"


class Mailbox:
    def __init__(self, fake: FakeServer, seed: int) -> None:
        self.fake = fake
        self.rng = random.Random(seed)
        self.n = 0
        self.where: dict[str, list[Item]] = {folder: [] for folder in FOLDERS}
        self.soon = [self._plan, self._staff]
        self.plan: Optional[Folder] = None
        self.plans: list[Callable[[], None]] = []
        self.staff: list[Callable[[], None]] = []
        self.people: dict[str, str] = {}  # login name -> full name; "" of one who is gone

    def prepare(self) -> None:
        """What is there before anybody follows."""
        self.fake.create_folder("user1/", "Projects")
        for _ in range(6):
            self._arrive()

    def lively(self) -> AbstractContextManager[None]:
        """All the time, beside what else happens."""
        return all_the_time(self.step, lambda: self.rng.uniform(0.2, 1.8) * PAUSE_SECONDS)

    def step(self) -> None:
        what = self.rng.choice([self._arrive] * 4 + [self._read] * 3 + [self._answer, self._file, self._file, self._delete, self._delete, self._empty,
                                                                        self._plan, self._plan, self._plan, self._staff])
        if len(self.where[INBOX]) < 3:
            what = self._arrive
        (self.soon.pop() if self.soon else what)()

    # ---- what people do ----

    def _arrive(self) -> None:
        self._write(INBOX, self.rng.choice(SENDERS), self.rng.choice(SUBJECTS))

    def _write(self, folder: str, sender: str, subject: str) -> None:
        self.n += 1
        text = subject % self.n if "%d" in subject else subject
        props = {"0x0042001F": sender, "0x0C1A001F": sender}
        self.where[folder] += self.fake.create(folder, subject=text, props=props)

    def _read(self) -> None:
        self.fake.read(self.rng.choice(self.where[INBOX]), True)

    def _answer(self) -> None:
        self._write(SENT, "user1", "Re: " + self.rng.choice(SUBJECTS))

    def _file(self) -> None:
        self._move(INBOX, PROJECTS)

    def _delete(self) -> None:
        self._move(INBOX, TRASH)

    def _move(self, source: str, to: str) -> None:
        item = self.where[source].pop(self.rng.randrange(len(self.where[source])))
        self.where[to] += self.fake.move(item, to)

    def _empty(self) -> None:
        """The oldest of the trash, for good."""
        for item in self.where[TRASH][:2]:
            self.fake.delete(item, hard=True)
        del self.where[TRASH][:2]

    # ---- folders, a user: one thing after another ----

    def _plan(self) -> None:
        self.plans = self.plans or [self._begin_plan, self._file_for_plan, self._file_for_plan, self._rename_plan, self._end_plan]
        self.plans.pop(0)()

    def _begin_plan(self) -> None:
        self.n += 1
        name = f"{self.rng.choice(PLANS)} {self.n}"
        self.fake.create_folder(PROJECTS, name)
        self.plan = self.fake.folder("user1", f"Projects/{name}")

    def _file_for_plan(self) -> None:
        assert self.plan
        self.fake.move(self.where[INBOX].pop(), self.plan)

    def _rename_plan(self) -> None:
        assert self.plan
        self.fake.rename_folder(self.plan, self.plan.path.split("/")[1] + ", done")

    def _end_plan(self) -> None:
        """With the mails in it."""
        assert self.plan
        self.fake.delete_folder(self.plan, hard=True)

    def _staff(self) -> None:
        self.staff = self.staff or [self._come, self._rename, self._go]
        self.staff.pop(0)()

    def _come(self) -> None:
        self.fake.add_user(COLLEAGUE, PASSWORD)
        self._rename(COLLEAGUE)

    def _rename(self, full_name: str = "Niklaus Wirth") -> None:
        self.fake.change_user(COLLEAGUE, full_name=full_name)
        self.people[COLLEAGUE] = full_name

    def _go(self) -> None:
        self.fake.delete_user(COLLEAGUE)
        self.people[COLLEAGUE] = ""
