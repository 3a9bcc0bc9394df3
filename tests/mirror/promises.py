"""What every consumer may rely on (proto/README.md), checked record by record.

Only what can be told from the records alone and is never wrong about a correct daemon. A restart repeats records, perhaps
collapsed in another way, so an item's change ids may go back; but then they must come back to where they were: that is
known only at the end, by unfinished(). Who knows that nothing was restarted says repeats=False: going back is then wrong
at once.
"""

from records import change

CLASSES = {change.KIND_READ_STATE: "read", change.KIND_DELETED: "delete"}
BRACKETS = (change.KIND_SNAPSHOT_BEGIN, change.KIND_SNAPSHOT_END)
UPSERTS = (change.KIND_CREATED, change.KIND_UPDATED)
ONLY_NOTIFIED = (change.KIND_MOVED, change.KIND_COPIED)
CONTENT = {
    change.OBJECT_TYPE_ITEM: "item",
    change.OBJECT_TYPE_FOLDER: "folder_properties",
    change.OBJECT_TYPE_USER: "user",
    change.OBJECT_TYPE_GROUP: "group",
    change.OBJECT_TYPE_STORE: "store_properties",
}


def camel(enum, value, prefix):
    return enum.Name(value)[len(prefix) :].title().replace("_", "")


def type_of(event):
    """The CloudEvents type."""
    kind = camel(change.Kind, event.kind, "KIND_")
    return "tidings.v1." + (kind if event.kind in BRACKETS else object_name(event) + kind)


def object_name(event):
    return camel(change.ObjectType, event.object_type, "OBJECT_TYPE_")


def key_of(event):
    """The Kafka key; a compacted items topic appends the item's source key."""
    store = event.store.guid.hex()
    if event.object_type in (change.OBJECT_TYPE_USER, change.OBJECT_TYPE_GROUP):
        return event.source_key.hex()
    if event.object_type == change.OBJECT_TYPE_STORE:
        return store
    is_folder = event.object_type == change.OBJECT_TYPE_FOLDER
    return f"{store}/{(event.source_key if is_folder else event.parent_source_key).hex()}"


def identity_of(event):
    """What the id stands for; None: the id is random."""
    server = (event.server_guid, event.epoch)
    if event.origin == change.ORIGIN_NOTIFICATION:
        return None
    if event.snapshot_id:
        listed = event.parent_source_key if event.kind in BRACKETS else event.source_key
        return server + (event.snapshot_id, event.kind, listed)
    if event.change_id == 0:
        return None
    changed = CLASSES.get(event.kind, "content")
    return server + (event.parent_source_key, event.source_key, changed, event.change_id)


def wrong_content(event):
    content = event.WhichOneof("content")
    if event.kind in UPSERTS:
        return content not in (None, CONTENT.get(event.object_type))
    if event.kind == change.KIND_DELETED:
        return content != "deletion"
    if event.kind == change.KIND_READ_STATE:
        return content not in ("read_state", "item")
    return content != ("move" if event.kind in ONLY_NOTIFIED else None)


def faults_of_item(event):
    is_bracket, listed = event.kind in BRACKETS, event.origin == change.ORIGIN_SNAPSHOT
    yield "no parent source key", not event.parent_source_key
    yield "a source key on a bracket", is_bracket and event.source_key
    yield "no source key", not is_bracket and not event.source_key
    yield "a bracket outside of a snapshot", is_bracket and not listed
    yield "a kind that no listing has", listed and not is_bracket and event.kind != change.KIND_CREATED
    yield "no change id", event.origin == change.ORIGIN_ICS and event.change_id == 0
    yield "another folder than the parent", (
        event.HasField("folder") and event.folder.source_key != event.parent_source_key
    )
    yield "read differs from message_flags", (
        event.HasField("item") and event.item.read != bool(event.item.message_flags & 1)
    )


def faults_of(event):
    notified = event.origin == change.ORIGIN_NOTIFICATION
    yield "an id that is not 16 bytes", len(event.id) != 16
    yield "an unknown kind", event.kind not in change.Kind.values() or not event.kind
    yield "an unknown origin", event.origin not in change.Origin.values() or not event.origin
    yield "an unknown object type", event.object_type not in CONTENT
    yield "a server GUID that is not 16 bytes", len(event.server_guid) != 16
    yield "no epoch", event.epoch == 0
    yield "no time", not event.HasField("observed_at")
    yield "a kind that only notifications have", event.kind in ONLY_NOTIFIED and not notified
    yield "a snapshot id, or none, against its origin", (
        len(event.snapshot_id) != (16 if event.origin == change.ORIGIN_SNAPSHOT else 0)
    )
    yield "content that does not fit its kind", wrong_content(event)
    if event.object_type == change.OBJECT_TYPE_ITEM and not notified:
        yield from faults_of_item(event)


