#!/usr/bin/python3
"""The golden records, read by another implementation of protobuf, of the JSON form and of the event ids."""

import ctypes
import json
import struct
import unittest
from pathlib import Path

from google.protobuf.descriptor import FieldDescriptor

from promises import BRACKETS, CLASSES
from records import change, dead_letter, lifecycle

GOLDEN = Path(__file__).resolve().parents[1] / "data" / "golden"
CLASS_NUMBERS = {"content": 1, "read": 2, "delete": 3}


def message_of(path):
    if path.name.startswith("lifecycle_"):
        message = lifecycle.LifecycleEvent
    elif path.name.startswith("dead_letter_"):
        message = dead_letter.DeadLetter
    else:
        message = change.ChangeEvent
    return message.FromString(path.read_bytes())


def value_as_json(field, value):
    if field.type == FieldDescriptor.TYPE_BYTES:
        return value.hex()
    if field.type == FieldDescriptor.TYPE_ENUM:
        zero = field.enum_type.values_by_number[0].name
        return field.enum_type.values_by_number[value].name[len(zero) - len("UNSPECIFIED") :]
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return value.ToJsonString() if field.message_type.name == "Timestamp" else as_json(value)
    return value


def as_json(message):
    out = {}
    present = dict(message.ListFields())
    for field in message.DESCRIPTOR.fields:
        value = present.get(field)
        if field.label == FieldDescriptor.LABEL_REPEATED:
            if value:
                out[field.camelcase_name] = [value_as_json(field, element) for element in value]
        elif value is not None:
            out[field.camelcase_name] = value_as_json(field, value)
        elif field.type == FieldDescriptor.TYPE_BOOL:
            out[field.camelcase_name] = False
    return out


class Hash(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


def xxh3_128(data):
    library = ctypes.CDLL("libxxhash.so.0")
    library.XXH3_128bits.restype = Hash
    library.XXH3_128bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    value = library.XXH3_128bits(data, len(data))
    return struct.pack(">QQ", value.high, value.low)


def documented_id(event):
    """proto/README.md, "Event ids"."""
    fields = [event.server_guid, struct.pack("<Q", event.epoch)]
    if event.snapshot_id:
        listed = event.parent_source_key if event.kind in BRACKETS else event.source_key
        fields += [event.snapshot_id, bytes([event.kind]), listed]
    else:
        number = CLASS_NUMBERS[CLASSES.get(event.kind, "content")]
        fields += [event.parent_source_key, event.source_key, bytes([number]), struct.pack("<Q", event.change_id)]
    return xxh3_128(b"".join(struct.pack("<I", len(each)) + each for each in fields))


class Golden(unittest.TestCase):
    paths = sorted(GOLDEN.glob("*.bin"))

    def each(self, *kinds):
        for path in self.paths:
            message = message_of(path)
            if type(message) in kinds:
                with self.subTest(path.name):
                    yield path, message

    def test_every_kind_is_there(self):
        kinds = {message.kind for _, message in self.each(change.ChangeEvent)}
        contents = {message.WhichOneof("content") for _, message in self.each(change.ChangeEvent)}
        causes = {message.cause for _, message in self.each(dead_letter.DeadLetter)}
        types = {message.type for _, message in self.each(lifecycle.LifecycleEvent)}
        self.assertEqual(kinds | {0}, set(change.Kind.values()))
        members = change.ChangeEvent.DESCRIPTOR.oneofs_by_name["content"].fields
        self.assertEqual(contents - {None}, {member.name for member in members})
        self.assertEqual(causes | {0}, set(dead_letter.Cause.values()))
        self.assertEqual(types | {0}, set(lifecycle.LifecycleType.values()))

    def test_json(self):
        for path, message in self.each(change.ChangeEvent, dead_letter.DeadLetter, lifecycle.LifecycleEvent):
            text = path.with_suffix(".json").read_text(encoding="utf-8")
            self.assertEqual(json.loads(text), as_json(message))
            self.assertEqual(text.count("\n"), 1)
            self.assertTrue(text.isprintable() or text.rstrip("\n").isprintable())

    def test_no_field_is_unknown(self):
        for path, message in self.each(change.ChangeEvent, dead_letter.DeadLetter, lifecycle.LifecycleEvent):
            self.assertEqual(message.SerializeToString(deterministic=True), path.read_bytes())
            message.DiscardUnknownFields()
            self.assertEqual(message.SerializeToString(deterministic=True), path.read_bytes())

    def test_ids(self):
        for _, message in self.each(change.ChangeEvent, dead_letter.DeadLetter):
            if message.origin != change.ORIGIN_NOTIFICATION:
                self.assertEqual(message.id.hex(), documented_id(message).hex())

    def test_the_example_of_the_contract(self):
        """What README.md shows is the golden record item_created."""
        readme = (Path(__file__).resolve().parents[2] / "proto" / "README.md").read_text(encoding="utf-8")
        event = message_of(GOLDEN / "item_created.bin")
        self.assertIn(event.id.hex(), readme)
        self.assertIn(event.source_key.hex(), readme)


if __name__ == "__main__":
    unittest.main()
