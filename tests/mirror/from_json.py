"""Records from their JSON lines (proto/README.md, "As JSON"), back to what they were."""

from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from records import change, dead_letter, lifecycle

__all__ = ["record_of", "event_of"]


def event_of(line: dict[str, Any]) -> change.ChangeEvent:
    return _fill(change.ChangeEvent(), line)


def record_of(line: dict[str, Any]) -> Message:
    """Whichever it is: only dead letters have a cause, only lifecycle events a type."""
    if "cause" in line:
        return _fill(dead_letter.DeadLetter(), line)
    return _fill(lifecycle.LifecycleEvent() if "type" in line else change.ChangeEvent(), line)


def _fill(message: Message, line: dict[str, Any]) -> Message:
    for field in message.DESCRIPTOR.fields:
        if field.json_name in line:
            _set(message, field, line[field.json_name])
    return message


def _set(message: Message, field: FieldDescriptor, value: Any) -> None:
    if field.label == FieldDescriptor.LABEL_REPEATED:
        getattr(message, field.name).extend(bytes.fromhex(element) for element in value)
    elif field.message_type and field.message_type.name == "Timestamp":
        getattr(message, field.name).SetInParent()
        if value is not None:
            getattr(message, field.name).FromJsonString(value)
    elif field.message_type:
        getattr(message, field.name).SetInParent()
        _fill(getattr(message, field.name), value)
    else:
        setattr(message, field.name, _scalar(field, value))


def _scalar(field: FieldDescriptor, value: Any) -> Any:
    if field.type == FieldDescriptor.TYPE_BYTES:
        return bytes.fromhex(value)
    if field.enum_type and isinstance(value, str):
        prefix = field.enum_type.values_by_number[0].name.removesuffix("UNSPECIFIED")
        return field.enum_type.values_by_name[prefix + value].number
    return value
