#!/usr/bin/python3
"""Each rule of proto/README.md, and each way to break one, against the mirror that judges the daemon."""

import hashlib
import unittest

from mirror import Mirror, apply_message
from promises import identity_of
from records import change, dead_letter

SERVER = bytes(range(16))
STORE = bytes(range(16, 32))
A, B = b"folder-a", b"folder-b"
ICS, SNAPSHOT, NOTIFICATION = change.ORIGIN_ICS, change.ORIGIN_SNAPSHOT, change.ORIGIN_NOTIFICATION


def with_id(event):
    """Any function of the identity will do for the mirror."""
    identity = identity_of(event)
    event.id = hashlib.md5(repr(identity).encode() if identity else repr(event).encode()).digest()
    return event


def event(kind, key=b"x", change_id=1, folder=A, origin=ICS, epoch=1, snapshot=None, **content):
    made = change.ChangeEvent(
        kind=kind,
        origin=SNAPSHOT if snapshot else origin,
        object_type=change.OBJECT_TYPE_ITEM,
        server_guid=SERVER,
        epoch=epoch,
        store=change.Store(guid=STORE),
        source_key=key,
        parent_source_key=folder,
        change_id=change_id,
        snapshot_id=snapshot.ljust(16, b"-") if snapshot else b"",
        **content,
    )
    made.observed_at.FromSeconds(1)
    return with_id(made)


def item(subject, read=False):
    return change.Item(message_class="IPM.Note", subject=subject, read=read, message_flags=int(read))


def created(key=b"x", change_id=1, subject="s", **more):
    return event(change.KIND_CREATED, key, change_id, item=item(subject), **more)


def updated(key=b"x", change_id=2, subject="t", **more):
    return event(change.KIND_UPDATED, key, change_id, item=item(subject), **more)


def deleted(key=b"x", change_id=3, **more):
    return event(
        change.KIND_DELETED, key, change_id, deletion=change.Deletion(type=change.DELETION_TYPE_HARD), **more
    )


def marked(read, key=b"x", change_id=2, **more):
    return event(change.KIND_READ_STATE, key, change_id, read_state=change.ReadState(read=read), **more)


def begin(snapshot, folder=A):
    return event(change.KIND_SNAPSHOT_BEGIN, b"", 0, folder, snapshot=snapshot)


def end(snapshot, folder=A):
    return event(change.KIND_SNAPSHOT_END, b"", 0, folder, snapshot=snapshot)


def row(key, snapshot, folder=A, subject="s"):
    return created(key, 0, subject, folder=folder, snapshot=snapshot)


def mirror_of(*events, repeats=True):
    mirror = Mirror(repeats)
    for each in events:
        mirror.apply(each)
    return mirror


class Message:
    """As confluent_kafka gives it."""

    def __init__(self, key, value, headers=None):
        self._key, self._value, self._headers = key, value, headers

    def key(self):
        return self._key

    def value(self):
        return self._value

    def headers(self):
        return list(self._headers.items()) if self._headers else None


class MirrorTest(unittest.TestCase):
    def subjects(self, mirror, folder=A):
        return {key: entry.subject for key, entry in mirror.folders[folder].items()}

    def check(self, expected, *events, folder=A):
        mirror = mirror_of(*events)
        self.assertEqual(self.subjects(mirror, folder), expected)
        self.assertEqual(mirror.finish(), [])
        return mirror