class Promises:
    def __init__(self, repeats=True):
        self.repeats = repeats
        self.violations = []
        self.identities = {}  # id -> what it stands for
        self.ids = {}  # the other way round
        self.highest = {}  # (folder, item) -> (epoch, change id)
        self.behind = {}  # (folder, item) -> the change id that it went back to
        self.begun = {}  # folder -> ids of its snapshots

    def check(self, event):
        """Returns True for a repeat."""
        for fault, is_there in faults_of(event):
            if is_there:
                self._report(event, fault)
        repeat = self._check_id(event)
        if event.object_type == change.OBJECT_TYPE_ITEM:
            if event.origin == change.ORIGIN_ICS:
                self._check_order(event)
            self._check_snapshot(event)
        return repeat

    def check_envelope(self, event, key, headers):
        """key and headers as Kafka gives them."""
        plain = key_of(event)
        if key.decode() not in (plain, f"{plain}/{event.source_key.hex()}"):
            self._report(event, f"the key {key.decode()}")
        expected = {
            "ce_specversion": "1.0",
            "ce_id": event.id.hex(),
            "ce_source": f"/kopano/{event.server_guid.hex()}",
            "ce_type": type_of(event),
            "content-type": "application/protobuf",
        }
        if event.source_key:
            expected["ce_subject"] = event.source_key.hex()
        for name, value in expected.items():
            if headers.get(name, b"").decode() != value:
                self._report(event, f"the header {name}: {headers.get(name)}")

    def excuse(self, letter):
        """A dead letter stands for the records that an item went back from."""
        item = (letter.parent_source_key, letter.source_key)
        if (letter.epoch, letter.change_id) >= self.highest.get(item, (0, 0)):
            self.behind.pop(item, None)

    def forget_all_but(self, folder, items):
        """A sweep: what is gone from the folder need not come back to anything."""
        self.behind = {key: at for key, at in self.behind.items() if key[0] != folder or key[1] in items}

    def unfinished(self):
        """What is a violation if no record follows any more."""
        return [
            f"item {item.hex()} in {folder.hex()} went back from {self.highest[folder, item][1]} to {at} and stayed there"
            for (folder, item), at in self.behind.items()
        ]

    def _check_id(self, event):
        identity = identity_of(event)
        if event.id in self.identities and (identity is None or self.identities[event.id] != identity):
            self._report(event, "the id of another change")
        elif identity is not None and self.ids.get(identity, event.id) != event.id:
            self._report(event, "another id than the same change had")
        repeat = event.id in self.identities
        if repeat and not self.repeats:
            self._report(event, "a repeat")
        self.identities[event.id] = identity
        self.ids[identity] = event.id
        return repeat

    def _check_order(self, event):
        item, now = (event.parent_source_key, event.source_key), (event.epoch, event.change_id)
        before = self.highest.get(item, (0, 0))
        if now[0] < before[0]:
            self._report(event, f"epoch {now[0]} after {before[0]}")
        elif now >= before:
            self.highest[item] = now
            self.behind.pop(item, None)
        elif self.repeats:
            self.behind[item] = event.change_id
        else:
            self._report(event, f"change id {now[1]} after {before[1]}")

    def _check_snapshot(self, event):
        """A restart may go on with a listing after the BEGIN of a later one, but each has had its BEGIN."""
        folder = event.parent_source_key
        if event.kind == change.KIND_SNAPSHOT_BEGIN:
            self.begun.setdefault(folder, []).append(event.snapshot_id)
            return
        begun = self.begun.get(folder, [])
        if event.snapshot_id and event.snapshot_id not in (begun if self.repeats else begun[-1:]):
            self._report(event, "of a snapshot that has not begun")

    def _report(self, event, what):
        kind = change.Kind.Name(event.kind) if event.kind in change.Kind.values() else event.kind
        where = f"item {event.source_key.hex()} in {event.parent_source_key.hex()}"
        self.violations.append(f"{kind} of {where}, change id {event.change_id}: {what}")
