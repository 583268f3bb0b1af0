"""Between planned messages and rows of their table."""

from dataclasses import fields
from typing import Any

from sqlalchemy import Row

from cluster.safety.events import Severity
from cluster.safety.messages import MessageKind, MessageState, PlannedMessage

_NAMES = tuple(field.name for field in fields(PlannedMessage))
_WORDS = {"kind": MessageKind, "state": MessageState, "severity": Severity}


def message_values(message: PlannedMessage) -> dict[str, Any]:
    """The columns of a new row. Texts that no database takes (NUL) are mended: a rule's name must not stop an event."""
    values = {name: getattr(message, name) for name in _NAMES}
    return {name: str(value).replace("\x00", "") if isinstance(value, str) else value for name, value in values.items()}


def planned_message(row: Row[Any]) -> PlannedMessage:
    """`row` has the columns of the messages table."""
    values: dict[str, Any] = {name: getattr(row, name) for name in _NAMES}
    return PlannedMessage(**values | {name: word(values[name]) for name, word in _WORDS.items()})