class Contents(MirrorTest):
    def test_both_upserts_set_all(self):
        self.check({b"x": "s"}, created())
        self.check({b"x": "t"}, updated())
        self.check({b"x": "t"}, created(), updated())

    def test_delete(self):
        self.check({b"y": "s"}, created(), created(b"y", 2), deleted())

    def test_delete_of_an_unknown_item_and_again_at_the_purge(self):
        mirror = self.check({}, deleted(change_id=3), deleted(change_id=9))
        self.assertEqual(mirror.counts["deletes_of_unknown"], 2)

    def test_read_state_changes_only_read(self):
        mirror = self.check({b"x": "s"}, created(), marked(True))
        self.assertTrue(mirror.folders[A][b"x"].read)
        self.assertEqual(mirror.folders[A][b"x"].change_id, 1)

    def test_read_state_of_an_unknown_item_creates_nothing(self):
        mirror = self.check({}, marked(True))
        self.assertEqual(mirror.counts["read_states_of_unknown"], 1)

    def test_read_state_with_the_whole_item_is_an_upsert(self):
        self.check({b"x": "w"}, event(change.KIND_READ_STATE, change_id=4, item=item("w", read=True)))

    def test_folders_are_apart(self):
        mirror = self.check({b"x": "s"}, created(), created(folder=B, change_id=5), deleted(folder=B, change_id=6))
        self.assertEqual(self.subjects(mirror, B), {})

    def test_a_move_is_a_delete_and_a_create(self):
        self.check({b"new": "s"}, created(), deleted(), created(b"new", 4, folder=B), folder=B)

    def test_a_record_of_keys_alone_replaces_what_was_known(self):
        mirror = self.check({b"x": ""}, created(), event(change.KIND_UPDATED, change_id=2))
        self.assertFalse(mirror.folders[A][b"x"].complete)

    def test_notifications_do_not_count(self):
        self.check({}, created(origin=NOTIFICATION, change_id=0))

    def test_a_tombstone_deletes(self):
        mirror = mirror_of(created())
        apply_message(mirror, Message(f"{STORE.hex()}/{A.hex()}/{b'x'.hex()}".encode(), None))
        self.assertEqual(self.subjects(mirror), {})

    def test_objects_other_than_items(self):
        made = event(change.KIND_CREATED, b"f", folder_properties=change.FolderProperties(name="n"))
        gone = event(change.KIND_DELETED, b"f", 2, deletion=change.Deletion(type=change.DELETION_TYPE_HARD))
        made.object_type = gone.object_type = change.OBJECT_TYPE_FOLDER
        mirror = mirror_of(made)
        self.assertEqual(mirror.objects[change.OBJECT_TYPE_FOLDER][b"f"].name, "n")
        mirror.apply(gone)
        self.assertEqual(mirror.objects[change.OBJECT_TYPE_FOLDER], {})
        self.assertEqual(mirror.finish(), [])


class Snapshots(MirrorTest):
    def test_sweep_removes_what_was_not_named(self):
        mirror = self.check({b"y": "s"}, created(), begin(b"1"), row(b"y", b"1"), end(b"1"))
        self.assertEqual(mirror.counts["swept"], 1)

    def test_records_of_any_origin_name(self):
        self.check({b"x": "s", b"z": "t"}, created(), begin(b"1"), marked(True), updated(b"z", 5), end(b"1"))

    def test_a_delete_between_them_stays(self):
        self.check({}, created(), begin(b"1"), row(b"x", b"1"), deleted(), end(b"1"))

    def test_other_folders_are_not_swept(self):
        self.check({b"x": "s"}, created(folder=B), begin(b"1"), end(b"1"), folder=B)

    def test_an_empty_pair_ends_a_folder(self):
        self.check({}, created(), created(b"y", 2), begin(b"1"), end(b"1"))

    def test_an_end_counts_once(self):
        mirror = self.check({b"n": "s"}, begin(b"1"), end(b"1"), created(b"n", 7), end(b"1"))
        self.assertEqual(mirror.counts["ends_ignored"], 1)

    def test_an_end_counts_once_also_after_its_begin_again(self):
        self.check({b"n": "s"}, begin(b"1"), end(b"1"), created(b"n", 7), begin(b"1"), end(b"1"))

    def test_an_end_of_an_older_snapshot_is_ignored(self):
        self.check({b"x": "s"}, created(), begin(b"1"), begin(b"2"), end(b"1"))

    def test_a_new_begin_discards_the_set_before(self):
        self.check({b"y": "s"}, begin(b"1"), row(b"x", b"1"), begin(b"2"), row(b"y", b"2"), end(b"2"))

    def test_the_same_begin_keeps_the_set(self):
        self.check({b"x": "s"}, begin(b"1"), row(b"x", b"1"), begin(b"1"), end(b"1"))

    def test_a_begin_alone_removes_nothing(self):
        mirror = self.check({b"x": "s"}, created(), begin(b"1"))
        self.assertEqual(mirror.as_json()["snapshots_without_end"], [A.hex()])

    def test_repeated_rows_after_the_end(self):
        self.check({b"x": "s"}, begin(b"1"), row(b"x", b"1"), end(b"1"), row(b"x", b"1"), end(b"1"))


