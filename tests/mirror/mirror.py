#!/usr/bin/python3
"""The mirror: a consumer that knows only proto/ and builds every folder's items from the records alone.

    mirror.py --bootstrap localhost:9092 --topic tidings.items [--topic tidings.deadletter] [--json]

It reads to the end of the topics as it is when it gets there, prints what it built, and exits 1 if a promise was broken
(promises.py). As a module: Mirror().apply(event) for each record, then .folders, .counts, .finish().
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field

from promises import Promises
from records import change, dead_letter

PROPERTIES = ("message_class", "subject", "read", "size_bytes")


@dataclass
class Entry:
    """What the mirror knows of an item. Without content (complete is False) there is a dead letter that says why."""

    associated: bool
    item_number: int
    change_id: int
    complete: bool
    message_class: str = ""
    subject: str = ""
    read: bool = False
    size_bytes: int = 0


@dataclass
class Snapshot:
    """The last listing of a folder: which of its items were named since it began."""

    id: bytes
    named: set = field(default_factory=set)
    ended: bool = False


def entry_of(event):
    content = {name: getattr(event.item, name) for name in PROPERTIES}
    return Entry(event.associated, event.item_number, event.change_id, event.HasField("item"), **content)


class Mirror:
    """folders: source key -> {item's source key -> Entry}; objects: type -> {source key -> properties}."""

    def __init__(self, repeats=True):
        self.folders = defaultdict(dict)
        self.objects = defaultdict(dict)
        self.snapshots = {}
        self.counts = Counter()
        self.promises = Promises(repeats)

    def apply(self, event):
        """Take a ChangeEvent."""
        self.counts["records"] += 1
        self.counts["repeats"] += self.promises.check(event)
        if event.origin == change.ORIGIN_NOTIFICATION:
            self.counts["notifications"] += 1
        elif event.object_type == change.OBJECT_TYPE_ITEM:
            self._apply_item(event)
        elif event.kind == change.KIND_DELETED:
            self.objects[event.object_type].pop(event.source_key, None)
        else:
            self.objects[event.object_type][event.source_key] = getattr(event, event.WhichOneof("content") or "", None)

    def apply_dead_letter(self, letter):
        self.counts["dead_letters"] += 1
        self.promises.excuse(letter)

    def apply_tombstone(self, key):
        """Of a compacted topic: the key without a value means the same as a DELETED."""
        parts = [bytes.fromhex(part) for part in key.decode().split("/")]
        if len(parts) == 3:
            self.folders[parts[1]].pop(parts[2], None)

    def _apply_item(self, event):
        if event.kind == change.KIND_SNAPSHOT_BEGIN:
            self._begin(event)
        elif event.kind == change.KIND_SNAPSHOT_END:
            self._end(event)
        elif event.kind == change.KIND_DELETED:
            self._delete(event)
        else:
            self._name(event)
            self._set(event)

    def _begin(self, event):
        snapshot = self.snapshots.get(event.parent_source_key)
        if snapshot is None or snapshot.id != event.snapshot_id:
            self.snapshots[event.parent_source_key] = Snapshot(event.snapshot_id)

    def _end(self, event):
        folder, snapshot = event.parent_source_key, self.snapshots.get(event.parent_source_key)
        if snapshot is None or snapshot.id != event.snapshot_id or snapshot.ended:
            self.counts["ends_ignored"] += 1
            return
        for key in self.folders[folder].keys() - snapshot.named:
            del self.folders[folder][key]
            self.counts["swept"] += 1
        self.promises.forget_all_but(folder, snapshot.named)
        snapshot.ended = True

    def _name(self, event):
        snapshot = self.snapshots.get(event.parent_source_key)
        if snapshot and not snapshot.ended:
            snapshot.named.add(event.source_key)

    def _delete(self, event):
        known = self.folders[event.parent_source_key].pop(event.source_key, None)
        self.counts["deletes_of_unknown"] += known is None

    def _set(self, event):
        items = self.folders[event.parent_source_key]
        if event.kind != change.KIND_READ_STATE or event.HasField("item"):
            items[event.source_key] = entry_of(event)
        elif event.source_key in items:
            items[event.source_key].read = event.read_state.read
        else:
            self.counts["read_states_of_unknown"] += 1

    def finish(self):
        """All violations, now that every record was applied and the daemon has nothing left to send."""
        return self.promises.violations + self.promises.unfinished()

    def as_json(self):
        folders = {
            folder.hex(): {key.hex(): asdict(entry) for key, entry in sorted(items.items())}
            for folder, items in sorted(self.folders.items())
            if items
        }
        unfinished = [folder.hex() for folder, snapshot in self.snapshots.items() if not snapshot.ended]
        return {
            "folders": folders,
            "counts": dict(self.counts),
            "snapshots_without_end": unfinished,
            "violations": self.finish(),
        }


def apply_message(mirror, message):
    """Take a record of Kafka, of any of the topics."""
    headers = dict(message.headers() or [])
    kind = headers.get("ce_type", b"").decode()
    if message.value() is None:
        mirror.apply_tombstone(message.key())
    elif kind == "tidings.v1.DeadLetter":
        mirror.apply_dead_letter(dead_letter.DeadLetter.FromString(message.value()))
    elif kind == "tidings.v1.Lifecycle":
        mirror.counts["lifecycle"] += 1
    else:
        event = change.ChangeEvent.FromString(message.value())
        mirror.promises.check_envelope(event, message.key(), headers)
        mirror.apply(event)


def partitions_of(consumer, topic):
    from confluent_kafka import OFFSET_BEGINNING, KafkaException, TopicPartition

    known = consumer.list_topics(topic, timeout=10).topics[topic]
    if known.error:
        raise KafkaException(known.error)
    return [TopicPartition(topic, number, OFFSET_BEGINNING) for number in known.partitions]


def read_topics(bootstrap, topics, mirror):
    """Apply every record of the topics, from the first to the last that is there when it is reached."""
    from confluent_kafka import Consumer, KafkaError, KafkaException

    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "mirror",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
        }
    )
    try:
        partitions = [partition for topic in topics for partition in partitions_of(consumer, topic)]
        consumer.assign(partitions)
        unread = {(partition.topic, partition.partition) for partition in partitions}
        while unread:
            message = consumer.poll(10)
            if message is None:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
            if not message.error():
                apply_message(mirror, message)
            elif message.error().code() == KafkaError._PARTITION_EOF:
                unread.discard((message.topic(), message.partition()))
            else:
                raise KafkaException(message.error())
    finally:
        consumer.close()
    return mirror


def print_for_people(mirror):
    for folder, items in sorted(mirror.folders.items()):
        print(f"{folder.hex()}: {len(items)} items")
    print(", ".join(f"{name} {n}" for name, n in sorted(mirror.counts.items())))
    for violation in mirror.finish():
        print(f"violation: {violation}")


def main():
    parser = argparse.ArgumentParser(description="Build the mailboxes from the records alone.")
    parser.add_argument("--bootstrap", required=True, help="host:port of a broker")
    parser.add_argument("--topic", required=True, action="append", help="repeat for each")
    parser.add_argument("--json", action="store_true", help="print the whole mirror")
    parser.add_argument("--no-repeats", action="store_true", help="a repeated record is a violation")
    arguments = parser.parse_args()
    mirror = read_topics(arguments.bootstrap, arguments.topic, Mirror(repeats=not arguments.no_repeats))
    if arguments.json:
        json.dump(mirror.as_json(), sys.stdout, indent=1)
        print()
    else:
        print_for_people(mirror)
    return 1 if mirror.finish() else 0


if __name__ == "__main__":
    sys.exit(main())
