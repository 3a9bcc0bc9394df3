"""What happens on the server during a run of the campaign, in acts, and what a consumer must know afterwards.

Before the daemon starts, two folders are filled. The first act disturbs their listing, the second makes every kind of
change, the third comes when all that has been published. Each waits for its moment, or is played when the daemon died.
"""

import sys
from pathlib import Path
from typing import Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "daemon"))

from fake import FakeServer, Folder  # noqa: E402
from harness import Listing, differences  # noqa: E402
from topics import Topics  # noqa: E402

INBOX, DRAFTS, ELSEWHERE = "user1/Inbox", "user1/Drafts", "user1/Outbox"
FOLLOW = {"mode": "folders", "stores": ["user1"], "folders": ["Inbox", "Drafts"], "associated": True}
REFUSED, LOCKED = 0x80000005, "NO_ACCESS"  # by the server: for good, and for a while


class Scenario:
    def __init__(self, fake: FakeServer, large_bytes: int) -> None:
        self.fake = fake
        self.large = "x" * large_bytes  # a subject that makes a record too large
        self.acts = [self.disturb_listing, self.change_everything, self.change_again]
        self.moments: list[Callable[[Topics], bool]] = [self.is_listing, self.is_listed, self.has_caught_up]
        self.folders = [fake.folder("user1", path) for path in FOLLOW["folders"]]
        self.unknown: set[bytes] = set()  # items that a dead letter may stand for
        self.lists: dict[bytes, Listing] = {}
        self.prepare()

    # ---- the acts ----

    def prepare(self) -> None:
        self.items = self.fake.create(INBOX, 11, "listed %d")
        self.drafts = self.fake.create(DRAFTS, 5, "draft %d")
        self.outside = self.fake.create(ELSEWHERE, 2, "outside %d")
        self.hidden = self.fake.create(INBOX, 3, "hidden %d", associated=True)
        self.unknown.add(self.fake.create(INBOX, subject=self.large)[0].key)
        self.items += self.fake.create(INBOX, 2, "listed last %d")

    def disturb_listing(self) -> None:
        """Items at both ends of the listing, which goes from the newest to the oldest."""
        for item in (self.items[0], self.items[12]):
            self.fake.change(item, subject="changed while listed")
        for item in (self.items[1], self.items[11]):
            self.fake.delete(item, hard=True)
        for item in (self.items[2], self.items[10]):
            self.fake.delete(item, hard=False)
        self.moved = [self.fake.move(item, DRAFTS)[0] for item in (self.items[3], self.items[9])]
        self.fake.read(self.items[4], True)
        self.fake.change(self.hidden[0], subject="hidden and changed")
        self.created = self.fake.create(INBOX, 3, "created while listed %d")

    def change_everything(self) -> None:
        fake, items = self.fake, self.items
        refused, self.locked, loud, *self.new = fake.create(INBOX, 6, "new %d")
        for item, error in ((refused, REFUSED), (self.locked, LOCKED)):
            fake.refuse(item, error)
            fake.change(item, subject="changed where it cannot be read")  # it may have been read before
        fake.change(loud, subject=self.large)
        self.unknown |= {refused.key, loud.key, self.locked.key}
        fake.change(items[5], subject="changed")
        fake.read(items[4], False)
        fake.read(items[6], True)
        (self.copied,) = fake.copy(items[5], DRAFTS)
        (self.back,) = fake.move(self.moved[0], INBOX)
        (self.came,) = fake.move(self.outside[0], INBOX)
        fake.move(self.drafts[0], ELSEWHERE)
        (self.restored,) = fake.restore(items[2])
        fake.delete(items[7], hard=False)
        fake.delete(self.drafts[1], hard=True)
        fake.delete(self.hidden[1], hard=True)
        fake.delete(self.created[0], hard=True)
        fake.create(DRAFTS, 2, "new draft %d", associated=True)

    def change_again(self) -> None:
        fake = self.fake
        fake.refuse(self.locked, 0)
        self.unknown.remove(self.locked.key)
        for item in (self.locked, self.copied, self.back, self.came, self.restored, self.moved[1]):
            fake.change(item, subject="changed again")
        for item in (self.items[5], self.items[8]):
            fake.read(item, True)
        fake.purge(INBOX)
        fake.delete(self.new[0], hard=True)
        fake.move(self.new[1], DRAFTS)
        fake.copy(self.new[2], DRAFTS)
        fake.create(INBOX, 4, "last %d")

    # ---- their moments ----

    def is_listing(self, topics: Topics) -> bool:
        return len(topics.rows()) >= 4

    def is_listed(self, topics: Topics) -> bool:
        snapshots = topics.mirror.snapshots.values()
        return len(snapshots) == len(FOLLOW["folders"]) and all(snapshot.ended for snapshot in snapshots)

    def has_caught_up(self, topics: Topics) -> bool:
        return self.is_listed(topics) and not self.missing(topics)

    def is_due(self, topics: Topics) -> bool:
        return bool(self.acts) and self.moments[0](topics)

    def play(self) -> None:
        """The next act, if there is one."""
        if self.acts:
            self.moments.pop(0)
            self.acts.pop(0)()
            self.lists = {}

    # ---- what must be known ----

    def missing(self, topics: Topics) -> list[str]:
        """How the consumer's view differs from the server. Of some items a dead letter says why it may."""
        excused = self.unknown & {letter.source_key for letter in topics.letters}
        found = []
        for folder, listing in self.server_lists().items():
            lists = (listing, self.mirror_list(topics, folder))
            found += differences(*({key: entry for key, entry in side.items() if key not in excused} for side in lists))
        return found

    def server_lists(self) -> dict[bytes, Listing]:
        if not self.lists:
            self.lists = {folder.key: self.server_list(folder) for folder in self.folders}
        return self.lists

    def server_list(self, folder: Folder) -> Listing:
        return {i.key: (i.number, i.subject, i.read, i.associated) for i in self.fake.listing(folder)}

    def mirror_list(self, topics: Topics, folder: bytes) -> Listing:
        items = topics.mirror.folders.get(folder, {})
        return {key: (e.item_number, e.subject, e.read, e.associated) for key, e in items.items()}