class Promised(unittest.TestCase):
    def kept(self, *events, repeats=True):
        self.assertEqual(mirror_of(*events, repeats=repeats).finish(), [])

    def broken(self, what, *events, repeats=True):
        violations = mirror_of(*events, repeats=repeats).finish()
        self.assertEqual(len(violations), 1, violations)
        self.assertIn(what, violations[0])

    def altered(self, made, **fields):
        for name, value in fields.items():
            setattr(made, name, value)
        return made

    def test_repeats_are_counted(self):
        mirror = mirror_of(created(), created(), marked(True), marked(True))
        self.assertEqual(mirror.counts["repeats"], 2)
        self.assertEqual(mirror.finish(), [])

    def test_a_repeat_may_carry_newer_content(self):
        self.kept(created(), updated(), created(subject="t"), updated())

    def test_a_restart_may_collapse_in_another_way(self):
        self.kept(updated(change_id=5), created(change_id=3), updated(change_id=5))
        self.kept(created(change_id=3), marked(True, change_id=5), updated(change_id=5))

    def test_going_back_without_return(self):
        self.broken("went back from 5 to 3", updated(change_id=5), created(change_id=3))

    def test_going_back_and_past_it(self):
        self.kept(updated(change_id=5), created(change_id=3), deleted(change_id=9))

    def test_going_back_without_restart(self):
        self.broken("change id 3 after 5", updated(change_id=5), updated(change_id=3), repeats=False)

    def test_a_repeat_without_restart(self):
        self.broken("a repeat", created(), created(), repeats=False)
        self.kept(created(), updated(), repeats=False)

    def test_items_have_an_order_of_their_own(self):
        self.kept(updated(change_id=5), created(b"y", 3), created(folder=B, change_id=2), repeats=False)

    def test_a_sweep_excuses(self):
        self.kept(updated(change_id=5), created(change_id=3), begin(b"1"), end(b"1"))

    def test_a_dead_letter_excuses(self):
        mirror = mirror_of(updated(change_id=5), created(change_id=3))
        letter = dead_letter.DeadLetter(parent_source_key=A, source_key=b"x", epoch=1, change_id=4)
        mirror.apply_dead_letter(letter)
        self.assertEqual(len(mirror.finish()), 1)
        letter.change_id = 5
        mirror.apply_dead_letter(letter)
        self.assertEqual(mirror.finish(), [])
        self.assertEqual(mirror.counts["dead_letters"], 2)

    def test_a_new_epoch_counts_anew(self):
        self.kept(updated(change_id=5), updated(change_id=2, epoch=2), repeats=False)
        self.broken("epoch 1 after 2", updated(change_id=5, epoch=2), updated(change_id=6))

    def test_snapshot_rows_have_no_order(self):
        self.kept(begin(b"1"), updated(change_id=9), row(b"x", b"1"), end(b"1"), repeats=False)

    def test_ids(self):
        self.broken("the id of another change", created(), self.altered(updated(), id=created().id))
        self.broken("another id", created(), self.altered(created(), id=b"?" * 16))
        notified = created(origin=NOTIFICATION, change_id=0)
        self.broken("the id of another change", notified, notified)

    def test_listing_without_begin(self):
        self.broken("has not begun", row(b"x", b"1"))
        self.broken("has not begun", end(b"1"))
        self.broken("has not begun", begin(b"1"), end(b"1", folder=B))

    def test_an_older_listing_goes_on_only_after_a_restart(self):
        older = begin(b"1"), begin(b"2"), row(b"x", b"1")
        self.kept(*older)
        self.broken("has not begun", *older, repeats=False)

    def test_form(self):
        self.broken("no epoch", with_id(self.altered(created(), epoch=0)))
        self.broken("16 bytes", self.altered(created(), id=b"short"))
        self.broken("server GUID", with_id(self.altered(created(), server_guid=b"short")))
        self.broken("no change id", created(change_id=0))
        self.broken("no source key", created(b""))
        self.broken("no parent source key", created(folder=b""))
        self.broken("unknown origin", created(origin=0))
        self.broken("only notifications", event(change.KIND_MOVED, move=change.Move()))
        self.broken("no listing has", begin(b"1"), deleted(change_id=0, snapshot=b"1"))
        self.broken("against its origin", self.altered(begin(b"1"), snapshot_id=b""), repeats=True)

    def test_content_fits_the_kind(self):
        self.broken("does not fit", event(change.KIND_DELETED))
        self.broken("does not fit", event(change.KIND_READ_STATE))
        self.broken("does not fit", event(change.KIND_CREATED, user=change.User()))
        self.broken("message_flags", event(change.KIND_CREATED, item=change.Item(read=True)))

    def test_the_folder_is_the_parent(self):
        self.kept(created(folder=A))
        wrong = created()
        wrong.folder.source_key = B
        self.broken("another folder", wrong)


