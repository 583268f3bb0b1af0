"""Events as lines of a file: CSV for a spreadsheet, JSON lines for a program."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cluster.storage.records import StoredEvent
from deployments.ingress.documents import event_document

COLUMNS: Final = (
    "event_id", "opened_at", "closed_at", "camera_id", "zone_id", "event_type", "severity", "state", "subject",
    "occurrence", "acknowledged", "acknowledged_by", "acknowledged_at", "acknowledged_way", "remark",
    "correlation_id", "model_digest",
)  # fmt: skip
_BYTE_ORDER_MARK = "\ufeff"
"""Without it a spreadsheet takes Korean for something else."""
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class FileFormat:
    """How a file begins, and the lines of some events."""

    suffix: str
    media_type: str
    begin: str
    lines: Callable[[Sequence[StoredEvent]], str]


def csv_lines(events: Sequence[StoredEvent]) -> str:
    """A line an event, without a heading."""
    documents = map(event_document, events)
    return _csv([[_cell(document[name]) for name in COLUMNS] for document in documents])


def json_lines(events: Sequence[StoredEvent]) -> str:
    """The document of the API, one a line."""
    return "".join(json.dumps(event_document(one), ensure_ascii=False, default=str) + "\n" for one in events)


def _csv(rows: list[list[str]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()


def _cell(value: Any) -> str:
    """A remark or a name that a spreadsheet would run as a formula is text to it, by the quote before it."""
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"'{text}" if text.startswith(_BEGINS_A_FORMULA) else text


FORMATS: Final = {
    "csv": FileFormat("csv", "text/csv", _BYTE_ORDER_MARK + _csv([list(COLUMNS)]), csv_lines),
    "jsonl": FileFormat("jsonl", "application/x-ndjson", "", json_lines),
}