class Envelope(unittest.TestCase):
    def headers(self, made, **other):
        headers = {
            "ce_specversion": b"1.0",
            "ce_id": made.id.hex().encode(),
            "ce_source": f"/kopano/{SERVER.hex()}".encode(),
            "ce_type": b"tidings.v1.ItemCreated",
            "ce_subject": made.source_key.hex().encode(),
            "content-type": b"application/protobuf",
        }
        headers.update(other)
        return headers

    def apply(self, made, key=None, **other):
        key = key or f"{STORE.hex()}/{made.parent_source_key.hex()}".encode()
        mirror = Mirror()
        apply_message(mirror, Message(key, made.SerializeToString(), self.headers(made, **other)))
        return mirror.finish()

    def test_good_ones(self):
        self.assertEqual(self.apply(created()), [])
        self.assertEqual(self.apply(created(), f"{STORE.hex()}/{A.hex()}/{b'x'.hex()}".encode()), [])
        bracket = begin(b"1")
        self.assertEqual(self.apply(bracket, ce_type=b"tidings.v1.SnapshotBegin", ce_subject=b""), [])
        self.assertEqual(self.apply(marked(True), ce_type=b"tidings.v1.ItemReadState"), [])

    def test_bad_ones(self):
        self.assertIn("the key", self.apply(created(), b"elsewhere")[0])
        self.assertIn("ce_id", self.apply(created(), ce_id=b"1")[0])
        self.assertIn("ce_type", self.apply(updated())[0])
        self.assertIn("ce_source", self.apply(created(), ce_source=b"/")[0])
        self.assertIn("ce_subject", self.apply(created(), ce_subject=b"00")[0])

    def test_other_topics(self):
        mirror = Mirror()
        letter = dead_letter.DeadLetter(cause=dead_letter.CAUSE_TOO_LARGE)
        apply_message(mirror, Message(b"", letter.SerializeToString(), {"ce_type": b"tidings.v1.DeadLetter"}))
        apply_message(mirror, Message(b"", b"", {"ce_type": b"tidings.v1.Lifecycle"}))
        self.assertEqual(mirror.counts["dead_letters"], 1)
        self.assertEqual(mirror.counts["lifecycle"], 1)


if __name__ == "__main__":
    unittest.main()
